/*
 * class_general.c - clock, names and addresses: AMT_TimeSynchronizationService, AMT_GeneralSettings,
 * AMT_EthernetPortSettings.
 */
#include "class.h"

#include "clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_NAME_LONGEST = 63, DOMAIN_LONGEST = 192 };

/* ---- clock ---- */

static void describe_time(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "AMT_TimeSynchronizationService", "Intel(r) AMT Time Synchronization Service");
    instance_text(instance, "ElementName", "Intel(r) AMT Time Synchronization Service");
    instance_number(instance, "EnabledState", 5);
    instance_number(instance, "RequestedState", 12);
    instance_number(instance, "LocalTimeSyncEnabled", device->local_time_sync);
    instance_number(instance, "TimeSource", device->clock_set);
}

static uint32_t get_low_accuracy(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    text_format(out, "<g:Ta0>%u</g:Ta0>", (uint32_t)device_clock(call->device));
    return AMT_SUCCESS;
}

static uint32_t set_high_accuracy(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    uint32_t ta0 = 0, tm1 = 0, tm2 = 0;
    int64_t ta1 = device_clock(device);

    (void)out;
    value_number(input, "Ta0", &ta0);
    value_number(input, "Tm1", &tm1);
    value_number(input, "Tm2", &tm2);
    if (ta0 < CLOCK_FIRST_VALID || tm1 < CLOCK_FIRST_VALID || tm2 < CLOCK_FIRST_VALID || tm2 < tm1)
        return AMT_INVALID_PARAMETER;
    device->clock_offset_s += clock_error_s(ta0, tm1, tm2, ta1);
    device->clock_set = true;
    return AMT_SUCCESS;
}

static uint32_t enable_local_time_sync(struct call *call, const xmlNode *input, struct text *out)
{
    bool enable = false;

    (void)out;
    value_flag(input, "Enable", &enable);
    call->device->local_time_sync = enable ? 1 : 2;
    return AMT_SUCCESS;
}

static const struct parameter time_parameters[] = { { "Ta0", TYPE_NUMBER, REQUIRED },
                                                    { "Tm1", TYPE_NUMBER, REQUIRED },
                                                    { "Tm2", TYPE_NUMBER, REQUIRED },
                                                    { 0 } };
static const struct parameter enable_parameter[] = { { "Enable", TYPE_FLAG, REQUIRED }, { 0 } };

static const struct method time_methods[] = {
    { .name = "GetLowAccuracyTimeSynch", .run = get_low_accuracy, .reads_only = true },
    { .name = "SetHighAccuracyTimeSynch", .run = set_high_accuracy, .parameters = time_parameters },
    { .name = "EnableLocalTimeSync", .run = enable_local_time_sync, .parameters = enable_parameter },
    { 0 },
};

/* ---- general settings ---- */

static const char general_id[] = "Intel(r) AMT: General Settings";

static const char *const since_6[] = { "DDNSPeriodicUpdateInterval",    "DDNSTTL",
                                       "DDNSUpdateByDHCPServerEnabled", "DDNSUpdateEnabled",
                                       "DHCPv6ConfigurationTimeout",    "HostOSFQDN",
                                       "PreferredAddressFamily",        "SharedFQDN" };

static void describe_since_6(const struct general_settings *general, struct instance *instance)
{
    instance_number(instance, "DDNSPeriodicUpdateInterval", general->ddns_interval_min);
    instance_number(instance, "DDNSTTL", general->ddns_ttl_s);
    instance_flag(instance, "DDNSUpdateByDHCPServerEnabled", general->ddns_by_dhcp);
    instance_flag(instance, "DDNSUpdateEnabled", general->ddns);
    instance_number(instance, "DHCPv6ConfigurationTimeout", general->dhcpv6_timeout_s);
    instance_text(instance, "HostOSFQDN", general->host_os_fqdn);
    instance_number(instance, "PreferredAddressFamily", general->preferred_family);
    instance_flag(instance, "SharedFQDN", general->shared_fqdn);
}

/* Whether the class of that release has all properties of the body. */
static bool properties_known(const struct generation *generation, const xmlNode *body)
{
    for (size_t i = 0; !generation->dynamic_dns && i < LENGTH(since_6); i++)
        if (value_node(body, since_6[i]))
            return false;
    return generation->rmcp_ping || !value_node(body, "RmcpPingResponseEnabled");
}

