#include "seen.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"

struct slot {
    uint8_t key[SEEN_KEY_BYTES];
    size_t line; /* 0: free */
};

struct seen { /* open addressing; at most three quarters full */
    struct slot *slots;
    size_t room, count; /* room is a power of two */
};

struct seen *seen_new(void)
{
    struct seen *seen = allocate(sizeof(*seen));

    seen->room = 1024;
    seen->slots = allocate(seen->room * sizeof(*seen->slots));
    return seen;
}

void seen_free(struct seen **seen)
{
    if (*seen) {
        free((*seen)->slots);
        free(*seen);
    }
    *seen = NULL;
}

/* FNV-1a; UUIDs of one vendor differ in few bytes, so all of them count. */
static uint64_t hash(const uint8_t key[SEEN_KEY_BYTES])
{
    uint64_t value = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < SEEN_KEY_BYTES; i++)
        value = (value ^ key[i]) * UINT64_C(1099511628211);
    return value ^ value >> 32;
}

static struct slot *find(struct seen *seen, const uint8_t key[SEEN_KEY_BYTES])
{
    size_t at = hash(key) & (seen->room - 1);

    while (seen->slots[at].line && memcmp(seen->slots[at].key, key, SEEN_KEY_BYTES) != 0)
        at = (at + 1) & (seen->room - 1);
    return &seen->slots[at];
}

static void grow(struct seen *seen)
{
    struct seen larger = { .room = seen->room * 2, .count = seen->count };

    larger.slots = allocate(larger.room * sizeof(*larger.slots));
    for (size_t i = 0; i < seen->room; i++) {
        if (seen->slots[i].line)
            *find(&larger, seen->slots[i].key) = seen->slots[i];
    }
    free(seen->slots);
    *seen = larger;
}

size_t seen_add(struct seen *seen, const uint8_t key[SEEN_KEY_BYTES], size_t line)
{
    struct slot *slot = find(seen, key);

    if (slot->line)
        return slot->line;
    if (seen->count >= seen->room / 4 * 3) {
        grow(seen);
        slot = find(seen, key);
    }
    memcpy(slot->key, key, SEEN_KEY_BYTES);
    slot->line = line;
    seen->count++;
    return 0;
}

void seen_key(const char *text, uint8_t key[SEEN_KEY_BYTES])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];

    SHA256((const uint8_t *)text, strlen(text), digest);
    memcpy(key, digest, SEEN_KEY_BYTES);
}
