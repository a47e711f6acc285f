/*
 * directory_users_test.c - spec O6, O8.1, O8.3: from a group of a real domain to a person who reads a
 * computer.
 *
 * Site server, service point and a Samba domain controller; nobody but them tells the computers anything.
 */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "support/domain.h"
#include "support/expect.h"
#include "support/web_client.h"

#define PROFILE "directory"

static struct {
    struct domain *domain;
    char *openssl_config;
} test;

/* ---- the domain ------------------------------------------------------------------------------------- */

/* Tickets as of now; the caller frees the path. */
static char *log_in(const char *user)
{
    AUTO(text_free) char *name = text_format("cache-%s", user);
    char *path = workplace_path(&test.domain->place, name);
    struct error err = { 0 };

    must(domain_login(test.domain, user, path, &err));
    return path;
}

/* ---- the computers ---------------------------------------------------------------------------------- */

static void set_profile(struct site *site)
{
    AUTO(text_free) char *path = site_path(site, "directory.profile");
    struct error err = { 0 };

    must(file_write(path, "user " DOMAIN_NETBIOS "\\" DOMAIN_OPERATORS " = network: general-info\n", 0600,
                    &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", PROFILE, path, NULL));
}

static void provision(struct site *site, struct computer *computer, unsigned index, const char *generation)
{
    struct error err = { 0 };

    scenario_computer(site, computer, index, generation, "hello=manual");
    must(site_amtctl(site, NULL, &err, "computer", "profile", PROFILE, computer->uuid, NULL));
    say_hello(site, computer);
    expect_outcome(site, computer, "provisioned", "");
}

static void run_job(struct site *site, const struct computer *computer, const char *kind)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
    expect_sql(
        site, "done",
        "SELECT CASE WHEN state IN ('waiting', 'leased') THEN 'open' ELSE concat_ws(' ', state, reason_code) "
        "END FROM amt.job WHERE id = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
        computer->uuid);
}

static void expect_step(struct site *site, const struct computer *computer, const char *step,
                        const char *wanted)
{
    expect_sql(
        site, wanted,
        "SELECT outcome FROM amt.job_step WHERE name = '%s' AND job = (SELECT last_job FROM amt.computer "
        "WHERE uuid = '%s') ORDER BY attempt DESC LIMIT 1",
        step, computer->uuid);
}

static void expect_state(struct site *site, const struct computer *computer, const char *path,
                         const char *wanted)
{
    AUTO(text_free) char *found = state_text(site, computer, path);

    if (strcmp(found, wanted) != 0)
        fail_msg("AMT %s: %s is \"%s\", not \"%s\"", computer->generation, path, found, wanted);
}

/* Who logs in as this user with tickets of this moment, and asks as people would: by name and port where the
 * firmware wants that, else as curl does. */
static int status_for(const struct computer *computer, const char *user)
{
    const struct web_target target = { computer->fqdn, computer->address, 16993, test.openssl_config, NULL };
    AUTO(text_free) char *cache = log_in(user);
    struct error err = { 0 };
    int status;

    if (atoi(computer->generation) < 6)
        must(web_read_by_name(&target, cache, DOMAIN_REALM, "AMT_GeneralSettings", &status, &err));
    else
        must(web_read_by_ticket(&target, cache, "AMT_GeneralSettings", &status, &err));
    return status;
}

/* ---- tests ------------------------------------------------------------------------------------------ */

static void members_of_the_profile_s_group_read_the_computer_and_others_do_not(void **state)
{
    static const struct {
        const char *generation, *encryption;
    } cases[] = {
        { "3.2.1", "arcfour-hmac" },
        { "5.2", "arcfour-hmac" },
        { "7.1", "arcfour-hmac" },
        { "9.0", "aes256-cts-hmac-sha1-96" },
        { "11.8", "aes256-cts-hmac-sha1-96" },
        { "16.1", "aes256-cts-hmac-sha1-96" },
        { "19.0", "aes256-cts-hmac-sha1-96" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct computer computer;

        provision(site, &computer, (unsigned)i, cases[i].generation);
        expect_step(site, &computer, "Kerberos", "done");
        assert_int_equal(status_for(&computer, "alice"), 200);
        expect_state(site, &computer, "kerberos.last_client", "alice@" DOMAIN_REALM);
        expect_state(site, &computer, "kerberos.last_encryption", cases[i].encryption);
        assert_int_equal(status_for(&computer, "mallory"), 401);
    }
}

static void a_rotated_password_lets_the_same_users_in_and_no_others(void **state)
{
    static const char *const releases[] = { "6.2", "12.0" };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(releases); i++) {
        AUTO(text_free) char *before = NULL;
        AUTO(text_free) char *after = NULL;
        struct computer computer;

        provision(site, &computer, (unsigned)(20 + i), releases[i]);
        before = state_text(site, &computer, "kerberos.KeyVersion");
        assert_int_equal(status_for(&computer, "alice"), 200);
        run_job(site, &computer, "rotate-passwords");
        after = state_text(site, &computer, "kerberos.KeyVersion");
        assert_string_not_equal(before, after);
        expect_step(site, &computer, "Kerberos", "done");
        assert_int_equal(status_for(&computer, "alice"), 200);
        assert_int_equal(status_for(&computer, "mallory"), 401);
    }
}

static void an_update_leaves_a_key_that_fits_alone_and_sets_a_clock_that_does_not(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 30, "14.0");
    run_job(site, &computer, "update");
    expect_step(site, &computer, "Kerberos", "unchanged");
    must(simulator_control(site->simulator, NULL, &err, "set %s clock-offset=-7200", computer.uuid));
    assert_int_equal(status_for(&computer, "alice"), 401);
    run_job(site, &computer, "update");
    expect_step(site, &computer, "Kerberos", "done");
    assert_int_equal(status_for(&computer, "alice"), 200);
}

