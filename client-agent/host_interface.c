#include "host_interface.h"

#include <ctype.h>
#include <string.h>

#define RESPONSE_BIT 0x00800000u

const uint8_t host_client_amt[HOST_CLIENT_GUID_SIZE] = { 0x28, 0x00, 0xf8, 0x12, 0xb7, 0xb4, 0x2d, 0x4b,
                                                         0xac, 0xa8, 0x46, 0xe0, 0xff, 0x65, 0x81, 0x4c };
const uint8_t host_client_watchdog[HOST_CLIENT_GUID_SIZE] = {
    0x6f, 0x9a, 0xb7, 0x05, 0x28, 0x46, 0x7f, 0x4d, 0x89, 0x9d, 0xa9, 0x15, 0x14, 0xcb, 0x32, 0xab
};

/* ---- writing ---- */

static void put_u16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *out, uint32_t value)
{
    put_u16(out, (uint16_t)value);
    put_u16(out + 2, (uint16_t)(value >> 16));
}

/* Header: version 1.1, reserved, command, length of what follows. */
static uint8_t *begin(struct host_request *request, enum host_command command, size_t payload_length)
{
    memset(request, 0, sizeof(*request));
    request->bytes[0] = request->bytes[1] = 1;
    put_u32(request->bytes + 4, command);
    put_u32(request->bytes + 8, (uint32_t)payload_length);
    request->length = HOST_HEADER_SIZE + payload_length;
    return request->bytes + HOST_HEADER_SIZE;
}

void host_request_wipe(struct host_request *request)
{
    secret_wipe(request, sizeof(*request));
}

void host_request_plain(struct host_request *request, enum host_command command)
{
    begin(request, command, 0);
}

void host_request_number(struct host_request *request, enum host_command command, uint32_t number)
{
    put_u32(begin(request, command, 4), number);
}

/* AMT_ANSI_STRING: u16 length, then the bytes. */
static void put_text(struct host_request *request, enum host_command command, const char *text, size_t length)
{
    uint8_t *payload = begin(request, command, 2 + length);

    put_u16(payload, (uint16_t)length);
    memcpy(payload + 2, text, length);
}

bool host_request_otp(struct host_request *request, const struct secret *otp, struct error *err)
{
    size_t length = secret_length(otp);

    if (length < HOST_OTP_MIN_LENGTH || length > HOST_OTP_MAX_LENGTH)
        return error_set(err, ERROR_INTERNAL, "a one-time password of %zu bytes; AMT takes %d to %d", length,
                         HOST_OTP_MIN_LENGTH, HOST_OTP_MAX_LENGTH);
    put_text(request, HOST_SET_PROVISIONING_SERVER_OTP, secret_reveal(otp), length);
    return true;
}

bool host_request_dns_suffix(struct host_request *request, const char *suffix, struct error *err)
{
    size_t length = strlen(suffix);

    if (length == 0 || length > HOST_DNS_SUFFIX_MAX_LENGTH)
        return error_set(err, ERROR_INPUT, "a DNS suffix of %zu characters; AMT takes 1 to %d", length,
                         HOST_DNS_SUFFIX_MAX_LENGTH);
    put_text(request, HOST_SET_DNS_SUFFIX, suffix, length);
    return true;
}

bool host_request_host_fqdn(struct host_request *request, const char *fqdn, struct error *err)
{
    size_t length = strlen(fqdn);

    if (length == 0 || length > HOST_FQDN_MAX_LENGTH)
        return error_set(err, ERROR_INPUT, "a host name of %zu characters; AMT takes 1 to %d", length,
                         HOST_FQDN_MAX_LENGTH);
    put_text(request, HOST_SET_HOST_FQDN, fqdn, length + 1);
    return true;
}

/* ---- reading ---- */

