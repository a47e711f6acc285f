/*
 * class_wireless.c - wireless: AMT_WiFiPortConfigurationService, CIM_WiFiPort, CIM_WiFiEndpointSettings,
 * CIM_IEEE8021xSettings. All are absent on a computer without a wireless interface.
 */
#include "eap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROFILES_MAX = 16,
    NAME_LONGEST = 32,
    PORT_OFF = 3,
    PORT_ON_S0 = 32768,
    PORT_ON_SX = 32769,
    RESULT_NOT_SUPPORTED = 1, /* ReturnValues of CIM methods */
    RESULT_INVALID_PARAMETER = 3,
    RESULT_INVALID_REFERENCE = 4,
    RESULT_AMT = 32768, /* plus PT_STATUS */
    WPA_PSK = 4,
    WPA_8021X = 5,
    WPA2_PSK = 6,
    WPA2_8021X = 7,
    WPA3_SAE = 32768,
    WPA3_OWE = 32769,
    TKIP = 3,
    CCMP = 4,
};

static const char profile_prefix[] = "Intel(r) AMT:WiFi Endpoint Settings ";
static const char space_profile[] = SCHEMA_CIM "CIM_WiFiEndpointSettings";
static const char space_eap[] = SCHEMA_CIM "CIM_IEEE8021xSettings";

static bool wireless_present(const struct device *device)
{
    return device_has_wifi(device);
}

/* ---- schema of the embedded instances ---- */

static const struct parameter profile_properties[] = {
    { "AuthenticationMethod", TYPE_SHORT, REQUIRED },
    { "BSSType", TYPE_SHORT, 0 },
    { "Caption", TYPE_TEXT, 0 },
    { "Description", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, REQUIRED },
    { "EncryptionMethod", TYPE_SHORT, REQUIRED },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "KeyIndex", TYPE_BYTE, 0 },
    { "Keys", TYPE_HEX, LIST },
    { "OtherAuthenticationMethod", TYPE_TEXT, 0 },
    { "OtherEncryptionMethod", TYPE_TEXT, 0 },
    { "PSKPassPhrase", TYPE_TEXT, 0 },
    { "PSKValue", TYPE_BASE64, 0 },
    { "Priority", TYPE_BYTE, REQUIRED },
    { "SSID", TYPE_TEXT, REQUIRED },
    { 0 },
};

static const struct parameter eap_properties[] = {
    { "AuthenticationProtocol", TYPE_SHORT, REQUIRED },
    { "Domain", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "InstanceID", TYPE_TEXT, 0 },
    { "PACPassword", TYPE_TEXT, 0 },
    { "PSK", TYPE_BASE64, 0 },
    { "Password", TYPE_TEXT, 0 },
    { "ProtectedAccessCredential", TYPE_BASE64, 0 },
    { "RoamingIdentity", TYPE_TEXT, 0 },
    { "ServerCertificateName", TYPE_TEXT, 0 },
    { "ServerCertificateNameComparison", TYPE_SHORT, 0 },
    { "Username", TYPE_TEXT, 0 },
    { 0 },
};

/* ---- profiles ---- */

static unsigned profile_count(const struct device *device)
{
    unsigned count = 0;

    for (const struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next)
        count++;
    return count;
}

static struct wifi_profile **profile_place(struct device *device, unsigned index)
{
    struct wifi_profile **place = &device->wifi_profiles;

    while (index--)
        place = &(*place)->next;
    return place;
}

static struct wifi_profile *find_profile(struct device *device, const char *name)
{
    for (struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next)
        if (!strcmp(profile->name, name))
            return profile;
    return NULL;
}

static bool priority_taken(const struct device *device, uint32_t priority, const struct wifi_profile *except)
{
    for (const struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next)
        if (profile != except && profile->priority == priority)
            return true;
    return false;
}

static void describe_profile(struct device *device, unsigned index, struct instance *instance)
{
    const struct wifi_profile *profile = *profile_place(device, index);
    struct text id = { 0 };

    text_format(&id, "%s%s", profile_prefix, profile->name);
    instance_number(instance, "AuthenticationMethod", profile->authentication);
    instance_number(instance, "BSSType", profile->bss);
    instance_text(instance, "ElementName", profile->name);
    instance_number(instance, "EncryptionMethod", profile->encryption);
    instance_text(instance, "InstanceID", id.bytes);
    instance_number(instance, "Priority", profile->priority);
    instance_text(instance, "SSID", profile->ssid);
    text_release(&id);
}

