/* Any bytes in place of an authority's answer are refused with a reason, and grant nothing (RFC 4210). */
#include <openssl/cmp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>

#include "certificates/cmp_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *answer;
static size_t answer_size;

static OSSL_CMP_MSG *take_answer(OSSL_CMP_CTX *context, const OSSL_CMP_MSG *request)
{
    const unsigned char *at = answer;

    (void)context;
    (void)request;
    return d2i_OSSL_CMP_MSG(NULL, &at, (long)answer_size);
}

static X509 *make_authority(EVP_PKEY *key)
{
    X509 *made = X509_new();

    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, (const unsigned char *)"A",
                               -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_gmtime_adj(X509_getm_notBefore(made), 0);
    X509_gmtime_adj(X509_getm_notAfter(made), 86400);
    X509_set_pubkey(made, key);
    X509_sign(made, key, EVP_sha256());
    return made;
}

static struct cmp_issuer *make_issuer(EVP_PKEY *key)
{
    struct cmp_issuer *issuer = allocate(sizeof(*issuer));
    X509 *authority = make_authority(key);
    struct error err;

    issuer->host = text_copy("127.0.0.1");
    issuer->path = text_copy("");
    issuer->chain = sk_X509_new_null();
    X509_up_ref(authority);
    sk_X509_push(issuer->chain, authority);
    issuer->reference = text_copy("site");
    issuer->secret = secret_from_text("secret");
    issuer->request = CMP_P10CR;
    issuer->timeout_s = 1;
    issuer->transfer = take_answer;
    if (!authority_without_key(&issuer->authority, authority, &err))
        abort();
    return issuer;
}

static struct certificate_request *make_request(EVP_PKEY *key)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    struct certificate_request *request = NULL;
    X509_REQ *made = X509_REQ_new();
    struct bytes der = { 0 };
    struct error err;

    sk_X509_EXTENSION_push(extensions,
                           X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a.example.com"));
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "serverAuth"));
    X509_REQ_add_extensions(made, extensions);
    X509_REQ_set_pubkey(made, key);
    X509_REQ_sign(made, key, EVP_sha256());
    der.length = (size_t)i2d_X509_REQ(made, &der.data);
    if (!request_read(&request, &der, NULL, &err))
        abort();
    OPENSSL_free(der.data);
    X509_REQ_free(made);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return request;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cmp_issuer *issuer;
    static struct certificate_request *request;
    AUTO(cmp_exchange_free) struct cmp_exchange *exchange = NULL;
    struct cmp_answer got = { 0 };
    struct error err = { 0 };
    struct cmp_order order = { .fqdn = "a.example.com", .lifetime_s = 86400 };

    if (!issuer) {
        EVP_PKEY *key = EVP_RSA_gen(2048);

        issuer = make_issuer(key);
        request = make_request(key);
        EVP_PKEY_free(key);
    }
    order.request = request;
    answer = data;
    answer_size = size;
    if (cmp_ask(issuer, &order, &exchange, &got, &err) || !err.reason || !*err.message)
        abort();
    return 0;
}
