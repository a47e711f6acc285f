/*
 * service_tls.c - key, certificate and options of TLS, trusted roots, revocations: SecurityAdministration.
 *
 * What is written here takes effect with CommitChanges; only the trusted names do at once. Figures are those
 * that imitations of an AMT 3.0.5 report.
 */
#include "encoding.h"
#include "key_pool.h"
#include "keys.h"
#include "request_maker.h"
#include "service.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_DER = 30, /* of either number both forms are taken */
    KEY_PEM = 31,
    CHAIN_DER = 10,
    CHAIN_PEM = 11,
    CHAIN_CERTIFICATES_MAX = 4,
    CHAIN_LONGEST = 4100,
    ROOTS_MAX = 4,
    ROOT_LONGEST = 1500,
    NAME_LONGEST = 63,
};

/* ---- blobs: Encoding, Length, Value ---- */

struct blob {
    unsigned char *bytes; /* owned */
    size_t length;
};

static void release_blob(struct blob *blob)
{
    OPENSSL_clear_free(blob->bytes, blob->length);
    *blob = (struct blob){ 0 };
}

static bool read_blob(const xmlNode *parent, uint32_t first, uint32_t second, struct blob *blob)
{
    uint32_t encoding = 0, length = 0;

    *blob = (struct blob){ 0 };
    value_number(parent, "Encoding", &encoding);
    value_number(parent, "Length", &length);
    value_bytes(parent, "Value", &blob->bytes, &blob->length);
    if ((encoding == first || encoding == second) && blob->length && length == blob->length)
        return true;
    release_blob(blob);
    return false;
}

/* The next object of that PEM name; false: none. */
static bool next_pem(BIO *bio, const char *wanted, struct blob *blob)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long length = 0;
    bool found = PEM_read_bio(bio, &name, &header, &data, &length) == 1 && !strcmp(name, wanted);

    if (found)
        *blob = (struct blob){ data, (size_t)length };
    else
        OPENSSL_free(data);
    OPENSSL_free(name);
    OPENSSL_free(header);
    ERR_clear_error();
    return found;
}

static bool is_pem(const struct blob *blob)
{
    return blob->length > 10 && !memcmp(blob->bytes, "-----BEGIN", 10);
}

static EVP_PKEY *parse_key(const struct blob *blob)
{
    struct blob der = { 0 };
    EVP_PKEY *key = NULL;
    BIO *bio;

    if (!is_pem(blob))
        return keys_parse_private(blob->bytes, blob->length);
    bio = BIO_new_mem_buf(blob->bytes, (int)blob->length);
    if (next_pem(bio, "RSA PRIVATE KEY", &der))
        key = keys_parse_private(der.bytes, der.length);
    release_blob(&der);
    BIO_free(bio);
    return key;
}

/* A chain as it is stored: leaf first; the certificates' bytes are owned. */
struct chain {
    struct blob items[CHAIN_CERTIFICATES_MAX];
    unsigned count;
};

static void release_chain(struct chain *chain)
{
    while (chain->count)
        release_blob(&chain->items[--chain->count]);
}

static bool add_to_chain(struct chain *chain, const unsigned char *bytes, size_t length)
{
    X509 *certificate = keys_parse_certificate(bytes, length);
    bool good = certificate && chain->count < CHAIN_CERTIFICATES_MAX;

    if (good)
        chain->items[chain->count++] = (struct blob){ duplicate_bytes(bytes, length), length };
    X509_free(certificate);
    return good;
}

static bool split_der(const struct blob *blob, struct chain *chain)
{
    const unsigned char *at = blob->bytes, *end = at + blob->length;
    bool good = true;

    while (good && at < end) {
        const unsigned char *next = at;
        X509 *certificate = d2i_X509(NULL, &next, end - at);

        good = certificate && add_to_chain(chain, at, (size_t)(next - at));
        X509_free(certificate);
        at = next;
    }
    ERR_clear_error();
    return good;
}

