/*
 * ldap_session.h - one authenticated connection to a domain controller of Active Directory.
 *
 * Never in clear: LDAPS, StartTLS, or GSSAPI, which encrypts by itself. The controller is verified, by its
 * certificate or by Kerberos. Connects when it is first needed, to the first controller of the list that
 * answers, and again after a connection was lost. Blocking; every call ends within a few time-outs. A session
 * belongs to one thread.
 */
#ifndef DIRECTORY_LDAP_SESSION_H
#define DIRECTORY_LDAP_SESSION_H

#include <stdint.h>

#include "common/error.h"
#include "common/secret.h"

struct ldap_settings { /* all borrowed */
    /* URLs separated by blanks, in the order in which they are tried: ldaps://HOST[:PORT], or
     * ldap://HOST[:PORT], which is encrypted by StartTLS when a CA file is given, and by GSSAPI otherwise. */
    const char *servers;
    const char *global_catalogs; /* the same; empty: the same controllers at ports 3269 and 3268 */
    const char *ca_file;         /* PEM; empty: the system's */
    bool starttls;               /* for ldap:// */
    const char *bind_user;       /* DN or user@domain, with the password; empty: GSSAPI by keytab */
    const struct secret *password;
    unsigned timeout_s; /* of connecting, and of each operation */
};

struct ldap_session; /* opaque */

enum ldap_scope { SCOPE_OBJECT, SCOPE_CHILDREN, SCOPE_SUBTREE };

struct ldap_entry {
    char *dn;
    struct ldap_values {
        char *name;
        struct bytes *values; /* each with a NUL behind it */
        size_t count;
    } * attributes;
    size_t attribute_count;
};

struct ldap_entries { /* zero-initialise; ended with ldap_entries_clear() */
    struct ldap_entry *items;
    size_t count;
};

enum ldap_change_kind { CHANGE_ADD, CHANGE_REPLACE, CHANGE_REMOVE };

struct ldap_change { /* borrowed; of CHANGE_REPLACE with no values: the attribute goes */
    enum ldap_change_kind kind;
    const char *attribute;
    const char *const *texts; /* either these */
    size_t count;
    const struct secret *secret; /* or this one value, not NULL */
};

/* How an operation that the directory answered ended: what callers tell apart (RFC 4511 A.1). */
enum ldap_outcome {
    OUTCOME_DONE,
    OUTCOME_ABSENT,    /* noSuchObject */
    OUTCOME_THERE,     /* entryAlreadyExists, attributeOrValueExists */
    OUTCOME_DENIED,    /* insufficientAccessRights */
    OUTCOME_UNWILLING, /* unwillingToPerform */
    OUTCOME_VIOLATES,  /* constraintViolation */
    OUTCOME_OTHER,
};

struct ldap_session *ldap_session_new(const struct ldap_settings *settings, bool global_catalog);
void ldap_session_free(struct ldap_session **session); /* accepts NULL */

/* To be called before a series of operations: connects, or makes sure that the connection lives. */
bool ldap_session_ready(struct ldap_session *session, struct error *err) MUST_CHECK;
/* What the controller said of itself when it was asked last; valid after ldap_session_ready(). Borrowed. */
const char *ldap_session_server(const struct ldap_session *session); /* URL */
const char *ldap_session_base(const struct ldap_session *session);   /* DN of its domain */
const char *ldap_session_configuration(const struct ldap_session *session);
int64_t ldap_session_skew_s(const struct ldap_session *session); /* its clock minus ours */
/* The directory's own words about the operation that it refused last, after *outcome told so. Borrowed. */
const char *ldap_session_words(const struct ldap_session *session);

/*
 * Of all four: true when the directory did it, or refused it in a way that *outcome tells (NULL: only
 * OUTCOME_DONE is true). False: *err names DN, reason and remedy. A search reads all pages; attributes is
 * NULL-terminated.
 */
bool ldap_session_search(struct ldap_session *session, const char *base, enum ldap_scope scope,
                         const char *filter, const char *const *attributes, struct ldap_entries *found,
                         enum ldap_outcome *outcome, struct error *err) MUST_CHECK;
bool ldap_session_add(struct ldap_session *session, const char *dn, const struct ldap_change *attributes,
                      size_t count, enum ldap_outcome *outcome, struct error *err) MUST_CHECK;
bool ldap_session_modify(struct ldap_session *session, const char *dn, const struct ldap_change *changes,
                         size_t count, enum ldap_outcome *outcome, struct error *err) MUST_CHECK;
bool ldap_session_delete(struct ldap_session *session, const char *dn, enum ldap_outcome *outcome,
                         struct error *err) MUST_CHECK;

/* NULL: none. Borrowed. */
const struct ldap_values *ldap_entry_values(const struct ldap_entry *entry, const char *attribute);
const char *ldap_entry_text(const struct ldap_entry *entry, const char *attribute); /* the first value */
void ldap_entries_clear(struct ldap_entries *entries);

/* A value for a filter (RFC 4515 3), or for the right side of a DN's first component (RFC 4514 2.4). The
 * caller frees. */
char *ldap_filter_escape(const void *value, size_t length);
char *ldap_name_escape(const char *value);

#endif
