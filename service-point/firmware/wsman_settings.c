#include "firmware/wsman.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "firmware/wsman_call.h"

READER(general__instance)
READER(time__instance)
READER(time__out)
READER(port__instance)
READER(soft__instance)

/* ---- AMT_GeneralSettings ---- */

bool wsman_general_settings_get(struct connection *connection, struct general_settings *settings,
                                struct error *err)
{
    struct general__instance *got = wsman_get(connection, &class_general, NULL, read_general__instance, err);
    struct general_settings read = { 0 };

    if (!got)
        return false;
    if (!got->DigestRealm || !*got->DigestRealm ||
        !text_take(read.digest_realm, sizeof(read.digest_realm), got->DigestRealm))
        return wsman_malformed(&class_general, "Get", "no DigestRealm of reasonable length", err);
    if (!text_take(read.host_name, sizeof(read.host_name), got->HostName) ||
        !text_take(read.domain_name, sizeof(read.domain_name), got->DomainName))
        return wsman_malformed(&class_general, "Get", "a name is longer than 255 characters", err);
    read.network_enabled = number_of(got->AMTNetworkEnabled) != 0;
    read.ping_response = flag_of(got->PingResponseEnabled);
    read.has_rmcp_ping_response = got->RmcpPingResponseEnabled != NULL;
    read.rmcp_ping_response = flag_of(got->RmcpPingResponseEnabled);
    read.has_shared_fqdn = got->SharedFQDN != NULL;
    read.shared_fqdn = flag_of(got->SharedFQDN);
    read.idle_wake_timeout_min = number_of(got->IdleWakeTimeout);
    read.privacy_level = number_of(got->PrivacyLevel);
    *settings = read;
    return true;
}

/* Each returns whether it changed something; the new value must live as long as the instance. */
static bool text_change(char **property, const char *wanted)
{
    if (!wanted || (*property && strcmp(*property, wanted) == 0))
        return false;
    *property = (char *)wanted;
    return true;
}

/* A property that the firmware does not have is left out: a Put with it would be refused. */
static bool flag_change(enum xsd__boolean *property, enum change change)
{
    enum xsd__boolean wanted = change == CHANGE_ON ? true_ : false_;

    if (change == CHANGE_NONE || !property || *property == wanted)
        return false;
    *property = wanted;
    return true;
}

static bool number_change(unsigned *property, unsigned wanted)
{
    if (!wanted || !property || *property == wanted)
        return false;
    *property = wanted;
    return true;
}

bool wsman_general_settings_change(struct connection *connection,
                                   const struct general_settings_change *change, bool *changed,
                                   struct error *err)
{
    struct general__instance *got = wsman_get(connection, &class_general, NULL, read_general__instance, err);
    bool differs = false;

    if (!got)
        return false;
    differs |= text_change(&got->HostName, change->host_name);
    differs |= text_change(&got->DomainName, change->domain_name);
    differs |= flag_change(got->SharedFQDN, change->shared_fqdn);
    differs |= flag_change(got->PingResponseEnabled, change->ping_response);
    differs |= flag_change(got->RmcpPingResponseEnabled, change->rmcp_ping_response);
    differs |= number_change(got->IdleWakeTimeout, change->idle_wake_timeout_min);
    if (differs) {
        struct wsman_input input = { .type = SOAP_TYPE_general__instance, .data = got };

        if (!wsman_put(connection, &class_general, &input, err))
            return false;
    }
    *changed = differs;
    return true;
}

/* ---- AMT_TimeSynchronizationService ---- */

#define TIME_SOURCE_CONFIGURED                                                                               \
    1 /* AMT SDK: 0 is the BIOS clock, which CommitChanges and Kerberos do not count as set */

static bool clock_was_set(struct connection *connection, bool *was_set, struct error *err)
{
    struct time__instance *got = wsman_get(connection, &class_time, NULL, read_time__instance, err);

    if (!got)
        return false;
    *was_set = number_of(got->TimeSource) == TIME_SOURCE_CONFIGURED;
    return true;
}

