/*
 * class_wired.c - wired 802.1X: AMT_8021XProfile and, on newer firmware, IPS_IEEE8021xSettings. Both show the
 * same settings.
 */
#include "eap.h"

enum {
    ENABLED_WITH_CERTIFICATES = 2,
    DISABLED = 3,
    ENABLED_WITHOUT_CERTIFICATES = 6,
    PXE_HIGHEST_S = 86400,
    PROFILE_PROTOCOL_HIGHEST = 6, /* of AMT_8021XProfile, which numbers EAP-FAST/TLS so */
    FIRST_WITH_IPS = 11
};

/* ---- AMT_8021XProfile ---- */

static void describe_profile(struct device *device, unsigned index, struct instance *instance)
{
    bool enabled = device->wired_enabled != DISABLED;

    (void)index;
    instance_flag(instance, "ActiveInS0", device->wired_in_s0);
    instance_text(instance, "ElementName", "Intel(r) AMT 802.1x Profile");
    instance_flag(instance, "Enabled", enabled);
    instance_text(instance, "InstanceID", "Intel(r) AMT 802.1x Profile 0");
    instance_number(instance, "PxeTimeout", enabled ? device->wired_pxe_timeout_s : 0);
    if (enabled)
        eap_describe(&device->wired, instance);
}

/* Certificates are not returned by a Get, so a Put without them clears them. */
static bool read_profile(struct device *device, const xmlNode *body, struct eap_settings *wanted)
{
    return eap_read(body, wanted) &&
           eap_read_certificate(device, body, "ClientCertificate", &wanted->client_certificate) &&
           eap_read_certificate(device, body, "ServerCertificateIssuer", &wanted->ca_certificate);
}

static void put_profile(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    struct eap_settings wanted = { 0 };
    uint32_t timeout = device->wired_pxe_timeout_s;
    bool enabled = false;

    (void)index;
    eap_release(&wanted);
    value_flag(body, "Enabled", &enabled);
    value_number(body, "PxeTimeout", &timeout);
    if (!read_profile(device, body, &wanted) || wanted.protocol > PROFILE_PROTOCOL_HIGHEST ||
        !eap_comparison_valid(&wanted, 0, 1) || timeout > PXE_HIGHEST_S ||
        (enabled && !eap_complete(&wanted))) {
        refuse(call, AMT_INVALID_PARAMETER);
        eap_release(&wanted);
        return;
    }
    eap_release(&device->wired);
    device->wired = wanted;
    device->wired_pxe_timeout_s = timeout;
    value_flag(body, "ActiveInS0", &device->wired_in_s0);
    device->wired_enabled = !enabled                                 ? DISABLED
                            : wanted.client_certificate != NO_HANDLE ? ENABLED_WITH_CERTIFICATES
                                                                     : ENABLED_WITHOUT_CERTIFICATES;
}

/* ---- IPS_IEEE8021xSettings ---- */

static bool settings_present(const struct device *device)
{
    return device->generation->major >= FIRST_WITH_IPS;
}

static void describe_settings(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_flag(instance, "AvailableInS0", device->wired_in_s0);
    instance_text(instance, "ElementName", "Intel(r) AMT: 8021X Settings");
    instance_number(instance, "Enabled", device->wired_enabled);
    instance_text(instance, "InstanceID", "Intel(r) AMT: 8021X Settings");
    instance_number(instance, "PxeTimeout", device->wired_pxe_timeout_s);
    if (device->wired_enabled != DISABLED)
        eap_describe(&device->wired, instance);
}

static void put_settings(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    struct eap_settings wanted = { 0 };
    uint32_t enabled = DISABLED, timeout = device->wired_pxe_timeout_s;
    bool valid;

    (void)index;
    eap_release(&wanted);
    value_number(body, "Enabled", &enabled);
    value_number(body, "PxeTimeout", &timeout);
    valid = eap_read(body, &wanted) && eap_comparison_valid(&wanted, 1, 3) && timeout <= PXE_HIGHEST_S &&
            (enabled == ENABLED_WITH_CERTIFICATES || enabled == DISABLED ||
             enabled == ENABLED_WITHOUT_CERTIFICATES) &&
            (enabled == DISABLED || wanted.protocol != NO_HANDLE);
    if (!valid) {
        refuse(call, AMT_INVALID_PARAMETER);
        eap_release(&wanted);
        return;
    }
    if (enabled != DISABLED) { /* certificates come by SetCertificates and stay */
        wanted.client_certificate = device->wired.client_certificate;
        wanted.ca_certificate = device->wired.ca_certificate;
    }
    eap_release(&device->wired);
    device->wired = wanted;
    device->wired_enabled = enabled;
    device->wired_pxe_timeout_s = timeout;
    value_flag(body, "AvailableInS0", &device->wired_in_s0);
}

