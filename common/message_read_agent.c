/*
 * message_read_agent.c - the messages of the agents' dialogue, from bytes to message.h's structs.
 *
 * Any computer may say these, so that what is taken is as narrow as the field is: a name is a name, an
 * address an address.
 */
#include <arpa/inet.h>
#include <string.h>

#include "message_reader.h"

#define AGENT_ROOTS_MAX     64 /* AMT holds 33 */
#define VERSION_MAX_BYTES   40
#define HOST_NAME_MAX_BYTES 253 /* RFC 1035 2.3.4, as text */
#define LABEL_MAX_BYTES     63
#define EXPIRES_MAX_S       (7 * 86400)
#define COME_BACK_MAX_S     (30 * 86400)

static char *read_version(struct reader *reader, const char *field, const char *text)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-+~";

    if (text && (!*text || strlen(text) > VERSION_MAX_BYTES || text[strspn(text, allowed)])) {
        wrong(reader, field, "is no version");
        return NULL;
    }
    return text_copy(text);
}

/* RFC 1123 2.1: letters, digits and hyphens, in labels; a dot at the end is taken off. */
static bool is_host_name(const char *name, size_t length)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    const char *label = name, *end = name + length;

    if (!length || length > HOST_NAME_MAX_BYTES)
        return false;
    while (label <= end) {
        size_t span = strspn(label, allowed);

        if (!span || span > LABEL_MAX_BYTES || label[0] == '-' || label[span - 1] == '-' ||
            (label[span] != '.' && label + span != end))
            return false;
        label += span + 1;
    }
    return true;
}

static char *read_host_name(struct reader *reader, const char *field, const char *text)
{
    size_t length = text ? strlen(text) : 0;

    if (!text)
        return NULL;
    if (length && text[length - 1] == '.')
        length--;
    if (!is_host_name(text, length)) {
        wrong(reader, field, "is no host name");
        return NULL;
    }
    return text_format("%.*s", (int)length, text);
}

/* Where one computer can be: none that means this host, all hosts, or an IPv4 address in IPv6 clothes (RFC
 * 6890, RFC 4291). */
static bool may_be_a_computers(int family, const unsigned char *bytes)
{
    struct in6_addr address;

    if (family == AF_INET)
        return bytes[0] != 0 && bytes[0] < 224;
    memcpy(&address, bytes, sizeof(address));
    return !IN6_IS_ADDR_UNSPECIFIED(&address) && !IN6_IS_ADDR_MULTICAST(&address) &&
           !IN6_IS_ADDR_LINKLOCAL(&address) && !IN6_IS_ADDR_V4MAPPED(&address) &&
           !IN6_IS_ADDR_V4COMPAT(&address);
}

static void read_wired_address(struct reader *reader, const Amt__WiredAddress *in, struct wired_address *out)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    int family = AF_INET;

    if (!in)
        return;
    if (inet_pton(AF_INET, in->address, bytes) != 1) {
        family = AF_INET6;
        if (inet_pton(AF_INET6, in->address, bytes) != 1) {
            wrong(reader, "address", "is not numeric");
            return;
        }
    }
    if (!may_be_a_computers(family, bytes)) {
        wrong(reader, "address", "is none that a computer has");
        return;
    }
    out->address = text_copy(in->address);
    if (in->has_prefix_bits)
        out->prefix_bits = read_enum(reader, "prefix_bits", in->prefix_bits, 1, family == AF_INET ? 32 : 128);
}

static void read_mac(struct reader *reader, bool present, ProtobufCBinaryData data, struct message_enrol *out)
{
    if (!present)
        return;
    if (data.len != sizeof(out->mac)) {
        wrong(reader, "mac", "has not 6 bytes");
        return;
    }
    memcpy(out->mac, data.data, data.len);
    out->mac_known = true;
}

static void read_sized(struct reader *reader, const char *field, ProtobufCBinaryData data, size_t least,
                       size_t most, struct bytes *out)
{
    if (data.len < least || data.len > most)
        wrong(reader, field, "has not the length that it must have");
    else
        bytes_set(out, data.data, data.len);
}

static struct root_hash *read_agent_roots(struct reader *reader, Amt__RootHash **in, size_t count)
{
    if (count > AGENT_ROOTS_MAX)
        wrong(reader, "root_hashes", "has too many entries");
    return read_root_hashes(reader, in, count);
}

