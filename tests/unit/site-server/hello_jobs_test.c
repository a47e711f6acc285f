/* Spec O1 to O3: what a Hello becomes, with a real PostgreSQL. */
#include "jobs/service_point.h"
#include "tests/unit/site-server/jobs_site.h"

static void a_hello_of_a_known_computer_makes_one_job(void **state)
{
    (void)state;
    import(1);
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect("1", "SELECT count(*) FROM amt.job WHERE uuid = '%s' AND state = 'waiting' AND kind = 'provision'",
           text_of(1));
    expect("10.0.0.1|2|not provisioned",
           "SELECT address || '|' || amt_status || '|' || amt_status_name FROM amt.computer");
    expect(
        "2|offered|{SHA-256:abcd000000000000000000000000000000000000000000000000000000000000}|a",
        "SELECT count || '|' || verdict || '|' || root_hashes::text || '|' || service_point FROM amt.hello");
}

static void an_unknown_computer_is_only_remembered(void **state)
{
    (void)state;
    assert_int_equal(hello(1, &our_root), REASON_UNKNOWN_COMPUTER);
    assert_int_equal(hello(1, &our_root), REASON_UNKNOWN_COMPUTER);
    expect("1|2", "SELECT count(*) || '|' || sum(count) FROM amt.unknown_hello");
    expect("0", "SELECT count(*) FROM amt.computer");
    import(1);
    expect("0", "SELECT count(*) FROM amt.unknown_hello");
}

static void unknown_computers_fill_a_bounded_table_from_which_the_oldest_leave(void **state)
{
    struct message_hello_seen seen[50];
    struct message_hello_verdict verdicts[50];
    struct hello hellos[50];

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 50; i++) {
            seen[i] = seen_of(round * 40 + i, &our_root);
            hellos[i] = (struct hello){ point_a, &seen[i] };
        }
        MUST(device_hellos(db, &hello_settings, &strangers, hellos, 50, verdicts, &error_of_call));
        for (unsigned i = 0; i < 50; i++)
            text_free(&verdicts[i].text);
        sql("UPDATE amt_store.unknown_hello SET last_seen = last_seen - interval '1 minute'");
    }
    expect("20", "SELECT count(*) FROM amt.unknown_hello");
}

static void no_common_root_is_said_with_both_lists(void **state)
{
    (void)state;
    import(1);
    assert_int_equal(hello(1, &foreign_root), REASON_NO_COMMON_ROOT);
    expect("1|no-common-root", "SELECT amt_status || '|' || reason_code FROM amt.computer");
    expect("no trusted root in common: the computer trusts SHA-1:123400000000; the connected service points' "
           "certificates "
           "come from SHA-256:abcd00000000; use a provisioning certificate from one of the computer's roots, "
           "or add our "
           "root's hash to the firmware",
           "SELECT reason FROM amt.computer");
    expect("0", "SELECT count(*) FROM amt.job");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect("2|NULL", "SELECT amt_status || '|' || coalesce(reason, 'NULL') FROM amt.computer");
}

static void a_service_point_that_is_gone_lends_no_root(void **state)
{
    (void)state;
    import(1);
    sql("UPDATE amt_store.service_point SET connected_until = now()");
    assert_int_equal(hello(1, &our_root), REASON_NO_COMMON_ROOT);
    expect("1", "SELECT count(*) FROM amt.computer WHERE reason LIKE '%%come from none;%%'");
}

static void a_turn_of_many_hellos_gives_each_its_verdict(void **state)
{
    struct message_hello_seen seen[] = { seen_of(1, &our_root), seen_of(2, &our_root),
                                         seen_of(1, &our_root), seen_of(3, &foreign_root),
                                         seen_of(4, &our_root), seen_of(1, &our_root) };
    static const enum reason_code wanted[] = { REASON_NONE,    REASON_UNKNOWN_COMPUTER,
                                               REASON_NONE,    REASON_NO_COMMON_ROOT,
                                               REASON_BLOCKED, REASON_MESSAGE_REFUSED };
    struct hello hellos[COUNT_OF(seen)];
    struct message_hello_verdict verdicts[COUNT_OF(seen)];

    (void)state;
    import(1);
    import(3);
    import(4);
    sql("SELECT amt.block('%s', 'stolen')", text_of(4));
    seen[5].address = (char *)"computer.example";
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        hellos[i] = (struct hello){ point_a, &seen[i] };
    MUST(device_hellos(db, &hello_settings, &strangers, hellos, COUNT_OF(seen), verdicts, &error_of_call));
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        assert_string_equal(reason_of(verdicts[i].reason)->name, reason_of(wanted[i])->name);
        assert_true(uuid_equal(&verdicts[i].uuid, &seen[i].uuid));
        text_free(&verdicts[i].text);
    }
    expect("2", "SELECT count FROM amt.hello WHERE uuid = '%s'", text_of(1));
}

static void a_hello_during_a_job_or_just_after_it_is_discarded(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    assert_int_equal(hello(1, &our_root), REASON_JOB_UNDER_WAY);
    finished = done_with(&offer);
    assert_int_equal(finish(&finished), REASON_NONE);
    assert_int_equal(hello(1, &our_root), REASON_JUST_PROVISIONED);
    sql("UPDATE amt_store.computer SET provisioned_at = now() - interval '1 hour'");
    sql("SELECT amt.set_auto_reprovision('%s', false)", text_of(1));
    assert_int_equal(hello(1, &our_root), REASON_REPROVISIONING_OFF);
    sql("SELECT amt.set_auto_reprovision('%s', true)", text_of(1));
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect("2", "SELECT count(*) FROM amt.job");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_hello_of_a_known_computer_makes_one_job),
        WITH_SITE(an_unknown_computer_is_only_remembered),
        WITH_SITE(unknown_computers_fill_a_bounded_table_from_which_the_oldest_leave),
        WITH_SITE(no_common_root_is_said_with_both_lists),
        WITH_SITE(a_service_point_that_is_gone_lends_no_root),
        WITH_SITE(a_turn_of_many_hellos_gives_each_its_verdict),
        WITH_SITE(a_hello_during_a_job_or_just_after_it_is_discarded),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
