/*
 * class_keys.c - keys and certificates: AMT_PublicKeyManagementService, AMT_PublicKeyCertificate,
 * AMT_PublicPrivateKeyPair, CIM_ConcreteDependency.
 */
#include "keys.h"

#include "encoding.h"
#include "key_pool.h"
#include "name.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char certificate_prefix[] = "Intel(r) AMT Certificate: Handle: ";
static const char key_prefix[] = "Intel(r) AMT Key: Handle: ";

static void describe_management(struct device *device, unsigned index, struct instance *instance)
{
    (void)device;
    (void)index;
    instance_service(instance, "AMT_PublicKeyManagementService",
                     "Intel(r) AMT Public Key Management Service");
    instance_text(instance, "ElementName", "Intel(r) AMT Certificate Store Service");
    instance_number(instance, "EnabledDefault", 5);
    instance_number(instance, "EnabledState", 5);
    instance_number(instance, "RequestedState", 12);
}

/* Writes an endpoint reference to an instance keyed by a handle, as an out parameter. */
static void write_handle(struct text *out, const char *parameter, const char *class, const char *prefix,
                         uint32_t handle)
{
    char id[64];
    const char *selectors[] = { "InstanceID", id, NULL };

    snprintf(id, sizeof(id), "%s%u", prefix, handle);
    text_format(out, "<g:%s>", parameter);
    reference_write(out, SCHEMA_AMT, class, selectors);
    text_format(out, "</g:%s>", parameter);
}

/* ---- certificates ---- */

X509 *keys_parse_certificate(const unsigned char *der, size_t length)
{
    const unsigned char *end = der;
    X509 *certificate = length <= CERTIFICATE_MAX_LENGTH ? d2i_X509(NULL, &end, (long)length) : NULL;

    if (certificate && end != der + length) {
        X509_free(certificate);
        certificate = NULL;
    }
    ERR_clear_error();
    return certificate;
}

bool keys_root_acceptable(const struct device *device, X509 *certificate)
{
    if (!X509_check_ca(certificate))
        return false;
    return device->generation->intermediate_roots ||
           !X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate));
}

bool keys_certificate_stored(const struct device *device, const unsigned char *der, size_t length)
{
    for (size_t i = 0; i < device->certificate_count; i++)
        if (device->certificates[i].length == length && !memcmp(device->certificates[i].der, der, length))
            return true;
    return false;
}

static uint32_t store_certificate(struct call *call, const xmlNode *input, bool trusted_root,
                                  struct text *out)
{
    struct device *device = call->device;
    struct stored_certificate *stored;
    unsigned char *der = NULL;
    size_t length = 0;
    X509 *certificate;
    uint32_t status = AMT_SUCCESS;

    value_bytes(input, "CertificateBlob", &der, &length);
    certificate = der ? keys_parse_certificate(der, length) : NULL;
    if (!certificate || (trusted_root && !keys_root_acceptable(device, certificate)))
        status = AMT_INVALID_CERT;
    else if (keys_certificate_stored(device, der, length))
        status = AMT_DUPLICATE;
    else if (device->certificate_count == STORE_MAX_CERTIFICATES)
        status = AMT_MAX_LIMIT_REACHED;
    if (!status) {
        stored = device_add_certificate(device, der, length);
        stored->trusted_root = trusted_root;
        write_handle(out, "CreatedCertificate", "AMT_PublicKeyCertificate", certificate_prefix,
                     stored->handle);
    }
    X509_free(certificate);
    free(der);
    return status;
}

static uint32_t add_certificate(struct call *call, const xmlNode *input, struct text *out)
{
    return store_certificate(call, input, false, out);
}

static uint32_t add_trusted_root(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;

    if (device->tls_in_force[TLS_NETWORK].mutual || device->tls_in_force[TLS_LOCAL].mutual)
        return AMT_NOT_PERMITTED; /* not while mutual authentication is on */
    return store_certificate(call, input, true, out);
}

static unsigned certificate_count(const struct device *device)
{
    return (unsigned)device->certificate_count;
}