static void read_enrol(struct reader *reader, const Amt__Enrol *in, struct message_enrol *out)
{
    out->token = in->has_token ? read_secret(reader, "token", in->token) : NULL;
    read_uuid(reader, in->uuid, &out->uuid);
    out->agent_version = read_version(reader, "agent_version", in->agent_version);
    out->fqdn = read_host_name(reader, "fqdn", in->fqdn);
    out->amt_version = read_version(reader, "amt_version", in->amt_version);
    read_wired_address(reader, in->wired, &out->wired);
    read_mac(reader, in->has_mac, in->mac, out);
    out->dns_suffix = read_host_name(reader, "dns_suffix", in->dns_suffix);
    out->root_hashes = read_agent_roots(reader, in->root_hashes, in->n_root_hashes);
    out->root_hash_count = in->n_root_hashes;
    out->setup_state = SETUP_UNKNOWN;
    if (in->has_provisioning_state)
        out->setup_state =
            read_enum(reader, "provisioning_state", in->provisioning_state, SETUP_PRE, SETUP_POST);
    out->control_mode = CONTROL_UNKNOWN;
    if (in->has_control_mode)
        out->control_mode = read_enum(reader, "control_mode", in->control_mode, CONTROL_NONE, CONTROL_ADMIN);
    out->amt_disabled = in->has_amt_enabled && !in->amt_enabled;
}

static void read_policy(struct reader *reader, const Amt__Policy *in, struct message_policy *out)
{
    out->provision = in->provision;
    out->reason = read_reason(in->reason);
    out->text = read_text(reader, "text", in->text);
    out->root_hashes = read_root_hashes(reader, in->root_hashes, in->n_root_hashes);
    out->root_hash_count = in->n_root_hashes;
    out->enable_amt = in->enable_amt;
    out->come_back_s = read_enum(reader, "come_back_s", in->come_back_s, 1, COME_BACK_MAX_S);
}

static void read_otp_register(struct reader *reader, const Amt__OtpRegister *in,
                              struct message_otp_register *out)
{
    read_uuid(reader, in->uuid, &out->uuid);
    read_sized(reader, "salt", in->salt, OTP_SALT_LEAST_BYTES, OTP_SALT_MOST_BYTES, &out->salt);
    read_sized(reader, "hash", in->hash, OTP_HASH_BYTES, OTP_HASH_BYTES, &out->hash);
    out->fqdn = read_host_name(reader, "fqdn", in->fqdn);
    out->amt_version = read_version(reader, "amt_version", in->amt_version);
    read_wired_address(reader, in->wired, &out->wired);
}

void read_agent_message(struct reader *reader, const ProtobufCMessage *unpacked, struct message *message)
{
    switch (message->kind) {
    case MESSAGE_ENROL:
        read_enrol(reader, (const Amt__Enrol *)unpacked, &message->enrol);
        break;
    case MESSAGE_ENROLLED:
        message->enrolled.site = read_text(reader, "site", ((const Amt__Enrolled *)unpacked)->site);
        message->enrolled.software_version =
            read_text(reader, "software_version", ((const Amt__Enrolled *)unpacked)->software_version);
        break;
    case MESSAGE_POLICY:
        read_policy(reader, (const Amt__Policy *)unpacked, &message->policy);
        break;
    case MESSAGE_CHECK_FAILED: {
        const Amt__CheckFailed *in = (const Amt__CheckFailed *)unpacked;

        message->check_failed.reason = read_reason(in->reason);
        message->check_failed.text = read_text(reader, "text", in->text);
        message->check_failed.firmware_status = in->firmware_status;
        break;
    }
    case MESSAGE_OTP_REGISTER:
        read_otp_register(reader, (const Amt__OtpRegister *)unpacked, &message->otp_register);
        break;
    case MESSAGE_OTP_REGISTERED:
        message->otp_registered.expires_s = read_enum(
            reader, "expires_s", ((const Amt__OtpRegistered *)unpacked)->expires_s, 1, EXPIRES_MAX_S);
        break;
    case MESSAGE_ACTIVATED: {
        const Amt__Activated *in = (const Amt__Activated *)unpacked;

        read_uuid(reader, in->uuid, &message->activated.uuid);
        read_wired_address(reader, in->wired, &message->activated.wired);
        break;
    }
    default: /* POLICY_WANTED and NOTED say nothing more */
        break;
    }
}
