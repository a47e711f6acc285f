#include "certificates/cmp.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificates/cmp_failure.h"
#include "certificates/cmp_parts.h"
#include "common/secret.h"

#define DAY_S         86400
#define CN_MAX        64 /* RFC 5280 A.1, ub-common-name */
#define TROUBLE_BYTES 256
#define CHECK_AFTER_S 1 /* an authority that says "at once" is not asked in a tight loop */

struct cmp_exchange {
    const struct cmp_issuer *issuer;
    OSSL_CMP_CTX *context;
    int request; /* OSSL_CMP_IR and so on */
    char *fqdn;
    enum certificate_usage usage;
    char complaint[160]; /* ours, of the certificate that was offered; "": none */
};

static void context_free(OSSL_CMP_CTX **context)
{
    OSSL_CMP_CTX_free(*context);
    *context = NULL;
}

void cmp_exchange_free(struct cmp_exchange **exchange)
{
    if (*exchange) {
        OSSL_CMP_CTX_free((*exchange)->context);
        free((*exchange)->fqdn);
        free(*exchange);
    }
    *exchange = NULL;
}

/* ---- what went wrong ---- */

/* What libcrypto would print goes into our own messages. */
static int say_nothing(const char *function, const char *file, int line, OSSL_CMP_severity level,
                       const char *message)
{
    (void)function, (void)file, (void)line, (void)level, (void)message;
    return 1;
}

static bool is_transport(int reason)
{
    return reason == CMP_R_TRANSFER_ERROR || reason == CMP_R_TOTAL_TIMEOUT;
}

static bool is_distrust(int reason)
{
    switch (reason) {
    case CMP_R_ERROR_VALIDATING_PROTECTION:
    case CMP_R_ERROR_VALIDATING_SIGNATURE:
    case CMP_R_MISSING_PROTECTION:
    case CMP_R_MISSING_TRUST_STORE:
    case CMP_R_MISSING_SECRET:
    case CMP_R_NO_SUITABLE_SENDER_CERT:
    case CMP_R_SRVCERT_DOES_NOT_VALIDATE_MSG:
    case CMP_R_WRONG_PBM_VALUE:
        return true;
    default:
        return false;
    }
}

/* The texts of libcrypto's error queue, which is empty then, the first cause first. */
static void read_trouble(struct cmp_failure *failure, char trouble[TROUBLE_BYTES])
{
    const char *data;
    unsigned long code;
    size_t used = 0;
    int flags;

    trouble[0] = '\0';
    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        const char *reason = ERR_reason_error_string(code);
        bool with_data = (flags & ERR_TXT_STRING) && *data;

        if (ERR_GET_LIB(code) == ERR_LIB_CMP) {
            failure->transport |= is_transport(ERR_GET_REASON(code));
            failure->distrust |= is_distrust(ERR_GET_REASON(code));
        }
        if (!reason || used >= TROUBLE_BYTES || strstr(trouble, reason))
            continue;
        used += (size_t)snprintf(trouble + used, TROUBLE_BYTES - used, "%s%s%s%s", used ? "; " : "", reason,
                                 with_data ? ": " : "", with_data ? data : "");
    }
}

/* Several texts become one line. */
static char *status_text(const OSSL_CMP_CTX *context)
{
    const OSSL_CMP_PKIFREETEXT *texts = OSSL_CMP_CTX_get0_statusString(context);
    char *text = text_copy("");

    for (int i = 0; i < sk_ASN1_UTF8STRING_num(texts); i++) {
        const ASN1_UTF8STRING *part = sk_ASN1_UTF8STRING_value(texts, i);
        AUTO(text_free) char *before = TAKE(text);

        text = text_format("%s%s%.*s", before, *before ? ", " : "", ASN1_STRING_length(part),
                           (const char *)ASN1_STRING_get0_data(part));
    }
    return text;
}

