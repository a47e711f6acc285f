#include "authority.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificates/authority_parts.h"
#include "common/encoding.h"
#include "statement.h"

#define AUTHORITY_KEY_BITS 3072
#define SERIAL_BITS        128
#define BACKDATE_S         300 /* the computer's clock may be a little behind ours */
#define CN_MAX             64  /* RFC 5280 A.1, ub-common-name */

static void certificate_free(X509 **certificate)
{
    X509_free(*certificate);
    *certificate = NULL;
}

static void number_free(BIGNUM **number)
{
    BN_free(*number);
    *number = NULL;
}

void authority_free(struct authority **authority)
{
    if (*authority) {
        EVP_PKEY_free((*authority)->key);
        X509_free((*authority)->certificate);
        bytes_free(&(*authority)->der);
        free((*authority)->subject);
        free((*authority)->fingerprint);
        free((*authority)->serial);
        free(*authority);
    }
    *authority = NULL;
}

bool signing_failed(struct error *err, const char *what)
{
    char why[160] = "unknown";
    unsigned long code = ERR_peek_last_error();

    if (code)
        ERR_error_string_n(code, why, sizeof(why));
    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, "%s: %s", what, why);
}

static bool to_der(const X509 *certificate, struct bytes *der)
{
    unsigned char *data = NULL;
    int length = i2d_X509(certificate, &data);

    if (length <= 0)
        return false;
    bytes_set(der, data, (size_t)length);
    OPENSSL_free(data);
    return true;
}

static char *fingerprint_of(const struct bytes *der)
{
    unsigned char hash[32];
    char *text = allocate(2 * sizeof(hash) + 1);

    if (EVP_Digest(der->data, der->length, hash, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* SHA-256 of memory cannot fail but for lack of memory */
    return hex_encode(hash, sizeof(hash), text);
}

static char *serial_of(const X509 *certificate)
{
    AUTO(number_free) BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *upper = number ? BN_bn2hex(number) : NULL;
    char *text = text_copy(upper ? upper : "0");

    OPENSSL_free(upper);
    for (char *at = text; *at; at++)
        *at = (char)(*at >= 'A' && *at <= 'F' ? *at + ('a' - 'A') : *at);
    return text;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm utc;

    return ASN1_TIME_to_tm(time, &utc) == 1 ? (int64_t)timegm(&utc) : 0;
}

static char *name_text(const X509_NAME *name)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL, *text;
    long length = 0;

    if (memory && X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        length = BIO_get_mem_data(memory, &data);
    text = text_format("%.*s", (int)length, data ? data : "");
    BIO_free(memory);
    return text;
}

static bool describe(struct authority *authority, struct error *err)
{
    if (!to_der(authority->certificate, &authority->der))
        return signing_failed(err, "the authority's certificate cannot be written");
    authority->fingerprint = fingerprint_of(&authority->der);
    authority->serial = serial_of(authority->certificate);
    authority->subject = name_text(X509_get_subject_name(authority->certificate));
    authority->not_before_s = seconds_of(X509_get0_notBefore(authority->certificate));
    authority->not_after_s = seconds_of(X509_get0_notAfter(authority->certificate));
    return true;
}

/* RFC 5280 4.1.2.2: positive and at most 20 octets; random, so that nobody can foretell what is signed. */
static bool set_serial(X509 *certificate)
{
    AUTO(number_free) BIGNUM *number = BN_new();

    return number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
}

static bool set_validity(X509 *certificate, int64_t not_before_s, int64_t not_after_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before_s) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after_s);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_name_part(X509_NAME *name, const char *part, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) ==
           1;
}

static bool set_common_name(X509_NAME *name, const char *value)
{
    return set_name_part(name, "CN", value);
}

