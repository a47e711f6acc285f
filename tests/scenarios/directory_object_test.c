/*
 * directory_object_test.c - computers and their objects in a real Active Directory domain (spec O6, 7):
 * created, repaired, rotated and removed by jobs.
 */
#include <stdio.h>
#include <string.h>

#include "support/directory_story.h"

/* ---- created ---------------------------------------------------------------------------------------- */

static void a_provisioned_computer_has_its_object(void **state)
{
    static const struct {
        const char *generation, *encryption;
    } cases[] = { { "3.2.1", "4" }, { "6.2", "4" }, { "9.0", "24" }, { "16.1", "24" } };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct computer computer;

        directory_provision(site, &computer, i, cases[i].generation);
        AUTO(text_free)
        char *wanted = text_format("dn: CN=%siME$," DOMAIN_CONTAINER "\ndNSHostName: %s\n"
                                   "msDS-SupportedEncryptionTypes: %s\n\n",
                                   computer.short_name, computer.fqdn, cases[i].encryption);

        expect_in_directory(wanted, "dNSHostName msDS-SupportedEncryptionTypes",
                            "(servicePrincipalName=HTTP/%s:16993)", computer.fqdn);
        expect_key_version(site, &computer, directory_key_version(site, &computer));
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

    directory_provision(site, &computer, 10, "12.0");
    must(site_amtctl(site, &password, &err, "secret", "show", computer.uuid, "directory", NULL));
    must(site_amtctl(site, &admin, &err, "secret", "show", computer.uuid, "admin", NULL));
    assert_string_not_equal(password, admin);
    password[strcspn(password, "\n")] = '\0';
    passphrase = state_text(site, &computer, "kerberos.passphrase");
    assert_string_equal(passphrase, password);
}

/* ---- repaired --------------------------------------------------------------------------------------- */

static void an_update_of_an_unchanged_computer_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer computer;
    int64_t version, writes;

    directory_provision(site, &computer, 20, "12.0");
    version = directory_key_version(site, &computer);
    writes = state_number(site, &computer, "counters.writes");
    request_job(site, &computer, "update");
    expect_directory_job(site, &computer, "update done");
    assert_int_equal(state_number(site, &computer, "counters.writes"), writes);
    expect_key_version(site, &computer, version);
}

static void an_object_that_was_deleted_is_there_again_after_an_update(void **state)
{
    struct site *site = *state;
    struct computer computer;

    directory_provision(site, &computer, 21, "12.0");
    AUTO(text_free) char *dn = directory_dn(site, &computer);

    directory_change("dn: %s\nchangetype: delete\n", dn);
    request_job(site, &computer, "update");
    expect_directory_job(site, &computer, "update done");
    expect_sql(site, "created, member", "SELECT changes FROM amt.directory_object WHERE uuid = '%s'",
               computer.uuid);
    expect_key_version(site, &computer, directory_key_version(site, &computer));
}

static void a_host_that_was_renamed_gets_its_new_principals(void **state)
{
    struct site *site = *state;
    struct computer computer;

    directory_provision(site, &computer, 22, "12.0");
    sql_do(site, "UPDATE amt_store.computer SET fqdn = 'renamed.site.example.com' WHERE uuid = '%s'",
           computer.uuid);
    request_job(site, &computer, "update");
    expect_directory_job(site, &computer, "update done");
    expect_in_directory("", "cn", "(servicePrincipalName=HTTP/%s*)", computer.fqdn);
    snprintf(computer.fqdn, sizeof(computer.fqdn), "renamed.site.example.com");
    expect_key_version(site, &computer, directory_key_version(site, &computer));
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

/* ---- rotated ---------------------------------------------------------------------------------------- */

static void rotated_passwords_are_those_of_directory_and_firmware(void **state)
{
    static const char *const generations_tried[] = { "6.2", "12.0" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(generations_tried); i++) {
        struct computer computer;
        int64_t version;

        directory_provision(site, &computer, 30 + i, generations_tried[i]);
        version = directory_key_version(site, &computer);
        request_job(site, &computer, "rotate-passwords");
        expect_directory_job(site, &computer, "rotate-passwords done");
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

    directory_provision(site, &computer, 32, "12.0");
    domain_halt(directory_site.domain);
    request_job(site, &computer, "rotate-passwords");
    expect_sql(site, "1",
               "SELECT count(*) FROM amt.secret_status WHERE uuid = '%s' AND kind = 'directory' AND state = "
               "'pending'",
               computer.uuid);
    process_kill(&site->server);
    must(domain_resume(directory_site.domain, &err));
    must(site_start_server(site, &err));
    expect_directory_job(site, &computer, "rotate-passwords done");
    expect_key_version(site, &computer, directory_key_version(site, &computer));
    expect_sql(
        site, "active superseded",
        "SELECT string_agg(state, ' ' ORDER BY state) FROM amt.secret_status WHERE uuid = '%s' AND kind "
        "= 'directory'",
        computer.uuid);
}

/* ---- removed ---------------------------------------------------------------------------------------- */

static void unprovisioning_leaves_no_object_and_no_principal(void **state)
{
    struct site *site = *state;
    struct computer computer;

    directory_provision(site, &computer, 40, "12.0");
    request_job(site, &computer, "unprovision");
    expect_directory_job(site, &computer, "unprovision done");
    expect_sql(site, "0", "SELECT count(*) FROM amt.directory_object WHERE uuid = '%s'", computer.uuid);
    expect_in_directory("", "cn", "(|(servicePrincipalName=HTTP/%s*)(description=*%s))", computer.fqdn,
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
    expect_in_directory("", "cn", "(servicePrincipalName=HTTP/%s*)", computer.fqdn);
}

/* What is to be removed is found again by a site server that was killed meanwhile. */
static void an_object_is_removed_when_the_directory_is_back(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    directory_provision(site, &computer, 41, "12.0");
    domain_halt(directory_site.domain);
    request_job(site, &computer, "unprovision");
    expect_directory_job(site, &computer, "unprovision done");
    expect_sql(site, "to be removed directory-unreachable",
               "SELECT concat_ws(' ', state, reason_code) FROM amt.directory_object WHERE uuid = '%s'",
               computer.uuid);
    process_kill(&site->server);
    must(domain_resume(directory_site.domain, &err));
    sql_do(site, "UPDATE amt_store.directory_object SET tried_at = NULL"); /* the pause is over */
    must(site_start_server(site, &err));
    expect_sql(site, "0", "SELECT count(*) FROM amt.directory_object WHERE uuid = '%s'", computer.uuid);
    expect_in_directory("", "cn", "(servicePrincipalName=HTTP/%s*)", computer.fqdn);
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
    };

    return cmocka_run_group_tests(tests, directory_scenario_begin, directory_scenario_end);
}