static bool split_pem(const struct blob *blob, struct chain *chain)
{
    BIO *bio = BIO_new_mem_buf(blob->bytes, (int)blob->length);
    struct blob der = { 0 };
    bool good = true;

    while (good && next_pem(bio, "CERTIFICATE", &der)) {
        good = add_to_chain(chain, der.bytes, der.length);
        release_blob(&der);
    }
    BIO_free(bio);
    return good && chain->count;
}

static bool read_chain(const struct blob *blob, struct chain *chain)
{
    *chain = (struct chain){ 0 };
    if (blob->length <= CHAIN_LONGEST && (is_pem(blob) ? split_pem(blob, chain) : split_der(blob, chain)))
        return true;
    release_chain(chain);
    return false;
}

/* ---- key and certificate ---- */

static bool chain_has_key(const struct chain *chain, EVP_PKEY *key)
{
    X509 *leaf = keys_parse_certificate(chain->items[0].bytes, chain->items[0].length);
    bool has = EVP_PKEY_eq(X509_get0_pubkey(leaf), key) == 1;

    X509_free(leaf);
    return has;
}

static struct stored_certificate *find_stored(struct device *device, const struct blob *blob)
{
    for (size_t i = 0; i < device->certificate_count; i++) {
        struct stored_certificate *stored = &device->certificates[i];

        if (!stored->trusted_root && stored->length == blob->length &&
            !memcmp(stored->der, blob->bytes, blob->length))
            return stored;
    }
    return NULL;
}

/* Into the store unless it is there; the handle, NO_HANDLE: the store is full. */
static int32_t store(struct device *device, const struct blob *blob, bool sent)
{
    struct stored_certificate *stored = find_stored(device, blob);

    if (stored)
        return (int32_t)stored->handle;
    stored = device_add_certificate(device, blob->bytes, blob->length);
    if (!stored)
        return NO_HANDLE;
    stored->slot = true;
    stored->sent = sent;
    return (int32_t)stored->handle;
}

static enum amt_status install(struct device *device, const struct chain *chain, EVP_PKEY *key)
{
    int32_t leaf;

    if (!chain_has_key(chain, key))
        return AMT_CERT_KEY_NOT_MATCH;
    if (!keys_key_stored(device, key) && !device_add_key(device, key))
        return AMT_MAX_LIMIT_REACHED;
    leaf = store(device, &chain->items[0], false);
    for (unsigned i = 1; leaf != NO_HANDLE && i < chain->count; i++)
        if (store(device, &chain->items[i], true) == NO_HANDLE)
            return AMT_MAX_LIMIT_REACHED;
    if (leaf == NO_HANDLE)
        return AMT_MAX_LIMIT_REACHED;
    device->credential = leaf;
    device_drop_replaced(device);
    return AMT_SUCCESS;
}

/* The key for which GetServerCertificateReq made a request, else that of the certificate in use. */
static EVP_PKEY *known_key(struct device *device)
{
    struct stored_certificate *current = device_certificate(device, device->credential);
    struct stored_key *key = current ? device_key_of(device, current) : NULL;

    return device->request_key ? device->request_key : key ? key->key : NULL;
}

static enum amt_status read_key(struct device *device, const xmlNode *given, EVP_PKEY **key)
{
    struct blob blob;

    if (!given) {
        *key = known_key(device);
        if (*key)
            EVP_PKEY_up_ref(*key);
        return *key ? AMT_SUCCESS : AMT_PKI_MISSING_KEYS;
    }
    if (!read_blob(given, KEY_DER, KEY_PEM, &blob))
        return AMT_INVALID_PARAMETER;
    *key = parse_key(&blob);
    release_blob(&blob);
    return *key && keys_length_known(device, (uint32_t)EVP_PKEY_get_bits(*key)) ? AMT_SUCCESS
                                                                                : AMT_INVALID_KEY;
}

