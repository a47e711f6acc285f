/*
 * class_setup.c - setup, commit and unprovisioning: AMT_SetupAndConfigurationService,
 * IPS_HostBasedSetupService.
 */
#include "class.h"

#include "encoding.h"

#include <stdlib.h>
#include <string.h>

enum { OTP_SHORTEST = 8, FQDN_LONGEST = 255, EXTENSION_LONGEST_H = 24, WINDOW_LONGEST_H = 255 };
enum { MODE_CURRENT, MODE_ENTERPRISE, MODE_SMALL_BUSINESS, MODE_REMOTE_CONNECTIVITY };

static const char setup_name[] = "Intel(r) AMT Setup and Configuration Service";

/* The password is readable during setup; before and after, and while none is set, it reads as zeros. */
static void describe_otp(const struct device *device, struct instance *instance)
{
    unsigned char padded[OTP_MAX] = { 0 };
    uint32_t padding = device->switches.otp_padding;
    bool pads = padding == AUTOMATIC ? device->generation->pads_otp : padding == AUTOMATIC_YES;
    bool readable = device->state == STATE_IN && device->otp_length;

    if (readable)
        memcpy(padded, device->otp, device->otp_length);
    instance_bytes(instance, "ProvisioningServerOTP", padded,
                   readable && !pads ? device->otp_length : OTP_MAX);
}

static void describe_setup(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "AMT_SetupAndConfigurationService", setup_name);
    instance_text(instance, "ElementName", setup_name);
    instance_number(instance, "EnabledState", 5);
    instance_number(instance, "RequestedState", 12);
    instance_number(instance, "PasswordModel", 1);
    instance_number(instance, "ProvisioningMode", device->control_mode == CONTROL_CLIENT ? 4 : device->mode);
    instance_number(instance, "ProvisioningState", device->state);
    instance_flag(instance, "ZeroTouchConfigurationEnabled", device->zero_touch);
    instance_text(instance, "ConfigurationServerFQDN", device->server_fqdn);
    instance_text(instance, "DhcpDNSSuffix", device->option15);
    instance_text(instance, "TrustedDNSSuffix", device->suffix);
    describe_otp(device, instance);
}

static void put_setup(struct call *call, unsigned index, const xmlNode *body)
{
    struct device *device = call->device;
    char *fqdn = value_text(body, "ConfigurationServerFQDN");
    unsigned char *otp = NULL;
    size_t length = 0;

    (void)index;
    value_bytes(body, "ProvisioningServerOTP", &otp, &length);
    if ((fqdn && strlen(fqdn) > FQDN_LONGEST) || (otp && (length < OTP_SHORTEST || length > OTP_MAX))) {
        refuse(call, AMT_INVALID_PARAMETER);
    } else {
        replace_text(&device->server_fqdn, fqdn && *fqdn ? fqdn : NULL);
        if (otp) {
            memcpy(device->otp, otp, length);
            device->otp_length = length;
        }
        value_flag(body, "ZeroTouchConfigurationEnabled", &device->zero_touch);
    }
    free(fqdn);
    free(otp);
}

/* ---- CommitChanges: AMT SDK, class AMT_SetupAndConfigurationService ---- */

static bool tls_complete(struct device *device)
{
    bool enabled = device->tls[TLS_NETWORK].enabled || device->tls[TLS_LOCAL].enabled;
    bool mutual = device->tls[TLS_NETWORK].mutual || device->tls[TLS_LOCAL].mutual;
    struct stored_certificate *certificate = device_certificate(device, device->credential);

    if (mutual && (!device_has_trusted_root(device) || !device->clock_set))
        return false;
    if (!enabled)
        return true;
    if (!certificate)
        return device->generation->keeps_identity_certificate;
    return certificate->read_only || device_key_of(device, certificate);
}

static bool mebx_complete(const struct device *device)
{
    uint32_t wanted = device->switches.commit_wants_mebx;

    if (!device->mebx_is_default)
        return true;
    if (wanted != AUTOMATIC)
        return wanted == AUTOMATIC_NO;
    /* Intel's remote setup flow: SetMEBxPassword comes before CommitChanges while the password is the
     * default. */
    return false;
}

static bool seed_complete(const struct device *device)
{
    return device->seeded ||
           !device_switch(device->switches.commit_wants_seed, device->generation->commit_wants_seed);
}

