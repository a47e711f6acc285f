#include "report.h"

#include "computer.h"
#include "encoding.h"
#include "eoi.h"
#include "name.h"
#include "tls.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static void add(json_object *object, const char *name, json_object *value)
{
    json_object_object_add(object, name, value);
}

static void add_text(json_object *object, const char *name, const char *value)
{
    add(object, name, value ? json_object_new_string(value) : NULL);
}

static void add_number(json_object *object, const char *name, int64_t value)
{
    add(object, name, json_object_new_int64(value));
}

static void add_flag(json_object *object, const char *name, bool value)
{
    add(object, name, json_object_new_boolean(value));
}

/* null where the generation does not have it. */
static void add_flag_of(json_object *object, const char *name, bool has, bool value)
{
    add(object, name, has ? json_object_new_boolean(value) : NULL);
}

static void add_hex(json_object *object, const char *name, const void *bytes, size_t length)
{
    struct text text = { 0 };

    hex_append(&text, bytes, length);
    add_text(object, name, text_value(&text));
    text_release(&text);
}

static void add_base64(json_object *object, const char *name, const void *bytes, size_t length)
{
    struct text text = { 0 };

    base64_append(&text, bytes, length);
    add_text(object, name, text_value(&text));
    text_release(&text);
}

/* ---- counters ---- */

static const struct {
    const char *name;
    size_t offset;
} counted[] = {
#define COUNTED(member)                                                                                      \
    {                                                                                                        \
#member, offsetof(struct counters, member)                                                           \
    }
    COUNTED(requests),
    COUNTED(connections),
    COUNTED(refused_connections),
    COUNTED(tls_accepted),
    COUNTED(tls_resumed),
    COUNTED(tls_failed),
    COUNTED(failed_logins),
    COUNTED(locked_logins),
    COUNTED(stale_logins),
    COUNTED(writes),
    COUNTED(hellos),
    COUNTED(hellos_failed),
    COUNTED(faults),
    COUNTED(eoi_calls),
    COUNTED(kerberos_logins),
    COUNTED(kerberos_failures),
#undef COUNTED
};

static uint64_t counter_value(const struct counters *counters, size_t i)
{
    uint64_t value;

    memcpy(&value, (const char *)counters + counted[i].offset, sizeof(value));
    return value;
}

/* Calls of the old interface by name, those that came at all; counts in the order of service_call_name(). */
static json_object *report_calls(const uint32_t *counts)
{
    json_object *object = json_object_new_object();

    for (unsigned i = 0; counts && i < service_call_total(); i++)
        if (counts[i])
            add_number(object, service_call_name(i), counts[i]);
    return object;
}

json_object *report_counters(const struct device *device)
{
    json_object *object = json_object_new_object();

    for (size_t i = 0; i < LENGTH(counted); i++)
        add_number(object, counted[i].name, (int64_t)counter_value(&device->counters, i));
    add_number(object, "failed_logins_in_connection_max", device->counters.failed_logins_in_connection_max);
    add_number(object, "failed_logins_in_contact_max", device->counters.failed_logins_in_contact_max);
    add(object, "eoi_calls_by_name", report_calls(device->counters.eoi_by_name));
    return object;
}

json_object *report_total_counters(const struct simulator *simulator)
{
    json_object *object = json_object_new_object();
    uint64_t sums[LENGTH(counted)] = { 0 };
    uint32_t connection_max = 0, contact_max = 0;
    uint32_t *calls = allocate(service_call_total() * sizeof(*calls));
    int64_t states[3] = { 0 };

    for (size_t c = 0; c < simulator->count; c++) {
        const struct device *device = simulator->computers[c]->device;
        const struct counters *counters = &device->counters;

        for (size_t i = 0; i < LENGTH(counted); i++)
            sums[i] += counter_value(counters, i);
        for (unsigned i = 0; counters->eoi_by_name && i < service_call_total(); i++)
            calls[i] += counters->eoi_by_name[i];
        if (counters->failed_logins_in_connection_max > connection_max)
            connection_max = counters->failed_logins_in_connection_max;
        if (counters->failed_logins_in_contact_max > contact_max)
            contact_max = counters->failed_logins_in_contact_max;
        states[device->state]++;
    }
    add_number(object, "computers", (int64_t)simulator->count);
    add_number(object, "in_pre", states[STATE_PRE]);
    add_number(object, "in_setup", states[STATE_IN]);
    add_number(object, "in_post", states[STATE_POST]);
    for (size_t i = 0; i < LENGTH(counted); i++)
        add_number(object, counted[i].name, (int64_t)sums[i]);
    add_number(object, "failed_logins_in_connection_max", connection_max);
    add_number(object, "failed_logins_in_contact_max", contact_max);
    add(object, "eoi_calls_by_name", report_calls(calls));
    free(calls);
    return object;
}

