/*
 * mutual_tls_test.c - computers that let in only who has a certificate: switched on and off by a profile, for
 * every generation of firmware, and through whatever else is done to a computer (spec 5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"
#include "support/web_client.h"

#define MUTUAL "tls = mutual\n"

static void set_profile(struct site *site, const char *name, const char *content)
{
    AUTO(text_free) char *path = site_path(site, name);
    struct error err = { 0 };

    must(file_write(path, content, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", name, path, NULL));
}

static void give_profile(struct site *site, const struct computer *computer, const char *profile)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "computer", "profile", profile, computer->uuid, NULL));
}

static void provision(struct site *site, struct computer *computer, unsigned index, const char *generation,
                      const char *profile)
{
    scenario_computer(site, computer, index, generation, "hello=manual");
    give_profile(site, computer, profile);
    say_hello(site, computer);
    expect_outcome(site, computer, "provisioned", "");
}

#define run_job(site, computer, kind, wanted) run_job_at(__LINE__, (site), (computer), (kind), (wanted))
static void run_job_at(int line, struct site *site, const struct computer *computer, const char *kind,
                       const char *wanted)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
    expect_sql_at(
        __FILE__, line, site, wanted,
        "SELECT CASE WHEN state IN ('waiting', 'leased') THEN 'open' ELSE concat_ws(' ', kind, state, "
        "reason_code) END FROM amt.job WHERE id = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
        computer->uuid);
}

/* A console's file; the caller frees its path. */
static char *issue_console(struct site *site, const char *name)
{
    AUTO(text_free) char *file = text_format("%s.pem", name);
    char *path = site_path(site, file);
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "ca", "issue-console", name, path, NULL));
    return path;
}

/* Whether whoever shows this certificate (PEM, NULL: none) gets as far as being asked for a password. */
static bool lets_in(struct site *site, const struct computer *computer, const char *certificate)
{
    AUTO(text_free) char *config = site_path(site, "openssl.cnf");
    const struct web_target target = { computer->fqdn, computer->address, 16993, config, NULL };
    const char *words[] = { certificate ? "--cert" : NULL, certificate, NULL };
    AUTO(web_answer_clear) struct web_answer answer = { 0 };
    struct error err = { 0 };

    must(web_client_prepare(config, &err));
    if (!web_post(&target, NULL, words, "", &answer, &err))
        return false;
    assert_int_equal(answer.status, 401);
    return true;
}

static bool is_mutual(struct site *site, const struct computer *computer)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    return json_true_at(state, "tls.effective.network.MutualAuthentication");
}

static size_t root_count(struct site *site, const struct computer *computer)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };
    json_object *certificates;
    size_t count = 0;

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    certificates = json_at(state, "certificates");
    for (size_t i = 0; i < json_object_array_length(certificates); i++)
        count += json_true_at(json_object_array_get_idx(certificates, i), "trusted_root");
    return count;
}

/* The firmware's trusted names, separated by commas; the caller frees. */
static char *trusted_names(struct site *site, const struct computer *computer)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };
    char *list = text_copy("");
    json_object *names;

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    names = json_at(state, "tls.effective.network.TrustedCN");
    for (size_t i = 0; i < json_object_array_length(names); i++) {
        char *longer = text_format("%s%s%s", list, i ? "," : "",
                                   json_object_get_string(json_object_array_get_idx(names, i)));

        free(list);
        list = longer;
    }
    return list;
}

#define expect_step(site, computer, name, outcome)                                                           \
    expect_sql((site), (outcome),                                                                            \
               "SELECT outcome FROM amt.job_step WHERE name = '%s' AND job = (SELECT last_job FROM "         \
               "amt.computer WHERE uuid = '%s') ORDER BY attempt DESC LIMIT 1",                              \
               (name), (computer)->uuid)

/* ---- on, off ----------------------------------------------------------------------------------------- */

static void every_generation_asks_clients_for_a_certificate_when_the_profile_says_so(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *console = issue_console(site, "helpdesk");

    for (unsigned i = 0; i < generation_count; i++) {
        struct computer computer;

        provision(site, &computer, i, generations[i], "mutual");
        expect_provisioned(site, &computer);
        assert_true(is_mutual(site, &computer));
        assert_int_equal(root_count(site, &computer), 1);
        assert_false(lets_in(site, &computer, NULL));
        assert_true(lets_in(site, &computer, console));
        expect_sql(
            site, "t",
            "SELECT 'mutual_tls=on' = ANY (a.settings) FROM amt.job_attempt a JOIN amt.job j ON j.id = a.job "
            "WHERE j.uuid = '%s'",
            computer.uuid);
    }
}