static uint32_t set_certificates(struct call *call, const xmlNode *input, struct text *out)
{
    int32_t client, issuer;

    (void)out;
    if (!eap_read_certificate(call->device, input, "ClientCertificate", &client) ||
        !eap_read_certificate(call->device, input, "ServerCertificateIssuer", &issuer))
        return 1;
    call->device->wired.client_certificate = client;
    call->device->wired.ca_certificate = issuer;
    return AMT_SUCCESS;
}

/* ---- which certificates they use ---- */

static unsigned certificates(const struct device *device, int32_t handles[2])
{
    unsigned count = 0;

    if (device->wired_enabled != DISABLED && device->wired.client_certificate != NO_HANDLE)
        handles[count++] = device->wired.client_certificate;
    if (device->wired_enabled != DISABLED && device->wired.ca_certificate != NO_HANDLE)
        handles[count++] = device->wired.ca_certificate;
    return count;
}

static unsigned context_count(const struct device *device)
{
    int32_t handles[2];

    return certificates(device, handles);
}

static void describe_profile_context(struct device *device, unsigned index, struct instance *instance)
{
    int32_t handles[2];

    certificates(device, handles);
    eap_describe_use(instance, handles[index], SCHEMA_AMT, "AMT_8021XProfile",
                     "Intel(r) AMT 802.1x Profile 0");
}

static void describe_settings_context(struct device *device, unsigned index, struct instance *instance)
{
    int32_t handles[2];

    certificates(device, handles);
    eap_describe_use(instance, handles[index], SCHEMA_IPS, "IPS_IEEE8021xSettings",
                     "Intel(r) AMT: 8021X Settings");
}

/* ---- tables ---- */

static const struct parameter certificates_parameters[] = { { "ServerCertificateIssuer", TYPE_REFERENCE, 0 },
                                                            { "ClientCertificate", TYPE_REFERENCE, 0 },
                                                            { 0 } };
static const struct method settings_methods[] = {
    { .name = "SetCertificates", .run = set_certificates, .parameters = certificates_parameters }, { 0 }
};

static const struct parameter profile_properties[] = {
    { "ActiveInS0", TYPE_FLAG, 0 },
    { "AuthenticationProtocol", TYPE_SHORT, 0 },
    { "ClientCertificate", TYPE_REFERENCE, 0 },
    { "Domain", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "Enabled", TYPE_FLAG, REQUIRED },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "PACPassword", TYPE_TEXT, 0 },
    { "Password", TYPE_TEXT, 0 },
    { "ProtectedAccessCredential", TYPE_BASE64, 0 },
    { "PxeTimeout", TYPE_NUMBER, 0 },
    { "RoamingIdentity", TYPE_TEXT, 0 },
    { "ServerCertificateIssuer", TYPE_REFERENCE, 0 },
    { "ServerCertificateName", TYPE_TEXT, 0 },
    { "ServerCertificateNameComparison", TYPE_SHORT, 0 },
    { "Username", TYPE_TEXT, 0 },
    { 0 },
};

static const struct parameter settings_properties[] = {
    { "AuthenticationProtocol", TYPE_SHORT, 0 },
    { "AvailableInS0", TYPE_FLAG, 0 },
    { "Domain", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "Enabled", TYPE_NUMBER, REQUIRED },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "PACPassword", TYPE_TEXT, 0 },
    { "PSK", TYPE_BASE64, 0 },
    { "Password", TYPE_TEXT, 0 },
    { "ProtectedAccessCredential", TYPE_BASE64, 0 },
    { "PxeTimeout", TYPE_NUMBER, 0 },
    { "RoamingIdentity", TYPE_TEXT, 0 },
    { "ServerCertificateName", TYPE_TEXT, 0 },
    { "ServerCertificateNameComparison", TYPE_SHORT, 0 },
    { "Username", TYPE_TEXT, 0 },
    { 0 },
};

#define ADMINISTRATION .read_realms = MAY(REALM_ADMINISTRATION), .write_realms = MAY(REALM_ADMINISTRATION)

const struct class wired_classes[] = {
    { .name = "AMT_8021XProfile",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .describe = describe_profile,
      .properties = profile_properties,
      .put = put_profile,
      ADMINISTRATION },
    { .name = "IPS_IEEE8021xSettings",
      .schema = SCHEMA_IPS,
      .keys = { "InstanceID" },
      .present = settings_present,
      .describe = describe_settings,
      .properties = settings_properties,
      .put = put_settings,
      .methods = settings_methods,
      ADMINISTRATION },
    { .name = "AMT_8021xCredentialContext",
      .schema = SCHEMA_AMT,
      .keys = { "ElementInContext", "ElementProvidingContext" },
      .count = context_count,
      .describe = describe_profile_context,
      .matches = eap_context_matches,
      ADMINISTRATION },
    { .name = "IPS_8021xCredentialContext",
      .schema = SCHEMA_IPS,
      .keys = { "ElementInContext", "ElementProvidingContext" },
      .present = settings_present,
      .count = context_count,
      .describe = describe_settings_context,
      .matches = eap_context_matches,
      ADMINISTRATION },
    { 0 },
};
