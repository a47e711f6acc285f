/*
 * directory_test.c - computers and their objects in a real Active Directory domain (spec O6, 7): created,
 * repaired, rotated and removed by jobs; the domain controller away; what an administrator may have done
 * wrong.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/domain.h"
#include "support/expect.h"
#include "support/web_client.h"

static struct {
    struct domain *domain;
} test;

static int set_up(void **state)
{
    struct error err = { 0 };

    must(domain_start_beside(&test.domain, "directory-test-domain", &err));

    AUTO(text_free) char *metrics = text_format("metrics.listen = %s:9672", test.domain->address);

    const char *settings[] = { test.domain->settings[0],
                               test.domain->settings[1],
                               test.domain->settings[2],
                               test.domain->settings[3],
                               test.domain->settings[4],
                               "job.retry_delay = 1s",
                               "job.retry_delay_max = 1s",
                               "directory.timeout = 3s",
                               metrics,
                               NULL };

    return scenario_begin(state,
                          &(struct site_options){ .name = "directory-test", .server_settings = settings });
}

static int tear_down(void **state)
{
    int ended = scenario_end(state);

    domain_stop(&test.domain);
    return ended;
}

static void request(struct site *site, const struct computer *computer, const char *kind)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
}

static void expect_job(struct site *site, const struct computer *computer, const char *wanted)
{
    expect_sql(site, wanted,
               "SELECT CASE WHEN state IN ('waiting', 'leased') AND reason_code IS NULL THEN 'open' ELSE "
               "concat_ws(' ', kind, state, reason_code) END FROM amt.job WHERE id = (SELECT last_job FROM "
               "amt.computer WHERE uuid = '%s')",
               computer->uuid);
}

static void provision(struct site *site, struct computer *computer, unsigned index, const char *generation)
{
    scenario_computer(site, computer, index, generation, "hello=manual");
    say_hello(site, computer);
    expect_outcome(site, computer, "provisioned", "");
}

static void expect_found(const char *wanted, const char *attributes, const char *filter, ...)
    PRINTF_LIKE(3, 4);
static void expect_found(const char *wanted, const char *attributes, const char *filter, ...)
{
    AUTO(text_free) char *found = NULL;
    struct error err = { 0 };
    va_list arguments;
    char *expression = NULL;

    va_start(arguments, filter);
    assert_true(vasprintf(&expression, filter, arguments) > 0);
    va_end(arguments);
    must(domain_search(test.domain, &found, expression, attributes, &err));
    free(expression);
    assert_string_equal(found, wanted);
}

static void change(const char *format, ...) PRINTF_LIKE(1, 2);
static void change(const char *format, ...)
{
    struct error err = { 0 };
    va_list arguments;
    char *ldif = NULL;

    va_start(arguments, format);
    assert_true(vasprintf(&ldif, format, arguments) > 0);
    va_end(arguments);
    must(domain_modify(test.domain, ldif, &err));
    free(ldif);
}

static char *dn_of(struct site *site, const struct computer *computer)
{
    return sql_answer(site, "SELECT dn FROM amt.directory_object WHERE uuid = '%s'", computer->uuid);
}

/* The directory, the database and the firmware agree on the key's version. */
static void expect_key_version(struct site *site, const struct computer *computer, int64_t version)
{
    AUTO(text_free) char *dn = dn_of(site, computer);
    AUTO(text_free)
    char *wanted = text_format("dn: %s\nmsDS-KeyVersionNumber: %lld\n\n", dn, (long long)version);

    expect_found(wanted, "msDS-KeyVersionNumber", "(servicePrincipalName=HTTP/%s)", computer->fqdn);
    assert_int_equal(state_number(site, computer, "kerberos.KeyVersion"), version);
}

static int64_t key_version(struct site *site, const struct computer *computer)
{
    AUTO(text_free)
    char *version =
        sql_answer(site, "SELECT key_version FROM amt.directory_object WHERE uuid = '%s'", computer->uuid);

    return strtoll(version, NULL, 10);
}

