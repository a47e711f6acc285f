#include "network_profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/sealed_row.h"
#include "statement.h"

struct word {
    const char *word;
    unsigned number;
};

/* The CHECKs of the tables allow no other words. */
static const struct word authentications[] = {
    { "wpa-psk", WIRELESS_WPA_PSK },   { "wpa-802.1x", WIRELESS_WPA_8021X },
    { "wpa2-psk", WIRELESS_WPA2_PSK }, { "wpa2-802.1x", WIRELESS_WPA2_8021X },
    { "wpa3-sae", WIRELESS_WPA3_SAE }, { NULL, 0 },
};
static const struct word encryptions[] = {
    { "tkip", WIRELESS_TKIP }, { "ccmp", WIRELESS_CCMP }, { "gcmp-256", WIRELESS_GCMP_256 }, { NULL, 0 }
};
static const struct word protocols[] = { { "tls", EAP_TLS },
                                         { "ttls-mschapv2", EAP_TTLS_MSCHAPV2 },
                                         { "peap-mschapv2", EAP_PEAP_MSCHAPV2 },
                                         { NULL, 0 } };
static const struct word synchronizations[] = {
    { "leave", SYNCHRONIZE_LEAVE },
    { "off", SYNCHRONIZE_OFF },
    { "user", SYNCHRONIZE_USER },
    { "all", SYNCHRONIZE_ALL },
    { NULL, 0 },
};

static unsigned number_of(const struct word *words, const char *word)
{
    while (words->word && strcmp(words->word, word) != 0)
        words++;
    assert(words->word);
    return words->number;
}

void network_profiles_clear(struct network_profiles *profiles)
{
    rows_free(&profiles->networks);
    rows_free(&profiles->wireless);
    rows_free(&profiles->wired);
    rows_free(&profiles->written);
}

bool network_profiles_load(struct database *database, struct parameters *names, struct parameters *computers,
                           struct network_profiles *profiles, struct error *err)
{
    return database_run(database, STATEMENT_PROFILE_NETWORKS_OF, names, &profiles->networks, err) &&
           database_run(database, STATEMENT_PROFILE_WIRELESS_OF, names, &profiles->wireless, err) &&
           database_run(database, STATEMENT_PROFILE_WIRED_OF, names, &profiles->wired, err) &&
           database_run(database, STATEMENT_COMPUTER_NETWORKS_OF, computers, &profiles->written, err);
}

static struct eap_settings *make_eap(const struct rows *rows, size_t row, const char *fqdn,
                                     struct secret *password)
{
    struct eap_settings *eap = allocate(sizeof(*eap));
    const char *username = row_text(rows, row, "username");
    const char *match = row_text(rows, row, "server_name_match");
    const unsigned char *root;
    size_t length;

    eap->protocol = number_of(protocols, row_text(rows, row, "eap"));
    eap->username = text_copy(username ? username : fqdn);
    eap->password = password;
    eap->domain = text_copy(row_text(rows, row, "domain"));
    eap->roaming_identity = text_copy(row_text(rows, row, "roaming_identity"));
    eap->server_name = text_copy(row_text(rows, row, "server_name"));
    eap->server_name_match = match && strcmp(match, "suffix") == 0 ? SERVER_NAME_SUFFIX : SERVER_NAME_FULL;
    root = row_bytes(rows, row, "trusted_root", &length);
    bytes_set(&eap->trusted_root, root, length);
    return eap;
}

static bool has_password(const struct rows *written, const struct uuid *uuid, const char *network,
                         uint64_t version)
{
    for (size_t i = 0; i < rows_count(written); i++) {
        const struct uuid owner = row_uuid(written, i, "uuid");

        if (uuid_equal(&owner, uuid) && strcmp(row_text(written, i, "network"), network) == 0)
            return (uint64_t)row_number(written, i, "password_version") == version;
    }
    return false;
}

/* 0: there is no password. */
static uint64_t version_of(const struct rows *rows, size_t row)
{
    return row_is_null(rows, row, "password_version") ? 0
                                                      : (uint64_t)row_number(rows, row, "password_version");
}