/* ---- state ---- */

json_object *report_summary(const struct device *device)
{
    json_object *object = json_object_new_object();

    add_text(object, "uuid", device->uuid_text);
    add_text(object, "address", device->address_text);
    add_text(object, "generation", device->generation->name);
    add_text(object, "firmware_version", device->generation->firmware);
    add_number(object, "provisioning_state", device->state);
    add_number(object, "control_mode", device->control_mode);
    return object;
}

static json_object *report_general(const struct device *device)
{
    const struct general_settings *general = &device->general;
    json_object *object = json_object_new_object();

    add_text(object, "HostName", general->host);
    add_text(object, "DomainName", general->domain);
    add_text(object, "HostOSFQDN", general->host_os_fqdn);
    add_number(object, "AMTNetworkEnabled", general->network_enabled);
    add_number(object, "DDNSPeriodicUpdateInterval", general->ddns_interval_min);
    add_number(object, "DDNSTTL", general->ddns_ttl_s);
    add_flag(object, "DDNSUpdateByDHCPServerEnabled", general->ddns_by_dhcp);
    add_flag(object, "DDNSUpdateEnabled", general->ddns);
    add_number(object, "DHCPSyncRequiresHostname", general->dhcp_sync_host_name);
    add_number(object, "DHCPv6ConfigurationTimeout", general->dhcpv6_timeout_s);
    add_number(object, "IdleWakeTimeout", general->idle_wake_min);
    add_flag(object, "NetworkInterfaceEnabled", general->interface_enabled);
    add_flag(object, "PingResponseEnabled", general->ping);
    add_flag_of(object, "RmcpPingResponseEnabled", device->generation->rmcp_ping, general->rmcp_ping);
    add_number(object, "PreferredAddressFamily", general->preferred_family);
    add_number(object, "PresenceNotificationInterval", general->presence_interval_min);
    add_flag(object, "SharedFQDN", general->shared_fqdn);
    add_flag(object, "WsmanOnlyMode", !device->generation->eoi || general->wsman_only);
    return object;
}

static json_object *report_ethernet(const struct device *device)
{
    const struct ethernet_settings *ethernet = &device->ethernet;
    json_object *object = json_object_new_object();

    add_flag(object, "DHCPEnabled", ethernet->dhcp);
    add_flag(object, "IpSyncEnabled", ethernet->ip_sync);
    add_flag(object, "SharedStaticIp", ethernet->shared_static);
    add_text(object, "IPAddress", ethernet->address);
    add_text(object, "SubnetMask", ethernet->mask);
    add_text(object, "DefaultGateway", ethernet->gateway);
    add_text(object, "PrimaryDNS", ethernet->dns1);
    add_text(object, "SecondaryDNS", ethernet->dns2);
    add_number(object, "VLANTag", ethernet->vlan);
    return object;
}

static void add_name(json_object *object, const char *key, const X509_NAME *name)
{
    AUTO(free_text) char *text = name_readable(name);

    add_text(object, key, text);
}

static json_object *report_certificate(struct device *device, const struct stored_certificate *stored)
{
    const unsigned char *der = stored->der;
    X509 *certificate = d2i_X509(NULL, &der, (long)stored->length);
    struct stored_key *key = device_key_of(device, stored);
    json_object *object = json_object_new_object();

    add_number(object, "handle", stored->handle);
    add_flag(object, "trusted_root", stored->trusted_root);
    add_flag(object, "read_only", stored->read_only);
    add(object, "key_handle", key ? json_object_new_int64(key->handle) : NULL);
    if (certificate) {
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);

        add_name(object, "subject", X509_get_subject_name(certificate));
        add_name(object, "issuer", X509_get_issuer_name(certificate));
        add_hex(object, "serial", ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    }
    add_base64(object, "der", stored->der, stored->length);
    X509_free(certificate);
    return object;
}

