/*
 * authority_parts.h - what an internal authority is made of: for the files that sign with it.
 */
#ifndef CERTIFICATES_AUTHORITY_PARTS_H
#define CERTIFICATES_AUTHORITY_PARTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certificates/authority.h"

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    struct bytes der;
    char *subject, *fingerprint, *serial;
    int64_t not_before_s, not_after_s;
};

#endif
