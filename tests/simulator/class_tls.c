/*
 * class_tls.c - TLS of the web server: AMT_TLSCredentialContext, AMT_TLSProtocolEndpointCollection,
 * AMT_TLSSettingData. What is written here takes effect with CommitChanges; only TrustedCN does at once.
 */
#include "class.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char certificate_prefix[] = "Intel(r) AMT Certificate: Handle: ";
static const char collection_name[] = "TLSProtocolEndpoint Instances Collection";
static const char collection_clients_name[] =
    "TLSProtocolEndpointInstances Collection"; /* sent by clients, accepted */

/* ---- endpoints ---- */

static void describe_collection(struct device *device, unsigned index, struct instance *instance)
{
    (void)device;
    (void)index;
    instance_text(instance, "ElementName", collection_name);
}

/* ---- credential context ---- */

static unsigned context_count(const struct device *device)
{
    return device->credential != NO_HANDLE;
}

static void describe_context(struct device *device, unsigned index, struct instance *instance)
{
    static const char *const collection[] = { "ElementName", collection_name, NULL };
    char id[64];
    const char *certificate[] = { "InstanceID", id, NULL };

    (void)index;
    snprintf(id, sizeof(id), "%s%d", certificate_prefix, device->credential);
    instance_reference(instance, "ElementInContext", SCHEMA_AMT, "AMT_PublicKeyCertificate", certificate);
    instance_reference(instance, "ElementProvidingContext", SCHEMA_AMT, "AMT_TLSProtocolEndpointCollection",
                       collection);
}

static bool names_collection(const struct reference *reference)
{
    const char *name = reference_value(reference, "ElementName");

    return !strcmp(class_of(reference->resource), "AMT_TLSProtocolEndpointCollection") && name &&
           (!strcmp(name, collection_name) || !strcmp(name, collection_clients_name));
}

static int64_t named_certificate(const struct reference *reference)
{
    if (strcmp(class_of(reference->resource), "AMT_PublicKeyCertificate"))
        return NO_HANDLE;
    return handle_of(reference_value(reference, "InstanceID"), certificate_prefix);
}

static bool context_matches(struct device *device, unsigned index, const struct selectors *selectors)
{
    bool matches = true;

    (void)index;
    for (unsigned i = 0; matches && i < selectors->count; i++) {
        const struct selector *selector = &selectors->items[i];
        struct reference reference;

        if (!selector->reference || !reference_parse(selector->reference, &reference))
            return false;
        matches = !strcmp(selector->name, "ElementInContext")
                      ? named_certificate(&reference) == device->credential
                      : names_collection(&reference);
        reference_release(&reference);
    }
    return matches;
}

/* The certificate a Create or Put names; checks that it can serve TLS. */
static enum amt_status read_context(struct device *device, const xmlNode *body, int32_t *credential)
{
    struct reference certificate_reference = { 0 }, collection = { 0 };
    struct stored_certificate *certificate = NULL;
    bool endpoints;

    if (value_reference(body, "ElementInContext", &certificate_reference))
        certificate = device_certificate(device, named_certificate(&certificate_reference));
    endpoints =
        value_reference(body, "ElementProvidingContext", &collection) && names_collection(&collection);
    reference_release(&certificate_reference);
    reference_release(&collection);
    if (!endpoints)
        return AMT_INVALID_PARAMETER;
    if (!certificate)
        return AMT_NOT_FOUND;
    if (certificate->trusted_root)
        return AMT_INVALID_CERT;
    if (!certificate->read_only && !device_key_of(device, certificate))
        return AMT_CERT_KEY_NOT_MATCH;
    *credential = (int32_t)certificate->handle;
    return AMT_SUCCESS;
}

static void put_context(struct call *call, unsigned index, const xmlNode *body)
{
    enum amt_status status = read_context(call->device, body, &call->device->credential);

    (void)index;
    if (status)
        refuse(call, status);
}

static void create_context(struct call *call, const xmlNode *body)
{
    if (call->device->credential != NO_HANDLE)
        refuse_with(call, FAULT_ALREADY_EXISTS);
    else
        put_context(call, 0, body);
}

static void remove_context(struct call *call, unsigned index)
{
    struct device *device = call->device;

    (void)index;
    for (unsigned i = 0; i < TLS_INSTANCES; i++)
        if (device->tls[i].enabled || device->tls_in_force[i].enabled) {
            refuse(call, AMT_NOT_PERMITTED); /* only while TLS is off */
            return;
        }
    device->credential = device->credential_in_force = NO_HANDLE;
}

/* ---- settings ---- */

static const char *const setting_ids[TLS_INSTANCES] = {
    [TLS_NETWORK] = "Intel(r) AMT 802.3 TLS Settings",
    [TLS_LOCAL] = "Intel(r) AMT LMS TLS Settings",
};

