#include "hello/hello_message.h"

#include <string.h>

#define VERSION_PSK 2
#define VERSION_PKI 3

enum { /* offsets of the fixed part */
       AT_CREDENTIALS = 0,
       AT_VERSION = 2,
       AT_RETRY_COUNT = 4,
       AT_UUID = 8,
       AT_HASH_COUNT = 24,
       FIXED_BYTES = 25,
       HASH_HEAD_BYTES = 2, /* algorithm, length */
};

static const char *const meanings[HELLO_RESULT_COUNT] = {
    [HELLO_TAKEN] = "complete",
    [HELLO_TOO_SHORT] = "ends before its own lengths say",
    [HELLO_PSK] = "asks for setup with a pre-shared key (version 2), which this system does not do",
    [HELLO_WRONG_VERSION] = "is of no known interface version",
    [HELLO_BAD_CREDENTIALS_WORD] = "begins with a word that is neither 0 nor 1",
    [HELLO_UNKNOWN_ALGORITHM] = "names a hash algorithm that is none of 1, 2, 3",
    [HELLO_BAD_HASH_LENGTH] = "gives a hash a length that its algorithm has not",
    [HELLO_DUMMY_UUID] = "carries a placeholder UUID that many boards share",
};

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t read_u32(const uint8_t *at)
{
    return read_u16(at) | (uint32_t)read_u16(at + 2) << 16;
}

static enum hello_result read_hashes(const uint8_t *at, size_t left, struct hello_message *hello)
{
    for (size_t i = 0; i < hello->root_hash_count; i++) {
        struct root_hash *record = &hello->root_hashes[i];

        if (left < HASH_HEAD_BYTES)
            return HELLO_TOO_SHORT;
        record->algorithm = at[0];
        record->length = at[1];
        if (root_hash_length(record->algorithm) == 0)
            return HELLO_UNKNOWN_ALGORITHM;
        if (root_hash_length(record->algorithm) != record->length)
            return HELLO_BAD_HASH_LENGTH;
        if (left < HASH_HEAD_BYTES + (size_t)record->length)
            return HELLO_TOO_SHORT;
        memcpy(record->hash, at + HASH_HEAD_BYTES, record->length);
        at += HASH_HEAD_BYTES + record->length;
        left -= HASH_HEAD_BYTES + (size_t)record->length;
    }
    return HELLO_TAKEN;
}

enum hello_result hello_parse(const void *data, size_t length, struct hello_message *hello)
{
    const uint8_t *bytes = data;
    uint16_t version;
    enum hello_result result;

    if (length < AT_HASH_COUNT)
        return HELLO_TOO_SHORT;
    version = read_u16(bytes + AT_VERSION);
    if (version != VERSION_PSK && version != VERSION_PKI)
        return HELLO_WRONG_VERSION;
    if (read_u16(bytes + AT_CREDENTIALS) > 1)
        return HELLO_BAD_CREDENTIALS_WORD;
    hello->credentials_set = read_u16(bytes + AT_CREDENTIALS) == 1;
    hello->retry_count = read_u32(bytes + AT_RETRY_COUNT);
    uuid_from_smbios(bytes + AT_UUID, &hello->uuid);
    if (version == VERSION_PSK)
        return HELLO_PSK;
    if (length < FIXED_BYTES)
        return HELLO_TOO_SHORT;
    hello->root_hash_count = bytes[AT_HASH_COUNT];
    result = read_hashes(bytes + FIXED_BYTES, length - FIXED_BYTES, hello);
    if (result != HELLO_TAKEN)
        return result;
    return uuid_is_dummy(&hello->uuid) ? HELLO_DUMMY_UUID : HELLO_TAKEN;
}

const char *hello_result_meaning(enum hello_result result)
{
    return meanings[result];
}
