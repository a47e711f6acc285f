#include "provisioning_chain.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define SETUP_PURPOSE "2.16.840.1.113741.1.2.3"           /* AMT SDK: remote configuration certificate */
#define SETUP_UNIT    "Intel(R) Client Setup Certificate" /* exactly so */

struct members {
    X509 *certificates[PREFLIGHT_CHAIN_MAX];
    size_t count;
};

static void members_clear(struct members *members)
{
    for (size_t i = 0; i < members->count; i++)
        X509_free(members->certificates[i]);
    ERR_clear_error();
}

static void bio_free(BIO **bio)
{
    BIO_free_all(*bio);
    *bio = NULL;
}

static bool members_read(const struct bytes *certificates, size_t count, struct members *members,
                         struct error *err)
{
    if (count == 0 || count > PREFLIGHT_CHAIN_MAX)
        return error_set(err, ERROR_INPUT, "a chain of %zu certificates; it must have 1 to %d", count,
                         PREFLIGHT_CHAIN_MAX);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *at = certificates[i].data;
        X509 *read = certificates[i].length ? d2i_X509(NULL, &at, (long)certificates[i].length) : NULL;

        if (!read)
            return error_set(err, ERROR_INPUT, "certificate %zu of the chain is no X.509 certificate", i + 1);
        members->certificates[members->count++] = read;
    }
    return true;
}

static char *name_text(const X509_NAME *name)
{
    AUTO(bio_free) BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    long length;

    X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB);
    length = BIO_get_mem_data(out, &data);
    return text_format("%.*s", (int)length, data ? data : "");
}

/* The first entry of that kind as UTF-8, or NULL; the caller frees. */
static char *name_entry(X509_NAME *name, int kind)
{
    int at = X509_NAME_get_index_by_NID(name, kind, -1);
    unsigned char *utf8 = NULL;
    char *text;
    int length;

    if (at < 0)
        return NULL;
    length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (length < 0)
        return NULL;
    text = memchr(utf8, 0, (size_t)length) ? NULL : text_copy((const char *)utf8);
    OPENSSL_free(utf8);
    return text;
}

static bool has_setup_unit(X509_NAME *name)
{
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_organizationalUnitName, at)) >= 0;) {
        const ASN1_STRING *unit = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

        if (ASN1_STRING_length(unit) == (int)strlen(SETUP_UNIT) &&
            memcmp(ASN1_STRING_get0_data(unit), SETUP_UNIT, strlen(SETUP_UNIT)) == 0)
            return true;
    }
    return false;
}

static void purposes_find(X509 *leaf, struct preflight_facts *facts)
{
    EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);

    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
        char oid[64];

        OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(purposes, i), 1);
        facts->has_setup_purpose = facts->has_setup_purpose || strcmp(oid, SETUP_PURPOSE) == 0;
        facts->has_server_purpose =
            facts->has_server_purpose || OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, i)) == NID_server_auth;
    }
    EXTENDED_KEY_USAGE_free(purposes);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = { 0 };

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool is_issued_by(X509 *certificate, X509 *issuer)
{
    bool issued = X509_check_issued(issuer, certificate) == X509_V_OK &&
                  X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;

    ERR_clear_error();
    return issued;
}

/* One certificate's share in the facts of its chain. */
static void chain_member_add(struct preflight_facts *facts, X509 *member)
{
    int64_t from = seconds_of(X509_get0_notBefore(member)), to = seconds_of(X509_get0_notAfter(member));
    const EVP_PKEY *key = X509_get0_pubkey(member);
    unsigned bits = key && EVP_PKEY_base_id(key) == EVP_PKEY_RSA ? (unsigned)EVP_PKEY_bits(key) : 0;
    int hash = NID_undef;

    if (from > facts->not_before_s)
        facts->not_before_s = from;
    if (to < facts->not_after_s)
        facts->not_after_s = to;
    if (bits < facts->rsa_bits_smallest)
        facts->rsa_bits_smallest = bits;
    X509_get_signature_info(member, &hash, NULL, NULL, NULL);
    facts->sha1_signature = facts->sha1_signature || hash == NID_sha1 || hash == NID_md5;
}

void provisioning_chain_clear(struct provisioning_chain *chain)
{
    text_free(&chain->common_name);
    text_free(&chain->subject);
    text_free(&chain->root_subject);
    *chain = (struct provisioning_chain){ 0 };
}

static void gather(const struct members *members, struct provisioning_chain *chain)
{
    struct preflight_facts *facts = &chain->facts;
    X509 *leaf = members->certificates[0], *root = members->certificates[members->count - 1];
    X509_NAME *name = X509_get_subject_name(leaf);

    chain->common_name = name_entry(name, NID_commonName);
    if (!chain->common_name)
        chain->common_name = text_copy("");
    chain->subject = name_text(name);
    chain->root_subject = name_text(X509_get_subject_name(root));
    chain->root_not_after_s = seconds_of(X509_get0_notAfter(root));
    *facts = (struct preflight_facts){ .common_name = chain->common_name,
                                       .has_setup_unit = has_setup_unit(name),
                                       .ordered = true,
                                       .complete = is_issued_by(root, root),
                                       .chain_length = members->count,
                                       .not_after_s = INT64_MAX,
                                       .rsa_bits_smallest = UINT32_MAX };
    purposes_find(leaf, facts);
    for (size_t i = 0; i < members->count; i++) {
        chain_member_add(facts, members->certificates[i]);
        if (i + 1 < members->count)
            facts->ordered =
                facts->ordered && is_issued_by(members->certificates[i], members->certificates[i + 1]);
    }
}

bool provisioning_chain_read(const struct bytes *certificates, size_t count, struct provisioning_chain *chain,
                             struct error *err)
{
    AUTO(members_clear) struct members members = { 0 };

    if (!members_read(certificates, count, &members, err))
        return false;
    gather(&members, chain);
    return true;
}
