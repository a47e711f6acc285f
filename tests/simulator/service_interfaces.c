/*
 * service_interfaces.c - interfaces for people, Kerberos, power and environment: SecurityAdministration.
 */
#include "encoding.h"
#include "service.h"

#include <stdlib.h>
#include <string.h>

enum {
    REDIRECTION_NONE = 32768, /* plus 1 for IDE redirection, 2 for serial over LAN */
    REALM_NAME_LONGEST = 63,
    SPN_LONGEST = 266,
    TOLERANCE_HIGHEST_MIN = 5,
    IDLE_HIGHEST_MIN = 65535,
};

/* ---- interfaces ---- */

static const char *const interface_words[] = { "WebUI", "SerialOverLAN", "IdeRedirection", NULL };
enum { WEB, SERIAL, IDE, INTERFACES };

/* The whole set: what is not named is off. */
static uint32_t set_interfaces(struct call *call, const xmlNode *input, struct text *out)
{
    bool wanted[INTERFACES] = { false };

    (void)out;
    for (const xmlNode *node = node_first(input); node; node = node_next(node)) {
        AUTO(free_text) char *word = node_text(node);
        unsigned known = 0;

        while (interface_words[known] && strcmp(interface_words[known], word))
            known++;
        if (known == INTERFACES)
            return AMT_INVALID_PARAMETER;
        wanted[known] = true;
    }
    call->device->web_ui = wanted[WEB];
    call->device->redirection = REDIRECTION_NONE + wanted[IDE] + 2u * wanted[SERIAL];
    return AMT_SUCCESS;
}

uint32_t service_interfaces(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;
    const bool enabled[INTERFACES] = { device->web_ui, device->redirection & 2, device->redirection & 1 };

    (void)input;
    for (unsigned i = 0; i < INTERFACES; i++)
        if (enabled[i])
            write_text(out, "EnabledInterfaces", interface_words[i]);
    return AMT_SUCCESS;
}

/* ---- Kerberos ---- */

static const char *const protocol_words[] = { "HTTP", "HTTPS", "SOL_IDER", "SOL_IDER_SSL", NULL };
static const char *const encryption_words[] = { "HMAC_RC4", NULL };

static enum amt_status read_principals(const xmlNode *options, struct kerberos_settings *wanted)
{
    for (const xmlNode *node = node_first(options); node; node = node_next(node)) {
        uint32_t protocol = 0;

        if (strcmp((const char *)node->name, "KerberosSpn"))
            continue;
        if (wanted->spns == SPN_MAX || !word_number(node, "SpnProtocolIndex", protocol_words, &protocol))
            return AMT_INVALID_PARAMETER;
        wanted->protocol[wanted->spns] = (uint16_t)protocol;
        wanted->spn[wanted->spns] = value_text(node, "SpnString");
        if (strlen(wanted->spn[wanted->spns++]) > SPN_LONGEST)
            return AMT_INVALID_PARAMETER;
    }
    return AMT_SUCCESS;
}

static enum amt_status read_master_key(const xmlNode *options, struct kerberos_settings *wanted)
{
    unsigned char *key = NULL;
    size_t length = 0;

    value_bytes(options, "KerberosMasterKey", &key, &length);
    wanted->has_master_key = length == sizeof(wanted->master_key);
    if (wanted->has_master_key)
        memcpy(wanted->master_key, key, length);
    OPENSSL_clear_free(key, length);
    return wanted->has_master_key ? AMT_SUCCESS : AMT_INVALID_PARAMETER;
}

static enum amt_status read_kerberos(const struct device *device, const xmlNode *options,
                                     struct kerberos_settings *wanted)
{
    uint32_t encryption = 0;
    enum amt_status status = read_principals(options, wanted);

    wanted->enabled = true;
    wanted->realm = value_text(options, "KerberosRealmName");
    value_number(options, "KerberosKeyVersion", &wanted->key_version);
    value_number(options, "KerberosMaximumClockTolerance", &wanted->tolerance_min);
    if (!status)
        status = read_master_key(options, wanted);
    if (status)
        return status;
    if (!word_number(options, "KerberosEncryption", encryption_words, &encryption) ||
        !wanted->tolerance_min || wanted->tolerance_min > TOLERANCE_HIGHEST_MIN)
        return AMT_INVALID_PARAMETER;
    if (!*wanted->realm || strlen(wanted->realm) > REALM_NAME_LONGEST)
        return AMT_INVALID_DOMAIN_NAME;
    return device->clock_set ? AMT_SUCCESS : AMT_DATA_MISSING; /* tickets are judged by the clock */
}

