/*
 * wsman_describe.h - what the parsers understand of an answer in memory, as text.
 */
#ifndef FIRMWARE_WSMAN_DESCRIBE_H
#define FIRMWARE_WSMAN_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* text[length] must be NUL. On true the caller frees *description: class, operation, and properties, return
 * value or fault. False: ERROR_ABSENT for a class that provisioning does not use, else the answer is not
 * valid. A fault that parses is an answer that was understood. */
bool wsman_describe(const char *text, size_t length, char **description, struct error *err) MUST_CHECK;

#endif