static bool self_sign(struct authority *authority, const char *name, int64_t now_s, int64_t lifetime_s)
{
    X509 *certificate = authority->certificate;

    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_validity(certificate, now_s - BACKDATE_S, now_s + lifetime_s) &&
           set_common_name(X509_get_subject_name(certificate), name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
           X509_set_pubkey(certificate, authority->key) == 1 &&
           add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
           X509_sign(certificate, authority->key, EVP_sha256()) > 0;
}

bool authority_create(struct authority **authority, const char *name, int64_t now_s, int64_t lifetime_s,
                      struct error *err)
{
    AUTO(authority_free) struct authority *making = allocate(sizeof(*making));

    if (!*name || strlen(name) > CN_MAX)
        return error_set(err, ERROR_INPUT, "the authority's name must have 1 to %d characters", CN_MAX);
    making->key = EVP_RSA_gen(AUTHORITY_KEY_BITS);
    making->certificate = X509_new();
    if (!making->key || !making->certificate || !self_sign(making, name, now_s, lifetime_s))
        return signing_failed(err, "the authority cannot be made");
    if (!describe(making, err))
        return false;
    *authority = TAKE(making);
    return true;
}

bool authority_restore(struct authority **authority, const struct bytes *certificate,
                       const struct secret *key, struct error *err)
{
    AUTO(authority_free) struct authority *restoring = allocate(sizeof(*restoring));
    const unsigned char *certificate_at = certificate->data;
    const unsigned char *key_at = (const unsigned char *)secret_reveal(key);

    restoring->certificate = d2i_X509(NULL, &certificate_at, (long)certificate->length);
    restoring->key = d2i_AutoPrivateKey(NULL, &key_at, (long)secret_length(key));
    if (!restoring->certificate || !restoring->key)
        return signing_failed(err, "the authority's certificate or key cannot be read");
    if (X509_check_private_key(restoring->certificate, restoring->key) != 1)
        return signing_failed(err, "the authority's key does not belong to its certificate");
    if (!describe(restoring, err))
        return false;
    *authority = TAKE(restoring);
    return true;
}

bool authority_without_key(struct authority **authority, X509 *certificate, struct error *err)
{
    AUTO(authority_free) struct authority *making = allocate(sizeof(*making));

    making->certificate = certificate;
    if (!describe(making, err))
        return false;
    *authority = TAKE(making);
    return true;
}

void authority_describe(const struct authority *authority, struct authority_facts *facts)
{
    *facts = (struct authority_facts){
        .subject = authority->subject,
        .fingerprint = authority->fingerprint,
        .serial = authority->serial,
        .certificate = &authority->der,
        .not_before_s = authority->not_before_s,
        .not_after_s = authority->not_after_s,
    };
}

bool authority_key(const struct authority *authority, struct secret **key, struct error *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(authority->key);
    unsigned char *der = NULL;
    int length = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;

    PKCS8_PRIV_KEY_INFO_free(info);
    if (length <= 0)
        return signing_failed(err, "the authority's key cannot be written");
    *key = secret_new(der, (size_t)length);
    OPENSSL_clear_free(der, (size_t)length);
    return true;
}

char *authority_pem(const char *label, const struct bytes *der)
{
    char *encoded = base64_encode(der->data, der->length);
    size_t length = strlen(encoded);
    char *text = text_format("-----BEGIN %s-----\n", label);

    for (size_t at = 0; at < length; at += 64) { /* RFC 7468 2: 64 characters a line */
        char *longer = text_format("%s%.64s\n", text, encoded + at);

        free(text);
        text = longer;
    }
    free(encoded);
    encoded = text_format("%s-----END %s-----\n", text, label);
    free(text);
    return encoded;
}

bool authority_open(struct rows *rows, size_t row, struct vault *vault, struct authority **authority,
                    struct error *err)
{
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    AUTO(secret_free) struct secret *key = NULL;
    struct bytes certificate;
    const unsigned char *data;
    char place[VAULT_PLACE_SIZE];
    size_t length;

    data = row_bytes(rows, row, "nonce", &length);
    if (length != sizeof(sealed.nonce))
        return error_set(err, ERROR_INTERNAL, "the authority's key has a nonce of %zu bytes", length);
    memcpy(sealed.nonce, data, sizeof(sealed.nonce));
    sealed.key_id = text_copy(row_text(rows, row, "key_id"));
    data = row_bytes(rows, row, "ciphertext", &length);
    bytes_set(&sealed.ciphertext, data, length);
    certificate.data = (unsigned char *)row_bytes(rows, row, "certificate", &certificate.length);
    vault_place_authority(row_text(rows, row, "fingerprint"), place);
    if (!vault_open(vault, place, &sealed, &key, err))
        return error_during(err, "certificate authority");
    return authority_restore(authority, &certificate, key, err);
}

bool authority_load(struct database *database, struct vault *vault, struct authority **authority,
                    struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(database, STATEMENT_AUTHORITY_ACTIVE, NULL, &rows, err))
        return false;
    if (rows_count(rows))
        return authority_open(rows, 0, vault, authority, err);
    *authority = NULL;
    return true;
}

void issued_certificate_clear(struct issued_certificate *issued)
{
    bytes_free(&issued->der);
    text_free(&issued->serial);
    text_free(&issued->fingerprint);
}

bool issued_certificate_describe(struct issued_certificate *issued, const X509 *certificate)
{
    if (!to_der(certificate, &issued->der))
        return false;
    issued->serial = serial_of(certificate);
    issued->fingerprint = fingerprint_of(&issued->der);
    issued->not_before_s = seconds_of(X509_get0_notBefore(certificate));
    issued->not_after_s = seconds_of(X509_get0_notAfter(certificate));
    return true;
}

