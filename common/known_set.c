#include "known_set.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define BITS_EACH       10
#define LEAST_BYTES     64
#define UUIDS_AT_A_TIME 1024

_Static_assert(sizeof(struct uuid) == 16, "a UUID is one block of AES");

struct known_set_reader {
    struct known_set set;
    EVP_CIPHER_CTX *cipher;
};

static void cipher_free(EVP_CIPHER_CTX **cipher)
{
    EVP_CIPHER_CTX_free(*cipher);
    *cipher = NULL;
}

static EVP_CIPHER_CTX *cipher_new(const unsigned char *key)
{
    AUTO(cipher_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

    if (!cipher || EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, key, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(cipher, 0) != 1)
        return NULL;
    return TAKE(cipher);
}

static uint64_t number_at(const unsigned char *bytes)
{
    uint64_t number;

    memcpy(&number, bytes, sizeof(number));
    return le64toh(number);
}

/* The n-th place of a UUID, from two halves of its block: as good as so many hashes (Kirsch and Mitzenmacher,
 * "Less Hashing, Same Performance"). */
static size_t place_of(const unsigned char *block, uint32_t n, size_t bit_count)
{
    return (size_t)((number_at(block) + n * (number_at(block + 8) | 1)) % bit_count);
}

static void add_blocks(struct known_set *set, const unsigned char *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (uint32_t n = 0; n < set->probes; n++) {
            size_t place = place_of(blocks + 16 * i, n, 8 * set->bits.length);

            set->bits.data[place / 8] |= (unsigned char)(1u << place % 8);
        }
    }
}

static bool add_all(struct known_set *set, const struct uuid *uuids, size_t count)
{
    AUTO(cipher_free) EVP_CIPHER_CTX *cipher = cipher_new(set->key);
    unsigned char blocks[16 * UUIDS_AT_A_TIME];

    for (size_t done = 0; cipher && done < count;) {
        size_t some = count - done < UUIDS_AT_A_TIME ? count - done : UUIDS_AT_A_TIME;
        int length;

        if (EVP_EncryptUpdate(cipher, blocks, &length, uuids[done].bytes, (int)(16 * some)) != 1)
            return false;
        add_blocks(set, blocks, some);
        done += some;
    }
    return cipher != NULL;
}

/* ln 2 times the bits for each UUID makes the fewest mistakes. */
static uint32_t best_probes(size_t bytes, size_t count)
{
    size_t probes = count ? (8 * bytes * 69 / 100 + count / 2) / count : KNOWN_SET_MAX_PROBES;

    return probes < 1 ? 1 : probes > KNOWN_SET_MAX_PROBES ? KNOWN_SET_MAX_PROBES : (uint32_t)probes;
}

bool known_set_make(struct known_set *set, const struct uuid *uuids, size_t count, struct error *err)
{
    AUTO(known_set_clear) struct known_set making = { 0 };
    size_t bytes = count * BITS_EACH / 8 + 1;

    bytes = bytes < LEAST_BYTES ? LEAST_BYTES : bytes > KNOWN_SET_MAX_BYTES ? KNOWN_SET_MAX_BYTES : bytes;
    making.bits = (struct bytes){ allocate(bytes), bytes };
    making.probes = best_probes(bytes, count);
    if (RAND_bytes(making.key, sizeof(making.key)) != 1 || !add_all(&making, uuids, count))
        return error_set(err, ERROR_INTERNAL, "the set of known computers: OpenSSL gave no key or cipher");
    known_set_copy(set, &making);
    return true;
}

void known_set_copy(struct known_set *to, const struct known_set *from)
{
    *to = *from;
    to->bits = (struct bytes){ 0 };
    bytes_set(&to->bits, from->bits.data, from->bits.length);
}

void known_set_clear(struct known_set *set)
{
    bytes_free(&set->bits);
    memset(set, 0, sizeof(*set));
}

struct known_set_reader *known_set_reader_new(const struct known_set *set)
{
    struct known_set_reader *reader = allocate(sizeof(*reader));

    known_set_copy(&reader->set, set);
    reader->cipher = cipher_new(set->key);
    return reader;
}

void known_set_reader_free(struct known_set_reader **reader)
{
    if (*reader) {
        known_set_clear(&(*reader)->set);
        cipher_free(&(*reader)->cipher);
        free(*reader);
    }
    *reader = NULL;
}

bool known_set_recognises(struct known_set_reader *reader, const struct uuid *uuid)
{
    unsigned char block[16];
    int length;

    if (!reader || !reader->cipher || !reader->set.bits.length ||
        EVP_EncryptUpdate(reader->cipher, block, &length, uuid->bytes, sizeof(block)) != 1)
        return false;
    for (uint32_t n = 0; n < reader->set.probes; n++) {
        size_t place = place_of(block, n, 8 * reader->set.bits.length);

        if (!(reader->set.bits.data[place / 8] & 1u << place % 8))
            return false;
    }
    return true;
}