static json_object *report_certificates(struct device *device)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < device->certificate_count; i++)
        json_object_array_add(array, report_certificate(device, &device->certificates[i]));
    return array;
}

static json_object *report_keys(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < device->key_count; i++) {
        json_object *object = json_object_new_object();
        unsigned char *der = NULL;
        int length = i2d_PublicKey(device->keys[i].key, &der);

        add_number(object, "handle", device->keys[i].handle);
        add_number(object, "bits", EVP_PKEY_get_bits(device->keys[i].key));
        add_base64(object, "public_key", der, length > 0 ? (size_t)length : 0);
        OPENSSL_free(der);
        json_object_array_add(array, object);
    }
    return array;
}

static json_object *report_tls_instance(const struct device *device, const struct tls_settings *settings,
                                        unsigned instance)
{
    json_object *object = json_object_new_object(), *names = json_object_new_array();

    add_flag(object, "Enabled", settings->enabled);
    add_flag(object, "MutualAuthentication", settings->mutual);
    add_flag(object, "AcceptNonSecureConnections", settings->accept_plain);
    for (unsigned i = 0; i < TRUSTED_NAMES_MAX && device->trusted_names[instance][i]; i++)
        json_object_array_add(names, json_object_new_string(device->trusted_names[instance][i]));
    add(object, "TrustedCN", names);
    return object;
}

static json_object *report_tls_settings(const struct device *device, const struct tls_settings *settings,
                                        int32_t credential)
{
    json_object *object = json_object_new_object();

    add(object, "network", report_tls_instance(device, &settings[TLS_NETWORK], TLS_NETWORK));
    add(object, "local", report_tls_instance(device, &settings[TLS_LOCAL], TLS_LOCAL));
    add(object, "credential_certificate", credential == NO_HANDLE ? NULL : json_object_new_int64(credential));
    return object;
}

static json_object *report_tls(struct computer *computer)
{
    struct device *device = computer->device;
    json_object *object = json_object_new_object();
    char *subject, *issuer;

    tls_served_names(device, &subject, &issuer);
    add(object, "staged", report_tls_settings(device, device->tls, device->credential));
    add(object, "effective", report_tls_settings(device, device->tls_in_force, device->credential_in_force));
    add_text(object, "served_subject", subject);
    add_text(object, "served_issuer", issuer);
    add_flag(object, "tls_port_open", computer->tls_listener != NULL);
    add_flag(object, "plain_port_open", computer->plain_listener != NULL);
    add_flag(object, "client_certificate_demanded", tls_wants_client_certificate(device));
    add_text(object, "accepted_setup_name", device->accepted_name);
    add_text(object, "last_refusal", device->last_refusal);
    free(subject);
    free(issuer);
    return object;
}

/* S-1-5-...: revision, authority, then the sub-authorities. */
static void add_sid(json_object *object, const struct acl_entry *entry)
{
    struct text text = { 0 };
    uint64_t authority = 0;

    for (unsigned i = 2; i < 8; i++)
        authority = authority << 8 | entry->sid[i];
    text_format(&text, "S-%u-%llu", entry->sid[0], (unsigned long long)authority);
    for (unsigned i = 8; i + 4 <= entry->sid_length; i += 4)
        text_format(&text, "-%u",
                    entry->sid[i] | (uint32_t)entry->sid[i + 1] << 8 | (uint32_t)entry->sid[i + 2] << 16 |
                        (uint32_t)entry->sid[i + 3] << 24);
    add_text(object, "sid", text.bytes);
    text_release(&text);
    add_hex(object, "sid_hex", entry->sid, entry->sid_length);
}

static json_object *report_acl(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < device->acl_count; i++) {
        const struct acl_entry *entry = &device->acl[i];
        json_object *object = json_object_new_object(), *realms = json_object_new_array();

        add_number(object, "handle", entry->handle);
        add_text(object, "user", *entry->user ? entry->user : NULL);
        if (entry->sid_length)
            add_sid(object, entry);
        else
            add_hex(object, "digest_hex", entry->a1, sizeof(entry->a1));
        add_number(object, "access", entry->access);
        add_flag(object, "enabled", entry->enabled);
        for (unsigned realm = 0; realm < 32; realm++)
            if (entry->realms & 1u << realm)
                json_object_array_add(realms, json_object_new_int((int)realm));
        add(object, "realms", realms);
        json_object_array_add(array, object);
    }
    return array;
}

