/*
 * ownership.h - memory that is always there: running out of it ends the process.
 */
#ifndef SIMULATOR_OWNERSHIP_H
#define SIMULATOR_OWNERSHIP_H

#include <stddef.h>

#define AUTO(destroy)               __attribute__((cleanup(destroy))) /* owns to the end of the block */
#define MUST_CHECK                  __attribute__((warn_unused_result))
#define PRINTF_LIKE(pattern, first) __attribute__((format(printf, pattern, first)))
#define LENGTH(array)               (sizeof(array) / sizeof((array)[0]))

void *allocate(size_t size); /* zeroed */
void *reallocate(void *memory, size_t size);
char *duplicate(const char *text);
void *duplicate_bytes(const void *bytes, size_t length);
/* Puts a copy of value (NULL: nothing) in the place and frees what was there. */
void replace_text(char **place, const char *value);
void free_text(char **place);

#endif
