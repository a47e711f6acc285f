#include "device.h"

#include "encoding.h"
#include "identity.h"

#include <ctype.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
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

static void forget_tickets(struct kerberos_memory *memory)
{
    free(memory->client);
    free(memory->encryption);
    free(memory->refusal);
    free(memory->seen);
    *memory = (struct kerberos_memory){ 0 };
}

static void release_general(struct general_settings *general)
{
    free(general->domain);
    free(general->host);
    free(general->host_os_fqdn);
    *general = (struct general_settings){ 0 };
}

static void release_ethernet(struct ethernet_settings *ethernet)
{
    free(ethernet->address);
    free(ethernet->mask);
    free(ethernet->gateway);
    free(ethernet->dns1);
    free(ethernet->dns2);
    *ethernet = (struct ethernet_settings){ 0 };
}

static void clear_trusted_names(struct device *device)
{
    for (unsigned instance = 0; instance < TLS_INSTANCES; instance++)
        for (unsigned i = 0; i < TRUSTED_NAMES_MAX; i++)
            free_text(&device->trusted_names[instance][i]);
}

static void clear_environment(struct device *device)
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

static void clear_stores(struct device *device)
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
    clear_stores(gone);
    clear_trusted_names(gone);
    clear_environment(gone);
    device_forget_revocations(gone);
    kerberos_release(&gone->kerberos);
    forget_tickets(&gone->kerberos_memory);
    release_general(&gone->general);
    release_ethernet(&gone->ethernet);
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

/* ---- factory ---- */

struct device *device_create(void)
{
    struct device *device = allocate(sizeof(*device));

    device->initial_state = STATE_IN;
    device->switches = (struct switches){
        .alert = 46,
        .chain_max = 4,
        .one_setup_connection = true,
        .restart_ms = 300,
        .local_tls_blocks_commit = true,
        .wsman_in_setup = true,
        .eoi_strict = true,
        .request_bits = 2048,
        .acl_renumbered = true,
        .acl_page = 10,
        .pull_page = 5,
        .domains_max = 4,
        .internal_fault_status = 400,
        .window_h = 24,
    };
    device->kvm_by_mebx = true;
    device->consent_modifiable = 1;
    device->initial_clock_offset_s = -7200;
    eap_release(&device->wired);
    return device;
}

#define REALM_WITH_UUID "Intel(R) AMT (ID:"

static void realm_with(struct device *device, const char *uuid_text)
{
    snprintf(device->realm, sizeof(device->realm), REALM_WITH_UUID "%s)", uuid_text);
    for (char *letter = strchr(device->realm, ':'); *letter; letter++)
        *letter = (char)toupper((unsigned char)*letter);
}

static void new_realm(struct device *device)
{
    unsigned char bytes[16];
    struct text text = { 0 };

    if (device_switch(device->switches.realm_form, device->generation->realm_names_uuid)) {
        realm_with(device, device->uuid_text);
        return;
    }
    RAND_bytes(bytes, sizeof(bytes));
    text_append(&text, "Digest:");
    hex_append_upper(&text, bytes, sizeof(bytes));
    memcpy(device->realm, text.bytes, text.length + 1);
    text_release(&text);
}

void device_new_nonce(struct device *device)
{
    RAND_bytes(device->nonce, sizeof(device->nonce));
}

void device_set_admin_password(struct device *device, const char *password)
{
    strcpy(device->admin_user, "admin");
    digest_a1(device->admin_user, device->realm, password, device->admin_a1);
}

void device_default_admin(struct device *device)
{
    const char *initial = "";

    if (!device->admin_is_default)
        return;
    if (device->generation->admin_as_mebx)
        initial = device->mebx_password;
    else if (device->state == STATE_POST)
        initial = factory_password;
    device_set_admin_password(device, initial);
}

void device_pretend_uuid(struct device *device, const unsigned char uuid[UUID_LENGTH])
{
    char text[UUID_TEXT_ROOM];

    if (strncmp(device->realm, REALM_WITH_UUID, strlen(REALM_WITH_UUID)))
        return;
    uuid_format(uuid, text);
    realm_with(device, text);
    device_default_admin(device);
    device_acl_changed(device);
}

void device_clear_acl(struct device *device)
{
    device->acl = reallocate(device->acl, sizeof(struct acl_entry));
    device->acl[0] =
        (struct acl_entry){ .handle = 1, .user = "$$uns", .access = 0, .enabled = true, .realms = 1u << 16 };
    device->acl_count = 1;
}

static void reset_general(struct device *device)
{
    struct general_settings *general = &device->general;

    release_general(general);
    general->network_enabled = 1;
    general->ddns_interval_min = 1440;
    general->ddns_ttl_s = 900;
    general->ddns_by_dhcp = true;
    general->dhcp_sync_host_name = 1;
    general->idle_wake_min = 1;
    general->interface_enabled = true;
    general->ping = true;
    general->shared_fqdn = true;
    general->domain = duplicate("");
    general->host = duplicate("");
    general->host_os_fqdn = duplicate("");
}

