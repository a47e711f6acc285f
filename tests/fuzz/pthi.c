/* Any bytes are a reply of the host interface to any command, or are refused; nothing is read behind their
 * end. The first byte chooses the command. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client-agent/host_interface.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_versions(const struct host_reply *reply, struct error *err)
{
    struct host_versions versions;
    unsigned major, minor;

    if (host_reply_versions(reply, &versions, err) && host_release(&versions, &major, &minor) && major > 999)
        abort();
}

static void read_hash(const struct host_reply *reply, struct error *err)
{
    struct host_hash hash;

    if (host_reply_hash(reply, &hash, err) &&
        (hash.length > sizeof(hash.digest) || strlen(hash.name) >= sizeof(hash.name)))
        abort();
}

static void read_handles(const struct host_reply *reply, struct error *err)
{
    struct host_hash_handles handles;

    if (host_reply_hash_handles(reply, &handles, err) && handles.count > HOST_HASHES_MAX)
        abort();
}

static void read_others(const struct host_reply *reply, struct error *err)
{
    char text[HOST_DNS_SUFFIX_MAX_LENGTH + 1];
    struct host_lan lan;
    struct uuid uuid;
    uint32_t number;

    if (host_reply_text(reply, text, sizeof(text), err) && strlen(text) >= sizeof(text))
        abort();
    if (!host_reply_lan(reply, &lan, err) || !host_reply_uuid(reply, &uuid, err) ||
        !host_reply_number(reply, &number, err))
        return;
    if (reply->length < 4)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum host_command commands[] = {
        HOST_GET_CODE_VERSIONS,          HOST_GET_CERTIFICATE_HASH_ENTRY,
        HOST_ENUMERATE_HASH_HANDLES,     HOST_GET_UUID,
        HOST_GET_LAN_INTERFACE_SETTINGS, HOST_GET_DNS_SUFFIX,
        HOST_GET_PROVISIONING_STATE,
    };
    struct host_switch state;
    struct host_reply reply;
    struct error err = { 0 };

    if (size == 0)
        return 0;
    if (!host_reply_change_enabled(data + 1, size - 1, &state, &err) &&
        !host_reply_operational_state(data + 1, size - 1, &err) && !*err.message)
        abort();
    if (!host_reply_read(data + 1, size - 1, commands[data[0] % COUNT_OF(commands)], &reply, &err) ||
        !host_reply_succeeded(&reply, &err))
        return 0;
    read_versions(&reply, &err);
    read_hash(&reply, &err);
    read_handles(&reply, &err);
    read_others(&reply, &err);
    return 0;
}
