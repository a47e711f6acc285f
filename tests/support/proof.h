/*
 * proof.h - the firmware's own state as proof that a computer is provisioned.
 *
 * What SQL says is a claim; the simulator's state is the fact. Compared are the admin digest with the
 * password in escrow (read with `amtctl secret show`), the certificate with issuer and FQDN, the clock,
 * host name and domain, access control list, remote functions and power package.
 */
#ifndef TESTS_SUPPORT_PROOF_H
#define TESTS_SUPPORT_PROOF_H

#include "support/fleet.h"

struct proof_profile { /* what the computer's profile asks for */
    bool ping, web_interface, serial_over_lan, ide_redirection;
    bool always_on;           /* power package: in S0 to S5, else in S0 only */
    const char *const *users; /* Digest users of the access control list, NULL-terminated */
    size_t directory_users;   /* entries by SID besides them */
};

/* The profile `default` as a fresh site has it. */
extern const struct proof_profile proof_of_default_profile;

bool proof_check(struct site *site, const struct computer *computer, const struct proof_profile *profile,
                 struct error *err) MUST_CHECK;

/* Does the password in escrow open the firmware, whatever state the computer is in? */
bool proof_check_escrow(struct site *site, const struct computer *computer, struct error *err) MUST_CHECK;

#endif
