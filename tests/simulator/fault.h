/*
 * fault.h - SOAP faults of WS-Management (DSP0226 14, DSP0227, AMT SDK "Errors and return values").
 */
#ifndef SIMULATOR_FAULT_H
#define SIMULATOR_FAULT_H

#include "text.h"

#include <stdbool.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_DESTINATION_UNREACHABLE,
    FAULT_ACTION_NOT_SUPPORTED,
    FAULT_HEADER_REQUIRED,
    FAULT_ALREADY_EXISTS,
    FAULT_ACCESS_DENIED,
    FAULT_INVALID_SELECTORS,
    FAULT_SCHEMA_VALIDATION,
    FAULT_UNSUPPORTED_FEATURE,
    FAULT_ENCODING_LIMIT,
    FAULT_INTERNAL_ERROR,
    FAULT_INVALID_CONTEXT,
    FAULT_MUST_UNDERSTAND,
    FAULT_KINDS,
};

struct fault {
    enum fault_kind kind; /* FAULT_NONE: none */
    uint32_t status;      /* AMT-STATUS in the detail; 0: none */
    const char *reason;   /* borrowed; NULL: that of the kind */
};

/* By subcode, with or without prefix: "wsman:AccessDenied". FAULT_NONE: unknown. */
enum fault_kind fault_find(const char *subcode);
bool fault_is_receivers(enum fault_kind kind); /* code Receiver, not Sender */
void fault_write(struct text *out, const struct fault *fault, const char *relates_to, uint64_t message);

#endif
