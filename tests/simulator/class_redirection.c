/*
 * class_redirection.c - interfaces for people: AMT_RedirectionService, AMT_WebUIService,
 * CIM_KVMRedirectionSAP, IPS_KVMRedirectionSettingData, IPS_OptInService.
 */
#include "class.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATE_ON = 2,
    STATE_OFF = 3,
    STATE_ON_OFFLINE = 6,
    REDIRECTION_NONE = 32768,
    REDIRECTION_ALL = 32771,
    RESULT_NOT_SUPPORTED = 1, /* ReturnValues of RequestStateChange in CIM classes */
    RESULT_INVALID_PARAMETER = 5,
    RFB_PASSWORD_LENGTH = 8,
};

static const struct parameter state_parameters[] = { { "RequestedState", TYPE_SHORT, REQUIRED },
                                                     { "TimeoutPeriod", TYPE_DATETIME, 0 },
                                                     { 0 } };

static uint32_t requested_state(const xmlNode *input)
{
    uint32_t state = 0;

    value_number(input, "RequestedState", &state);
    return state;
}

/* ---- serial over LAN and IDE redirection ---- */

static void describe_redirection(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "AMT_RedirectionService", "Intel(r) AMT Redirection Service");
    instance_text(instance, "ElementName", "Intel(r) AMT Redirection Service");
    instance_number(instance, "EnabledState", device->redirection);
    instance_flag(instance, "ListenerEnabled", device->listener_enabled);
}

static bool redirection_valid(uint32_t state)
{
    return state >= REDIRECTION_NONE && state <= REDIRECTION_ALL;
}

static void put_redirection(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    uint32_t state = device->redirection;

    (void)index;
    value_number(body, "EnabledState", &state);
    if (!redirection_valid(state)) {
        refuse(call, AMT_INVALID_PARAMETER);
        return;
    }
    device->redirection = state;
    value_flag(body, "ListenerEnabled", &device->listener_enabled);
}

static uint32_t change_redirection(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t state = requested_state(input);

    (void)out;
    if (!redirection_valid(state))
        return RESULT_INVALID_PARAMETER;
    call->device->redirection = state;
    return AMT_SUCCESS;
}

static uint32_t terminate_session(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t type = 0;

    (void)call;
    (void)out;
    value_number(input, "SessionType", &type);
    return type > 1 ? AMT_INVALID_PARAMETER : AMT_SUCCESS;
}

static const struct parameter session_parameter[] = { { "SessionType", TYPE_NUMBER, 0 }, { 0 } };

static const struct method redirection_methods[] = {
    { .name = "RequestStateChange", .run = change_redirection, .parameters = state_parameters },
    { .name = "TerminateSession", .run = terminate_session, .parameters = session_parameter },
    { 0 },
};

static const struct parameter redirection_properties[] = {
    { "AccessLog", TYPE_TEXT, LIST },
    { "CreationClassName", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "EnabledState", TYPE_SHORT, 0 },
    { "ListenerEnabled", TYPE_FLAG, 0 },
    { "Name", TYPE_TEXT, 0 },
    { "SystemCreationClassName", TYPE_TEXT, 0 },
    { "SystemName", TYPE_TEXT, 0 },
    { 0 },
};

/* ---- web interface ---- */

static bool web_present(const struct device *device)
{
    return device->generation->web_ui;
}

static void describe_web(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "AMT_WebUIService", "Intel(r) AMT WebUI Service");
    instance_text(instance, "ElementName", "Intel(r) AMT WebUI Service");
    instance_number(instance, "EnabledState", device->web_ui ? STATE_ON : STATE_OFF);
    instance_number(instance, "RequestedState", device->web_ui ? STATE_ON : STATE_OFF);
}

static uint32_t change_web(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t state = requested_state(input);

    (void)out;
    if (state != STATE_ON && state != STATE_OFF)
        return RESULT_INVALID_PARAMETER;
    call->device->web_ui = state == STATE_ON;
    return AMT_SUCCESS;
}

static const struct method web_methods[] = {
    { .name = "RequestStateChange", .run = change_web, .parameters = state_parameters }, { 0 }
};

/* ---- KVM ---- */

