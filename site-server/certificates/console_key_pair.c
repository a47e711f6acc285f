#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "certificates/authority_parts.h"
#include "certificates/console.h"

#define KEY_BITS 2048 /* what every release takes in a client's certificate */

static void key_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

static void plain_request_free(X509_REQ **request)
{
    X509_REQ_free(*request);
    *request = NULL;
}

/* The authority takes keys in requests alone, which prove that somebody has the private part. */
static bool make_request(EVP_PKEY *key, struct certificate_request **request, struct error *err)
{
    AUTO(plain_request_free) X509_REQ *plain = X509_REQ_new();
    AUTO(bytes_free) struct bytes der = { 0 };
    unsigned char *encoded = NULL;
    int length = -1;

    if (plain && X509_REQ_set_version(plain, X509_REQ_VERSION_1) == 1 &&
        X509_REQ_set_pubkey(plain, key) == 1 && X509_REQ_sign(plain, key, EVP_sha256()) > 0)
        length = i2d_X509_REQ(plain, &encoded);
    if (length <= 0)
        return signing_failed(err, "the request for a console certificate cannot be made");
    bytes_set(&der, encoded, (size_t)length);
    OPENSSL_free(encoded);
    return request_read(request, &der, NULL, err);
}

static bool key_pem(EVP_PKEY *key, struct secret **pem, struct error *err)
{
    BIO *out = BIO_new(BIO_s_secmem());
    char *data = NULL;
    long length = 0;

    if (out && PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1)
        length = BIO_get_mem_data(out, &data);
    if (length > 0)
        *pem = secret_new((const uint8_t *)data, (size_t)length);
    BIO_free(out);
    return length > 0 || signing_failed(err, "the key of a console cannot be written");
}

bool console_key_pair_make(const struct authority *authority, const char *name, int64_t now_s,
                           int64_t lifetime_s, const char *list_url, struct console_key_pair *pair,
                           struct error *err)
{
    AUTO(key_free) EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
    AUTO(request_free) struct certificate_request *request = NULL;
    struct certificate_order order = { .fqdn = name,
                                       .usage = CERTIFICATE_CONSOLE,
                                       .now_s = now_s,
                                       .lifetime_s = lifetime_s,
                                       .list_url = list_url };

    if (!key)
        return signing_failed(err, "no RSA key can be made");
    if (!make_request(key, &request, err))
        return false;
    order.request = request;
    request_key_fingerprint(request, pair->key_fingerprint);
    return authority_issue(authority, &order, &pair->issued, err) && key_pem(key, &pair->key, err);
}

void console_key_pair_clear(struct console_key_pair *pair)
{
    secret_free(&pair->key);
    issued_certificate_clear(&pair->issued);
}
