#include "report.h"

#include "computer.h"
#include "eoi.h"
#include "report_json.h"
#include "report_security.h"

#include <stdlib.h>
#include <string.h>

json_object *report_summary(const struct device *device)
{
    json_object *object = json_object_new_object();

    report_add_text(object, "uuid", device->uuid_text);
    report_add_text(object, "address", device->address_text);
    report_add_text(object, "generation", device->generation->name);
    report_add_text(object, "firmware_version", device->generation->firmware);
    report_add_number(object, "provisioning_state", device->state);
    report_add_number(object, "control_mode", device->control_mode);
    return object;
}

static json_object *report_general(const struct device *device)
{
    const struct general_settings *general = &device->general;
    json_object *object = json_object_new_object();

    report_add_text(object, "HostName", general->host);
    report_add_text(object, "DomainName", general->domain);
    report_add_text(object, "HostOSFQDN", general->host_os_fqdn);
    report_add_number(object, "AMTNetworkEnabled", general->network_enabled);
    report_add_number(object, "DDNSPeriodicUpdateInterval", general->ddns_interval_min);
    report_add_number(object, "DDNSTTL", general->ddns_ttl_s);
    report_add_flag(object, "DDNSUpdateByDHCPServerEnabled", general->ddns_by_dhcp);
    report_add_flag(object, "DDNSUpdateEnabled", general->ddns);
    report_add_number(object, "DHCPSyncRequiresHostname", general->dhcp_sync_host_name);
    report_add_number(object, "DHCPv6ConfigurationTimeout", general->dhcpv6_timeout_s);
    report_add_number(object, "IdleWakeTimeout", general->idle_wake_min);
    report_add_flag(object, "NetworkInterfaceEnabled", general->interface_enabled);
    report_add_flag(object, "PingResponseEnabled", general->ping);
    report_add_flag_of(object, "RmcpPingResponseEnabled", device->generation->rmcp_ping, general->rmcp_ping);
    report_add_number(object, "PreferredAddressFamily", general->preferred_family);
    report_add_number(object, "PresenceNotificationInterval", general->presence_interval_min);
    report_add_flag(object, "SharedFQDN", general->shared_fqdn);
    report_add_flag(object, "WsmanOnlyMode", !device->generation->eoi || general->wsman_only);
    return object;
}

static json_object *report_ethernet(const struct device *device)
{
    const struct ethernet_settings *ethernet = &device->ethernet;
    json_object *object = json_object_new_object();

    report_add_flag(object, "DHCPEnabled", ethernet->dhcp);
    report_add_flag(object, "IpSyncEnabled", ethernet->ip_sync);
    report_add_flag(object, "SharedStaticIp", ethernet->shared_static);
    report_add_text(object, "IPAddress", ethernet->address);
    report_add_text(object, "SubnetMask", ethernet->mask);
    report_add_text(object, "DefaultGateway", ethernet->gateway);
    report_add_text(object, "PrimaryDNS", ethernet->dns1);
    report_add_text(object, "SecondaryDNS", ethernet->dns2);
    report_add_number(object, "VLANTag", ethernet->vlan);
    return object;
}

static json_object *report_redirection(const struct device *device)
{
    json_object *object = json_object_new_object();

    report_add_number(object, "EnabledState", device->redirection);
    report_add_flag(object, "ider", device->redirection & 1);
    report_add_flag(object, "sol", device->redirection & 2);
    report_add_flag(object, "ListenerEnabled", device->listener_enabled);
    return object;
}

static json_object *report_kvm(const struct device *device)
{
    json_object *object = json_object_new_object();

    report_add_flag(object, "present", device->generation->kvm);
    report_add_flag(object, "enabled", device->kvm_enabled);
    report_add_flag(object, "EnabledByMEBx", device->kvm_by_mebx);
    report_add_flag(object, "Is5900PortEnabled", device->kvm_5900);
    report_add_flag(object, "OptInPolicy", device->kvm_consent);
    report_add_number(object, "OptInPolicyTimeout", device->kvm_consent_timeout_s);
    report_add_number(object, "SessionTimeout", device->kvm_session_timeout_min);
    report_add_text(object, "RFBPassword", device->rfb_password);
    return object;
}

static json_object *report_optin(const struct device *device)
{
    json_object *object = json_object_new_object();

    report_add_number(object, "OptInRequired", device->consent_required);
    report_add_number(object, "CanModifyOptInPolicy", device->consent_modifiable);
    report_add_number(object, "OptInCodeTimeout", device->consent_code_timeout_s);
    report_add_number(object, "OptInDisplayTimeout", device->consent_display_timeout_s);
    return object;
}

static json_object *report_eap(const struct eap_settings *eap)
{
    json_object *object = json_object_new_object();

    report_add_number(object, "AuthenticationProtocol", eap->protocol);
    report_add_text(object, "Username", eap->user);
    report_add_text(object, "Password", eap->password);
    report_add_text(object, "Domain", eap->domain);
    report_add_text(object, "RoamingIdentity", eap->roaming_identity);
    report_add_text(object, "ServerCertificateName", eap->server_name);
    report_add_number(object, "ServerCertificateNameComparison", eap->comparison);
    report_add_number(object, "client_certificate", eap->client_certificate);
    report_add_number(object, "ca_certificate", eap->ca_certificate);
    return object;
}

