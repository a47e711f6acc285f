/* Design 1: jobs are leased; only a positive result of the attempt under way ends one. */
#include <stdio.h>

#include "common/clock.h"
#include "devices/history.h"
#include "jobs/lease.h"
#include "jobs/service_point.h"
#include "tests/unit/site-server/jobs_site.h"

static void a_job_fails_when_its_attempts_are_used_up(void **state)
{
    (void)state;
    import(1);
    hello(1, &our_root);
    for (unsigned i = 0; i < 3; i++) {
        AUTO(message_free) struct message offer = { 0 };
        struct message_job_finished finished;

        take_offer(&offer);
        finished = failed_with(&offer, REASON_UNREACHABLE);
        assert_int_equal(finish(&finished), REASON_NONE);
        open_seconds_later(1);
    }
    expect("failed|unreachable|10.0.0.1 says no; check power, cable and firewalls (TCP 16993)",
           "SELECT state || '|' || reason_code || '|' || reason FROM amt.job");
    expect("10.0.0.1 says no; check power, cable and firewalls (TCP 16993)",
           "SELECT reason FROM amt.computer");
}

static void a_heartbeat_keeps_the_lease(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct held_attempt held;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    expect("true", "SELECT leased_until > now() + interval '800 seconds' FROM amt.job");
    sql("UPDATE amt_store.job SET leased_until = now() + interval '1 second'");
    held = (struct held_attempt){ point_b, offer.job_offer.id }; /* not its own */
    MUST(lease_hold(db, &settings, &held, 1, &error_of_call));
    expect("false", "SELECT leased_until > now() + interval '2 seconds' FROM amt.job");
    held.service_point = point_a;
    MUST(lease_hold(db, &settings, &held, 1, &error_of_call));
    expect("true", "SELECT leased_until > now() + interval '800 seconds' FROM amt.job");
}

static void a_heartbeat_does_not_keep_the_lease_for_ever(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct held_attempt held = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    held = (struct held_attempt){ point_a, offer.job_offer.id };
    sql("UPDATE amt_store.job_attempt SET leased_at = now() - interval '1510 seconds'"); /* deadline and lease
                                                                                          */
    sql("UPDATE amt_store.job SET leased_until = now() + interval '1 second'");
    MUST(lease_hold(db, &settings, &held, 1, &error_of_call));
    expect("true", "SELECT leased_until < now() + interval '2 seconds' FROM amt.job");
    lose_lease(1);
    expect("waiting", "SELECT state FROM amt.job");
}

/* An attempt whose lease ran out may report as often as its service point likes. */
static void a_stale_result_changes_nothing_of_the_computer(void **state)
{
    AUTO(message_free) struct message stale = { 0 };
    AUTO(message_free) struct message newer = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&stale);
    lose_lease(1);
    take_offer(&newer);
    sql("INSERT INTO amt_store.account_refused (uuid, job, attempt, reference) SELECT uuid, id, attempt, "
        "'factory'"
        " FROM amt_store.job");
    finished = done_with(&stale);
    finished.firmware_version = (char *)"6.0.0.1";
    assert_int_equal(finish(&finished), REASON_STALE_ATTEMPT);
    expect("true", "SELECT firmware_version IS NULL FROM amt.computer");
    expect("1", "SELECT count(*) FROM amt_store.account_refused WHERE reference = 'factory'");
    expect("leased", "SELECT state FROM amt.job");
}

static void a_service_point_cannot_fill_the_history(void **state)
{
    AUTO(message_free) struct message offer = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    for (unsigned round = 0; round < 10; round++) {
        struct step_report steps[100];
        char names[100][8];

        for (unsigned i = 0; i < COUNT_OF(steps); i++) {
            snprintf(names[i], sizeof(names[i]), "%u", round * 100 + i);
            steps[i] = (struct step_report){ (char *)"O4", names[i],    1700000000000, 1700000000500,
                                             STEP_DONE,    REASON_NONE, NULL };
        }
        MUST(history_record_steps(
            db, &(struct steps_of_attempt){ point_a, offer.job_offer.id, steps, COUNT_OF(steps) }, 1, NULL,
            &error_of_call));
    }
    expect("300", "SELECT count(*) FROM amt.job_step");
}

