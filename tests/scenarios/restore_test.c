/*
 * restore_test.c - the database is taken back to a moment before passwords were rotated, certificates renewed
 * and a computer provisioned (deploy/backup/README.md, step by step): every device opens again, and no job
 * that was done since is done again.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"
#include "support/site_audit.h"

enum {
    FORMER = 4, /* computers of before the moment */
    FLEET = FORMER + 1,
    UNDONE = FORMER - 1, /* the one whose job of the moment was done since, and must not be done again */
};

static const char *const fleet_generations[FLEET] = { "3.2.1", "7.1", "11.8", "16.1", "19.0" };

struct story {
    struct site *site;
    struct computer computers[FLEET];
    char *archive, *backup, *journal;
    char *list_number; /* of the revocation list, before the restore */
};

static struct story story;

/* ---- what operators do ----------------------------------------------------------------------------- */

static void expect_report(const char *wanted)
{
    AUTO(text_free) char *report = NULL;
    struct error err = { 0 };

    must(site_audit(story.site, &report, &err));
    if (!strstr(report, wanted))
        fail_msg("the auditor does not say \"%s\", but:\n%s", wanted, report);
}

static void request(const char *kind, unsigned first, unsigned end)
{
    struct error err = { 0 };

    for (unsigned i = first; i < end; i++)
        must(site_amtctl(story.site, NULL, &err, "job", "request", kind, story.computers[i].uuid, NULL));
}

static void expect_all_done(void)
{
    expect_sql(story.site, "0", "SELECT count(*) FROM amt.job WHERE state IN ('waiting', 'leased')");
    expect_sql(story.site, "0", "SELECT count(*) FROM amt.job WHERE state = 'failed'");
}

static void request_of_all(const char *kind)
{
    request(kind, 0, FLEET);
    expect_all_done();
}

static void set_and_start_again(struct site *site, const char *setting)
{
    AUTO(text_free) char *config = NULL;
    AUTO(text_free) char *changed = NULL;
    struct error err = { 0 };

    must(file_read(site->server_config_path, &config, NULL, &err));
    changed = text_format("%s%s\n", config, setting);
    must(file_write(site->server_config_path, changed, 0600, &err));
    assert_true(process_stop(&site->server));
    must(site_start_server(site, &err));
}

/* ---- the moment ------------------------------------------------------------------------------------ */

static void keep_journal_and_archive(struct site *site)
{
    AUTO(text_free) char *setting = NULL;
    struct error err = { 0 };

    story.archive = text_format("%s-archive", site->cluster_path);
    story.backup = text_format("%s-backup", site->cluster_path);
    story.journal = site_path(site, "escrow.journal");
    setting = text_format("secret.journal = %s", story.journal);
    directory_remove(story.archive);
    directory_remove(story.backup);
    must(postgres_archive(site->postgres, story.archive, &err));
    set_and_start_again(site, setting);
    expect_sql(site, "t", "SELECT connected FROM amt.service_point");
}

/* At the moment a job waits that is done later, and that would harm if it were done twice. */
static void leave_a_job_waiting(struct site *site)
{
    struct error err = { 0 };

    process_stop(&site->points[0].process);
    request("unprovision", UNDONE, UNDONE + 1);
    sql_do(site, "SELECT pg_create_restore_point('before the rotation')");
    must(site_start_point(site, 0, &err));
    expect_sql(site, "not provisioned", "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'",
               story.computers[UNDONE].uuid);
    request("provision", UNDONE, UNDONE + 1);
    say_hello_until(site, &story.computers[UNDONE], "provisioned",
                    "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'",
                    story.computers[UNDONE].uuid);
    expect_provisioned(site, &story.computers[UNDONE]);
}

static void take_backup_and_go_on(struct site *site)
{
    struct error err = { 0 };

    must(postgres_back_up(site->postgres, story.backup, &err));
    leave_a_job_waiting(site);
    request("rotate-passwords", 0, FORMER);
    expect_all_done();
    request("renew-certificate", 0, FORMER);
    expect_all_done();
    scenario_computer(site, &story.computers[FORMER], FORMER, fleet_generations[FORMER], "hello=manual");
    say_hello(site, &story.computers[FORMER]);
    expect_provisioned(site, &story.computers[FORMER]);
    request("rotate-passwords", FORMER - 1, FLEET);
    expect_all_done();
    expect_report("5 passed, 0 failed");
    story.list_number = sql_answer(site, "SELECT number FROM amt.revocation_list");
}

/* The service points go on, as they would. */
static void restore(struct site *site)
{
    struct error err = { 0 };

    sql_do(site, "SELECT pg_switch_wal()");
    expect_sql(site, "t", "SELECT last_archived_wal IS NOT NULL FROM pg_stat_archiver");
    assert_true(process_stop(&site->server));
    must(postgres_restore(site->postgres, story.backup, story.archive, "before the rotation", &err));
    expect_sql(site, "4", "SELECT count(*) FROM amt.computer");
    expect_sql(site, "waiting", "SELECT state FROM amt.job WHERE kind = 'unprovision'");
    expect_sql(site, "0", "SELECT count(*) FROM amt.site_server WHERE alive");
}