/* Without options: off. */
static uint32_t set_kerberos(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *options = value_node(input, "KerberosOptions");
    struct kerberos_settings wanted = { 0 };
    enum amt_status status = options ? read_kerberos(call->device, options, &wanted) : AMT_SUCCESS;

    (void)out;
    if (status) {
        kerberos_release(&wanted);
        return (uint32_t)status;
    }
    kerberos_release(&call->device->kerberos);
    if (options)
        call->device->kerberos = wanted;
    return AMT_SUCCESS;
}

static uint32_t get_kerberos(struct call *call, const xmlNode *input, struct text *out)
{
    const struct kerberos_settings *kerberos = &call->device->kerberos;
    static const unsigned char zeros[sizeof(kerberos->master_key)];

    (void)input;
    if (!kerberos->enabled)
        return AMT_NOT_FOUND;
    text_append(out, "<g:KerberosOptions>");
    write_text(out, "KerberosRealmName", kerberos->realm);
    for (unsigned i = 0; i < kerberos->spns; i++) {
        text_append(out, "<g:KerberosSpn>");
        write_text(out, "SpnProtocolIndex", protocol_words[kerberos->protocol[i]]);
        write_text(out, "SpnString", kerberos->spn[i]);
        text_append(out, "</g:KerberosSpn>");
    }
    write_number(out, "KerberosKeyVersion", kerberos->key_version);
    write_text(out, "KerberosEncryption", encryption_words[0]);
    write_bytes(out, "KerberosMasterKey", zeros, sizeof(zeros));
    write_number(out, "KerberosMaximumClockTolerance", kerberos->tolerance_min);
    text_append(out, "</g:KerberosOptions>");
    return AMT_SUCCESS;
}

/* ---- power ---- */

static void write_package(struct text *out, const struct device *device, uint32_t scheme)
{
    write_text(out, "PolicyGUID", power_scheme_guid(device, scheme));
}

static uint32_t enumerate_packages(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    for (uint32_t i = 0; i < power_schemes(call->device); i++)
        write_package(out, call->device, i);
    return AMT_SUCCESS;
}

/* power_schemes(): none of that GUID. */
static uint32_t named_package(const struct device *device, const xmlNode *input)
{
    AUTO(free_text) char *guid = value_text(input, "PolicyGUID");
    uint32_t scheme = 0;

    while (scheme < power_schemes(device) && strcmp(power_scheme_guid(device, scheme), guid))
        scheme++;
    return scheme;
}

static uint32_t get_package(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t scheme = named_package(call->device, input);

    if (scheme == power_schemes(call->device))
        return AMT_NOT_FOUND;
    write_text(out, "PolicyDescriptor", power_scheme_description(call->device, scheme));
    return AMT_SUCCESS;
}

static uint32_t get_active_package(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_package(out, call->device, call->device->power_scheme);
    return AMT_SUCCESS;
}

static uint32_t set_active_package(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t scheme = named_package(call->device, input);

    (void)out;
    if (scheme == power_schemes(call->device))
        return AMT_NOT_FOUND;
    call->device->power_scheme = scheme;
    return AMT_SUCCESS;
}

static uint32_t set_power_policy(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t minutes = 0;

    (void)out;
    value_number(value_node(input, "GlobalPowerPolicy"), "IdleWakeTimeout", &minutes);
    if (!minutes || minutes > IDLE_HIGHEST_MIN)
        return AMT_INVALID_PARAMETER;
    call->device->general.idle_wake_min = minutes;
    return AMT_SUCCESS;
}

static uint32_t get_power_policy(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    text_append(out, "<g:GlobalPowerPolicy>");
    write_number(out, "IdleWakeTimeout", call->device->general.idle_wake_min);
    text_append(out, "</g:GlobalPowerPolicy>");
    return AMT_SUCCESS;
}

/* ---- environment ---- */

