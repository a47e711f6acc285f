#include "hello.h"

#include <string.h>

size_t hash_length(uint8_t algorithm)
{
    switch (algorithm) {
    case HASH_SHA1:
        return 20;
    case HASH_SHA256:
        return 32;
    case HASH_SHA384:
        return 48;
    default:
        return 0;
    }
}

static void put_little_endian(unsigned char *out, uint32_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

size_t hello_encode(const struct hello *hello, unsigned char out[HELLO_ROOM])
{
    size_t used = HELLO_FIXED_LENGTH;
    unsigned char sent = 0;

    put_little_endian(out, hello->credentials_set, 2);
    put_little_endian(out + 2, 3, 2);
    put_little_endian(out + 4, hello->retry, 4);
    memcpy(out + 8, hello->uuid, UUID_LENGTH);
    for (size_t i = 0; i < hello->hash_count && sent < HELLO_MAX_HASHES; i++) {
        const struct root_hash *hash = &hello->hashes[i];
        size_t length = hash_length(hash->algorithm);

        if (!hash->active)
            continue;
        out[used] = hash->algorithm;
        out[used + 1] = (unsigned char)length;
        memcpy(out + used + 2, hash->digest, length);
        used += 2 + length;
        sent++;
    }
    out[24] = sent;
    return used;
}

unsigned hello_interval_s(double elapsed_s)
{
    if (elapsed_s < 5 * 60)
        return 60;
    return elapsed_s < 60 * 60 ? 5 * 60 : 60 * 60;
}
