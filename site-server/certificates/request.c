#include "request.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQUEST_MAX_BYTES 16384
#define KEY_BITS          2048
#define KEY_BITS_BEFORE_7                                                                                    \
    1024                   /* GenerateKeyPair is there from AMT 6.2/7.0; older ones get keys of any size */
#define KEY_BITS_MOST 8192 /* more only costs us time */

struct certificate_request {
    X509_REQ *request;
    EVP_PKEY *key; /* borrowed from request */
};

void request_free(struct certificate_request **request)
{
    if (*request) {
        X509_REQ_free((*request)->request);
        free(*request);
    }
    *request = NULL;
}

static bool refuse(struct error *err, const char *what)
{
    ERR_clear_error();
    return error_because(err, REASON_ISSUER_REFUSED, "the certificate request %s", what);
}

static int least_key_bits(const char *firmware_version)
{
    long major = firmware_version ? strtol(firmware_version, NULL, 10) : 0;

    return major > 0 && major < 7 ? KEY_BITS_BEFORE_7 : KEY_BITS;
}

static bool check_key(const EVP_PKEY *key, const char *firmware_version, struct error *err)
{
    int bits = EVP_PKEY_get_bits(key);
    int least = least_key_bits(firmware_version);

    if (!EVP_PKEY_is_a(key, "RSA"))
        return refuse(err, "has a key that is not RSA");
    if (bits < least || bits > KEY_BITS_MOST)
        return error_because(
            err, REASON_ISSUER_REFUSED,
            "the certificate request has an RSA key of %d bits; for firmware %s it must have %d to %d", bits,
            firmware_version ? firmware_version : "of unknown version", least, KEY_BITS_MOST);
    return true;
}

bool request_read(struct certificate_request **request, const struct bytes *der, const char *firmware_version,
                  struct error *err)
{
    AUTO(request_free) struct certificate_request *reading = allocate(sizeof(*reading));
    const unsigned char *at = der->data;

    if (der->length == 0 || der->length > REQUEST_MAX_BYTES)
        return refuse(err, "is empty or too large");
    reading->request = d2i_X509_REQ(NULL, &at, (long)der->length);
    if (!reading->request || at != der->data + der->length)
        return refuse(err, "is not PKCS#10 (RFC 2986)");
    reading->key = X509_REQ_get0_pubkey(reading->request);
    if (!reading->key)
        return refuse(err, "has no key that can be read");
    if (!check_key(reading->key, firmware_version, err))
        return false;
    if (X509_REQ_verify(reading->request, reading->key) != 1)
        return refuse(err, "is not signed with its own key (RFC 2986 4.2)");
    *request = TAKE(reading);
    return true;
}

void request_key_fingerprint(const struct certificate_request *request, unsigned char fingerprint[32])
{
    unsigned char *info = NULL;
    int length = i2d_PUBKEY(request->key, &info);

    if (length <= 0 || EVP_Digest(info, (size_t)length, fingerprint, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* the key was read from DER: it can be written */
    OPENSSL_free(info);
}

static void extensions_free(STACK_OF(X509_EXTENSION) * *extensions)
{
    sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
    *extensions = NULL;
}

static void names_free(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
    *names = NULL;
}

static void purposes_free(EXTENDED_KEY_USAGE **purposes)
{
    EXTENDED_KEY_USAGE_free(*purposes);
    *purposes = NULL;
}

static bool is_name(const ASN1_STRING *text, const char *fqdn)
{
    size_t length = strlen(fqdn);

    return text && ASN1_STRING_length(text) == (int)length &&
           strncasecmp((const char *)ASN1_STRING_get0_data(text), fqdn, length) == 0;
}

/* No common name is fine: one that is too long stands in the SAN alone. */
static bool subject_is(const X509_NAME *subject, const char *fqdn)
{
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, 0);

    return X509_NAME_entry_count(subject) == 0 ||
           (X509_NAME_entry_count(subject) == 1 &&
            OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == NID_commonName &&
            is_name(X509_NAME_ENTRY_get_data(entry), fqdn));
}

static bool alternative_is(const STACK_OF(X509_EXTENSION) * extensions, const char *fqdn)
{
    AUTO(names_free) GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    const GENERAL_NAME *name = sk_GENERAL_NAME_num(names) == 1 ? sk_GENERAL_NAME_value(names, 0) : NULL;

    return name && name->type == GEN_DNS && is_name(name->d.dNSName, fqdn);
}

static bool purpose_is(const STACK_OF(X509_EXTENSION) * extensions, enum certificate_usage usage)
{
    AUTO(purposes_free)
    EXTENDED_KEY_USAGE *purposes = X509V3_get_d2i(extensions, NID_ext_key_usage, NULL, NULL);
    int wanted = usage == CERTIFICATE_CLIENT ? NID_client_auth : NID_server_auth;

    return sk_ASN1_OBJECT_num(purposes) == 1 && OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, 0)) == wanted;
}

static bool only_known(const STACK_OF(X509_EXTENSION) * extensions)
{
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
        int kind = OBJ_obj2nid(X509_EXTENSION_get_object(sk_X509_EXTENSION_value(extensions, i)));

        if (kind != NID_subject_alt_name && kind != NID_key_usage && kind != NID_ext_key_usage)
            return false;
    }
    return true;
}

bool request_asks_for(const struct certificate_request *request, const char *fqdn,
                      enum certificate_usage usage, struct error *err)
{
    AUTO(extensions_free) STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request->request);

    if (!subject_is(X509_REQ_get_subject_name(request->request), fqdn) || !alternative_is(extensions, fqdn))
        return error_because(err, REASON_ISSUER_REFUSED,
                             "the certificate request names another computer than %s, whom the job is for",
                             fqdn);
    if (!purpose_is(extensions, usage) || !only_known(extensions))
        return error_because(err, REASON_ISSUER_REFUSED,
                             "the certificate request for %s asks for more, or for something else, than a %s "
                             "certificate",
                             fqdn, usage == CERTIFICATE_CLIENT ? "client's" : "server's");
    return true;
}

void *request_handle(const struct certificate_request *request)
{
    return request->request;
}

void *request_key(const struct certificate_request *request)
{
    return request->key;
}