static void describe_general(struct device *device, unsigned index, struct instance *instance)
{
    const struct general_settings *general = &device->general;
    const struct generation *generation = device->generation;

    (void)index;
    instance_text(instance, "InstanceID", general_id);
    instance_text(instance, "ElementName", general_id);
    instance_number(instance, "AMTNetworkEnabled", general->network_enabled);
    if (generation->dynamic_dns)
        describe_since_6(general, instance);
    if (generation->recent_properties)
        instance_number(instance, "DHCPSyncRequiresHostname", general->dhcp_sync_host_name);
    instance_text(instance, "DigestRealm", device->realm);
    instance_text(instance, "DomainName", general->domain);
    instance_text(instance, "HostName", general->host);
    instance_number(instance, "IdleWakeTimeout", general->idle_wake_min);
    instance_flag(instance, "NetworkInterfaceEnabled", general->interface_enabled);
    instance_flag(instance, "PingResponseEnabled", general->ping);
    instance_number(instance, "PowerSource", 0);
    instance_number(instance, "PresenceNotificationInterval", general->presence_interval_min);
    instance_number(instance, "PrivacyLevel", 0);
    if (generation->rmcp_ping)
        instance_flag(instance, "RmcpPingResponseEnabled", general->rmcp_ping);
    if (generation->major >= 15)
        instance_number(instance, "ThunderboltDockEnabled", general->thunderbolt_dock);
    instance_flag(instance, "WsmanOnlyMode", !generation->eoi || general->wsman_only);
}

/* A host name is labels of letters, digits and hyphens; an underscore is tolerated. */
static bool name_valid(const char *name, size_t longest)
{
    return strlen(name) <= longest &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == strlen(name);
}

/* Read-only properties may come back as they were read, not changed. */
static bool text_unchanged(const xmlNode *body, const char *name, const char *value)
{
    char *text = value_text(body, name);
    bool unchanged = !text || !strcmp(text, value);

    free(text);
    return unchanged;
}

static bool number_unchanged(const xmlNode *body, const char *name, uint32_t value)
{
    uint32_t number;

    return !value_number(body, name, &number) || number == value;
}

static bool general_valid(const struct device *device, const xmlNode *body, const char *host,
                          const char *domain)
{
    uint32_t number;

    if (value_number(body, "DDNSPeriodicUpdateInterval", &number) && number && number < 20)
        return false;
    if (value_number(body, "PresenceNotificationInterval", &number) && number && number < 15)
        return false;
    if (value_number(body, "AMTNetworkEnabled", &number) && number > 1)
        return false;
    if (value_number(body, "PreferredAddressFamily", &number) && number > 1)
        return false;
    return text_unchanged(body, "DigestRealm", device->realm) &&
           text_unchanged(body, "InstanceID", general_id) && number_unchanged(body, "PowerSource", 0) &&
           number_unchanged(body, "PrivacyLevel", 0) && (!host || name_valid(host, HOST_NAME_LONGEST)) &&
           (!domain || name_valid(domain, DOMAIN_LONGEST));
}

static void put_general(struct call *call, unsigned index, const xmlNode *body)
{
    struct general_settings *general = &call->device->general;
    char *host = value_text(body, "HostName"), *domain = value_text(body, "DomainName");
    char *host_os = value_text(body, "HostOSFQDN");

    (void)index;
    if (!properties_known(call->device->generation, body)) {
        refuse_with(call, FAULT_SCHEMA_VALIDATION);
    } else if (!general_valid(call->device, body, host, domain)) {
        refuse(call, AMT_INVALID_PARAMETER);
    } else {
        /* A name that is left out has no value from now on. */
        replace_text(&general->host, host ? host : "");
        replace_text(&general->domain, domain ? domain : "");
        replace_text(&general->host_os_fqdn, host_os ? host_os : "");
        value_number(body, "AMTNetworkEnabled", &general->network_enabled);
        value_number(body, "DDNSPeriodicUpdateInterval", &general->ddns_interval_min);
        value_number(body, "DDNSTTL", &general->ddns_ttl_s);
        value_number(body, "DHCPSyncRequiresHostname", &general->dhcp_sync_host_name);
        value_number(body, "DHCPv6ConfigurationTimeout", &general->dhcpv6_timeout_s);
        value_number(body, "IdleWakeTimeout", &general->idle_wake_min);
        value_number(body, "PreferredAddressFamily", &general->preferred_family);
        value_number(body, "PresenceNotificationInterval", &general->presence_interval_min);
        value_number(body, "ThunderboltDockEnabled", &general->thunderbolt_dock);
        value_flag(body, "DDNSUpdateByDHCPServerEnabled", &general->ddns_by_dhcp);
        value_flag(body, "DDNSUpdateEnabled", &general->ddns);
        value_flag(body, "NetworkInterfaceEnabled", &general->interface_enabled);
        value_flag(body, "PingResponseEnabled", &general->ping);
        value_flag(body, "RmcpPingResponseEnabled", &general->rmcp_ping);
        value_flag(body, "SharedFQDN", &general->shared_fqdn);
        if (call->device->generation->eoi)
            value_flag(body, "WsmanOnlyMode", &general->wsman_only);
        if (!general->network_enabled)
            call->after = AFTER_CLOSE;
    }
    free(host);
    free(domain);
    free(host_os);
}

