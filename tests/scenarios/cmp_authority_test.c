/*
 * cmp_authority_test.c - computers get their certificates from an enterprise authority over CMP (spec 8, RFC
 * 4210): it grants, thinks, refuses, is away; and the site changes from its own authority to that one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/expect.h"

static struct {
    char *directory, *certificate, *port;
    char *health; /* address and port of the site server's /health */
    struct process *process;
} authority;

/* ---- the authority ---- */

static char *authority_path(const char *name)
{
    return text_format("%s/%s", authority.directory, name);
}

static void write_mode(const char *mode)
{
    AUTO(text_free) char *path = authority_path("mode");
    AUTO(text_free) char *line = text_format("%s\n", mode);
    struct error err = { 0 };

    must(file_write(path, line, 0600, &err));
}

static bool start_authority(struct error *err)
{
    AUTO(text_free) char *log = text_format("%s.log", authority.directory);
    AUTO(text_free) char *directory = text_copy(program_invocation_name);
    AUTO(text_free) char *program = NULL;

    *strrchr(directory, '/') = '\0';
    program = text_format("%s/../cmp-authority", directory);
    return process_start(&authority.process, log,
                         (const char *[]){ program, authority.directory, authority.port, NULL }, err) &&
           process_wait_line(authority.process, "listening on", SITE_WAIT_MS, err);
}

static void bring_authority_back(void)
{
    struct error err = { 0 };

    must(start_authority(&err));
}

