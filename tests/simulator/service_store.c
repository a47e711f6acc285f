/*
 * service_store.c - the certificate store of 2.5 and later: SecurityAdministration, CertStore... and
 * SetTLSCredentials. It is the store that WS-Management shows.
 */
#include "encoding.h"
#include "keys.h"
#include "name.h"
#include "request_maker.h"
#include "service.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

static uint32_t add_key(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *pair = value_node(value_node(input, "KeyPair"), "RSAKeyPair");
    struct device *device = call->device;
    unsigned char *der = NULL;
    size_t length = 0;
    EVP_PKEY *key;
    enum amt_status status = AMT_SUCCESS;

    value_bytes(pair, "DERKey", &der, &length);
    key = keys_parse_private(der, length);
    if (!key || !keys_length_known(device, (uint32_t)EVP_PKEY_get_bits(key)))
        status = AMT_INVALID_KEY;
    else if (keys_key_stored(device, key))
        status = AMT_DUPLICATE;
    else if (device->key_count == STORE_MAX_KEYS)
        status = AMT_MAX_LIMIT_REACHED;
    else
        write_number(out, "KeyPairHandle", device_add_key(device, key)->handle);
    EVP_PKEY_free(key);
    OPENSSL_clear_free(der, length);
    return (uint32_t)status;
}

static uint32_t enumerate_keys(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    struct stored_certificate *certificate = NULL;
    uint32_t handle = 0;

    if (value_number(input, "FindByCert", &handle)) {
        certificate = device_certificate(device, handle);
        if (!certificate)
            return AMT_INVALID_HANDLE;
    }
    for (size_t i = 0; i < device->key_count; i++)
        if (!certificate || device_key_of(device, certificate) == &device->keys[i])
            write_number(out, "KeyPairHandles", device->keys[i].handle);
    return AMT_SUCCESS;
}

static struct stored_key *named_key(struct device *device, const xmlNode *input)
{
    uint32_t handle = 0;

    value_number(input, "KeyPairHandle", &handle);
    return device_key(device, handle);
}

static uint32_t get_key(struct call *call, const xmlNode *input, struct text *out)
{
    const struct stored_key *key = named_key(call->device, input);
    unsigned char *der = NULL;
    int length;

    if (!key)
        return AMT_INVALID_HANDLE;
    length = i2d_PublicKey(key->key, &der); /* PKCS#1 RSAPublicKey */
    text_append(out, "<g:PublicKey><h:RSAKeyPair xmlns:h=\"" EOI_CERTIFICATE "\"><h:DERKey>");
    base64_append(out, der, length > 0 ? (size_t)length : 0);
    text_append(out, "</h:DERKey></h:RSAKeyPair></g:PublicKey>");
    OPENSSL_free(der);
    return AMT_SUCCESS;
}

static uint32_t remove_key(struct call *call, const xmlNode *input, struct text *out)
{
    const struct stored_key *key = named_key(call->device, input);

    (void)out;
    if (!key)
        return AMT_INVALID_HANDLE;
    if (keys_key_used(call->device, key))
        return AMT_NOT_PERMITTED;
    device_remove_key(call->device, key->handle);
    return AMT_SUCCESS;
}

static uint32_t get_request(struct call *call, const xmlNode *input, struct text *out)
{
    const struct stored_key *key = named_key(call->device, input);
    AUTO(free_text) char *subject = value_text(input, "DNName"), *usage = value_text(input, "Usage");
    struct text request = { 0 };
    bool made;

    if (!key)
        return AMT_INVALID_HANDLE;
    made = request_make(key->key, subject ? subject : "CN=Intel(R) AMT", usage, &request);
    if (made)
        text_format(out, "<g:CertificateRequest>%s</g:CertificateRequest>", request.bytes);
    text_release(&request);
    return made ? AMT_SUCCESS : AMT_INVALID_PARAMETER;
}

/* ---- certificates ---- */

static struct stored_certificate *named_certificate(struct device *device, const xmlNode *input)
{
    uint32_t handle = 0;

    value_number(input, "CertHandle", &handle);
    return device_certificate(device, handle);
}

static X509 *read_certificate(const xmlNode *input, unsigned char **der, size_t *length)
{
    *der = NULL;
    *length = 0;
    value_bytes(value_node(input, "Certificate"), "X509cert", der, length);
    return keys_parse_certificate(*der, *length);
}

