/*
 * class_wireless.c - wireless: AMT_WiFiPortConfigurationService, CIM_WiFiPort, CIM_WiFiEndpointSettings,
 * CIM_IEEE8021xSettings. All are absent on a computer without a wireless interface.
 */
#include "eap.h"
#include "wireless_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROFILES_MAX = 16,
    PORT_OFF = 3,
    PORT_ON_S0 = 32768,
    PORT_ON_SX = 32769,
};

static bool wireless_present(const struct device *device)
{
    return device_has_wifi(device);
}

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

struct wifi_profile *wireless_profile_find(struct device *device, const char *name)
{
    for (struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next)
        if (!strcmp(profile->name, name))
            return profile;
    return NULL;
}

bool wireless_priority_taken(const struct device *device, uint32_t priority,
                             const struct wifi_profile *except)
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

    text_format(&id, "%s%s", PROFILE_PREFIX, profile->name);
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
    status = wireless_input_read(call, input, NULL, profile);
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
    if (id && !strncmp(id, PROFILE_PREFIX, strlen(PROFILE_PREFIX)))
        profile = wireless_profile_find(device, id + strlen(PROFILE_PREFIX));
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
    status = wireless_input_read(call, input, old, profile);
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