/* Lines of its log with this text. */
static unsigned asked(const char *text)
{
    AUTO(text_free) char *path = authority_path("log");
    AUTO(text_free) char *log = NULL;
    struct error err = { 0 };
    unsigned count = 0;

    if (!file_read(path, &log, NULL, &err))
        return 0;
    for (const char *at = log; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* ---- computers ---- */

static void request(struct site *site, const struct computer *computer, const char *kind)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
}

#define ISSUER_OF_ACTIVE                                                                                     \
    "SELECT string_agg(issuer, ', ') FROM amt.certificate WHERE state = 'active' AND uuid = '%s'"

static void expect_provisioned_by_cmp(struct site *site, const struct computer *computer)
{
    struct error err = { 0 };
    char *internal = site->issuer_path;

    site->issuer_path = authority.certificate; /* what the proof compares the device's certificate with */
    expect_outcome(site, computer, "provisioned", "");
    must(proof_check(site, computer, &proof_of_default_profile, &err));
    site->issuer_path = internal;
    expect_sql(site, "CN=Enterprise", ISSUER_OF_ACTIVE, computer->uuid);
}

static void a_computer_is_provisioned_with_a_certificate_of_the_authority(void **state)
{
    static const char *const tried[] = { "5.2", "7.1", "12.0", "16.1" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(tried); i++) {
        struct computer computer;
        AUTO(text_free) char *line = NULL;

        scenario_computer(site, &computer, i, tried[i], "");
        say_hello(site, &computer);
        expect_provisioned_by_cmp(site, &computer);
        line = text_format("p10cr %s\n", computer.fqdn);
        assert_int_equal(asked(line), 1);
        expect_sql(site, "server granted",
                   "SELECT usage || ' ' || state FROM amt.certificate_request WHERE uuid = '%s'",
                   computer.uuid);
    }
}

static void expect_health(const char *wanted)
{
    AUTO(text_free) char *url = text_format("http://%s/health", authority.health);
    struct command_result result = { 0 };
    struct error err = { 0 };

    must(command_run(&result, NULL, SITE_WAIT_MS,
                     (const char *[]){ "/usr/bin/curl", "-sS", "--noproxy", "*", url, NULL }, &err));
    if (!strstr(result.output, wanted))
        fail_msg("/health: %s%s", result.output, result.errors);
    command_result_clear(&result);
}

/* Spec 11: "jobs wait and resume; health and log say so". */
static void while_the_authority_is_away_jobs_wait_and_then_finish(void **state)
{
    struct site *site = *state;
    struct computer computer;

    process_stop(&authority.process);
    scenario_computer(site, &computer, 10, "16.1", "");
    say_hello(site, &computer);
    expect_sql(site, "waiting issuer-unreachable",
               "SELECT state || ' ' || reason_code FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "t", "SELECT reason LIKE '%%does not answer%%' FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    expect_health("the authority does not answer");
    bring_authority_back();
    expect_provisioned_by_cmp(site, &computer);
    expect_health("certificate authority: ready");
}

static void a_refusal_stands_in_sql_with_the_authoritys_words_and_the_remedy(void **state)
{
    struct site *site = *state;
    struct computer computer;

    write_mode("refuse 19 that name is none of ours");
    scenario_computer(site, &computer, 11, "16.1", "");
    say_hello(site, &computer);
    expect_outcome(site, &computer, "not provisioned", "issuer-refused");
    expect_sql(site, "t",
               "SELECT reason LIKE '%%badCertTemplate, \"that name is none of ours\"%%let the authority''s "
               "profile%%' "
               "FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    expect_sql(site, "refused issuer-refused",
               "SELECT state || ' ' || problem_code FROM amt.certificate_request WHERE uuid = '%s'",
               computer.uuid);
    write_mode("grant");
    request(site, &computer, "provision");
    expect_provisioned_by_cmp(site, &computer);
}

static void a_short_wait_is_part_of_the_job(void **state)
{
    struct site *site = *state;
    struct computer computer;

    write_mode("wait 1");
    scenario_computer(site, &computer, 12, "16.1", "");
    say_hello(site, &computer);
    expect_sql(site, "waiting", "SELECT state FROM amt.certificate_request WHERE uuid = '%s'", computer.uuid);
    write_mode("grant");
    expect_provisioned_by_cmp(site, &computer);
    expect_sql(site, "1", "SELECT max(attempt) FROM amt.job WHERE uuid = '%s'", computer.uuid);
}

/* The computer is let go; the certificate, when it comes, brings the job back, with the same key. */
static void a_long_wait_lets_the_computer_go_until_the_authority_has_decided(void **state)
{
    struct site *site = *state;
    struct computer computer;

    write_mode("wait 6");
    scenario_computer(site, &computer, 13, "16.1", "");
    say_hello(site, &computer);
    expect_sql(site, "waiting issuer-waiting",
               "SELECT state || ' ' || reason_code FROM amt.job WHERE uuid = '%s'", computer.uuid);
    write_mode("grant");
    expect_provisioned_by_cmp(site, &computer);
    expect_sql(site, "1", "SELECT count(*) FROM amt.certificate WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT count(*) FROM amt.certificate_request WHERE uuid = '%s'", computer.uuid);
}

/* The transaction is gone with the process; the job asks again. */
static void a_site_server_that_is_killed_while_the_authority_thinks_asks_again(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };
    struct computer computer;

    write_mode("wait 3600");
    scenario_computer(site, &computer, 14, "16.1", "");
    say_hello(site, &computer);
    expect_sql(site, "waiting issuer-waiting",
               "SELECT state || ' ' || reason_code FROM amt.job WHERE uuid = '%s'", computer.uuid);
    process_kill(&site->server);
    write_mode("grant");
    must(site_start_server(site, &err));
    expect_provisioned_by_cmp(site, &computer);
    expect_sql(site, "1", "SELECT count(*) FROM amt.certificate WHERE uuid = '%s'", computer.uuid);
}

static void a_renewal_is_a_key_update_and_the_former_certificate_is_revoked(void **state)
{
    struct site *site = *state;
    struct computer computer;
    AUTO(text_free) char *line = NULL;

    computer_plan(&computer, site, 3, "16.1"); /* provisioned above */
    AUTO(text_free)
    char *serial =
        sql_answer(site, "SELECT upper(serial) FROM amt.certificate WHERE uuid = '%s'", computer.uuid);
    AUTO(text_free) char *revoked = text_format("rr %s\n", serial);

    request(site, &computer, "renew-certificate");
    expect_sql(site, "renew-certificate done",
               "SELECT kind || ' ' || state FROM amt.job WHERE uuid = '%s' ORDER BY id DESC LIMIT 1",
               computer.uuid);
    expect_provisioned_by_cmp(site, &computer);
    line = text_format("kur %s\n", computer.fqdn);
    assert_int_equal(asked(line), 1);
    expect_sql(site, "4 t",
               "SELECT reason || ' ' || left((published_at IS NOT NULL)::text, 1) FROM amt.revocation WHERE "
               "uuid = '%s'",
               computer.uuid);
    assert_int_equal(asked(revoked), 1);
}

static void a_revocation_that_the_authority_does_not_take_is_told_again(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_plan(&computer, site, 2, "12.0"); /* provisioned above */
    write_mode("refuse 23 not you");
    request(site, &computer, "unprovision");
    expect_outcome(site, &computer, "not provisioned", "unprovisioned");
    expect_sql(site, "issuer-distrust", "SELECT problem_code FROM amt.revocation WHERE uuid = '%s'",
               computer.uuid);
    write_mode("grant");
    sql_do(site, "UPDATE amt_store.revocation SET try_at = now() WHERE uuid = '%s'", computer.uuid);
    sql_do(site, "NOTIFY amt_revocation");
    expect_sql(site, "5 t",
               "SELECT reason || ' ' || left((published_at IS NOT NULL AND problem IS NULL)::text, 1) FROM "
               "amt.revocation WHERE uuid = '%s'",
               computer.uuid);
}

/* ---- switching ---- */

static void restart_server(struct site *site, const char *from, const char *to)
{
    AUTO(text_free) char *content = NULL;
    AUTO(text_free) char *changed = NULL;
    struct error err = { 0 };
    char *place;

    must(file_read(site->server_config_path, &content, NULL, &err));
    place = strstr(content, from);
    assert_non_null(place);
    changed = text_format("%.*s%s%s", (int)(place - content), content, to, place + strlen(from));
    must(file_write(site->server_config_path, changed, 0600, &err));
    assert_true(process_stop(&site->server));
    must(site_start_server(site, &err));
}

static void when_the_issuer_is_changed_the_next_update_replaces_the_certificate(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_plan(&computer, site, 1, "7.1"); /* provisioned above */
    restart_server(site, "certificate.issuer = cmp", "certificate.issuer = internal");
    expect_sql(site, "CN=AMT provisioning authority",
               "SELECT subject FROM amt.issuer WHERE state = 'active'");
    request(site, &computer, "update");
    expect_sql(site, "CN=AMT provisioning authority", ISSUER_OF_ACTIVE, computer.uuid);
    expect_provisioned(site, &computer);
    expect_sql(site, "4 cmp t",
               "SELECT reason || ' ' || issuer_kind || ' ' || left((published_at IS NOT NULL)::text, 1) FROM "
               "amt.revocation WHERE uuid = '%s'",
               computer.uuid);
    restart_server(site, "certificate.issuer = internal", "certificate.issuer = cmp");
    request(site, &computer, "update");
    expect_sql(site, "CN=Enterprise", ISSUER_OF_ACTIVE, computer.uuid);
    expect_provisioned_by_cmp(site, &computer);
    expect_sql(
        site, "cmp internal",
        "SELECT string_agg(issuer_kind, ' ' ORDER BY revoked_at) FROM amt.revocation WHERE uuid = '%s'",
        computer.uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.revocation WHERE published_at IS NULL");
}

/* ---- the stage ---- */

static bool make_authority(struct error *err)
{
    AUTO(text_free) char *key = authority_path("ca.key");
    AUTO(text_free) char *secret = authority_path("secret");
    struct command_result result = { 0 };
    bool made;

    authority.certificate = authority_path("ca.pem");
    made = command_run(&result, NULL, SITE_WAIT_MS,
                       (const char *[]){ "/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                         "-keyout", key, "-out", authority.certificate, "-subj",
                                         "/CN=Enterprise", "-days", "3650", "-addext",
                                         "keyUsage=critical,keyCertSign,digitalSignature", NULL },
                       err) &&
           (result.exit_status == 0 || error_set(err, ERROR_INTERNAL, "openssl req: %s", result.errors)) &&
           file_write(secret, "what site and authority share\n", 0600, err);
    command_result_clear(&result);
    return made;
}

static int begin(void **state)
{
    AUTO(text_free) char *server = NULL;
    AUTO(text_free) char *certificate = NULL;
    AUTO(text_free) char *secret = NULL;
    AUTO(text_free) char *listen = NULL;
    const char *settings[] = { "certificate.issuer = cmp",
                               "cmp.reference = site",
                               "cmp.patience = 5s",
                               "job.retry_delay = 1s",
                               NULL,
                               NULL,
                               NULL,
                               NULL,
                               NULL };
    const struct site_options options = { .server_settings = settings };
    struct error err = { 0 };
    uint16_t port, health_port;

    authority.directory = text_format("%s.authority", program_invocation_name);
    directory_remove(authority.directory);
    if (mkdir(authority.directory, 0700) != 0 || !loopback_free_port("127.0.0.1", &port, &err) ||
        !loopback_free_port("127.0.0.1", &health_port, &err))
        return -1;
    authority.port = text_format("%u", port);
    authority.health = text_format("127.0.0.1:%u", health_port);
    write_mode("grant");
    if (!make_authority(&err) || !start_authority(&err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    settings[4] = server = text_format("cmp.server = http://127.0.0.1:%u/pkix", port);
    settings[5] = certificate = text_format("cmp.authority_file = %s", authority.certificate);
    settings[6] = secret = text_format("cmp.secret_file = %s/secret", authority.directory);
    settings[7] = listen = text_format("metrics.listen = %s", authority.health);
    return scenario_begin(state, &options);
}

static int end(void **state)
{
    int ended = scenario_end(state);

    process_stop(&authority.process);
    directory_remove(authority.directory);
    text_free(&authority.directory);
    text_free(&authority.certificate);
    text_free(&authority.port);
    text_free(&authority.health);
    return ended;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_is_provisioned_with_a_certificate_of_the_authority),
        cmocka_unit_test(while_the_authority_is_away_jobs_wait_and_then_finish),
        cmocka_unit_test(a_refusal_stands_in_sql_with_the_authoritys_words_and_the_remedy),
        cmocka_unit_test(a_short_wait_is_part_of_the_job),
        cmocka_unit_test(a_long_wait_lets_the_computer_go_until_the_authority_has_decided),
        cmocka_unit_test(a_site_server_that_is_killed_while_the_authority_thinks_asks_again),
        cmocka_unit_test(a_renewal_is_a_key_update_and_the_former_certificate_is_revoked),
        cmocka_unit_test(a_revocation_that_the_authority_does_not_take_is_told_again),
        cmocka_unit_test(when_the_issuer_is_changed_the_next_update_replaces_the_certificate),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