static void describe_certificate(struct device *device, unsigned index, struct instance *instance)
{
    const struct stored_certificate *stored = &device->certificates[index];
    X509 *certificate = keys_parse_certificate(stored->der, stored->length);
    char id[64];

    snprintf(id, sizeof(id), "%s%u", certificate_prefix, stored->handle);
    instance_text(instance, "InstanceID", id);
    instance_text(instance, "ElementName", "Intel(r) AMT Certificate");
    if (certificate) {
        AUTO(free_text) char *issuer = name_of_firmware(X509_get_issuer_name(certificate));
        AUTO(free_text) char *subject = name_of_firmware(X509_get_subject_name(certificate));

        instance_text(instance, "Issuer", issuer);
        instance_text(instance, "Subject", subject);
    }
    if (device->generation->keeps_identity_certificate)
        instance_flag(instance, "ReadOnlyCertificate", stored->read_only);
    instance_flag(instance, "TrustedRootCertficate", stored->trusted_root);
    instance_bytes(instance, "X509Certificate", stored->der, stored->length);
    X509_free(certificate);
}

static bool wifi_uses(const struct device *device, int32_t handle)
{
    for (const struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next)
        if (profile->has_eap &&
            (profile->eap.client_certificate == handle || profile->eap.ca_certificate == handle))
            return true;
    return false;
}

bool keys_certificate_used(const struct device *device, int32_t handle)
{
    return device->credential == handle || device->credential_in_force == handle ||
           device->wired.client_certificate == handle || device->wired.ca_certificate == handle ||
           wifi_uses(device, handle);
}

static void put_certificate(struct call *call, unsigned index, const xmlNode *body)
{
    struct stored_certificate *stored = &call->device->certificates[index];
    unsigned char *der = NULL;
    size_t length = 0;
    X509 *certificate;

    value_bytes(body, "X509Certificate", &der, &length);
    certificate = der ? keys_parse_certificate(der, length) : NULL;
    if (stored->read_only) {
        refuse(call, AMT_NOT_PERMITTED);
    } else if (!certificate) {
        refuse(call, AMT_INVALID_CERT);
    } else {
        free(stored->der);
        stored->der = duplicate_bytes(der, length);
        stored->length = length;
    }
    X509_free(certificate);
    free(der);
}

static void remove_certificate(struct call *call, unsigned index)
{
    const struct stored_certificate *stored = &call->device->certificates[index];

    if (stored->read_only || keys_certificate_used(call->device, (int32_t)stored->handle))
        refuse(call, AMT_NOT_PERMITTED);
    else
        device_remove_certificate(call->device, stored->handle);
}

/* ---- keys ---- */

static unsigned key_count(const struct device *device)
{
    return (unsigned)device->key_count;
}

static void describe_key(struct device *device, unsigned index, struct instance *instance)
{
    const struct stored_key *stored = &device->keys[index];
    unsigned char *der = NULL;
    int length = i2d_PublicKey(stored->key, &der); /* PKCS#1 RSAPublicKey */
    char id[64];

    snprintf(id, sizeof(id), "%s%u", key_prefix, stored->handle);
    instance_text(instance, "InstanceID", id);
    instance_text(instance, "ElementName", "Intel(r) AMT Key");
    instance_bytes(instance, "DERKey", der, length > 0 ? (size_t)length : 0);
    OPENSSL_free(der);
}

bool keys_key_used(struct device *device, const struct stored_key *key)
{
    for (size_t i = 0; i < device->certificate_count; i++)
        if (keys_certificate_used(device, (int32_t)device->certificates[i].handle) &&
            device_key_of(device, &device->certificates[i]) == key)
            return true;
    return false;
}

static void remove_key(struct call *call, unsigned index)
{
    const struct stored_key *key = &call->device->keys[index];

    if (keys_key_used(call->device, key))
        refuse(call, AMT_NOT_PERMITTED);
    else
        device_remove_key(call->device, key->handle);
}

bool keys_length_known(const struct device *device, uint32_t bits)
{
    for (unsigned i = 0; i < LENGTH(device->generation->key_lengths); i++)
        if (bits && device->generation->key_lengths[i] == bits)
            return true;
    return false;
}

bool keys_key_stored(const void *context, EVP_PKEY *key)
{
    const struct device *device = context;

    for (size_t i = 0; i < device->key_count; i++)
        if (EVP_PKEY_eq(device->keys[i].key, key) == 1)
            return true;
    return false;
}

static bool generation_present(const struct device *device)
{
    return device->generation->key_generation;
}

static uint32_t generate_key_pair(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    const struct misbehaviour *busy = misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_BUSY_KEYS, NULL);
    uint32_t algorithm = 0, bits = 0;
    EVP_PKEY *key;

    value_number(input, "KeyAlgorithm", &algorithm);
    value_number(input, "KeyLength", &bits);
    if (busy)
        return busy->times % 2 ? AMT_PKI_GENERATING_KEYS : AMT_OPERATION_IN_PROGRESS;
    if (algorithm || !keys_length_known(device, bits))
        return AMT_UNSUPPORTED;
    if (device->key_count == STORE_MAX_KEYS)
        return AMT_MAX_LIMIT_REACHED;
    key = key_pool_take(bits, keys_key_stored, device);
    if (!key)
        return AMT_INTERNAL_ERROR;
    write_handle(out, "KeyPair", "AMT_PublicPrivateKeyPair", key_prefix, device_add_key(device, key)->handle);
    return AMT_SUCCESS;
}