static bool commit_complete(struct device *device)
{
    if (device->ethernet.dhcp && !*device->general.host)
        return false;
    if (!tls_complete(device))
        return false;
    if (device->state != STATE_IN)
        return true;
    return (device->mode == MODE_SMALL_BUSINESS || (device->clock_set && seed_complete(device))) &&
           mebx_complete(device);
}

static void put_tls_in_force(struct call *call)
{
    struct device *device = call->device;
    bool same = device->credential == device->credential_in_force &&
                !memcmp(device->tls, device->tls_in_force, sizeof(device->tls));

    memcpy(device->tls_in_force, device->tls, sizeof(device->tls));
    device->credential_in_force = device->credential;
    device_drop_replaced(device);
    if (!same || device->state == STATE_IN)
        call->after = AFTER_RESTART;
}

static uint32_t commit_changes(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;

    (void)input;
    (void)out;
    if (device->state == STATE_PRE)
        return AMT_NOT_PERMITTED;
    if (!commit_complete(device))
        return AMT_DATA_MISSING;
    if (device->state == STATE_IN && device->switches.local_tls_blocks_commit &&
        !device->generation->tls_always && device->tls[TLS_LOCAL].enabled)
        return AMT_SUCCESS; /* observed: reports success, stays in setup */
    put_tls_in_force(call);
    if (device->state == STATE_IN) {
        if (device
                ->admin_is_default) /* the network password follows the MEBx one until it is set by itself */
            device_set_admin_password(device, device->mebx_password);
        device->admin_is_default = false;
        device->state = STATE_POST;
        device->control_mode = CONTROL_ADMIN;
        device->otp_length = 0;
        device_new_nonce(device);
    }
    return AMT_SUCCESS;
}

/* ---- the other methods ---- */

static bool mebx_settable(const struct device *device)
{
    if (device->control_mode == CONTROL_CLIENT)
        return false;
    switch (device->mebx_policy) {
    case MEBX_ANY_TIME:
        return true;
    case MEBX_DURING_SETUP:
        return device->state == STATE_IN;
    default:
        return device->state == STATE_IN && device->mebx_is_default;
    }
}

static uint32_t set_mebx_password(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    char *password = value_text(input, "Password");
    uint32_t status = AMT_SUCCESS;

    (void)out;
    if (!mebx_settable(device)) {
        status = AMT_NOT_PERMITTED;
    } else if (!password || !password_strong(password, 8, 32)) {
        status = AMT_INVALID_PASSWORD;
    } else {
        replace_text(&device->mebx_password, password);
        device->mebx_is_default = false;
    }
    free(password);
    return status;
}

/* mode: which the device will be in. */
static uint32_t unprovision_checked(struct call *call, bool partial, uint32_t mode)
{
    struct device *device = call->device;
    uint32_t old_mode = device->mode;

    if (device->state != STATE_POST)
        return AMT_NOT_PERMITTED;
    if (device->auditor_lock && (partial || device->generation->unprovision_blocked_by_auditor))
        return AMT_BLOCKING_COMPONENT;
    device_unprovision(device, partial);
    device->mode = mode == MODE_CURRENT ? old_mode : mode;
    call->after = AFTER_RESTART;
    return AMT_SUCCESS;
}

static uint32_t unprovision(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t mode = 0;

    (void)out;
    if (!value_number(input, "ProvisioningMode", &mode))
        return AMT_INVALID_PARAMETER;
    if (call->device->generation->major >= 6 ? mode != MODE_ENTERPRISE : mode > MODE_REMOTE_CONNECTIVITY)
        return AMT_INVALID_PARAMETER; /* from 6.0 only one mode is left */
    return unprovision_checked(call, false, mode);
}

static uint32_t partial_unprovision(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    (void)out;
    return unprovision_checked(call, true, MODE_ENTERPRISE);
}

static uint32_t extend_provisioning_period(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    uint32_t hours = 0;

    (void)out;
    if (device->state != STATE_IN)
        return AMT_INVALID_PROVISIONING_STATE;
    if (!value_number(input, "Duration", &hours) || !hours || hours > EXTENSION_LONGEST_H ||
        device->switches.window_h + device->window_extension_h + hours > WINDOW_LONGEST_H)
        return AMT_INVALID_PARAMETER;
    device->window_extension_h += hours;
    return AMT_SUCCESS;
}