/* An object that is made anew counts its keys from the start. */
static void an_account_that_was_deleted_and_made_anew_lets_its_users_in_again(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *found = NULL;
    AUTO(text_free) char *dn = NULL;
    AUTO(text_free) char *filter = NULL;
    AUTO(text_free) char *ldif = NULL;
    struct computer computer;
    struct error err = { 0 };
    const char *at;

    provision(site, &computer, 31, "11.8");
    assert_int_equal(status_for(&computer, "alice"), 200);
    filter = text_format("(servicePrincipalName=HTTP/%s:16993)", computer.fqdn);
    must(domain_search(test.domain, &found, filter, "dn", &err));
    at = strstr(found, "dn: ");
    assert_non_null(at);
    dn = text_format("%.*s", (int)strcspn(at, "\n"), at);
    ldif = text_format("%s\nchangetype: delete\n", dn);
    must(domain_modify(test.domain, ldif, &err));
    run_job(site, &computer, "rotate-passwords");
    assert_int_equal(status_for(&computer, "alice"), 200);
    assert_int_equal(status_for(&computer, "mallory"), 401);
}

/* ---- fixture ---------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct error err = { 0 };

    must(domain_start_beside(&test.domain, "directory-users-domain", &err));
    test.openssl_config = workplace_path(&test.domain->place, "openssl.cnf");
    must(web_client_prepare(test.openssl_config, &err));
    if (scenario_begin(state, &(struct site_options){ .name = "directory-users",
                                                      .server_settings =
                                                          (const char *const *)test.domain->settings }) != 0)
        return -1;
    set_profile(*state);
    return 0;
}

static int tear_down(void **state)
{
    int ended = scenario_end(state);

    domain_stop(&test.domain);
    text_free(&test.openssl_config);
    return ended;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_the_profile_s_group_read_the_computer_and_others_do_not),
        cmocka_unit_test(a_rotated_password_lets_the_same_users_in_and_no_others),
        cmocka_unit_test(an_update_leaves_a_key_that_fits_alone_and_sets_a_clock_that_does_not),
        cmocka_unit_test(an_account_that_was_deleted_and_made_anew_lets_its_users_in_again),
    };

    return cmocka_run_group_tests_name("directory users", tests, set_up, tear_down);
}
