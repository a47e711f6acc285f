#include "device_parts.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

const char factory_password[] = "admin";

double monotonic_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

time_t device_clock(const struct device *device)
{
    return time(NULL) + (time_t)device->clock_offset_s;
}

bool device_challenges(const struct device *device)
{
    if (device->state != STATE_IN)
        return true;
    if (device->switches.challenge_after_admin && !device->admin_is_default)
        return true;
    if (device->switches.challenge != AUTOMATIC)
        return device->switches.challenge == AUTOMATIC_YES;
    return device->generation->challenges_in_setup;
}

bool device_credentials_set(const struct device *device)
{
    return !device->admin_is_default || !device->mebx_is_default;
}

void device_acl_changed(struct device *device)
{
    device->acl_version++;
}

/* ---- stores ---- */

struct stored_certificate *device_certificate(struct device *device, int64_t handle)
{
    for (size_t i = 0; i < device->certificate_count; i++)
        if (device->certificates[i].handle == handle)
            return &device->certificates[i];
    return NULL;
}

struct stored_key *device_key(struct device *device, int64_t handle)
{
    for (size_t i = 0; i < device->key_count; i++)
        if (device->keys[i].handle == handle)
            return &device->keys[i];
    return NULL;
}

struct stored_certificate *device_add_certificate(struct device *device, const unsigned char *der,
                                                  size_t length)
{
    uint32_t handle = 0;
    size_t place = 0;

    if (device->certificate_count == STORE_MAX_CERTIFICATES)
        return NULL;
    while (device_certificate(device, handle))
        handle++;
    while (place < device->certificate_count && device->certificates[place].handle < handle)
        place++;
    device->certificates =
        reallocate(device->certificates, (device->certificate_count + 1) * sizeof(struct stored_certificate));
    memmove(&device->certificates[place + 1], &device->certificates[place],
            (device->certificate_count - place) * sizeof(struct stored_certificate));
    device->certificate_count++;
    device->certificates[place] = (struct stored_certificate){ .handle = handle,
                                                               .der = duplicate_bytes(der, length),
                                                               .length = length };
    return &device->certificates[place];
}

void device_remove_certificate(struct device *device, uint32_t handle)
{
    struct stored_certificate *certificate = device_certificate(device, handle);
    size_t after;

    if (!certificate)
        return;
    free(certificate->der);
    after = device->certificate_count - (size_t)(certificate - device->certificates) - 1;
    memmove(certificate, certificate + 1, after * sizeof(*certificate));
    device->certificate_count--;
}

struct stored_key *device_add_key(struct device *device, EVP_PKEY *key)
{
    uint32_t handle = 0;
    size_t place = 0;

    if (device->key_count == STORE_MAX_KEYS)
        return NULL;
    while (device_key(device, handle))
        handle++;
    while (place < device->key_count && device->keys[place].handle < handle)
        place++;
    memmove(&device->keys[place + 1], &device->keys[place],
            (device->key_count - place) * sizeof(struct stored_key));
    device->key_count++;
    EVP_PKEY_up_ref(key);
    device->keys[place] = (struct stored_key){ .handle = handle, .key = key };
    return &device->keys[place];
}

void device_remove_key(struct device *device, uint32_t handle)
{
    struct stored_key *key = device_key(device, handle);
    size_t after;

    if (!key)
        return;
    EVP_PKEY_free(key->key);
    after = device->key_count - (size_t)(key - device->keys) - 1;
    memmove(key, key + 1, after * sizeof(*key));
    device->key_count--;
}

struct stored_key *device_key_of(struct device *device, const struct stored_certificate *certificate)
{
    const unsigned char *der = certificate->der;
    X509 *parsed = d2i_X509(NULL, &der, (long)certificate->length);
    struct stored_key *found = NULL;

    for (size_t i = 0; parsed && !found && i < device->key_count; i++)
        if (EVP_PKEY_eq(X509_get0_pubkey(parsed), device->keys[i].key) == 1)
            found = &device->keys[i];
    X509_free(parsed);
    return found;
}

static bool key_serves(struct device *device, const struct stored_key *key)
{
    for (size_t i = 0; i < device->certificate_count; i++)
        if (device_key_of(device, &device->certificates[i]) == key)
            return true;
    return false;
}