EVP_PKEY *keys_parse_private(const unsigned char *der, size_t length)
{
    const unsigned char *end = der;
    EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &end, (long)length);
    unsigned char *again = NULL;
    int size = key ? i2d_PrivateKey(key, &again) : 0;

    /* PKCS#1 RSAPrivateKey and nothing else: PKCS#8 would be written back differently. */
    if (key && (size != (int)length || memcmp(again, der, length))) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    OPENSSL_clear_free(again, size > 0 ? (size_t)size : 0);
    ERR_clear_error();
    return key;
}

static uint32_t add_key(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    unsigned char *der = NULL;
    size_t length = 0;
    EVP_PKEY *key;
    uint32_t status = AMT_SUCCESS;

    value_bytes(input, "KeyBlob", &der, &length);
    key = der ? keys_parse_private(der, length) : NULL;
    if (!key || !keys_length_known(device, (uint32_t)EVP_PKEY_get_bits(key)))
        status = AMT_INVALID_KEY;
    else if (keys_key_stored(device, key))
        status = AMT_DUPLICATE;
    else if (device->key_count == STORE_MAX_KEYS)
        status = AMT_MAX_LIMIT_REACHED;
    else
        write_handle(out, "CreatedKey", "AMT_PublicPrivateKeyPair", key_prefix,
                     device_add_key(device, key)->handle);
    EVP_PKEY_free(key);
    OPENSSL_clear_free(der, length);
    return status;
}

/* ---- certificate requests ---- */

static const EVP_MD *request_digest(const struct device *device, uint32_t algorithm)
{
    switch (algorithm) {
    case 0:
        return device->generation->sha1_requests ? EVP_sha1() : NULL;
    case 1:
        return EVP_sha256();
    case 2:
        return device->generation->sha384_requests ? EVP_sha384() : NULL;
    default:
        return NULL;
    }
}

static struct stored_key *referenced_key(struct device *device, const xmlNode *input)
{
    struct reference reference;
    struct stored_key *key = NULL;

    if (!value_reference(input, "KeyPair", &reference))
        return NULL;
    if (!strcmp(class_of(reference.resource), "AMT_PublicPrivateKeyPair"))
        key = device_key(device, handle_of(reference_value(&reference, "InstanceID"), key_prefix));
    reference_release(&reference);
    return key;
}

/* The CertificationRequestInfo is the client's; its public key must be that of the pair. */
static uint32_t sign_request(struct stored_key *key, const EVP_MD *digest, const unsigned char *der,
                             size_t length, struct text *out)
{
    const unsigned char *end = der;
    X509_REQ *request = d2i_X509_REQ(NULL, &end, (long)length);
    unsigned char *signed_der = NULL;
    uint32_t status = AMT_SUCCESS;
    int size;

    if (!request || end != der + length) {
        status = AMT_INVALID_PARAMETER;
    } else if (EVP_PKEY_eq(X509_REQ_get0_pubkey(request), key->key) != 1) {
        status = AMT_INVALID_KEY;
    } else if (!X509_REQ_sign(request, key->key, digest) ||
               (size = i2d_X509_REQ(request, &signed_der)) <= 0) {
        status = AMT_INTERNAL_ERROR;
    } else {
        text_append(out, "<g:SignedCertificateRequest>");
        base64_append(out, signed_der, (size_t)size);
        text_append(out, "</g:SignedCertificateRequest>");
    }
    OPENSSL_free(signed_der);
    X509_REQ_free(request);
    ERR_clear_error();
    return status;
}

static uint32_t generate_request(struct call *call, const xmlNode *input, struct text *out)
{
    struct stored_key *key = referenced_key(call->device, input);
    const EVP_MD *digest;
    unsigned char *der = NULL;
    size_t length = 0;
    uint32_t algorithm = 0, status;

    value_number(input, "SigningAlgorithm", &algorithm);
    digest = request_digest(call->device, algorithm);
    if (!key)
        return AMT_INVALID_HANDLE;
    if (!digest)
        return AMT_UNSUPPORTED;
    value_bytes(input, "NullSignedCertificateRequest", &der, &length);
    status = sign_request(key, digest, der, length, out);
    free(der);
    return status;
}

