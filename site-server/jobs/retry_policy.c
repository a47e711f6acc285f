#include "retry_policy.h"

/* The firmware's flash protection ends by itself, after hours (AMT SDK:
 * PT_STATUS_FLASH_WRITE_LIMIT_EXCEEDED). */
#define FLASH_WEAR_DELAY_S (4 * 3600)
/* For what has nothing to do with the computer: soon, but not in a tight loop. */
#define SOON_S 5

/* Reasons that say nothing about the computer, or progress: they do not count as a failure of the job. */
static bool counts(enum reason_code reason)
{
    switch (reason) {
    case REASON_MORE_ACCOUNTS: /* the list has an end of its own */
    case REASON_NO_SERVICE_POINT:
    case REASON_SERVICE_POINT_STOPPING:
    case REASON_NO_FREE_SLOT:
    case REASON_JOB_UNDER_WAY: /* an attempt that was given up is still running */
    case REASON_SITE_UNREACHABLE:
    case REASON_DATABASE_UNAVAILABLE:
    case REASON_SECRET_KEY_MISSING:
    case REASON_NO_AUTHORITY:
    case REASON_NO_CONSOLE_CERTIFICATE:
    case REASON_ISSUER_UNREACHABLE:
    case REASON_ISSUER_WAITING:
    case REASON_ISSUER_DISTRUST:
    case REASON_DIRECTORY_UNREACHABLE: /* of all computers alike */
    case REASON_DIRECTORY_LOGIN:
    case REASON_DIRECTORY_NO_CONTAINER:
    case REASON_DIRECTORY_NOT_PERMITTED:
    case REASON_DIRECTORY_NAME_PENDING:
        return false;
    default:
        return true;
    }
}

static int64_t grown_delay(const struct job_settings *settings, int64_t failures)
{
    int64_t delay = settings->retry_delay_s;

    for (int64_t i = 1; i < failures && delay < settings->retry_delay_max_s; i++)
        delay *= 2;
    return delay < settings->retry_delay_max_s ? delay : settings->retry_delay_max_s;
}

static int64_t delay_of(const struct job_settings *settings, enum reason_code reason, int64_t failures)
{
    switch (reason) {
    case REASON_FLASH_WEAR:
        return FLASH_WEAR_DELAY_S;
    case REASON_SERVICE_POINT_STOPPING:
    case REASON_NO_FREE_SLOT:
    case REASON_DIRECTORY_NAME_PENDING:
    case REASON_NO_CONSOLE_CERTIFICATE: /* it asks for one */
    case REASON_JOB_UNDER_WAY:
        return settings->retry_delay_s < SOON_S ? settings->retry_delay_s : SOON_S;
    case REASON_ISSUER_WAITING: /* whoever asks the authority wakes the job */
        return settings->retry_delay_max_s;
    case REASON_LEASE_OVER: /* waited for a whole lease already */
        return failures <= 1 ? 0 : grown_delay(settings, failures - 1);
    default:
        return counts(reason) ? grown_delay(settings, failures) : settings->retry_delay_s;
    }
}

struct retry_decision retry_decide(const struct job_settings *settings, enum reason_code reason,
                                   int64_t failures)
{
    struct retry_decision decision = { .next = JOB_FAILED, .failures = failures + counts(reason) };

    if (reason_of(reason)->retry == RETRY_NEVER || decision.failures >= settings->attempts)
        return decision;
    decision.next = JOB_WAITING;
    decision.delay_s = delay_of(settings, reason, decision.failures);
    decision.hello_ends_wait = reason != REASON_FLASH_WEAR;
    return decision;
}