static void reset_tls(struct device *device)
{
    bool always = device->generation->tls_always;

    device->credential = device->credential_in_force = NO_HANDLE;
    clear_trusted_names(device);
    for (unsigned i = 0; i < TLS_INSTANCES; i++)
        device->tls[i] = device->tls_in_force[i] = (struct tls_settings){ .enabled = always };
}

static void reset_interfaces(struct device *device)
{
    release_ethernet(&device->ethernet);
    device->ethernet = (struct ethernet_settings){
        .dhcp = true, .ip_sync = true, .link_policy = { 1, 14 }, .link_policies = 2
    };
    device->redirection = 32771;
    device->listener_enabled = false;
    device->web_ui = true;
    device->kvm_enabled = false;
    device->kvm_5900 = false;
    device->kvm_consent = true;
    device->kvm_consent_timeout_s = 300;
    device->kvm_session_timeout_min = 3;
    device->kvm_screen = 0;
    free_text(&device->rfb_password);
    device->consent_required = 1;
    device->consent_code_timeout_s = 120;
    device->consent_display_timeout_s = 300;
    device->power_scheme = 0;
    kerberos_release(&device->kerberos);
    forget_tickets(&device->kerberos_memory);
    eap_release(&device->wired);
    device->wired_in_s0 = false;
    device->wired_enabled = 3;
    device->wired_pxe_timeout_s = 120;
    device->wifi_state = 3;
    device->wifi_sync = 0;
    device->wifi_uefi_share = false;
}

/* Everything that no kind of unprovisioning keeps. */
static void reset_settings(struct device *device)
{
    clear_stores(device);
    reset_tls(device);
    reset_interfaces(device);
    device_clear_acl(device);
    device->plain_digest_allowed = true;
    device->clock_set = device->seeded = false;
    device->mode = 1;
    memset(device->realm_options, 0, sizeof(device->realm_options));
    clear_environment(device);
    device_forget_revocations(device);
    device->local_time_sync = 0;
    device->otp_length = 0;
    device->zero_touch = true;
    device->control_mode = CONTROL_NONE;
    memset(device->enumerations, 0, sizeof(device->enumerations));
    device->window_extension_h = 0;
    device->retry = 0;
    device->login = (struct login){ 0 };
    device_new_nonce(device);
    device_acl_changed(device);
    identity_forget(device);
    identity_store(device);
}

static void erase_custom_hashes(struct device *device)
{
    size_t kept = 0;

    for (size_t i = 0; i < device->hash_count; i++)
        if (!device->hashes[i].custom)
            device->hashes[kept++] = device->hashes[i];
    device->hash_count = kept;
}

static void reset_admin(struct device *device)
{
    const char *initial = device->initial_admin_password;

    device->admin_is_default = !initial;
    if (initial)
        device_set_admin_password(device, initial);
    else
        device_default_admin(device);
}

void device_reset(struct device *device)
{
    const char *mebx = device->initial_mebx_password;

    new_realm(device);
    device->clock_offset_s = device->initial_clock_offset_s;
    reset_general(device);
    reset_settings(device);
    replace_text(&device->mebx_password, mebx ? mebx : factory_password);
    device->mebx_is_default = !strcmp(device->mebx_password, factory_password);
    replace_text(&device->suffix, device->initial_suffix);
    free_text(&device->server_fqdn);
    device->state = device->initial_state;
    device->control_mode = device->state == STATE_POST ? CONTROL_ADMIN : CONTROL_NONE;
    reset_admin(device);
    *device->pid = *device->pps = '\0';
}

/* Staged TLS settings are taken not to be in flash before CommitChanges [inferred]: the worse case. The clock
 * has a battery. */
void device_power_loss(struct device *device)
{
    memcpy(device->tls, device->tls_in_force, sizeof(device->tls));
    device->credential = device->credential_in_force;
    EVP_PKEY_free(device->request_key);
    device->request_key = NULL;
    if (device->state == STATE_IN)
        device->seeded = false;
    login_forget_nonces(&device->login);
    memset(device->enumerations, 0, sizeof(device->enumerations));
    device->retry = 0;
    device_acl_changed(device);
}

static uint32_t state_after_unprovision(const struct device *device, bool partial)
{
    switch (device->switches.after_unprovision) {
    case UNPROVISION_TO_PRE:
        return STATE_PRE;
    case UNPROVISION_TO_IN:
        return STATE_IN;
    default:
        return partial || device->hello_mode == HELLO_SCHEDULE ? STATE_IN : STATE_PRE;
    }
}

void device_unprovision(struct device *device, bool partial)
{
    char *domain = duplicate(device->general.domain), *host = duplicate(device->general.host);

    reset_general(device);
    reset_settings(device);
    if (partial) {
        replace_text(&device->general.domain, domain);
        replace_text(&device->general.host, host);
    } else {
        new_realm(device);
        device->admin_is_default = true;
        device_set_admin_password(device, device->generation->admin_as_mebx ? device->mebx_password : "");
        *device->pid = *device->pps = '\0';
        free_text(&device->server_fqdn);
        erase_custom_hashes(device);
        if (!device->generation->unprovision_keeps_suffix)
            free_text(&device->suffix);
    }
    free(domain);
    free(host);
    device->state = state_after_unprovision(device, partial);
}