static json_object *report_redirection(const struct device *device)
{
    json_object *object = json_object_new_object();

    add_number(object, "EnabledState", device->redirection);
    add_flag(object, "ider", device->redirection & 1);
    add_flag(object, "sol", device->redirection & 2);
    add_flag(object, "ListenerEnabled", device->listener_enabled);
    return object;
}

static json_object *report_kvm(const struct device *device)
{
    json_object *object = json_object_new_object();

    add_flag(object, "present", device->generation->kvm);
    add_flag(object, "enabled", device->kvm_enabled);
    add_flag(object, "EnabledByMEBx", device->kvm_by_mebx);
    add_flag(object, "Is5900PortEnabled", device->kvm_5900);
    add_flag(object, "OptInPolicy", device->kvm_consent);
    add_number(object, "OptInPolicyTimeout", device->kvm_consent_timeout_s);
    add_number(object, "SessionTimeout", device->kvm_session_timeout_min);
    add_text(object, "RFBPassword", device->rfb_password);
    return object;
}

static json_object *report_optin(const struct device *device)
{
    json_object *object = json_object_new_object();

    add_number(object, "OptInRequired", device->consent_required);
    add_number(object, "CanModifyOptInPolicy", device->consent_modifiable);
    add_number(object, "OptInCodeTimeout", device->consent_code_timeout_s);
    add_number(object, "OptInDisplayTimeout", device->consent_display_timeout_s);
    return object;
}

static json_object *report_kerberos(const struct device *device)
{
    const struct kerberos_settings *kerberos = &device->kerberos;
    json_object *object = json_object_new_object(), *names = json_object_new_array();

    add_flag(object, "KrbEnabled", kerberos->enabled);
    add_text(object, "RealmName", kerberos->realm);
    for (unsigned i = 0; i < kerberos->spns; i++) {
        json_object *name = json_object_new_object();

        add_text(name, "name", kerberos->spn[i]);
        add_number(name, "protocol", kerberos->protocol[i]);
        json_object_array_add(names, name);
    }
    add(object, "ServicePrincipalNames", names);
    add_number(object, "KeyVersion", kerberos->key_version);
    add_number(object, "MaximumClockTolerance", kerberos->tolerance_min);
    if (kerberos->has_master_key)
        add_hex(object, "master_key_hex", kerberos->master_key, sizeof(kerberos->master_key));
    add_text(object, "passphrase", kerberos->passphrase);
    add_text(object, "salt", kerberos->salt);
    add_number(object, "IterationCount", kerberos->iterations);
    add_text(object, "last_client", device->kerberos_memory.client);
    add_text(object, "last_encryption", device->kerberos_memory.encryption);
    add_text(object, "last_refusal", device->kerberos_memory.refusal);
    return object;
}

static json_object *report_eap(const struct eap_settings *eap)
{
    json_object *object = json_object_new_object();

    add_number(object, "AuthenticationProtocol", eap->protocol);
    add_text(object, "Username", eap->user);
    add_text(object, "Password", eap->password);
    add_text(object, "Domain", eap->domain);
    add_text(object, "RoamingIdentity", eap->roaming_identity);
    add_text(object, "ServerCertificateName", eap->server_name);
    add_number(object, "ServerCertificateNameComparison", eap->comparison);
    add_number(object, "client_certificate", eap->client_certificate);
    add_number(object, "ca_certificate", eap->ca_certificate);
    return object;
}

static json_object *report_wifi(const struct device *device)
{
    json_object *object = json_object_new_object(), *profiles = json_object_new_array();

    add_flag(object, "present", device_has_wifi(device));
    add_number(object, "EnabledState", device->wifi_state);
    add_number(object, "localProfileSynchronizationEnabled", device->wifi_sync);
    for (const struct wifi_profile *profile = device->wifi_profiles; profile; profile = profile->next) {
        json_object *one = json_object_new_object();

        add_text(one, "name", profile->name);
        add_text(one, "ssid", profile->ssid);
        add_number(one, "priority", profile->priority);
        add_number(one, "authentication", profile->authentication);
        add_number(one, "encryption", profile->encryption);
        add_text(one, "passphrase", profile->passphrase);
        if (profile->has_eap)
            add(one, "eap", report_eap(&profile->eap));
        json_object_array_add(profiles, one);
    }
    add(object, "profiles", profiles);
    return object;
}