static uint32_t add_certificate(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    unsigned char *der;
    size_t length;
    X509 *certificate = read_certificate(input, &der, &length);
    enum amt_status status = AMT_SUCCESS;

    if (!certificate)
        status = AMT_INVALID_CERT;
    else if (keys_certificate_stored(device, der, length))
        status = AMT_DUPLICATE;
    else if (device->certificate_count == STORE_MAX_CERTIFICATES)
        status = AMT_MAX_LIMIT_REACHED;
    if (!status) {
        struct stored_certificate *stored = device_add_certificate(device, der, length);

        stored->sent = X509_check_ca(certificate) > 0;
        write_number(out, "CertHandle", stored->handle);
    }
    X509_free(certificate);
    free(der);
    return (uint32_t)status;
}

static bool has_usage(X509 *certificate, const char *wanted)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    ASN1_OBJECT *oid = OBJ_txt2obj(wanted, 0);
    bool found = false;

    for (int i = 0; oid && i < sk_ASN1_OBJECT_num(usages); i++)
        found |= !OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), oid);
    ASN1_OBJECT_free(oid);
    EXTENDED_KEY_USAGE_free(usages);
    return found;
}

static bool name_equals(const X509_NAME *name, const char *wanted)
{
    AUTO(free_text) char *text = name_of_firmware(name);

    return !strcmp(text, wanted);
}

static bool certificate_wanted(const struct stored_certificate *stored, const xmlNode *input)
{
    AUTO(free_text) char *subject = value_text(input, "FindByDNName");
    AUTO(free_text) char *usage = value_text(input, "FindByUsage");
    AUTO(free_text) char *issuer = value_text(input, "FindByIssuer");
    X509 *certificate = keys_parse_certificate(stored->der, stored->length);
    bool wanted = certificate && (!subject || name_equals(X509_get_subject_name(certificate), subject)) &&
                  (!usage || has_usage(certificate, usage)) &&
                  (!issuer || name_equals(X509_get_issuer_name(certificate), issuer));

    X509_free(certificate);
    return wanted;
}

static uint32_t enumerate_certificates(struct call *call, const xmlNode *input, struct text *out)
{
    for (size_t i = 0; i < call->device->certificate_count; i++)
        if (certificate_wanted(&call->device->certificates[i], input))
            write_number(out, "CertHandles", call->device->certificates[i].handle);
    return AMT_SUCCESS;
}

static uint32_t get_certificate(struct call *call, const xmlNode *input, struct text *out)
{
    const struct stored_certificate *stored = named_certificate(call->device, input);

    if (!stored)
        return AMT_INVALID_HANDLE;
    text_append(out, "<g:Certificate>");
    write_bytes(out, "X509cert", stored->der, stored->length);
    text_append(out, "</g:Certificate>");
    return AMT_SUCCESS;
}

static uint32_t update_certificate(struct call *call, const xmlNode *input, struct text *out)
{
    struct stored_certificate *stored = named_certificate(call->device, input);
    unsigned char *der;
    size_t length;
    X509 *certificate = read_certificate(input, &der, &length);
    struct stored_key *key = stored ? device_key_of(call->device, stored) : NULL;
    enum amt_status status = AMT_SUCCESS;

    (void)out;
    if (!stored) {
        status = AMT_INVALID_HANDLE;
    } else if (!certificate) {
        status = AMT_INVALID_CERT;
    } else if (key && EVP_PKEY_eq(X509_get0_pubkey(certificate), key->key) != 1) {
        status = AMT_CERT_KEY_NOT_MATCH;
    } else {
        free(stored->der);
        stored->der = der;
        stored->length = length;
        der = NULL;
    }
    X509_free(certificate);
    free(der);
    return (uint32_t)status;
}

static uint32_t remove_certificate(struct call *call, const xmlNode *input, struct text *out)
{
    const struct stored_certificate *stored = named_certificate(call->device, input);

    (void)out;
    if (!stored)
        return AMT_INVALID_HANDLE;
    if (stored->read_only || keys_certificate_used(call->device, (int32_t)stored->handle))
        return AMT_NOT_PERMITTED;
    device_remove_certificate(call->device, stored->handle);
    return AMT_SUCCESS;
}