static const struct parameter general_properties[] = {
    { "AMTNetworkEnabled", TYPE_NUMBER, 0 },
    { "DDNSPeriodicUpdateInterval", TYPE_NUMBER, 0 },
    { "DDNSTTL", TYPE_NUMBER, 0 },
    { "DDNSUpdateByDHCPServerEnabled", TYPE_FLAG, 0 },
    { "DDNSUpdateEnabled", TYPE_FLAG, 0 },
    { "DHCPSyncRequiresHostname", TYPE_NUMBER, 0 },
    { "DHCPv6ConfigurationTimeout", TYPE_SHORT, 0 },
    { "DigestRealm", TYPE_TEXT, 0 },
    { "DomainName", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "HostName", TYPE_TEXT, 0 },
    { "HostOSFQDN", TYPE_TEXT, 0 },
    { "IdleWakeTimeout", TYPE_NUMBER, 0 },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "NetworkInterfaceEnabled", TYPE_FLAG, 0 },
    { "OemID", TYPE_SHORT, 0 },
    { "PingResponseEnabled", TYPE_FLAG, 0 },
    { "PowerSource", TYPE_NUMBER, 0 },
    { "PreferredAddressFamily", TYPE_NUMBER, 0 },
    { "PresenceNotificationInterval", TYPE_NUMBER, 0 },
    { "PrivacyLevel", TYPE_NUMBER, 0 },
    { "RmcpPingResponseEnabled", TYPE_FLAG, 0 },
    { "SharedFQDN", TYPE_FLAG, 0 },
    { "ThunderboltDockEnabled", TYPE_NUMBER, 0 },
    { "WsmanOnlyMode", TYPE_FLAG, 0 },
    { 0 },
};

/* ---- ethernet ---- */

/* Recent firmware lists the wireless port even where there is none, with a MAC address of zeros. */
static unsigned ethernet_count(const struct device *device)
{
    return device_has_wifi(device) || device->generation->recent_properties ? 2 : 1;
}

static void describe_mac(const struct device *device, unsigned index, struct instance *instance)
{
    unsigned char bytes[MAC_LENGTH];
    char mac[24];

    device_mac(device, index, bytes);
    snprintf(mac, sizeof(mac), "%02x-%02x-%02x-%02x-%02x-%02x", bytes[0], bytes[1], bytes[2], bytes[3],
             bytes[4], bytes[5]);
    instance_text(instance, "MACAddress", mac);
}

static void describe_ethernet(struct device *device, unsigned index, struct instance *instance)
{
    const struct ethernet_settings *ethernet = &device->ethernet;

    instance_text(instance, "ElementName", "Intel(r) AMT Ethernet Port Settings");
    instance_text(instance, "InstanceID",
                  index ? "Intel(r) AMT Ethernet Port Settings 1" : "Intel(r) AMT Ethernet Port Settings 0");
    describe_mac(device, index, instance);
    instance_flag(instance, "SharedMAC", true);
    instance_flag(instance, "LinkIsUp", !index && !device->link_down);
    if (device->generation->recent_properties)
        instance_number(instance, "PhysicalConnectionType", index ? 3 : 0);
    if (index) {
        instance_flag(instance, "DHCPEnabled", true);
        instance_number(instance, "ConsoleTcpMaxRetransmissions", 5);
        instance_number(instance, "LinkControl", 2);
        instance_number(instance, "LinkPreference", 2);
        instance_number(instance, "WLANLinkProtectionLevel", 1);
        return;
    }
    instance_flag(instance, "DHCPEnabled", ethernet->dhcp);
    instance_flag(instance, "IpSyncEnabled", ethernet->ip_sync);
    instance_flag(instance, "SharedStaticIp", ethernet->shared_static);
    instance_flag(instance, "SharedDynamicIP", true);
    for (unsigned i = 0; i < ethernet->link_policies; i++)
        instance_number(instance, "LinkPolicy", ethernet->link_policy[i]);
    instance_text(instance, "IPAddress", ethernet->dhcp ? device->address_text : ethernet->address);
    instance_text(instance, "SubnetMask", ethernet->dhcp ? "255.0.0.0" : ethernet->mask);
    instance_text(instance, "DefaultGateway", ethernet->gateway);
    instance_text(instance, "PrimaryDNS", ethernet->dns1);
    instance_text(instance, "SecondaryDNS", ethernet->dns2);
}

static bool address_valid(const char *address)
{
    struct in_addr parsed;

    return !address || inet_pton(AF_INET, address, &parsed) == 1;
}