static json_object *report_wired(const struct device *device)
{
    json_object *object = report_eap(&device->wired);

    add_number(object, "Enabled", device->wired_enabled);
    add_flag(object, "AvailableInS0", device->wired_in_s0);
    add_number(object, "PxeTimeout", device->wired_pxe_timeout_s);
    return object;
}

static json_object *report_environment(const struct device *device)
{
    json_object *object = json_object_new_object(), *domains = json_object_new_array();

    for (unsigned i = 0; i < DOMAINS_MAX && device->environment_domains[i]; i++)
        json_object_array_add(domains, json_object_new_string(device->environment_domains[i]));
    add(object, "domains", domains);
    add_flag(object, "vpn_routing", device->vpn_routing);
    return object;
}

static json_object *report_revocations(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (unsigned i = 0; i < CRL_MAX && device->revocations[i].url; i++) {
        json_object *object = json_object_new_object();

        add_text(object, "url", device->revocations[i].url);
        add_number(object, "serials", device->revocations[i].count);
        json_object_array_add(array, object);
    }
    return array;
}

static json_object *report_misbehaviours(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (const struct misbehaviour *each = device->misbehaviours; each; each = each->next) {
        json_object *object = json_object_new_object();

        add_text(object, "kind", misbehaviour_name(each->kind));
        add_number(object, "requests_seen", each->seen);
        add(object, "times_left", each->times == UINT32_MAX ? NULL : json_object_new_int64(each->times));
        json_object_array_add(array, object);
    }
    return array;
}

static json_object *report_power(const struct device *device)
{
    json_object *object = json_object_new_object();
    struct text instance = { 0 };

    text_format(&instance, "SCHEME %u", device->power_scheme);
    add_text(object, "instance", instance.bytes);
    add_text(object, "description", power_scheme_description(device, device->power_scheme));
    text_release(&instance);
    return object;
}

static void add_credentials(json_object *object, const struct device *device)
{
    add_text(object, "digest_realm", device->realm);
    add_text(object, "admin_username", device->admin_user);
    add_hex(object, "admin_digest_hex", device->admin_a1, sizeof(device->admin_a1));
    add_flag(object, "admin_is_default", device->admin_is_default);
    add_text(object, "mebx_password", device->mebx_password);
    add_flag(object, "mebx_is_default", device->mebx_is_default);
    add(object, "otp",
        device->otp_length ? json_object_new_string_len((const char *)device->otp, (int)device->otp_length)
                           : NULL);
}

json_object *report_state(struct computer *computer)
{
    struct device *device = computer->device;
    json_object *object = report_summary(device);

    add_credentials(object, device);
    add_text(object, "suffix", device->suffix);
    add_text(object, "option15", device->option15);
    add_number(object, "clock_offset", device->clock_offset_s);
    add_flag(object, "clock_set", device->clock_set);
    add_flag(object, "rng_seeded", device->seeded);
    add_number(object, "provisioning_mode", device->mode);
    add_text(object, "pid", *device->pid ? device->pid : NULL);
    add_text(object, "server_fqdn", device->server_fqdn);
    add_flag(object, "eoi", eoi_served(device));
    add_flag(object, "challenges", device_challenges(device));
    add_number(object, "hello_retry", device->retry);
    add(object, "general_settings", report_general(device));
    add(object, "ethernet", report_ethernet(device));
    add(object, "certificates", report_certificates(device));
    add(object, "keys", report_keys(device));
    add(object, "tls", report_tls(computer));
    add(object, "acl", report_acl(device));
    add(object, "redirection", report_redirection(device));
    add_flag_of(object, "web_ui", device->generation->web_ui, device->web_ui);
    add(object, "kvm", report_kvm(device));
    add(object, "optin", device->generation->kvm ? report_optin(device) : NULL); /* both came with 6.0 */
    add(object, "power_scheme", report_power(device));
    add(object, "kerberos", report_kerberos(device));
    add(object, "wifi", report_wifi(device));
    add(object, "wired_8021x", report_wired(device));
    add(object, "environment", report_environment(device));
    add(object, "revocations", report_revocations(device));
    add(object, "misbehaviours", report_misbehaviours(device));
    add_number(object, "requests_since_hold", device->hold.seen);
    add_flag(object, "hold_waits", device->hold.phase != HOLD_NONE);
    add(object, "counters", report_counters(device));
    return object;
}
