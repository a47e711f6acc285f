/*
 * key_pool.h - RSA keys made once and lent to many computers.
 *
 * Making a 2048-bit key costs about 0.1 s of CPU, so thousands of computers share a pool: keys are unique
 * within one computer, not within the fleet. Never use certificates over these keys for anything real.
 */
#ifndef SIMULATOR_KEY_POOL_H
#define SIMULATOR_KEY_POOL_H

#include "error.h"

#include <openssl/evp.h>

/* Makes so many keys of 2048 bits; those of other lengths are made when first wanted, a few each. */
bool key_pool_fill(unsigned keys, struct error *err) MUST_CHECK;
/* A key that refused() does not refuse; borrowed until key_pool_release(). One is made when all are refused.
 */
EVP_PKEY *key_pool_take(unsigned bits, bool (*refused)(const void *context, EVP_PKEY *key),
                        const void *context);
void key_pool_release(void);

#endif
