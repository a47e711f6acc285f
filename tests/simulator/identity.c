#include "identity.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { ON_DIE_LEVELS = 4 }; /* root (never sent), ROM, kernel, AMT */

/* Shared by all computers: keys are costly, and nothing here depends on them being secret. */
static EVP_PKEY *rsa_keys[2]; /* 1024, 2048 bits */
static EVP_PKEY *leaf_key;
static EVP_PKEY *authority_keys[ON_DIE_LEVELS];
static X509 *authorities[ON_DIE_LEVELS];
static STACK_OF(X509) * on_die_chain;

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static void add_name(X509_NAME *name, const char *field, const char *value)
{
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)value, -1, -1, 0);
}

static X509 *blank_certificate(EVP_PKEY *key, const char *not_before, const char *not_after)
{
    X509 *certificate = X509_new();
    unsigned char serial[9];
    BIGNUM *number;

    RAND_bytes(serial, sizeof(serial));
    serial[0] = 0x01;
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), not_before);
    ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), not_after);
    X509_set_pubkey(certificate, key);
    return certificate;
}

/* ---- self-signed ---- */

static EVP_PKEY *rsa_key(bool small)
{
    EVP_PKEY **place = &rsa_keys[small ? 0 : 1];

    if (!*place)
        *place = EVP_RSA_gen(small ? 1024 : 2048);
    return *place;
}

/* Month and day 0, which no calendar has: readers that look at the dates stumble. */
static void spoil_dates(X509 *certificate)
{
    static const char zeros[] = "000000000000Z";

    ASN1_STRING_set(X509_getm_notBefore(certificate), zeros, sizeof(zeros) - 1);
    ASN1_STRING_set(X509_getm_notAfter(certificate), zeros, sizeof(zeros) - 1);
}

static X509 *self_signed(const struct device *device)
{
    bool old = device->generation->identity == IDENTITY_RSA1024_SHA1;
    EVP_PKEY *key = rsa_key(old);
    X509 *certificate = blank_certificate(key, "20080101000000Z", "20371231235959Z");
    X509_NAME *subject = X509_get_subject_name(certificate);

    add_name(subject, "CN", "Intel(R) AMT");
    add_name(subject, "serialNumber", device->uuid_text);
    X509_set_issuer_name(certificate, subject);
    if (!device_switch(device->switches.identity_dates, !device->generation->invalid_identity_dates))
        spoil_dates(certificate);
    if (!X509_sign(certificate, key, old ? EVP_sha1() : EVP_sha256())) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* ---- on-die authority: names and extensions as published chains of release 19 have them ---- */

static void on_die_name(X509_NAME *name, const char *common_name)
{
    add_name(name, "CN", common_name);
    add_name(name, "OU", "ODCA 2 CSME P");
    add_name(name, "O", "Intel Corporation");
    add_name(name, "C", "US");
}

static bool make_authorities(void)
{
    static const char *const names[ON_DIE_LEVELS] = { "Simulated OnDie CA Root", "ODCA 2 CSME P ROM CA",
                                                      "ODCA 2 CSME P Kernel CA", "ODCA 2 CSME P AMT CA" };

    leaf_key = EVP_EC_gen("P-384");
    on_die_chain = sk_X509_new_null();
    for (unsigned i = 0; i < ON_DIE_LEVELS; i++) {
        unsigned issuer = i ? i - 1 : 0;
        X509 *made;

        authority_keys[i] = EVP_EC_gen("P-384");
        made = blank_certificate(authority_keys[i], "20200101000000Z", "20491231235959Z");
        authorities[i] = made;
        on_die_name(X509_get_subject_name(made), names[i]);
        X509_set_issuer_name(made, X509_get_subject_name(authorities[issuer]));
        if (!add_extension(made, NID_basic_constraints, "critical,CA:TRUE") ||
            !add_extension(made, NID_key_usage, "critical,keyCertSign,cRLSign") ||
            !X509_sign(made, authority_keys[issuer], EVP_sha384()))
            return false;
        if (i)
            sk_X509_unshift(on_die_chain, made); /* sent: AMT, kernel, ROM after the leaf */
    }
    return true;
}

static X509 *on_die_leaf(void)
{
    X509 *leaf;

    if (!on_die_chain && !make_authorities())
        return NULL;
    leaf = blank_certificate(leaf_key, "20200101000000Z", "20491231235959Z");
    on_die_name(X509_get_subject_name(leaf), "AMT RCFG");
    X509_set_issuer_name(leaf, X509_get_subject_name(authorities[ON_DIE_LEVELS - 1]));
    if (!add_extension(leaf, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(leaf, NID_key_usage, "critical,digitalSignature,keyEncipherment") ||
        !add_extension(leaf, NID_ext_key_usage, "serverAuth") ||
        !add_extension(leaf, NID_crl_distribution_points,
                       "URI:https://tsci.intel.com/content/OnDieCA/crls/simulated.crl") ||
        !X509_sign(leaf, authority_keys[ON_DIE_LEVELS - 1], EVP_sha384())) {
        X509_free(leaf);
        return NULL;
    }
    return leaf;
}

/* ---- interface ---- */

bool identity_make(struct device *device, struct error *err)
{
    if (!device->identity)
        device->identity =
            device->generation->identity == IDENTITY_ON_DIE ? on_die_leaf() : self_signed(device);
    return device->identity ||
           error_set(err, "%s: OpenSSL could not make the device's certificate", device->uuid_text);
}

EVP_PKEY *identity_key(const struct device *device)
{
    switch (device->generation->identity) {
    case IDENTITY_ON_DIE:
        return leaf_key;
    case IDENTITY_RSA1024_SHA1:
        return rsa_key(true);
    default:
        return rsa_key(false);
    }
}

STACK_OF(X509) * identity_chain(const struct device *device)
{
    return device->generation->identity == IDENTITY_ON_DIE ? on_die_chain : NULL;
}

void identity_forget(struct device *device)
{
    X509_free(device->identity);
    device->identity = NULL;
}

void identity_store(struct device *device)
{
    struct error err = { 0 };
    struct stored_certificate *stored;
    unsigned char *der = NULL;
    int length;

    if (!device->generation->keeps_identity_certificate || device->generation->identity == IDENTITY_ON_DIE)
        return;
    if (!identity_make(device, &err))
        return;
    length = i2d_X509(device->identity, &der);
    stored = device_add_certificate(device, der, (size_t)length);
    if (stored)
        stored->read_only = true;
    OPENSSL_free(der);
}

void identity_release(void)
{
    for (unsigned i = 0; i < LENGTH(rsa_keys); i++)
        EVP_PKEY_free(rsa_keys[i]);
    for (unsigned i = 0; i < ON_DIE_LEVELS; i++) {
        EVP_PKEY_free(authority_keys[i]);
        X509_free(authorities[i]);
    }
    EVP_PKEY_free(leaf_key);
    sk_X509_free(on_die_chain);
    on_die_chain = NULL;
}
