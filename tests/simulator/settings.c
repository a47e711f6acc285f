#include "settings.h"

#include "encoding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef bool setter(struct device *device, const char *value, struct error *err);

enum setting_kind { KIND_FLAG, KIND_NUMBER, KIND_TEXT, KIND_CHOICE, KIND_FUNCTION };

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset;       /* in struct device: bool, uint32_t, char * or uint32_t (choice) */
    const char *choices; /* words by blanks, in the order of their numbers */
    uint32_t lowest, highest;
    setter *set;
};

#define FLAG(name, member)                                                                                   \
    {                                                                                                        \
        name, KIND_FLAG, offsetof(struct device, member), NULL, 0, 0, NULL                                   \
    }
#define NUMBER(name, member, lowest, highest)                                                                \
    {                                                                                                        \
        name, KIND_NUMBER, offsetof(struct device, member), NULL, lowest, highest, NULL                      \
    }
#define TEXT(name, member)                                                                                   \
    {                                                                                                        \
        name, KIND_TEXT, offsetof(struct device, member), NULL, 0, 0, NULL                                   \
    }
#define CHOICE(name, member, choices)                                                                        \
    {                                                                                                        \
        name, KIND_CHOICE, offsetof(struct device, member), choices, 0, 0, NULL                              \
    }
#define FUNCTION(name, function)                                                                             \
    {                                                                                                        \
        name, KIND_FUNCTION, 0, NULL, 0, 0, function                                                         \
    }

static setter set_admin_password, set_mebx_password, set_clock_offset, set_otp, set_acl_handles,
    set_commit_cut, set_banner, set_host, set_domain, set_power_scheme;

static const struct setting settings[] = {
    /* the device */
    FUNCTION("admin-password", set_admin_password),
    FUNCTION("mebx-password", set_mebx_password),
    CHOICE("mebx-policy", mebx_policy, "default-only setup any"),
    TEXT("suffix", suffix),
    TEXT("option15", option15),
    TEXT("transcript", transcript),
    FUNCTION("hash", setting_add_hash),
    FUNCTION("otp", set_otp),
    FUNCTION("clock-offset", set_clock_offset),
    FLAG("clock-valid", clock_set),
    CHOICE("state", state, "pre in post"),
    CHOICE("hello", hello_mode, "schedule manual"),
    FUNCTION("host", set_host),
    FUNCTION("domain", set_domain),
    CHOICE("amt", presence, "on off absent"),
    FLAG("link-down", link_down),
    FLAG("zero-touch", zero_touch),
    FLAG("mobile", mobile),
    FLAG("twin", twin),
    FLAG("wifi", wifi),
    TEXT("wifi-connected", wifi_connected),
    FLAG("kvm-by-mebx", kvm_by_mebx),
    FLAG("auditor-lock", auditor_lock),
    NUMBER("consent-modifiable", consent_modifiable, 0, 1),
    FUNCTION("power-scheme", set_power_scheme),
    FLAG("rng-seeded", seeded),
    /* where published descriptions leave the behaviour open */
    CHOICE("challenge", switches.challenge, "auto yes no"),
    FLAG("challenge-after-admin", switches.challenge_after_admin),
    NUMBER("alert", switches.alert, 40, 80),
    NUMBER("chain-max", switches.chain_max, 1, 10),
    FLAG("one-setup-connection", switches.one_setup_connection),
    FLAG("alternative-names", switches.read_alternative_names),
    NUMBER("nonce-uses", switches.nonce.uses, 0, UINT32_MAX),
    NUMBER("nonce-seconds", switches.nonce.seconds, 0, UINT32_MAX),
    FLAG("stale", switches.stale_shown),
    NUMBER("restart-ms", switches.restart_ms, 0, 3600000),
    FUNCTION("commit-cut", set_commit_cut),
    CHOICE("realm", switches.realm_form, "auto uuid random"), /* from the next reset on */
    CHOICE("identity-dates", switches.identity_dates, "auto valid invalid"),
    CHOICE("resumption", switches.resumption, "auto yes no"),
    CHOICE("renegotiation-info", switches.renegotiation_info, "auto yes no"),
    NUMBER("setup-chain-bytes", switches.setup_chain_bytes, 0, UINT32_MAX),
    FLAG("wsman-in-setup", switches.wsman_in_setup),
    FLAG("eoi-strict", switches.eoi_strict),
    NUMBER("request-bits", switches.request_bits, 1024, 2048),
    CHOICE("commit-wants-seed", switches.commit_wants_seed, "auto yes no"),
    FLAG("local-tls-blocks-commit", switches.local_tls_blocks_commit),
    CHOICE("commit-wants-mebx", switches.commit_wants_mebx, "auto yes no"),
    FUNCTION("acl-handles", set_acl_handles),
    NUMBER("acl-page", switches.acl_page, 1, ACL_MAX),
    NUMBER("pull-page", switches.pull_page, 1, 1000),
    NUMBER("domains-max", switches.domains_max, 1, ACL_MAX_KERBEROS),
    FLAG("revocations-ignored", switches.revocations_ignored),
    CHOICE("otp-padding", switches.otp_padding, "auto yes no"),
    CHOICE("after-unprovision", switches.after_unprovision, "auto pre in"),
    NUMBER("internal-fault-status", switches.internal_fault_status, 400, 500),
    NUMBER("window", switches.window_h, 0, 255),
    FUNCTION("banner", set_banner),
};

