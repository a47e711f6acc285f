/*
 * hello.h - the Hello message with which a computer in setup asks for configuration, and when it is sent.
 *
 * Pure: bytes and numbers, no sockets, no clock. Layout: AMT Implementation and Reference Guide,
 * "Setup mode Hello messages", interface version 3 (PKI).
 */
#ifndef SIMULATOR_HELLO_H
#define SIMULATOR_HELLO_H

#include "uuid.h"

#include <stdint.h>

enum hash_algorithm { HASH_SHA1 = 1, HASH_SHA256 = 2, HASH_SHA384 = 3 };

enum {
    HASH_MAX_LENGTH = 48,
    HELLO_MAX_HASHES = 23, /* the firmware sends no more, for compatibility */
    HELLO_FIXED_LENGTH = 25,
    HELLO_ROOM = HELLO_FIXED_LENGTH + HELLO_MAX_HASHES * (2 + HASH_MAX_LENGTH),
};

/* The hash of the DER encoding of a root certificate that may set this computer up. */
struct root_hash {
    uint8_t algorithm; /* enum hash_algorithm */
    bool active;       /* an inactive one neither counts nor is sent */
    bool custom;       /* not of the manufacturer: a full unprovision erases it */
    unsigned char digest[HASH_MAX_LENGTH];
    char name[33]; /* for people; empty: none was given */
};

struct hello {
    bool credentials_set; /* the administrator's credentials are no longer the factory default */
    uint32_t retry;       /* Hellos sent since setup began; the first says 0 */
    const unsigned char *uuid;
    const struct root_hash *hashes;
    size_t hash_count;
};

size_t hash_length(uint8_t algorithm); /* in bytes; 0: no such algorithm */
size_t hello_encode(const struct hello *hello, unsigned char out[HELLO_ROOM]);
/* Seconds from one Hello to the next, so many seconds after setup began. */
unsigned hello_interval_s(double elapsed_s);

#endif
