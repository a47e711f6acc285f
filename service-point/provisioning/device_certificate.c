#include "provisioning/device_certificate.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static void x509_free(X509 **certificate)
{
    X509_free(*certificate);
    *certificate = NULL;
    ERR_clear_error(); /* a certificate that is not ours is no failure of this thread's next TLS call */
}

static X509 *parse(const struct bytes *der)
{
    const unsigned char *at = der->data;

    return der->data ? d2i_X509(NULL, &at, (long)der->length) : NULL;
}

static bool issued_by(X509 *certificate, const struct bytes *issuer_der)
{
    AUTO(x509_free) X509 *issuer = parse(issuer_der);

    return issuer && X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
           X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

bool device_certificate_is_ours(const struct bytes *certificate, const struct bytes *issuers,
                                size_t issuer_count, const char *fqdn)
{
    AUTO(x509_free) X509 *parsed = parse(certificate);

    if (!parsed || (fqdn && X509_check_host(parsed, fqdn, 0, 0, NULL) != 1))
        return false;
    for (size_t i = 0; i < issuer_count; i++) {
        if (issued_by(parsed, &issuers[i]))
            return true;
    }
    return false;
}

bool device_certificate_is_current(const struct bytes *certificate, const struct bytes *issuers,
                                   size_t issuer_count, const char *fqdn)
{
    return device_certificate_is_ours(certificate, issuers, issuer_count > 0 ? 1 : 0, fqdn);
}

static bool time_read(const ASN1_TIME *from, int64_t *seconds)
{
    struct tm parsed;

    if (ASN1_TIME_to_tm(from, &parsed) != 1)
        return false;
    *seconds = timegm(&parsed);
    return true;
}

bool device_certificate_is_fresh(const struct bytes *certificate, int64_t now_s)
{
    AUTO(x509_free) X509 *parsed = parse(certificate);
    int64_t from_s, until_s;

    return parsed && time_read(X509_get0_notBefore(parsed), &from_s) &&
           time_read(X509_get0_notAfter(parsed), &until_s) && now_s >= from_s &&
           until_s - now_s > now_s - from_s;
}

bool device_certificate_serves(const struct bytes *certificate, enum certificate_usage usage)
{
    AUTO(x509_free) X509 *parsed = parse(certificate);
    uint32_t wanted = usage == CERTIFICATE_CLIENT ? XKU_SSL_CLIENT : XKU_SSL_SERVER;

    return parsed && (X509_get_extended_key_usage(parsed) & wanted) != 0;
}

bool device_certificate_outlives(const struct bytes *certificate, const struct bytes *other)
{
    AUTO(x509_free) X509 *parsed = parse(certificate);
    AUTO(x509_free) X509 *parsed_other = parse(other);
    int64_t until_s, other_until_s;

    return parsed && parsed_other && time_read(X509_get0_notAfter(parsed), &until_s) &&
           time_read(X509_get0_notAfter(parsed_other), &other_until_s) && until_s > other_until_s;
}

bool device_certificate_has_key(const struct bytes *certificate, const struct bytes *public_key)
{
    AUTO(x509_free) X509 *parsed = parse(certificate);
    EVP_PKEY *key = parsed ? X509_get0_pubkey(parsed) : NULL;
    unsigned char *der = NULL;
    int length = key && EVP_PKEY_base_id(key) == EVP_PKEY_RSA ? i2d_PublicKey(key, &der) : -1;
    bool same = length > 0 && (size_t)length == public_key->length &&
                memcmp(der, public_key->data, (size_t)length) == 0;

    OPENSSL_free(der);
    return same;
}