/* ---- which one serves TLS ---- */

static uint32_t clear_credentials(struct device *device)
{
    for (unsigned i = 0; i < TLS_INSTANCES; i++)
        if (device->tls[i].enabled || device->tls_in_force[i].enabled)
            return AMT_NOT_PERMITTED; /* only while TLS is off */
    device->credential = device->credential_in_force = NO_HANDLE;
    return AMT_SUCCESS;
}

static uint32_t set_credentials(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    const struct stored_certificate *stored = named_certificate(device, input);

    (void)out;
    if (!value_node(input, "CertHandle"))
        return clear_credentials(device);
    if (!stored)
        return AMT_INVALID_HANDLE;
    if (stored->trusted_root)
        return AMT_INVALID_CERT;
    if (!device_key_of(device, stored))
        return device->key_count ? AMT_CERT_KEY_NOT_MATCH : AMT_PKI_MISSING_KEYS;
    device->credential = (int32_t)stored->handle;
    return AMT_SUCCESS;
}

static uint32_t get_credentials(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    if (call->device->credential != NO_HANDLE)
        write_number(out, "CertHandle", (uint32_t)call->device->credential);
    return AMT_SUCCESS;
}

/* ---- tables ---- */

static const struct member rsa_pair[] = { { "DERKey", TYPE_BASE64, REQUIRED | IN_STORE, NULL }, { 0 } };
static const struct member pair[] = { { "RSAKeyPair", TYPE_TEXT, REQUIRED | IN_STORE, rsa_pair }, { 0 } };
static const struct member add_key_members[] = { { "KeyPair", TYPE_TEXT, REQUIRED, pair }, { 0 } };
static const struct member find_key_members[] = { { "FindByCert", TYPE_NUMBER, 0, NULL }, { 0 } };
static const struct member key_members[] = { { "KeyPairHandle", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member request_members[] = { { "KeyPairHandle", TYPE_NUMBER, REQUIRED, NULL },
                                                 { "DNName", TYPE_TEXT, 0, NULL },
                                                 { "Usage", TYPE_TEXT, 0, NULL },
                                                 { 0 } };
static const struct member certificate[] = { { "X509cert", TYPE_BASE64, REQUIRED, NULL }, { 0 } };
static const struct member add_members[] = { { "Certificate", TYPE_TEXT, REQUIRED, certificate }, { 0 } };
static const struct member find_members[] = { { "FindByDNName", TYPE_TEXT, 0, NULL },
                                              { "FindByUsage", TYPE_TEXT, 0, NULL },
                                              { "FindByIssuer", TYPE_TEXT, 0, NULL },
                                              { 0 } };
static const struct member handle_members[] = { { "CertHandle", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member update_members[] = { { "CertHandle", TYPE_NUMBER, REQUIRED, NULL },
                                                { "Certificate", TYPE_TEXT, REQUIRED, certificate },
                                                { 0 } };
static const struct member credential_members[] = { { "CertHandle", TYPE_NUMBER, 0, NULL }, { 0 } };

const struct service_call store_calls[] = {
    { .name = "CertStoreAddKey", .run = add_key, .members = add_key_members },
    { .name = "CertStoreEnumerateKeys",
      .run = enumerate_keys,
      .members = find_key_members,
      .reads_only = true },
    { .name = "CertStoreGetKey", .run = get_key, .members = key_members, .reads_only = true },
    { .name = "CertStoreRemoveKey", .run = remove_key, .members = key_members },
    { .name = "CertStoreAddCertificate", .run = add_certificate, .members = add_members },
    { .name = "CertStoreEnumerateCertificates",
      .run = enumerate_certificates,
      .members = find_members,
      .reads_only = true },
    { .name = "CertStoreGetCertificate",
      .run = get_certificate,
      .members = handle_members,
      .reads_only = true },
    { .name = "CertStoreUpdateCertificate", .run = update_certificate, .members = update_members },
    { .name = "CertStoreRemoveCertificate", .run = remove_certificate, .members = handle_members },
    { .name = "CertStoreGetPKCS10Request",
      .run = get_request,
      .members = request_members,
      .reads_only = true },
    { .name = "SetTLSCredentials", .run = set_credentials, .members = credential_members },
    { .name = "GetTLSCredentials", .run = get_credentials, .reads_only = true },
    { 0 },
};
