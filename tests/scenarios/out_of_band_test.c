/*
 * out_of_band_test.c - spec chapter 2, one scenario or more for each of O1 to O9.
 */
#include <string.h>

#include "support/expect.h"

/* Spec O1, O9. */
static void a_computer_that_says_hello_is_provisioned(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 1, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "12.0.67.1579", "SELECT firmware_version FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    expect_sql(site, "done 1", "SELECT state || ' ' || attempt FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
}

/* Spec O2. */
static void an_unknown_computer_leaves_one_record_however_often_it_knocks(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 2, "14.0");
    must(computer_plug_in(site, &computer, &err, "hello=manual"));
    say_hello_until(site, &computer, "t",
                    "SELECT bool_or(count >= 2) FROM amt.unknown_hello WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1 0 0",
               "SELECT concat_ws(' ', (SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'),"
               " (SELECT count(*) FROM amt.computer WHERE uuid = '%s'), (SELECT count(*) FROM amt.job WHERE "
               "uuid = '%s'))",
               computer.uuid, computer.uuid, computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.connections"), 0);
}

/* Spec O2: an import makes the next Hello count. */
static void an_unknown_computer_is_provisioned_once_it_is_imported(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 3, "16.1");
    must(computer_plug_in(site, &computer, &err, "hello=manual"));
    say_hello(site, &computer);
    expect_sql(site, "1", "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'", computer.uuid);
    must(computers_import(site, &computer, 1, &err));
    expect_sql(site, "0", "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'", computer.uuid);
    say_hello_until(site, &computer, "provisioned",
                    "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    expect_provisioned(site, &computer);
}

/* Spec O2. */
static void a_blocked_computer_is_left_alone_until_it_is_unblocked(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 4, "11.8", "hello=manual");
    must(site_amtctl(site, NULL, &err, "computer", "block", computer.uuid, NULL));
    say_hello(site, &computer);
    expect_sql(site, "discarded blocked",
               "SELECT verdict || ' ' || reason_code FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.connections"), 0);
    must(site_amtctl(site, NULL, &err, "computer", "unblock", computer.uuid, NULL));
    say_hello_until(site, &computer, "provisioned",
                    "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    expect_provisioned(site, &computer);
}

/* Spec O2, I5. */
static void a_computer_that_is_managed_in_band_is_left_alone(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 5, "14.0", "hello=manual");
    sql_do(site, "UPDATE amt_store.computer SET managed_in_band = true WHERE uuid = '%s'", computer.uuid);
    say_hello(site, &computer);
    expect_sql(site, "discarded managed-in-band",
               "SELECT verdict || ' ' || reason_code FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.connections"), 0);
}

/* Spec O2. */
static void a_late_hello_of_a_provisioned_computer_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 6, "15.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    say_hello_until(site, &computer, "discarded just-provisioned",
                    "SELECT verdict || ' ' || reason_code FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_outcome(site, &computer, "provisioned", "");
}

static void let_time_pass_since_provisioning(struct site *site, const struct computer *computer)
{
    sql_do(site,
           "UPDATE amt_store.computer SET provisioned_at = provisioned_at - interval '1 day',"
           " last_hello_at = last_hello_at - interval '1 day' WHERE uuid = '%s'",
           computer->uuid);
}