static bool failed(const OSSL_CMP_CTX *context, const char *what, struct error *err)
{
    AUTO(text_free) char *text = status_text(context);
    char trouble[TROUBLE_BYTES];
    struct cmp_failure failure = { .failure_bits = OSSL_CMP_CTX_get_failInfoCode(context),
                                   .text = text,
                                   .trouble = trouble };

    read_trouble(&failure, trouble);
    failure.rejected = !failure.transport && !failure.distrust &&
                       OSSL_CMP_CTX_get_status(context) == OSSL_CMP_PKISTATUS_rejection;
    return cmp_failure_tell(&failure, what, err);
}

static bool no_context(struct error *err)
{
    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, "libcrypto cannot prepare a CMP request");
}

/* ---- preparing ---- */

static bool set_trust(OSSL_CMP_CTX *context, const struct cmp_issuer *issuer)
{
    X509_STORE *store = X509_STORE_new();

    for (int i = 0; store && i < sk_X509_num(issuer->chain); i++)
        X509_STORE_add_cert(store, sk_X509_value(issuer->chain, i));
    /* Whom the file names is trusted, whoever issued it. */
    if (store && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
        OSSL_CMP_CTX_set0_trustedStore(context, store) == 1)
        return true;
    X509_STORE_free(store);
    return false;
}

static bool set_secret(OSSL_CMP_CTX *context, const struct cmp_issuer *issuer)
{
    const char *reference = issuer->reference;

    return (!*reference || OSSL_CMP_CTX_set1_referenceValue(context, (const unsigned char *)reference,
                                                            (int)strlen(reference)) == 1) &&
           OSSL_CMP_CTX_set1_secretValue(context, (const unsigned char *)secret_reveal(issuer->secret),
                                         (int)secret_length(issuer->secret)) == 1 &&
           OSSL_CMP_CTX_set_option(context, OSSL_CMP_OPT_MAC_ALGNID, NID_hmacWithSHA256) == 1;
}

/* libcrypto 3.0 takes an empty list for none at all, and cannot add what the authority sends to that. */
static bool set_own_issuers(OSSL_CMP_CTX *context, STACK_OF(X509) * issuers)
{
    return sk_X509_num(issuers) == 0 || (OSSL_CMP_CTX_set1_untrusted(context, issuers) == 1 &&
                                         OSSL_CMP_CTX_set1_extraCertsOut(context, issuers) == 1);
}

static bool set_identity(OSSL_CMP_CTX *context, const struct cmp_issuer *issuer)
{
    if (issuer->secret)
        return set_secret(context, issuer);
    return OSSL_CMP_CTX_set1_cert(context, issuer->certificate) == 1 &&
           OSSL_CMP_CTX_set1_pkey(context, issuer->key) == 1 &&
           set_own_issuers(context, issuer->certificate_issuers);
}

/* A proxy of the environment is none of ours: the authority is named by the configuration alone. */
static OSSL_CMP_CTX *open_context(const struct cmp_issuer *issuer)
{
    AUTO(context_free) OSSL_CMP_CTX *context = OSSL_CMP_CTX_new(NULL, NULL);
    const X509_NAME *name = X509_get_subject_name(issuer->authority->certificate);

    ERR_clear_error();
    if (context && OSSL_CMP_CTX_set_log_cb(context, say_nothing) == 1 &&
        OSSL_CMP_CTX_set1_server(context, issuer->host) == 1 &&
        OSSL_CMP_CTX_set_serverPort(context, issuer->port) == 1 &&
        OSSL_CMP_CTX_set1_serverPath(context, issuer->path) == 1 &&
        OSSL_CMP_CTX_set1_no_proxy(context, issuer->host) == 1 &&
        OSSL_CMP_CTX_set_option(context, OSSL_CMP_OPT_MSG_TIMEOUT, issuer->timeout_s) == 1 &&
        OSSL_CMP_CTX_set_transfer_cb(context, issuer->transfer) == 1 &&
        OSSL_CMP_CTX_set1_recipient(context, name) == 1 && set_trust(context, issuer) &&
        set_identity(context, issuer))
        return TAKE(context);
    return NULL;
}

static bool push_name(OSSL_CMP_CTX *context, const char *fqdn)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    bool pushed = false;

    if (name && text && ASN1_STRING_set(text, fqdn, -1) == 1) {
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        text = NULL;
        pushed = OSSL_CMP_CTX_push1_subjectAltName(context, name) == 1;
    }
    ASN1_IA5STRING_free(text);
    GENERAL_NAME_free(name);
    return pushed;
}