static unsigned setting_count(const struct device *device)
{
    (void)device;
    return TLS_INSTANCES;
}

static void describe_setting(struct device *device, unsigned index, struct instance *instance)
{
    const struct tls_settings *settings = &device->tls[index];

    instance_text(instance, "ElementName", setting_ids[index]);
    instance_text(instance, "InstanceID", setting_ids[index]);
    instance_flag(instance, "Enabled", settings->enabled);
    instance_flag(instance, "MutualAuthentication", settings->mutual);
    instance_flag(instance, "AcceptNonSecureConnections", settings->accept_plain);
    if (device->generation->tls_always)
        instance_flag(instance, "NonSecureConnectionsSupported", false);
    for (unsigned i = 0; i < TRUSTED_NAMES_MAX; i++)
        instance_text(instance, "TrustedCN", device->trusted_names[index][i]);
}

static enum amt_status check_setting(const struct device *device, unsigned index,
                                     const struct tls_settings *wanted)
{
    if (device->generation->tls_always && (!wanted->enabled || wanted->accept_plain))
        return AMT_INVALID_PARAMETER;
    if (index == TLS_LOCAL && wanted->accept_plain != device->tls[TLS_LOCAL].accept_plain)
        return AMT_INVALID_PARAMETER; /* read-only on the local instance */
    if (wanted->enabled && device->credential == NO_HANDLE && !device->generation->keeps_identity_certificate)
        return AMT_DATA_MISSING;
    if (wanted->mutual && (!wanted->enabled || !device_has_trusted_root(device) || !device->clock_set))
        return AMT_DATA_MISSING;
    return AMT_SUCCESS;
}

static bool read_trusted_names(const xmlNode *body, char *names[TRUSTED_NAMES_MAX])
{
    unsigned count = 0;

    for (const xmlNode *node = node_first(body); node; node = node_next(node)) {
        if (strcmp((const char *)node->name, "TrustedCN"))
            continue;
        if (count == TRUSTED_NAMES_MAX)
            return false;
        names[count++] = node_text(node);
    }
    return true;
}

static void put_setting(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    struct tls_settings wanted = device->tls[index];
    char *names[TRUSTED_NAMES_MAX] = { NULL };
    enum amt_status status;
    bool mutual_given;

    value_flag(body, "Enabled", &wanted.enabled);
    wanted.mutual = false;
    mutual_given = value_flag(body, "MutualAuthentication", &wanted.mutual);
    value_flag(body, "AcceptNonSecureConnections", &wanted.accept_plain);
    status = wanted.enabled && !mutual_given ? AMT_INVALID_PARAMETER : check_setting(device, index, &wanted);
    if (!read_trusted_names(body, names) && !status)
        status = AMT_MAX_LIMIT_REACHED;
    for (unsigned i = 0; i < TRUSTED_NAMES_MAX; i++) {
        if (!status)
            replace_text(&device->trusted_names[index][i], names[i]);
        free(names[i]);
    }
    if (status)
        refuse(call, status);
    else
        device->tls[index] = wanted;
}

/* ---- tables ---- */

static const struct parameter context_properties[] = {
    { "ElementInContext", TYPE_REFERENCE, REQUIRED },
    { "ElementProvidingContext", TYPE_REFERENCE, REQUIRED },
    { "Usage", TYPE_SHORT, 0 },
    { 0 },
};

static const struct parameter setting_properties[] = {
    { "AcceptNonSecureConnections", TYPE_FLAG, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "Enabled", TYPE_FLAG, REQUIRED },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "MutualAuthentication", TYPE_FLAG, 0 },
    { "NonSecureConnectionsSupported", TYPE_FLAG, 0 },
    { "TrustedCN", TYPE_TEXT, LIST },
    { "X509IssuerName", TYPE_TEXT, 0 },
    { "X509SerialNumber", TYPE_BASE64, 0 },
    { 0 },
};

#define ADMINISTRATION .read_realms = MAY(REALM_ADMINISTRATION), .write_realms = MAY(REALM_ADMINISTRATION)

const struct class tls_classes[] = {
    { .name = "AMT_TLSProtocolEndpointCollection",
      .schema = SCHEMA_AMT,
      .keys = { "ElementName" },
      .describe = describe_collection,
      ADMINISTRATION },
    { .name = "AMT_TLSCredentialContext",
      .schema = SCHEMA_AMT,
      .keys = { "ElementInContext", "ElementProvidingContext" },
      .count = context_count,
      .describe = describe_context,
      .matches = context_matches,
      .properties = context_properties,
      .put = put_context,
      .create = create_context,
      .remove = remove_context,
      ADMINISTRATION },
    { .name = "AMT_TLSSettingData",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .count = setting_count,
      .describe = describe_setting,
      .properties = setting_properties,
      .put = put_setting,
      ADMINISTRATION },
    { 0 },
};
