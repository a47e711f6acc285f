/*
 * operators_test.c - spec chapters 9 and 10: what an operator types, against a site that works.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

/* Runs amtctl with these words and this standard input; the caller ends *result. */
static void run_amtctl(struct site *site, struct command_result *result, const char *input,
                       const char *const *words)
{
    struct error err = { 0 };

    must(site_amtctl_result(site, result, input, words, &err));
}

static void expect_words(const char *text, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        if (!strstr(text, words[i]))
            fail_msg("\"%s\" is not in: %s", words[i], text);
    }
}

static void a_file_with_bad_lines_imports_nothing_and_names_each(void **state)
{
    static const char csv[] =
        "pc90001,pc90001.site.example.com,4c4c4544-9001-4d10-8001-000000090001\n"
        "pc90002,pc90002.site.example.com,not-a-uuid\n"
        "pc90003,pc90003..site.example.com,4c4c4544-9001-4d10-8001-000000090003\n"
        "pc90004,pc90004.site.example.com,00000000-0000-0000-0000-000000000000\n"
        "pc90005,pc90005.site.example.com,4c4c4544-9001-4d10-8001-000000090001\n"
        "pc90006,pc90006.site.example.com,4c4c4544-9001-4d10-8001-000000090006,,bm90IGJhc2U2NA=\n";
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct site *site = *state;

    run_amtctl(site, &result, csv, (const char *[]){ "import", "-", NULL });
    assert_int_not_equal(result.exit_status, 0);
    expect_words(result.errors, (const char *[]){ "2", "3", "4", "5", "6", NULL });
    expect_sql(site, "0", "SELECT count(*) FROM amt.computer WHERE short_name LIKE 'pc9000%%'");
}

static void a_file_can_be_imported_again(void **state)
{
    static const char csv[] =
        "short_name,FQDN,SMBIOS_UUID,MAC,MEBx_password,admin_password\r\n"
        "pc91001,pc91001.site.example.com,4c4c4544-9101-4d10-8001-000000091001,00:11:22:33:44:55,,\r\n"
        "pc91002,PC91002.site.example.com,{4C4C4544-9101-4D10-8001-000000091002},,,SW1wMHJ0ZWQuV29yZA==\r\n";
    struct site *site = *state;

    for (int i = 0; i < 2; i++) {
        AUTO(command_result_clear) struct command_result result = { 0 };

        run_amtctl(site, &result, csv, (const char *[]){ "import", "-", NULL });
        if (result.exit_status != 0)
            fail_msg("import number %d: %s", i + 1, result.errors);
    }
    expect_sql(site, "2", "SELECT count(*) FROM amt.computer WHERE short_name LIKE 'pc9100%%'");
    expect_sql(site, "1",
               "SELECT count(*) FROM amt.secret_status WHERE uuid = '4c4c4544-9101-4d10-8001-000000091002' "
               "AND kind = 'admin'");
}

static void two_computers_cannot_have_one_name(void **state)
{
    static const char first[] = "pc92001,pc92001.site.example.com,4c4c4544-9201-4d10-8001-000000092001\n";
    static const char second[] = "pc92002,pc92001.site.example.com,4c4c4544-9201-4d10-8001-000000092002\n";
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct site *site = *state;

    run_amtctl(site, &result, first, (const char *[]){ "import", "-", NULL });
    assert_int_equal(result.exit_status, 0);
    run_amtctl(site, &result, second, (const char *[]){ "import", "-", NULL });
    assert_int_not_equal(result.exit_status, 0);
    expect_words(result.errors, (const char *[]){ "pc92001.site.example.com", NULL });
}

static void a_working_site_passes_its_check(void **state)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct site *site = *state;

    run_amtctl(site, &result, NULL, (const char *[]){ "check", NULL });
    if (result.exit_status != 0)
        fail_msg("amtctl check: %s%s", result.output, result.errors);
}

/* Spec 6.2: afterwards every secret still opens, and new jobs use the new key, without a restart. */
static void the_secret_key_can_be_rotated_under_a_running_site(void **state)
{
    struct site *site = *state;
    struct computer before, after;
    struct error err = { 0 };

    scenario_computer(site, &before, 1, "14.0", "hello=manual");
    say_hello(site, &before);
    expect_provisioned(site, &before);
    must(site_amtctl(site, NULL, &err, "secret", "rotate-key", NULL));
    expect_sql(site, "1", "SELECT count(DISTINCT key_id) FROM amt.sealed_key");
    expect_provisioned(site, &before);
    scenario_computer(site, &after, 2, "16.1", "hello=manual");
    say_hello(site, &after);
    expect_provisioned(site, &after);
}

