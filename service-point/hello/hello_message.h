/*
 * hello_message.h - the bytes that AMT firmware sends when it wants to be set up (spec O1).
 *
 * A pure function of bytes and length. Layout: AMT SDK, "Setup mode Hello messages", interface version 3;
 * integers are little-endian, the UUID is in SMBIOS order.
 */
#ifndef HELLO_HELLO_MESSAGE_H
#define HELLO_HELLO_MESSAGE_H

#include <stddef.h>

#include "common/message.h"

#define HELLO_MAX_BYTES 16000 /* 255 hash records of SHA-384 and the fixed part are 12,775 */
#define HELLO_MAX_ROOTS 255   /* one byte counts them */

enum hello_result {
    HELLO_TAKEN,
    HELLO_TOO_SHORT, /* ends before its own lengths say; the rest may still be on its way */
    HELLO_PSK,
    HELLO_WRONG_VERSION,
    HELLO_BAD_CREDENTIALS_WORD,
    HELLO_UNKNOWN_ALGORITHM,
    HELLO_BAD_HASH_LENGTH,
    HELLO_DUMMY_UUID,
    HELLO_RESULT_COUNT,
};

struct hello_message {
    bool credentials_set; /* a hint only: the firmware's administrator is no longer the factory's */
    uint32_t retry_count;
    struct uuid uuid;
    size_t root_hash_count;
    struct root_hash root_hashes[HELLO_MAX_ROOTS];
};

/* *hello is complete when the result is HELLO_TAKEN; for HELLO_PSK and HELLO_DUMMY_UUID its uuid is set.
 * Bytes after the last hash are ignored. */
enum hello_result hello_parse(const void *data, size_t length, struct hello_message *hello) MUST_CHECK;
/* One clause for the log. */
const char *hello_result_meaning(enum hello_result result);

#endif