static bool kvm_present(const struct device *device)
{
    return device->generation->kvm;
}

static void describe_kvm(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_text(instance, "CreationClassName", "CIM_KVMRedirectionSAP");
    instance_text(instance, "ElementName", "KVM Redirection Service Access Point");
    instance_number(instance, "EnabledState", device->kvm_enabled ? STATE_ON_OFFLINE : STATE_OFF);
    instance_number(instance, "KVMProtocol", 4);
    instance_text(instance, "Name", "KVM Redirection Service Access Point");
    instance_number(instance, "RequestedState", device->kvm_enabled ? STATE_ON : STATE_OFF);
    instance_text(instance, "SystemCreationClassName", "CIM_ComputerSystem");
    instance_text(instance, "SystemName", "ManagedSystem");
}

static uint32_t change_kvm(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    uint32_t state = requested_state(input);

    (void)out;
    if (state != STATE_ON && state != STATE_OFF)
        return RESULT_INVALID_PARAMETER;
    if (state == STATE_ON && !device->kvm_by_mebx)
        return RESULT_NOT_SUPPORTED;
    device->kvm_enabled = state == STATE_ON;
    return AMT_SUCCESS;
}

static const struct method kvm_methods[] = {
    { .name = "RequestStateChange", .run = change_kvm, .parameters = state_parameters }, { 0 }
};

static void describe_kvm_settings(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_flag(instance, "BackToBackFbMode", false);
    instance_number(instance, "DefaultScreen", device->kvm_screen);
    instance_text(instance, "ElementName", "Intel(r) KVM Redirection Settings");
    instance_flag(instance, "EnabledByMEBx", device->kvm_by_mebx);
    instance_text(instance, "InstanceID", "Intel(r) KVM Redirection Settings");
    instance_flag(instance, "Is5900PortEnabled", device->kvm_5900);
    instance_flag(instance, "OptInPolicy", device->kvm_consent);
    instance_number(instance, "OptInPolicyTimeout", device->kvm_consent_timeout_s);
    instance_text(instance, "RFBPassword", "");
    instance_number(instance, "SessionTimeout", device->kvm_session_timeout_min);
}

static bool rfb_password_valid(const char *password)
{
    return !password || !*password || password_strong(password, RFB_PASSWORD_LENGTH, RFB_PASSWORD_LENGTH);
}

static void put_kvm_settings(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    AUTO(free_text) char *password = value_text(body, "RFBPassword");

    (void)index;
    if (!rfb_password_valid(password)) {
        refuse(call, AMT_INVALID_PASSWORD);
        return;
    }
    if (password && *password)
        replace_text(&device->rfb_password, password);
    value_flag(body, "Is5900PortEnabled", &device->kvm_5900);
    value_flag(body, "OptInPolicy", &device->kvm_consent);
    value_number(body, "OptInPolicyTimeout", &device->kvm_consent_timeout_s);
    value_number(body, "SessionTimeout", &device->kvm_session_timeout_min);
    value_number(body, "DefaultScreen", &device->kvm_screen);
}

static uint32_t terminate_kvm(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    (void)out;
    return AMT_SUCCESS;
}

static const struct method kvm_settings_methods[] = { { .name = "TerminateSession", .run = terminate_kvm },
                                                      { 0 } };

static const struct parameter kvm_settings_properties[] = {
    { "BackToBackFbMode", TYPE_FLAG, 0 },
    { "DefaultScreen", TYPE_BYTE, 0 },
    { "DoubleBufferActive", TYPE_FLAG, 0 },
    { "DoubleBufferEnabled", TYPE_FLAG, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "EnabledByMEBx", TYPE_FLAG, 0 },
    { "GrayscalePixelFormatSupported", TYPE_FLAG, 0 },
    { "InitialDecimationModeForLowRes", TYPE_BYTE, 0 },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "Is5900PortEnabled", TYPE_FLAG, 0 },
    { "OptInPolicy", TYPE_FLAG, 0 },
    { "OptInPolicyTimeout", TYPE_SHORT, 0 },
    { "RFBPassword", TYPE_TEXT, 0 },
    { "SessionTimeout", TYPE_SHORT, 0 },
    { "ZlibControlSupported", TYPE_FLAG, 0 },
    { 0 },
};