void device_drop_replaced(struct device *device)
{
    for (size_t i = device->certificate_count; i-- > 0;) {
        const struct stored_certificate *certificate = &device->certificates[i];
        int64_t handle = certificate->handle;
        struct stored_key *key = device_key_of(device, certificate);

        if (!certificate->slot || certificate->sent || handle == device->credential ||
            handle == device->credential_in_force)
            continue;
        device_remove_certificate(device, (uint32_t)handle);
        if (key && !key_serves(device, key))
            device_remove_key(device, key->handle);
    }
}

bool device_has_trusted_root(const struct device *device)
{
    for (size_t i = 0; i < device->certificate_count; i++)
        if (device->certificates[i].trusted_root)
            return true;
    return false;
}

bool device_has_wifi(const struct device *device)
{
    return device->wifi && device->generation->wireless;
}

void device_mac(const struct device *device, unsigned port, unsigned char mac[MAC_LENGTH])
{
    memset(mac, 0, MAC_LENGTH);
    if (port && !device_has_wifi(device))
        return;
    mac[0] = 2; /* locally administered */
    mac[1] = port & 1;
    memcpy(mac + 2, device->uuid + UUID_LENGTH - 4, 4);
}

bool device_switch(uint32_t wanted, bool automatic)
{
    return wanted == AUTOMATIC ? automatic : wanted == AUTOMATIC_YES;
}

/* ---- power packages ---- */

struct power_scheme {
    const char *guid, *description;
};

/* The mobile GUIDs are recorded; those of desktops are not published, so these are made up. */
static const struct power_scheme desktop_schemes[] = {
    { "AAECAwQFBgcICQoLDA0ODw==", "Desktop: ON in S0" },
    { "EBESExQVFhcYGRobHB0eHw==", "Desktop: ON in S0, ME Wake in S3, S4-5" },
};
static const struct power_scheme mobile_schemes[] = {
    { "djmXEQtWUEOIcJgS85G1YA==", "Mobile: ON in S0" },
    { "MIAN7gnAeEOvKHhootu+Og==", "Mobile: ON in S0, ME Wake in S3, S4-5 (AC only)" },
};
/* MEBx options 1 to 7 of AMT 2 to 5; a package that is still there in 6.0 has the same GUID there. */
static const struct power_scheme first_schemes[] = {
    { "AAECAwQFBgcICQoLDA0ODw==", "Desktop: ON in S0" },
    { "ICEiIyQlJicoKSorLC0uLw==", "Desktop: ON in S0, S3" },
    { "MDEyMzQ1Njc4OTo7PD0+Pw==", "Desktop: ON in S0, S3, S4-5" },
    { "QEFCQ0RFRkdISUpLTE1OTw==", "Desktop: ON in S0, ME WoL in S3" },
    { "EBESExQVFhcYGRobHB0eHw==", "Desktop: ON in S0, ME WoL in S3, S4-5" },
    { "UFFSU1RVVldYWVpbXF1eXw==", "Desktop: ON in S0, S3, S4-5, OFF after power loss" },
    { "YGFiY2RlZmdoaWprbG1ubw==", "Desktop: ON in S0, ME WoL in S3, S4-5, OFF after power loss" },
};

unsigned power_schemes(const struct device *device)
{
    return device->generation->major < 6 ? LENGTH(first_schemes) : LENGTH(desktop_schemes);
}

static const struct power_scheme *power_scheme(const struct device *device, uint32_t index)
{
    const struct power_scheme *schemes = device->generation->major < 6 ? first_schemes
                                         : device->mobile              ? mobile_schemes
                                                                       : desktop_schemes;

    return &schemes[index < power_schemes(device) ? index : 0];
}

const char *power_scheme_description(const struct device *device, uint32_t index)
{
    return power_scheme(device, index)->description;
}

const char *power_scheme_guid(const struct device *device, uint32_t index)
{
    return power_scheme(device, index)->guid;
}

/* ---- releasing ---- */

