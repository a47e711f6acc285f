/*
 * class_kerberos.c - login by Active Directory: AMT_KerberosSettingData.
 *
 * Keys and settings are kept and checked here; what tickets they open, negotiate.h says.
 */
#include "class.h"

#include "encoding.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { MASTER_KEY_LENGTH = 16, TOLERANCE_HIGHEST_MIN = 5, REALM_NAME_LONGEST = 63, RC4_HMAC = 0 };

static void describe_kerberos(struct device *device, unsigned index, struct instance *instance)
{
    const struct kerberos_settings *kerberos = &device->kerberos;

    (void)index;
    instance_text(instance, "ElementName", "Intel(r) AMT: Kerberos Settings");
    instance_text(instance, "InstanceID", "Intel (r) AMT: Kerberos Settings");
    instance_flag(instance, "KrbEnabled", kerberos->enabled);
    if (kerberos->realm) {
        instance_text(instance, "RealmName", kerberos->realm);
        instance_number(instance, "KeyVersion", kerberos->key_version);
        instance_number(instance, "MaximumClockTolerance", kerberos->tolerance_min);
    }
    for (unsigned i = 0; i < kerberos->spns; i++) {
        instance_text(instance, "ServicePrincipalName", kerberos->spn[i]);
        instance_number(instance, "ServicePrincipalProtocol", kerberos->protocol[i]);
    }
    if (kerberos->realm && !kerberos->passphrase)
        instance_number(instance, "EncryptionAlgorithm", RC4_HMAC);
    if (kerberos->passphrase) {
        instance_text(instance, "Salt", kerberos->salt);
        instance_number(instance, "IterationCount", kerberos->iterations);
    }
    if (!device->generation->kerberos_aes)
        return;
    for (uint32_t algorithm = 0; algorithm < 3; algorithm++)
        instance_number(instance, "SupportedEncryptionAlgorithms", algorithm);
    for (uint32_t algorithm = 0; kerberos->realm && algorithm < (kerberos->passphrase ? 3 : 1); algorithm++)
        instance_number(instance, "ConfiguredEncryptionAlgorithms", algorithm);
}

static bool read_principals(const xmlNode *body, struct kerberos_settings *wanted)
{
    uint32_t protocols[SPN_MAX] = { 0 };
    unsigned count = value_numbers(body, "ServicePrincipalProtocol", protocols, SPN_MAX);

    for (const xmlNode *node = node_first(body); node; node = node_next(node)) {
        if (strcmp((const char *)node->name, "ServicePrincipalName"))
            continue;
        if (wanted->spns == SPN_MAX)
            return false;
        wanted->spn[wanted->spns++] = node_text(node);
    }
    for (unsigned i = 0; i < wanted->spns; i++) {
        wanted->protocol[i] = (uint16_t)protocols[i];
        if (protocols[i] > 3)
            return false;
    }
    return count == wanted->spns;
}

static bool read_master_key(const xmlNode *body, struct kerberos_settings *wanted)
{
    unsigned char *key = NULL;
    size_t length = 0;

    if (!value_bytes(body, "MasterKey", &key, &length))
        return true;
    wanted->has_master_key = length == MASTER_KEY_LENGTH;
    if (wanted->has_master_key)
        memcpy(wanted->master_key, key, length);
    OPENSSL_clear_free(key, length);
    return wanted->has_master_key;
}

/* Either the RC4 key itself, or from 8.0 a passphrase with salt and rounds, never both. */
static enum amt_status check_key(const struct kerberos_settings *wanted)
{
    bool derived = wanted->passphrase || wanted->salt || wanted->iterations;

    if (derived && wanted->has_master_key)
        return AMT_INVALID_PARAMETER;
    if (derived && !(wanted->passphrase && *wanted->passphrase && wanted->salt && wanted->iterations))
        return AMT_DATA_MISSING;
    return derived || wanted->has_master_key ? AMT_SUCCESS : AMT_DATA_MISSING;
}