/* ---- created --------------------------------------------------------------------------------------- */

static void a_provisioned_computer_has_its_object(void **state)
{
    static const struct {
        const char *generation, *encryption;
    } cases[] = { { "3.2.1", "4" }, { "6.2", "4" }, { "9.0", "24" }, { "16.1", "24" } };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct computer computer;

        provision(site, &computer, i, cases[i].generation);
        AUTO(text_free)
        char *wanted = text_format("dn: CN=%siME$," DOMAIN_CONTAINER "\ndNSHostName: %s\n"
                                   "msDS-SupportedEncryptionTypes: %s\n\n",
                                   computer.short_name, computer.fqdn, cases[i].encryption);

        expect_found(wanted, "dNSHostName msDS-SupportedEncryptionTypes",
                     "(servicePrincipalName=HTTP/%s:16993)", computer.fqdn);
        expect_key_version(site, &computer, key_version(site, &computer));
        expect_sql(site, "kept", "SELECT state FROM amt.directory_object WHERE uuid = '%s'", computer.uuid);
        expect_sql(
            site, "active",
            "SELECT string_agg(state, ' ') FROM amt.secret_status WHERE uuid = '%s' AND kind = 'directory'",
            computer.uuid);
    }
}

/* The account's own password: what `amtctl secret show` tells opens it. */
static void the_account_has_a_password_of_its_own(void **state)
{
    struct site *site = *state;
    struct computer computer;
    AUTO(text_free) char *admin = NULL;
    AUTO(text_free) char *password = NULL;
    AUTO(text_free) char *passphrase = NULL;
    struct error err = { 0 };

    provision(site, &computer, 10, "12.0");
    must(site_amtctl(site, &password, &err, "secret", "show", computer.uuid, "directory", NULL));
    must(site_amtctl(site, &admin, &err, "secret", "show", computer.uuid, "admin", NULL));
    assert_string_not_equal(password, admin);
    password[strcspn(password, "\n")] = '\0';
    passphrase = state_text(site, &computer, "kerberos.passphrase");
    assert_string_equal(passphrase, password);
}

/* ---- repaired -------------------------------------------------------------------------------------- */

static void an_update_of_an_unchanged_computer_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer computer;
    int64_t version, writes;

    provision(site, &computer, 20, "12.0");
    version = key_version(site, &computer);
    writes = state_number(site, &computer, "counters.writes");
    request(site, &computer, "update");
    expect_job(site, &computer, "update done");
    assert_int_equal(state_number(site, &computer, "counters.writes"), writes);
    expect_key_version(site, &computer, version);
}

static void an_object_that_was_deleted_is_there_again_after_an_update(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 21, "12.0");
    AUTO(text_free) char *dn = dn_of(site, &computer);

    change("dn: %s\nchangetype: delete\n", dn);
    request(site, &computer, "update");
    expect_job(site, &computer, "update done");
    expect_sql(site, "created, member", "SELECT changes FROM amt.directory_object WHERE uuid = '%s'",
               computer.uuid);
    expect_key_version(site, &computer, key_version(site, &computer));
}

static void a_host_that_was_renamed_gets_its_new_principals(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 22, "12.0");
    sql_do(site, "UPDATE amt_store.computer SET fqdn = 'renamed.site.example.com' WHERE uuid = '%s'",
           computer.uuid);
    request(site, &computer, "update");
    expect_job(site, &computer, "update done");
    expect_found("", "cn", "(servicePrincipalName=HTTP/%s*)", computer.fqdn);
    snprintf(computer.fqdn, sizeof(computer.fqdn), "renamed.site.example.com");
    expect_key_version(site, &computer, key_version(site, &computer));
    AUTO(text_free) char *principal = state_text(site, &computer, "kerberos.RealmName");

    assert_string_equal(principal, DOMAIN_REALM);
}

