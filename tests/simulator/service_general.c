/*
 * service_general.c - what anybody may know: GeneralInfo.
 */
#include "service.h"

#include <arpa/inet.h>

uint32_t service_core_version(struct call *call, const xmlNode *input, struct text *out)
{
    char version[VERSION_ROOM];

    (void)input;
    generation_version(call->device->generation, version);
    write_text(out, "Version", version);
    return AMT_SUCCESS;
}

uint32_t service_mode(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_number(out, "ProvisioningMode", call->device->mode);
    return AMT_SUCCESS;
}

static void write_version(struct text *out, const char *description, const char *version)
{
    text_append(out, "<g:Versions>");
    write_text(out, "Description", description);
    write_text(out, "Version", version);
    text_append(out, "</g:Versions>");
}

static uint32_t get_code_versions(struct call *call, const xmlNode *input, struct text *out)
{
    static const char *const with_version[] = { "Flash", "Netstack", "AMTApps", "AMT" };
    char version[VERSION_ROOM];
    const char *build = generation_version(call->device->generation, version);

    (void)input;
    write_text(out, "BiosVersion", "SIMBIOS01.0042");
    for (size_t i = 0; i < LENGTH(with_version); i++)
        write_version(out, with_version[i], version);
    write_version(out, "Sku", "14");
    write_version(out, "VendorID", "8086");
    write_version(out, "Build Number", build);
    write_version(out, "Recovery Version", version);
    write_version(out, "Recovery Build Num", build);
    write_version(out, "Legacy Mode", "False");
    return AMT_SUCCESS;
}

static const char *state_name(const struct device *device)
{
    static const char *const names[] = { [STATE_PRE] = "ProvisioningStatePre",
                                         [STATE_IN] = "ProvisioningStateIn",
                                         [STATE_POST] = "ProvisioningStatePost" };

    return names[device->state];
}

static uint32_t get_state(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_text(out, "ProvisioningState", state_name(call->device));
    return AMT_SUCCESS;
}

static uint32_t get_configuration_server(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    write_number(out, "Ip", 0); /* found by name */
    write_number(out, "Port", 9971);
    return AMT_SUCCESS;
}

static uint32_t get_password_model(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    write_text(out, "PasswordModel", "PasswordModelSeperate"); /* spelt so */
    return AMT_SUCCESS;
}

static uint32_t get_network_state(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_flag(out, "IsEnabled", call->device->general.interface_enabled);
    return AMT_SUCCESS;
}

static uint32_t get_security(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;

    (void)input;
    write_flag(out, "EnterpriseMode", device->mode == 1);
    write_flag(out, "TlsEnabled", device->tls_in_force[TLS_NETWORK].enabled);
    write_flag(out, "HwCryptoEnabled", true);
    write_text(out, "ProvisioningState", state_name(device));
    write_flag(out, "NetworkInterfaceEnabled", device->general.interface_enabled);
    write_flag(out, "SOLEnabled", device->redirection & 2);
    write_flag(out, "IDEREnabled", device->redirection & 1);
    write_flag(out, "FWUpdateEnabled", true);
    write_flag(out, "LinkIsUp", true);
    return AMT_SUCCESS;
}

/* No session has ever been held here. */
static uint32_t get_session_log(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    (void)out;
    return AMT_SUCCESS;
}

static const struct member some_interface[] = { { "InterfaceHandle", TYPE_NUMBER, 0, NULL }, { 0 } };

const struct service_call general_calls[] = {
    { .name = "GetCoreVersion", .run = service_core_version, .reads_only = true },
    { .name = "GetCodeVersions", .run = get_code_versions, .reads_only = true },
    { .name = "GetProvisioningMode", .run = service_mode, .reads_only = true },
    { .name = "GetProvisioningState", .run = get_state, .reads_only = true },
    { .name = "GetVlanParameters", .run = service_vlan, .members = some_interface, .reads_only = true },
    { .name = "GetHostName", .run = service_host_name, .reads_only = true },
    { .name = "GetConfigServerInfo", .run = get_configuration_server, .reads_only = true },
    { TWIN("AMT_AuthorizationService", "GetAdminAclEntryStatus"), .reads_only = true },
    { TWIN("AMT_AuthorizationService", "GetAdminNetAclEntryStatus"), .reads_only = true },
    { .name = "GetPasswordModel", .run = get_password_model, .reads_only = true },
    { .name = "GetEnabledInterfaces", .run = service_interfaces, .reads_only = true },
    { .name = "GetNetworkState", .run = get_network_state, .reads_only = true },
    { .name = "GetSecurityParameters", .run = get_security, .reads_only = true },
    { .name = "GetIderSessionLog", .run = get_session_log, .reads_only = true },
    { 0 },
};