static void remove_profile(struct call *call, unsigned index)
{
    struct wifi_profile **place = profile_place(call->device, index), *gone = *place;

    /* a user's profile, synchronised from the host; or the one that the firmware is connected with */
    if (!gone->priority ||
        (call->device->wifi_connected && !strcmp(gone->name, call->device->wifi_connected))) {
        refuse(call, AMT_NOT_PERMITTED);
        return;
    }
    *place = gone->next;
    wifi_profile_release(&gone);
}

static unsigned eap_count(const struct device *device)
{
    unsigned count = 0;

    for (const struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next)
        count += profile->has_eap;
    return count;
}

static void describe_eap(struct device *device, unsigned index, struct instance *instance)
{
    const struct wifi_profile *profile = device->wifi_profiles;
    struct text id = { 0 };

    while (!profile->has_eap || index--)
        profile = profile->next;
    text_format(&id, "Intel(r) AMT:IEEE 802.1x Settings %s", profile->name);
    instance_text(instance, "ElementName", id.bytes);
    instance_text(instance, "InstanceID", id.bytes);
    eap_describe(&profile->eap, instance);
    text_release(&id);
}

/* ---- which certificates the profiles use ---- */

static unsigned profile_certificates(const struct wifi_profile *profile, int32_t handles[2])
{
    unsigned count = 0;

    if (profile->has_eap && profile->eap.client_certificate != NO_HANDLE)
        handles[count++] = profile->eap.client_certificate;
    if (profile->has_eap && profile->eap.ca_certificate != NO_HANDLE)
        handles[count++] = profile->eap.ca_certificate;
    return count;
}

static unsigned context_count(const struct device *device)
{
    unsigned count = 0;
    int32_t handles[2];

    for (const struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next)
        count += profile_certificates(profile, handles);
    return count;
}

static void describe_context(struct device *device, unsigned index, struct instance *instance)
{
    const struct wifi_profile *profile = device->wifi_profiles;
    struct text id = { 0 };
    int32_t handles[2];
    unsigned count;

    while (index >= (count = profile_certificates(profile, handles))) {
        index -= count;
        profile = profile->next;
    }
    text_format(&id, "Intel(r) AMT:IEEE 802.1x Settings %s", profile->name);
    eap_describe_use(instance, handles[index], SCHEMA_CIM, "CIM_IEEE8021xSettings", id.bytes);
    text_release(&id);
}

/* ---- AddWiFiSettings, UpdateWiFiSettings ---- */

static bool uses_8021x(const struct wifi_profile *profile)
{
    return profile->authentication == WPA_8021X || profile->authentication == WPA2_8021X;
}

/* An administrator's profile is WPA or better. */
static uint32_t check_methods(const struct device *device, const struct wifi_profile *profile)
{
    bool wpa3 = profile->authentication == WPA3_SAE || profile->authentication == WPA3_OWE;

    if (!wpa3 && (profile->authentication < WPA_PSK || profile->authentication > WPA2_8021X))
        return RESULT_INVALID_PARAMETER;
    if (wpa3 && device->generation->major < 15)
        return RESULT_NOT_SUPPORTED;
    if (profile->encryption != TKIP && profile->encryption != CCMP && !(wpa3 && profile->encryption == 32768))
        return RESULT_INVALID_PARAMETER;
    return profile->bss == 3 ? AMT_SUCCESS : RESULT_INVALID_PARAMETER;
}

static uint32_t check_secret(const struct wifi_profile *profile)
{
    size_t length = profile->passphrase ? strlen(profile->passphrase) : 0;

    if (uses_8021x(profile))
        return profile->has_eap && eap_complete(&profile->eap) ? AMT_SUCCESS : RESULT_INVALID_PARAMETER;
    if (profile->authentication == WPA3_OWE)
        return AMT_SUCCESS;
    if (profile->has_psk)
        return profile->passphrase ? RESULT_INVALID_PARAMETER : AMT_SUCCESS;
    return length >= 8 && length <= 63 ? AMT_SUCCESS : RESULT_INVALID_PARAMETER;
}

