/*
 * pki.h - keys, certificates and the files that hold them, made for one test program.
 */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/ownership.h"

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

struct certificate_wish {
    const char *common_name, *unit; /* unit may be NULL */
    const char *purposes;           /* in OpenSSL's spelling; NULL: none */
    bool authority;
    const struct identity *issuer;   /* NULL: self-signed */
    unsigned bits;                   /* 0: 2048 */
    int valid_from_s, valid_until_s; /* relative to now; 0, 0: from an hour ago for a day */
    const EVP_MD *hash;              /* NULL: SHA-256 */
};

static inline void pki_extend(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static inline struct identity pki_make(const struct certificate_wish *wish)
{
    static long serial;
    struct identity made = { EVP_RSA_gen(wish->bits ? wish->bits : 2048), X509_new() };
    const struct identity *issuer = wish->issuer ? wish->issuer : &made;
    X509_NAME *subject = X509_get_subject_name(made.certificate);
    bool limited = wish->valid_from_s || wish->valid_until_s;

    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)wish->common_name, -1, -1,
                               0);
    if (wish->unit)
        X509_NAME_add_entry_by_txt(subject, "OU", MBSTRING_UTF8, (const unsigned char *)wish->unit, -1, -1,
                                   0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer->certificate));
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), limited ? wish->valid_from_s : -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), limited ? wish->valid_until_s : 86400);
    X509_set_pubkey(made.certificate, made.key);
    if (wish->authority)
        pki_extend(made.certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (wish->purposes)
        pki_extend(made.certificate, NID_ext_key_usage, wish->purposes);
    X509_sign(made.certificate, issuer->key, wish->hash ? wish->hash : EVP_sha256());
    return made;
}

static inline void pki_free(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static inline struct bytes pki_der(const struct identity *identity)
{
    struct bytes out = { 0 };
    unsigned char *der = NULL;
    int length = i2d_X509(identity->certificate, &der);

    bytes_set(&out, der, (size_t)length);
    OPENSSL_free(der);
    return out;
}

/* The certificates up to the first NULL, then the key if there is one; mode 0600. */
static inline void pki_write(const char *path, const struct identity *const *chain, const EVP_PKEY *key)
{
    FILE *out = fopen(path, "w");

    fchmod(fileno(out), 0600);
    for (; chain && *chain; chain++)
        PEM_write_X509(out, (*chain)->certificate);
    if (key)
        PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
}

#endif
