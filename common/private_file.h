/*
 * private_file.h - files that hold secrets: 0600, owned by us, read whole, never half written, on disk when a
 * call says so.
 */
#ifndef COMMON_PRIVATE_FILE_H
#define COMMON_PRIVATE_FILE_H

#include "error.h"
#include "secret.h"

#define PRIVATE_FILE_MAX_BYTES 65536

/* Refuses a file that group or others can read or write, or that somebody else owns (spec 11). */
bool private_file_read(const char *path, struct secret **content, struct error *err) MUST_CHECK;
/* Makes the file with mode 0600; refuses to replace one that is there. */
bool private_file_create(const char *path, const struct secret *content, struct error *err) MUST_CHECK;
/* Keeps others who hold() it away until release(), for a content that depends on the former one; waits for
 * them. *held is -1 when it is not held. */
bool private_file_hold(const char *path, int *held, struct error *err) MUST_CHECK;
void private_file_release(int *held);
/* Replaces the content at once (rename), keeping mode 0600 and the owner. */
bool private_file_replace(const char *path, const struct secret *content, struct error *err) MUST_CHECK;

#endif
