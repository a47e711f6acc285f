/*
 * service_network.c - names and addresses: NetworkAdministration.
 */
#include "service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOST_NAME_LONGEST = 63, /* limits before 6.0 are not published [inferred] */
    DOMAIN_LONGEST = 191,
    WIRED = 0, /* interface handle */
    DHCP_OFF = 1,
    DHCP_ON = 2,
    VLAN_HIGHEST = 4095,
    PXE_HIGHEST_S = 86400,
    PXE_DEFAULT_S = 120,
};

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* ---- names ---- */

static bool name_valid(const char *name, const char *characters, size_t longest)
{
    return strlen(name) <= longest && strspn(name, characters) == strlen(name);
}

static uint32_t set_host_name(struct call *call, const xmlNode *input, struct text *out)
{
    AUTO(free_text) char *name = value_text(input, "HostName");

    (void)out;
    if (!name_valid(name, NAME_CHARACTERS, HOST_NAME_LONGEST))
        return AMT_INVALID_NAME;
    replace_text(&call->device->general.host, name);
    return AMT_SUCCESS;
}

uint32_t service_host_name(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_text(out, "HostName", call->device->general.host);
    return AMT_SUCCESS;
}

static uint32_t set_domain_name(struct call *call, const xmlNode *input, struct text *out)
{
    AUTO(free_text) char *name = value_text(input, "DomainName");

    (void)out;
    if (!name_valid(name, NAME_CHARACTERS ".", DOMAIN_LONGEST))
        return AMT_INVALID_DOMAIN_NAME;
    replace_text(&call->device->general.domain, name);
    return AMT_SUCCESS;
}

static uint32_t get_domain_name(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_text(out, "DomainName", call->device->general.domain);
    return AMT_SUCCESS;
}

/* ---- addresses ---- */

struct addresses {
    uint32_t address, mask, gateway, dns1, dns2; /* a.b.c.d as a * 2^24 + ... */
};

static void read_addresses(const xmlNode *parent, struct addresses *addresses)
{
    *addresses = (struct addresses){ 0 };
    value_number(parent, "LocalAddress", &addresses->address);
    value_number(parent, "SubnetMask", &addresses->mask);
    value_number(parent, "DefaultGatewayAddress", &addresses->gateway);
    value_number(parent, "PrimaryDnsAddress", &addresses->dns1);
    value_number(parent, "SecondaryDnsAddress", &addresses->dns2);
}

static bool unicast(uint32_t address)
{
    return address && address >> 28 < 14;
}

static enum amt_status check_addresses(const struct addresses *addresses)
{
    if (!unicast(addresses->address) || (addresses->gateway && !unicast(addresses->gateway)) ||
        (addresses->dns1 && !unicast(addresses->dns1)) || (addresses->dns2 && !unicast(addresses->dns2)))
        return AMT_INVALID_IP_ADDRESS;
    /* Ones, contiguous from the top: the rest plus one is a power of two. */
    if (!addresses->mask || (~addresses->mask & (~addresses->mask + 1)))
        return AMT_INVALID_NETMASK;
    return AMT_SUCCESS;
}

static void store_address(char **place, uint32_t address)
{
    struct in_addr network = { .s_addr = htonl(address) };
    char text[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &network, text, sizeof(text));
    replace_text(place, address ? text : NULL);
}

static void store_addresses(struct ethernet_settings *ethernet, const struct addresses *addresses)
{
    static const struct addresses none;

    ethernet->dhcp = ethernet->ip_sync = !addresses;
    ethernet->shared_static = false;
    if (!addresses)
        addresses = &none;
    store_address(&ethernet->address, addresses->address);
    store_address(&ethernet->mask, addresses->mask);
    store_address(&ethernet->gateway, addresses->gateway);
    store_address(&ethernet->dns1, addresses->dns1);
    store_address(&ethernet->dns2, addresses->dns2);
}

static void write_address(struct text *out, const char *name, const char *address)
{
    struct in_addr network = { 0 };

    if (address)
        inet_pton(AF_INET, address, &network);
    write_number(out, name, ntohl(network.s_addr));
}

static void write_addresses(struct text *out, const char *name, const struct device *device)
{
    const struct ethernet_settings *ethernet = &device->ethernet;

    text_format(out, "<g:%s>", name);
    write_address(out, "LocalAddress", ethernet->dhcp ? device->address_text : ethernet->address);
    write_address(out, "SubnetMask", ethernet->dhcp ? "255.0.0.0" : ethernet->mask);
    write_address(out, "DefaultGatewayAddress", ethernet->gateway);
    write_address(out, "PrimaryDnsAddress", ethernet->dns1);
    write_address(out, "SecondaryDnsAddress", ethernet->dns2);
    text_format(out, "</g:%s>", name);
}

static uint32_t set_tcp_ip(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *block = value_node(input, "StaticIPv4Parameters");
    struct addresses addresses;
    uint32_t mode = 0;
    enum amt_status status;

    (void)out;
    value_number(input, "DhcpMode", &mode);
    if (mode == DHCP_ON) {
        store_addresses(&call->device->ethernet, NULL);
        return AMT_SUCCESS;
    }
    if (mode != DHCP_OFF)
        return AMT_INVALID_DHCP_MODE;
    if (!block)
        return AMT_INVALID_PARAMETER;
    read_addresses(block, &addresses);
    status = check_addresses(&addresses);
    if (!status)
        store_addresses(&call->device->ethernet, &addresses);
    return (uint32_t)status;
}

