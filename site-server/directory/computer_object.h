/*
 * computer_object.h - the object of one AMT device in Active Directory (spec 7).
 *
 * Idempotent: what is there already is repaired, and nothing is written where nothing differs. The object is
 * known by its objectGUID, so that it may be moved and renamed; one whose GUID was never learned (a crash
 * after it was created) is known by its description, which holds the device's UUID.
 */
#ifndef DIRECTORY_COMPUTER_OBJECT_H
#define DIRECTORY_COMPUTER_OBJECT_H

#include "common/uuid.h"
#include "directory/ldap_session.h"

#define DIRECTORY_GUID_BYTES  16
#define ACCOUNT_NAME_MAX      20 /* spec 7; what SAM takes of a logon name (MS-SAMR 3.1.1.8.4) */
#define OBJECT_PRINCIPALS_MAX 7

struct object_settings {   /* borrowed */
    const char *container; /* DN that new objects are created in */
    const char *group;     /* DN of a group that objects become members of; empty: none */
};

struct object_guid {
    bool known;
    unsigned char bytes[DIRECTORY_GUID_BYTES];
};

struct object_wanted { /* borrowed */
    struct uuid uuid;
    const char *fqdn;
    uint32_t encryption_types; /* msDS-SupportedEncryptionTypes */
    struct object_guid guid;   /* of the object of an earlier time */
    const char *account_name;  /* sAMAccountName when the password was set last; NULL: never */
    uint32_t key_version;      /* after that; 0: never */
    /* The account's own. Set when the object is new, when its key version or its name is not what it was
     * when we set it last, or when new_password. */
    const struct secret *password;
    bool new_password;
};

struct object_found { /* zero-initialise; ended with object_found_clear() */
    struct object_guid guid;
    char *dn, *account_name;
    char *domain; /* DNS name */
    char *principals[OBJECT_PRINCIPALS_MAX];
    size_t principal_count;
    uint32_t key_version;
    bool password_set; /* by this call */
    char *changes;     /* for people: "created", "servicePrincipalName, password"; empty: nothing */
};

/* Two sessions with the same directory. */
struct directory_link {
    struct ldap_session *domain, *catalog;
};

bool computer_object_keep(struct directory_link *link, const struct object_settings *settings,
                          const struct object_wanted *wanted, struct object_found *found,
                          struct error *err) MUST_CHECK;
/* True also when it is gone already. */
bool computer_object_remove(struct directory_link *link, const struct object_settings *settings,
                            const struct uuid *uuid, const struct object_guid *guid,
                            struct error *err) MUST_CHECK;
void object_found_clear(struct object_found *found);

/* The n-th name to try, from 1: HOST$iME, HOST-2$iME ..., at most ACCOUNT_NAME_MAX characters. dollar_last:
 * HOSTiME$, for directories that take only names that end so. The caller frees. Pure. */
char *computer_account_name(const char *fqdn, unsigned n, bool dollar_last);
/* "DC=site,DC=example,DC=com" as "site.example.com". The caller frees. Pure. */
char *directory_domain_of(const char *base_dn);

#endif
