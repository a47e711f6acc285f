/*
 * status.h - what firmware's status codes and faults mean to us: one table each.
 *
 * Sources: AMT SDK "Errors and return values" for the numbers, which the older SOAP interface shares with
 * WS-Management; DSP0226, WS-Addressing and SOAP 1.1 for the faults.
 * Messages read "AMT_SetupAndConfigurationService.CommitChanges returned 2057 (DATA_MISSING): something that
 * the commit needs is not set".
 */
#ifndef FIRMWARE_STATUS_H
#define FIRMWARE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* Numbers that steps look at. Every other one is in the table of status.c. */
enum pt_status {
    PT_STATUS_SUCCESS = 0,
    PT_STATUS_INTERNAL_ERROR = 1,
    PT_STATUS_NOT_PERMITTED = 16,
    PT_STATUS_INVALID_INDEX = 35,
    PT_STATUS_DATA_MISSING = 2057,
    PT_STATUS_DUPLICATE = 2058,
};

/* The firmware said no with a status that has no reason of its own: it may mean "there is none" to a
 * question, or "I do not know this" to a setting. */
bool status_is_refusal(const struct error *err);

/* "DATA_MISSING"; "unknown status" for a number that is not in the table. */
const char *status_name(uint32_t status);

/*
 * Judges the ReturnValue of a method. True for 0. CIM_ classes have tables of their own, and AMT's numbers
 * from 32768 on; 4096 (job started) of RequestStateChange counts as success. DUPLICATE (and NOT_FOUND where
 * something was added, as some firmware says it) gives ERROR_CONFLICT; otherwise the code follows
 * from err->reason: REASON_NOT_PERMITTED, REASON_FIRMWARE_BUSY, REASON_FLASH_WEAR, REASON_STORE_FULL,
 * REASON_DATA_MISSING, REASON_UNSUPPORTED, REASON_VALUE_REFUSED, REASON_FIRMWARE_STATUS.
 */
bool status_check(const char *class_name, const char *method, uint32_t return_value,
                  struct error *err) MUST_CHECK;

/* A SOAP fault as it was read; every text may be NULL. Of SOAP 1.1 the faultcode is the subcode here. */
struct firmware_fault {
    const char *subcode_namespace; /* e.g. the URI of WS-Addressing */
    const char *subcode;           /* without prefix, e.g. "DestinationUnreachable" */
    const char *reason_text;
    const char *detail; /* the text of the whole Detail; "AMT-STATUS n" in it counts */
};

/*
 * Always false. The class or instance is not there: ERROR_ABSENT. It is there already: ERROR_CONFLICT.
 * AccessDenied: REASON_NOT_PERMITTED. AMT-STATUS n: as a ReturnValue n. Else REASON_FIRMWARE_FAULT.
 */
bool status_fault(const char *class_name, const char *operation, const struct firmware_fault *fault,
                  struct error *err);

#endif
