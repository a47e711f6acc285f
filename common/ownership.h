/*
 * ownership.h - who frees what, visible in the code.
 *
 * A destructor takes the address of the owner's pointer, accepts NULL and half-built objects, and
 * leaves NULL. Running out of memory ends the process: a job is leased, never lost, so dying is safe.
 */
#ifndef COMMON_OWNERSHIP_H
#define COMMON_OWNERSHIP_H

#include <stddef.h>

#define AUTO(destroy)            __attribute__((cleanup(destroy))) /* owns until the end of the block; initialise it */
#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Moves the value out of its owner and leaves NULL, so that giving away is visible. */
#define TAKE(owner)                                                                                          \
    __extension__({                                                                                          \
        __typeof__(owner) taken_ = (owner);                                                                  \
        (owner) = NULL;                                                                                      \
        taken_;                                                                                              \
    })

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Zeroed memory; never NULL. Free with free() or text_free(). */
void *allocate(size_t size_bytes);
/* Grows or shrinks; never NULL. New bytes are not zeroed. */
void *reallocate(void *memory, size_t count, size_t size_bytes);
/* A copy; NULL stays NULL. */
char *text_copy(const char *text);
char *text_format(const char *format, ...) PRINTF_LIKE(1, 2);
void text_free(char **text);
/* Replaces *text by a copy of value (which may be NULL). */
void text_set(char **text, const char *value);
/* Cuts the blanks at the end off, in place, and returns where the text begins behind those before it. */
char *text_trim(char *text);

/* Bytes of known length; owns data. Zero-initialise. */
struct bytes {
    unsigned char *data;
    size_t length;
};

void bytes_set(struct bytes *bytes, const void *data, size_t length);
void bytes_free(struct bytes *bytes);

#endif
