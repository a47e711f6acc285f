#include "firmware/trust.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/private_file.h"
#include "common/provisioning_chain.h"
#include "firmware/trust_context.h"

#define CHAIN_MAX PREFLIGHT_CHAIN_MAX

struct provisioning_certificate {
    char *path;
    X509 *chain[CHAIN_MAX];          /* leaf first */
    struct bytes encoded[CHAIN_MAX]; /* the same as DER */
    size_t chain_length;
    EVP_PKEY *key;
    struct root_hash root_hashes[3];
    struct provisioning_chain told; /* what the chain says */
    bool of_console;
    SSL_CTX *contexts[TLS_POLICY_COUNT];
};

struct trust {
    struct provisioning_certificate **certificates;
    size_t count;
    SSL_CTX *contexts[TLS_POLICY_COUNT]; /* without a client certificate */
};

static void bio_release(BIO **bio)
{
    BIO_free_all(*bio);
    *bio = NULL;
}

void provisioning_certificate_free(struct provisioning_certificate **owner)
{
    struct provisioning_certificate *certificate = TAKE(*owner);

    if (!certificate)
        return;
    for (size_t i = 0; i < TLS_POLICY_COUNT; i++)
        SSL_CTX_free(certificate->contexts[i]);
    for (size_t i = 0; i < certificate->chain_length; i++)
        X509_free(certificate->chain[i]);
    for (size_t i = 0; i < certificate->chain_length; i++)
        bytes_free(&certificate->encoded[i]);
    EVP_PKEY_free(certificate->key);
    text_free(&certificate->path);
    provisioning_chain_clear(&certificate->told);
    free(certificate);
}

void trust_free(struct trust **owner)
{
    struct trust *trust = TAKE(*owner);

    if (!trust)
        return;
    for (size_t i = 0; i < trust->count; i++)
        provisioning_certificate_free(&trust->certificates[i]);
    free(trust->certificates);
    for (size_t i = 0; i < TLS_POLICY_COUNT; i++)
        SSL_CTX_free(trust->contexts[i]);
    free(trust);
}

/* ---- reading ---- */

/* Never asks a person: an encrypted key is refused. */
static int no_passphrase(char *buffer, int size, int writing, void *argument)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)argument;
    return -1;
}

static bool chain_read(struct provisioning_certificate *certificate, BIO *in, struct error *err)
{
    X509 *next;

    while ((next = PEM_read_bio_X509(in, NULL, no_passphrase, NULL))) {
        if (certificate->chain_length == CHAIN_MAX) {
            X509_free(next);
            return error_set(err, ERROR_INPUT, "%s has more than %d certificates; leave one chain in it",
                             certificate->path, CHAIN_MAX);
        }
        certificate->chain[certificate->chain_length++] = next;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        ERR_clear_error();
        return error_set(err, ERROR_INPUT, "%s: certificate %zu is damaged; write the PEM file anew",
                         certificate->path, certificate->chain_length + 1);
    }
    ERR_clear_error();
    if (certificate->chain_length == 0)
        return error_set(err, ERROR_INPUT, "%s has no certificate; it must be PEM: leaf, intermediates, root",
                         certificate->path);
    return true;
}

static bool key_read(struct provisioning_certificate *certificate, const char *path,
                     const struct secret *content, struct error *err)
{
    AUTO(bio_release) BIO *in = BIO_new_mem_buf(secret_reveal(content), (int)secret_length(content));

    certificate->key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    ERR_clear_error();
    if (!certificate->key)
        return error_set(err, ERROR_INPUT,
                         "%s has no private key in PEM without a passphrase; write the key there", path);
    if (X509_check_private_key(certificate->chain[0], certificate->key) != 1) {
        ERR_clear_error();
        return error_set(
            err, ERROR_INPUT,
            "the key in %s does not belong to the first certificate in %s; put the leaf first and its own "
            "key beside it",
            path, certificate->path);
    }
    return true;
}

static bool files_read(struct provisioning_certificate *certificate, const struct trust_source *source,
                       struct error *err)
{
    AUTO(secret_free) struct secret *private_content = NULL;
    AUTO(bio_release) BIO *in = NULL;
    const char *key_path = source->key_path ? source->key_path : source->certificate_path;

    if (!private_file_read(key_path, &private_content, err))
        return error_during(err,
                            certificate->of_console ? "console certificate" : "provisioning certificate");
    in = source->key_path
             ? BIO_new_file(source->certificate_path, "r")
             : BIO_new_mem_buf(secret_reveal(private_content), (int)secret_length(private_content));
    if (!in) {
        ERR_clear_error();
        return error_set(err, ERROR_INPUT, "cannot read the certificate %s", source->certificate_path);
    }
    return chain_read(certificate, in, err) && key_read(certificate, key_path, private_content, err);
}

/* ---- facts ---- */