static uint32_t set_key_and_certificate(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    struct chain chain = { 0 };
    struct blob blob;
    EVP_PKEY *key = NULL;
    enum amt_status status;

    (void)out;
    if (!read_blob(value_node(input, "CertificateChain"), CHAIN_DER, CHAIN_PEM, &blob))
        return AMT_INVALID_PARAMETER;
    status = read_key(device, value_node(input, "PrivateKey"), &key);
    if (!status)
        status = read_chain(&blob, &chain) ? install(device, &chain, key) : AMT_INVALID_CERT;
    if (!status && key == device->request_key) { /* used up: the next request is for a new one */
        EVP_PKEY_free(device->request_key);
        device->request_key = NULL;
    }
    release_blob(&blob);
    release_chain(&chain);
    EVP_PKEY_free(key);
    return (uint32_t)status;
}

static uint32_t get_certificate(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    const struct stored_certificate *leaf = device_certificate(device, device->credential);
    struct text chain = { 0 };

    (void)input;
    if (!leaf)
        return AMT_NOT_FOUND;
    text_append_bytes(&chain, leaf->der, leaf->length);
    for (size_t i = 0; i < device->certificate_count; i++)
        if (device->certificates[i].sent)
            text_append_bytes(&chain, device->certificates[i].der, device->certificates[i].length);
    text_append(out, "<g:CertificateChain>");
    write_number(out, "Encoding", CHAIN_DER);
    write_number(out, "Length", (uint32_t)chain.length);
    write_bytes(out, "Value", chain.bytes, chain.length);
    text_append(out, "</g:CertificateChain>");
    text_release(&chain);
    return AMT_SUCCESS;
}

static bool make_request_key(struct device *device)
{
    if (device->request_key)
        return true;
    device->request_key = key_pool_take(device->switches.request_bits, keys_key_stored, device);
    return device->request_key && EVP_PKEY_up_ref(device->request_key);
}

/* The name in it is the computer's [inferred]. */
static uint32_t get_certificate_request(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    struct text subject = { 0 }, request = { 0 };
    bool made;

    (void)input;
    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_BUSY_KEYS, NULL))
        return AMT_PKI_GENERATING_KEYS;
    if (!make_request_key(device))
        return AMT_INTERNAL_ERROR;
    text_format(&subject, "CN=%s%s%s", *device->general.host ? device->general.host : "Intel(R) AMT",
                *device->general.domain ? "." : "", device->general.domain);
    made = request_make(device->request_key, subject.bytes, NULL, &request);
    if (made)
        text_format(out, "<g:CertReq>%s</g:CertReq>", request.bytes);
    text_release(&subject);
    text_release(&request);
    return made ? AMT_SUCCESS : AMT_INTERNAL_ERROR;
}

static uint32_t get_capabilities(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    text_append(out, "<g:PkiCaps>");
    write_number(out, "CrlStoreSize", REVOCATIONS_LONGEST);
    write_number(out, "RootCertMaxSize", ROOT_LONGEST);
    write_number(out, "RootCertMaxInstances", ROOTS_MAX);
    write_number(out, "FqdnSuffixMaxEntries", TRUSTED_NAMES_MAX);
    write_number(out, "FqdnSuffixMaxEntryLength", NAME_LONGEST);
    write_number(out, "CertChainMaxSize", CHAIN_LONGEST);
    for (unsigned i = 0; i < LENGTH(call->device->generation->key_lengths); i++)
        if (call->device->generation->key_lengths[i])
            write_number(out, "SupportedKeyLengths", call->device->generation->key_lengths[i]);
    text_append(out, "</g:PkiCaps>");
    return AMT_SUCCESS;
}

/* ---- options ---- */

static const char *const interfaces[] = {
    [TLS_NETWORK] = "NetworkInterface", [TLS_LOCAL] = "LocalHostInterface", NULL
};
static const char *const authentications[] = { "NoAuth", "ServerAuth", "MutualAuth", NULL };
enum { NO_AUTHENTICATION, SERVER_AUTHENTICATION, MUTUAL_AUTHENTICATION };