/* What is left of a reply. A field that is not there fails the reader for good, and reads as zero. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static const uint8_t *take(struct reader *reader, size_t length)
{
    const uint8_t *field = reader->at;

    if (reader->failed || reader->left < length) {
        reader->failed = true;
        return NULL;
    }
    reader->at += length;
    reader->left -= length;
    return field;
}

static uint8_t take_u8(struct reader *reader)
{
    const uint8_t *field = take(reader, 1);

    return field ? field[0] : 0;
}

static uint16_t take_u16(struct reader *reader)
{
    const uint8_t *field = take(reader, 2);

    return field ? (uint16_t)(field[0] | field[1] << 8) : 0;
}

static uint32_t take_u32(struct reader *reader)
{
    uint32_t low = take_u16(reader);

    return low | (uint32_t)take_u16(reader) << 16;
}

static struct reader reader_of(const struct host_reply *reply)
{
    return (struct reader){ reply->payload, reply->length, reply->status != HOST_SUCCESS };
}

static bool finished(const struct reader *reader, const struct host_reply *reply, struct error *err)
{
    if (!reader->failed)
        return true;
    return error_because(err, REASON_MALFORMED_REPLY,
                         "AMT's answer to %s is too short: %zu bytes behind its status",
                         host_command_name(reply->command), reply->length);
}

/* Up to the first NUL; room counts the NUL that is put behind it. */
static void copy_printable(char *out, size_t room, const uint8_t *text, size_t length)
{
    size_t used = 0;

    for (; text && used < length && used + 1 < room && text[used]; used++)
        out[used] = text[used] >= 0x20 && text[used] < 0x7F ? (char)text[used] : '?';
    out[used] = '\0';
}

bool host_reply_read(const uint8_t *bytes, size_t length, enum host_command command, struct host_reply *reply,
                     struct error *err)
{
    struct reader reader = { bytes, length, false };
    uint8_t major = take_u8(&reader), minor = take_u8(&reader);
    uint16_t reserved = take_u16(&reader);
    uint32_t answered = take_u32(&reader), announced = take_u32(&reader), status = take_u32(&reader);
    const char *name = host_command_name(command);

    if (reader.failed)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT's answer to %s has %zu bytes; the shortest has %d", name, length,
                             HOST_REPLY_MIN_SIZE);
    if (major != 1 || minor < 1 || reserved != 0)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT's answer to %s has version %u.%u and %u in a reserved field", name, major,
                             minor, reserved);
    if (answered != ((uint32_t)command | RESPONSE_BIT))
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT answered %08x to %s (%08x); another program may use the same device",
                             answered, name, (unsigned)command);
    if (announced != length - HOST_HEADER_SIZE)
        return error_because(err, REASON_MALFORMED_REPLY, "AMT's answer to %s announces %u bytes and has %zu",
                             name, announced, length - HOST_HEADER_SIZE);
    *reply = (struct host_reply){ .command = command, .status = status };
    if (status == HOST_SUCCESS) {
        reply->payload = reader.at;
        reply->length = reader.left;
    }
    return true;
}

bool host_reply_succeeded(const struct host_reply *reply, struct error *err)
{
    const char *meaning = host_status_meaning(reply->status);

    if (reply->status == HOST_SUCCESS)
        return true;
    return error_because(err, REASON_FIRMWARE_STATUS, "AMT refused %s: %s (0x%x)%s%s",
                         host_command_name(reply->command), host_status_name(reply->status), reply->status,
                         *meaning ? ": " : "", meaning);
}

bool host_reply_number(const struct host_reply *reply, uint32_t *number, struct error *err)
{
    struct reader reader = reader_of(reply);
    uint32_t read = take_u32(&reader);

    if (!finished(&reader, reply, err))
        return false;
    *number = read;
    return true;
}

bool host_reply_uuid(const struct host_reply *reply, struct uuid *uuid, struct error *err)
{
    struct reader reader = reader_of(reply);
    const uint8_t *wire = take(&reader, 16);

    if (!finished(&reader, reply, err))
        return false;
    uuid_from_smbios(wire, uuid);
    return true;
}

/* AMT_UNICODE_STRING: u16 length, then always 20 bytes. */
static void take_version_text(struct reader *reader, char out[21])
{
    uint16_t length = take_u16(reader);
    const uint8_t *text = take(reader, 20);

    copy_printable(out, 21, text, length);
}