static void whatever_else_is_done_a_computer_in_mutual_tls_is_reached(void **state)
{
    static const char *const kinds[] = { "3.2.1", "6.2", "11.8", "16.1", "19.0" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct computer computer;

        provision(site, &computer, 100 + i, kinds[i], "mutual");
        run_job(site, &computer, "update", "update done");
        expect_step(site, &computer, "mutual TLS", "unchanged");
        run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
        run_job(site, &computer, "renew-certificate", "renew-certificate done");
        run_job(site, &computer, "sync-clock", "sync-clock done");
        run_job(site, &computer, "discover", "discover done");
        run_job(site, &computer, "provision", "provision done");
        assert_true(is_mutual(site, &computer));
        expect_provisioned(site, &computer);
        run_job(site, &computer, "unprovision", "unprovision done");
        assert_false(is_mutual(site, &computer));
        expect_outcome(site, &computer, "not provisioned", "unprovisioned");
    }
}

static void a_changed_profile_switches_mutual_tls_on_and_off(void **state)
{
    static const char *const kinds[] = { "3.2.1", "5.2", "9.0", "12.0", "18.0" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct computer computer;

        provision(site, &computer, 120 + i, kinds[i], "default");
        assert_true(lets_in(site, &computer, NULL));
        give_profile(site, &computer, "mutual");
        assert_true(lets_in(site, &computer, NULL)); /* spec 5: nothing changes until a job runs */
        run_job(site, &computer, "update", "update done");
        assert_false(lets_in(site, &computer, NULL));
        give_profile(site, &computer, "default");
        run_job(site, &computer, "update", "update done");
        assert_true(lets_in(site, &computer, NULL));
        assert_int_equal(root_count(site, &computer), 0);
        expect_step(site, &computer, "mutual TLS", "done");
        run_job(site, &computer, "update", "update done");
        expect_step(site, &computer, "mutual TLS", "unchanged");
    }
}

/* ---- who is let in ----------------------------------------------------------------------------------- */

static void only_trusted_names_and_the_service_points_are_let_in(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *alice = issue_console(site, "alice.example.com");
    AUTO(text_free) char *mallory = issue_console(site, "mallory.example.com");
    struct computer computer;

    set_profile(site, "named", MUTUAL "trusted names = alice.example.com, bob.example.com\n");
    provision(site, &computer, 140, "11.8", "named");
    AUTO(text_free) char *names = trusted_names(site, &computer);

    assert_string_equal(names, "amt-service-point,alice.example.com,bob.example.com");
    assert_true(lets_in(site, &computer, alice));
    assert_false(lets_in(site, &computer, mallory));
    set_profile(site, "named", MUTUAL "trusted names = mallory.example.com\n");
    run_job(site, &computer, "update", "update done");
    assert_false(lets_in(site, &computer, alice));
    assert_true(lets_in(site, &computer, mallory));
    run_job(site, &computer, "update", "update done");
    expect_step(site, &computer, "mutual TLS", "unchanged");
    set_profile(site, "named", MUTUAL);
    run_job(site, &computer, "update", "update done");
    assert_true(lets_in(site, &computer, alice));
}

static void a_certificate_of_another_purpose_or_authority_is_not_let_in(void **state)
{
    struct site *site = *state;
    struct computer computer;
    AUTO(text_free) char *foreign = site_path(site, "foreign.pem");
    AUTO(text_free)
    char *command =
        text_format("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=helpdesk -days 2 -keyout %s.key "
                    "-out %s.crt -addext "
                    "extendedKeyUsage=clientAuth,2.16.840.1.113741.1.2.1 && cat %s.key %s.crt >%s",
                    foreign, foreign, foreign, foreign, foreign);
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(command_run(&result, NULL, SITE_WAIT_MS, (const char *[]){ "/bin/sh", "-c", command, NULL }, &err));
    assert_int_equal(result.exit_status, 0);
    provision(site, &computer, 141, "14.0", "mutual");
    assert_false(lets_in(site, &computer, foreign));
    AUTO(text_free) char *why = state_text(site, &computer, "tls.last_refusal");

    assert_non_null(strstr(why, "trusted root"));
    assert_false(lets_in(site, &computer, site->provisioning.path));
    AUTO(text_free) char *purpose = state_text(site, &computer, "tls.last_refusal");

    assert_non_null(strstr(purpose, "usage"));
}

