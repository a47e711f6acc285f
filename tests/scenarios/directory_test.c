/*
 * directory_test.c - a domain controller that is away or hangs, and what an administrator may have done wrong
 * (spec 7, 11).
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/directory_story.h"

static void expect_health(const char *wanted)
{
    AUTO(text_free) char *url = text_format("http://%s:9672/health", directory_site.domain->address);
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(command_run(&result, NULL, SITE_WAIT_MS, (const char *[]){ "/usr/bin/curl", "--silent", url, NULL },
                     &err));
    if (!strstr(result.output, wanted))
        fail_msg("%s%s", result.output, result.errors);
}

static void jobs_wait_for_a_domain_controller_that_is_away(void **state)
{
    struct site *site = *state;
    struct computer computers[3];
    struct error err = { 0 };

    domain_halt(directory_site.domain);
    for (unsigned i = 0; i < COUNT_OF(computers); i++) {
        scenario_computer(site, &computers[i], 50 + i, "12.0", "hello=manual");
        say_hello(site, &computers[i]);
    }
    for (unsigned i = 0; i < COUNT_OF(computers); i++) {
        expect_directory_job(site, &computers[i], "provision waiting directory-unreachable");
        assert_int_equal(state_number(site, &computers[i], "counters.writes"), 0);
    }
    expect_health("directory: away, jobs wait: ldap://");
    must(domain_resume(directory_site.domain, &err));
    for (unsigned i = 0; i < COUNT_OF(computers); i++)
        expect_outcome(site, &computers[i], "provisioned", "");
    expect_health("directory: ok");
}

/* Hellos are judged at once while errands hang in a domain controller that answers nothing. */
static void a_directory_that_hangs_delays_nobody_else(void **state)
{
    struct site *site = *state;
    struct computer waiting, known;

    directory_provision(site, &known, 55, "12.0");
    process_signal(directory_site.domain->server, SIGSTOP);
    scenario_computer(site, &waiting, 56, "12.0", "hello=manual");
    say_hello(site, &waiting);
    expect_sql(site, "wanted", "SELECT state FROM amt.directory_object WHERE uuid = '%s'", waiting.uuid);
    for (unsigned i = 0; i < 5; i++) {
        request_job(site, &known, "sync-clock");
        expect_directory_job(site, &known, "sync-clock done");
    }
    expect_sql(site, "wanted", "SELECT state FROM amt.directory_object WHERE uuid = '%s'", waiting.uuid);
    process_signal(directory_site.domain->server, SIGCONT);
    expect_outcome(site, &waiting, "provisioned", "");
}

/* One after the other they would wait longer than this test does: each would find out by a time-out. */
static void a_crowd_that_waits_for_a_directory_that_hangs_gives_its_slots_back(void **state)
{
    enum { CROWD = 120 };
    static struct computer computers[CROWD];
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < CROWD; i++) {
        computer_plan(&computers[i], site, 100 + i, "16.1");
        must(computer_plug_in(site, &computers[i], &err, "hello=manual"));
    }
    must(computers_import(site, computers, CROWD, &err));
    process_signal(directory_site.domain->server, SIGSTOP);
    for (unsigned i = 0; i < CROWD; i++)
        say_hello(site, &computers[i]);
    expect_sql(
        site, "120",
        "SELECT count(DISTINCT a.job) FROM amt_store.job_attempt a JOIN amt_store.job j ON j.id = a.job"
        " WHERE a.reason_code = 'directory-unreachable' AND j.uuid IN (SELECT uuid FROM amt.computer"
        " WHERE fqdn BETWEEN '%s' AND '%s')",
        computers[0].fqdn, computers[CROWD - 1].fqdn);
    process_signal(directory_site.domain->server, SIGCONT);
    for (unsigned i = 0; i < CROWD; i++)
        expect_outcome(site, &computers[i], "provisioned", "");
}

