#include "request.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

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

void *request_key(const struct certificate_request *request)
{
    return request->key;
}
