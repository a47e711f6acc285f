/*
 * error.h - one type for failure, one way to travel.
 *
 * What can fail returns bool and takes struct error * last. True: *err untouched, outputs set. False:
 * outputs untouched, nothing to release. Functions return failures, they do not log them.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stdbool.h>

#include "ownership.h"
#include "reason.h"

enum error_code { /* a code exists only if some caller acts differently on it */
                  ERROR_NONE,
                  ERROR_UNREACHABLE, /* refused, reset, timed out: worth trying again later */
                  ERROR_REFUSED,     /* password, certificate or right rejected: a person must look */
                  ERROR_PROTOCOL,    /* the peer broke its specification */
                  ERROR_CONFLICT,    /* somebody else changed it first */
                  ERROR_ABSENT,      /* the thing asked for does not exist there */
                  ERROR_INPUT,       /* what a person typed or wrote in a file is wrong */
                  ERROR_INTERNAL,    /* our own surroundings failed: disk, database, configuration */
};

struct error {
    enum error_code code;
    enum reason_code reason; /* what SQL shows; REASON_NONE where no operator will see it */
    char message[384];       /* for people; never a secret */
};

/* Both return false, so that a failure is one line; the second puts "context: " before the cause. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);
bool error_during(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* As error_set(), with the code that an operator will see; the error_code follows from the reason. */
bool error_because(struct error *err, enum reason_code reason, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
