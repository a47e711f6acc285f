#include "root_hash.h"

#include <stdio.h>
#include <string.h>

#include "common/encoding.h"

char *root_hash_text(const struct root_hash *hash, char *out)
{
    int written = snprintf(out, ROOT_HASH_TEXT_SIZE, "%s:", root_hash_algorithm_name(hash->algorithm));

    hex_encode(hash->hash, hash->length, out + written);
    return out;
}

bool root_hash_parse(const char *text, struct root_hash *hash)
{
    for (unsigned algorithm = 1; root_hash_length(algorithm); algorithm++) {
        const char *name = root_hash_algorithm_name(algorithm);
        size_t length = strlen(name);
        struct root_hash parsed = { .algorithm = (uint8_t)algorithm,
                                    .length = (uint8_t)root_hash_length(algorithm) };

        if (strncmp(text, name, length) != 0 || text[length] != ':')
            continue;
        if (!hex_decode(text + length + 1, parsed.hash, parsed.length))
            return false;
        *hash = parsed;
        return true;
    }
    return false;
}

bool root_hash_equal(const struct root_hash *a, const struct root_hash *b)
{
    return a->algorithm == b->algorithm && a->length == b->length && memcmp(a->hash, b->hash, a->length) == 0;
}
