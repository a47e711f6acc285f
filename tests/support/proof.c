#include "support/proof.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"

enum { CLOCK_OFF_MOST_S = 2, STATE_POST = 2, MODE_ADMIN = 2 };

const struct proof_profile proof_of_default_profile = {
    .ping = true, .web_interface = true, .serial_over_lan = true, .ide_redirection = true, .always_on = true
};

static bool md5_hex(const char *text, char hex[33])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (EVP_Digest(text, strlen(text), hash, &length, EVP_md5(), NULL) != 1 || length != 16)
        return false;
    hex_encode(hash, length, hex);
    return true;
}

/* RFC 2617 3.2.2.2: A1 is user:realm:password. */
static bool digest_matches(const char *user, const char *realm, const char *password, const char *digest_hex)
{
    AUTO(text_free) char *a1 = text_format("%s:%s:%s", user, realm, password);
    char hex[33];

    return md5_hex(a1, hex) && strcmp(hex, digest_hex) == 0;
}

static bool read_escrow(struct site *site, const struct computer *computer, const char *kind, char **password,
                        struct error *err)
{
    if (!site_amtctl(site, password, err, "secret", "show", computer->uuid, kind, NULL))
        return false;
    (*password)[strcspn(*password, "\n")] = '\0';
    return true;
}

static bool check_password(struct site *site, const struct computer *computer, json_object *state,
                           struct error *err)
{
    AUTO(text_free) char *password = NULL;

    if (!read_escrow(site, computer, "admin", &password, err))
        return false;
    if (!digest_matches(json_text_at(state, "admin_username"), json_text_at(state, "digest_realm"), password,
                        json_text_at(state, "admin_digest_hex")))
        return error_set(err, ERROR_REFUSED, "the firmware's admin password is not the one in escrow");
    return true;
}

static bool check_state(json_object *state, struct error *err)
{
    if (json_number_at(state, "provisioning_state") != STATE_POST)
        return error_set(err, ERROR_REFUSED, "provisioning state is %s, not 2 (post)",
                         json_text_at(state, "provisioning_state"));
    if (json_number_at(state, "control_mode") != MODE_ADMIN)
        return error_set(err, ERROR_REFUSED, "control mode is %s, not 2 (admin)",
                         json_text_at(state, "control_mode"));
    return true;
}

static bool check_clock(json_object *state, struct error *err)
{
    json_object *offset = json_at(state, "clock_offset");

    if (!offset || llabs(json_object_get_int64(offset)) > CLOCK_OFF_MOST_S)
        return error_set(err, ERROR_REFUSED, "the clock is %s s off",
                         offset ? json_object_get_string(offset) : "?");
    return true;
}

static bool check_names(const struct site *site, const struct computer *computer, json_object *state,
                        struct error *err)
{
    if (strcmp(json_text_at(state, "general_settings.HostName"), computer->short_name) != 0 ||
        strcmp(json_text_at(state, "general_settings.DomainName"), site->dns_suffix) != 0)
        return error_set(err, ERROR_REFUSED, "host name and domain are %s and %s, not %s and %s",
                         json_text_at(state, "general_settings.HostName"),
                         json_text_at(state, "general_settings.DomainName"), computer->short_name,
                         site->dns_suffix);
    return true;
}

/* The certificate that TLS serves must be one of the store, with a key in the store. */
static bool check_certificate(const struct site *site, const struct computer *computer, json_object *state,
                              struct error *err)
{
    json_object *wanted = json_at(state, "tls.effective.credential_certificate");
    json_object *certificates = json_at(state, "certificates");

    if (!json_true_at(state, "tls.effective.network.Enabled") || !wanted)
        return error_set(err, ERROR_REFUSED, "TLS is not enabled, or has no certificate");
    for (size_t i = 0; certificates && i < json_object_array_length(certificates); i++) {
        json_object *certificate = json_object_array_get_idx(certificates, i);

        if (json_number_at(certificate, "handle") != json_object_get_int64(wanted))
            continue;
        if (!json_at(certificate, "key_handle"))
            return error_set(err, ERROR_REFUSED, "the certificate has no key in the firmware's store");
        return certificate_check_device(json_text_at(certificate, "der"), site->issuer_path, computer->fqdn,
                                        err);
    }
    return error_set(err, ERROR_REFUSED, "the certificate that TLS names is not in the store");
}