/* Spec O2: firmware says Hello in setup state only, so its provisioning was removed. */
static void a_computer_that_lost_its_provisioning_is_provisioned_again(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 7, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    AUTO(text_free) char *first = state_text(site, &computer, "admin_digest_hex");

    must(simulator_control(site->simulator, NULL, &err, "reset %s", computer.uuid));
    let_time_pass_since_provisioning(site, &computer);
    say_hello_until(site, &computer, "2", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_provisioned(site, &computer);
    AUTO(text_free) char *second = state_text(site, &computer, "admin_digest_hex");

    assert_string_not_equal(first, second);
    expect_sql(site, "1 1",
               "SELECT count(*) FILTER (WHERE state = 'active') || ' ' || count(*) FILTER (WHERE state = "
               "'superseded')"
               " FROM amt.secret_status WHERE uuid = '%s' AND kind = 'admin'",
               computer.uuid);
}

/* Firmware says Hello in setup state only, but anybody can in its name (spec O2). */
static void a_false_hello_for_a_provisioned_computer_is_told_no_password(void **state)
{
    struct site *site = *state;
    struct computer computer, rogue;
    struct error err = { 0 };

    scenario_computer(site, &computer, 61, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    let_time_pass_since_provisioning(site, &computer);
    computer_plan(&rogue, site, 62, "12.0");
    strcpy(rogue.uuid, computer.uuid);
    must(computer_plug_in(site, &rogue, &err, "twin=yes hello=manual"));
    strcpy(rogue.uuid, rogue.address); /* as the simulator tells the two apart */
    say_hello_until(site, &rogue, "failed false-hello",
                    "SELECT state || ' ' || reason_code FROM amt.job WHERE id = (SELECT last_job FROM"
                    " amt.computer WHERE uuid = '%s')",
                    computer.uuid);
    assert_int_equal(state_number(site, &rogue, "counters.connections"), 0);
    expect_outcome(site, &computer, "provisioned", "false-hello");
    expect_sql(site, computer.address, "SELECT address FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    must(site_amtctl(site, NULL, &err, "job", "request", "update", computer.uuid, NULL));
    expect_outcome(site, &computer, "provisioned", "");
    expect_provisioned(site, &computer);
}

/* A computer that was moved, and reset, is not where it was. */
static void a_computer_that_lost_its_provisioning_elsewhere_is_provisioned_again(void **state)
{
    struct site *site = *state;
    struct computer computer, moved;
    struct error err = { 0 };

    scenario_computer(site, &computer, 63, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    let_time_pass_since_provisioning(site, &computer);
    must(simulator_control(site->simulator, NULL, &err, "set %s state=pre", computer.address));
    computer_plan(&moved, site, 64, "12.0");
    strcpy(moved.uuid, computer.uuid);
    must(computer_plug_in(site, &moved, &err, "twin=yes hello=manual"));
    strcpy(moved.uuid, moved.address); /* as the simulator tells the two apart */
    say_hello_until(site, &moved, "2", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_outcome(site, &computer, "provisioned", "");
    assert_int_equal(state_number(site, &moved, "provisioning_state"), 2);
    expect_sql(site, moved.address, "SELECT address FROM amt.computer WHERE uuid = '%s'", computer.uuid);
}

/* Spec O2. */
static void re_provisioning_can_be_switched_off_for_a_computer(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 8, "16.1", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    sql_do(site, "SELECT amt.set_auto_reprovision('%s', false)", computer.uuid);
    must(simulator_control(site->simulator, NULL, &err, "reset %s", computer.uuid));
    let_time_pass_since_provisioning(site, &computer);
    say_hello_until(site, &computer, "discarded reprovisioning-off",
                    "SELECT verdict || ' ' || reason_code FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
}

/* Spec O3. */
static void a_computer_without_a_root_in_common_is_detected_and_both_lists_are_named(void **state)
{
    static const char other_root[] = "5e1d0000000000000000000000000000000000000000000000000000000075e1";
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 9, "14.0");
    AUTO(text_free) char *line = computer_fleet_line(&computer, site->dns_suffix, other_root, "hello=manual");

    must(simulator_control(site->simulator, NULL, &err, "add %s", line));
    must(computers_import(site, &computer, 1, &err));
    say_hello(site, &computer);
    expect_outcome(site, &computer, "detected", "no-common-root");
    expect_sql(site, "t",
               "SELECT reason LIKE '%%5e1d%%' AND reason LIKE '%%%.4s%%' FROM amt.computer WHERE uuid = '%s'",
               site->provisioning.sha256_hex, computer.uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.connections"), 0);
}

/* Spec O3.4: the likely cause comes from a pre-flight check of the same rules. */
static void a_computer_of_another_dns_suffix_is_detected_and_unchanged(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 10, "12.0");
    AUTO(text_free)
    char *line = computer_fleet_line(&computer, "elsewhere.example.org", site->provisioning.sha256_hex,
                                     "hello=manual");

    must(simulator_control(site->simulator, NULL, &err, "add %s", line));
    must(computers_import(site, &computer, 1, &err));
    say_hello(site, &computer);
    expect_sql(site, "detected t",
               "SELECT amt_status_name || ' ' || (reason_code IN ('suffix-mismatch', "
               "'client-certificate-refused'))::text::char(1)"
               " FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.writes"), 0);
}

/* Spec O3, 11: the UUID is compared before anything is written. */
static void another_computer_at_the_address_is_not_touched(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 11, "14.0", "hello=manual");
    must(simulator_control(site->simulator, NULL, &err, "misbehave %s wrong-uuid", computer.uuid));
    say_hello(site, &computer);
    expect_outcome(site, &computer, "detected", "wrong-uuid");
    assert_int_equal(state_number(site, &computer, "counters.writes"), 0);
}

/* Spec O4: both kinds of firmware. */
static void a_firmware_that_does_not_challenge_is_accepted(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 12, "9.0", "hello=manual challenge=no");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    assert_int_equal(state_number(site, &computer, "counters.failed_logins"), 0);
}

static void a_firmware_that_challenges_is_logged_into_with_the_empty_password(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 13, "16.1", "hello=manual challenge=yes");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "empty",
               "SELECT account_used FROM amt.job_attempt WHERE job = (SELECT last_job FROM amt.computer "
               "WHERE uuid = '%s')",
               computer.uuid);
}

