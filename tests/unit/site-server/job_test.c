/* Spec 4: waiting -> leased -> done | failed | cancelled. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>

#include "jobs/job.h"

static void a_job_moves_along_its_arrows_only(void **state)
{
    static const bool allowed[JOB_STATES][JOB_STATES] = {
        [JOB_WAITING] = { [JOB_WAITING] = true,
                          [JOB_LEASED] = true,
                          [JOB_FAILED] = true,
                          [JOB_CANCELLED] = true },
        [JOB_LEASED] = { [JOB_WAITING] = true,
                         [JOB_DONE] = true,
                         [JOB_FAILED] = true,
                         [JOB_CANCELLED] = true },
    };

    (void)state;
    for (enum job_state from = 0; from < JOB_STATES; from++) {
        for (enum job_state to = 0; to < JOB_STATES; to++)
            assert_int_equal(job_may_move(from, to), allowed[from][to]);
    }
}

static void a_state_is_found_by_its_name(void **state)
{
    enum job_state found;

    (void)state;
    for (enum job_state known = 0; known < JOB_STATES; known++) {
        assert_true(job_state_parse(job_state_name(known), &found));
        assert_int_equal(found, known);
    }
    assert_false(job_state_parse("running", &found));
}

static void a_reason_says_what_is_wrong_and_what_to_do(void **state)
{
    AUTO(text_free) char *specific = job_reason_sentence(REASON_UNREACHABLE, "10.0.0.1:16993: no route");
    AUTO(text_free) char *general = job_reason_sentence(REASON_UNREACHABLE, NULL);
    AUTO(text_free) char *again = job_reason_sentence(REASON_UNREACHABLE, specific);
    AUTO(text_free) char *nothing_to_do = job_reason_sentence(REASON_CANCELLED, NULL);

    (void)state;
    assert_string_equal(specific, "10.0.0.1:16993: no route; check power, cable and firewalls (TCP 16993)");
    assert_string_equal(again, specific);
    assert_string_equal(general,
                        "the computer does not answer; check power, cable and firewalls (TCP 16993)");
    assert_string_equal(nothing_to_do, "an operator cancelled the job");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_moves_along_its_arrows_only),
        cmocka_unit_test(a_state_is_found_by_its_name),
        cmocka_unit_test(a_reason_says_what_is_wrong_and_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