static struct tls_settings settings_for(uint32_t authentication)
{
    return (struct tls_settings){ .enabled = authentication != NO_AUTHENTICATION,
                                  .mutual = authentication == MUTUAL_AUTHENTICATION };
}

static uint32_t set_enabled(struct call *call, const xmlNode *input, struct text *out)
{
    bool enabled = false;

    (void)out;
    value_flag(input, "Enabled", &enabled);
    call->device->tls[TLS_NETWORK] = settings_for(enabled ? SERVER_AUTHENTICATION : NO_AUTHENTICATION);
    return AMT_SUCCESS;
}

/* The whole state that is wanted: an interface that is left out has no TLS from now on [inferred]. */
static uint32_t set_options(struct call *call, const xmlNode *input, struct text *out)
{
    struct tls_settings wanted[TLS_INSTANCES] = { { 0 } };
    bool named[TLS_INSTANCES] = { false };

    (void)out;
    for (const xmlNode *node = node_first(input); node; node = node_next(node)) {
        uint32_t interface = 0, authentication = 0;

        if (strcmp((const char *)node->name, "TlsOptions"))
            continue;
        if (!word_number(node, "Interface", interfaces, &interface) ||
            !word_number(node, "TlsAuthentication", authentications, &authentication) || named[interface])
            return AMT_INVALID_PARAMETER;
        named[interface] = true;
        wanted[interface] = settings_for(authentication);
    }
    memcpy(call->device->tls, wanted, sizeof(wanted));
    return AMT_SUCCESS;
}

static uint32_t get_options(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    for (unsigned i = 0; i < TLS_INSTANCES; i++) {
        const struct tls_settings *settings = &call->device->tls[i];

        text_append(out, "<g:TlsOptions>");
        write_text(out, "Interface", interfaces[i]);
        write_text(out, "TlsAuthentication",
                   authentications[settings->mutual    ? MUTUAL_AUTHENTICATION
                                   : settings->enabled ? SERVER_AUTHENTICATION
                                                       : NO_AUTHENTICATION]);
        text_append(out, "</g:TlsOptions>");
    }
    return AMT_SUCCESS;
}

/* ---- trusted roots ---- */

static unsigned count_roots(const struct device *device)
{
    unsigned count = 0;

    for (size_t i = 0; i < device->certificate_count; i++)
        count += device->certificates[i].trusted_root;
    return count;
}

static bool mutual_in_force(const struct device *device)
{
    return device->tls_in_force[TLS_NETWORK].mutual || device->tls_in_force[TLS_LOCAL].mutual;
}

static enum amt_status check_root(struct device *device, const unsigned char *der, size_t length)
{
    X509 *certificate = length <= ROOT_LONGEST ? keys_parse_certificate(der, length) : NULL;
    bool good = certificate && keys_root_acceptable(device, certificate);

    X509_free(certificate);
    if (!good)
        return AMT_INVALID_CERT;
    if (mutual_in_force(device))
        return AMT_NOT_PERMITTED;
    if (keys_certificate_stored(device, der, length))
        return AMT_DUPLICATE;
    return count_roots(device) < ROOTS_MAX && device->certificate_count < STORE_MAX_CERTIFICATES
               ? AMT_SUCCESS
               : AMT_MAX_LIMIT_REACHED;
}

static uint32_t add_root(struct call *call, const xmlNode *input, struct text *out)
{
    unsigned char *der = NULL;
    size_t length = 0;
    enum amt_status status;

    value_bytes(value_node(input, "Certificate"), "X509cert", &der, &length);
    status = check_root(call->device, der, length);
    if (!status) {
        struct stored_certificate *stored = device_add_certificate(call->device, der, length);

        stored->trusted_root = true;
        write_number(out, "CertHandle", stored->handle);
    }
    free(der);
    return (uint32_t)status;
}

static struct stored_certificate *named_root(struct device *device, const xmlNode *input)
{
    struct stored_certificate *stored;
    uint32_t handle = 0;

