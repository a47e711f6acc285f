/*
 * authority_parts.h - what an internal authority is made of: for the files that sign with it.
 */
#ifndef CERTIFICATES_AUTHORITY_PARTS_H
#define CERTIFICATES_AUTHORITY_PARTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certificates/authority.h"

struct authority {
    EVP_PKEY *key; /* NULL: it is kept elsewhere (CMP) */
    X509 *certificate;
    struct bytes der;
    char *subject, *fingerprint, *serial;
    int64_t not_before_s, not_after_s;
};

/* One whose key is kept elsewhere; takes the certificate over. */
bool authority_without_key(struct authority **authority, X509 *certificate, struct error *err) MUST_CHECK;
/* Always false: what did not work, with the library's own words. */
bool signing_failed(struct error *err, const char *what);
/* False: it cannot be written as DER. */
bool issued_certificate_describe(struct issued_certificate *issued, const X509 *certificate) MUST_CHECK;

#endif