void eap_release(struct eap_settings *eap)
{
    free(eap->user);
    free(eap->password);
    free(eap->domain);
    free(eap->roaming_identity);
    free(eap->server_name);
    free(eap->pac_password);
    *eap = (struct eap_settings){ .protocol = NO_HANDLE,
                                  .client_certificate = NO_HANDLE,
                                  .ca_certificate = NO_HANDLE };
}

void wifi_profile_release(struct wifi_profile **profile)
{
    free((*profile)->name);
    free((*profile)->ssid);
    free((*profile)->passphrase);
    eap_release(&(*profile)->eap);
    free(*profile);
    *profile = NULL;
}

void kerberos_release(struct kerberos_settings *kerberos)
{
    free(kerberos->realm);
    free(kerberos->passphrase);
    free(kerberos->salt);
    for (unsigned i = 0; i < kerberos->spns; i++)
        free(kerberos->spn[i]);
    *kerberos = (struct kerberos_settings){ .tolerance_min = 5 };
}

void kerberos_forget(struct kerberos_memory *memory)
{
    free(memory->client);
    free(memory->encryption);
    free(memory->refusal);
    free(memory->seen);
    *memory = (struct kerberos_memory){ 0 };
}

void device_release_general(struct general_settings *general)
{
    free(general->domain);
    free(general->host);
    free(general->host_os_fqdn);
    *general = (struct general_settings){ 0 };
}

void device_release_ethernet(struct ethernet_settings *ethernet)
{
    free(ethernet->address);
    free(ethernet->mask);
    free(ethernet->gateway);
    free(ethernet->dns1);
    free(ethernet->dns2);
    *ethernet = (struct ethernet_settings){ 0 };
}

void device_clear_trusted_names(struct device *device)
{
    for (unsigned instance = 0; instance < TLS_INSTANCES; instance++)
        for (unsigned i = 0; i < TRUSTED_NAMES_MAX; i++)
            free_text(&device->trusted_names[instance][i]);
}

void device_clear_environment(struct device *device)
{
    for (unsigned i = 0; i < DOMAINS_MAX; i++)
        free_text(&device->environment_domains[i]);
    device->environment_policy = 0;
    device->has_environment_policy = device->vpn_routing = false;
}

void device_forget_revocations(struct device *device)
{
    device_forget_revocations_from(device, 0);
}

void device_forget_revocations_from(struct device *device, unsigned place)
{
    for (unsigned i = place; i < CRL_MAX; i++) {
        struct revocations *list = &device->revocations[i];

        while (list->count)
            free(list->serials[--list->count]);
        free(list->serials);
        free(list->url);
        *list = (struct revocations){ 0 };
    }
}

void device_clear_stores(struct device *device)
{
    EVP_PKEY_free(device->request_key);
    device->request_key = NULL;
    while (device->certificate_count)
        device_remove_certificate(device, device->certificates[0].handle);
    while (device->key_count)
        device_remove_key(device, device->keys[0].handle);
    while (device->wifi_profiles) {
        struct wifi_profile *first = device->wifi_profiles;

        device->wifi_profiles = first->next;
        wifi_profile_release(&first);
    }
}

void device_destroy(struct device **device)
{
    struct device *gone = *device;

    if (!gone)
        return;
    device_clear_stores(gone);
    device_clear_trusted_names(gone);
    device_clear_environment(gone);
    device_forget_revocations(gone);
    kerberos_release(&gone->kerberos);
    kerberos_forget(&gone->kerberos_memory);
    device_release_general(&gone->general);
    device_release_ethernet(&gone->ethernet);
    eap_release(&gone->wired);
    misbehaviour_clear(&gone->misbehaviours);
    X509_free(gone->identity);
    EVP_PKEY_free(gone->request_key);
    free(gone->counters.eoi_by_name);
    free(gone->certificates);
    free(gone->acl);
    free(gone->hashes);
    free(gone->initial_admin_password);
    free(gone->initial_mebx_password);
    free(gone->initial_suffix);
    free(gone->mebx_password);
    free(gone->suffix);
    free(gone->option15);
    free(gone->server_fqdn);
    free(gone->rfb_password);
    free(gone->wifi_connected);
    free(gone->transcript);
    free(gone->last_refusal);
    free(gone->accepted_name);
    free(gone);
    *device = NULL;
}