/* What the chain is judged by, and told to the site. */
static bool facts_gather(struct provisioning_certificate *certificate, struct error *err)
{
    for (size_t i = 0; i < certificate->chain_length; i++) {
        unsigned char *der = NULL;
        int length = i2d_X509(certificate->chain[i], &der);

        if (length <= 0)
            return error_set(err, ERROR_INTERNAL, "%s: certificate %zu cannot be encoded", certificate->path,
                             i + 1);
        bytes_set(&certificate->encoded[i], der, (size_t)length);
        OPENSSL_free(der);
    }
    return provisioning_chain_read(certificate->encoded, certificate->chain_length, &certificate->told,
                                   err) ||
           error_during(err, "%s", certificate->path);
}

static bool root_hash_all(struct provisioning_certificate *certificate, struct error *err)
{
    const EVP_MD *const kinds[] = { EVP_sha1(), EVP_sha256(), EVP_sha384() };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct root_hash *hash = &certificate->root_hashes[i];
        unsigned length;

        if (X509_digest(certificate->chain[certificate->chain_length - 1], kinds[i], hash->hash, &length) !=
            1)
            return error_set(err, ERROR_INTERNAL, "%s: the root cannot be hashed", certificate->path);
        hash->algorithm = (uint8_t)(i + 1); /* the Hello's numbers: 1 SHA-1, 2 SHA-256, 3 SHA-384 */
        hash->length = (uint8_t)length;
    }
    return true;
}

/* ---- TLS contexts ---- */

/* Level 0 for both policies: OpenSSL 3 counts TLS 1.1, which AMT 12 to 14 may choose, as insecure. */
#define SUITES                                                                                               \
    "ECDHE+AESGCM:ECDHE+AES:DHE+AESGCM:DHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0"

static SSL_CTX *context_new(enum tls_policy policy)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, policy == TLS_POLICY_LEGACY ? TLS1_VERSION : TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); /* no AMT release is known to speak 1.3 */
    SSL_CTX_set_cipher_list(context, SUITES);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    if (policy == TLS_POLICY_LEGACY)
        SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* NO_AUTO_CHAIN: the chain is sent as it is given, root included (spec O3.3). */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    /* The device's certificate is judged by the connection, after the handshake, before anything is sent. */
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    return context;
}

static bool contexts_make(struct provisioning_certificate *certificate, struct error *err)
{
    for (size_t policy = 0; policy < TLS_POLICY_COUNT; policy++) {
        SSL_CTX *context = certificate->contexts[policy] = context_new((enum tls_policy)policy);
        bool made = SSL_CTX_use_certificate(context, certificate->chain[0]) == 1 &&
                    SSL_CTX_use_PrivateKey(context, certificate->key) == 1;

        for (size_t i = 1; made && i < certificate->chain_length; i++)
            made = SSL_CTX_add1_chain_cert(context, certificate->chain[i]) == 1;
        if (!made) {
            char why[120];

            ERR_error_string_n(ERR_get_error(), why, sizeof(why));
            ERR_clear_error();
            return error_set(err, ERROR_INPUT, "%s cannot be used for TLS: %s", certificate->path, why);
        }
    }
    return true;
}

/* ---- the whole ---- */

static bool certificate_load(struct provisioning_certificate **owner, const struct trust_source *source,
                             int64_t now_s, struct error *err)
{
    AUTO(provisioning_certificate_free)
    struct provisioning_certificate *certificate = allocate(sizeof(*certificate));

    certificate->path = text_copy(source->certificate_path);
    if (!files_read(certificate, source, err) || !facts_gather(certificate, err))
        return false;
    if (!*certificate->told.common_name)
        return error_set(
            err, ERROR_INPUT,
            "%s: the leaf has no common name, which firmware compares with its DNS suffix; order another",
            certificate->path);
    if (!preflight_check(&certificate->told.facts, NULL, (struct firmware_release){ 0, 0 }, now_s, err)) {
        err->code = ERROR_INPUT;
        return error_during(err, "%s", certificate->path);
    }
    if (!root_hash_all(certificate, err) || !contexts_make(certificate, err))
        return false;
    *owner = TAKE(certificate);
    return true;
}

/* ---- of a console ---- */

bool console_certificate_make(struct provisioning_certificate **owner, const struct bytes *der, EVP_PKEY *key,
                              struct error *err)
{
    AUTO(provisioning_certificate_free)
    struct provisioning_certificate *certificate = allocate(sizeof(*certificate));
    const unsigned char *at = der->data;

    certificate->path = text_copy("console certificate of the site");
    certificate->of_console = true;
    certificate->chain[0] = d2i_X509(NULL, &at, (long)der->length);
    certificate->chain_length = certificate->chain[0] ? 1 : 0;
    if (!certificate->chain[0] || X509_check_private_key(certificate->chain[0], key) != 1) {
        ERR_clear_error();
        return error_set(err, ERROR_PROTOCOL, "the site's console certificate is none, or for another key");
    }
    EVP_PKEY_up_ref(key);
    certificate->key = key;
    if (!facts_gather(certificate, err) || !contexts_make(certificate, err))
        return false;
    *owner = TAKE(certificate);
    return true;
}

static bool has_usage(X509 *leaf, const char *oid)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        char text[64];

        OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usages, i), 1);
        found = found || strcmp(text, oid) == 0;
    }
    EXTENDED_KEY_USAGE_free(usages);
    return found;
}

