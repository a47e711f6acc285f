/* job_kinds_test.c - discover and sync-clock; what is asked of which computers, one by one and in bulk (spec
 * 10). */
#include <string.h>

#include "support/job_story.h"

static void discovery_tells_status_and_version_and_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer provisioned, in_setup;
    int64_t before;

    computer_provision(site, &provisioned, 30, "12.0", "hello=manual", NULL);
    before = computer_writes(site, &provisioned);
    sql_do(site, "UPDATE amt_store.computer SET firmware_version = NULL, amt_status = 1 WHERE uuid = '%s'",
           provisioned.uuid);
    run_job(site, &provisioned, "discover", "discover done");
    expect_sql(site, "provisioned 12.0.67.1579",
               "SELECT amt_status_name || ' ' || firmware_version FROM amt.computer WHERE uuid = '%s'",
               provisioned.uuid);
    assert_int_equal(computer_writes(site, &provisioned), before);

    scenario_computer(site, &in_setup, 31, "14.0", "hello=manual");
    sql_do(site, "UPDATE amt_store.computer SET address = '%s' WHERE uuid = '%s'", in_setup.address,
           in_setup.uuid);
    run_job(site, &in_setup, "discover", "discover done");
    expect_outcome(site, &in_setup, "not provisioned", "");
    assert_int_equal(computer_writes(site, &in_setup), 0);
}

/* Spec 4: somebody else provisioned it. Its certificate is from an authority that we do not know. */
static void discovery_finds_what_others_provisioned(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_provision(site, &computer, 32, "12.0", "hello=manual", NULL);
    sql_do(site, "UPDATE amt_store.authority SET certificate = set_byte(certificate, 0, 0)");
    run_job(site, &computer, "discover", "discover done");
    sql_do(site,
           "UPDATE amt_store.authority SET certificate = set_byte(certificate, 0, 48)"); /* DER: SEQUENCE */
    expect_outcome(site, &computer, "externally provisioned", "already-provisioned");
    run_job(site, &computer, "discover", "discover done");
    expect_outcome(site, &computer, "provisioned", "");
}

static void a_clock_that_went_wrong_is_set_once(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    int64_t before;

    computer_provision(site, &computer, 80, "11.8", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "set %s clock-offset=-4000", computer.uuid));
    before = computer_writes(site, &computer);
    run_job(site, &computer, "sync-clock", "sync-clock done");
    assert_int_equal(computer_writes(site, &computer), before + 1);
    expect_provisioned(site, &computer); /* allows 2 s */
    run_job(site, &computer, "sync-clock", "sync-clock done");
    assert_int_equal(computer_writes(site, &computer), before + 1);
}

static void a_device_that_is_not_ours_gets_no_operational_job(void **state)
{
    struct site *site = *state;
    struct computer computer;
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    scenario_computer(site, &computer, 85, "12.0", "hello=manual");
    must(site_amtctl_result(site, &result, NULL,
                            (const char *[]){ "job", "request", "update", computer.uuid, NULL }, &err));
    assert_int_equal(result.exit_status, 1);
    assert_non_null(strstr(result.errors, "is not provisioned by this site"));
}

/* Its certificate must prove it before a password is tried. */
static void a_computer_that_lost_its_provisioning_is_told_no_password(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 86, "12.0", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "reset %s", computer.uuid));
    run_job(site, &computer, "update", "update failed device-certificate-wrong");
    assert_int_equal(state_number(site, &computer, "counters.failed_logins"), 0);
    expect_outcome(site, &computer, "provisioned",
                   ""); /* what a job of another kind fails at is its own affair */
    run_job(site, &computer, "discover", "discover done");
    expect_outcome(site, &computer, "not provisioned", "");
}

static void jobs_are_requested_for_a_whole_profile_at_once(void **state)
{
    struct site *site = *state;
    struct computer computers[3];
    struct error err = { 0 };
    AUTO(text_free) char *told = NULL;
    AUTO(text_free) char *json = NULL;

    profile_write(site, "many", EVERYTHING_ON, NULL);
    for (unsigned i = 0; i < COUNT_OF(computers); i++)
        computer_provision(site, &computers[i], 90 + i, "12.0", "hello=manual", "many");
    must(site_amtctl(site, NULL, &err, "computer", "block", computers[2].uuid, NULL));
    sql_do(site,
           "INSERT INTO amt_store.job (uuid, kind, requested_by, not_before, hello_ends_wait) VALUES ('%s', "
           "'sync-clock',"
           " 'test', now() + interval '1 hour', false)",
           computers[1].uuid);
    must(site_amtctl(site, &told, &err, "job", "request", "update", "--profile", "many", NULL));
    assert_string_equal(
        told,
        "1 requested, 1 skipped that have an open job, 1 left out: blocked, or not in a state for it\n");
    expect_sql(site, "update done",
               "SELECT kind || ' ' || state FROM amt.job WHERE id = (SELECT last_job FROM amt.computer WHERE"
               " uuid = '%s')",
               computers[0].uuid);
    sql_do(site, "SELECT amt.cancel_job(last_job) FROM amt.computer WHERE uuid = '%s'", computers[1].uuid);
    must(site_amtctl(site, &json, &err, "--json", "job", "request", "discover", "--profile", "many",
                     "--status", "provisioned", NULL));
    assert_string_equal(json, "{\"requested\": 2, \"with_open_job\": 0, \"left_out\": 1}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discovery_tells_status_and_version_and_changes_nothing),
        cmocka_unit_test(discovery_finds_what_others_provisioned),
        cmocka_unit_test(a_clock_that_went_wrong_is_set_once),
        cmocka_unit_test(a_device_that_is_not_ours_gets_no_operational_job),
        cmocka_unit_test(a_computer_that_lost_its_provisioning_is_told_no_password),
        cmocka_unit_test(jobs_are_requested_for_a_whole_profile_at_once),
    };

    return cmocka_run_group_tests_name("job kinds", tests, job_scenario_begin, scenario_end);
}
