/*
 * service_setup.c - setup, passwords, commit and unprovisioning: SecurityAdministration.
 */
#include "service.h"

#include <stdlib.h>
#include <string.h>

enum {
    MODE_ENTERPRISE = 1,
    MODE_SMALL_BUSINESS = 2,
    SEED_TYPE_RAW = 20,
    SEED_TYPE_OTHER = 21,
    SEED_LONGEST = 256, /* not published [inferred] */
    OTP_SHORTEST = 8,
    FQDN_LONGEST = 255,
};

/* ---- mode ---- */

static uint32_t set_mode(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t mode = 0;

    (void)out;
    value_number(input, "ProvisioningMode", &mode);
    if (mode != MODE_ENTERPRISE && mode != MODE_SMALL_BUSINESS)
        return AMT_INVALID_PROVISIONING_STATE; /* the code for an unknown mode */
    if (call->device->state == STATE_POST)
        return AMT_INVALID_MODE;
    call->device->mode = mode;
    return AMT_SUCCESS;
}

static uint32_t unprovision(struct call *call, const xmlNode *input, struct text *out)
{
    const struct class *class = class_find(SCHEMA_AMT "AMT_SetupAndConfigurationService");
    uint32_t mode = 0;

    value_number(input, "ProvisioningMode", &mode);
    return mode > MODE_SMALL_BUSINESS ? AMT_INVALID_PARAMETER
                                      : class_method(class, "Unprovision")->run(call, input, out);
}

/* Nothing here wears out, so there is nothing to reset; "misbehave ... return 38" plays a worn-out flash. */
static uint32_t reset_wear_out(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    (void)out;
    return AMT_SUCCESS;
}

/* ---- random generator, keys of the next setup ---- */

static uint32_t set_seed(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *key = value_node(input, "Key");
    unsigned char *data = NULL;
    size_t size = 0;
    uint32_t type = 0, length = 0;

    (void)out;
    value_number(key, "Type", &type);
    value_number(key, "Length", &length);
    value_bytes(key, "Data", &data, &size);
    OPENSSL_clear_free(data, size);
    if ((type != SEED_TYPE_RAW && type != SEED_TYPE_OTHER) || length != size || !size || size > SEED_LONGEST)
        return AMT_INVALID_PARAMETER;
    call->device->seeded = true;
    return AMT_SUCCESS;
}

/* So many of A to Z and 0 to 9, without the dashes that people print. */
static bool read_characters(const xmlNode *input, const char *name, size_t length, char *place)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    bool good;

    value_bytes(input, name, &bytes, &size);
    good = size == length;
    for (size_t i = 0; good && i < size; i++)
        good = bytes[i] && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", bytes[i]);
    if (good) {
        memcpy(place, bytes, size);
        place[size] = '\0';
    }
    OPENSSL_clear_free(bytes, size);
    return good;
}

static uint32_t set_psk(struct call *call, const xmlNode *input, struct text *out)
{
    char pid[PID_LENGTH + 1], pps[PPS_LENGTH + 1];

    (void)out;
    if (!read_characters(input, "PID", PID_LENGTH, pid))
        return AMT_INVALID_PID_FORMAT;
    if (!read_characters(input, "PPS", PPS_LENGTH, pps))
        return AMT_INVALID_PPS_FORMAT;
    memcpy(call->device->pid, pid, sizeof(pid));
    memcpy(call->device->pps, pps, sizeof(pps));
    return AMT_SUCCESS;
}

static uint32_t get_pid(struct call *call, const xmlNode *input, struct text *out)
{
    unsigned char pid[PID_LENGTH] = { 0 }; /* zeros: none */

    (void)input;
    memcpy(pid, call->device->pid, strlen(call->device->pid));
    write_bytes(out, "PID", pid, sizeof(pid));
    return AMT_SUCCESS;
}

static uint32_t set_otp(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    unsigned char *otp = NULL;
    size_t length = 0;
    enum amt_status status = AMT_SUCCESS;

    (void)out;
    value_bytes(input, "OTP", &otp, &length);
    if (otp && (length < OTP_SHORTEST || length > OTP_MAX)) {
        status = AMT_INVALID_PARAMETER;
    } else {
        if (otp)
            memcpy(device->otp, otp, length);
        device->otp_length = length; /* absent: none from now on */
    }
    OPENSSL_clear_free(otp, length);
    return (uint32_t)status;
}

static uint32_t get_otp(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;
    static const unsigned char none[OTP_MAX];

    (void)input;
    if (device->state != STATE_IN)
        return AMT_NOT_PERMITTED;
    write_bytes(out, "OTP", device->otp_length ? device->otp : none,
                device->otp_length ? device->otp_length : OTP_MAX);
    return AMT_SUCCESS;
}