static void an_offer_that_nobody_accepts_is_taken_back_soon_and_counts_for_nothing(void **state)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    dispatch(&offers);
    assert_int_equal(offers.count, 1);
    expect("true", "SELECT leased_until < now() + interval '61 seconds' FROM amt.job");
    lose_lease(1);
    expect("waiting|0", "SELECT state || '|' || failures FROM amt.job");
    expect("0", "SELECT count(*) FROM amt_store.account_refused");
}

static void a_service_point_that_begins_anew_loses_what_it_does_not_run(void **state)
{
    AUTO(message_free) struct message kept = { 0 };
    AUTO(message_free) struct message lost = { 0 };
    size_t taken_back;

    (void)state;
    import(1);
    import(2);
    hello(1, &our_root);
    take_offer(&kept);
    hello(2, &our_root);
    take_offer(&lost);
    MUST(lease_release_others(db, &settings, point_b, NULL, 0, &taken_back, &error_of_call));
    assert_int_equal(taken_back, 0);
    MUST(lease_release_others(db, &settings, point_a, &kept.job_offer.id, 1, &taken_back, &error_of_call));
    assert_int_equal(taken_back, 1);
    expect("leased", "SELECT state FROM amt.job WHERE uuid = '%s'", text_of(1));
    expect("waiting|lease-over", "SELECT state || '|' || reason_code FROM amt.job WHERE uuid = '%s'",
           text_of(2));
}

static void a_declined_offer_waits_a_little_and_nothing_was_sent(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_decline declined;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    declined = (struct message_job_decline){ offer.job_offer.id, REASON_NO_FREE_SLOT,
                                             (char *)"all 10 slots are taken" };
    MUST(result_decline(db, &settings, point_b, &declined, &error_of_call));
    expect("leased", "SELECT state FROM amt.job");
    MUST(result_decline(db, &settings, point_a, &declined, &error_of_call));
    expect("waiting|0|no-free-slot", "SELECT state || '|' || failures || '|' || reason_code FROM amt.job");
    expect("0", "SELECT count(*) FROM amt.secret_status WHERE maybe_on_device");
    MUST(result_decline(db, &settings, point_a, &declined, &error_of_call)); /* repeated */
    expect("declined", "SELECT outcome FROM amt.job_attempt");
}

static void a_result_of_another_service_point_is_refused(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;
    struct message_job_closed closed;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    finished = done_with(&offer);
    MUST(result_finish(db, &settings, point_b, &finished, &closed, &error_of_call));
    assert_false(closed.accepted);
    assert_int_equal(closed.reason, REASON_MESSAGE_REFUSED);
    text_free(&closed.text);
    expect("leased", "SELECT state FROM amt.job");
}

static void a_cancelled_job_takes_no_result_but_keeps_its_password(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    sql("SELECT amt.cancel_job(%llu)", (unsigned long long)offer.job_offer.id.job);
    finished = done_with(&offer);
    assert_int_equal(finish(&finished), REASON_CANCELLED);
    expect("cancelled", "SELECT state FROM amt.job");
    expect("pending|true",
           "SELECT state || '|' || maybe_on_device FROM amt.secret_status WHERE kind = 'admin'");
}

static void a_requested_job_waits_for_an_address(void **state)
{
    (void)state;
    import(1);
    sql("SELECT amt.request_job('%s')", text_of(1));
    expect_no_offer();
    expect("1", "SELECT count(*) FROM amt.job WHERE reason LIKE 'waits for the computer''s Hello%%'");
    hello(1, &our_root);
    {
        AUTO(message_free) struct message offer = { 0 };

        take_offer(&offer);
    }
    expect("1", "SELECT count(*) FROM amt.job");
}

