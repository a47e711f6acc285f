/*
 * curve_key.h - the key pair that names a daemon on the queue, and its file.
 *
 * Keys are Z85 text (ZeroMQ RFC 32), 40 characters for 32 bytes. The file, mode 0600:
 *     public <Z85>
 *     secret <Z85>
 */
#ifndef COMMON_CURVE_KEY_H
#define COMMON_CURVE_KEY_H

#include "error.h"
#include "secret.h"

#define CURVE_KEY_LENGTH 40
#define CURVE_KEY_SIZE   (CURVE_KEY_LENGTH + 1) /* with the NUL */

struct curve_key_pair {
    char public_key[CURVE_KEY_SIZE];
    struct secret *secret_key; /* text, CURVE_KEY_LENGTH characters */
};

/* 40 characters of the Z85 alphabet. */
bool curve_key_valid(const char *text);
/* On true the caller ends the pair with curve_key_clear(). */
bool curve_key_read(const char *path, struct curve_key_pair *pair, struct error *err) MUST_CHECK;
/* Makes the file; refuses to replace one that is there. */
bool curve_key_create(const char *path, const struct curve_key_pair *pair, struct error *err) MUST_CHECK;
void curve_key_clear(struct curve_key_pair *pair);

#endif
