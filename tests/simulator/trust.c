#include "trust.h"

#include "encoding.h"
#include "name.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char setup_usage[] = "2.16.840.1.113741.1.2.3";
static const char remote_usage[] = "2.16.840.1.113741.1.2.1";
static const char setup_unit[] = "Intel(R) Client Setup Certificate";

static bool has_usage(X509 *certificate, const char *oid)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 0);
    bool found = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        found |= !OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), wanted);
    ASN1_OBJECT_free(wanted);
    EXTENDED_KEY_USAGE_free(usages);
    return found;
}

static bool has_setup_unit(X509 *certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int place = -1;

    while ((place = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, place)) >= 0) {
        const ASN1_STRING *unit = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place));

        if (ASN1_STRING_length(unit) == (int)strlen(setup_unit) &&
            !memcmp(ASN1_STRING_get0_data(unit), setup_unit, strlen(setup_unit)))
            return true;
    }
    return false;
}

static const EVP_MD *hash_digest(uint8_t algorithm)
{
    return algorithm == HASH_SHA1 ? EVP_sha1() : algorithm == HASH_SHA256 ? EVP_sha256() : EVP_sha384();
}

static bool root_listed(const struct device *device, X509 *root)
{
    for (size_t i = 0; i < device->hash_count; i++) {
        const struct root_hash *hash = &device->hashes[i];
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned length;

        if (!hash->active || !(device->generation->hash_algorithms & 1u << hash->algorithm))
            continue;
        if (X509_digest(root, hash_digest(hash->algorithm), digest, &length) &&
            !memcmp(digest, hash->digest, length))
            return true;
    }
    return false;
}

static bool signature_modern(X509 *certificate)
{
    int digest, security;

    return X509_get_signature_info(certificate, &digest, NULL, &security, NULL) &&
           (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512);
}

static bool key_acceptable(const struct device *device, X509 *certificate, int position, struct error *err)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    if (!key || !EVP_PKEY_is_a(key, "RSA"))
        return error_set(err, "certificate %d of the chain has no RSA key", position);
    if (!device->generation->modern_chain_only)
        return true;
    if (EVP_PKEY_get_bits(key) < 2048)
        return error_set(err, "certificate %d has a key of %d bits, release %s wants 2048", position,
                         EVP_PKEY_get_bits(key), device->generation->name);
    return signature_modern(certificate) ||
           error_set(err, "certificate %d is not signed with SHA-2, which release %s wants", position,
                     device->generation->name);
}

static bool date_valid(const struct device *device, X509 *certificate, int position, struct error *err)
{
    time_t now = device_clock(device);

    if (!device->clock_set) /* without a valid clock the dates mean nothing to the firmware */
        return true;
    if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0)
        return error_set(err, "certificate %d is not yet valid by the computer's clock", position);
    return X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0 ||
           error_set(err, "certificate %d has expired by the computer's clock", position);
}

/* Every certificate is signed by the next, the last one, the root, by itself. */
static bool signatures_hold(STACK_OF(X509) * chain, struct error *err)
{
    int count = sk_X509_num(chain);

    for (int i = 0; i < count; i++) {
        X509 *subject = sk_X509_value(chain, i), *issuer = sk_X509_value(chain, i + 1 < count ? i + 1 : i);

        if (i && !X509_check_ca(subject))
            return error_set(err, "certificate %d of the chain is not that of an authority", i);
        if (X509_NAME_cmp(X509_get_issuer_name(subject), X509_get_subject_name(issuer)))
            return i + 1 < count
                       ? error_set(err, "certificate %d is not followed by its issuer: leaf first, root last",
                                   i)
                       : error_set(err, "the chain does not end with a root: the root has to be sent");
        if (X509_verify(subject, X509_get0_pubkey(issuer)) != 1) {
            ERR_clear_error();
            return error_set(err, "the signature of certificate %d does not verify", i);
        }
    }
    return true;
}

static bool alternative_name_matches(const struct device *device, X509 *leaf, const char *suffix)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    bool matches = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char text[256];
        int length = name->type == GEN_DNS ? ASN1_STRING_length(name->d.dNSName) : 0;

        if (length <= 0 || length >= (int)sizeof(text))
            continue;
        memcpy(text, ASN1_STRING_get0_data(name->d.dNSName), (size_t)length);
        text[length] = '\0';
        matches |= suffix_accepts(device->generation->suffix_rule, text, suffix);
    }
    GENERAL_NAMES_free(names);
    return matches;
}

static bool length_acceptable(const struct device *device, STACK_OF(X509) * chain, struct error *err)
{
    unsigned wanted = device->switches.setup_chain_bytes, length = 0;
    unsigned longest = wanted ? wanted : device->generation->setup_chain_bytes;

    for (int i = 0; i < sk_X509_num(chain); i++)
        length += (unsigned)i2d_X509(sk_X509_value(chain, i), NULL);
    return !longest || length <= longest ||
           error_set(err, "the chain has %u bytes, release %s takes %u", length, device->generation->name,
                     longest);
}

