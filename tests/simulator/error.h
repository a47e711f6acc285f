/*
 * error.h - why something failed, as one sentence for people.
 *
 * The simulator stands alone, so it has its own; nobody here acts differently on different causes.
 */
#ifndef SIMULATOR_ERROR_H
#define SIMULATOR_ERROR_H

#include "ownership.h"

#include <stdbool.h>

struct error {
    char message[256];
};

/* Both return false; the second puts "context: " before the cause. */
bool error_set(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
bool error_during(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