static const struct setting *find(const char *name)
{
    for (size_t i = 0; i < LENGTH(settings); i++)
        if (!strcmp(settings[i].name, name))
            return &settings[i];
    return NULL;
}

/* ---- single settings ---- */

static bool set_admin_password(struct device *device, const char *value, struct error *err)
{
    (void)err;
    device_set_admin_password(device, value);
    device->admin_is_default = !*value;
    if (device->generation->admin_as_mebx)
        device_default_admin(device);
    device_acl_changed(device);
    return true;
}

static bool set_mebx_password(struct device *device, const char *value, struct error *err)
{
    (void)err;
    replace_text(&device->mebx_password, value);
    device->mebx_is_default = !strcmp(value, factory_password);
    if (device->generation->admin_as_mebx)
        device_default_admin(device);
    return true;
}

static bool set_clock_offset(struct device *device, const char *value, struct error *err)
{
    char *end;
    long long seconds;

    errno = 0;
    seconds = strtoll(value, &end, 10);
    if (end == value || *end || errno)
        return error_set(err, "clock-offset: \"%s\" is not a number of seconds", value);
    device->clock_offset_s = device->initial_clock_offset_s = seconds;
    return true;
}

static bool set_otp(struct device *device, const char *value, struct error *err)
{
    size_t length = strlen(value);

    if (length && (length < 8 || length > OTP_MAX))
        return error_set(err, "otp: 8 to 32 bytes, or empty for none");
    memcpy(device->otp, value, length);
    device->otp_length = length;
    return true;
}

static bool set_one_of(const char *name, const char *value, const char *yes, const char *no, bool *flag,
                       struct error *err)
{
    if (strcmp(value, yes) && strcmp(value, no))
        return error_set(err, "%s: \"%s\" is neither %s nor %s", name, value, yes, no);
    *flag = !strcmp(value, yes);
    return true;
}

static bool set_acl_handles(struct device *device, const char *value, struct error *err)
{
    return set_one_of("acl-handles", value, "renumber", "stable", &device->switches.acl_renumbered, err);
}

static bool set_commit_cut(struct device *device, const char *value, struct error *err)
{
    return set_one_of("commit-cut", value, "before", "after", &device->switches.cut_before_answer, err);
}

static bool set_banner(struct device *device, const char *value, struct error *err)
{
    return set_one_of("banner", value, "short", "full", &device->switches.short_banner, err);
}

static bool set_host(struct device *device, const char *value, struct error *err)
{
    (void)err;
    replace_text(&device->general.host, value);
    return true;
}

static bool set_domain(struct device *device, const char *value, struct error *err)
{
    (void)err;
    replace_text(&device->general.domain, value);
    return true;
}

