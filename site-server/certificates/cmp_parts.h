/*
 * cmp_parts.h - what an issuer behind CMP is made of: for the files that load it and that speak with it.
 */
#ifndef CERTIFICATES_CMP_PARTS_H
#define CERTIFICATES_CMP_PARTS_H

#include <openssl/cmp.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certificates/authority_parts.h"
#include "certificates/cmp.h"

struct cmp_issuer {
    char *host, *path; /* path without the leading slash, as libcrypto wants it */
    int port;
    struct authority *authority; /* the first of chain */
    STACK_OF(X509) * chain;      /* the whole authority_file */
    char *reference;
    struct secret *secret; /* NULL: by certificate */
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * certificate_issuers;
    enum cmp_request_kind request;
    bool renew_with_kur;
    int timeout_s;
    OSSL_CMP_transfer_cb_t transfer; /* NULL: over HTTP */
};

#endif
