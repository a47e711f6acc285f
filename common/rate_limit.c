#include "rate_limit.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ownership.h"

#define PLACES      16    /* that one name may be found at */
#define TOKEN_PARTS 60000 /* of a token: so many come for each that a minute brings, in milliseconds */

struct bucket {
    char name[RATE_NAME_SIZE]; /* empty: nobody's */
    int64_t parts;             /* of tokens, when it was looked at last */
    int64_t looked_ms;
};

struct rate_limit {
    struct bucket *buckets;
    size_t count;
    int64_t per_minute, most_parts;
    uint64_t seed; /* so that nobody can choose names that meet at the same places */
};

struct rate_limit *rate_limit_new(uint32_t per_minute, uint32_t burst, size_t names)
{
    struct rate_limit *limit = allocate(sizeof(*limit));

    limit->count = names < PLACES ? PLACES : names;
    limit->buckets = allocate(limit->count * sizeof(*limit->buckets));
    limit->per_minute = per_minute;
    limit->most_parts = (int64_t)burst * TOKEN_PARTS;
    if (RAND_bytes((unsigned char *)&limit->seed, sizeof(limit->seed)) != 1)
        abort(); /* without random numbers nothing here is safe */
    return limit;
}

void rate_limit_free(struct rate_limit **limit)
{
    if (*limit)
        free((*limit)->buckets);
    free(*limit);
    *limit = NULL;
}

/* FNV-1a, begun with the seed. */
static uint64_t hash_of(const struct rate_limit *limit, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u ^ limit->seed;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash ^ (hash >> 32);
}

static int64_t parts_now(const struct rate_limit *limit, const struct bucket *bucket, int64_t now_ms)
{
    int64_t passed_ms = now_ms - bucket->looked_ms;
    int64_t missing = limit->most_parts - bucket->parts;

    if (!bucket->name[0] || passed_ms >= missing / limit->per_minute + 1)
        return limit->most_parts;
    return bucket->parts + passed_ms * limit->per_minute;
}

/* Its own, or that of the place where least is lost. */
static struct bucket *find_bucket(struct rate_limit *limit, const char *name, int64_t now_ms)
{
    size_t first = (size_t)(hash_of(limit, name) % limit->count);
    struct bucket *fullest = NULL;
    int64_t most = -1;

    for (size_t i = 0; i < PLACES; i++) {
        struct bucket *bucket = &limit->buckets[(first + i) % limit->count];
        int64_t parts = parts_now(limit, bucket, now_ms);

        if (strcmp(bucket->name, name) == 0)
            return bucket;
        if (parts > most) {
            most = parts;
            fullest = bucket;
        }
    }
    snprintf(fullest->name, sizeof(fullest->name), "%s", name);
    fullest->parts = limit->most_parts;
    fullest->looked_ms = now_ms;
    return fullest;
}

bool rate_limit_passes(struct rate_limit *limit, const char *name, int64_t now_ms)
{
    struct bucket *bucket = find_bucket(limit, name, now_ms);

    bucket->parts = parts_now(limit, bucket, now_ms);
    bucket->looked_ms = now_ms;
    if (bucket->parts < TOKEN_PARTS)
        return false;
    bucket->parts -= TOKEN_PARTS;
    return true;
}

char *rate_name_of_address(const char *address, char *out)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET6, address, bytes) == 1)
        snprintf(out, RATE_NAME_SIZE, "%02x%02x:%02x%02x:%02x%02x:%02x%02x/64", bytes[0], bytes[1], bytes[2],
                 bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
    else
        snprintf(out, RATE_NAME_SIZE, "%s", *address ? address : "?");
    return out;
}
