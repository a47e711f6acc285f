#include "firmware/certificate_request.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES        255
#define COMMON_NAME_MAX_BYTES 64 /* RFC 5280: ub-common-name */

static bool crypto_failed(const char *what, struct error *err)
{
    char why[120];

    ERR_error_string_n(ERR_get_error(), why, sizeof(why));
    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, "the certificate request cannot be made: %s: %s", what, why);
}

static bool extension_add(STACK_OF(X509_EXTENSION) * extensions, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    if (!extension)
        return false;
    if (sk_X509_EXTENSION_push(extensions, extension) == 0) {
        X509_EXTENSION_free(extension);
        return false;
    }
    return true;
}

static bool extensions_set(X509_REQ *request, const char *fqdn, enum certificate_usage usage)
{
    AUTO(text_free) char *name = text_format("DNS:%s", fqdn);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    bool set = extension_add(extensions, NID_subject_alt_name, name) &&
               extension_add(extensions, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
               extension_add(extensions, NID_ext_key_usage,
                             usage == CERTIFICATE_CLIENT ? "clientAuth" : "serverAuth") &&
               X509_REQ_add_extensions(request, extensions) == 1;

    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return set;
}

static bool info_fill(X509_REQ *request, EVP_PKEY *key, const char *fqdn, enum certificate_usage usage)
{
    X509_NAME *subject = X509_REQ_get_subject_name(request);

    return X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)fqdn, -1,
                                      -1, 0) == 1 &&
           X509_REQ_set_pubkey(request, key) == 1 && extensions_set(request, fqdn, usage);
}

/* The text goes into OpenSSL's configuration syntax: nothing but a host name may pass. */
static bool name_check(const char *fqdn, struct error *err)
{
    size_t length = strlen(fqdn);

    if (length == 0 || length > NAME_MAX_BYTES ||
        strspn(fqdn, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != length)
        return error_set(err, ERROR_INPUT, "'%.80s' is not a host name; import the computer with its FQDN",
                         fqdn);
    if (length > COMMON_NAME_MAX_BYTES)
        return error_set(err, ERROR_INPUT,
                         "the name %.80s has %zu characters; a certificate's common name holds %d (RFC 5280)",
                         fqdn, length, COMMON_NAME_MAX_BYTES);
    return true;
}

static bool request_encode(X509_REQ *request, struct bytes *out, struct error *err)
{
    unsigned char *der = NULL;
    int length = i2d_X509_REQ(request, &der);

    if (length < 0)
        return crypto_failed("encoding", err);
    bytes_set(out, der, (size_t)length);
    OPENSSL_free(der);
    return true;
}

/*
 * A void signature: the algorithm that is wanted, and zeros as long as the key. AMT SDK,
 * GeneratePKCS10RequestEx: firmware replaces it.
 */
static bool signature_void(X509_REQ *request, EVP_PKEY *key)
{
    size_t length = (size_t)EVP_PKEY_size(key);
    unsigned char *zeros = allocate(length);
    ASN1_BIT_STRING *signature = ASN1_BIT_STRING_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    bool made = signature && algorithm && ASN1_BIT_STRING_set(signature, zeros, (int)length) == 1 &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, NULL) == 1;

    free(zeros);
    if (made) {
        signature->flags =
            (signature->flags & ~7L) | ASN1_STRING_FLAG_BITS_LEFT; /* all bits count, zero as they are */
        X509_REQ_set0_signature(request, signature);
        signature = NULL;
        made = X509_REQ_set1_signature_algo(request, algorithm) == 1;
    }
    ASN1_BIT_STRING_free(signature);
    X509_ALGOR_free(algorithm);
    return made;
}

bool certificate_request_unsigned(const struct bytes *public_key, const char *fqdn,
                                  enum certificate_usage usage, struct bytes *request, struct error *err)
{
    const unsigned char *der = public_key->data;
    EVP_PKEY *key;
    X509_REQ *made;
    bool done;

    if (!name_check(fqdn, err))
        return false;
    key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, (long)public_key->length);
    if (!key) {
        ERR_clear_error();
        return error_because(err, REASON_MALFORMED_REPLY,
                             "the firmware's public key is not a PKCS#1 RSAPublicKey");
    }
    made = X509_REQ_new();
    done = (made && info_fill(made, key, fqdn, usage) && signature_void(made, key))
               ? request_encode(made, request, err)
               : crypto_failed("building", err);
    X509_REQ_free(made);
    EVP_PKEY_free(key);
    return done;
}

static bool key_encode(EVP_PKEY *key, struct secret **out, struct error *err)
{
    unsigned char *der = NULL;
    int length = i2d_PrivateKey(key, &der); /* the traditional form, which for RSA is PKCS#1 */

    if (length < 0)
        return crypto_failed("encoding the key", err);
    *out = secret_new(der, (size_t)length);
    secret_wipe(der, (size_t)length);
    OPENSSL_free(der);
    return true;
}

bool certificate_request_of_console(void *key, const char *name, struct bytes *request, struct error *err)
{
    AUTO(text_free) char *common_name = text_format("%.*s", COMMON_NAME_MAX_BYTES, name);
    X509_REQ *made = X509_REQ_new();
    bool done = made && X509_REQ_set_version(made, X509_REQ_VERSION_1) == 1 &&
                X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(made), NID_commonName, MBSTRING_UTF8,
                                           (const unsigned char *)common_name, -1, -1, 0) == 1 &&
                X509_REQ_set_pubkey(made, key) == 1 && X509_REQ_sign(made, key, EVP_sha256()) > 0;

    done = done ? request_encode(made, request, err) : crypto_failed("building", err);
    X509_REQ_free(made);
    return done;
}

static bool signed_request_make(EVP_PKEY *pair, const char *fqdn, enum certificate_usage usage,
                                struct bytes *request, struct error *err)
{
    X509_REQ *made = X509_REQ_new();
    bool done = made && info_fill(made, pair, fqdn, usage) && X509_REQ_sign(made, pair, EVP_sha256()) > 0;

    done = done ? request_encode(made, request, err) : crypto_failed("building", err);
    X509_REQ_free(made);
    return done;
}

bool certificate_request_with_key(unsigned bits, const char *fqdn, enum certificate_usage usage,
                                  struct secret **key, struct bytes *request, struct error *err)
{
    AUTO(secret_free) struct secret *private_key = NULL;
    EVP_PKEY *pair;
    bool done;

    if (!name_check(fqdn, err))
        return false;
    pair = EVP_RSA_gen(bits);
    if (!pair)
        return crypto_failed("making an RSA key", err);
    done = key_encode(pair, &private_key, err) && signed_request_make(pair, fqdn, usage, request, err);
    EVP_PKEY_free(pair);
    if (done)
        *key = TAKE(private_key);
    return done;
}
