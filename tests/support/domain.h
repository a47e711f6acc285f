/*
 * domain.h - a private Active Directory domain: one Samba domain controller on a loopback address.
 *
 * Its ports (Kerberos 88, LDAP 389, LDAPS 636, global catalogue 3268 and 3269, passwords 464) cannot be
 * moved, so each domain has an address of its own in the caller's loopback block and any number runs side by
 * side. The domain is made once per build directory (some seconds) and copied for each start. Needs root.
 *
 * In it, beside what every new domain has: the organizational unit DOMAIN_CONTAINER; the account DOMAIN_SITE,
 * which may create and delete computers there, change them, and change members of the group DOMAIN_DEVICES;
 * DOMAIN_OUTSIDER, which may not; the user alice, who is a member of the group DOMAIN_OPERATORS, and mallory,
 * who is not. All have the password DOMAIN_PASSWORD.
 */
#ifndef TESTS_SUPPORT_DOMAIN_H
#define TESTS_SUPPORT_DOMAIN_H

#include "common/error.h"
#include "support/workplace.h"

#define DOMAIN_REALM      "SITE.EXAMPLE.COM"
#define DOMAIN_DNS        "site.example.com"
#define DOMAIN_NETBIOS    "SITE"
#define DOMAIN_BASE       "DC=site,DC=example,DC=com"
#define DOMAIN_CONTAINER  "OU=AMT Computers," DOMAIN_BASE
#define DOMAIN_SITE       "amt-site"
#define DOMAIN_OUTSIDER   "amt-outsider"
#define DOMAIN_OPERATORS  "AMT Operators"
#define DOMAIN_DEVICES    "AMT Devices"
#define DOMAIN_PASSWORD   "Passw0rd-of-all"
#define DOMAIN_CONTROLLER "dc1." DOMAIN_DNS

struct domain {
    struct workplace place; /* of domain_start_beside() */
    char *directory;
    char *address; /* numeric, of DOMAIN_CONTROLLER; its TLS certificate and its tickets are for it, too */
    char *authority_path;                /* PEM: who signed the controller's TLS certificate */
    char *site_keytab, *outsider_keytab; /* of DOMAIN_SITE and DOMAIN_OUTSIDER */
    char *krb5_config_path;
    char *samba_config_path;
    char *settings[6];      /* of the site server, "key = value": LDAP under Kerberos, by the keytab of
                               DOMAIN_SITE; NULL-terminated */
    struct process *server; /* NULL while it is halted */
};

/*
 * archive: a path in the build directory, for the domain as it was made. directory: a new one, for this copy.
 * block: 127.BLOCK.0.200 becomes the domain controller's address. On true the caller owns *domain, and every
 * program that this process starts from now on finds the domain, by KRB5_CONFIG.
 */
bool domain_start(struct domain **domain, const char *archive, const char *directory, unsigned block,
                  struct error *err) MUST_CHECK;
/* The same in a workplace of its own, OUTPUT/NAME, with the archive in OUTPUT, the build directory. */
bool domain_start_beside(struct domain **domain, const char *name, struct error *err) MUST_CHECK;
void domain_stop(struct domain **domain); /* accepts NULL; the files stay */

/* Takes the domain controller away at once, and brings it back. */
void domain_halt(struct domain *domain);
bool domain_resume(struct domain *domain, struct error *err) MUST_CHECK;

/* samba-tool with these words (NULL-terminated), directly on the domain's database, also while it is served.
 * *output (may be NULL) is the caller's. */
bool domain_tool(const struct domain *domain, char **output, struct error *err, const char *word, ...)
    __attribute__((sentinel)) MUST_CHECK;
/* What the administrator finds in the whole domain: "attribute: value" lines of the objects that match, each
 * object begun by its "dn:" line; attributes separated by blanks. The caller frees. */
bool domain_search(const struct domain *domain, char **found, const char *filter, const char *attributes,
                   struct error *err) MUST_CHECK;
/* Changes of the administrator, as LDIF with changetype. */
bool domain_modify(const struct domain *domain, const char *ldif, struct error *err) MUST_CHECK;
/* A ticket-granting ticket of a user with DOMAIN_PASSWORD, into the credential cache file. */
bool domain_login(const struct domain *domain, const char *user, const char *cache_path,
                  struct error *err) MUST_CHECK;

#endif