bool host_reply_versions(const struct host_reply *reply, struct host_versions *versions, struct error *err)
{
    struct reader reader = reader_of(reply);
    struct host_versions read = { .count = 0 };
    const uint8_t *bios = take(&reader, 65);
    uint32_t count = take_u32(&reader);

    copy_printable(read.bios, sizeof(read.bios), bios, 65);
    if (count > HOST_VERSIONS_MAX)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT's answer to GetCodeVersions announces %u versions; at most %d are possible",
                             count, HOST_VERSIONS_MAX);
    for (; read.count < count; read.count++) {
        take_version_text(&reader, read.entries[read.count].description);
        take_version_text(&reader, read.entries[read.count].version);
    }
    if (!finished(&reader, reply, err))
        return false;
    *versions = read;
    return true;
}

bool host_reply_hash_handles(const struct host_reply *reply, struct host_hash_handles *handles,
                             struct error *err)
{
    struct reader reader = reader_of(reply);
    struct host_hash_handles read = { .count = take_u32(&reader) };

    if (read.count > HOST_HASHES_MAX)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT's answer to EnumerateHashHandles announces %zu handles; at most %d are "
                             "possible",
                             read.count, HOST_HASHES_MAX);
    for (size_t i = 0; i < read.count; i++)
        read.handles[i] = take_u32(&reader);
    if (!finished(&reader, reply, err))
        return false;
    *handles = read;
    return true;
}

static const struct {
    const char *name;
    size_t length;
} hash_algorithms[] = {
    { "MD5", 16 },     { "SHA-1", 20 },   { "SHA-256", 32 },
    { "SHA-384", 48 }, { "SHA-224", 28 }, { "SHA-512", 64 },
};

bool host_reply_hash(const struct host_reply *reply, struct host_hash *hash, struct error *err)
{
    struct reader reader = reader_of(reply);
    struct host_hash read = { .is_default = take_u32(&reader) != 0 };
    const uint8_t *digest, *name;
    uint16_t name_length;

    read.active = take_u32(&reader) != 0;
    digest = take(&reader, HOST_HASH_MAX_LENGTH);
    read.algorithm = take_u8(&reader);
    name_length = take_u16(&reader);
    name = take(&reader, name_length);
    if (!finished(&reader, reply, err))
        return false;
    if (read.algorithm < COUNT_OF(hash_algorithms))
        read.length = hash_algorithms[read.algorithm].length;
    memcpy(read.digest, digest, read.length);
    copy_printable(read.name, sizeof(read.name), name, name_length);
    *hash = read;
    return true;
}

bool host_reply_lan(const struct host_reply *reply, struct host_lan *lan, struct error *err)
{
    struct reader reader = reader_of(reply);
    struct host_lan read = { .enabled = take_u32(&reader) != 0 };
    const uint8_t *mac;

    read.address = take_u32(&reader);
    read.dhcp = take_u32(&reader) != 0;
    read.dhcp_active = take_u8(&reader) == 1;
    read.link_up = take_u8(&reader) == 1;
    mac = take(&reader, sizeof(read.mac));
    if (!finished(&reader, reply, err))
        return false;
    memcpy(read.mac, mac, sizeof(read.mac));
    *lan = read;
    return true;
}

bool host_reply_text(const struct host_reply *reply, char *text, size_t room, struct error *err)
{
    struct reader reader = reader_of(reply);
    uint16_t length = take_u16(&reader);
    const uint8_t *field = take(&reader, length);

    if (!finished(&reader, reply, err))
        return false;
    if (length >= room)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT's answer to %s is a text of %u bytes; at most %zu are possible",
                             host_command_name(reply->command), length, room - 1);
    copy_printable(text, room, field, length);
    return true;
}

const char *host_version_of(const struct host_versions *versions, const char *description)
{
    for (size_t i = 0; i < versions->count; i++) {
        if (strcmp(versions->entries[i].description, description) == 0)
            return versions->entries[i].version;
    }
    return "";
}

/* One to three digits; *text moves behind them. */
static bool take_release_number(const char **text, unsigned *number)
{
    unsigned value = 0, digits = 0;

    for (; isdigit((unsigned char)**text) && digits < 4; digits++)
        value = value * 10 + (unsigned)(*(*text)++ - '0');
    *number = value;
    return digits >= 1 && digits <= 3;
}