/* Three combinations are accepted: DHCP, the host's static address, an own static address. */
static enum amt_status check_ethernet(const struct ethernet_settings *wanted)
{
    bool any = wanted->address || wanted->mask || wanted->gateway || wanted->dns1 || wanted->dns2;

    if (!address_valid(wanted->address) || !address_valid(wanted->gateway) || !address_valid(wanted->dns1) ||
        !address_valid(wanted->dns2))
        return AMT_INVALID_IP_ADDRESS;
    if (!address_valid(wanted->mask))
        return AMT_INVALID_NETMASK;
    if (wanted->dhcp)
        return !any && wanted->ip_sync && !wanted->shared_static ? AMT_SUCCESS : AMT_INVALID_PARAMETER;
    if (wanted->ip_sync || wanted->shared_static)
        return !any && wanted->ip_sync && wanted->shared_static ? AMT_SUCCESS : AMT_INVALID_PARAMETER;
    return wanted->address && wanted->mask ? AMT_SUCCESS : AMT_INVALID_PARAMETER;
}

static void put_ethernet(struct call *call, unsigned index, const xmlNode *body)
{
    struct ethernet_settings *old = &call->device->ethernet, wanted = *old;
    uint32_t policy[4] = { 0 };
    enum amt_status status;

    if (index)
        return; /* nothing of the wireless port that a test reads can be changed here */
    wanted.address = value_text(body, "IPAddress");
    wanted.mask = value_text(body, "SubnetMask");
    wanted.gateway = value_text(body, "DefaultGateway");
    wanted.dns1 = value_text(body, "PrimaryDNS");
    wanted.dns2 = value_text(body, "SecondaryDNS");
    value_flag(body, "DHCPEnabled", &wanted.dhcp);
    value_flag(body, "IpSyncEnabled", &wanted.ip_sync);
    value_flag(body, "SharedStaticIp", &wanted.shared_static);
    wanted.link_policies = value_numbers(body, "LinkPolicy", policy, LENGTH(policy));
    for (unsigned i = 0; i < LENGTH(policy); i++)
        wanted.link_policy[i] = (unsigned char)policy[i];
    status = wanted.link_policies > LENGTH(policy) ? AMT_INVALID_PARAMETER : check_ethernet(&wanted);
    if (status) {
        refuse(call, status);
        old = &wanted; /* to be released instead */
    }
    free(old->address);
    free(old->mask);
    free(old->gateway);
    free(old->dns1);
    free(old->dns2);
    if (!status)
        *old = wanted;
}

static const struct parameter ethernet_properties[] = {
    { "ConsoleTcpMaxRetransmissions", TYPE_NUMBER, 0 },
    { "DHCPEnabled", TYPE_FLAG, 0 },
    { "DefaultGateway", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "IPAddress", TYPE_TEXT, 0 },
    { "InstanceID", TYPE_TEXT, REQUIRED },
    { "IpSyncEnabled", TYPE_FLAG, 0 },
    { "LinkControl", TYPE_NUMBER, 0 },
    { "LinkIsUp", TYPE_FLAG, 0 },
    { "LinkPolicy", TYPE_BYTE, LIST },
    { "LinkPreference", TYPE_NUMBER, 0 },
    { "MACAddress", TYPE_TEXT, 0 },
    { "PhysicalConnectionType", TYPE_NUMBER, 0 },
    { "PhysicalNicMedium", TYPE_NUMBER, 0 },
    { "PrimaryDNS", TYPE_TEXT, 0 },
    { "SecondaryDNS", TYPE_TEXT, 0 },
    { "SharedDynamicIP", TYPE_FLAG, 0 },
    { "SharedMAC", TYPE_FLAG, 0 },
    { "SharedStaticIp", TYPE_FLAG, 0 },
    { "SubnetMask", TYPE_TEXT, 0 },
    { "VLANTag", TYPE_SHORT, 0 },
    { "WLANLinkProtectionLevel", TYPE_NUMBER, 0 },
    { 0 },
};

const struct class general_classes[] = {
    { .name = "AMT_TimeSynchronizationService",
      .schema = SCHEMA_AMT,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" },
      .describe = describe_time,
      .methods = time_methods,
      .read_realms = MAY(REALM_GENERAL_INFO) | MAY(REALM_NETWORK_TIME),
      .write_realms = MAY(REALM_NETWORK_TIME) },
    { .name = "AMT_GeneralSettings",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .describe = describe_general,
      .properties = general_properties,
      .put = put_general,
      .read_realms = MAY(REALM_GENERAL_INFO),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { .name = "AMT_EthernetPortSettings",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .count = ethernet_count,
      .describe = describe_ethernet,
      .properties = ethernet_properties,
      .put = put_ethernet,
      .read_realms = MAY(REALM_GENERAL_INFO),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { 0 },
};
