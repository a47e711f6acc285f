/*
 * known_set.h - which UUIDs somebody knows, told in few bits: a Bloom filter that nobody can aim at.
 *
 * A UUID of the set is always recognised, one that is not by mistake now and then: in 1 % of cases with ten
 * bits for each, more when there are more UUIDs than KNOWN_SET_MAX_BYTES have room for. The places of a UUID
 * come from AES under a random key, so that a stranger who does not know the key cannot look for UUIDs that
 * are mistaken. It is a hint about who comes first, never a reason to turn somebody away.
 */
#ifndef COMMON_KNOWN_SET_H
#define COMMON_KNOWN_SET_H

#include <stdint.h>

#include "error.h"
#include "uuid.h"

#define KNOWN_SET_KEY_BYTES  16
#define KNOWN_SET_MAX_BYTES  (128 * 1024) /* of the bits: fits in a message */
#define KNOWN_SET_MAX_PROBES 8

struct known_set { /* zero-initialise: empty, which holds nobody */
    unsigned char key[KNOWN_SET_KEY_BYTES];
    uint32_t probes; /* places of each UUID, 1 to 8 */
    struct bytes bits;
};

/* A new set under a new key; on true the caller ends it with known_set_clear(). */
bool known_set_make(struct known_set *set, const struct uuid *uuids, size_t count,
                    struct error *err) MUST_CHECK;
void known_set_clear(struct known_set *set);
void known_set_copy(struct known_set *to, const struct known_set *from); /* to is overwritten */

/* Reads a set again and again: owns a cipher. NULL recognises nobody. */
struct known_set_reader;
struct known_set_reader *known_set_reader_new(const struct known_set *set); /* copies it */
void known_set_reader_free(struct known_set_reader **reader);               /* accepts NULL */
bool known_set_recognises(struct known_set_reader *reader, const struct uuid *uuid);

#endif