static json_object *report_wifi(const struct device *device)
{
    json_object *object = json_object_new_object(), *profiles = json_object_new_array();

    report_add_flag(object, "present", device_has_wifi(device));
    report_add_number(object, "EnabledState", device->wifi_state);
    report_add_number(object, "localProfileSynchronizationEnabled", device->wifi_sync);
    for (const struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next) {
        json_object *one = json_object_new_object();

        report_add_text(one, "name", profile->name);
        report_add_text(one, "ssid", profile->ssid);
        report_add_number(one, "priority", profile->priority);
        report_add_number(one, "authentication", profile->authentication);
        report_add_number(one, "encryption", profile->encryption);
        report_add_text(one, "passphrase", profile->passphrase);
        if (profile->has_eap)
            report_add(one, "eap", report_eap(&profile->eap));
        json_object_array_add(profiles, one);
    }
    report_add(object, "profiles", profiles);
    return object;
}

static json_object *report_wired(const struct device *device)
{
    json_object *object = report_eap(&device->wired);

    report_add_number(object, "Enabled", device->wired_enabled);
    report_add_flag(object, "AvailableInS0", device->wired_in_s0);
    report_add_number(object, "PxeTimeout", device->wired_pxe_timeout_s);
    return object;
}

static json_object *report_environment(const struct device *device)
{
    json_object *object = json_object_new_object(), *domains = json_object_new_array();

    for (unsigned i = 0; i < DOMAINS_MAX && device->environment_domains[i]; i++)
        json_object_array_add(domains, json_object_new_string(device->environment_domains[i]));
    report_add(object, "domains", domains);
    report_add_flag(object, "vpn_routing", device->vpn_routing);
    return object;
}

static json_object *report_misbehaviours(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (const struct misbehaviour *each = device->misbehaviours; each; each = each->next) {
        json_object *object = json_object_new_object();

        report_add_text(object, "kind", misbehaviour_name(each->kind));
        report_add_number(object, "requests_seen", each->seen);
        report_add(object, "times_left",
                   each->times == UINT32_MAX ? NULL : json_object_new_int64(each->times));
        json_object_array_add(array, object);
    }
    return array;
}

static json_object *report_power(const struct device *device)
{
    json_object *object = json_object_new_object();
    struct text instance = { 0 };

    text_format(&instance, "SCHEME %u", device->power_scheme);
    report_add_text(object, "instance", instance.bytes);
    report_add_text(object, "description", power_scheme_description(device, device->power_scheme));
    text_release(&instance);
    return object;
}

static void add_credentials(json_object *object, const struct device *device)
{
    report_add_text(object, "digest_realm", device->realm);
    report_add_text(object, "admin_username", device->admin_user);
    report_add_hex(object, "admin_digest_hex", device->admin_a1, sizeof(device->admin_a1));
    report_add_flag(object, "admin_is_default", device->admin_is_default);
    report_add_text(object, "mebx_password", device->mebx_password);
    report_add_flag(object, "mebx_is_default", device->mebx_is_default);
    report_add(object, "otp",
               device->otp_length
                   ? json_object_new_string_len((const char *)device->otp, (int)device->otp_length)
                   : NULL);
}

json_object *report_state(struct computer *computer)
{
    struct device *device = computer->device;
    json_object *object = report_summary(device);

    add_credentials(object, device);
    report_add_text(object, "suffix", device->suffix);
    report_add_text(object, "option15", device->option15);
    report_add_number(object, "clock_offset", device->clock_offset_s);
    report_add_flag(object, "clock_set", device->clock_set);
    report_add_flag(object, "rng_seeded", device->seeded);
    report_add_number(object, "provisioning_mode", device->mode);
    report_add_text(object, "pid", *device->pid ? device->pid : NULL);
    report_add_text(object, "server_fqdn", device->server_fqdn);
    report_add_flag(object, "eoi", eoi_served(device));
    report_add_flag(object, "challenges", device_challenges(device));
    report_add_number(object, "hello_retry", device->retry);
    report_add(object, "general_settings", report_general(device));
    report_add(object, "ethernet", report_ethernet(device));
    report_add(object, "certificates", report_certificates(device));
    report_add(object, "keys", report_keys(device));
    report_add(object, "tls", report_tls(computer));
    report_add(object, "acl", report_acl(device));
    report_add(object, "redirection", report_redirection(device));
    report_add_flag_of(object, "web_ui", device->generation->web_ui, device->web_ui);
    report_add(object, "kvm", report_kvm(device));
    report_add(object, "optin",
               device->generation->kvm ? report_optin(device) : NULL); /* both came with 6.0 */
    report_add(object, "power_scheme", report_power(device));
    report_add(object, "kerberos", report_kerberos(device));
    report_add(object, "wifi", report_wifi(device));
    report_add(object, "wired_8021x", report_wired(device));
    report_add(object, "environment", report_environment(device));
    report_add(object, "revocations", report_revocations(device));
    report_add(object, "misbehaviours", report_misbehaviours(device));
    report_add_number(object, "requests_since_hold", device->hold.seen);
    report_add_flag(object, "hold_waits", device->hold.phase != HOLD_NONE);
    report_add(object, "counters", report_counters(device));
    return object;
}
