/*
 * profile_network.h - the sections of a profile's text form: wireless, wired 802.1X, KVM (spec 5, O8.4).
 *
 *     [wireless]             the firmware gets exactly the wireless profiles that follow
 *     [wireless NAME]        one of them
 *     [wired 802.1x]
 *     [kvm]
 *
 * A section has `key = value` lines and, for 802.1X, the trusted root of the RADIUS server as a PEM block.
 * What a section leaves out has a default in the database, which also checks what goes with what.
 */
#ifndef CONTROL_PROFILE_NETWORK_H
#define CONTROL_PROFILE_NETWORK_H

#include <stdio.h>

#include "common/error.h"
#include "common/secret.h"

#define WIRELESS_PROFILES_MAX 15 /* AMT SDK: admin profiles that any firmware holds */
#define NETWORK_SECTIONS_MAX  (WIRELESS_PROFILES_MAX + 3)
#define NETWORK_KEYS_MAX      16

enum network_kind { NETWORK_WIRELESS, NETWORK_WIRELESS_PROFILE, NETWORK_WIRED, NETWORK_KVM, NETWORK_KINDS };

struct network_section {
    enum network_kind kind;
    char *name;                     /* of a wireless profile, else NULL */
    char *values[NETWORK_KEYS_MAX]; /* as in the file, in the order of the keys; NULL: left out */
    struct bytes trusted_root;      /* DER; empty: none */
};

struct profile_network { /* zero-initialise; ended with profile_network_clear() */
    struct network_section sections[NETWORK_SECTIONS_MAX];
    size_t count;
    char *pem; /* of a block that has not ended yet */
};

void profile_network_clear(struct profile_network *network);

/* Whether a line, trimmed, belongs to the sections: it opens one, or one is open. */
bool profile_network_takes(const struct profile_network *network, const char *line);
bool profile_network_line(struct profile_network *network, char *line, struct error *err) MUST_CHECK;
/* After the last line. */
bool profile_network_end(const struct profile_network *network, struct error *err) MUST_CHECK;
void profile_network_print(const struct profile_network *network, FILE *out);

/* NULL: there is none. */
const struct network_section *profile_network_find(const struct profile_network *network,
                                                   enum network_kind kind, const char *name);
/* Room for another one; NULL when there is none. */
struct network_section *profile_network_add(struct profile_network *network, enum network_kind kind,
                                            const char *name);

/* How a section is called in the password file: "wireless NAME", "wired 802.1x". The caller frees. */
char *network_section_title(const struct network_section *section);
/* Finds the one of that title that has a password, a passphrase or one for EAP. NULL: none. */
const struct network_section *profile_network_of_title(const struct profile_network *network,
                                                       const char *title, size_t length);
/* Whether it can be the password of this section. Never shows it. */
bool network_password_check(const struct network_section *section, const struct secret *password,
                            struct error *err) MUST_CHECK;

/* The keys of a kind, by number from 0; false behind the last. name is that of SQL and JSON. */
bool network_key_at(enum network_kind kind, size_t index, const char **name);
/* The value of key number index in SQL's form, into or from the section. The caller frees what is returned.
 */
char *network_value_to_sql(const struct network_section *section, size_t index);
void network_value_from_sql(struct network_section *section, size_t index, const char *value);

#endif
