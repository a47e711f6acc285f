/*
 * unprovision_test.c - unprovision and unprovision-partially, also when nobody was left to tell what was
 * done: the books say what the firmware is (spec 4, 8).
 */
#include <string.h>

#include "support/job_story.h"

#define HELLO_VERDICT "SELECT concat_ws(' ', verdict, reason_code) FROM amt.hello WHERE uuid = '%s'"

static void expect_books_of_unprovisioned(struct site *site, const struct computer *computer)
{
    expect_outcome(site, computer, "not provisioned", "unprovisioned");
    expect_sql(
        site, "revoked 5",
        "SELECT string_agg(state || ' ' || revocation_reason, ', ') FROM amt.certificate WHERE uuid = '%s'",
        computer->uuid);
    expect_sql(
        site, "superseded",
        "SELECT string_agg(DISTINCT state, ' ') FROM amt.secret_status WHERE uuid = '%s' AND kind = 'admin'",
        computer->uuid);
    expect_sql(site, "t", "SELECT unprovisioned_at IS NOT NULL FROM amt.unprovisioned WHERE uuid = '%s'",
               computer->uuid);
}

/* Provisioned again on request only. */
static void expect_provisioned_on_request_only(struct site *site, const struct computer *computer)
{
    say_hello_until(site, computer, "discarded unprovisioned", HELLO_VERDICT, computer->uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE uuid = '%s' AND state IN ('waiting', 'leased')",
               computer->uuid);
    expect_outcome(site, computer, "not provisioned", "unprovisioned");
    run_job(site, computer, "provision", "provision done");
    expect_provisioned(site, computer);
    expect_sql(site, "0", "SELECT count(*) FROM amt.unprovisioned WHERE uuid = '%s'", computer->uuid);
}

static void an_unprovisioned_computer_stays_so_until_provision_is_requested(void **state)
{
    struct site *site = *state;
    struct computer computer;

    profile_write(site, "gone", EVERYTHING_ON, NULL);
    computer_provision(site, &computer, 40, "12.0", "hello=manual", "gone");
    run_job(site, &computer, "unprovision", "unprovision done");
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 0);
    assert_int_equal(state_length(site, &computer, "keys"), 0);
    expect_books_of_unprovisioned(site, &computer);
    sql_do(site, "SELECT amt.set_profile_of('%s', 'default')", computer.uuid);
    expect_provisioned_on_request_only(site, &computer);
}

static void a_partly_unprovisioned_computer_opens_with_its_old_password(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_provision(site, &computer, 41, "14.0", "hello=manual challenge=yes", NULL);
    run_job(site, &computer, "unprovision-partially", "unprovision-partially done");
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 1);
    AUTO(text_free) char *host = state_text(site, &computer, "general_settings.HostName");

    assert_string_equal(host, computer.short_name);
    expect_books_of_unprovisioned(site, &computer);
    expect_provisioned_on_request_only(site, &computer);
}

static void an_unprovisioning_whose_answer_is_lost_is_verified(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 42, "12.0", "hello=manual after-unprovision=in", NULL);
    must(simulator_control(site->simulator, NULL, &err,
                           "misbehave %s drop-after at=AMT_SetupAndConfigurationService.Unprovision",
                           computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision done");
    expect_books_of_unprovisioned(site, &computer);
    expect_sql(site, "1", "SELECT attempt FROM amt.job WHERE uuid = '%s' AND kind = 'unprovision'",
               computer.uuid);
}

/* The service point dies before it can tell; the next attempt meets the computer in setup and says so. */
static void an_unprovisioning_that_was_done_before_is_found_done(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 43, "12.0", "hello=manual after-unprovision=in restart-ms=1000",
                       NULL);
    request_job(site, &computer, "unprovision");
    while (state_number(site, &computer, "provisioning_state") == 2)
        wait_a_little(20);
    process_kill(&site->points[0].process);
    must(site_start_point(site, 0, &err));
    expect_books_of_unprovisioned(site, &computer);
    expect_sql(site, "unchanged",
               "SELECT outcome FROM amt.job_step WHERE name = 'unprovision' AND job = (SELECT last_job FROM "
               "amt.computer"
               " WHERE uuid = '%s') ORDER BY attempt DESC LIMIT 1",
               computer.uuid);
}

/* The same, and the firmware has closed its ports: nothing but what was told before says that it was asked.
 */
static void an_unprovisioning_that_closed_the_ports_before_it_was_told_is_done(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 45, "12.0", "hello=manual after-unprovision=pre", NULL);
    request_job(site, &computer, "unprovision");
    while (state_number(site, &computer, "provisioning_state") == 2)
        wait_a_little(20);
    process_kill(&site->points[0].process);
    must(site_start_point(site, 0, &err));
    expect_books_of_unprovisioned(site, &computer);
    expect_sql(site, "lease-over, failed port-closed",
               "SELECT string_agg(concat_ws(' ', outcome, nullif(reason_code, 'lease-over')), ', ' ORDER BY "
               "attempt) FROM amt.job_attempt WHERE job = (SELECT last_job FROM amt.computer WHERE uuid = "
               "'%s')",
               computer.uuid);
    expect_sql(site, "done", "SELECT state FROM amt.job WHERE uuid = '%s' AND kind = 'unprovision'",
               computer.uuid);
}

static void a_computer_that_was_not_asked_is_not_taken_for_unprovisioned(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 46, "12.0", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "set %s link-down=yes", computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision failed port-closed");
    expect_sql(site, "provisioned", "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    must(simulator_control(site->simulator, NULL, &err, "set %s link-down=no", computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision done");
    expect_books_of_unprovisioned(site, &computer);
}

static void an_unprovisioning_that_the_firmware_refuses_fails_and_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 44, "9.0", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "set %s auditor-lock=yes", computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision failed not-permitted");
    expect_provisioned(site, &computer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unprovisioned_computer_stays_so_until_provision_is_requested),
        cmocka_unit_test(a_partly_unprovisioned_computer_opens_with_its_old_password),
        cmocka_unit_test(an_unprovisioning_whose_answer_is_lost_is_verified),
        cmocka_unit_test(an_unprovisioning_that_was_done_before_is_found_done),
        cmocka_unit_test(an_unprovisioning_that_closed_the_ports_before_it_was_told_is_done),
        cmocka_unit_test(a_computer_that_was_not_asked_is_not_taken_for_unprovisioned),
        cmocka_unit_test(an_unprovisioning_that_the_firmware_refuses_fails_and_changes_nothing),
    };

    return cmocka_run_group_tests_name("unprovision", tests, job_scenario_begin, scenario_end);
}