static uint32_t get_uuid(struct call *call, const xmlNode *input, struct text *out)
{
    unsigned char uuid[UUID_LENGTH];

    (void)input;
    memcpy(uuid, call->device->uuid, UUID_LENGTH);
    if (misbehaviour_due(call->device->misbehaviours, MISBEHAVIOUR_WRONG_UUID,
                         "AMT_SetupAndConfigurationService.GetUuid"))
        uuid[UUID_LENGTH - 1] ^= 0xFF;
    text_append(out, "<g:UUID>");
    base64_append(out, uuid, UUID_LENGTH);
    text_append(out, "</g:UUID>");
    return AMT_SUCCESS;
}

static uint32_t get_unprovision_blocking_components(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    if (call->device->auditor_lock)
        text_append(out, "<g:Component>1</g:Component>");
    return AMT_SUCCESS;
}

/* ---- host based setup: read only here; its methods belong to the local interface ---- */

static bool host_based_setup_present(const struct device *device)
{
    return device->generation->host_based_setup;
}

static void describe_host_based_setup(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "IPS_HostBasedSetupService", "Intel(r) AMT Host Based Setup Service");
    instance_text(instance, "ElementName", "Intel(r) AMT Host Based Setup Service");
    instance_number(instance, "AllowedControlModes", 2);
    instance_number(instance, "AllowedControlModes", 1);
    instance_number(instance, "CertChainStatus", 0);
    instance_number(instance, "CurrentControlMode", device->control_mode);
    instance_bytes(instance, "ConfigurationNonce", device->nonce, sizeof(device->nonce));
}

static const struct parameter setup_properties[] = {
    { "ConfigurationServerFQDN", TYPE_TEXT, 0 },
    { "CreationClassName", TYPE_TEXT, 0 },
    { "DhcpDNSSuffix", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "EnabledState", TYPE_SHORT, 0 },
    { "Name", TYPE_TEXT, 0 },
    { "PasswordModel", TYPE_BYTE, 0 },
    { "ProvisioningMode", TYPE_BYTE, 0 },
    { "ProvisioningServerOTP", TYPE_BASE64, 0 },
    { "ProvisioningState", TYPE_BYTE, 0 },
    { "RequestedState", TYPE_SHORT, 0 },
    { "SystemCreationClassName", TYPE_TEXT, 0 },
    { "SystemName", TYPE_TEXT, 0 },
    { "TrustedDNSSuffix", TYPE_TEXT, 0 },
    { "ZeroTouchConfigurationEnabled", TYPE_FLAG, 0 },
    { 0 },
};

static const struct parameter mode_parameter[] = { { "ProvisioningMode", TYPE_NUMBER, 0 }, { 0 } };
static const struct parameter duration_parameter[] = { { "Duration", TYPE_NUMBER, 0 }, { 0 } };
static const struct parameter password_parameter[] = { { "Password", TYPE_TEXT, 0 }, { 0 } };

static const struct method setup_methods[] = {
    { .name = "CommitChanges", .run = commit_changes },
    { .name = "Unprovision", .run = unprovision, .parameters = mode_parameter },
    { .name = "PartialUnprovision", .run = partial_unprovision },
    { .name = "ExtendProvisioningPeriod",
      .run = extend_provisioning_period,
      .parameters = duration_parameter },
    { .name = "SetMEBxPassword", .run = set_mebx_password, .parameters = password_parameter },
    { .name = "GetUuid", .run = get_uuid, .reads_only = true },
    { .name = "GetUnprovisionBlockingComponents",
      .run = get_unprovision_blocking_components,
      .reads_only = true },
    { 0 },
};

const struct class setup_classes[] = {
    { .name = "AMT_SetupAndConfigurationService",
      .schema = SCHEMA_AMT,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" },
      .describe = describe_setup,
      .properties = setup_properties,
      .put = put_setup,
      .methods = setup_methods,
      .read_realms = MAY(REALM_GENERAL_INFO) | MAY(REALM_ADMINISTRATION),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { .name = "IPS_HostBasedSetupService",
      .schema = SCHEMA_IPS,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" },
      .present = host_based_setup_present,
      .describe = describe_host_based_setup,
      .read_realms = MAY(REALM_ADMINISTRATION),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { 0 },
};
