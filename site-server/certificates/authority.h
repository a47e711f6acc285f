/*
 * authority.h - the internal certificate authority (spec 8): an RSA key and its own certificate.
 *
 * Made by `amtctl ca init`, kept in the database with its key sealed. RFC 5280 profiles.
 */
#ifndef CERTIFICATES_AUTHORITY_H
#define CERTIFICATES_AUTHORITY_H

#include <stdint.h>

#include "certificates/request.h"
#include "common/error.h"
#include "common/message.h"
#include "common/secret.h"
#include "database/database.h"
#include "devices/vault.h"

#define AUTHORITY_NAME_LENGTH                                                                                \
    16 /* of its fingerprint's digits; names its revocation list (amt.revocation_list) */

struct authority; /* opaque: owns key and certificate */

struct authority_facts {               /* borrowed from the authority */
    const char *subject;               /* "CN=..., O=..." */
    const char *fingerprint;           /* SHA-256 of the certificate, lower-case hexadecimal */
    const char *serial;                /* hexadecimal */
    const struct bytes *certificate;   /* DER */
    int64_t not_before_s, not_after_s; /* since 1970 */
};

/* A new one: RSA 3072, signed by itself. name becomes its common name. */
bool authority_create(struct authority **authority, const char *name, int64_t now_s, int64_t lifetime_s,
                      struct error *err) MUST_CHECK;
/* From what is stored; refuses a key that does not belong to the certificate. */
bool authority_restore(struct authority **authority, const struct bytes *certificate,
                       const struct secret *key, struct error *err) MUST_CHECK;
void authority_free(struct authority **authority);

void authority_describe(const struct authority *authority, struct authority_facts *facts);
/* PKCS#8 DER; the caller ends it. */
bool authority_key(const struct authority *authority, struct secret **key, struct error *err) MUST_CHECK;
/* DER as PEM (RFC 7468), for people; label: "CERTIFICATE" or "X509 CRL". The caller frees. */
char *authority_pem(const char *label, const struct bytes *der);

/* The active one of the database, its key opened by the vault; *authority NULL when none was set. */
bool authority_load(struct database *database, struct vault *vault, struct authority **authority,
                    struct error *err) MUST_CHECK;

/* The one in a row of fingerprint, certificate, key_id, nonce and ciphertext. */
bool authority_open(struct rows *rows, size_t row, struct vault *vault, struct authority **authority,
                    struct error *err) MUST_CHECK;

struct certificate_order {
    const struct certificate_request *request; /* its key alone counts, never its names */
    const char *fqdn;                          /* becomes CN and SAN; of a console any name, and no SAN */
    const char *unit;                          /* of a console: becomes OU; NULL: none */
    enum certificate_usage usage;              /* becomes EKU */
    int64_t now_s, lifetime_s;
    const char *list_url; /* of the revocation list, without what RFC 3986 wants escaped; NULL or "": none */
};

struct issued_certificate { /* zero-initialise; ended with issued_certificate_clear() */
    struct bytes der;
    char *serial, *fingerprint;
    int64_t not_before_s, not_after_s;
};

bool authority_issue(const struct authority *authority, const struct certificate_order *order,
                     struct issued_certificate *issued, struct error *err) MUST_CHECK;
/* One that was issued earlier, from its DER; and the SHA-256 of its key's SubjectPublicKeyInfo. */
bool issued_certificate_read(const struct bytes *der, struct issued_certificate *issued,
                             unsigned char key_fingerprint[32], struct error *err) MUST_CHECK;
void issued_certificate_clear(struct issued_certificate *issued);

#endif
