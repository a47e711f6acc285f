#include "certificates/revocation_list.h"

#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "certificates/authority_parts.h"

static void list_free(X509_CRL **list)
{
    X509_CRL_free(*list);
    *list = NULL;
}

static void entry_free(X509_REVOKED **entry)
{
    X509_REVOKED_free(*entry);
    *entry = NULL;
}

static void time_free(ASN1_TIME **time)
{
    ASN1_TIME_free(*time);
    *time = NULL;
}

static void integer_free(ASN1_INTEGER **integer)
{
    ASN1_INTEGER_free(*integer);
    *integer = NULL;
}

static void enumerated_free(ASN1_ENUMERATED **enumerated)
{
    ASN1_ENUMERATED_free(*enumerated);
    *enumerated = NULL;
}

static bool failed(struct error *err, const char *what)
{
    signing_failed(err, what);
    return error_during(err, "the revocation list cannot be made");
}

static bool set_serial(X509_REVOKED *entry, const char *serial)
{
    BIGNUM *number = NULL;
    AUTO(integer_free) ASN1_INTEGER *integer = NULL;

    if (BN_hex2bn(&number, serial))
        integer = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    return integer && X509_REVOKED_set_serialNumber(entry, integer) == 1;
}

/* RFC 5280 5.3.1: "unspecified" is said by leaving the extension out. */
static bool set_reason(X509_REVOKED *entry, int reason)
{
    AUTO(enumerated_free) ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();

    return reason == CRL_REASON_UNSPECIFIED ||
           (value && ASN1_ENUMERATED_set(value, reason) == 1 &&
            X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0) == 1);
}

static bool add_entry(X509_CRL *list, const struct revoked_certificate *revoked)
{
    AUTO(entry_free) X509_REVOKED *entry = X509_REVOKED_new();
    AUTO(time_free) ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)revoked->revoked_s);

    if (!entry || !when || !set_serial(entry, revoked->serial) ||
        X509_REVOKED_set_revocationDate(entry, when) != 1 || !set_reason(entry, revoked->reason) ||
        X509_CRL_add0_revoked(list, entry) != 1)
        return false;
    entry = NULL; /* the list's */
    return true;
}

static bool set_times(X509_CRL *list, const struct revocation_list_order *order)
{
    AUTO(time_free) ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)order->this_update_s);
    AUTO(time_free) ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)order->next_update_s);

    return now && next && X509_CRL_set1_lastUpdate(list, now) == 1 &&
           X509_CRL_set1_nextUpdate(list, next) == 1;
}

static bool add_number(X509_CRL *list, int64_t number)
{
    AUTO(integer_free) ASN1_INTEGER *value = ASN1_INTEGER_new();

    return value && ASN1_INTEGER_set_int64(value, number) == 1 &&
           X509_CRL_add1_ext_i2d(list, NID_crl_number, value, 0, 0) == 1;
}

static bool add_issuer_key(X509_CRL *list, X509 *issuer)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx(&context, issuer, NULL, NULL, list, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    added = extension && X509_CRL_add_ext(list, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

bool revocation_list_sign(const struct authority *authority, const struct revocation_list_order *order,
                          struct bytes *der, struct error *err)
{
    AUTO(list_free) X509_CRL *list = X509_CRL_new();
    unsigned char *data = NULL;
    int length;

    if (!list || X509_CRL_set_version(list, X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate)) != 1 ||
        !set_times(list, order) || !add_number(list, order->number) ||
        !add_issuer_key(list, authority->certificate))
        return failed(err, authority->subject);
    for (size_t i = 0; i < order->revoked_count; i++) {
        if (!add_entry(list, &order->revoked[i]))
            return failed(err, order->revoked[i].serial);
    }
    if (X509_CRL_sort(list) != 1 || X509_CRL_sign(list, authority->key, EVP_sha256()) <= 0)
        return failed(err, authority->subject);
    length = i2d_X509_CRL(list, &data);
    if (length <= 0)
        return failed(err, authority->subject);
    bytes_set(der, data, (size_t)length);
    OPENSSL_free(data);
    return true;
}
