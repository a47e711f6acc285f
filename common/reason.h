/*
 * reason.h - the one documented list of refusals and failures (spec 4).
 *
 * Every refusal and failure that an operator can meet has a code here: a stable name for SQL and
 * dashboards, the status it gives the computer, whether trying again can help, and what to do.
 * README's table of reasons is printed from it.
 */
#ifndef COMMON_REASON_H
#define COMMON_REASON_H

#include <stdbool.h>

enum reason_code {
    REASON_NONE,
    /* why a Hello is discarded (spec O2) */
    REASON_UNKNOWN_COMPUTER,
    REASON_MANAGED_IN_BAND,
    REASON_BLOCKED,
    REASON_JOB_UNDER_WAY,
    REASON_JUST_PROVISIONED,
    REASON_REPROVISIONING_OFF,
    REASON_UNPROVISIONED,
    REASON_SUBNET_NOT_GRANTED,
    REASON_DUMMY_UUID,
    /* why a computer cannot be provisioned (status "detected") */
    REASON_NO_COMMON_ROOT,
    REASON_NO_ACCOUNT_ACCEPTED,
    REASON_CLIENT_CERTIFICATE_REFUSED,
    REASON_SUFFIX_MISMATCH,
    REASON_CERTIFICATE_EXPIRED,
    REASON_CERTIFICATE_PURPOSE,
    REASON_CERTIFICATE_ORDER,
    REASON_CERTIFICATE_KEY_SIZE,
    REASON_CERTIFICATE_HASH,
    REASON_IDENTITY_NOT_PROVEN,
    REASON_WRONG_UUID,
    REASON_DEVICE_CERTIFICATE_CHANGED,
    REASON_DEVICE_CERTIFICATE_WRONG,
    REASON_ALREADY_PROVISIONED,
    REASON_NOT_PROVISIONED,
    REASON_FALSE_HELLO,
    REASON_NAME_MISSING,
    REASON_CONSOLE_CERTIFICATE_REFUSED,
    /* what the client agent finds (spec I1) */
    REASON_MANAGED_OUT_OF_BAND,
    REASON_PROVISIONING_OFF,
    REASON_HELD_BY_SITE,
    REASON_NO_HOST_INTERFACE,
    REASON_AMT_DISABLED,
    REASON_ZERO_TOUCH_OFF,
    REASON_NO_WIRED_NETWORK,
    REASON_ACTIVATION_FAILED,
    /* why the site server refuses an agent */
    REASON_NOT_ENROLLED,
    REASON_TOKEN_MISSING,
    REASON_TOKEN_UNKNOWN,
    REASON_TOKEN_EXPIRED,
    REASON_TOKEN_REVOKED,
    REASON_TOKEN_OF_ANOTHER,
    REASON_BOUND_TO_ANOTHER_KEY,
    REASON_KEY_OF_ANOTHER,
    REASON_NAME_TAKEN,
    REASON_OTP_MISSING,
    REASON_OTP_USED,
    REASON_TOO_OFTEN,
    /* what goes wrong with the firmware */
    REASON_MORE_ACCOUNTS,
    REASON_UNREACHABLE,
    REASON_PORT_CLOSED,
    REASON_CONNECTION_LOST,
    REASON_TIMEOUT,
    REASON_TLS_FAILED,
    REASON_NO_AMT,
    REASON_HTTP_ERROR,
    REASON_MALFORMED_REPLY,
    REASON_REPLY_TOO_LARGE,
    REASON_FIRMWARE_FAULT,
    REASON_FIRMWARE_STATUS,
    REASON_VALUE_REFUSED,
    REASON_FIRMWARE_BUSY,
    REASON_FLASH_WEAR,
    REASON_DATA_MISSING,
    REASON_NOT_PERMITTED,
    REASON_STORE_FULL,
    REASON_UNSUPPORTED,
    REASON_COMMIT_HAD_NO_EFFECT,
    REASON_TIME_UP,
    /* what goes wrong on our side */
    REASON_NO_SERVICE_POINT,
    REASON_LEASE_OVER,
    REASON_STALE_ATTEMPT,
    REASON_SERVICE_POINT_STOPPING,
    REASON_NO_FREE_SLOT,
    REASON_NO_AUTHORITY,
    REASON_NO_CONSOLE_CERTIFICATE,
    REASON_ISSUER_REFUSED,
    REASON_ISSUER_UNREACHABLE,
    REASON_ISSUER_WAITING,
    REASON_ISSUER_DISTRUST,
    REASON_SITE_UNREACHABLE,
    REASON_DATABASE_UNAVAILABLE,
    REASON_SECRET_KEY_MISSING,
    REASON_PROFILE_INVALID,
    REASON_NO_DIRECTORY,
    REASON_DIRECTORY_UNREACHABLE,
    REASON_DIRECTORY_LOGIN,
    REASON_DIRECTORY_NO_CONTAINER,
    REASON_DIRECTORY_NOT_PERMITTED,
    REASON_DIRECTORY_REFUSED,
    REASON_DIRECTORY_PRINCIPAL_TAKEN,
    REASON_DIRECTORY_NAME_UNKNOWN,
    REASON_DIRECTORY_NAME_PENDING,
    REASON_CANCELLED,
    REASON_MESSAGE_REFUSED,
    REASON_NOT_REGISTERED,
    REASON_INTERNAL,
    REASON_COUNT,
};

enum reason_retry {
    RETRY_NEVER, /* a person must change something first */
    RETRY_LATER, /* the same attempt may succeed later: back to waiting, with growing delay */
};

/* amt_status values of spec 4; STATUS_KEEP leaves the computer's as it is. */
enum amt_status {
    STATUS_KEEP = -2,
    STATUS_UNKNOWN = -1, /* NULL in SQL */
    STATUS_NOT_SUPPORTED = 0,
    STATUS_DETECTED = 1,
    STATUS_NOT_PROVISIONED = 2,
    STATUS_PROVISIONED = 3,
    STATUS_EXTERNALLY_PROVISIONED = 4,
};

struct reason {
    const char *name; /* stable, e.g. "no-common-root" */
    enum reason_retry retry;
    enum amt_status status; /* of a computer whose job ended for this reason */
    const char *meaning;    /* what is wrong, one clause */
    const char *remedy;     /* what an operator does about it, one clause */
};

/* Never NULL; an unknown code gives REASON_INTERNAL. */
const struct reason *reason_of(enum reason_code code);
/* False when no reason has that name. */
bool reason_find(const char *name, enum reason_code *code);

#endif
