/*
 * rate_limit.h - how often somebody may do something: a bucket of tokens for each name, in a table of fixed
 * size.
 *
 * A bucket fills by itself and gives one token for each time. Names that are not remembered have a full
 * bucket. When the table has no room, the bucket that is fullest is forgotten: its name loses least by it.
 * Pure but for its memory; the clock is a parameter.
 */
#ifndef COMMON_RATE_LIMIT_H
#define COMMON_RATE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_limit; /* opaque: owns its table */

/* per_minute: that fill the bucket, which holds burst; names: how many are remembered, at least 16. */
struct rate_limit *rate_limit_new(uint32_t per_minute, uint32_t burst, size_t names);
void rate_limit_free(struct rate_limit **limit); /* accepts NULL */

/* Takes a token from the bucket of that name; false: there is none. now_ms is monotonic. */
bool rate_limit_passes(struct rate_limit *limit, const char *name, int64_t now_ms);

#define RATE_NAME_SIZE 64
/* What an address counts as, into out[RATE_NAME_SIZE]: an IPv4 address itself, of IPv6 the /64, because every
 * host has that many to choose from (RFC 4291 2.5.4). Returns out. */
char *rate_name_of_address(const char *address, char *out);

#endif
