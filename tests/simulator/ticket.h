/*
 * ticket.h - Kerberos tickets as the firmware judges them: by the key, realm and names that
 * AMT_KerberosSettingData was given, and by the computer's own clock.
 *
 * libkrb5 decrypts and checks; its context is made for the one computer, from nothing of the host's
 * configuration. AMT SDK "Integrated Kerberos authentication": neither the version of the key nor the address
 * in the ticket counts.
 */
#ifndef SIMULATOR_TICKET_H
#define SIMULATOR_TICKET_H

#include "pac.h"
#include "spnego.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { ENCRYPTION_NAME_ROOM = 40, CLIENT_NAME_ROOM = 256 };

/* What the firmware holds; borrowed. */
struct ticket_settings {
    const char *realm;
    const char *const *services; /* names that tickets may be for; NULL: any */
    unsigned service_count;
    const unsigned char *master_key; /* 16 bytes, RC4; NULL: passphrase is there */
    const char *passphrase, *salt;
    uint32_t iterations;
    uint32_t tolerance_min;
    time_t now; /* by the computer's clock */
};

/* Who came; to be released. */
struct ticket_holder {
    char client[CLIENT_NAME_ROOM];         /* user@REALM */
    char encryption[ENCRYPTION_NAME_ROOM]; /* of the ticket: "aes256-cts-hmac-sha1-96", "arcfour-hmac" */
    struct membership membership;          /* empty: the ticket tells none */
    unsigned char *reply;                  /* KRB_AP_REP, owned; NULL: the client wants none */
    size_t reply_length;
};

bool ticket_accept(const struct ticket_settings *settings, const struct negotiation *negotiation,
                   struct ticket_holder *holder, struct error *err) MUST_CHECK;
void ticket_holder_release(struct ticket_holder *holder);

#endif
