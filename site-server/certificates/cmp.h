/*
 * cmp.h - an enterprise authority that is asked with CMP (RFC 4210 over HTTP, RFC 6712), through libcrypto's
 * client.
 *
 * The site server stands before the authority as registration authority (RFC 4210 5.2.8.4): it has checked
 * who the computer is and that the request is signed by the key in it. Both sides prove themselves, by a
 * shared secret or by certificates, in every message; TLS beneath adds nothing and is not spoken. Blocking:
 * for errands.
 */
#ifndef CERTIFICATES_CMP_H
#define CERTIFICATES_CMP_H

#include <stdint.h>

#include "certificates/authority.h"

enum cmp_request_kind {
    CMP_P10CR, /* the firmware's PKCS#10 as it is: the authority itself sees the proof of possession */
    CMP_CR,    /* CRMF (RFC 4211) with the firmware's key; proof of possession as "raVerified" */
    CMP_IR,    /* the same as an initial request */
};

struct cmp_settings {           /* borrowed during cmp_issuer_load() */
    const char *server;         /* http://HOST[:PORT][/PATH] */
    const char *authority_file; /* PEM: the authority that issues first, then what else its answers may be
                                   signed under */
    /* Who we are: both of the first line, or the second. */
    const char *reference, *secret_file; /* shared secret, file 0600; the reference may be "" */
    const char *credential_file;         /* PEM, 0600: key, certificate, its issuers */
    enum cmp_request_kind request;
    bool renew_with_kur; /* else as a first request */
    int64_t timeout_s;   /* for each message */
};

struct cmp_issuer; /* opaque; never changed after the load, so that threads share it */

/* Refuses, naming the key of the configuration, what cannot work. On true ended with cmp_issuer_free(). */
bool cmp_issuer_load(struct cmp_issuer **issuer, const struct cmp_settings *settings,
                     struct error *err) MUST_CHECK;
void cmp_issuer_free(struct cmp_issuer **issuer);
/* The authority that issues, without a key; borrowed. */
const struct authority *cmp_issuer_authority(const struct cmp_issuer *issuer);

struct cmp_order {                             /* all borrowed */
    const struct certificate_request *request; /* its signature is checked */
    const char *fqdn;
    enum certificate_usage usage;
    const struct bytes
        *former;        /* DER of the certificate that is renewed; of the same authority; empty: none */
    int64_t lifetime_s; /* what we wish for; the authority decides. Not said in a PKCS#10 */
};

struct cmp_exchange; /* opaque: one transaction */

struct cmp_answer { /* zero-initialise; ended with issued_certificate_clear(&answer.issued) */
    bool granted;
    struct issued_certificate issued; /* when granted: verified, confirmed to the authority */
    int64_t check_after_s;            /* when not: the authority wants to be asked again then */
};

/*
 * False: REASON_ISSUER_UNREACHABLE, _REFUSED or _DISTRUST with what the authority said and the remedy; the
 * transaction is over. True and not granted: the authority says "waiting"; ask again with the same *exchange.
 * In either case the caller ends it with cmp_exchange_free().
 */
bool cmp_ask(const struct cmp_issuer *issuer, const struct cmp_order *order, struct cmp_exchange **exchange,
             struct cmp_answer *answer, struct error *err) MUST_CHECK;
bool cmp_ask_again(struct cmp_exchange *exchange, struct cmp_answer *answer, struct error *err) MUST_CHECK;
void cmp_exchange_free(struct cmp_exchange **exchange);

/* reason: RFC 5280 5.3.1. One that the authority has revoked already counts as revoked. */
bool cmp_revoke(const struct cmp_issuer *issuer, const struct bytes *certificate, int reason,
                struct error *err) MUST_CHECK;

#endif
