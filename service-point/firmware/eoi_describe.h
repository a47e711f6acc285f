/*
 * eoi_describe.h - what the parsers understand of an answer of the older SOAP interface in memory, as text.
 */
#ifndef FIRMWARE_EOI_DESCRIBE_H
#define FIRMWARE_EOI_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* On true the caller frees *description: service, operation, status and members, or the fault. False:
 * ERROR_ABSENT for an element of a service that provisioning does not use, else the answer is not valid. */
bool eoi_describe(const char *text, size_t length, char **description, struct error *err) MUST_CHECK;

#endif