static bool id_fits(const xmlNode *settings, const char *name)
{
    AUTO(free_text) char *id = value_text(settings, "InstanceID");
    size_t length = strlen(profile_prefix);

    return !strncmp(id, profile_prefix, length) && !strcmp(id + length, name);
}

static void read_psk(const xmlNode *settings, struct wifi_profile *profile)
{
    unsigned char *psk = NULL;
    size_t length = 0;

    profile->passphrase = value_text(settings, "PSKPassPhrase");
    if (!value_bytes(settings, "PSKValue", &psk, &length))
        return;
    profile->has_psk = length == sizeof(profile->psk);
    if (profile->has_psk)
        memcpy(profile->psk, psk, length);
    free(psk);
}

/* old: the profile to be replaced, NULL for a new one. */
static uint32_t read_profile(struct device *device, const xmlNode *settings, const struct wifi_profile *old,
                             struct wifi_profile *profile)
{
    const struct wifi_profile *same;
    size_t name_length, ssid_length;
    uint32_t status;

    profile->name = value_text(settings, "ElementName");
    profile->ssid = value_text(settings, "SSID");
    profile->bss = 3;
    value_number(settings, "Priority", &profile->priority);
    value_number(settings, "AuthenticationMethod", &profile->authentication);
    value_number(settings, "EncryptionMethod", &profile->encryption);
    value_number(settings, "BSSType", &profile->bss);
    read_psk(settings, profile);
    name_length = strlen(profile->name);
    ssid_length = strlen(profile->ssid);
    if (!name_length || name_length > NAME_LONGEST || !ssid_length || ssid_length > NAME_LONGEST ||
        !profile->priority || !id_fits(settings, profile->name))
        return RESULT_INVALID_PARAMETER;
    same = find_profile(device, profile->name);
    if ((same && same != old) || priority_taken(device, profile->priority, old))
        return RESULT_AMT + AMT_DUPLICATE;
    status = check_methods(device, profile);
    return status ? status : check_secret(profile);
}

static uint32_t read_input(struct call *call, const xmlNode *input, const struct wifi_profile *old,
                           struct wifi_profile *profile)
{
    const xmlNode *settings = value_node(input, "WiFiEndpointSettingsInput");
    const xmlNode *eap = value_node(input, "IEEE8021xSettingsInput");

    if (!schema_check(settings, space_profile, profile_properties) ||
        (eap && !schema_check(eap, space_eap, eap_properties))) {
        refuse_with(call, FAULT_SCHEMA_VALIDATION);
        return AMT_SUCCESS;
    }
    profile->has_eap = eap != NULL;
    if (eap && (!eap_read(eap, &profile->eap) || !eap_comparison_valid(&profile->eap, 1, 3)))
        return RESULT_INVALID_PARAMETER;
    if (!eap_read_certificate(call->device, input, "ClientCredential", &profile->eap.client_certificate) ||
        !eap_read_certificate(call->device, input, "CACredential", &profile->eap.ca_certificate))
        return RESULT_INVALID_REFERENCE;
    return read_profile(call->device, settings, old, profile);
}

static struct wifi_profile *blank_profile(void)
{
    struct wifi_profile *profile = allocate(sizeof(*profile));

    eap_release(&profile->eap);
    return profile;
}

static bool names_endpoint(const xmlNode *input)
{
    struct reference reference;
    const char *name;
    bool named;

    if (!value_reference(input, "WiFiEndpoint", &reference))
        return false;
    name = reference_value(&reference, "Name");
    named =
        !strcmp(class_of(reference.resource), "CIM_WiFiEndpoint") && name && !strcmp(name, "WiFi Endpoint 0");
    reference_release(&reference);
    return named;
}

static uint32_t add_settings(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    struct wifi_profile *profile, **last;
    uint32_t status;

    (void)out; /* recorded answers carry no references */
    if (!names_endpoint(input))
        return RESULT_INVALID_REFERENCE;
    if (profile_count(device) == PROFILES_MAX)
        return RESULT_AMT + AMT_MAX_LIMIT_REACHED;
    profile = blank_profile();
    status = read_input(call, input, NULL, profile);
    if (status || call->fault.kind) {
        wifi_profile_release(&profile);
        return status;
    }
    last = profile_place(device, profile_count(device));
    *last = profile;
    return AMT_SUCCESS;
}