static void a_requested_job_of_a_computer_without_common_root_fails_with_its_hello(void **state)
{
    (void)state;
    import(1);
    sql("SELECT amt.request_job('%s')", text_of(1));
    assert_int_equal(hello(1, &foreign_root), REASON_NO_COMMON_ROOT);
    expect("failed|no-common-root|true",
           "SELECT j.state || '|' || j.reason_code || '|' || (j.reason = c.reason) FROM amt.job j"
           " JOIN amt.computer c USING (uuid)");
}

static void a_job_that_nobody_can_take_says_so_and_is_due_when_somebody_comes(void **state)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };
    const char *elsewhere[] = { "192.0.2.0/24" };
    const struct connected_point point = {
        .id = point_b, .free = 5, .subnets = elsewhere, .subnet_count = 1
    };

    (void)state;
    import(1);
    hello(1, &our_root);
    sql("UPDATE amt_store.service_point SET connected_until = now() WHERE id <> %lld", (long long)point_b);
    MUST(job_dispatch(db, vault, &settings, &dispatched, &point, 1, &offers, &error_of_call));
    assert_int_equal(offers.count, 0);
    expect("waiting|no-service-point|true",
           "SELECT state || '|' || reason_code || '|' || (not_before > now()) FROM amt.job");
    register_point(KEY_A, "a");
    expect("false", "SELECT not_before > now() FROM amt.job");
}

static void no_more_is_offered_than_there_are_free_slots(void **state)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };
    const struct connected_point points[] = { { .id = point_a, .free = 3 }, { .id = point_b, .free = 0 } };
    struct message_hello_seen seen[10];
    struct message_hello_verdict verdicts[10];
    struct hello hellos[10];

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        import(i + 1);
        seen[i] = seen_of(i + 1, &our_root);
        hellos[i] = (struct hello){ i % 2 ? point_b : point_a, &seen[i] };
    }
    MUST(device_hellos(db, &hello_settings, &strangers, hellos, 10, verdicts, &error_of_call));
    sql("UPDATE amt_store.hello SET root_hashes = '{}'");
    MUST(job_dispatch(db, vault, &settings, &dispatched, points, 2, &offers, &error_of_call));
    assert_int_equal(offers.count, 3);
    for (size_t i = 0; i < offers.count; i++)
        assert_int_equal(offers.items[i].point, 0);
    expect("7", "SELECT count(*) FROM amt.job WHERE state = 'waiting'");
}

static void the_next_due_time_is_known(void **state)
{
    int64_t due;

    (void)state;
    MUST(lease_next_due(db, &due, &error_of_call));
    assert_int_equal(due, -1);
    import(1);
    hello(1, &our_root);
    MUST(lease_next_due(db, &due, &error_of_call));
    assert_int_equal(due, -1); /* due already: waits for a slot, not for a time */
    sql("UPDATE amt_store.job SET not_before = clock_timestamp() + interval '90 seconds'");
    MUST(lease_next_due(db, &due, &error_of_call));
    assert_in_range(due, 80000, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_requested_job_of_a_computer_without_common_root_fails_with_its_hello),
        WITH_SITE(a_job_fails_when_its_attempts_are_used_up),
        WITH_SITE(a_heartbeat_keeps_the_lease),
        WITH_SITE(a_heartbeat_does_not_keep_the_lease_for_ever),
        WITH_SITE(a_stale_result_changes_nothing_of_the_computer),
        WITH_SITE(a_service_point_cannot_fill_the_history),
        WITH_SITE(an_offer_that_nobody_accepts_is_taken_back_soon_and_counts_for_nothing),
        WITH_SITE(a_service_point_that_begins_anew_loses_what_it_does_not_run),
        WITH_SITE(a_declined_offer_waits_a_little_and_nothing_was_sent),
        WITH_SITE(a_result_of_another_service_point_is_refused),
        WITH_SITE(a_cancelled_job_takes_no_result_but_keeps_its_password),
        WITH_SITE(a_requested_job_waits_for_an_address),
        WITH_SITE(a_job_that_nobody_can_take_says_so_and_is_due_when_somebody_comes),
        WITH_SITE(no_more_is_offered_than_there_are_free_slots),
        WITH_SITE(the_next_due_time_is_known),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