static uint32_t get_tcp_ip(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_number(out, "DhcpMode", call->device->ethernet.dhcp ? DHCP_ON : DHCP_OFF);
    write_addresses(out, "StaticIPv4Parameters", call->device);
    return AMT_SUCCESS;
}

/* ---- interfaces ---- */

/* Desktops of that time have the wired one alone. */
static bool interface_named(const xmlNode *input)
{
    uint32_t handle = WIRED;

    value_number(input, "InterfaceHandle", &handle);
    return handle == WIRED;
}

static uint32_t enumerate_interfaces(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    write_number(out, "InterfaceHandles", WIRED);
    return AMT_SUCCESS;
}

static const char *const interface_modes[] = { "SEPARATE_MAC_ADDRESS", "SHARED_MAC_ADDRESS", NULL };
enum { MODE_SEPARATE, MODE_SHARED };

static uint32_t get_interface(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;
    const unsigned char *tail = device->uuid + UUID_LENGTH - 4;
    char mac[24];
    uint32_t policy = 0;

    if (!interface_named(input))
        return AMT_INVALID_HANDLE;
    for (unsigned i = 0; i < device->ethernet.link_policies; i++)
        policy |= device->ethernet.link_policy[i];
    snprintf(mac, sizeof(mac), "02-00-%02X-%02X-%02X-%02X", tail[0], tail[1], tail[2], tail[3]);
    text_append(out, "<g:InterfaceDescriptor>");
    write_text(out, "HardwareAddressDescription", "Wired0");
    write_text(out, "MACAddress", mac);
    write_text(out, "InterfaceMode", interface_modes[device->ethernet.dhcp ? MODE_SHARED : MODE_SEPARATE]);
    write_number(out, "LinkPolicy", policy);
    write_flag(out, "DhcpEnabled", device->ethernet.dhcp);
    write_addresses(out, "IPv4Parameters", device);
    text_append(out, "</g:InterfaceDescriptor>");
    return AMT_SUCCESS;
}

/* Its bits as the list that WS-Management shows: on AC in S0 and Sx, on DC in S0 and Sx. */
static void store_policy(struct ethernet_settings *ethernet, uint32_t policy)
{
    static const unsigned char parts[] = { 0x01, 0x0E, 0x10, 0xE0 };

    ethernet->link_policies = 0;
    for (size_t i = 0; i < LENGTH(parts); i++)
        if (policy & parts[i])
            ethernet->link_policy[ethernet->link_policies++] = (unsigned char)(policy & parts[i]);
}

static uint32_t set_interface(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *descriptor = value_node(input, "InterfaceDescriptor");
    const xmlNode *block = value_node(descriptor, "IPv4Parameters");
    struct ethernet_settings *ethernet = &call->device->ethernet;
    struct addresses addresses;
    uint32_t mode = 0, policy = 0;
    enum amt_status status;

    (void)out;
    if (!interface_named(input))
        return AMT_INVALID_HANDLE;
    value_number(descriptor, "LinkPolicy", &policy);
    if (!word_number(descriptor, "InterfaceMode", interface_modes, &mode) ||
        (mode == MODE_SEPARATE) != (block != NULL))
        return AMT_INVALID_PARAMETER;
    if (block) {
        read_addresses(block, &addresses);
        status = check_addresses(&addresses);
        if (status)
            return (uint32_t)status;
    }
    store_addresses(ethernet, block ? &addresses : NULL);
    store_policy(ethernet, policy);
    return AMT_SUCCESS;
}

static uint32_t set_vlan(struct call *call, const xmlNode *input, struct text *out)
{
    bool enabled = false;
    uint32_t tag = 0;

    (void)out;
    value_flag(input, "VlanMode", &enabled);
    value_number(input, "VlanTag", &tag);
    if (!interface_named(input))
        return AMT_INVALID_HANDLE;
    if (enabled ? !tag || tag > VLAN_HIGHEST : tag != 0)
        return AMT_INVALID_PARAMETER;
    call->device->ethernet.vlan = (uint16_t)tag;
    return AMT_SUCCESS;
}

uint32_t service_vlan(struct call *call, const xmlNode *input, struct text *out)
{
    if (!interface_named(input))
        return AMT_INVALID_HANDLE;
    write_flag(out, "VlanMode", call->device->ethernet.vlan != 0);
    write_number(out, "VlanTag", call->device->ethernet.vlan);
    return AMT_SUCCESS;
}

static uint32_t set_ping(struct call *call, const xmlNode *input, struct text *out)
{
    (void)out;
    value_flag(input, "enabled", &call->device->general.ping);
    return AMT_SUCCESS;
}

static uint32_t get_ping(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_flag(out, "enabled", call->device->general.ping);
    return AMT_SUCCESS;
}