static uint32_t set_environment(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *parameters = value_node(input, "Params");
    const xmlNode *domains = value_node(parameters, "LocalDomains");
    struct device *device = call->device;
    unsigned count = 0;

    (void)out;
    for (const xmlNode *node = node_first(domains); node; node = node_next(node))
        count++;
    if (count > DOMAINS_MAX)
        return AMT_INVALID_PARAMETER;
    for (unsigned i = 0; i < DOMAINS_MAX; i++)
        free_text(&device->environment_domains[i]);
    count = 0;
    for (const xmlNode *node = node_first(domains); node; node = node_next(node))
        device->environment_domains[count++] = node_text(node);
    device->has_environment_policy =
        value_number(parameters, "ExternalCircuitBreakerPolicy", &device->environment_policy);
    return AMT_SUCCESS;
}

static uint32_t get_environment(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;

    (void)input;
    text_append(out, "<g:Params><g:LocalDomains>");
    for (unsigned i = 0; i < DOMAINS_MAX && device->environment_domains[i]; i++)
        write_text(out, "values", device->environment_domains[i]);
    text_append(out, "</g:LocalDomains>");
    if (device->has_environment_policy)
        write_number(out, "ExternalCircuitBreakerPolicy", device->environment_policy);
    text_append(out, "</g:Params>");
    return AMT_SUCCESS;
}

static uint32_t set_vpn(struct call *call, const xmlNode *input, struct text *out)
{
    (void)out;
    value_flag(input, "Enable", &call->device->vpn_routing);
    return AMT_SUCCESS;
}

/* ---- tables ---- */

static const struct member interface_members[] = { { "EnabledInterfaces", TYPE_TEXT, LIST, NULL }, { 0 } };
static const struct member principal[] = { { "SpnProtocolIndex", TYPE_TEXT, REQUIRED, NULL },
                                           { "SpnString", TYPE_TEXT, REQUIRED, NULL },
                                           { 0 } };
static const struct member options[] = { { "KerberosRealmName", TYPE_TEXT, REQUIRED, NULL },
                                         { "KerberosSpn", TYPE_TEXT, REQUIRED | LIST, principal },
                                         { "KerberosKeyVersion", TYPE_NUMBER, REQUIRED, NULL },
                                         { "KerberosEncryption", TYPE_TEXT, REQUIRED, NULL },
                                         { "KerberosMasterKey", TYPE_BASE64, REQUIRED, NULL },
                                         { "KerberosMaximumClockTolerance", TYPE_NUMBER, REQUIRED, NULL },
                                         { 0 } };
static const struct member kerberos_members[] = { { "KerberosOptions", TYPE_TEXT, 0, options }, { 0 } };
static const struct member package_members[] = { { "PolicyGUID", TYPE_BASE64, REQUIRED, NULL }, { 0 } };
static const struct member policy[] = { { "IdleWakeTimeout", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member policy_members[] = { { "GlobalPowerPolicy", TYPE_TEXT, REQUIRED, policy }, { 0 } };
static const struct member domains[] = { { "values", TYPE_TEXT, LIST, NULL }, { 0 } };
static const struct member environment[] = { { "LocalDomains", TYPE_TEXT, REQUIRED, domains },
                                             { "ExternalCircuitBreakerPolicy", TYPE_NUMBER, 0, NULL },
                                             { 0 } };
static const struct member environment_members[] = { { "Params", TYPE_TEXT, REQUIRED, environment }, { 0 } };
static const struct member vpn_members[] = { { "Enable", TYPE_FLAG, REQUIRED, NULL }, { 0 } };

const struct service_call interface_calls[] = {
    { .name = "SetEnabledInterfaces", .run = set_interfaces, .members = interface_members },
    { .name = "GetEnabledInterfaces", .run = service_interfaces, .reads_only = true },
    { .name = "SetKerberosOptions", .run = set_kerberos, .members = kerberos_members },
    { .name = "GetKerberosOptions", .run = get_kerberos, .reads_only = true },
    { .name = "EnumeratePowerPackages", .run = enumerate_packages, .reads_only = true },
    { .name = "GetPowerPackage", .run = get_package, .members = package_members, .reads_only = true },
    { .name = "GetActivePowerPackage", .run = get_active_package, .reads_only = true },
    { .name = "SetActivePowerPackage", .run = set_active_package, .members = package_members },
    { .name = "SetGlobalPowerPolicy", .run = set_power_policy, .members = policy_members },
    { .name = "GetGlobalPowerPolicy", .run = get_power_policy, .reads_only = true },
    { .name = "SetEnvironmentDetection", .run = set_environment, .members = environment_members },
    { .name = "GetEnvironmentDetection", .run = get_environment, .reads_only = true },
    { .name = "EnableVpnRouting", .run = set_vpn, .members = vpn_members },
    { 0 },
};
