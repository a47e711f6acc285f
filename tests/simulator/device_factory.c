/* device_factory.c - what a computer is when it leaves the factory, and again when its provisioning is
 * removed. */
#include "device_parts.h"
#include "encoding.h"
#include "identity.h"

#include <ctype.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

    device_release_general(general);
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
    device_clear_trusted_names(device);
    for (unsigned i = 0; i < TLS_INSTANCES; i++)
        device->tls[i] = device->tls_in_force[i] = (struct tls_settings){ .enabled = always };
}

static void reset_interfaces(struct device *device)
{
    device_release_ethernet(&device->ethernet);
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
    kerberos_forget(&device->kerberos_memory);
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
    device_clear_stores(device);
    reset_tls(device);
    reset_interfaces(device);
    device_clear_acl(device);
    device->plain_digest_allowed = true;
    device->clock_set = device->seeded = false;
    device->mode = 1;
    memset(device->realm_options, 0, sizeof(device->realm_options));
    device_clear_environment(device);
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