/* ---- 802.1X, apart from the profile, which the second stage writes over WS-Management ---- */

static uint32_t set_active_in_s0(struct call *call, const xmlNode *input, struct text *out)
{
    (void)out;
    value_flag(input, "Enabled", &call->device->wired_in_s0);
    return AMT_SUCCESS;
}

static uint32_t get_active_in_s0(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_flag(out, "Enabled", call->device->wired_in_s0);
    return AMT_SUCCESS;
}

static uint32_t set_pxe_timeout(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t seconds = PXE_DEFAULT_S;

    (void)out;
    value_number(input, "Timeout", &seconds);
    if (seconds > PXE_HIGHEST_S)
        return AMT_INVALID_PARAMETER;
    call->device->wired_pxe_timeout_s = seconds;
    return AMT_SUCCESS;
}

static uint32_t get_pxe_timeout(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_number(out, "Timeout", call->device->wired_pxe_timeout_s);
    return AMT_SUCCESS;
}

/* ---- tables ---- */

static const struct member host_members[] = { { "HostName", TYPE_TEXT, REQUIRED, NULL }, { 0 } };
static const struct member domain_members[] = { { "DomainName", TYPE_TEXT, REQUIRED, NULL }, { 0 } };
static const struct member static_members[] = { { "LocalAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                { "SubnetMask", TYPE_NUMBER, REQUIRED, NULL },
                                                { "DefaultGatewayAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                { "PrimaryDnsAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                { "SecondaryDnsAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                { "DomainName", TYPE_TEXT, 0, NULL },
                                                { 0 } };
static const struct member address_members[] = { { "LocalAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                 { "SubnetMask", TYPE_NUMBER, REQUIRED, NULL },
                                                 { "DefaultGatewayAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                 { "PrimaryDnsAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                 { "SecondaryDnsAddress", TYPE_NUMBER, REQUIRED, NULL },
                                                 { 0 } };
static const struct member tcp_ip_members[] = { { "DhcpMode", TYPE_NUMBER, REQUIRED, NULL },
                                                { "StaticIPv4Parameters", TYPE_TEXT, 0, static_members },
                                                { 0 } };
static const struct member vlan_members[] = { { "InterfaceHandle", TYPE_NUMBER, 0, NULL },
                                              { "VlanMode", TYPE_FLAG, REQUIRED, NULL },
                                              { "VlanTag", TYPE_SHORT, REQUIRED, NULL },
                                              { 0 } };
static const struct member some_interface[] = { { "InterfaceHandle", TYPE_NUMBER, 0, NULL }, { 0 } };
static const struct member one_interface[] = { { "InterfaceHandle", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member descriptor_members[] = { { "InterfaceMode", TYPE_TEXT, REQUIRED, NULL },
                                                    { "LinkPolicy", TYPE_BYTE, REQUIRED, NULL },
                                                    { "IPv4Parameters", TYPE_TEXT, 0, address_members },
                                                    { 0 } };
static const struct member interface_members[] = {
    { "InterfaceHandle", TYPE_NUMBER, REQUIRED, NULL },
    { "InterfaceDescriptor", TYPE_TEXT, REQUIRED, descriptor_members },
    { 0 },
};
static const struct member ping_members[] = { { "enabled", TYPE_FLAG, REQUIRED, NULL }, { 0 } };
static const struct member enabled_members[] = { { "Enabled", TYPE_FLAG, REQUIRED, NULL }, { 0 } };
static const struct member timeout_members[] = { { "Timeout", TYPE_NUMBER, 0, NULL }, { 0 } };

const struct service_call network_calls[] = {
    { .name = "SetHostName", .run = set_host_name, .members = host_members },
    { .name = "GetHostName", .run = service_host_name, .reads_only = true },
    { .name = "SetDomainName", .run = set_domain_name, .members = domain_members },
    { .name = "GetDomainName", .run = get_domain_name, .reads_only = true },
    { .name = "SetTcpIpParameters", .run = set_tcp_ip, .members = tcp_ip_members },
    { .name = "GetTcpIpParameters", .run = get_tcp_ip, .reads_only = true },
    { .name = "SetVlanParameters", .run = set_vlan, .members = vlan_members },
    { .name = "GetVlanParameters", .run = service_vlan, .members = some_interface, .reads_only = true },
    { .name = "SetPingResponse", .run = set_ping, .members = ping_members },
    { .name = "GetPingResponse", .run = get_ping, .reads_only = true },
    { .name = "EnumerateInterfaces", .run = enumerate_interfaces, .reads_only = true },
    { .name = "GetInterfaceSettings", .run = get_interface, .members = one_interface, .reads_only = true },
    { .name = "SetInterfaceSettings", .run = set_interface, .members = interface_members },
    { .name = "Set8021XActiveS0", .run = set_active_in_s0, .members = enabled_members },
    { .name = "Get8021XActiveS0", .run = get_active_in_s0, .reads_only = true },
    { .name = "Set8021XPxeTimeout", .run = set_pxe_timeout, .members = timeout_members },
    { .name = "Get8021XPxeTimeout", .run = get_pxe_timeout, .reads_only = true },
    { 0 },
};