static bool domain_matches(const struct device *device, X509 *leaf, const char *name, struct error *err)
{
    const char *suffix = device->suffix ? device->suffix : device->option15;

    if (!suffix)
        return error_set(err, "the computer has no domain: neither a stored PKI suffix nor DHCP option 15");
    if (name && suffix_accepts(device->generation->suffix_rule, name, suffix))
        return true;
    if (device->switches.read_alternative_names && alternative_name_matches(device, leaf, suffix))
        return true;
    return error_set(err, "the name %s does not belong to the computer's domain %s", name ? name : "(none)",
                     suffix);
}

bool trust_setup_chain(const struct device *device, STACK_OF(X509) * chain, char **name, struct error *err)
{
    int count = sk_X509_num(chain);
    X509 *leaf = sk_X509_value(chain, 0);
    char *common_name;

    if (count < 1 || count > (int)device->switches.chain_max)
        return error_set(err, "chain of %d certificates, 1 to %u are possible", count,
                         device->switches.chain_max);
    if (!has_usage(leaf, "1.3.6.1.5.5.7.3.1"))
        return error_set(err, "the leaf is not a server certificate: no extended key usage serverAuth");
    if (!has_usage(leaf, setup_usage) && !has_setup_unit(leaf))
        return error_set(err, "the leaf is not for setup: neither usage %s nor OU \"%s\"", setup_usage,
                         setup_unit);
    if (!length_acceptable(device, chain, err))
        return false;
    for (int i = 0; i < count; i++)
        if (!key_acceptable(device, sk_X509_value(chain, i), i, err) ||
            !date_valid(device, sk_X509_value(chain, i), i, err))
            return false;
    if (!signatures_hold(chain, err))
        return false;
    if (!root_listed(device, sk_X509_value(chain, count - 1)))
        return error_set(err, "the root is not among the active hashes of the computer");
    common_name = name_common(leaf);
    if (!domain_matches(device, leaf, common_name, err)) {
        free_text(&common_name);
        return false;
    }
    *name = common_name ? common_name : duplicate("");
    return true;
}

/* ---- mutual authentication in operation ---- */

static bool chained_to_stored_root(struct device *device, STACK_OF(X509) * chain)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool verified;

    for (size_t i = 0; i < device->certificate_count; i++) {
        const unsigned char *der = device->certificates[i].der;
        X509 *root = device->certificates[i].trusted_root
                         ? d2i_X509(NULL, &der, (long)device->certificates[i].length)
                         : NULL;

        if (root)
            X509_STORE_add_cert(store, root);
        X509_free(root);
    }
    X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), 0);
    if (device->clock_set)
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), device_clock(device));
    else
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
    verified = X509_verify_cert(context) == 1;
    ERR_clear_error();
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verified;
}

/* The lists of that time hold suffixes. */
static bool name_below(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);

    return length > tail && name[length - tail - 1] == '.' && !strcasecmp(name + length - tail, suffix);
}

static bool name_trusted(struct device *device, X509 *leaf)
{
    char *const *names = device->trusted_names[TLS_NETWORK];
    char *name = name_common(leaf);
    bool trusted = !names[0]; /* an empty list trusts every name */

    for (unsigned i = 0; name && i < TRUSTED_NAMES_MAX && names[i]; i++)
        trusted |=
            !strcasecmp(names[i], name) || (device->generation->major < 6 && name_below(name, names[i]));
    free_text(&name);
    return trusted;
}

static bool serial_is(const ASN1_INTEGER *serial, const char *encoded)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    bool same = base64_decode(encoded, &bytes, &length) && (size_t)ASN1_STRING_length(serial) == length &&
                !memcmp(ASN1_STRING_get0_data(serial), bytes, length);

    free(bytes);
    return same;
}

/* The numbers are those of whatever issuer [inferred]: a list names none but by its URL. */
static bool is_revoked(const struct device *device, X509 *leaf)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);

    for (unsigned i = 0; i < CRL_MAX && device->revocations[i].url && !device->switches.revocations_ignored;
         i++)
        for (unsigned k = 0; k < device->revocations[i].count; k++)
            if (serial_is(serial, device->revocations[i].serials[k]))
                return true;
    return false;
}

bool trust_client_chain(struct device *device, STACK_OF(X509) * chain, struct error *err)
{
    X509 *leaf = sk_X509_value(chain, 0);

    if (!leaf || !has_usage(leaf, "1.3.6.1.5.5.7.3.2") || !has_usage(leaf, remote_usage))
        return error_set(err, "the client's certificate lacks usage clientAuth or %s", remote_usage);
    if (!chained_to_stored_root(device, chain))
        return error_set(err,
                         "the client's certificate does not lead to a trusted root in the computer's store");
    if (is_revoked(device, leaf))
        return error_set(err, "the client's certificate was revoked");
    return name_trusted(device, leaf) || error_set(err, "the client's name is not among the trusted names");
}