static void two_computers_with_like_names_get_accounts_of_their_own(void **state)
{
    static const char *const names[] = { "a-workstation-with-a-long-name-1",
                                         "a-workstation-with-a-long-name-2" };
    struct site *site = *state;
    struct computer computers[2];

    for (unsigned i = 0; i < 2; i++) {
        scenario_computer(site, &computers[i], 24 + i, "12.0", "hello=manual");
        sql_do(site, "UPDATE amt_store.computer SET fqdn = '%s.site.example.com' WHERE uuid = '%s'", names[i],
               computers[i].uuid);
        say_hello(site, &computers[i]);
        expect_outcome(site, &computers[i], "provisioned", "");
    }
    expect_sql(site, "a-workstation--2iME$ a-workstation-wiiME$",
               "SELECT string_agg(account_name, ' ' ORDER BY account_name COLLATE \"C\") FROM "
               "amt.directory_object WHERE fqdn LIKE 'a-workstation-%%'");
}

/* ---- rotated --------------------------------------------------------------------------------------- */

static void rotated_passwords_are_those_of_directory_and_firmware(void **state)
{
    static const char *const generations_tried[] = { "6.2", "12.0" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(generations_tried); i++) {
        struct computer computer;
        int64_t version;

        provision(site, &computer, 30 + i, generations_tried[i]);
        version = key_version(site, &computer);
        request(site, &computer, "rotate-passwords");
        expect_job(site, &computer, "rotate-passwords done");
        expect_key_version(site, &computer, version + 1);
        expect_sql(
            site, "active superseded",
            "SELECT string_agg(state, ' ' ORDER BY state) FROM amt.secret_status WHERE uuid = '%s' AND "
            "kind = 'directory'",
            computer.uuid);
    }
}

/* The site server dies when the new password is committed and the directory may have it already. */
static void a_rotation_that_was_interrupted_ends_with_one_password(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 32, "12.0");
    domain_halt(test.domain);
    request(site, &computer, "rotate-passwords");
    expect_sql(site, "1",
               "SELECT count(*) FROM amt.secret_status WHERE uuid = '%s' AND kind = 'directory' AND state = "
               "'pending'",
               computer.uuid);
    process_kill(&site->server);
    must(domain_resume(test.domain, &err));
    must(site_start_server(site, &err));
    expect_job(site, &computer, "rotate-passwords done");
    expect_key_version(site, &computer, key_version(site, &computer));
    expect_sql(
        site, "active superseded",
        "SELECT string_agg(state, ' ' ORDER BY state) FROM amt.secret_status WHERE uuid = '%s' AND kind "
        "= 'directory'",
        computer.uuid);
}

/* ---- removed --------------------------------------------------------------------------------------- */

static void unprovisioning_leaves_no_object_and_no_principal(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 40, "12.0");
    request(site, &computer, "unprovision");
    expect_job(site, &computer, "unprovision done");
    expect_sql(site, "0", "SELECT count(*) FROM amt.directory_object WHERE uuid = '%s'", computer.uuid);
    expect_found("", "cn", "(|(servicePrincipalName=HTTP/%s*)(description=*%s))", computer.fqdn,
                 computer.uuid);
    expect_sql(
        site, "superseded",
        "SELECT string_agg(state, ' ') FROM amt.secret_status WHERE uuid = '%s' AND kind = 'directory'",
        computer.uuid);
}

static void a_computer_that_is_forgotten_leaves_no_object(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 42, "12.0", "hello=manual");
    must(simulator_control(site->simulator, NULL, &err,
                           "misbehave %s reset at=AMT_TimeSynchronizationService.GetLowAccuracyTimeSynch",
                           computer.uuid));
    say_hello(site, &computer);
    expect_sql(site, "kept", "SELECT state FROM amt.directory_object WHERE uuid = '%s'", computer.uuid);
    sql_do(site,
           "SELECT amt.cancel_job(id) FROM amt.job WHERE uuid = '%s' AND state IN ('waiting', 'leased')",
           computer.uuid);
    must(site_amtctl(site, NULL, &err, "computer", "remove", "--forget-passwords", computer.uuid, NULL));
    expect_sql(site, "0", "SELECT count(*) FROM amt.directory_object WHERE uuid = '%s'", computer.uuid);
    expect_found("", "cn", "(servicePrincipalName=HTTP/%s*)", computer.fqdn);
}