/* Spec O5. */
static void the_imported_password_opens_the_firmware(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 14, "9.0");
    must(computer_plug_in(site, &computer, &err, "hello=manual challenge=yes admin-password=Imp0rted.Word"));
    AUTO(text_free) char *path = site_path(site, "import-password.csv");
    AUTO(text_free) char *line = computer_import_line(&computer);
    AUTO(text_free) char *csv = text_format("%s,,,SW1wMHJ0ZWQuV29yZA==\n", line); /* Imp0rted.Word */

    must(file_write(path, csv, 0600, &err));
    must(site_amtctl(site, NULL, &err, "import", path, NULL));
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
}

static void add_account(struct site *site, const char *name, const char *password)
{
    AUTO(text_free) char *path = site_path(site, "account.password");
    struct error err = { 0 };

    must(file_write(path, password, 0600, &err));
    must(site_amtctl(site, NULL, &err, "account", "add", name, "--password-file", path, NULL));
}

/* Spec O5: three attempts a contact, and the list goes on where it stopped. */
static void the_account_list_goes_on_at_the_next_contact(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    add_account(site, "first", "Wr0ng.First1");
    add_account(site, "second", "Wr0ng.Second2");
    add_account(site, "third", "R1ght.Third3");
    scenario_computer(site, &computer, 15, "9.0", "hello=manual challenge=yes admin-password=R1ght.Third3");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "t t account:third",
               "SELECT concat_ws(' ', (max(attempt) >= 2)::text::char(1),"
               " (max(cardinality(accounts_refused)) <= 3)::text::char(1),"
               " max(account_used) FILTER (WHERE outcome = 'done')) FROM amt.job_attempt"
               " WHERE job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
               computer.uuid);
    assert_true(state_number(site, &computer, "counters.failed_logins_in_connection_max") <= 3);
    assert_true(state_number(site, &computer, "counters.failed_logins") <= 3);
    must(site_amtctl(site, NULL, &err, "account", "remove", "first", NULL));
    must(site_amtctl(site, NULL, &err, "account", "remove", "second", NULL));
    must(site_amtctl(site, NULL, &err, "account", "remove", "third", NULL));
}

/* Spec O5. */
static void a_computer_that_no_account_opens_is_detected(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 16, "9.0",
                      "hello=manual challenge=yes admin-password=Nobody.Knows.1t");
    say_hello(site, &computer);
    expect_outcome(site, &computer, "detected", "no-account-accepted");
    assert_int_equal(state_number(site, &computer, "counters.writes"), 0);
    assert_true(state_number(site, &computer, "counters.failed_logins") <= 9);
    expect_sql(site, "failed", "SELECT state FROM amt.job WHERE uuid = '%s'", computer.uuid);
}

/* Spec O6, chapter 7: no directory configured. */
static void the_directory_step_is_recorded_as_skipped(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 17, "18.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "skipped no-directory",
               "SELECT outcome || ' ' || reason_code FROM amt.job_step WHERE number = 'O6' AND"
               " job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
               computer.uuid);
}

/* Spec O7.1; expect_provisioned() allows 2 s. */
static void a_clock_that_is_a_year_behind_is_set(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 18, "14.0", "hello=manual");
    must(simulator_control(site->simulator, NULL, &err, "set %s clock-offset=-31536000", computer.uuid));
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
}

/* Spec O7.3, chapter 8. */
static void the_certificate_is_recorded_with_its_renewal_date(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 19, "15.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "1 t",
               "SELECT count(*) || ' ' || bool_and(fqdn = '%s' AND renew_at < not_after AND not_after > "
               "now())::text::char(1)"
               " FROM amt.certificate WHERE uuid = '%s' AND state = 'active'",
               computer.fqdn, computer.uuid);
}

/* Spec O7.5: "not permitted" is no failure. */
static void a_mebx_password_that_may_not_be_set_is_no_failure(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 20, "12.0",
                      "hello=manual mebx-policy=default-only mebx-password=Own3r.Set.It");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    AUTO(text_free) char *password = state_text(site, &computer, "mebx_password");

    assert_string_equal(password, "Own3r.Set.It");
    expect_sql(
        site, "0",
        "SELECT count(*) FROM amt.secret_status WHERE uuid = '%s' AND kind = 'mebx' AND state = 'active'",
        computer.uuid);
}