    value_number(input, "CertHandle", &handle);
    stored = device_certificate(device, handle);
    return stored && stored->trusted_root ? stored : NULL;
}

static uint32_t get_root(struct call *call, const xmlNode *input, struct text *out)
{
    const struct stored_certificate *root = named_root(call->device, input);

    if (!root)
        return AMT_INVALID_HANDLE;
    text_append(out, "<g:Certificate>");
    write_bytes(out, "X509cert", root->der, root->length);
    text_append(out, "</g:Certificate>");
    return AMT_SUCCESS;
}

static uint32_t delete_root(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    const struct stored_certificate *root = named_root(device, input);

    (void)out;
    if (!root)
        return AMT_INVALID_HANDLE;
    if (mutual_in_force(device) || keys_certificate_used(device, (int32_t)root->handle))
        return AMT_NOT_PERMITTED;
    device_remove_certificate(device, root->handle);
    return AMT_SUCCESS;
}

static uint32_t enumerate_roots(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    for (size_t i = 0; i < call->device->certificate_count; i++)
        if (call->device->certificates[i].trusted_root)
            write_number(out, "CertHandle", call->device->certificates[i].handle);
    return AMT_SUCCESS;
}

/* ---- trusted names ---- */

static uint32_t set_names(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    char *names[TRUSTED_NAMES_MAX] = { NULL };
    enum amt_status status = AMT_SUCCESS;
    unsigned count = 0;

    (void)out;
    for (const xmlNode *node = node_first(input); node && !status; node = node_next(node)) {
        if (strcmp((const char *)node->name, "FqdnSuffix"))
            continue;
        if (count == TRUSTED_NAMES_MAX) {
            status = AMT_MAX_LIMIT_REACHED;
            break;
        }
        names[count++] = node_text(node);
        if (strlen(names[count - 1]) > NAME_LONGEST)
            status = AMT_INVALID_PARAMETER;
    }
    for (unsigned i = 0; i < TRUSTED_NAMES_MAX; i++) {
        for (unsigned instance = 0; !status && instance < TLS_INSTANCES; instance++)
            replace_text(&device->trusted_names[instance][i], names[i]);
        free(names[i]);
    }
    return (uint32_t)status;
}

static uint32_t get_names(struct call *call, const xmlNode *input, struct text *out)
{
    char *const *names = call->device->trusted_names[TLS_NETWORK];

    (void)input;
    for (unsigned i = 0; i < TRUSTED_NAMES_MAX && names[i]; i++)
        write_text(out, "FqdnSuffix", names[i]);
    return AMT_SUCCESS;
}

/* ---- revocations ---- */

static enum amt_status add_revocations(struct device *device, const xmlNode *node, unsigned place,
                                       size_t *size)
{
    struct revocations *list = &device->revocations[place];

    list->url = value_text(node, "CrlUrl");
    *size += strlen(list->url);
    for (const xmlNode *child = node_first(node); child; child = node_next(child)) {
        if (strcmp((const char *)child->name, "SerialNumber"))
            continue;
        list->serials = reallocate(list->serials, (list->count + 1) * sizeof(char *));
        list->serials[list->count] = node_text(child);
        *size += strlen(list->serials[list->count++]) / 4 * 3;
    }
    return *size <= REVOCATIONS_LONGEST ? AMT_SUCCESS : AMT_MAX_LIMIT_REACHED;
}

/* The whole list; when it does not fit, none is left [inferred]. */
static uint32_t set_revocations(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    enum amt_status status = AMT_SUCCESS;
    unsigned count = 0;
    size_t size = 0;

    (void)out;
    device_forget_revocations(device);
    for (const xmlNode *node = node_first(input); node && !status; node = node_next(node)) {
        if (strcmp((const char *)node->name, "Crl"))
            continue;
        status = count == CRL_MAX ? AMT_MAX_LIMIT_REACHED : add_revocations(device, node, count, &size);
        count++;
    }
    if (status)
        device_forget_revocations(device);
    return (uint32_t)status;
}

