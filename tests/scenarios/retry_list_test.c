/*
 * retry_list_test.c - spec O5: the retry list, as the firmware counts it, over both interfaces.
 *
 * The wait between two attempts is long here: every Hello is one contact, and the simulator counts failed
 * log-ins from one Hello to the next.
 */
#include <string.h>

#include "support/expect.h"

static const struct {
    const char *generation, *interface;
} kinds[] = { { "5.2", "EOI" }, { "9.0", "WS-Management" } };

static void add_account(struct site *site, const char *name, const char *password)
{
    AUTO(text_free) char *path = site_path(site, "account.password");
    struct error err = { 0 };

    must(file_write(path, password, 0600, &err));
    must(site_amtctl(site, NULL, &err, "account", "add", name, "--password-file", path, NULL));
}

static void remove_account(struct site *site, const char *name)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "account", "remove", name, NULL));
}

#define ATTEMPTS                                                                                             \
    "SELECT count(*) FROM amt.job_attempt WHERE outcome = 'failed' AND job = (SELECT last_job FROM "         \
    "amt.computer WHERE uuid = '%s')"

static void expect_failed_log_ins(struct site *site, const struct computer *computer, int64_t all)
{
    assert_int_equal(state_number(site, computer, "counters.failed_logins"), all);
    assert_in_range(state_number(site, computer, "counters.failed_logins_in_contact_max"), 1, 3);
    assert_int_equal(state_number(site, computer, "counters.locked_logins"), 0);
}

static void a_contact_has_three_failed_log_ins_and_the_next_goes_on_where_it_stopped(void **state)
{
    static const char *const wrong[] = { "one", "two", "three", "four", "five" };
    struct site *site = *state;
    struct error err = { 0 };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        AUTO(text_free) char *password = text_format("Wr0ng.Number%zu", i);

        add_account(site, wrong[i], password);
    }
    add_account(site, "right", "R1ght.Number6");
    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        bool eoi = strcmp(kinds[i].interface, "EOI") == 0;
        int64_t failing = (int64_t)COUNT_OF(wrong) + !eoi; /* the empty password is for newer firmware */
        struct computer computer;

        print_message("AMT %s\n", kinds[i].generation);
        scenario_computer(site, &computer, i, kinds[i].generation,
                          "hello=manual challenge=yes admin-password=R1ght.Number6");
        say_hello(site, &computer);
        expect_sql(site, "1", ATTEMPTS, computer.uuid);
        expect_failed_log_ins(site, &computer, 3);
        process_kill(&site->server); /* where it stopped is in the database */
        must(site_start_server(site, &err));
        say_hello_until(site, &computer, "provisioned",
                        "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'", computer.uuid);
        expect_provisioned(site, &computer);
        expect_failed_log_ins(site, &computer, failing);
        expect_sql(site, eoi ? "1" : "2", ATTEMPTS, computer.uuid);
        expect_sql(site, "account:right",
                   "SELECT max(account_used) FILTER (WHERE outcome = 'done') FROM amt.job_attempt WHERE job ="
                   " (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
                   computer.uuid);
        expect_sql(site, "t",
                   "SELECT detail LIKE '%%over %s' FROM amt.job_step WHERE name = 'read state' AND outcome ="
                   " 'done' AND job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
                   kinds[i].interface, computer.uuid);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        remove_account(site, wrong[i]);
    remove_account(site, "right");
}

/* The list ends with the factory default; firmware before 6.0 has it, and does not take the empty password
 * that the list begins with. */
static void a_factory_new_computer_of_old_opens_in_one_contact_behind_two_accounts(void **state)
{
    struct site *site = *state;
    struct computer computer;

    add_account(site, "depot", "Depot.Pass0word");
    add_account(site, "floor", "Fl00r.Password");
    scenario_computer(site, &computer, 10, "5.2", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "1 factory",
               "SELECT count(*) || ' ' || max(account_used) FROM amt.job_attempt WHERE job ="
               " (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
               computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.failed_logins"), 2);
    remove_account(site, "depot");
    remove_account(site, "floor");
}

/* A wrong password after the list's end costs nothing more, however often the computer says Hello. */
static void a_list_that_ended_is_not_begun_again_by_a_hello(void **state)
{
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct computer computer;
        int64_t failed;

        scenario_computer(site, &computer, 20 + i, kinds[i].generation,
                          "hello=manual challenge=yes admin-password=Nobody.Knows.1t");
        say_hello(site, &computer);
        expect_outcome(site, &computer, "detected", "no-account-accepted");
        failed = state_number(site, &computer, "counters.failed_logins");
        assert_in_range(failed, 1, 3);
        assert_int_equal(state_number(site, &computer, "counters.writes"), 0);
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 3600s", NULL };
    struct site_options options = { .server_settings = server_settings };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_has_three_failed_log_ins_and_the_next_goes_on_where_it_stopped),
        cmocka_unit_test(a_factory_new_computer_of_old_opens_in_one_contact_behind_two_accounts),
        cmocka_unit_test(a_list_that_ended_is_not_begun_again_by_a_hello),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