/* ---- trusted roots of setup ---- */

static struct root_hash *named_hash(struct device *device, const xmlNode *input)
{
    uint32_t handle = UINT32_MAX;

    value_number(input, "Handle", &handle);
    return handle < device->hash_count ? &device->hashes[handle] : NULL;
}

static uint32_t enumerate_hashes(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    for (size_t i = 0; i < call->device->hash_count; i++)
        write_number(out, "Handles", (uint32_t)i);
    return AMT_SUCCESS;
}

static uint32_t get_hash(struct call *call, const xmlNode *input, struct text *out)
{
    const struct root_hash *hash = named_hash(call->device, input);

    if (!hash)
        return AMT_INVALID_HANDLE;
    text_append(out, "<g:CertHashEntry>");
    write_flag(out, "Default", !hash->custom);
    write_flag(out, "Active", hash->active);
    write_number(out, "HashType", hash->algorithm);
    write_bytes(out, "Hash", hash->digest, hash_length(hash->algorithm));
    write_text(out, "FriendlyName", *hash->name ? hash->name : "Root");
    text_append(out, "</g:CertHashEntry>");
    return AMT_SUCCESS;
}

/* False: not an entry of SHA-1, which is all that this interface knows. */
static bool read_hash(const xmlNode *entry, struct root_hash *hash)
{
    AUTO(free_text) char *name = value_text(entry, "FriendlyName");
    unsigned char *digest = NULL;
    size_t length = 0;
    uint32_t type = 0;
    bool by_maker = true;

    *hash = (struct root_hash){ .algorithm = HASH_SHA1, .custom = true };
    value_flag(entry, "Default", &by_maker);
    value_flag(entry, "Active", &hash->active);
    value_number(entry, "HashType", &type);
    value_bytes(entry, "Hash", &digest, &length);
    if (length == hash_length(HASH_SHA1))
        memcpy(hash->digest, digest, length);
    free(digest);
    if (by_maker || type != HASH_SHA1 || length != hash_length(HASH_SHA1) || !*name ||
        strlen(name) >= sizeof(hash->name))
        return false;
    strcpy(hash->name, name);
    return true;
}

static uint32_t add_hash(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    struct root_hash hash;
    unsigned customs = 0;

    if (!read_hash(value_node(input, "CertHashEntry"), &hash))
        return AMT_INVALID_PARAMETER;
    for (size_t i = 0; i < device->hash_count; i++) {
        const struct root_hash *known = &device->hashes[i];

        customs += known->custom;
        if (known->algorithm == HASH_SHA1 && !memcmp(known->digest, hash.digest, hash_length(HASH_SHA1)))
            return AMT_DUPLICATE;
    }
    if (customs >= HASHES_CUSTOM_MAX)
        return AMT_MAX_LIMIT_REACHED;
    device->hashes = reallocate(device->hashes, (device->hash_count + 1) * sizeof(hash));
    device->hashes[device->hash_count++] = hash;
    write_number(out, "Handle", (uint32_t)device->hash_count - 1);
    return AMT_SUCCESS;
}

static uint32_t delete_hash(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    struct root_hash *hash = named_hash(device, input);

    (void)out;
    if (!hash)
        return AMT_INVALID_HANDLE;
    if (!hash->custom)
        return AMT_NOT_PERMITTED;
    memmove(hash, hash + 1, (size_t)(device->hashes + device->hash_count - hash - 1) * sizeof(*hash));
    device->hash_count--;
    return AMT_SUCCESS;
}

static uint32_t enable_hash(struct call *call, const xmlNode *input, struct text *out)
{
    struct root_hash *hash = named_hash(call->device, input);

    (void)out;
    if (!hash)
        return AMT_INVALID_HANDLE;
    value_flag(input, "Enabled", &hash->active);
    return AMT_SUCCESS;
}

/* ---- remote configuration ---- */

static uint32_t set_zero_touch(struct call *call, const xmlNode *input, struct text *out)
{
    (void)out;
    value_flag(input, "Enabled", &call->device->zero_touch);
    return AMT_SUCCESS;
}

static uint32_t get_zero_touch(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_flag(out, "Enabled", call->device->zero_touch);
    return AMT_SUCCESS;
}