#define CLIENT_USAGE "1.3.6.1.5.5.7.3.2"

static bool console_check(const struct provisioning_certificate *certificate, int64_t now_s,
                          struct error *err)
{
    const struct preflight_facts *facts = &certificate->told.facts;

    if (!has_usage(certificate->chain[0], CLIENT_USAGE) ||
        !has_usage(certificate->chain[0], REMOTE_CONSOLE_USAGE))
        return error_set(err, ERROR_INPUT,
                         "%s: the leaf lacks extended key usage clientAuth or " REMOTE_CONSOLE_USAGE
                         ", without which no computer lets it in; order another",
                         certificate->path);
    if (!*certificate->told.common_name)
        return error_set(
            err, ERROR_INPUT,
            "%s: the leaf has no common name, which firmware compares with its trusted names; order "
            "another",
            certificate->path);
    if (!facts->ordered || !facts->complete)
        return error_set(err, ERROR_INPUT, "%s: put leaf, intermediates and root into it, in this order",
                         certificate->path);
    if (now_s < facts->not_before_s || now_s >= facts->not_after_s)
        return error_set(err, ERROR_INPUT, "%s is not valid now; renew it", certificate->path);
    return true;
}

bool console_certificate_load(struct provisioning_certificate **owner, const char *path, int64_t now_s,
                              struct error *err)
{
    AUTO(provisioning_certificate_free)
    struct provisioning_certificate *certificate = allocate(sizeof(*certificate));
    const struct trust_source source = { .certificate_path = path };

    certificate->path = text_copy(path);
    certificate->of_console = true;
    if (!files_read(certificate, &source, err) || !facts_gather(certificate, err) ||
        !console_check(certificate, now_s, err) || !contexts_make(certificate, err))
        return false;
    *owner = TAKE(certificate);
    return true;
}

bool provisioning_certificate_issued_by(const struct provisioning_certificate *certificate,
                                        const struct bytes *issuer)
{
    const unsigned char *at = issuer->data;
    X509 *read = d2i_X509(NULL, &at, (long)issuer->length);
    X509 *last = certificate->chain[certificate->chain_length - 1];
    bool issued = read && X509_NAME_cmp(X509_get_issuer_name(last), X509_get_subject_name(read)) == 0 &&
                  X509_verify(last, X509_get0_pubkey(read)) == 1;

    X509_free(read);
    ERR_clear_error();
    return issued;
}

bool provisioning_certificate_is_console(const struct provisioning_certificate *certificate)
{
    return certificate->of_console;
}

bool trust_load(struct trust **owner, const struct trust_source *sources, size_t count, int64_t now_s,
                struct error *err)
{
    AUTO(trust_free) struct trust *trust = allocate(sizeof(*trust));

    for (size_t policy = 0; policy < TLS_POLICY_COUNT; policy++)
        trust->contexts[policy] = context_new((enum tls_policy)policy);
    trust->certificates = allocate((count + 1) * sizeof(struct provisioning_certificate *));
    for (; trust->count < count; trust->count++) {
        if (!certificate_load(&trust->certificates[trust->count], &sources[trust->count], now_s, err))
            return false;
    }
    *owner = TAKE(trust);
    return true;
}

size_t trust_count(const struct trust *trust)
{
    return trust->count;
}

const struct provisioning_certificate *trust_certificate(const struct trust *trust, size_t index)
{
    return trust->certificates[index];
}

static bool hashes_match(const struct root_hash *a, const struct root_hash *b)
{
    return a->algorithm == b->algorithm && a->length == b->length && memcmp(a->hash, b->hash, a->length) == 0;
}

const struct provisioning_certificate *trust_find(const struct trust *trust, const struct root_hash *hashes,
                                                  size_t count)
{
    for (size_t i = 0; i < trust->count; i++) {
        for (size_t j = 0; j < count; j++) {
            for (size_t k = 0; k < COUNT_OF(trust->certificates[i]->root_hashes); k++) {
                if (hashes_match(&trust->certificates[i]->root_hashes[k], &hashes[j]))
                    return trust->certificates[i];
            }
        }
    }
    return NULL;
}

void provisioning_certificate_facts(const struct provisioning_certificate *certificate,
                                    struct provisioning_certificate_facts *facts)
{
    *facts = (struct provisioning_certificate_facts){ .path = certificate->path,
                                                      .subject = certificate->told.subject,
                                                      .root_subject = certificate->told.root_subject,
                                                      .common_name = certificate->told.common_name,
                                                      .not_after_s = certificate->told.facts.not_after_s,
                                                      .chain = certificate->encoded,
                                                      .chain_length = certificate->chain_length };
    memcpy(facts->root_hashes, certificate->root_hashes, sizeof(facts->root_hashes));
}

SSL_CTX *trust_context(const struct trust *trust, const struct provisioning_certificate *certificate,
                       enum tls_policy policy)
{
    return certificate ? certificate->contexts[policy] : trust->contexts[policy];
}

const struct preflight_facts *
provisioning_certificate_preflight(const struct provisioning_certificate *certificate)
{
    return &certificate->told.facts;
}