static struct wifi_profile *named_profile(struct device *device, const xmlNode *input)
{
    struct reference reference;
    struct wifi_profile *profile = NULL;
    const char *id;

    if (!value_reference(input, "WiFiEndpointSettings", &reference))
        return NULL;
    id = reference_value(&reference, "InstanceID");
    if (id && !strncmp(id, profile_prefix, strlen(profile_prefix)))
        profile = find_profile(device, id + strlen(profile_prefix));
    reference_release(&reference);
    return profile;
}

static uint32_t update_settings(struct call *call, const xmlNode *input, struct text *out)
{
    struct wifi_profile *old = named_profile(call->device, input), *profile, replaced;
    uint32_t status;

    (void)out;
    if (!old || !old->priority)
        return RESULT_INVALID_REFERENCE;
    profile = blank_profile();
    status = read_input(call, input, old, profile);
    if (!status && !call->fault.kind) { /* the list keeps its element; contents are exchanged */
        replaced = *old;
        *old = *profile;
        old->next = replaced.next;
        *profile = replaced;
    }
    wifi_profile_release(&profile);
    return status;
}

static uint32_t delete_profiles(struct device *device, bool users)
{
    struct wifi_profile **place = &device->wifi_profiles;

    while (*place) {
        struct wifi_profile *profile = *place;

        if (!profile->priority != users) {
            place = &profile->next;
            continue;
        }
        *place = profile->next;
        wifi_profile_release(&profile);
    }
    return AMT_SUCCESS;
}

static uint32_t delete_it_profiles(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    (void)out;
    return delete_profiles(call->device, false);
}

static uint32_t delete_user_profiles(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    (void)out;
    return delete_profiles(call->device, true);
}

/* ---- service and port ---- */

static void describe_service(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "AMT_WiFiPortConfigurationService",
                     "Intel(r) AMT WiFi Port Configuration Service");
    instance_text(instance, "ElementName", "Intel(r) AMT WiFiPort Configuration Service");
    instance_number(instance, "EnabledState", 5);
    instance_number(instance, "HealthState", 5);
    instance_number(instance, "RequestedState", 12);
    instance_number(instance, "localProfileSynchronizationEnabled", device->wifi_sync);
    if (!device->generation->recent_properties)
        return;
    instance_text(instance, "LastConnectedSsidUnderMeControl", "");
    instance_number(instance, "NoHostCsmeSoftwarePolicy", 0);
    if (device->generation->major >= 16)
        instance_flag(instance, "UEFIWiFiProfileShareEnabled", device->wifi_uefi_share);
}

static void put_service(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    uint32_t sync = device->wifi_sync;

    (void)index;
    value_number(body, "localProfileSynchronizationEnabled", &sync);
    if (sync > 3 || (sync == 3 && device->generation->major < 14)) {
        refuse(call, AMT_INVALID_PARAMETER);
        return;
    }
    device->wifi_sync = sync;
    value_flag(body, "UEFIWiFiProfileShareEnabled", &device->wifi_uefi_share);
}

static void describe_port(struct device *device, unsigned index, struct instance *instance)
{
    struct text mac = { 0 };

    (void)index;
    text_format(&mac, "0201%02x%02x%02x%02x", device->uuid[12], device->uuid[13], device->uuid[14],
                device->uuid[15]);
    instance_text(instance, "CreationClassName", "CIM_WiFiPort");
    instance_text(instance, "DeviceID", "WiFi Port 0");
    instance_text(instance, "ElementName", "WiFi Port 0");
    instance_number(instance, "EnabledState", device->wifi_state);
    instance_number(instance, "HealthState", 5);
    instance_number(instance, "LinkTechnology", 11);
    instance_text(instance, "PermanentAddress", mac.bytes);
    instance_number(instance, "PortType", 0);
    instance_number(instance, "RequestedState", device->wifi_state);
    instance_text(instance, "SystemCreationClassName", "CIM_ComputerSystem");
    instance_text(instance, "SystemName", "Intel(r) AMT");
    text_release(&mac);
}

