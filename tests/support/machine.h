/*
 * machine.h - a simulated computer that is set up and has an account in a domain, everything done by hand.
 *
 * For what the programs of the site would never write: keys that do not fit, accounts of the wrong kind.
 * Failures end the test, as cmocka's do.
 */
#ifndef TESTS_SUPPORT_MACHINE_H
#define TESTS_SUPPORT_MACHINE_H

#include "common/message.h"
#include "common/uuid.h"
#include "support/domain.h"
#include "support/simulator.h"
#include "support/web_client.h"
#include "support/workplace.h"

struct machines { /* borrowed */
    const struct workplace *place;
    const struct domain *domain;
    struct simulator *simulator;
    const char *openssl_config; /* web_client.h */
    unsigned count;
};

struct machine { /* zero-initialise */
    const struct machines *of;
    char uuid[UUID_TEXT_SIZE];
    char *generation, *account, *fqdn, *address, *password;
    unsigned amt_major, port;
};

/* The next one, of this firmware generation: nothing of Kerberos yet, its clock right. */
void machine_plug_in(struct machines *machines, struct machine *machine, const char *generation);
void machine_clear(struct machine *machine);
struct web_target machine_target(const struct machine *machine);

/* Its account in the domain, with these msDS-SupportedEncryptionTypes, for HTTP/fqdn without and with ports.
 */
void machine_join(const struct machine *machine, uint32_t encryptions);
void machine_change_password(struct machine *machine, const char *password);

/* Written into firmware as admin: AMT_KerberosSettingData whole, or these elements of it (prefix k); an entry
 * of the access control list for a SID (binary, base64) with one realm. */
void machine_put_account(const struct machine *machine, const struct kerberos_account *account);
void machine_put_kerberos(const struct machine *machine, const char *elements);
void machine_allow(const struct machine *machine, const char *sid, unsigned realm);

#endif
