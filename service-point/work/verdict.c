#include "work/verdict.h"

/* For failures that carry no reason of their own. */
static enum reason_code reason_of_code(enum error_code code)
{
    switch (code) {
    case ERROR_UNREACHABLE:
        return REASON_CONNECTION_LOST;
    case ERROR_REFUSED:
        return REASON_NOT_PERMITTED;
    case ERROR_PROTOCOL:
        return REASON_MALFORMED_REPLY;
    case ERROR_CONFLICT:
        return REASON_FIRMWARE_STATUS;
    case ERROR_ABSENT:
        return REASON_UNSUPPORTED;
    case ERROR_INPUT:
        return REASON_PROFILE_INVALID;
    case ERROR_NONE:
    case ERROR_INTERNAL:
        break;
    }
    return REASON_INTERNAL;
}

void verdict_record(struct message_job_finished *result, const struct error *err)
{
    result->done = err == NULL;
    if (!err)
        return;
    result->reason = err->reason != REASON_NONE ? err->reason : reason_of_code(err->code);
    text_set(&result->text, err->message);
}