static uint32_t set_server(struct call *call, const xmlNode *input, struct text *out)
{
    AUTO(free_text) char *fqdn = value_text(input, "fqdn");

    (void)out;
    if (strlen(fqdn) > FQDN_LONGEST ||
        strspn(fqdn, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(fqdn))
        return AMT_INVALID_PARAMETER;
    replace_text(&call->device->server_fqdn, *fqdn ? fqdn : NULL);
    return AMT_SUCCESS;
}

static uint32_t get_server(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_text(out, "fqdn", call->device->server_fqdn ? call->device->server_fqdn : "");
    return AMT_SUCCESS;
}

/* ---- tables ---- */

static const struct member mode_members[] = { { "ProvisioningMode", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member seed[] = { { "Type", TYPE_NUMBER, REQUIRED, NULL },
                                      { "Length", TYPE_NUMBER, REQUIRED, NULL },
                                      { "Data", TYPE_BASE64, REQUIRED, NULL },
                                      { 0 } };
static const struct member seed_members[] = { { "Key", TYPE_TEXT, REQUIRED, seed }, { 0 } };
static const struct member psk_members[] = { { "PID", TYPE_BASE64, REQUIRED, NULL },
                                             { "PPS", TYPE_BASE64, REQUIRED, NULL },
                                             { 0 } };
static const struct member password_members[] = { { "Password", TYPE_TEXT, REQUIRED, NULL }, { 0 } };
static const struct member otp_members[] = { { "OTP", TYPE_BASE64, 0, NULL }, { 0 } };
static const struct member duration_members[] = { { "Duration", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member handle_members[] = { { "Handle", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member hash[] = {
    { "Default", TYPE_FLAG, REQUIRED, NULL },      { "Active", TYPE_FLAG, REQUIRED, NULL },
    { "HashType", TYPE_BYTE, REQUIRED, NULL },     { "Hash", TYPE_BASE64, REQUIRED, NULL },
    { "FriendlyName", TYPE_TEXT, REQUIRED, NULL }, { 0 }
};
static const struct member hash_members[] = { { "CertHashEntry", TYPE_TEXT, REQUIRED, hash }, { 0 } };
static const struct member enable_hash_members[] = { { "Handle", TYPE_NUMBER, REQUIRED, NULL },
                                                     { "Enabled", TYPE_FLAG, REQUIRED, NULL },
                                                     { 0 } };
static const struct member enabled_members[] = { { "Enabled", TYPE_FLAG, REQUIRED, NULL }, { 0 } };
static const struct member fqdn_members[] = { { "fqdn", TYPE_TEXT, REQUIRED, NULL }, { 0 } };

const struct service_call setup_calls[] = {
    { .name = "GetCoreVersion", .run = service_core_version, .reads_only = true },
    { .name = "GetProvisioningMode", .run = service_mode, .reads_only = true },
    { .name = "SetProvisioningMode", .run = set_mode, .members = mode_members },
    { .name = "SetRngKey", .run = set_seed, .members = seed_members },
    { .name = "SetTLSPSK", .run = set_psk, .members = psk_members },
    { .name = "GetProvisioningPID", .run = get_pid, .reads_only = true },
    { TWIN("AMT_SetupAndConfigurationService", "SetMEBxPassword"), .members = password_members },
    { .name = "SetProvisioningServerOTP", .run = set_otp, .members = otp_members },
    { .name = "GetProvisioningServerOTP", .run = get_otp, .reads_only = true },
    { TWIN("AMT_SetupAndConfigurationService", "ExtendProvisioningPeriod"), .members = duration_members },
    { .name = "EnumerateCertificateHashEntries", .run = enumerate_hashes, .reads_only = true },
    { .name = "GetCertificateHashEntry", .run = get_hash, .members = handle_members, .reads_only = true },
    { .name = "AddCertificateHashEntry", .run = add_hash, .members = hash_members },
    { .name = "DeleteCertificateHashEntry", .run = delete_hash, .members = handle_members },
    { .name = "EnableCertificateHashEntry", .run = enable_hash, .members = enable_hash_members },
    { .name = "GetZeroTouchConfigurationMode", .run = get_zero_touch, .reads_only = true },
    { .name = "SetZeroTouchConfigurationMode", .run = set_zero_touch, .members = enabled_members },
    { .name = "SetConfigurationServerFQDN", .run = set_server, .members = fqdn_members },
    { .name = "GetConfigurationServerFQDN", .run = get_server, .reads_only = true },
    { TWIN("AMT_SetupAndConfigurationService", "CommitChanges") },
    { .name = "ResetFlashWearOutProtection", .run = reset_wear_out },
    { .name = "Unprovision", .run = unprovision, .members = mode_members },
    { TWIN("AMT_SetupAndConfigurationService", "PartialUnprovision") },
    { 0 },
};
