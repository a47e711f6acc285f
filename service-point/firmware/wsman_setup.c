#include "firmware/wsman.h"

#include <string.h>

#include "common/encoding.h"
#include "firmware/wsman_call.h"

#define OTP_MAX_BYTES                32 /* AMT SDK: 8 to 32 octets, filled up with zeros when read */
#define PROVISIONING_MODE_ENTERPRISE 1  /* the only one with an effect from AMT 6 on */

READER(setup__instance)
READER(setup__out)

/* Takes the OTP out of the runtime's memory, which is not wiped by itself. */
static bool otp_take(char *text, struct secret **otp, struct error *err)
{
    struct bytes octets = { 0 };
    bool decoded;

    *otp = NULL;
    if (!text)
        return true;
    decoded = base64_decode(text, &octets) && octets.length <= OTP_MAX_BYTES;
    secret_wipe(text, strlen(text));
    if (!decoded) {
        bytes_free(&octets);
        return wsman_malformed(&class_setup, "Get",
                               "ProvisioningServerOTP is not 32 octets or fewer in base64", err);
    }
    while (octets.length > 0 && octets.data[octets.length - 1] == 0)
        octets.length--;
    if (octets.length > 0)
        *otp = secret_new(octets.data, octets.length);
    if (octets.data)
        secret_wipe(octets.data, octets.length);
    bytes_free(&octets);
    return true;
}

bool wsman_setup_get(struct connection *connection, struct setup_service *setup, struct error *err)
{
    struct setup__instance *got = wsman_get(connection, &class_setup, NULL, read_setup__instance, err);
    struct setup_service read = { 0 };

    if (!got)
        return false;
    if (!got->ProvisioningState || *got->ProvisioningState > PROVISIONING_POST)
        return wsman_malformed(&class_setup, "Get", "no ProvisioningState of 0 to 2", err);
    read.state = (enum provisioning_state) * got->ProvisioningState;
    read.mode = byte_of(got->ProvisioningMode);
    read.password_model = byte_of(got->PasswordModel);
    read.zero_touch = flag_of(got->ZeroTouchConfigurationEnabled);
    if (!text_take(read.dhcp_dns_suffix, sizeof(read.dhcp_dns_suffix), got->DhcpDNSSuffix) ||
        !text_take(read.trusted_dns_suffix, sizeof(read.trusted_dns_suffix), got->TrustedDNSSuffix) ||
        !text_take(read.configuration_server, sizeof(read.configuration_server),
                   got->ConfigurationServerFQDN))
        return wsman_malformed(&class_setup, "Get", "a name is longer than 255 characters", err);
    if (!otp_take(got->ProvisioningServerOTP, &read.otp, err))
        return false;
    *setup = read;
    return true;
}

void setup_service_clear(struct setup_service *setup)
{
    secret_free(&setup->otp);
    *setup = (struct setup_service){ 0 };
}

bool wsman_setup_uuid(struct connection *connection, struct uuid *uuid, struct error *err)
{
    struct setup__out *out = wsman_method(connection, &class_setup, "GetUuid", NULL, read_setup__out, err);
    AUTO(bytes_free) struct bytes octets = { 0 };

    if (!out)
        return false;
    if (out->ReturnValue && !wsman_returned(&class_setup, "GetUuid", out->ReturnValue, err))
        return false;
    if (!out->UUID || !base64_decode(out->UUID, &octets) || octets.length != 16)
        return wsman_malformed(&class_setup, "GetUuid", "no UUID of 16 octets", err);
    uuid_from_smbios(octets.data, uuid);
    return true;
}

static bool setup_call(struct connection *connection, const char *method, const struct wsman_input *input,
                       struct error *err)
{
    struct setup__out *out = wsman_method(connection, &class_setup, method, input, read_setup__out, err);

    return out && wsman_returned(&class_setup, method, out->ReturnValue, err);
}

bool wsman_setup_set_mebx_password(struct connection *connection, const struct secret *password,
                                   struct error *err)
{
    struct setup__in in = { .Password = (char *)secret_reveal(password) };
    struct wsman_input input = { .type = SOAP_TYPE_setup__in, .data = &in };

    return setup_call(connection, "SetMEBxPassword", &input, err);
}

bool wsman_setup_commit(struct connection *connection, struct error *err)
{
    struct wsman_input input = { .once = true };

    return setup_call(connection, "CommitChanges", &input, err);
}

bool wsman_setup_unprovision(struct connection *connection, struct error *err)
{
    unsigned mode = PROVISIONING_MODE_ENTERPRISE;
    struct setup__in in = { .ProvisioningMode = &mode };
    struct wsman_input input = { .type = SOAP_TYPE_setup__in, .data = &in, .once = true };

    return setup_call(connection, "Unprovision", &input, err);
}

bool wsman_setup_unprovision_partially(struct connection *connection, struct error *err)
{
    struct wsman_input input = { .once = true };

    return setup_call(connection, "PartialUnprovision", &input, err);
}

/* ---- IPS_HostBasedSetupService ---- */

READER(hbs__instance)

bool wsman_host_based_setup_get(struct connection *connection, struct host_based_setup *setup,
                                struct error *err)
{
    struct hbs__instance *got = wsman_get(connection, &class_hbs, NULL, read_hbs__instance, err);
    struct host_based_setup read = { 0 };

    if (!got)
        return false;
    read.current_control_mode = byte_of(got->CurrentControlMode);
    for (int i = 0; i < got->__sizeAllowedControlModes; i++) {
        read.client_allowed = read.client_allowed || got->AllowedControlModes[i] == 1;
        read.admin_allowed = read.admin_allowed || got->AllowedControlModes[i] == 2;
    }
    *setup = read;
    return true;
}