static void a_job_that_waits_can_be_cancelled(void **state)
{
    AUTO(text_free) char *job = NULL;
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 3, "14.0"); /* nobody knows its address: the job waits for its Hello */
    must(computers_import(site, &computer, 1, &err));
    sql_do(site, "SELECT amt.request_job('%s')", computer.uuid);
    job = sql_answer(site, "SELECT last_job FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    must(site_amtctl(site, NULL, &err, "job", "cancel", job, NULL));
    expect_sql(site, "cancelled", "SELECT state FROM amt.job WHERE id = %s", job);
}

/* Spec 6.1: only an operator deletes a password, and only who says so. */
static void a_scrapped_computer_is_forgotten_once_its_passwords_may_go(void **state)
{
    AUTO(command_result_clear) struct command_result refused = { 0 };
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 5, "14.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    run_amtctl(site, &refused, NULL, (const char *[]){ "computer", "remove", computer.uuid, NULL });
    assert_int_not_equal(refused.exit_status, 0);
    expect_words(refused.errors, (const char *[]){ "2 passwords", "--forget-passwords", NULL });
    expect_provisioned(site, &computer);
    must(site_amtctl(site, NULL, &err, "computer", "remove", "--forget-passwords", computer.uuid, NULL));
    expect_sql(site, "0", "SELECT count(*) FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.secret_status WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT count(*) FROM amt.revocation WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "computer removed, passwords forgotten",
               "SELECT what FROM amt.audit WHERE uuid = '%s' ORDER BY id DESC LIMIT 1", computer.uuid);
}

static void watching_a_job_ends_with_it(void **state)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 4, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    run_amtctl(site, &result, NULL, (const char *[]){ "job", "request", "provision", computer.uuid, NULL });
    assert_int_equal(result.exit_status, 0);
    run_amtctl(site, &result, NULL, (const char *[]){ "job", "watch", "--timeout", "60", NULL });
    assert_int_equal(result.exit_status, 0);
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE uuid = '%s' AND state <> 'done'",
               computer.uuid);
}

/* Chapter 9: operators without the role for secrets do not get them, and are told which role it takes. */
static void a_role_that_is_missing_is_named(void **state)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct site *site = *state;
    char *operator_url = site->operator_url;

    site->operator_url = site_url(site, "reader");
    run_amtctl(site, &result, NULL,
               (const char *[]){ "secret", "show", "4c4c4544-9101-4d10-8001-000000091002", "admin", NULL });
    assert_int_not_equal(result.exit_status, 0);
    expect_words(result.errors, (const char *[]){ "amt_secret_reader", NULL });
    run_amtctl(site, &result, "",
               (const char *[]){ "computer", "block", "4c4c4544-9101-4d10-8001-000000091002", NULL });
    assert_int_not_equal(result.exit_status, 0);
    expect_words(result.errors, (const char *[]){ "amt_operator", NULL });
    text_free(&site->operator_url);
    site->operator_url = operator_url;
}

static void lists_can_be_had_as_json(void **state)
{
    static const char *const lists[][3] = {
        { "computer", "list", NULL }, { "job", "list", NULL },           { "profile", "list", NULL },
        { "account", "list", NULL },  { "service-point", "list", NULL }, { "summary", NULL, NULL },
    };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        AUTO(command_result_clear) struct command_result result = { 0 };
        AUTO(json_close) json_object *parsed = NULL;
        const char *words[] = { "--json", lists[i][0], lists[i][1], NULL };

        run_amtctl(site, &result, NULL, words);
        assert_int_equal(result.exit_status, 0);
        parsed = json_tokener_parse(result.output);
        if (!parsed)
            fail_msg("amtctl --json %s: no JSON: %s", lists[i][0], result.output);
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "queue.heartbeat = 2s", NULL };
    struct site_options options = { .server_settings = server_settings };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_with_bad_lines_imports_nothing_and_names_each),
        cmocka_unit_test(a_file_can_be_imported_again),
        cmocka_unit_test(two_computers_cannot_have_one_name),
        cmocka_unit_test(a_working_site_passes_its_check),
        cmocka_unit_test(the_secret_key_can_be_rotated_under_a_running_site),
        cmocka_unit_test(a_job_that_waits_can_be_cancelled),
        cmocka_unit_test(a_scrapped_computer_is_forgotten_once_its_passwords_may_go),
        cmocka_unit_test(watching_a_job_ends_with_it),
        cmocka_unit_test(a_role_that_is_missing_is_named),
        cmocka_unit_test(lists_can_be_had_as_json),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
