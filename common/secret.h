/*
 * secret.h - bytes that must not leak: passwords, keys, one-time passwords (spec 6.3).
 *
 * Wiped when freed, compared in constant time, kept out of core dumps, read only through
 * secret_reveal(), so that one search finds every use.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "ownership.h"

struct secret; /* opaque; a byte after the last is always NUL, so text secrets can be used as text */

/* A copy of the bytes; the caller still has to wipe its own. Never NULL; ended with secret_free(). */
struct secret *secret_new(const void *data, size_t length);
struct secret *secret_from_text(const char *text);
struct secret *secret_copy(const struct secret *secret); /* NULL stays NULL */
void secret_free(struct secret **secret);                /* accepts NULL */

/* Borrowed until secret_free(). */
const char *secret_reveal(const struct secret *secret);
size_t secret_length(const struct secret *secret);
/* Constant time in the content; the length is not hidden. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Wipes memory that held a secret, so that the compiler cannot leave it out. */
void secret_wipe(void *memory, size_t length);

/* For the process: no core dumps, no ptrace by others. Call first thing in main(). */
void secret_protect_process(void);

#endif