static void a_missing_container_lets_jobs_wait_until_it_is_there(void **state)
{
    struct site *site = *state;
    struct computer computer;

    directory_change("dn: " DOMAIN_CONTAINER "\nchangetype: modrdn\nnewrdn: OU=Elsewhere\ndeleteoldrdn: 1\n");
    scenario_computer(site, &computer, 60, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_directory_job(site, &computer, "provision waiting directory-container-missing");
    expect_sql(site, "t",
               "SELECT reason LIKE '%%" DOMAIN_CONTAINER "%%' FROM amt.directory_object WHERE uuid = '%s'",
               computer.uuid);
    directory_change("dn: OU=Elsewhere," DOMAIN_BASE
                     "\nchangetype: modrdn\nnewrdn: OU=AMT Computers\ndeleteoldrdn: 1\n");
    expect_outcome(site, &computer, "provisioned", "");
}

/* The site server starts with another account's keytab, as if nothing had been delegated. */
static void restart_with_other_keytab(struct site *site)
{
    AUTO(text_free) char *between = text_format("%s.between", directory_site.domain->site_keytab);
    struct error err = { 0 };

    assert_int_equal(rename(directory_site.domain->site_keytab, between), 0);
    assert_int_equal(rename(directory_site.domain->outsider_keytab, directory_site.domain->site_keytab), 0);
    assert_int_equal(rename(between, directory_site.domain->outsider_keytab), 0);
    assert_true(process_stop(&site->server));
    must(site_start_server(site, &err));
}

static void without_the_right_to_create_jobs_wait_until_it_is_delegated(void **state)
{
    struct site *site = *state;
    struct computer computer;

    restart_with_other_keytab(site);
    scenario_computer(site, &computer, 61, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_directory_job(site, &computer, "provision waiting directory-not-permitted");
    expect_sql(site, "t",
               "SELECT reason LIKE '%%" DOMAIN_CONTAINER "%%' FROM amt.directory_object WHERE uuid = '%s'",
               computer.uuid);
    restart_with_other_keytab(site);
    expect_outcome(site, &computer, "provisioned", "");
}

static void expect_finding(struct site *site, int exit_status, const char *finding)
{
    const char *words[] = { "check", "--config", site->server_config_path, NULL };
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(site_amtctl_result(site, &result, NULL, words, &err));
    if (!strstr(result.output, finding) || (exit_status && result.exit_status != exit_status))
        fail_msg("%s%s", result.output, result.errors);
}

static void the_check_tells_what_the_directory_lets_us_do(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    expect_finding(site, 0, "lets us in; its clock is");
    expect_finding(site, 0, "answers as global catalogue");
    expect_finding(site, 0, "we may create computers in " DOMAIN_CONTAINER);
    expect_finding(site, 0, "we may change the members of CN=" DOMAIN_DEVICES);
    restart_with_other_keytab(site);
    expect_finding(site, 1, "we may not create computers in " DOMAIN_CONTAINER);
    restart_with_other_keytab(site);
    domain_halt(directory_site.domain);
    expect_finding(site, 1, "Can't contact LDAP server");
    must(domain_resume(directory_site.domain, &err));
    directory_change("dn: " DOMAIN_CONTAINER "\nchangetype: modrdn\nnewrdn: OU=Elsewhere\ndeleteoldrdn: 1\n");
    expect_finding(site, 1, "searching " DOMAIN_CONTAINER ": there is no such object");
    directory_change("dn: OU=Elsewhere," DOMAIN_BASE
                     "\nchangetype: modrdn\nnewrdn: OU=AMT Computers\ndeleteoldrdn: 1\n");
}

static void a_principal_of_another_object_fails_the_job_with_its_dn(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 62, "12.0", "hello=manual");
    directory_change("dn: CN=web,CN=Computers," DOMAIN_BASE "\nchangetype: add\nobjectClass: computer\n"
                     "sAMAccountName: web$\nuserAccountControl: 4096\nservicePrincipalName: HTTP/%s\n",
                     computer.fqdn);
    say_hello(site, &computer);
    expect_directory_job(site, &computer, "provision failed principal-name-taken");
    expect_sql(site, "t",
               "SELECT reason LIKE '%%CN=web,CN=Computers," DOMAIN_BASE "%%' FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.writes"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_wait_for_a_domain_controller_that_is_away),
        cmocka_unit_test(a_directory_that_hangs_delays_nobody_else),
        cmocka_unit_test(a_crowd_that_waits_for_a_directory_that_hangs_gives_its_slots_back),
        cmocka_unit_test(a_missing_container_lets_jobs_wait_until_it_is_there),
        cmocka_unit_test(without_the_right_to_create_jobs_wait_until_it_is_delegated),
        cmocka_unit_test(the_check_tells_what_the_directory_lets_us_do),
        cmocka_unit_test(a_principal_of_another_object_fails_the_job_with_its_dn),
    };

    return cmocka_run_group_tests(tests, directory_scenario_begin, directory_scenario_end);
}