static bool set_power_scheme(struct device *device, const char *value, struct error *err)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);

    if (end == value || *end || number >= power_schemes(device))
        return error_set(err, "power-scheme: \"%s\" is not a number from 0 to %u", value,
                         power_schemes(device) - 1);
    device->power_scheme = (uint32_t)number;
    return true;
}

static bool read_hash(char *text, struct root_hash *hash, struct error *err)
{
    static const char *const names[] = {
        [HASH_SHA1] = "sha1", [HASH_SHA256] = "sha256", [HASH_SHA384] = "sha384"
    };
    char *word, *colon;
    size_t length;

    word = strsep(&text, ",");
    colon = strchr(word, ':');
    if (!colon)
        return error_set(err, "hash: \"%s\" is not ALGORITHM:HEX", word);
    *colon = '\0';
    hash->algorithm = HASH_SHA1;
    while (hash->algorithm < LENGTH(names) && strcmp(names[hash->algorithm], word))
        hash->algorithm++;
    if (hash->algorithm == LENGTH(names))
        return error_set(err, "hash: \"%s\" is none of sha1, sha256, sha384", word);
    if (!hex_decode(colon + 1, hash->digest, sizeof(hash->digest), &length) ||
        length != hash_length(hash->algorithm))
        return error_set(err, "hash: %s wants %zu bytes in hexadecimal", word, hash_length(hash->algorithm));
    while ((word = strsep(&text, ","))) {
        if (!strcmp(word, "inactive"))
            hash->active = false;
        else if (!strcmp(word, "custom"))
            hash->custom = true;
        else
            return error_set(err, "hash: \"%s\" is neither inactive nor custom", word);
    }
    return true;
}

bool setting_add_hash(struct device *device, const char *value, struct error *err)
{
    struct root_hash hash = { .active = true };
    char *text = duplicate(value);
    bool read = read_hash(text, &hash, err);

    free(text);
    if (!read)
        return false;
    if (device->generation && !(device->generation->hash_algorithms & 1u << hash.algorithm))
        return error_set(err, "hash: release %s knows no hashes of this algorithm", device->generation->name);
    device->hashes = reallocate(device->hashes, (device->hash_count + 1) * sizeof(hash));
    device->hashes[device->hash_count++] = hash;
    return true;
}

/* ---- by kind ---- */

static bool set_flag(bool *place, const struct setting *setting, const char *value, struct error *err)
{
    return set_one_of(setting->name, value, "yes", "no", place, err);
}

static bool set_number(uint32_t *place, const struct setting *setting, const char *value, struct error *err)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(value, &end, 10);
    if (end == value || *end || errno || *value == '-' || number < setting->lowest ||
        number > setting->highest)
        return error_set(err, "%s: \"%s\" is not a number from %u to %u", setting->name, value,
                         setting->lowest, setting->highest);
    *place = (uint32_t)number;
    return true;
}

static bool set_choice(uint32_t *place, const struct setting *setting, const char *value, struct error *err)
{
    const char *word = setting->choices;

    for (uint32_t number = 0; *word; number++) {
        size_t length = strcspn(word, " ");

        if (strlen(value) == length && !strncmp(word, value, length)) {
            *place = number;
            return true;
        }
        word += length + strspn(word + length, " ");
    }
    return error_set(err, "%s: \"%s\" is none of: %s", setting->name, value, setting->choices);
}

bool setting_apply(struct device *device, const char *name, const char *value, struct error *err)
{
    const struct setting *setting = find(name);
    void *place;

    if (!setting)
        return error_set(err, "\"%s\" is no setting of a computer", name);
    place = (char *)device + setting->offset;
    switch (setting->kind) {
    case KIND_FLAG:
        return set_flag(place, setting, value, err);
    case KIND_NUMBER:
        return set_number(place, setting, value, err);
    case KIND_CHOICE:
        return set_choice(place, setting, value, err);
    case KIND_TEXT:
        replace_text(place, *value ? value : NULL);
        return true;
    default:
        return setting->set(device, value, err);
    }
}
