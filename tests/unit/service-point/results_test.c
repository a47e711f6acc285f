/* Design 2: a result is repeated until it is acknowledged. */
#include "tests/unit/unit_test.h"

#include "work/results.h"
#include "work/verdict.h"

static void add(struct results *results, uint64_t job, uint64_t correlation, int64_t now_ms)
{
    struct message message = { .kind = MESSAGE_JOB_FINISHED,
                               .correlation = correlation,
                               .job_finished = { .id = { job, 1 }, .done = true } };

    results_add(results, &message, now_ms);
    assert_int_equal(message.kind, 0);
}

static void a_result_is_repeated_with_growing_pauses(void **state)
{
    AUTO(results_free) struct results *results = results_new();
    int64_t now_ms = 0, last_pause_ms = 0;

    (void)state;
    add(results, 4, 9, now_ms);
    for (unsigned i = 0; i < 10; i++) {
        const struct message *message = results_due(results, now_ms);
        int64_t pause_ms = results_due_ms(results) - now_ms;

        assert_non_null(message);
        assert_int_equal(message->job_finished.id.job, 4);
        assert_null(results_due(results, now_ms));
        assert_true(pause_ms >= last_pause_ms && pause_ms <= 60000);
        last_pause_ms = pause_ms;
        now_ms += pause_ms;
    }
    assert_int_equal(last_pause_ms, 60000);
    results_hurry(results, now_ms - 1);
    assert_non_null(results_due(results, now_ms - 1));
    assert_int_equal(results_due_ms(results), now_ms - 1 + 2000);
}

static void a_closed_result_is_forgotten(void **state)
{
    AUTO(results_free) struct results *results = results_new();
    struct attempt_id ids[4];

    (void)state;
    add(results, 4, 9, 0);
    add(results, 5, 10, 0);
    assert_int_equal(results_ids(results, ids, 4), 2);
    assert_false(results_close(results, &(struct attempt_id){ 4, 2 }));
    assert_true(results_close(results, &(struct attempt_id){ 4, 1 }));
    assert_false(results_close(results, &(struct attempt_id){ 4, 1 }));
    assert_int_equal(results_count(results), 1);
    assert_null(results_find(results, 9));
    assert_int_equal(results_find(results, 10)->job, 5);
}

static void every_result_is_due_once_in_its_turn(void **state)
{
    AUTO(results_free) struct results *results = results_new();
    unsigned due = 0;

    (void)state;
    for (uint64_t job = 1; job <= 50; job++)
        add(results, job, job, 0);
    while (results_due(results, 0))
        due++;
    assert_int_equal(due, 50);
}

static void a_failure_carries_its_reason_and_what_went_wrong(void **state)
{
    struct message message = { .kind = MESSAGE_JOB_FINISHED };
    struct error err = { 0 };

    (void)state;
    error_because(&err, REASON_WRONG_UUID, "at 127.0.0.1 answers another");
    verdict_record(&message.job_finished, &err);
    assert_false(message.job_finished.done);
    assert_int_equal(message.job_finished.reason, REASON_WRONG_UUID);
    assert_string_equal(message.job_finished.text, "at 127.0.0.1 answers another");
    message_free(&message);
}

static void every_failure_gets_a_reason(void **state)
{
    static const struct {
        enum error_code code;
        enum reason_code reason;
    } cases[] = {
        { ERROR_UNREACHABLE, REASON_CONNECTION_LOST }, { ERROR_REFUSED, REASON_NOT_PERMITTED },
        { ERROR_PROTOCOL, REASON_MALFORMED_REPLY },    { ERROR_CONFLICT, REASON_FIRMWARE_STATUS },
        { ERROR_ABSENT, REASON_UNSUPPORTED },          { ERROR_INPUT, REASON_PROFILE_INVALID },
        { ERROR_INTERNAL, REASON_INTERNAL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct message message = { .kind = MESSAGE_JOB_FINISHED };
        struct error err = { 0 };

        error_set(&err, cases[i].code, "it went wrong");
        verdict_record(&message.job_finished, &err);
        assert_int_equal(message.job_finished.reason, cases[i].reason);
        message_free(&message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_repeated_with_growing_pauses),
        cmocka_unit_test(a_closed_result_is_forgotten),
        cmocka_unit_test(every_result_is_due_once_in_its_turn),
        cmocka_unit_test(a_failure_carries_its_reason_and_what_went_wrong),
        cmocka_unit_test(every_failure_gets_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
