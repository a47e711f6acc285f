#include "support/certificate_maker.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "common/encoding.h"

#define SETUP_PURPOSE "2.16.840.1.113741.1.2.3" /* AMT SDK: EKU of a remote configuration certificate */
enum { DAY_S = 86400, KEY_BITS = 2048 };

static void x509_close(X509 **certificate)
{
    X509_free(*certificate);
    *certificate = NULL;
}

static void key_close(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

struct link { /* one certificate of the chain with its key */
    X509 *certificate;
    EVP_PKEY *key;
};

static void link_clear(struct link *link)
{
    x509_close(&link->certificate);
    key_close(&link->key);
}

static bool extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool name_entry(X509_NAME *name, int nid, const char *text)
{
    return !text ||
           X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool set_serial(X509 *certificate)
{
    unsigned char number[16];
    BIGNUM *value = NULL;
    bool set = RAND_bytes(number, sizeof(number)) == 1;

    number[0] = (unsigned char)((number[0] & 0x7f) | 1);
    value = BN_bin2bn(number, sizeof(number), NULL);
    set = set && BN_to_ASN1_INTEGER(value, X509_get_serialNumber(certificate)) != NULL;
    BN_free(value);
    return set;
}

static bool sign_link(struct link *made, const struct link *issuer, const char *common_name, const char *unit)
{
    const struct link *signer = issuer ? issuer : made;

    X509_set_pubkey(made->certificate, made->key);
    return X509_set_version(made->certificate, X509_VERSION_3) && set_serial(made->certificate) &&
           name_entry(X509_get_subject_name(made->certificate), NID_commonName, common_name) &&
           name_entry(X509_get_subject_name(made->certificate), NID_organizationName,
                      "Provisioning test bed") &&
           name_entry(X509_get_subject_name(made->certificate), NID_organizationalUnitName, unit) &&
           X509_set_issuer_name(made->certificate, X509_get_subject_name(signer->certificate)) &&
           extend(made->certificate, signer->certificate, NID_subject_key_identifier, "hash") &&
           (!issuer ||
            extend(made->certificate, signer->certificate, NID_authority_key_identifier, "keyid")) &&
           X509_sign(made->certificate, signer->key, EVP_sha256()) > 0;
}

static void begin_link(struct link *made, unsigned bits, int not_before_s, int not_after_s)
{
    made->certificate = X509_new();
    made->key = EVP_RSA_gen(bits);
    X509_gmtime_adj(X509_getm_notBefore(made->certificate), not_before_s);
    X509_gmtime_adj(X509_getm_notAfter(made->certificate), not_after_s);
}

static bool make_authority(struct link *made, const struct link *issuer, const char *common_name)
{
    begin_link(made, KEY_BITS, -DAY_S, 3650 * DAY_S);
    return made->key &&
           extend(made->certificate, made->certificate, NID_basic_constraints, "critical,CA:TRUE") &&
           extend(made->certificate, made->certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           sign_link(made, issuer, common_name, NULL);
}

static bool make_leaf(struct link *made, const struct link *issuer, const struct certificate_recipe *recipe)
{
    const char *purposes = recipe->without_setup_purpose ? "serverAuth" : "serverAuth," SETUP_PURPOSE;

    begin_link(made, recipe->leaf_key_bits ? recipe->leaf_key_bits : KEY_BITS, -2 * DAY_S,
               recipe->expired ? -DAY_S : 365 * DAY_S);
    return made->key &&
           extend(made->certificate, issuer->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(made->certificate, issuer->certificate, NID_key_usage,
                  "critical,digitalSignature,keyEncipherment") &&
           extend(made->certificate, issuer->certificate, NID_ext_key_usage, purposes) &&
           sign_link(made, issuer, recipe->common_name, recipe->organizational_unit);
}

static bool write_chain(const char *path, const struct link *leaf, const struct link *intermediate,
                        const struct link *root)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool written = file && PEM_write_PrivateKey(file, leaf->key, NULL, NULL, 0, NULL, NULL) == 1 &&
                   PEM_write_X509(file, leaf->certificate) == 1 &&
                   PEM_write_X509(file, intermediate->certificate) == 1 &&
                   PEM_write_X509(file, root->certificate) == 1;

    return file && fclose(file) == 0 && written;
}

static bool write_certificate(const char *path, const struct link *link)
{
    FILE *file = fopen(path, "we");
    bool written = file && PEM_write_X509(file, link->certificate) == 1;

    return file && fclose(file) == 0 && written;
}

static bool digest_hex(const X509 *certificate, const EVP_MD *algorithm, char *hex)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length;

    if (X509_digest(certificate, algorithm, hash, &length) != 1)
        return false;
    hex_encode(hash, length, hex);
    return true;
}

bool certificate_make(struct provisioning_certificate *made, const char *prefix,
                      const struct certificate_recipe *recipe, struct error *err)
{
    AUTO(link_clear) struct link root = { 0 };
    AUTO(link_clear) struct link intermediate = { 0 };
    AUTO(link_clear) struct link leaf = { 0 };
    AUTO(text_free) char *path = text_format("%s.pem", prefix);
    AUTO(text_free) char *root_path = text_format("%s-root.pem", prefix);

    if (!make_authority(&root, NULL, "Test Bed Root CA") ||
        !make_authority(&intermediate, &root, "Test Bed Issuing CA") ||
        !make_leaf(&leaf, &intermediate, recipe) ||
        !digest_hex(root.certificate, EVP_sha1(), made->sha1_hex) ||
        !digest_hex(root.certificate, EVP_sha256(), made->sha256_hex) ||
        !digest_hex(root.certificate, EVP_sha384(), made->sha384_hex))
        return error_set(err, ERROR_INTERNAL, "OpenSSL could not make the provisioning certificate %s", path);
    if (!write_chain(path, &leaf, &intermediate, &root) || !write_certificate(root_path, &root))
        return error_set(err, ERROR_INTERNAL, "cannot write %s or %s", path, root_path);
    made->path = TAKE(path);
    made->root_path = TAKE(root_path);
    return true;
}

void certificate_clear(struct provisioning_certificate *made)
{
    text_free(&made->path);
    text_free(&made->root_path);
}

static bool make_server(struct link *made, const struct link *issuer, const char *name, const char *address)
{
    AUTO(text_free) char *names = text_format("DNS:%s,IP:%s", name, address);

    begin_link(made, KEY_BITS, -DAY_S, 3650 * DAY_S);
    return made->key &&
           extend(made->certificate, issuer->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(made->certificate, issuer->certificate, NID_ext_key_usage, "serverAuth") &&
           extend(made->certificate, issuer->certificate, NID_subject_alt_name, names) &&
           sign_link(made, issuer, name, NULL);
}

static bool write_key(const char *path, const struct link *link)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool written = file && PEM_write_PrivateKey(file, link->key, NULL, NULL, 0, NULL, NULL) == 1;

    return file && fclose(file) == 0 && written;
}

bool certificate_make_server(const char *prefix, const char *name, const char *address, struct error *err)
{
    AUTO(link_clear) struct link root = { 0 };
    AUTO(link_clear) struct link server = { 0 };
    AUTO(text_free) char *key_path = text_format("%s.key", prefix);
    AUTO(text_free) char *path = text_format("%s.crt", prefix);
    AUTO(text_free) char *root_path = text_format("%s-root.pem", prefix);

    if (!make_authority(&root, NULL, "Test Bed Server CA") || !make_server(&server, &root, name, address))
        return error_set(err, ERROR_INTERNAL, "OpenSSL could not make the certificate %s", path);
    return (write_key(key_path, &server) && write_certificate(path, &server) &&
            write_certificate(root_path, &root)) ||
           error_set(err, ERROR_INTERNAL, "cannot write %s, %s or %s", key_path, path, root_path);
}

static X509 *read_issuer(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *issuer = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (file)
        fclose(file);
    return issuer;
}

static void store_close(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void store_context_close(X509_STORE_CTX **context)
{
    X509_STORE_CTX_free(*context);
}

static bool verify(X509 *certificate, X509 *issuer, struct error *err)
{
    AUTO(store_close) X509_STORE *store = X509_STORE_new();
    AUTO(store_context_close) X509_STORE_CTX *context = X509_STORE_CTX_new();

    if (!X509_STORE_add_cert(store, issuer) || !X509_STORE_CTX_init(context, store, certificate, NULL) ||
        !X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER))
        return error_set(err, ERROR_INTERNAL, "OpenSSL could not prepare to verify a certificate");
    if (X509_verify_cert(context) != 1)
        return error_set(err, ERROR_REFUSED, "the device's certificate does not verify: %s",
                         X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    return true;
}

bool certificate_check_device(const char *der_base64, const char *issuer_path, const char *fqdn,
                              struct error *err)
{
    AUTO(bytes_free) struct bytes der = { 0 };
    AUTO(x509_close) X509 *issuer = read_issuer(issuer_path);
    AUTO(x509_close) X509 *certificate = NULL;
    const unsigned char *at;
    char name[256] = "";

    if (!issuer)
        return error_set(err, ERROR_INPUT, "%s holds no certificate", issuer_path);
    if (!base64_decode(der_base64, &der) ||
        (at = der.data, !(certificate = d2i_X509(NULL, &at, (long)der.length))))
        return error_set(err, ERROR_PROTOCOL, "what the device holds is not a certificate");
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
    if (strcmp(name, fqdn) != 0)
        return error_set(err, ERROR_REFUSED, "the device's certificate names %s, not %s", name, fqdn);
    if (X509_check_host(certificate, fqdn, 0, 0, NULL) != 1)
        return error_set(err, ERROR_REFUSED, "the device's certificate is not for host %s", fqdn);
    return verify(certificate, issuer, err);
}