static enum amt_status check_kerberos(const struct device *device, const xmlNode *body,
                                      const struct kerberos_settings *wanted)
{
    uint32_t algorithm = RC4_HMAC;

    if (!wanted->enabled)
        return AMT_SUCCESS;
    value_number(body, "EncryptionAlgorithm", &algorithm);
    if (algorithm != RC4_HMAC || wanted->tolerance_min < 1 || wanted->tolerance_min > TOLERANCE_HIGHEST_MIN)
        return AMT_INVALID_PARAMETER;
    if (!wanted->realm || !*wanted->realm || !wanted->key_version)
        return AMT_DATA_MISSING;
    if (strlen(wanted->realm) > REALM_NAME_LONGEST)
        return AMT_INVALID_DOMAIN_NAME;
    if (!device->clock_set)
        return AMT_DATA_MISSING; /* tickets are judged by the clock */
    if (device->generation->major < 6 && !wanted->spns)
        return AMT_DATA_MISSING; /* later releases do not look at the names */
    return check_key(wanted);
}

static void put_kerberos(struct call *call, unsigned index, const xmlNode *body)
{
    struct kerberos_settings *old = &call->device->kerberos;
    struct kerberos_settings wanted = { .tolerance_min = TOLERANCE_HIGHEST_MIN, .cached = old->cached };
    enum amt_status status = AMT_SUCCESS;

    (void)index;
    if (!call->device->generation->kerberos_aes &&
        (value_node(body, "Passphrase") || value_node(body, "Salt") || value_node(body, "IterationCount"))) {
        refuse_with(call, FAULT_SCHEMA_VALIDATION); /* the class has these properties from 8.0 on */
        return;
    }
    value_flag(body, "KrbEnabled", &wanted.enabled);
    wanted.realm = value_text(body, "RealmName");
    wanted.passphrase = value_text(body, "Passphrase");
    wanted.salt = value_text(body, "Salt");
    value_number(body, "IterationCount", &wanted.iterations);
    value_number(body, "KeyVersion", &wanted.key_version);
    value_number(body, "MaximumClockTolerance", &wanted.tolerance_min);
    if (!read_principals(body, &wanted) || !read_master_key(body, &wanted))
        status = AMT_INVALID_PARAMETER;
    if (!status)
        status = check_kerberos(call->device, body, &wanted);
    if (status) {
        refuse(call, status);
        kerberos_release(&wanted);
        return;
    }
    kerberos_release(old);
    *old = wanted;
}

static uint32_t get_cache_state(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    text_format(out, "<g:Enabled>%s</g:Enabled>", call->device->kerberos.cached ? "true" : "false");
    return AMT_SUCCESS;
}

static uint32_t set_cache_state(struct call *call, const xmlNode *input, struct text *out)
{
    (void)out;
    value_flag(input, "Enable", &call->device->kerberos.cached);
    return AMT_SUCCESS;
}

static const struct parameter enable_parameter[] = { { "Enable", TYPE_FLAG, REQUIRED }, { 0 } };

static const struct method kerberos_methods[] = {
    { .name = "GetCredentialCacheState", .run = get_cache_state, .reads_only = true },
    { .name = "SetCredentialCacheState", .run = set_cache_state, .parameters = enable_parameter },
    { 0 },
};

static const struct parameter kerberos_properties[] = {
    { "ConfiguredEncryptionAlgorithms", TYPE_SHORT, LIST },
    { "ElementName", TYPE_TEXT, 0 },
    { "EncryptionAlgorithm", TYPE_SHORT, 0 },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "IterationCount", TYPE_NUMBER, 0 },
    { "KeyVersion", TYPE_NUMBER, 0 },
    { "KrbEnabled", TYPE_FLAG, REQUIRED },
    { "MasterKey", TYPE_BASE64, 0 },
    { "MaximumClockTolerance", TYPE_NUMBER, 0 },
    { "Passphrase", TYPE_TEXT, 0 },
    { "RealmName", TYPE_TEXT, 0 },
    { "Salt", TYPE_TEXT, 0 },
    { "ServicePrincipalName", TYPE_TEXT, LIST },
    { "ServicePrincipalProtocol", TYPE_SHORT, LIST },
    { "SupportedEncryptionAlgorithms", TYPE_SHORT, LIST },
    { 0 },
};

const struct class kerberos_classes[] = {
    { .name = "AMT_KerberosSettingData",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .describe = describe_kerberos,
      .properties = kerberos_properties,
      .put = put_kerberos,
      .methods = kerberos_methods,
      .read_realms = MAY(REALM_ADMINISTRATION),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { 0 },
};