static void a_mebx_password_that_was_set_is_in_escrow(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    AUTO(text_free) char *escrowed = NULL;

    scenario_computer(site, &computer, 21, "19.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    AUTO(text_free) char *password = state_text(site, &computer, "mebx_password");

    must(site_amtctl(site, &escrowed, &err, "secret", "show", computer.uuid, "mebx", NULL));
    escrowed[strcspn(escrowed, "\n")] = '\0';
    assert_string_equal(password, escrowed);
    assert_string_not_equal(password, "admin");
}

/* Spec O8.1 and O8.2: the other way round than the default profile. */
static void a_profile_decides_what_the_firmware_allows(void **state)
{
    static const char settings[] =
        "ping = off\nweb interface = off\nserial over lan = off\nide redirection = off\n"
        "kvm = off\nuser consent = all\npower = s0\nmebx password = random\n"
        "user console = redirection, remote-control\n";
    static const char *const users[] = { "console", NULL };
    static const struct proof_profile profile = { .users = users };
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    AUTO(text_free) char *path = site_path(site, "closed.profile");

    must(file_write(path, settings, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", "closed", path, NULL));
    scenario_computer(site, &computer, 22, "12.0", "hello=manual");
    must(site_amtctl(site, NULL, &err, "computer", "profile", "closed", computer.uuid, NULL));
    say_hello(site, &computer);
    expect_outcome(site, &computer, "provisioned", "");
    must(proof_check(site, &computer, &profile, &err));
}

/* Spec O9. */
static void every_step_is_recorded_with_its_times_and_outcome(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 23, "11.8", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(
        site, "t t 0",
        "SELECT concat_ws(' ', (count(DISTINCT number) >= 12)::text::char(1),"
        " bool_and(finished_at >= started_at)::text::char(1), count(*) FILTER (WHERE outcome = 'failed'))"
        " FROM amt.job_step WHERE job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
        computer.uuid);
    expect_sql(site, "t",
               "SELECT cardinality(settings) > 0 FROM amt.job_attempt WHERE"
               " job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
               computer.uuid);
}

/* Chapter 9: a request made in SQL is picked up at once. */
static void a_job_requested_in_sql_runs_at_once(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 24, "16.1", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    sql_do(site, "SELECT amt.request_job('%s')", computer.uuid);
    expect_sql(site, "done done", "SELECT string_agg(state, ' ') FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    expect_provisioned(site, &computer);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "queue.heartbeat = 2s", NULL };
    static const char *const simulator_options[] = { "--key-pool", "8", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .simulator_options = simulator_options };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_that_says_hello_is_provisioned),
        cmocka_unit_test(an_unknown_computer_leaves_one_record_however_often_it_knocks),
        cmocka_unit_test(an_unknown_computer_is_provisioned_once_it_is_imported),
        cmocka_unit_test(a_blocked_computer_is_left_alone_until_it_is_unblocked),
        cmocka_unit_test(a_computer_that_is_managed_in_band_is_left_alone),
        cmocka_unit_test(a_late_hello_of_a_provisioned_computer_changes_nothing),
        cmocka_unit_test(a_computer_that_lost_its_provisioning_is_provisioned_again),
        cmocka_unit_test(a_false_hello_for_a_provisioned_computer_is_told_no_password),
        cmocka_unit_test(a_computer_that_lost_its_provisioning_elsewhere_is_provisioned_again),
        cmocka_unit_test(re_provisioning_can_be_switched_off_for_a_computer),
        cmocka_unit_test(a_computer_without_a_root_in_common_is_detected_and_both_lists_are_named),
        cmocka_unit_test(a_computer_of_another_dns_suffix_is_detected_and_unchanged),
        cmocka_unit_test(another_computer_at_the_address_is_not_touched),
        cmocka_unit_test(a_firmware_that_does_not_challenge_is_accepted),
        cmocka_unit_test(a_firmware_that_challenges_is_logged_into_with_the_empty_password),
        cmocka_unit_test(the_imported_password_opens_the_firmware),
        cmocka_unit_test(the_account_list_goes_on_at_the_next_contact),
        cmocka_unit_test(a_computer_that_no_account_opens_is_detected),
        cmocka_unit_test(the_directory_step_is_recorded_as_skipped),
        cmocka_unit_test(a_clock_that_is_a_year_behind_is_set),
        cmocka_unit_test(the_certificate_is_recorded_with_its_renewal_date),
        cmocka_unit_test(a_mebx_password_that_may_not_be_set_is_no_failure),
        cmocka_unit_test(a_mebx_password_that_was_set_is_in_escrow),
        cmocka_unit_test(a_profile_decides_what_the_firmware_allows),
        cmocka_unit_test(every_step_is_recorded_with_its_times_and_outcome),
        cmocka_unit_test(a_job_requested_in_sql_runs_at_once),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