/* ---- user consent ---- */

static void describe_consent(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "IPS_OptInService", "Intel(r) AMT OptIn Service");
    instance_text(instance, "ElementName", "Intel(r) AMT OptIn Service");
    instance_number(instance, "CanModifyOptInPolicy", device->consent_modifiable);
    instance_number(instance, "OptInCodeTimeout", device->consent_code_timeout_s);
    instance_number(instance, "OptInDisplayTimeout", device->consent_display_timeout_s);
    instance_number(instance, "OptInRequired", device->consent_required);
    instance_number(instance, "OptInState", 0);
}

static void put_consent(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    uint32_t required = device->consent_required;

    (void)index;
    value_number(body, "OptInRequired", &required);
    if (required != 0 && required != 1 && required != UINT32_MAX) {
        refuse(call, AMT_INVALID_PARAMETER);
    } else if (required != device->consent_required && !device->consent_modifiable) {
        refuse(call, AMT_NOT_PERMITTED);
    } else {
        device->consent_required = required;
        value_number(body, "OptInCodeTimeout", &device->consent_code_timeout_s);
        value_number(body, "OptInDisplayTimeout", &device->consent_display_timeout_s);
    }
}

/* No session is ever waiting for consent here. */
static uint32_t consent_invalid_state(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    (void)out;
    return 2;
}

static const struct parameter code_parameter[] = { { "OptInCode", TYPE_NUMBER, 0 }, { 0 } };

static const struct method consent_methods[] = {
    { .name = "StartOptIn", .run = consent_invalid_state },
    { .name = "CancelOptIn", .run = consent_invalid_state },
    { .name = "SendOptInCode", .run = consent_invalid_state, .parameters = code_parameter },
    { 0 },
};

static const struct parameter consent_properties[] = {
    { "CanModifyOptInPolicy", TYPE_BYTE, 0 },
    { "CreationClassName", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "Name", TYPE_TEXT, 0 },
    { "OptInCodeTimeout", TYPE_NUMBER, 0 },
    { "OptInDisplayTimeout", TYPE_SHORT, 0 },
    { "OptInRequired", TYPE_NUMBER, REQUIRED },
    { "OptInState", TYPE_BYTE, 0 },
    { "SystemCreationClassName", TYPE_TEXT, 0 },
    { "SystemName", TYPE_TEXT, 0 },
    { 0 },
};

#define SERVICE_KEYS .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" }
#define REDIRECTION  .read_realms = MAY(REALM_REDIRECTION), .write_realms = MAY(REALM_REDIRECTION)

const struct class redirection_classes[] = {
    { .name = "AMT_RedirectionService",
      .schema = SCHEMA_AMT,
      SERVICE_KEYS,
      .describe = describe_redirection,
      .properties = redirection_properties,
      .put = put_redirection,
      .methods = redirection_methods,
      REDIRECTION },
    { .name = "AMT_WebUIService",
      .schema = SCHEMA_AMT,
      SERVICE_KEYS,
      .present = web_present,
      .describe = describe_web,
      .methods = web_methods,
      .read_realms = MAY(REALM_ADMINISTRATION),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { .name = "CIM_KVMRedirectionSAP",
      .schema = SCHEMA_CIM,
      SERVICE_KEYS,
      .present = kvm_present,
      .describe = describe_kvm,
      .methods = kvm_methods,
      REDIRECTION },
    { .name = "IPS_KVMRedirectionSettingData",
      .schema = SCHEMA_IPS,
      .keys = { "InstanceID" },
      .present = kvm_present,
      .describe = describe_kvm_settings,
      .properties = kvm_settings_properties,
      .put = put_kvm_settings,
      .methods = kvm_settings_methods,
      REDIRECTION },
    { .name = "IPS_OptInService",
      .schema = SCHEMA_IPS,
      SERVICE_KEYS,
      .present = kvm_present, /* both came with 6.0 */
      .describe = describe_consent,
      .properties = consent_properties,
      .put = put_consent,
      .methods = consent_methods,
      REDIRECTION },
    { 0 },
};