static uint32_t change_port(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t state = 0;

    (void)out;
    value_number(input, "RequestedState", &state);
    if (state != PORT_OFF && state != PORT_ON_S0 && state != PORT_ON_SX)
        return 5; /* invalid parameter */
    call->device->wifi_state = state;
    return AMT_SUCCESS;
}

/* ---- tables ---- */

static const struct parameter state_parameters[] = { { "RequestedState", TYPE_SHORT, REQUIRED },
                                                     { "TimeoutPeriod", TYPE_DATETIME, 0 },
                                                     { 0 } };
static const struct parameter add_parameters[] = {
    { "WiFiEndpoint", TYPE_REFERENCE, REQUIRED },   { "WiFiEndpointSettingsInput", TYPE_EMBEDDED, REQUIRED },
    { "IEEE8021xSettingsInput", TYPE_EMBEDDED, 0 }, { "ClientCredential", TYPE_REFERENCE, 0 },
    { "CACredential", TYPE_REFERENCE, 0 },          { 0 },
};
static const struct parameter update_parameters[] = {
    { "WiFiEndpointSettings", TYPE_REFERENCE, REQUIRED },
    { "WiFiEndpointSettingsInput", TYPE_EMBEDDED, REQUIRED },
    { "IEEE8021xSettingsInput", TYPE_EMBEDDED, 0 },
    { "ClientCredential", TYPE_REFERENCE, 0 },
    { "CACredential", TYPE_REFERENCE, 0 },
    { 0 },
};

static const struct method service_methods[] = {
    { .name = "AddWiFiSettings", .run = add_settings, .parameters = add_parameters },
    { .name = "UpdateWiFiSettings", .run = update_settings, .parameters = update_parameters },
    { .name = "DeleteAllITProfiles", .run = delete_it_profiles },
    { .name = "DeleteAllUserProfiles", .run = delete_user_profiles },
    { 0 },
};
static const struct method port_methods[] = {
    { .name = "RequestStateChange", .run = change_port, .parameters = state_parameters }, { 0 }
};

static const struct parameter service_properties[] = {
    { "CreationClassName", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "EnabledState", TYPE_SHORT, 0 },
    { "HealthState", TYPE_SHORT, 0 },
    { "LastConnectedSsidUnderMeControl", TYPE_TEXT, 0 },
    { "Name", TYPE_TEXT, 0 },
    { "NoHostCsmeSoftwarePolicy", TYPE_NUMBER, 0 },
    { "RequestedState", TYPE_SHORT, 0 },
    { "SystemCreationClassName", TYPE_TEXT, 0 },
    { "SystemName", TYPE_TEXT, 0 },
    { "UEFIWiFiProfileShareEnabled", TYPE_FLAG, 0 },
    { "localProfileSynchronizationEnabled", TYPE_NUMBER, 0 },
    { 0 },
};

#define ADMINISTRATION .read_realms = MAY(REALM_ADMINISTRATION), .write_realms = MAY(REALM_ADMINISTRATION)

const struct class wireless_classes[] = {
    { .name = "AMT_WiFiPortConfigurationService",
      .schema = SCHEMA_AMT,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" },
      .present = wireless_present,
      .describe = describe_service,
      .properties = service_properties,
      .put = put_service,
      .methods = service_methods,
      ADMINISTRATION },
    { .name = "CIM_WiFiPort",
      .schema = SCHEMA_CIM,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "DeviceID" },
      .present = wireless_present,
      .describe = describe_port,
      .methods = port_methods,
      ADMINISTRATION },
    { .name = "CIM_WiFiEndpointSettings",
      .schema = SCHEMA_CIM,
      .keys = { "InstanceID" },
      .present = wireless_present,
      .count = profile_count,
      .describe = describe_profile,
      .remove = remove_profile,
      ADMINISTRATION },
    { .name = "CIM_IEEE8021xSettings",
      .schema = SCHEMA_CIM,
      .keys = { "InstanceID" },
      .present = wireless_present,
      .count = eap_count,
      .describe = describe_eap,
      ADMINISTRATION },
    { .name = "CIM_CredentialContext",
      .schema = SCHEMA_CIM,
      .keys = { "ElementInContext", "ElementProvidingContext" },
      .present = wireless_present,
      .count = context_count,
      .describe = describe_context,
      .matches = eap_context_matches,
      ADMINISTRATION },
    { 0 },
};
