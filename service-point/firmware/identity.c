#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/connection_state.h"

static bool issuers_add(const struct connection *connection, X509_STORE *store)
{
    for (size_t i = 0; i < connection->target.issuer_count; i++) {
        const unsigned char *der = connection->target.issuers[i].data;
        X509 *issuer = d2i_X509(NULL, &der, (long)connection->target.issuers[i].length);
        bool added = issuer && X509_STORE_add_cert(store, issuer) == 1;

        X509_free(issuer);
        if (!added)
            return false;
    }
    return connection->target.issuer_count > 0;
}

static bool is_known(const struct connection *connection, X509 *leaf)
{
    const struct bytes *known = connection->target.known_certificate;
    unsigned char *der = NULL;
    int length = known && known->length ? i2d_X509(leaf, &der) : -1;
    bool same = length > 0 && (size_t)length == known->length && memcmp(der, known->data, known->length) == 0;

    OPENSSL_free(der);
    return same;
}

/* Issuer, name, validity and purpose. */
static bool is_ours(const struct connection *connection, X509 *leaf, const char **why)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *rules;
    bool ours;

    *why = "no issuer or name to compare it with";
    ours = connection->target.fqdn && *connection->target.fqdn /* an empty one would fit every name */ &&
           issuers_add(connection, store) &&
           X509_STORE_CTX_init(check, store, leaf, SSL_get_peer_cert_chain(connection->stream.ssl)) == 1;
    if (ours) {
        rules = X509_STORE_CTX_get0_param(check);
        X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_SERVER);
        X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_hostflags(rules,
                                        X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS);
        if (!is_known(connection, leaf))
            X509_VERIFY_PARAM_set1_host(rules, connection->target.fqdn, 0);
        ours = X509_verify_cert(check) == 1;
        *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
    }
    X509_STORE_CTX_free(check);
    X509_STORE_free(store);
    ERR_clear_error();
    return ours;
}

static bool certificate_remember(struct connection *connection, X509 *leaf,
                                 const uint8_t fingerprint[CONNECTION_FINGERPRINT_SIZE], struct error *err)
{
    unsigned char *der = NULL;
    int length = i2d_X509(leaf, &der);

    if (length < 0)
        return error_set(err, ERROR_INTERNAL, "the certificate of %s cannot be encoded", connection->address);
    bytes_free(&connection->certificate);
    bytes_set(&connection->certificate, der, (size_t)length);
    OPENSSL_free(der);
    memcpy(connection->fingerprint, fingerprint, CONNECTION_FINGERPRINT_SIZE);
    connection->has_fingerprint = true;
    return true;
}

static bool setup_certificate_judge(const struct connection *connection, const uint8_t *fingerprint,
                                    struct error *err)
{
    char was[9], is[9];

    if (!connection->has_fingerprint ||
        memcmp(connection->fingerprint, fingerprint, CONNECTION_FINGERPRINT_SIZE) == 0)
        return true;
    return error_because(
        err, REASON_DEVICE_CERTIFICATE_CHANGED,
        "the certificate of %s changed during the job, SHA-256 %s... to %s...; if it happens again, "
        "somebody may be between us and the computer",
        connection->address, hex_encode(connection->fingerprint, 4, was), hex_encode(fingerprint, 4, is));
}

static bool certificate_judge(struct connection *connection, X509 *leaf, struct error *err)
{
    uint8_t fingerprint[CONNECTION_FINGERPRINT_SIZE];
    const char *why;
    bool ours;

    if (X509_digest(leaf, EVP_sha256(), fingerprint, NULL) != 1)
        return error_set(err, ERROR_INTERNAL, "the certificate of %s cannot be hashed", connection->address);
    ours = connection->expected != IDENTITY_SETUP && is_ours(connection, leaf, &why);
    if (connection->expected == IDENTITY_OPERATIONAL && !ours)
        return error_because(err, REASON_DEVICE_CERTIFICATE_WRONG,
                             "%s does not present the certificate that was issued for %s: %s",
                             connection->address, connection->target.fqdn ? connection->target.fqdn : "it",
                             why);
    if (!ours && !setup_certificate_judge(connection, fingerprint, err))
        return false;
    connection->found = ours ? IDENTITY_OPERATIONAL : IDENTITY_SETUP;
    return certificate_remember(connection, leaf, fingerprint, err);
}

bool identity_judge(struct connection *connection, struct error *err)
{
    X509 *leaf = SSL_get1_peer_certificate(connection->stream.ssl);
    bool accepted;

    if (!leaf)
        return error_because(err, REASON_TLS_FAILED, "%s presents no certificate", connection->address);
    accepted = certificate_judge(connection, leaf, err);
    X509_free(leaf);
    return accepted;
}