/* ---- tests ----------------------------------------------------------------------------------------- */

static void without_the_journal_the_passwords_of_the_restored_database_open_no_device(void **state)
{
    struct site *site = story.site = *state;
    struct error err = { 0 };

    keep_journal_and_archive(site);
    for (unsigned i = 0; i < FORMER; i++) {
        scenario_computer(site, &story.computers[i], i, fleet_generations[i], "hello=manual");
        say_hello(site, &story.computers[i]);
    }
    for (unsigned i = 0; i < FORMER; i++)
        expect_provisioned(site, &story.computers[i]);
    expect_all_done();
    take_backup_and_go_on(site);
    restore(site);
    for (unsigned i = 0; i < FORMER; i++)
        assert_false(proof_check_escrow(site, &story.computers[i], &err));
}

static void a_computer_that_was_imported_since_is_named(void **state)
{
    struct site *site = *state;
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(site_amtctl_result(site, &result, NULL, (const char *[]){ "secret", "recover", story.journal, NULL },
                            &err));
    assert_int_equal(result.exit_status, 1);
    assert_non_null(strstr(result.errors, story.computers[FORMER].uuid));
    assert_non_null(strstr(result.errors, story.computers[FORMER].fqdn));
    assert_non_null(strstr(result.errors, "import them"));
}

static void with_the_journal_every_password_opens_its_device(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *told = NULL;
    struct error err = { 0 };

    must(computers_import(site, story.computers, FLEET, &err));
    must(site_amtctl(site, &told, &err, "--json", "secret", "recover", story.journal, NULL));
    assert_non_null(strstr(told, "\"broken_lines\": 0, \"unknown_computers\": 0"));
    for (unsigned i = 0; i < FLEET; i++)
        must(proof_check_escrow(site, &story.computers[i], &err));
    expect_sql(site, "0", "SELECT count(*) FROM amt.secret_status WHERE state = 'pending'");
}

static void what_was_recovered_once_is_not_recovered_twice(void **state)
{
    AUTO(text_free) char *told = NULL;
    struct error err = { 0 };

    must(site_amtctl(*state, &told, &err, "--json", "secret", "recover", story.journal, NULL));
    assert_non_null(strstr(told, "\"secrets\": 0, \"certificates\": 0, \"jobs_cancelled\": 0"));
}

static void a_job_that_was_open_at_the_moment_is_not_done_again(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    expect_sql(site, "cancelled", "SELECT state FROM amt.job WHERE kind = 'unprovision'");
    must(site_start_server(site, &err));
    expect_sql(site, "t", "SELECT bool_and(connected) FROM amt.service_point");
    must(proof_check(site, &story.computers[UNDONE], &proof_of_default_profile, &err));
}

static void a_site_server_must_be_stopped_for_the_recovery(void **state)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(site_amtctl_result(*state, &result, NULL,
                            (const char *[]){ "secret", "recover", story.journal, NULL }, &err));
    assert_int_equal(result.exit_status, 1);
    assert_non_null(strstr(result.errors, "stop all of them"));
}

static void after_an_update_the_site_and_its_devices_agree(void **state)
{
    struct site *site = *state;

    request("update", 0, FORMER);
    request("provision", FORMER, FLEET); /* the restored database never saw it provisioned */
    expect_all_done();
    expect_report("5 passed, 0 failed");
    request_of_all("rotate-passwords");
    request_of_all("renew-certificate");
    expect_report("5 passed, 0 failed");
    expect_sql(site, "t", "SELECT number > %s FROM amt.revocation_list", story.list_number);
}

static void the_journal_has_no_password_in_clear(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *journal = NULL;
    struct error err = { 0 };

    must(file_read(story.journal, &journal, NULL, &err));
    for (unsigned i = 0; i < FLEET; i++) {
        AUTO(text_free) char *password = NULL;

        must(site_amtctl(site, &password, &err, "secret", "show", story.computers[i].uuid, "admin", NULL));
        password[strcspn(password, "\n")] = '\0';
        assert_true(strlen(password) >= 8);
        assert_null(strstr(journal, password));
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "queue.heartbeat = 1s",
                                                   "hello.quiet = 1s", NULL };
    struct site_options options = { .server_settings = server_settings };

    return scenario_begin(state, &options);
}

static int end(void **state)
{
    if (story.archive)
        directory_remove(story.archive);
    if (story.backup)
        directory_remove(story.backup);
    text_free(&story.archive);
    text_free(&story.backup);
    text_free(&story.journal);
    text_free(&story.list_number);
    return scenario_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_journal_the_passwords_of_the_restored_database_open_no_device),
        cmocka_unit_test(a_computer_that_was_imported_since_is_named),
        cmocka_unit_test(with_the_journal_every_password_opens_its_device),
        cmocka_unit_test(what_was_recovered_once_is_not_recovered_twice),
        cmocka_unit_test(a_job_that_was_open_at_the_moment_is_not_done_again),
        cmocka_unit_test(a_site_server_must_be_stopped_for_the_recovery),
        cmocka_unit_test(after_an_update_the_site_and_its_devices_agree),
        cmocka_unit_test(the_journal_has_no_password_in_clear),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
