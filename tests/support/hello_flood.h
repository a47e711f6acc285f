/*
 * hello_flood.h - somebody who wants the service points to hear nobody else: Hellos of computers that do not
 * exist, each from a connection of its own, or connections that say nothing.
 *
 * A thread of its own, from as many addresses of 127.<block>.0.0/16 as it is told. The UUIDs are random.
 */
#ifndef TESTS_SUPPORT_HELLO_FLOOD_H
#define TESTS_SUPPORT_HELLO_FLOOD_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"

struct hello_flood; /* opaque: owns the thread and its sockets */

struct hello_flood_options {
    const char *target;  /* host:port of a service point; borrowed while it is started */
    unsigned block;      /* of the workplace */
    unsigned per_second; /* connections */
    unsigned addresses;  /* that they come from, 1 to 10,000: 127.<block>.210.1 and on */
    unsigned silent;     /* of 100: so many of them say nothing, and stay until they are ended */
};

struct hello_flood_count {
    uint64_t said;   /* Hellos that were sent whole */
    uint64_t silent; /* connections that said nothing */
    uint64_t failed; /* connections that were not taken */
};

bool hello_flood_start(struct hello_flood **flood, const struct hello_flood_options *options,
                       struct error *err) MUST_CHECK;
struct hello_flood_count hello_flood_count(struct hello_flood *flood); /* so far */
void hello_flood_stop(struct hello_flood **flood);                     /* accepts NULL */

#define HELLO_BYTES 59
/* A Hello with one SHA-256 hash (AMT SDK, "Setup mode Hello messages", interface version 3). */
void hello_bytes(uint8_t out[HELLO_BYTES], const struct uuid *uuid);

#endif