static bool set_subject(OSSL_CMP_CTX *context, const char *fqdn)
{
    X509_NAME *subject = X509_NAME_new();
    bool set =
        subject &&
        (strlen(fqdn) > CN_MAX || X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                             (const unsigned char *)fqdn, -1, -1, 0) == 1) &&
        OSSL_CMP_CTX_set1_subjectName(context, subject) == 1;

    X509_NAME_free(subject);
    return set;
}

static bool push_extension(X509_EXTENSIONS *extensions, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    if (extension && sk_X509_EXTENSION_push(extensions, extension) > 0)
        return true;
    X509_EXTENSION_free(extension);
    return false;
}

static bool set_extensions(OSSL_CMP_CTX *context, enum certificate_usage usage)
{
    X509_EXTENSIONS *extensions = sk_X509_EXTENSION_new_null();

    if (extensions &&
        push_extension(extensions, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
        push_extension(extensions, NID_ext_key_usage,
                       usage == CERTIFICATE_CLIENT ? "clientAuth" : "serverAuth") &&
        OSSL_CMP_CTX_set0_reqExtensions(context, extensions) == 1)
        return true;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return false;
}

static bool set_key(OSSL_CMP_CTX *context, EVP_PKEY *key)
{
    if (EVP_PKEY_up_ref(key) != 1)
        return false;
    if (OSSL_CMP_CTX_set0_newPkey(context, 0, key) == 1)
        return true;
    EVP_PKEY_free(key);
    return false;
}

/* The private key is in the firmware, so that "raVerified" is all that can stand in a CRMF request (RFC 4211
 * 4). */
static bool set_template(OSSL_CMP_CTX *context, const struct cmp_order *order)
{
    int days = (int)((order->lifetime_s + DAY_S - 1) / DAY_S);

    return set_key(context, request_key(order->request)) && set_subject(context, order->fqdn) &&
           push_name(context, order->fqdn) && set_extensions(context, order->usage) &&
           OSSL_CMP_CTX_set_option(context, OSSL_CMP_OPT_VALIDITY_DAYS, days) == 1 &&
           OSSL_CMP_CTX_set_option(context, OSSL_CMP_OPT_POPO_METHOD, OSSL_CRMF_POPO_RAVERIFIED) == 1;
}

static bool set_former(OSSL_CMP_CTX *context, const struct bytes *former)
{
    const unsigned char *at = former->data;
    X509 *certificate = d2i_X509(NULL, &at, (long)former->length);
    bool set = certificate && OSSL_CMP_CTX_set1_oldCert(context, certificate) == 1;

    X509_free(certificate);
    return set;
}

static bool prepare(struct cmp_exchange *exchange, const struct cmp_order *order)
{
    const struct cmp_issuer *issuer = exchange->issuer;

    if (order->former && order->former->length && issuer->renew_with_kur) {
        exchange->request = OSSL_CMP_KUR;
        return set_template(exchange->context, order) && set_former(exchange->context, order->former);
    }
    if (issuer->request == CMP_P10CR) {
        exchange->request = OSSL_CMP_P10CR;
        return OSSL_CMP_CTX_set1_p10CSR(exchange->context, request_handle(order->request)) == 1;
    }
    exchange->request = issuer->request == CMP_IR ? OSSL_CMP_IR : OSSL_CMP_CR;
    return set_template(exchange->context, order);
}

/* ---- the certificate that comes ---- */

static const char *complaint_of(const struct cmp_exchange *exchange, X509 *certificate)
{
    X509 *authority = exchange->issuer->authority->certificate;
    uint32_t wanted = exchange->usage == CERTIFICATE_CLIENT ? XKU_SSL_CLIENT : XKU_SSL_SERVER;

    if (X509_check_issued(authority, certificate) != X509_V_OK ||
        X509_verify(certificate, X509_get0_pubkey(authority)) != 1)
        return "it is not issued by the first certificate of cmp.authority_file";
    if (X509_check_host(certificate, exchange->fqdn, 0, 0, NULL) != 1)
        return "it is for another name";
    if (!(X509_get_extended_key_usage(certificate) & wanted))
        return "it is for another purpose than TLS";
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
        return "it has expired";
    return NULL;
}

/* RFC 4210 5.3.18: what is not accepted here is told to the authority, which revokes it. libcrypto has
 * compared the key already. */
static int confirm(OSSL_CMP_CTX *context, X509 *certificate, int failure_bits, const char **text)
{
    struct cmp_exchange *exchange = OSSL_CMP_CTX_get_certConf_cb_arg(context);
    const char *complaint;

    if (failure_bits)
        return failure_bits;
    complaint = complaint_of(exchange, certificate);
    if (!complaint)
        return 0;
    snprintf(exchange->complaint, sizeof(exchange->complaint), "%s", complaint);
    *text = complaint;
    return 1 << OSSL_CMP_PKIFAILUREINFO_incorrectData;
}

static bool complain(const struct cmp_exchange *exchange, struct error *err)
{
    ERR_clear_error();
    return error_because(err, REASON_ISSUER_REFUSED,
                         "the authority's certificate for %s is of no use: %s; mend the authority's profile",
                         exchange->fqdn, exchange->complaint);
}

static bool step(struct cmp_exchange *exchange, struct cmp_answer *answer, struct error *err)
{
    AUTO(text_free) char *what = text_format("certificate for %s", exchange->fqdn);
    int check_after_s = 0, outcome;

    ERR_clear_error();
    outcome = OSSL_CMP_try_certreq(exchange->context, exchange->request, NULL, &check_after_s);
    answer->granted = outcome == 1;
    answer->check_after_s = check_after_s > CHECK_AFTER_S ? check_after_s : CHECK_AFTER_S;
    if (outcome < 0)
        return true;
    if (*exchange->complaint)
        return complain(exchange, err);
    if (!answer->granted)
        return failed(exchange->context, what, err);
    ERR_clear_error();
    return issued_certificate_describe(&answer->issued, OSSL_CMP_CTX_get0_newCert(exchange->context)) ||
           error_set(err, ERROR_INTERNAL, "%s: it cannot be written as DER", what);
}

bool cmp_ask(const struct cmp_issuer *issuer, const struct cmp_order *order, struct cmp_exchange **exchange,
             struct cmp_answer *answer, struct error *err)
{
    struct cmp_exchange *asking = allocate(sizeof(*asking));

    *exchange = asking;
    asking->issuer = issuer;
    asking->fqdn = text_copy(order->fqdn);
    asking->usage = order->usage;
    asking->context = open_context(issuer);
    if (!asking->context || OSSL_CMP_CTX_set_certConf_cb(asking->context, confirm) != 1 ||
        OSSL_CMP_CTX_set_certConf_cb_arg(asking->context, asking) != 1 || !prepare(asking, order))
        return no_context(err);
    return step(asking, answer, err);
}

bool cmp_ask_again(struct cmp_exchange *exchange, struct cmp_answer *answer, struct error *err)
{
    return step(exchange, answer, err);
}

/* ---- revocation ---- */

static bool revoked_already(const OSSL_CMP_CTX *context)
{
    int bits = OSSL_CMP_CTX_get_failInfoCode(context);

    return bits > 0 && (bits & 1 << OSSL_CMP_PKIFAILUREINFO_certRevoked);
}

bool cmp_revoke(const struct cmp_issuer *issuer, const struct bytes *certificate, int reason,
                struct error *err)
{
    AUTO(context_free) OSSL_CMP_CTX *context = open_context(issuer);
    bool revoked;

    if (!context || !set_former(context, certificate) ||
        OSSL_CMP_CTX_set_option(context, OSSL_CMP_OPT_REVOCATION_REASON, reason) != 1)
        return no_context(err);
    ERR_clear_error();
    revoked = OSSL_CMP_exec_RR_ses(context) == 1 || revoked_already(context);
    if (!revoked)
        return failed(context, "revocation", err);
    ERR_clear_error();
    return true;
}