static void what_is_wrong_with_trusted_names_is_said_when_the_profile_is_written(void **state)
{
    static const struct {
        const char *content, *message;
    } cases[] = {
        { MUTUAL "trusted names = a, b, c, d\n", "more than 3 trusted names" },
        { MUTUAL "trusted names = a,,b\n", "a trusted name is empty" },
        { MUTUAL "trusted names = a\ntrusted names = b\n", "twice" },
        { MUTUAL "trusted names = a:b\n", "cannot be a trusted name" },
        { "tls = both\n", "not one of server, mutual" },
    };
    struct site *site = *state;
    AUTO(text_free) char *path = site_path(site, "wrong");

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(command_result_clear) struct command_result result = { 0 };
        struct error err = { 0 };

        must(file_write(path, cases[i].content, 0600, &err));
        must(site_amtctl_result(site, &result, NULL,
                                (const char *[]){ "profile", "set", "wrong", path, NULL }, &err));
        assert_int_not_equal(result.exit_status, 0);
        assert_non_null(strstr(result.errors, cases[i].message));
    }
}

/* ---- the service points' own certificates ------------------------------------------------------------- */

static void a_service_point_has_a_short_lived_certificate_from_the_site(void **state)
{
    struct site *site = *state;

    expect_sql(site, "service point true true",
               "SELECT holder || ' ' || good || ' ' || (not_after < now() + interval '8 days') FROM "
               "amt.console_certificate WHERE service_point IS NOT NULL ORDER BY issued_at DESC LIMIT 1");
}

static void a_service_point_that_was_started_again_reaches_them_with_a_new_certificate(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    AUTO(text_free)
    char *before =
        sql_answer(site, "SELECT count(*) FROM amt.console_certificate WHERE service_point IS NOT NULL");

    provision(site, &computer, 150, "11.8", "mutual");
    assert_true(process_stop(&site->points[0].process));
    must(site_start_point(site, 0, &err));
    expect_sql(site, "t", "SELECT count(*) > %s FROM amt.console_certificate WHERE service_point IS NOT NULL",
               before);
    run_job(site, &computer, "update", "update done");
}

/* The new authority's root goes in before the former one's leaves, and nobody is locked out in between. */
static void a_new_authority_locks_nobody_out(void **state)
{
    static const char *const kinds[] = { "3.2.1", "7.1", "16.1" };
    struct site *site = *state;
    AUTO(text_free) char *former = issue_console(site, "former");
    struct computer computers[COUNT_OF(kinds)], untouched;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(kinds); i++)
        provision(site, &computers[i], 160 + i, kinds[i], "mutual");
    provision(site, &untouched, 170, "12.0", "mutual");
    must(site_amtctl(site, NULL, &err, "ca", "init", "--replace", "--subject", "The next authority", NULL));
    AUTO(text_free) char *current = issue_console(site, "current");

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        assert_true(lets_in(site, &computers[i], former));
        run_job(site, &computers[i], "update", "update done");
        assert_true(is_mutual(site, &computers[i]));
        assert_int_equal(root_count(site, &computers[i]), 1);
        assert_true(lets_in(site, &computers[i], current));
        assert_false(lets_in(site, &computers[i], former));
        run_job(site, &computers[i], "rotate-passwords", "rotate-passwords done");
    }
    run_job(site, &untouched, "rotate-passwords",
            "rotate-passwords done"); /* it trusts the former one still */
    assert_true(lets_in(site, &untouched, former));
    run_job(site, &untouched, "unprovision", "unprovision done");
}

static void a_computer_that_refuses_our_certificate_says_so_in_one_sentence(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 180, "12.0", "mutual");
    must(simulator_control(site->simulator, NULL, &err, "set %s clock-offset=315360000", computer.uuid));
    run_job(site, &computer, "update", "update failed console-certificate-refused");
    expect_sql(
        site, "t",
        "SELECT reason LIKE '%%asks for a client certificate and refused our console certificate%%' FROM "
        "amt.job WHERE uuid = '%s' AND kind = 'update'",
        computer.uuid);
}

static void what_a_person_s_console_has_is_revoked_by_name(void **state)
{
    static const char *const kinds[] = { "3.2.1", "6.2", "16.1" };
    struct site *site = *state;
    AUTO(text_free) char *leaving = issue_console(site, "leaving");
    AUTO(text_free) char *staying = issue_console(site, "staying");
    struct computer computers[COUNT_OF(kinds)];
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        provision(site, &computers[i], 182 + i, kinds[i], "mutual");
        assert_true(lets_in(site, &computers[i], leaving));
    }
    must(site_amtctl(site, NULL, &err, "ca", "revoke-console", "leaving", NULL));
    expect_sql(site, "f", "SELECT good FROM amt.console_certificate WHERE name = 'leaving'");
    expect_sql(site, "console",
               "SELECT usage FROM amt.revocation WHERE fqdn = 'leaving' AND published_at IS NOT NULL");
    assert_false(site_amtctl(site, NULL, &err, "ca", "revoke-console", "leaving", NULL));
    assert_false(site_amtctl(site, NULL, &err, "ca", "issue-console", "another", staying, NULL));
    expect_sql(site, "0", "SELECT count(*) FROM amt.console_certificate WHERE name = 'another'");
    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        run_job(site, &computers[i], "update", "update done");
        assert_false(lets_in(site, &computers[i], leaving));
        assert_true(lets_in(site, &computers[i], staying));
        run_job(site, &computers[i], "update", "update done");
        expect_step(site, &computers[i], "mutual TLS", "unchanged");
    }
}