bool host_release(const struct host_versions *versions, unsigned *major, unsigned *minor)
{
    const char *text = host_version_of(versions, "AMT");

    return take_release_number(&text, major) && *text++ == '.' && take_release_number(&text, minor);
}

/* ---- watchdog client ---- */

/* The first two bytes are the watchdog's command and the length of its data; 0x10 ends the sub-command. */
void host_request_change_enabled(struct host_request *request)
{
    static const uint8_t bytes[] = { 0x05, 0x02, 0x51, 0x10 };

    memset(request, 0, sizeof(*request));
    memcpy(request->bytes, bytes, sizeof(bytes));
    request->length = sizeof(bytes);
}

void host_request_operational_state(struct host_request *request, bool on)
{
    const uint8_t bytes[] = { 0x05, 0x03, 0x53, 0x10, on ? 1 : 0 };

    memset(request, 0, sizeof(*request));
    memcpy(request->bytes, bytes, sizeof(bytes));
    request->length = sizeof(bytes);
}

/* One byte of flags; older firmware sends four. */
bool host_reply_change_enabled(const uint8_t *bytes, size_t length, struct host_switch *state,
                               struct error *err)
{
    if (length != 1 && length != 4)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT's answer to IsChangeToAMTEnabled has %zu bytes; it must have 1 or 4",
                             length);
    *state = (struct host_switch){ .change_allowed = bytes[0] & 1, .amt_on = bytes[0] & 2 };
    return true;
}

/* The request's first four bytes again, then a status. */
bool host_reply_operational_state(const uint8_t *bytes, size_t length, struct error *err)
{
    struct reader reader = { bytes, length, false };
    uint32_t status;

    take(&reader, 4);
    status = take_u32(&reader);
    if (reader.failed)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "AMT's answer to SetAmtOperationalState has %zu bytes; it must have 8", length);
    if (status != HOST_SUCCESS)
        return error_because(err, REASON_FIRMWARE_STATUS, "AMT refused to be switched on: %s (0x%x)",
                             host_status_name(status), status);
    return true;
}

/* ---- words ---- */

static const struct {
    enum host_command command;
    const char *name;
} commands[] = {
    { HOST_GET_PROVISIONING_STATE, "GetProvisioningState" },
    { HOST_GET_CODE_VERSIONS, "GetCodeVersions" },
    { HOST_GENERATE_RNG_SEED, "GenerateRngSeed" },
    { HOST_START_CONFIGURATION, "StartConfiguration" },
    { HOST_SET_PROVISIONING_SERVER_OTP, "SetProvisioningServerOTP" },
    { HOST_ENUMERATE_HASH_HANDLES, "EnumerateHashHandles" },
    { HOST_GET_CERTIFICATE_HASH_ENTRY, "GetCertificateHashEntry" },
    { HOST_GET_RNG_SEED_STATUS, "GetRngSeedStatus" },
    { HOST_SET_DNS_SUFFIX, "SetPkiFQDNSuffix" },
    { HOST_GET_ZERO_TOUCH_ENABLED, "GetZeroTouchEnabled" },
    { HOST_GET_DNS_SUFFIX, "GetPkiFQDNSuffix" },
    { HOST_GET_LAN_INTERFACE_SETTINGS, "GetLanInterfaceSettings" },
    { HOST_SET_HOST_FQDN, "SetHostFQDN" },
    { HOST_GET_UUID, "GetUUID" },
    { HOST_STOP_CONFIGURATION, "StopConfiguration" },
    { HOST_START_CONFIGURATION_EX, "StartConfigurationEx" },
    { HOST_GET_CONTROL_MODE, "GetControlMode" },
};

const char *host_command_name(enum host_command command)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (commands[i].command == command)
            return commands[i].name;
    }
    return "an unknown command";
}

const char *host_hash_algorithm_name(uint8_t algorithm)
{
    return algorithm < COUNT_OF(hash_algorithms) ? hash_algorithms[algorithm].name : "unknown";
}
