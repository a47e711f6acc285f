#include "key_pool.h"

#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { OTHER_LENGTH_KEYS = 2 };

static struct pool {
    unsigned bits, size, next;
    EVP_PKEY **keys;
} pools[] = { { .bits = 2048 }, { .bits = 1024 }, { .bits = 1536 }, { .bits = 3072 } };

static bool grow(struct pool *pool, struct error *err)
{
    EVP_PKEY *key = EVP_RSA_gen(pool->bits);

    if (!key)
        return error_set(err, "RSA key of %u bits: OpenSSL could not make one", pool->bits);
    pool->keys = reallocate(pool->keys, (pool->size + 1) * sizeof(EVP_PKEY *));
    pool->keys[pool->size++] = key;
    return true;
}

bool key_pool_fill(unsigned keys, struct error *err)
{
    while (pools[0].size < keys)
        if (!grow(&pools[0], err))
            return false;
    return true;
}

static struct pool *pool_of(unsigned bits)
{
    for (size_t i = 0; i < LENGTH(pools); i++)
        if (pools[i].bits == bits)
            return &pools[i];
    return NULL;
}

EVP_PKEY *key_pool_take(unsigned bits, bool (*refused)(const void *context, EVP_PKEY *key),
                        const void *context)
{
    struct pool *pool = pool_of(bits);
    struct error err = { 0 };

    if (!pool)
        return NULL;
    while (pool->size < OTHER_LENGTH_KEYS)
        if (!grow(pool, &err))
            return NULL;
    for (unsigned i = 0; i < pool->size; i++) {
        EVP_PKEY *key = pool->keys[pool->next++ % pool->size];

        if (!refused(context, key))
            return key;
    }
    return grow(pool, &err) ? pool->keys[pool->size - 1] : NULL;
}

void key_pool_release(void)
{
    for (size_t i = 0; i < LENGTH(pools); i++) {
        while (pools[i].size)
            EVP_PKEY_free(pools[i].keys[--pools[i].size]);
        free(pools[i].keys);
        pools[i].keys = NULL;
    }
}
