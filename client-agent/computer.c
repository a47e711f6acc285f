#include "computer.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the system ---- */

static bool read_uuid_file(const char *path, struct uuid *uuid)
{
    char line[64] = "";
    FILE *file = fopen(path, "re");
    bool read;

    if (!file)
        return false;
    read = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    return read && uuid_parse(line, uuid);
}

static char *canonical_name(const char *name)
{
    const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char *canonical = NULL;

    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return NULL;
    if (found->ai_canonname && strchr(found->ai_canonname, '.'))
        canonical = text_copy(found->ai_canonname);
    freeaddrinfo(found);
    return canonical;
}

static char *system_name(void)
{
    char name[256] = "";

    if (gethostname(name, sizeof(name) - 1) != 0 || !*name)
        return NULL;
    return strchr(name, '.') ? text_copy(name) : canonical_name(name);
}

/* ---- the wired address ---- */

static bool has_mac(const struct ifaddrs *interface, const uint8_t mac[6])
{
    const struct sockaddr_ll *link = (const struct sockaddr_ll *)interface->ifa_addr;

    return link && link->sll_family == AF_PACKET && link->sll_halen == 6 &&
           memcmp(link->sll_addr, mac, 6) == 0;
}

static const char *name_of_interface(const struct ifaddrs *interfaces, const uint8_t mac[6])
{
    for (const struct ifaddrs *each = interfaces; each; each = each->ifa_next) {
        if (has_mac(each, mac))
            return each->ifa_name;
    }
    return NULL;
}

static unsigned mask_bits(const struct sockaddr *mask)
{
    return mask ? (unsigned)__builtin_popcount(((const struct sockaddr_in *)mask)->sin_addr.s_addr) : 0;
}

/* The interface of the system that shares its address with firmware, for the subnet and, where firmware names
 * no address, for that too. */
static void find_shared_interface(const uint8_t mac[6], struct wired_address *wired)
{
    char address[INET_ADDRSTRLEN];
    struct ifaddrs *interfaces = NULL;
    const char *name;

    if (getifaddrs(&interfaces) != 0)
        return;
    name = name_of_interface(interfaces, mac);
    for (const struct ifaddrs *each = interfaces; name && each; each = each->ifa_next) {
        if (!each->ifa_addr || each->ifa_addr->sa_family != AF_INET || strcmp(each->ifa_name, name) != 0)
            continue;
        inet_ntop(AF_INET, &((const struct sockaddr_in *)each->ifa_addr)->sin_addr, address, sizeof(address));
        if (wired->address && strcmp(wired->address, address) != 0)
            continue;
        text_set(&wired->address, address);
        wired->prefix_bits = mask_bits(each->ifa_netmask);
        break;
    }
    freeifaddrs(interfaces);
}

static void find_wired_address(struct computer *computer)
{
    const struct host_lan *lan = &computer->facts.wired;
    struct in_addr address = { .s_addr = htonl(lan->address) };
    char text[INET_ADDRSTRLEN];

    if (!computer->facts.has_wired || !lan->link_up)
        return;
    if (lan->address)
        computer->wired.address = text_copy(inet_ntop(AF_INET, &address, text, sizeof(text)));
    find_shared_interface(lan->mac, &computer->wired);
}

/* ---- the firmware ---- */

struct firmware_settings computer_firmware_settings(const struct config *config, const char *device)
{
    return (struct firmware_settings){ .device = device,
                                       .timeout_ms = (unsigned)config->device_timeout_s * 1000,
                                       .ready_ms = (unsigned)config->device_ready_s * 1000 };
}

/* An engine without AMT says more than a device that is not there. */
static bool no_amt_in(const struct error *why)
{
    return why->reason == REASON_NO_AMT || why->reason == REASON_NO_HOST_INTERFACE;
}

static bool find_amt(struct computer *computer, const struct config *config, struct firmware **firmware)
{
    const struct config_list *paths = &config->device_paths;
    struct error last = { 0 };

    for (size_t i = 0; i < paths->count; i++) {
        const struct firmware_settings settings = computer_firmware_settings(config, paths->items[i]);

        if (firmware_open(firmware, &settings, &last)) {
            computer->device = paths->items[i];
            return true;
        }
        if (i == 0 || last.reason != REASON_NO_HOST_INTERFACE)
            computer->why_not = last;
        if (!no_amt_in(&last))
            return false;
    }
    return false;
}

/* No AMT there: perhaps it is only switched off, which the engine's watchdog client knows. */
static void ask_whether_switched_off(struct computer *computer, const struct config *config)
{
    for (size_t i = 0; computer->why_not.reason == REASON_NO_AMT && i < config->device_paths.count; i++) {
        const struct firmware_settings settings =
            computer_firmware_settings(config, config->device_paths.items[i]);
        struct host_switch state;
        struct error nobody = { 0 };

        if (!firmware_switch(&settings, &state, &nobody) || state.amt_on)
            continue;
        computer->device = settings.device;
        computer->amt_switched_off = state.change_allowed;
        error_because(&computer->why_not, REASON_AMT_DISABLED, "AMT is switched off; %s",
                      state.change_allowed ? "the site's policy may switch it on"
                                           : "switch it on in the firmware's menu (MEBx)");
    }
}

static void examine_firmware(struct computer *computer, const struct config *config,
                             struct firmware **firmware)
{
    AUTO(firmware_close) struct firmware *opened = NULL;

    if (!find_amt(computer, config, &opened)) {
        ask_whether_switched_off(computer, config);
        return;
    }
    computer->has_amt = firmware_read(opened, &computer->facts, &computer->why_not);
    if (computer->has_amt && firmware)
        *firmware = TAKE(opened);
}

void computer_examine(struct computer *computer, const struct config *config, struct firmware **firmware)
{
    examine_firmware(computer, config, firmware);
    if (computer->has_amt)
        computer->uuid = computer->facts.uuid;
    computer->has_uuid = computer->has_amt || read_uuid_file(config->host_uuid_file, &computer->uuid);
    find_wired_address(computer);
    computer->fqdn = *config->host_fqdn ? text_copy(config->host_fqdn) : system_name();
}

void computer_clear(struct computer *computer)
{
    text_free(&computer->fqdn);
    text_free(&computer->wired.address);
    memset(computer, 0, sizeof(*computer));
}