static bool wants_user(const struct proof_profile *profile, const char *user)
{
    for (size_t i = 0; profile->users && profile->users[i]; i++) {
        if (strcmp(profile->users[i], user) == 0)
            return true;
    }
    return false;
}

/* Exactly the profile's users, besides admin and the system's own $$ entries (spec O8.1). */
static bool check_acl(json_object *state, const struct proof_profile *profile, struct error *err)
{
    json_object *acl = json_at(state, "acl");
    size_t found = 0, wanted = 0, by_sid = 0;

    while (profile->users && profile->users[wanted])
        wanted++;
    for (size_t i = 0; acl && i < json_object_array_length(acl); i++) {
        json_object *entry = json_object_array_get_idx(acl, i);
        const char *user = json_text_at(entry, "user");

        if (*json_text_at(entry, "sid")) {
            by_sid++;
            continue;
        }
        if (strncmp(user, "$$", 2) == 0 || strcmp(user, json_text_at(state, "admin_username")) == 0)
            continue;
        if (!wants_user(profile, user))
            return error_set(err, ERROR_REFUSED, "the access control list has %s, which the profile has not",
                             user);
        found++;
    }
    if (by_sid != profile->directory_users)
        return error_set(err, ERROR_REFUSED, "the access control list has %zu SIDs, the profile %zu", by_sid,
                         profile->directory_users);
    if (found != wanted)
        return error_set(err, ERROR_REFUSED, "the access control list has %zu users, the profile %zu", found,
                         wanted);
    return true;
}

static bool check_switches(const struct computer *computer, json_object *state,
                           const struct proof_profile *profile, struct error *err)
{
    /* From 16.1 on firmware has no web interface (AMT SDK, release notes): there it can only be off. */
    bool has_web = strtoul(computer->generation, NULL, 10) < 16;
    const struct {
        const char *name, *path;
        bool wanted;
    } switches[] = {
        { "ping", "general_settings.PingResponseEnabled", profile->ping },
        { "web interface", "web_ui", profile->web_interface && has_web },
        { "serial over LAN", "redirection.sol", profile->serial_over_lan },
        { "IDE redirection", "redirection.ider", profile->ide_redirection },
        { "redirection listener", "redirection.ListenerEnabled",
          profile->serial_over_lan || profile->ide_redirection },
    };

    for (size_t i = 0; i < COUNT_OF(switches); i++) {
        if (json_true_at(state, switches[i].path) != switches[i].wanted)
            return error_set(err, ERROR_REFUSED, "%s is %s, the profile says %s", switches[i].name,
                             switches[i].wanted ? "off" : "on", switches[i].wanted ? "on" : "off");
    }
    return true;
}

/* AMT SDK, AMT_SystemPowerScheme: the packages differ in whether AMT wakes in S3 to S5. */
static bool check_power(json_object *state, const struct proof_profile *profile, struct error *err)
{
    const char *description = json_text_at(state, "power_scheme.description");

    if ((strstr(description, "S3") != NULL) != profile->always_on)
        return error_set(err, ERROR_REFUSED, "the power package is \"%s\", the profile says %s", description,
                         profile->always_on ? "always on" : "on in S0 only");
    return true;
}

bool proof_check(struct site *site, const struct computer *computer, const struct proof_profile *profile,
                 struct error *err)
{
    AUTO(json_close) json_object *state = NULL;

    return simulator_state(site->simulator, computer->uuid, &state, err) && check_state(state, err) &&
           check_password(site, computer, state, err) && check_certificate(site, computer, state, err) &&
           check_clock(state, err) && check_names(site, computer, state, err) &&
           check_acl(state, profile, err) && check_switches(computer, state, profile, err) &&
           check_power(state, profile, err);
}

bool proof_check_escrow(struct site *site, const struct computer *computer, struct error *err)
{
    AUTO(json_close) json_object *state = NULL;

    if (!simulator_state(site->simulator, computer->uuid, &state, err))
        return false;
    /* Still the default: the candidates that need no escrow open it. */
    return json_true_at(state, "admin_is_default") || check_password(site, computer, state, err);
}