bool issued_certificate_read(const struct bytes *der, struct issued_certificate *issued,
                             unsigned char key_fingerprint[32], struct error *err)
{
    const unsigned char *at = der->data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der->length);
    unsigned char *info = NULL;
    int length = certificate ? i2d_PUBKEY(X509_get0_pubkey(certificate), &info) : -1;
    bool read = length > 0 && EVP_Digest(info, (size_t)length, key_fingerprint, NULL, EVP_sha256(), NULL) &&
                issued_certificate_describe(issued, certificate);

    OPENSSL_free(info);
    X509_free(certificate);
    ERR_clear_error();
    return read || error_set(err, ERROR_INPUT, "this is no X.509 certificate in DER");
}

/* A name longer than a CN can be stands in the SAN alone (RFC 6125 6.4.4 looks there first). */
static bool set_names(X509 *certificate, X509 *issuer, const char *fqdn)
{
    AUTO(text_free) char *alternative = text_format("DNS:%s", fqdn);
    bool fits = strlen(fqdn) <= CN_MAX;

    return (!fits || set_common_name(X509_get_subject_name(certificate), fqdn)) &&
           add_extension(certificate, issuer, NID_subject_alt_name, alternative);
}

/* A console has no host's name: it connects, and nobody to it. */
static bool set_console_name(X509 *certificate, const struct certificate_order *order)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return (!order->unit || set_name_part(name, "OU", order->unit)) && set_common_name(name, order->fqdn);
}

static bool set_subject(X509 *certificate, X509 *issuer, const struct certificate_order *order)
{
    return order->usage == CERTIFICATE_CONSOLE ? set_console_name(certificate, order)
                                               : set_names(certificate, issuer, order->fqdn);
}

/* RFC 5280 4.2.1.13; a URL that has been checked, for commas and semicolons have a meaning here. */
static bool set_list_place(X509 *certificate, X509 *issuer, const char *url)
{
    AUTO(text_free) char *place = url && *url ? text_format("URI:%s", url) : NULL;

    return !place || add_extension(certificate, issuer, NID_crl_distribution_points, place);
}

static bool sign_order(const struct authority *authority, const struct certificate_order *order,
                       X509 *certificate, int64_t not_after_s)
{
    static const char *const usages[] = { [CERTIFICATE_SERVER] = "serverAuth",
                                          [CERTIFICATE_CLIENT] = "clientAuth",
                                          [CERTIFICATE_CONSOLE] = "clientAuth," REMOTE_CONSOLE_USAGE };
    X509 *issuer = authority->certificate;

    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_validity(certificate, order->now_s - BACKDATE_S, not_after_s) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(certificate, request_key(order->request)) == 1 &&
           set_subject(certificate, issuer, order) &&
           add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
           add_extension(certificate, issuer, NID_ext_key_usage, usages[order->usage]) &&
           add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
           set_list_place(certificate, issuer, order->list_url) &&
           X509_sign(certificate, authority->key, EVP_sha256()) > 0;
}

/* The FQDN goes into an extension's text, where commas and colons have a meaning. */
static bool name_valid(const struct certificate_order *order)
{
    const char *fqdn = order->fqdn;
    size_t length = strlen(fqdn);

    if (order->usage == CERTIFICATE_CONSOLE)
        return length > 0 && length <= CN_MAX && (!order->unit || strlen(order->unit) <= CN_MAX);
    return length > 0 && length <= 253 &&
           strspn(fqdn, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == length;
}

bool authority_issue(const struct authority *authority, const struct certificate_order *order,
                     struct issued_certificate *issued, struct error *err)
{
    AUTO(certificate_free) X509 *certificate = X509_new();
    int64_t not_after_s = order->now_s + order->lifetime_s;

    if (!name_valid(order))
        return error_because(err, REASON_NAME_MISSING, "'%s' is no %s for a certificate", order->fqdn,
                             order->usage == CERTIFICATE_CONSOLE ? "name" : "DNS name");
    if (order->now_s >= authority->not_after_s)
        return error_because(err, REASON_NO_AUTHORITY, "the certificate authority %s has expired",
                             authority->subject);
    if (not_after_s > authority->not_after_s)
        not_after_s = authority->not_after_s;
    if (!certificate || !sign_order(authority, order, certificate, not_after_s) ||
        !issued_certificate_describe(issued, certificate))
        return signing_failed(err, "the certificate cannot be made");
    return true;
}
