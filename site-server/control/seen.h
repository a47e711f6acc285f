/*
 * seen.h - which UUIDs and FQDNs a file has had, and in which line: finds duplicates in 24 bytes a key.
 */
#ifndef CONTROL_SEEN_H
#define CONTROL_SEEN_H

#include <stddef.h>
#include <stdint.h>

#define SEEN_KEY_BYTES 16

struct seen; /* opaque */

struct seen *seen_new(void);
void seen_free(struct seen **seen);

/* Remembers the key with its line; when it was there already, leaves it and returns the line it had, else 0.
 */
size_t seen_add(struct seen *seen, const uint8_t key[SEEN_KEY_BYTES], size_t line);
/* The key of a text of any length: the first bytes of its SHA-256. */
void seen_key(const char *text, uint8_t key[SEEN_KEY_BYTES]);

#endif