static uint32_t get_revocations(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    for (unsigned i = 0; i < CRL_MAX && call->device->revocations[i].url; i++) {
        const struct revocations *list = &call->device->revocations[i];

        text_append(out, "<g:Crl>");
        write_text(out, "CrlUrl", list->url);
        for (unsigned serial = 0; serial < list->count; serial++)
            write_text(out, "SerialNumber", list->serials[serial]);
        text_append(out, "</g:Crl>");
    }
    return AMT_SUCCESS;
}

/* ---- tables ---- */

static const struct member blob_members[] = { { "Encoding", TYPE_NUMBER, REQUIRED, NULL },
                                              { "Length", TYPE_NUMBER, REQUIRED, NULL },
                                              { "Value", TYPE_BASE64, REQUIRED, NULL },
                                              { 0 } };
static const struct member key_members[] = { { "PrivateKey", TYPE_TEXT, 0, blob_members },
                                             { "CertificateChain", TYPE_TEXT, REQUIRED, blob_members },
                                             { 0 } };
static const struct member chain_members[] = { { "CertificateChain", TYPE_TEXT, REQUIRED, blob_members },
                                               { 0 } };
static const struct member enabled_members[] = { { "Enabled", TYPE_FLAG, REQUIRED, NULL }, { 0 } };
static const struct member option[] = { { "Interface", TYPE_TEXT, REQUIRED, NULL },
                                        { "TlsAuthentication", TYPE_TEXT, REQUIRED, NULL },
                                        { 0 } };
static const struct member option_members[] = { { "TlsOptions", TYPE_TEXT, LIST, option }, { 0 } };
static const struct member certificate[] = { { "X509cert", TYPE_BASE64, REQUIRED, NULL }, { 0 } };
static const struct member root_members[] = { { "Certificate", TYPE_TEXT, REQUIRED, certificate }, { 0 } };
static const struct member handle_members[] = { { "CertHandle", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member name_members[] = { { "FqdnSuffix", TYPE_TEXT, LIST, NULL }, { 0 } };
static const struct member revocation[] = { { "CrlUrl", TYPE_TEXT, REQUIRED, NULL },
                                            { "SerialNumber", TYPE_BASE64, REQUIRED | LIST, NULL },
                                            { 0 } };
static const struct member revocation_members[] = { { "Crl", TYPE_TEXT, LIST, revocation }, { 0 } };

const struct service_call tls_calls[] = {
    { .name = "SetTLSKeyAndCertificate", .run = set_key_and_certificate, .members = key_members },
    { .name = "SetTLSCertificate", .run = set_key_and_certificate, .members = chain_members },
    { .name = "GetTLSCertificate", .run = get_certificate, .reads_only = true },
    { .name = "GetServerCertificateReq", .run = get_certificate_request },
    { .name = "GetPkiCapabilities", .run = get_capabilities, .reads_only = true },
    { .name = "SetTlsEnabled", .run = set_enabled, .members = enabled_members },
    { .name = "SetTlsOptions", .run = set_options, .members = option_members },
    { .name = "GetTlsOptions", .run = get_options, .reads_only = true },
    { .name = "AddTrustedRootCertificate", .run = add_root, .members = root_members },
    { .name = "GetTrustedRootCertificate", .run = get_root, .members = handle_members, .reads_only = true },
    { .name = "DeleteTrustedRootCertificate", .run = delete_root, .members = handle_members },
    { .name = "EnumerateTrustedRootCertificates", .run = enumerate_roots, .reads_only = true },
    { .name = "SetTrustedFqdnCN", .run = set_names, .members = name_members },
    { .name = "GetTrustedFqdnCN", .run = get_names, .reads_only = true },
    { .name = "SetCRL", .run = set_revocations, .members = revocation_members },
    { .name = "GetCRL", .run = get_revocations, .reads_only = true },
    { 0 },
};
