#include "certificate_file.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/private_file.h"

#define CHAIN_MAX          8
#define CLIENT_SETUP_EKU   "2.16.840.1.113741.1.2.3"
#define CLIENT_SETUP_OU    "Intel(R) Client Setup Certificate"
#define KEY_BITS_MIN       2048
#define SIGNATURE_BITS_MIN 112 /* of security: SHA-1 has fewer */

struct chain {
    EVP_PKEY *key;
    X509 *certificates[CHAIN_MAX];
    size_t count;
};

static void chain_clear(struct chain *chain)
{
    EVP_PKEY_free(chain->key);
    for (size_t i = 0; i < chain->count; i++)
        X509_free(chain->certificates[i]);
}

static void bio_free(BIO **bio)
{
    BIO_free(*bio);
}

static BIO *open_text(const struct secret *content)
{
    return BIO_new_mem_buf(secret_reveal(content), (int)secret_length(content));
}

static bool read_chain(const struct secret *content, struct chain *chain, struct error *err)
{
    AUTO(bio_free) BIO *keys = open_text(content);
    AUTO(bio_free) BIO *certificates = open_text(content);
    char no_password[] = "";
    X509 *read;

    chain->key = PEM_read_bio_PrivateKey(keys, NULL, NULL, no_password);
    if (!chain->key)
        return error_set(err, ERROR_INPUT,
                         "no private key that can be read without a password; put it at the top");
    while ((read = PEM_read_bio_X509(certificates, NULL, NULL, NULL)) != NULL) {
        if (chain->count == CHAIN_MAX) {
            X509_free(read);
            return error_set(err, ERROR_INPUT, "more than %d certificates; keep leaf, intermediates and root",
                             CHAIN_MAX);
        }
        chain->certificates[chain->count++] = read;
    }
    if (chain->count < 2)
        return error_set(err, ERROR_INPUT, "%zu certificates; put in leaf, intermediates and root",
                         chain->count);
    return true;
}

static char *name_text(const X509_NAME *name)
{
    AUTO(bio_free) BIO *out = BIO_new(BIO_s_mem());
    char *data;
    long length;

    X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
    length = BIO_get_mem_data(out, &data);
    return text_format("%.*s", (int)length, data);
}

static bool check_order(const struct chain *chain, struct error *err)
{
    X509 *root = chain->certificates[chain->count - 1];

    if (X509_check_private_key(chain->certificates[0], chain->key) != 1)
        return error_set(err, ERROR_INPUT,
                         "the private key does not belong to the first certificate; put the leaf first");
    for (size_t i = 0; i + 1 < chain->count; i++) {
        X509 *issuer = chain->certificates[i + 1];

        if (X509_check_issued(issuer, chain->certificates[i]) != X509_V_OK ||
            X509_verify(chain->certificates[i], X509_get0_pubkey(issuer)) != 1)
            return error_set(
                err, ERROR_INPUT,
                "certificate %zu did not issue certificate %zu; order them leaf, intermediates, root", i + 2,
                i + 1);
    }
    if (X509_check_issued(root, root) != X509_V_OK || X509_verify(root, X509_get0_pubkey(root)) != 1)
        return error_set(err, ERROR_INPUT,
                         "the last certificate is no root; add the root, computers compare its hash");
    return true;
}

static bool has_setup_purpose(X509 *leaf)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        char oid[64];

        OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usages, i), 1);
        found |= strcmp(oid, CLIENT_SETUP_EKU) == 0;
    }
    EXTENDED_KEY_USAGE_free(usages);
    return found;
}

static bool has_setup_unit(X509 *leaf)
{
    const X509_NAME *name = X509_get_subject_name(leaf);

    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_organizationalUnitName, at)) >= 0;) {
        const ASN1_STRING *unit = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

        if (ASN1_STRING_length(unit) == (int)strlen(CLIENT_SETUP_OU) &&
            memcmp(ASN1_STRING_get0_data(unit), CLIENT_SETUP_OU, strlen(CLIENT_SETUP_OU)) == 0)
            return true;
    }
    return false;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts = { 0 };

    ASN1_TIME_to_tm(time, &parts);
    return timegm(&parts);
}

static bool check_validity(const struct chain *chain, int64_t now_s, int64_t *not_after_s, struct error *err)
{
    *not_after_s = INT64_MAX;
    for (size_t i = 0; i < chain->count; i++) {
        int64_t begin_s = seconds_of(X509_get0_notBefore(chain->certificates[i]));
        int64_t end_s = seconds_of(X509_get0_notAfter(chain->certificates[i]));

        if (begin_s > now_s)
            return error_set(err, ERROR_INPUT, "certificate %zu is not valid yet; check the clock, or wait",
                             i + 1);
        if (end_s <= now_s)
            return error_set(err, ERROR_INPUT, "certificate %zu has expired; renew it", i + 1);
        *not_after_s = end_s < *not_after_s ? end_s : *not_after_s;
    }
    return true;
}

/* What today's firmware refuses and old firmware takes. The root's own signature is not looked at by anybody.
 */
static char *find_weakness(const struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        int bits = EVP_PKEY_get_bits(X509_get0_pubkey(chain->certificates[i])), security = 0;

        if (bits < KEY_BITS_MIN)
            return text_format(
                "certificate %zu has a key of %d bits, which recent firmware refuses; use %d or more", i + 1,
                bits, KEY_BITS_MIN);
        X509_get_signature_info(chain->certificates[i], NULL, NULL, &security, NULL);
        if (i + 1 < chain->count && security < SIGNATURE_BITS_MIN)
            return text_format(
                "certificate %zu is signed with an old hash, which recent firmware refuses; use SHA-256",
                i + 1);
    }
    return NULL;
}

static void describe(const struct chain *chain, struct certificate_file *certificate)
{
    X509 *root = chain->certificates[chain->count - 1];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    X509_digest(root, EVP_sha256(), hash, &length);
    hex_encode(hash, length, certificate->root_hash);
    certificate->subject = name_text(X509_get_subject_name(chain->certificates[0]));
    certificate->root_subject = name_text(X509_get_subject_name(root));
    certificate->weakness = find_weakness(chain);
}

bool certificate_file_read(const char *path, int64_t now_s, struct certificate_file *certificate,
                           struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    AUTO(chain_clear) struct chain chain = { 0 };
    int64_t not_after_s;

    if (!private_file_read(path, &content, err))
        return false;
    if (!read_chain(content, &chain, err) || !check_order(&chain, err) ||
        !check_validity(&chain, now_s, &not_after_s, err))
        return error_during(err, "%s", path);
    if (!has_setup_purpose(chain.certificates[0]) && !has_setup_unit(chain.certificates[0]))
        return error_set(err, ERROR_INPUT,
                         "%s: the leaf has neither EKU " CLIENT_SETUP_EKU " nor OU '" CLIENT_SETUP_OU
                         "'; order a certificate for AMT provisioning",
                         path);
    certificate->not_after_s = not_after_s;
    describe(&chain, certificate);
    return true;
}

void certificate_file_clear(struct certificate_file *certificate)
{
    free(certificate->subject);
    free(certificate->root_subject);
    free(certificate->weakness);
    *certificate = (struct certificate_file){ 0 };
}