static bool put_wireless_profile(const struct network_profiles *profiles, size_t row, struct vault *vault,
                                 const struct network_owner *owner, struct wireless_profile *wireless,
                                 struct error *err)
{
    const struct rows *rows = profiles->wireless;
    const char *name = row_text(rows, row, "name");
    struct secret *secret = NULL;
    char place[VAULT_PLACE_SIZE];

    vault_place_profile_wireless(row_text(rows, row, "profile"), name, place);
    if (!sealed_row_open(vault, rows, row, place, &secret, err))
        return error_during(err, "wireless profile %s", name);
    wireless->name = text_copy(name);
    wireless->ssid = text_copy(row_text(rows, row, "ssid"));
    wireless->priority = (uint32_t)row_number(rows, row, "priority");
    wireless->authentication = number_of(authentications, row_text(rows, row, "authentication"));
    wireless->encryption = number_of(encryptions, row_text(rows, row, "encryption"));
    if (row_is_null(rows, row, "eap"))
        wireless->passphrase = secret;
    else
        wireless->eap = make_eap(rows, row, owner->fqdn, secret);
    wireless->password_version = version_of(rows, row);
    wireless->password_changed =
        wireless->password_version &&
        !has_password(profiles->written, owner->uuid, name, wireless->password_version);
    return true;
}

static bool put_wireless(const struct network_profiles *profiles, struct vault *vault,
                         const struct network_owner *owner, struct profile *profile, struct error *err)
{
    const struct rows *rows = profiles->wireless;
    struct wireless_settings *wireless = profile->wireless;

    wireless->profiles = allocate(rows_count(rows) * sizeof(*wireless->profiles));
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (strcmp(row_text(rows, i, "profile"), profile->name) == 0 &&
            !put_wireless_profile(profiles, i, vault, owner, &wireless->profiles[wireless->count++], err))
            return false;
    }
    return true;
}

static bool put_wired(const struct network_profiles *profiles, size_t row, struct vault *vault,
                      const struct network_owner *owner, struct profile *profile, struct error *err)
{
    const struct rows *rows = profiles->wired;
    struct wired_8021x *wired;
    struct secret *password = NULL;
    char place[VAULT_PLACE_SIZE];

    vault_place_profile_wired(profile->name, place);
    if (!sealed_row_open(vault, rows, row, place, &password, err))
        return error_during(err, "wired 802.1X");
    wired = profile->wired_8021x = allocate(sizeof(*wired));
    wired->pxe_timeout_s = (uint32_t)row_number(rows, row, "pxe_timeout_s");
    wired->active_in_s0 = row_bool(rows, row, "active_in_s0");
    if (row_bool(rows, row, "enabled"))
        wired->eap = make_eap(rows, row, owner->fqdn, password);
    wired->password_version = version_of(rows, row);
    wired->password_changed =
        wired->password_version && !has_password(profiles->written, owner->uuid, "", wired->password_version);
    return true;
}

static void put_network(const struct rows *rows, size_t row, struct profile *profile)
{
    if (strcmp(row_text(rows, row, "wireless"), "managed") == 0) {
        profile->wireless = allocate(sizeof(*profile->wireless));
        profile->wireless->synchronization =
            number_of(synchronizations, row_text(rows, row, "wireless_synchronization"));
    }
    if (!row_is_null(rows, row, "kvm_session_timeout_min"))
        profile->kvm_session_timeout_min = (uint32_t)row_number(rows, row, "kvm_session_timeout_min");
    if (!row_is_null(rows, row, "kvm_consent_timeout_s"))
        profile->kvm_consent_timeout_s = (uint32_t)row_number(rows, row, "kvm_consent_timeout_s");
}

bool network_profiles_put(const struct network_profiles *profiles, struct vault *vault,
                          const struct network_owner *owner, struct profile *profile, struct error *err)
{
    for (size_t i = 0; i < rows_count(profiles->networks); i++) {
        if (strcmp(row_text(profiles->networks, i, "profile"), profile->name) == 0)
            put_network(profiles->networks, i, profile);
    }
    for (size_t i = 0; i < rows_count(profiles->wired); i++) {
        if (strcmp(row_text(profiles->wired, i, "profile"), profile->name) == 0 &&
            !put_wired(profiles, i, vault, owner, profile, err))
            return false;
    }
    return !profile->wireless || put_wireless(profiles, vault, owner, profile, err);
}