bool wsman_time_synchronize(struct connection *connection, int64_t (*now_s)(void), unsigned tolerance_s,
                            int64_t *offset_s, bool *changed, struct error *err)
{
    static const char get[] = "GetLowAccuracyTimeSynch", set[] = "SetHighAccuracyTimeSynch";
    /* A Set that is repeated would be reckoned with a clock that the first one has moved. */
    struct wsman_input input = { .type = SOAP_TYPE_time__in, .once = true };
    struct time__in in = { 0 };
    struct time__out *out;
    unsigned device, ours;
    int64_t offset;
    bool was_set;

    if (!clock_was_set(connection, &was_set, err))
        return false;
    out = wsman_method(connection, &class_time, get, NULL, read_time__out, err);
    if (!out || !wsman_returned(&class_time, get, out->ReturnValue, err))
        return false;
    if (!out->Ta0)
        return wsman_malformed(&class_time, get, "it has no Ta0", err);
    device = *out->Ta0;
    ours = (unsigned)now_s();
    offset = (int64_t)device - (int64_t)ours;
    if (was_set && offset >= -(int64_t)tolerance_s && offset <= (int64_t)tolerance_s) {
        *offset_s = offset;
        *changed = false;
        return true;
    }
    in = (struct time__in){ .Ta0 = &device, .Tm1 = &ours, .Tm2 = &ours };
    input.data = &in;
    out = wsman_method(connection, &class_time, set, &input, read_time__out, err);
    if (!out || !wsman_returned(&class_time, set, out->ReturnValue, err))
        return false;
    *offset_s = offset;
    *changed = true;
    return true;
}

/* ---- AMT_EthernetPortSettings ---- */

#define CONNECTION_TYPE_WIRELESS 3

static bool port_take(void *context, const void *instance, struct error *err)
{
    const struct port__instance *got = instance;
    struct ethernet_port_list *list = context;
    struct ethernet_port *port = &list->ports[list->count];

    if (list->count == COUNT_OF(list->ports))
        return wsman_malformed(&class_port, "Pull", "more ports than any AMT has", err);
    if (!text_take(port->id, sizeof(port->id), got->InstanceID) ||
        !text_take(port->mac_address, sizeof(port->mac_address), got->MACAddress) ||
        !text_take(port->ip_address, sizeof(port->ip_address), got->IPAddress))
        return wsman_malformed(&class_port, "Pull", "an address or InstanceID is too long", err);
    port->dhcp = flag_of(got->DHCPEnabled);
    port->link_up = flag_of(got->LinkIsUp);
    port->wireless =
        got->WLANLinkProtectionLevel || number_of(got->PhysicalConnectionType) == CONNECTION_TYPE_WIRELESS;
    list->count++;
    return true;
}

bool wsman_ethernet_ports_list(struct connection *connection, struct ethernet_port_list *list,
                               struct error *err)
{
    struct ethernet_port_list read = { 0 };

    if (!wsman_enumerate(connection, &class_port, read_port__instance, port_take, &read, err))
        return false;
    *list = read;
    return true;
}

/* ---- CIM_SoftwareIdentity ---- */

struct version_parts {
    char version[WSMAN_ADDRESS_SIZE / 2], build[WSMAN_ADDRESS_SIZE / 2];
};

static bool version_take(void *context, const void *instance, struct error *err)
{
    const struct soft__instance *got = instance;
    struct version_parts *parts = context;
    bool fits = true;

    if (got->InstanceID && strcmp(got->InstanceID, "AMT") == 0)
        fits = text_take(parts->version, sizeof(parts->version), got->VersionString);
    else if (got->InstanceID && strcmp(got->InstanceID, "Build Number") == 0)
        fits = text_take(parts->build, sizeof(parts->build), got->VersionString);
    return fits ? true : wsman_malformed(&class_soft, "Pull", "a version is too long", err);
}

bool wsman_firmware_version(struct connection *connection, char version[WSMAN_ADDRESS_SIZE],
                            struct error *err)
{
    struct version_parts parts = { 0 };
    char *end;

    if (!wsman_enumerate(connection, &class_soft, read_soft__instance, version_take, &parts, err))
        return false;
    if (!*parts.version)
        return wsman_malformed(&class_soft, "Pull", "no instance AMT with a VersionString", err);
    end = stpcpy(version, parts.version);
    if (*parts.build) {
        *end++ = '.';
        memcpy(end, parts.build, strlen(parts.build) + 1);
    }
    return true;
}
