/*
 * preflight_test.c - what `amtctl check` and `amtctl root coverage` tell before anything goes wrong (spec
 * 10): certificates against firmware's rules and the computers' domains, roots that computers trust, and who
 * may see what.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

#define FOREIGN_ROOT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct computer trusting, foreign, silent;

static char *check(struct site *site)
{
    AUTO(text_free) char *key = site_path(site, "site-server.key");
    struct command_result result = { 0 };
    struct error err = { 0 };
    char *printed;

    must(site_amtctl_result(site, &result, NULL, (const char *[]){ "check", "--queue-key-file", key, NULL },
                            &err));
    printed = text_copy(result.output);
    command_result_clear(&result);
    return printed;
}

/* A line with all of these texts. */
#define expect_finding(site, ...) expect_finding_at(__LINE__, (site), (const char *[]){ __VA_ARGS__, NULL })
static void expect_finding_at(int line, struct site *site, const char *const *texts)
{
    AUTO(text_free) char *printed = check(site);
    AUTO(text_free) char *rows = text_copy(printed);

    for (char *rest = rows, *row; (row = strsep(&rest, "\n"));) {
        size_t found = 0;

        while (texts[found] && strstr(row, texts[found]))
            found++;
        if (!texts[found])
            return;
    }
    print_error("no such finding:\n%s\n", printed);
    _fail(__FILE__, line);
}

static void expect_no_finding(struct site *site, const char *text)
{
    AUTO(text_free) char *printed = check(site);

    if (strstr(printed, text))
        fail_msg("there is a finding:\n%s", printed);
}

static void a_well_set_up_site_has_no_problem(void **state)
{
    struct site *site = *state;

    expect_no_finding(site, "problem");
    expect_finding(site, "ok", "the chain of 3 is complete and in order");
    expect_finding(site, "ok", "matches the DNS suffixes (computers): site.example.com (3)");
    expect_finding(site, "ok", "queue key", site->site_key);
    expect_finding(site, "ok", "\"site_server\" is a site server");
    expect_finding(site, "ok", "number 1 of CN=AMT provisioning authority is good for 167 hours");
}

static void roots_are_counted_from_what_the_computers_say(void **state)
{
    struct site *site = *state;

    expect_sql(site, "1 0 1",
               "SELECT computers || ' ' || not_provisioned || ' ' || only_this FROM amt.root_coverage");
    expect_sql(site, "trust none of our roots 1 1",
               "SELECT what || ' ' || computers || ' ' || stranded FROM amt.root_end WHERE stranded = 1");
    expect_sql(site, "1", "SELECT computers FROM amt.root_end WHERE what LIKE 'not known%%'");
    expect_finding(site, "warning", "computers that trust none of our provisioning roots: 1",
                   "amtctl root coverage");
}

/* Chains end a year from now; a month is within what check looks ahead. */
static void an_end_that_comes_near_tells_how_many_computers_it_strands(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };
    AUTO(text_free) char *printed = NULL;

    expect_no_finding(site, "cannot be provisioned any more within");
    sql_do(site, "UPDATE amt_store.provisioning_certificate SET not_after = now() + interval '30 days'");
    expect_finding(site, "warning", "computers that cannot be provisioned any more within 90 days",
                   "renew the provisioning");
    expect_sql(
        site, "2",
        "SELECT stranded FROM amt.root_end WHERE ends_at > now() AND what LIKE 'certificate under %%'");
    sql_do(site, "UPDATE amt_store.provisioning_certificate SET root_not_after = not_after");
    expect_sql(site, "2", "SELECT stranded FROM amt.root_end WHERE ends_at > now() AND what LIKE 'root %%'");
    must(site_amtctl(site, &printed, &err, "root", "coverage", NULL));
    assert_non_null(strstr(printed, "STRANDED"));
    assert_non_null(strstr(printed, "trust none of our roots"));
}

static void computers_of_a_domain_that_no_certificate_matches_are_named(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *path = site_path(site, "elsewhere.csv");
    struct error err = { 0 };

    must(file_write(path, "elsewhere1,elsewhere1.other.example.org,4c4c4544-2000-4d10-80d3-000000000001\n",
                    0600, &err));
    must(site_amtctl(site, NULL, &err, "import", path, NULL));
    expect_finding(site, "warning", "none matches other.example.org; computers in that domain: 1",
                   "PKI DNS suffix");
}

static void a_login_that_reads_the_tables_is_a_problem_until_it_is_revoked(void **state)
{
    struct site *site = *state;

    sql_do(site, "CREATE ROLE curious LOGIN");
    sql_do(site, "GRANT USAGE ON SCHEMA amt_store TO curious");
    sql_do(site, "GRANT SELECT ON amt_store.secret TO curious");
    expect_finding(site, "problem", "\"curious\" is no site server and reads tables", "REVOKE");
    sql_do(site, "REVOKE SELECT ON amt_store.secret FROM curious");
    expect_no_finding(site, "curious");
}

static void a_chain_that_firmware_would_refuse_is_a_problem(void **state)
{
    struct site *site = *state;

    sql_do(site, "UPDATE amt_store.provisioning_certificate SET chain = chain[1:1] || chain[3:3]");
    expect_finding(site, "problem", "is not in the order leaf, intermediates, root",
                   "restart the service point");
    sql_do(site, "UPDATE amt_store.provisioning_certificate SET chain = '{}'");
    expect_finding(site, "warning", "does not tell its chain", "upgrade that service point");
}

static int begin(void **state)
{
    const struct site_options options = { 0 };
    struct error err = { 0 };
    struct site *site;

    if (scenario_begin(state, &options) != 0)
        return -1;
    site = *state;
    scenario_computer(site, &trusting, 0, "16.1", "");
    computer_plan(&foreign, site, 1, "16.1");
    computer_plan(&silent, site, 2, "16.1");
    AUTO(text_free) char *line = computer_fleet_line(&foreign, site->dns_suffix, FOREIGN_ROOT, "");

    must(simulator_control(site->simulator, NULL, &err, "add %s", line));
    must(computers_import(site, (struct computer[]){ foreign, silent }, 2, &err));
    say_hello(site, &trusting);
    say_hello(site, &foreign);
    expect_provisioned(site, &trusting);
    expect_outcome(site, &foreign, "detected", "no-common-root");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_well_set_up_site_has_no_problem),
        cmocka_unit_test(roots_are_counted_from_what_the_computers_say),
        cmocka_unit_test(an_end_that_comes_near_tells_how_many_computers_it_strands),
        cmocka_unit_test(computers_of_a_domain_that_no_certificate_matches_are_named),
        cmocka_unit_test(a_login_that_reads_the_tables_is_a_problem_until_it_is_revoked),
        cmocka_unit_test(a_chain_that_firmware_would_refuse_is_a_problem),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