/* For a site whose authority is elsewhere: what it certified stands in a file. */
static void a_service_point_with_a_file_uses_that_and_its_root(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *prefix = site_path(site, "enterprise");
    AUTO(text_free) char *setting = text_format("firmware.console_certificate = %s.pem\n", prefix);
    AUTO(text_free) char *console = issue_console(site, "ours");
    AUTO(text_free) char *file = text_format("%s.pem", prefix);
    AUTO(text_free)
    char *command = text_format(
        "umask 077; cd %s && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=Enterprise -days 9 -keyout "
        "e.key "
        "-out e.crt && openssl req -newkey rsa:2048 -nodes -subj /CN=points -keyout p.key -out p.csr && "
        "printf 'extendedKeyUsage=clientAuth,2.16.840.1.113741.1.2.1\\n' >p.ext && openssl x509 -req -in "
        "p.csr -CA "
        "e.crt -CAkey e.key -CAcreateserial -days 9 -extfile p.ext -out p.crt && cat p.key p.crt e.crt >%s",
        site->place.directory, file);
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(text_free) char *config = NULL;
    struct computer computer;
    struct error err = { 0 };
    size_t length;

    must(command_run(&result, NULL, SITE_WAIT_MS, (const char *[]){ "/bin/sh", "-c", command, NULL }, &err));
    assert_int_equal(result.exit_status, 0);
    must(file_read(site->points[0].config_path, &config, &length, &err));
    AUTO(text_free) char *extended = text_format("%s%s", config, setting);

    must(file_write(site->points[0].config_path, extended, 0600, &err));
    assert_true(process_stop(&site->points[0].process));
    must(site_start_point(site, 0, &err));
    provision(site, &computer, 190, "11.8", "mutual");
    assert_true(lets_in(site, &computer, file));
    assert_false(lets_in(site, &computer, console));
    run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
    must(file_write(site->points[0].config_path, config, 0600, &err));
    assert_true(process_stop(&site->points[0].process));
    must(site_start_point(site, 0, &err));
    run_job(site, &computer, "update", "update failed console-certificate-refused");
}

/* Last: the site is without service points afterwards. */
static void a_service_point_that_is_removed_has_its_certificates_revoked(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "service-point", "remove", site->points[0].name, NULL));
    expect_sql(site, "0",
               "SELECT count(*) FROM amt.console_certificate WHERE service_point IS NOT NULL AND good");
    expect_sql(site, "t",
               "SELECT count(*) > 0 AND bool_and(published_at IS NOT NULL) FROM amt.revocation WHERE usage = "
               "'console' "
               "AND reason = 5 AND uuid IS NULL");
}

static int begin(void **state)
{
    static const struct site_options options = { .name = "mutual" };
    int begun = scenario_begin(state, &options);

    if (begun == 0)
        set_profile(*state, "mutual", MUTUAL);
    return begun;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_generation_asks_clients_for_a_certificate_when_the_profile_says_so),
        cmocka_unit_test(whatever_else_is_done_a_computer_in_mutual_tls_is_reached),
        cmocka_unit_test(a_changed_profile_switches_mutual_tls_on_and_off),
        cmocka_unit_test(only_trusted_names_and_the_service_points_are_let_in),
        cmocka_unit_test(a_certificate_of_another_purpose_or_authority_is_not_let_in),
        cmocka_unit_test(what_is_wrong_with_trusted_names_is_said_when_the_profile_is_written),
        cmocka_unit_test(a_service_point_has_a_short_lived_certificate_from_the_site),
        cmocka_unit_test(a_service_point_that_was_started_again_reaches_them_with_a_new_certificate),
        cmocka_unit_test(a_computer_that_refuses_our_certificate_says_so_in_one_sentence),
        cmocka_unit_test(what_a_person_s_console_has_is_revoked_by_name),
        cmocka_unit_test(a_new_authority_locks_nobody_out),
        cmocka_unit_test(a_service_point_with_a_file_uses_that_and_its_root),
        cmocka_unit_test(a_service_point_that_is_removed_has_its_certificates_revoked),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
