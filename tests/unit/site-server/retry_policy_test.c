/* Spec 4: whether a job is tried again, and when. */
#include "tests/unit/unit_test.h"

#include "jobs/retry_policy.h"

static const struct job_settings settings = {
    .lease_s = 900, .deadline_s = 600, .attempts = 5, .retry_delay_s = 60, .retry_delay_max_s = 300
};

static void each_reason_is_decided_as_the_table_says(void **state)
{
    static const struct {
        enum reason_code reason;
        int64_t failures; /* before */
        enum job_state next;
        int64_t delay_s, failures_after;
    } cases[] = {
        { REASON_UNREACHABLE, 0, JOB_WAITING, 60, 1 },
        { REASON_UNREACHABLE, 1, JOB_WAITING, 120, 2 },
        { REASON_UNREACHABLE, 2, JOB_WAITING, 240, 3 },
        { REASON_UNREACHABLE, 3, JOB_WAITING, 300, 4 }, /* capped */
        { REASON_UNREACHABLE, 4, JOB_FAILED, 0, 5 },    /* used up */
        { REASON_NO_ACCOUNT_ACCEPTED, 0, JOB_FAILED, 0, 1 },
        { REASON_CLIENT_CERTIFICATE_REFUSED, 0, JOB_FAILED, 0, 1 },
        { REASON_WRONG_UUID, 0, JOB_FAILED, 0, 1 },
        { REASON_MORE_ACCOUNTS, 0, JOB_WAITING, 60, 0 }, /* progress, no failure */
        { REASON_MORE_ACCOUNTS, 4, JOB_WAITING, 60, 4 },
        { REASON_FLASH_WEAR, 0, JOB_WAITING, 4 * 3600, 1 },
        { REASON_LEASE_OVER, 0, JOB_WAITING, 0, 1 }, /* a lease was waited for already */
        { REASON_LEASE_OVER, 1, JOB_WAITING, 60, 2 },
        { REASON_LEASE_OVER, 4, JOB_FAILED, 0, 5 },
        { REASON_NO_FREE_SLOT, 4, JOB_WAITING, 5, 4 },
        { REASON_SERVICE_POINT_STOPPING, 4, JOB_WAITING, 5, 4 },
        { REASON_JOB_UNDER_WAY, 4, JOB_WAITING, 5, 4 }, /* an attempt that was given up still runs */
        { REASON_NO_SERVICE_POINT, 4, JOB_WAITING, 60, 4 },
        { REASON_SECRET_KEY_MISSING, 4, JOB_WAITING, 60, 4 },
        { REASON_NO_CONSOLE_CERTIFICATE, 4, JOB_WAITING, 5, 4 },
        { REASON_NO_AUTHORITY, 4, JOB_WAITING, 60, 4 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct retry_decision decision = retry_decide(&settings, cases[i].reason, cases[i].failures);

        if (decision.next != cases[i].next || decision.delay_s != cases[i].delay_s ||
            decision.failures != cases[i].failures_after)
            fail_msg("%s after %lld failures: %s in %lld s, %lld failures", reason_of(cases[i].reason)->name,
                     (long long)cases[i].failures, job_state_name(decision.next), (long long)decision.delay_s,
                     (long long)decision.failures);
    }
}

static void what_a_person_must_change_is_never_tried_again(void **state)
{
    (void)state;
    for (enum reason_code reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        if (reason_of(reason)->retry == RETRY_NEVER)
            assert_int_equal(retry_decide(&settings, reason, 0).next, JOB_FAILED);
        else
            assert_int_equal(retry_decide(&settings, reason, 0).next, JOB_WAITING);
    }
}

static void a_hello_ends_every_wait_but_the_firmwares_own(void **state)
{
    (void)state;
    assert_true(retry_decide(&settings, REASON_UNREACHABLE, 0).hello_ends_wait);
    assert_false(retry_decide(&settings, REASON_FLASH_WEAR, 0).hello_ends_wait);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_decided_as_the_table_says),
        cmocka_unit_test(what_a_person_must_change_is_never_tried_again),
        cmocka_unit_test(a_hello_ends_every_wait_but_the_firmwares_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
