/*
 * console.h - certificates for service points, which open computers in mutual TLS with them.
 *
 * One of each internal authority that a computer may trust, so that a change of the authority locks nobody
 * out.
 */
#ifndef CERTIFICATES_CONSOLE_H
#define CERTIFICATES_CONSOLE_H

#include "certificates/certificate.h"

/* Of all service points alike: firmware holds few trusted names. */
#define CONSOLE_COMMON_NAME "amt-service-point"

struct console_holder {
    int64_t service_point;
    const char *name; /* as the database has it; becomes OU */
};

/*
 * Answers REGISTER's PKCS#10 request. What was issued for the same key is given again while more than half of
 * its life is to come. *certificates is the caller's, each DER and ended with bytes_free(); *count is 0 where
 * no authority of this site issues. REASON_ISSUER_REFUSED: the request is no good.
 */
bool console_issue(struct database *database, struct vault *vault,
                   const struct certificate_settings *settings, const struct console_holder *holder,
                   const struct bytes *request, struct bytes certificates[CONSOLE_CERTIFICATES_MAX],
                   size_t *count, struct error *err) MUST_CHECK;

struct console_key_pair { /* zero-initialise; ended with console_key_pair_clear() */
    struct secret *key;   /* PEM, PKCS#8 */
    unsigned char key_fingerprint[32];
    struct issued_certificate issued;
};

/* For a person's console: a new RSA key and its certificate. list_url: as in certificate_order. */
bool console_key_pair_make(const struct authority *authority, const char *name, int64_t now_s,
                           int64_t lifetime_s, const char *list_url, struct console_key_pair *pair,
                           struct error *err) MUST_CHECK;
void console_key_pair_clear(struct console_key_pair *pair);

#endif
