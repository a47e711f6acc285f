#include "wireless_input.h"

#include "eap.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAME_LONGEST = 32,
    WPA_PSK = 4,
    WPA_8021X = 5,
    WPA2_PSK = 6,
    WPA2_8021X = 7,
    WPA3_SAE = 32768,
    WPA3_OWE = 32769,
    TKIP = 3,
    CCMP = 4,
};

static const char space_profile[] = SCHEMA_CIM "CIM_WiFiEndpointSettings";
static const char space_eap[] = SCHEMA_CIM "CIM_IEEE8021xSettings";

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
    size_t length = strlen(PROFILE_PREFIX);

    return !strncmp(id, PROFILE_PREFIX, length) && !strcmp(id + length, name);
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
    same = wireless_profile_find(device, profile->name);
    if ((same && same != old) || wireless_priority_taken(device, profile->priority, old))
        return RESULT_AMT + AMT_DUPLICATE;
    status = check_methods(device, profile);
    return status ? status : check_secret(profile);
}

uint32_t wireless_input_read(struct call *call, const xmlNode *input, const struct wifi_profile *old,
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