/* ---- which key belongs to which certificate ---- */

static unsigned dependency_count(const struct device *device)
{
    unsigned count = 0;

    for (size_t i = 0; i < device->certificate_count; i++)
        count += device_key_of((struct device *)device, &device->certificates[i]) != NULL;
    return count;
}

static void describe_dependency(struct device *device, unsigned index, struct instance *instance)
{
    for (size_t i = 0; i < device->certificate_count; i++) {
        const struct stored_key *key = device_key_of(device, &device->certificates[i]);
        char key_id[64], certificate_id[64];
        const char *key_selectors[] = { "InstanceID", key_id, NULL };
        const char *certificate_selectors[] = { "InstanceID", certificate_id, NULL };

        if (!key || index--)
            continue;
        snprintf(key_id, sizeof(key_id), "%s%u", key_prefix, key->handle);
        snprintf(certificate_id, sizeof(certificate_id), "%s%u", certificate_prefix,
                 device->certificates[i].handle);
        instance_reference(instance, "Antecedent", SCHEMA_AMT, "AMT_PublicPrivateKeyPair", key_selectors);
        instance_reference(instance, "Dependent", SCHEMA_AMT, "AMT_PublicKeyCertificate",
                           certificate_selectors);
        return;
    }
}

/* ---- tables ---- */

static const struct parameter certificate_parameter[] = { { "CertificateBlob", TYPE_BASE64, REQUIRED },
                                                          { 0 } };
static const struct parameter key_parameter[] = { { "KeyBlob", TYPE_BASE64, REQUIRED }, { 0 } };
static const struct parameter generate_parameters[] = { { "KeyAlgorithm", TYPE_NUMBER, REQUIRED },
                                                        { "KeyLength", TYPE_NUMBER, REQUIRED },
                                                        { 0 } };
static const struct parameter request_parameters[] = {
    { "KeyPair", TYPE_REFERENCE, REQUIRED },
    { "SigningAlgorithm", TYPE_NUMBER, REQUIRED },
    { "NullSignedCertificateRequest", TYPE_BASE64, REQUIRED },
    { 0 },
};

static const struct parameter crl_parameters[] = {
    { "Url", TYPE_TEXT, 0 },
    { "SerialNumbers", TYPE_TEXT, REQUIRED | LIST },
    { 0 },
};

static const struct method management_methods[] = {
    { .name = "AddCertificate", .run = add_certificate, .parameters = certificate_parameter },
    { .name = "AddTrustedRootCertificate", .run = add_trusted_root, .parameters = certificate_parameter },
    { .name = "AddKey", .run = add_key, .parameters = key_parameter },
    { .name = "GenerateKeyPair",
      .run = generate_key_pair,
      .parameters = generate_parameters,
      .present = generation_present },
    { .name = "GeneratePKCS10RequestEx",
      .run = generate_request,
      .parameters = request_parameters,
      .present = generation_present },
    { .name = "AddCRL", .run = keys_add_crl, .parameters = crl_parameters },
    { .name = "ResetCRLList", .run = keys_reset_crls },
    { 0 },
};

static const struct parameter certificate_properties[] = {
    { "ElementName", TYPE_TEXT, 0 },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "Issuer", TYPE_TEXT, 0 },
    { "ReadOnlyCertificate", TYPE_FLAG, 0 },
    { "Subject", TYPE_TEXT, 0 },
    { "TrustedRootCertficate", TYPE_FLAG, 0 },
    { "X509Certificate", TYPE_BASE64, REQUIRED },
    { 0 },
};

#define ADMINISTRATION .read_realms = MAY(REALM_ADMINISTRATION), .write_realms = MAY(REALM_ADMINISTRATION)

const struct class key_classes[] = {
    { .name = "AMT_PublicKeyManagementService",
      .schema = SCHEMA_AMT,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" },
      .describe = describe_management,
      .methods = management_methods,
      ADMINISTRATION },
    { .name = "AMT_PublicKeyCertificate",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .count = certificate_count,
      .describe = describe_certificate,
      .properties = certificate_properties,
      .put = put_certificate,
      .remove = remove_certificate,
      ADMINISTRATION },
    { .name = "AMT_PublicPrivateKeyPair",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .count = key_count,
      .describe = describe_key,
      .remove = remove_key,
      ADMINISTRATION },
    { .name = "CIM_ConcreteDependency",
      .schema = SCHEMA_CIM,
      .count = dependency_count,
      .describe = describe_dependency,
      ADMINISTRATION },
    { 0 },
};