/* What is to be removed is found again by a site server that was killed meanwhile. */
static void an_object_is_removed_when_the_directory_is_back(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 41, "12.0");
    domain_halt(test.domain);
    request(site, &computer, "unprovision");
    expect_job(site, &computer, "unprovision done");
    expect_sql(site, "to be removed directory-unreachable",
               "SELECT concat_ws(' ', state, reason_code) FROM amt.directory_object WHERE uuid = '%s'",
               computer.uuid);
    process_kill(&site->server);
    must(domain_resume(test.domain, &err));
    sql_do(site, "UPDATE amt_store.directory_object SET tried_at = NULL"); /* the pause is over */
    must(site_start_server(site, &err));
    expect_sql(site, "0", "SELECT count(*) FROM amt.directory_object WHERE uuid = '%s'", computer.uuid);
    expect_found("", "cn", "(servicePrincipalName=HTTP/%s*)", computer.fqdn);
}

/* ---- users and groups by name ----------------------------------------------------------------------- */

static void set_profile(struct site *site, const char *name, const char *content)
{
    AUTO(text_free) char *path = site_path(site, name);
    struct error err = { 0 };

    must(file_write(path, content, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", name, path, NULL));
}

static void plan_with_profile(struct site *site, struct computer *computer, unsigned index,
                              const char *generation, const char *profile)
{
    struct error err = { 0 };

    scenario_computer(site, computer, index, generation, "hello=manual");
    must(site_amtctl(site, NULL, &err, "computer", "profile", profile, computer->uuid, NULL));
    say_hello(site, computer);
}

static int status_for(const struct computer *computer, const char *user)
{
    AUTO(text_free) char *cache = workplace_path(&test.domain->place, user);
    AUTO(text_free) char *openssl_config = workplace_path(&test.domain->place, "openssl.cnf");
    const struct web_target target = { computer->fqdn, computer->address, 16993, openssl_config, NULL };
    struct error err = { 0 };
    int status;

    must(web_client_prepare(openssl_config, &err));
    must(domain_login(test.domain, user, cache, &err)); /* no ticket of before the rotation */
    must(web_read_by_ticket(&target, cache, "AMT_GeneralSettings", &status, &err));
    return status;
}

static void members_of_the_profile_s_group_read_the_computer_and_nobody_else(void **state)
{
    static const char *const generations_tried[] = { "6.2", "12.0", "16.1" };
    struct site *site = *state;

    set_profile(site, "by-name", "user SITE\\" DOMAIN_OPERATORS " = network: general-info\n");
    for (unsigned i = 0; i < COUNT_OF(generations_tried); i++) {
        struct computer computer;

        plan_with_profile(site, &computer, 70 + i, generations_tried[i], "by-name");
        expect_outcome(site, &computer, "provisioned", "");
        assert_int_equal(status_for(&computer, "alice"), 200);
        assert_int_not_equal(status_for(&computer, "mallory"), 200);
        request(site, &computer, "rotate-passwords");
        expect_job(site, &computer, "rotate-passwords done");
        assert_int_equal(status_for(&computer, "alice"), 200);
        assert_int_not_equal(status_for(&computer, "mallory"), 200);
    }
    expect_sql(site, "{by-name}", "SELECT profiles FROM amt.directory_name WHERE sid LIKE 'S-1-5-21-%%'");
}

static void a_group_that_is_not_there_fails_the_job_until_it_is(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    set_profile(site, "unknown", "user SITE\\Newcomers = network: general-info\n");
    plan_with_profile(site, &computer, 75, "12.0", "unknown");
    expect_job(site, &computer, "provision failed directory-name-unknown");
    must(domain_tool(test.domain, NULL, &err, "group", "add", "Newcomers", NULL));
    set_profile(site, "unknown", "user SITE\\Newcomers = network: general-info\nping = on\n");
    request(site, &computer, "provision");
    expect_outcome(site, &computer, "provisioned", "");
}

static void names_that_are_none_are_refused(void **state)
{
    static const char *const wrong[] = { "user \\name = network: general-info\n",
                                         "user SITE\\ = network: general-info\n",
                                         "user A-SHORT-NAME-THAT-IS-LONG\\name = network: general-info\n",
                                         "user SITE\\a\\b = network: general-info\n" };
    struct site *site = *state;
    AUTO(text_free) char *path = site_path(site, "wrong");
    struct error err = { 0 };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        must(file_write(path, wrong[i], 0600, &err));
        assert_false(site_amtctl(site, NULL, &err, "profile", "set", "wrong", path, NULL));
        if (!strstr(err.message, "is no DOMAIN\\name"))
            fail_msg("%s", err.message);
    }
}

/* ---- the directory away, or in disorder ------------------------------------------------------------ */

static void expect_health(const char *wanted)
{
    AUTO(text_free) char *url = text_format("http://%s:9672/health", test.domain->address);
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

    domain_halt(test.domain);
    for (unsigned i = 0; i < COUNT_OF(computers); i++) {
        scenario_computer(site, &computers[i], 50 + i, "12.0", "hello=manual");
        say_hello(site, &computers[i]);
    }
    for (unsigned i = 0; i < COUNT_OF(computers); i++) {
        expect_job(site, &computers[i], "provision waiting directory-unreachable");
        assert_int_equal(state_number(site, &computers[i], "counters.writes"), 0);
    }
    expect_health("directory: away, jobs wait: ldap://");
    must(domain_resume(test.domain, &err));
    for (unsigned i = 0; i < COUNT_OF(computers); i++)
        expect_outcome(site, &computers[i], "provisioned", "");
    expect_health("directory: ok");
}

/* Hellos are judged at once while errands hang in a domain controller that answers nothing. */
static void a_directory_that_hangs_delays_nobody_else(void **state)
{
    struct site *site = *state;
    struct computer waiting, known;

    provision(site, &known, 55, "12.0");
    process_signal(test.domain->server, SIGSTOP);
    scenario_computer(site, &waiting, 56, "12.0", "hello=manual");
    say_hello(site, &waiting);
    expect_sql(site, "wanted", "SELECT state FROM amt.directory_object WHERE uuid = '%s'", waiting.uuid);
    for (unsigned i = 0; i < 5; i++) {
        request(site, &known, "sync-clock");
        expect_job(site, &known, "sync-clock done");
    }
    expect_sql(site, "wanted", "SELECT state FROM amt.directory_object WHERE uuid = '%s'", waiting.uuid);
    process_signal(test.domain->server, SIGCONT);
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
    process_signal(test.domain->server, SIGSTOP);
    for (unsigned i = 0; i < CROWD; i++)
        say_hello(site, &computers[i]);
    expect_sql(
        site, "120",
        "SELECT count(DISTINCT a.job) FROM amt_store.job_attempt a JOIN amt_store.job j ON j.id = a.job"
        " WHERE a.reason_code = 'directory-unreachable' AND j.uuid IN (SELECT uuid FROM amt.computer"
        " WHERE fqdn BETWEEN '%s' AND '%s')",
        computers[0].fqdn, computers[CROWD - 1].fqdn);
    process_signal(test.domain->server, SIGCONT);
    for (unsigned i = 0; i < CROWD; i++)
        expect_outcome(site, &computers[i], "provisioned", "");
}

static void a_missing_container_lets_jobs_wait_until_it_is_there(void **state)
{
    struct site *site = *state;
    struct computer computer;

    change("dn: " DOMAIN_CONTAINER "\nchangetype: modrdn\nnewrdn: OU=Elsewhere\ndeleteoldrdn: 1\n");
    scenario_computer(site, &computer, 60, "12.0", "hello=manual");
    say_hello(site, &computer);
    expect_job(site, &computer, "provision waiting directory-container-missing");
    expect_sql(site, "t",
               "SELECT reason LIKE '%%" DOMAIN_CONTAINER "%%' FROM amt.directory_object WHERE uuid = '%s'",
               computer.uuid);
    change("dn: OU=Elsewhere," DOMAIN_BASE
           "\nchangetype: modrdn\nnewrdn: OU=AMT Computers\ndeleteoldrdn: 1\n");
    expect_outcome(site, &computer, "provisioned", "");
}

/* The site server starts with another account's keytab, as if nothing had been delegated. */
static void restart_with_other_keytab(struct site *site)
{
    AUTO(text_free) char *between = text_format("%s.between", test.domain->site_keytab);
    struct error err = { 0 };

    assert_int_equal(rename(test.domain->site_keytab, between), 0);
    assert_int_equal(rename(test.domain->outsider_keytab, test.domain->site_keytab), 0);
    assert_int_equal(rename(between, test.domain->outsider_keytab), 0);
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
    expect_job(site, &computer, "provision waiting directory-not-permitted");
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
    domain_halt(test.domain);
    expect_finding(site, 1, "Can't contact LDAP server");
    must(domain_resume(test.domain, &err));
    change("dn: " DOMAIN_CONTAINER "\nchangetype: modrdn\nnewrdn: OU=Elsewhere\ndeleteoldrdn: 1\n");
    expect_finding(site, 1, "searching " DOMAIN_CONTAINER ": there is no such object");
    change("dn: OU=Elsewhere," DOMAIN_BASE
           "\nchangetype: modrdn\nnewrdn: OU=AMT Computers\ndeleteoldrdn: 1\n");
}

static void a_principal_of_another_object_fails_the_job_with_its_dn(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 62, "12.0", "hello=manual");
    change("dn: CN=web,CN=Computers," DOMAIN_BASE "\nchangetype: add\nobjectClass: computer\n"
           "sAMAccountName: web$\nuserAccountControl: 4096\nservicePrincipalName: HTTP/%s\n",
           computer.fqdn);
    say_hello(site, &computer);
    expect_job(site, &computer, "provision failed principal-name-taken");
    expect_sql(site, "t",
               "SELECT reason LIKE '%%CN=web,CN=Computers," DOMAIN_BASE "%%' FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.writes"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_provisioned_computer_has_its_object),
        cmocka_unit_test(the_account_has_a_password_of_its_own),
        cmocka_unit_test(an_update_of_an_unchanged_computer_changes_nothing),
        cmocka_unit_test(an_object_that_was_deleted_is_there_again_after_an_update),
        cmocka_unit_test(a_host_that_was_renamed_gets_its_new_principals),
        cmocka_unit_test(two_computers_with_like_names_get_accounts_of_their_own),
        cmocka_unit_test(rotated_passwords_are_those_of_directory_and_firmware),
        cmocka_unit_test(a_rotation_that_was_interrupted_ends_with_one_password),
        cmocka_unit_test(unprovisioning_leaves_no_object_and_no_principal),
        cmocka_unit_test(a_computer_that_is_forgotten_leaves_no_object),
        cmocka_unit_test(an_object_is_removed_when_the_directory_is_back),
        cmocka_unit_test(members_of_the_profile_s_group_read_the_computer_and_nobody_else),
        cmocka_unit_test(a_group_that_is_not_there_fails_the_job_until_it_is),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(jobs_wait_for_a_domain_controller_that_is_away),
        cmocka_unit_test(a_directory_that_hangs_delays_nobody_else),
        cmocka_unit_test(a_crowd_that_waits_for_a_directory_that_hangs_gives_its_slots_back),
        cmocka_unit_test(a_missing_container_lets_jobs_wait_until_it_is_there),
        cmocka_unit_test(without_the_right_to_create_jobs_wait_until_it_is_delegated),
        cmocka_unit_test(the_check_tells_what_the_directory_lets_us_do),
        cmocka_unit_test(a_principal_of_another_object_fails_the_job_with_its_dn),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
