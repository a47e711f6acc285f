/*
 * certificates_test.c - the certificates of computers from first to last day, checked as a verifier would,
 * with `openssl verify` (spec 8): issued, replaced, revoked, on the list.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/expect.h"

static char *list_directory, *list_address;

static void request(struct site *site, const struct computer *computer, const char *kind)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
}

static void provision(struct site *site, struct computer *computer, unsigned index, const char *generation)
{
    scenario_computer(site, computer, index, generation, "");
    say_hello(site, computer);
    expect_provisioned(site, computer);
}

/* A certificate of the computer as a PEM file; the caller frees the path. */
static char *certificate_file(struct site *site, const struct computer *computer, const char *order)
{
    AUTO(text_free)
    char *encoded = sql_answer(site,
                               "SELECT encode(certificate, 'base64') FROM amt.certificate WHERE uuid = '%s' "
                               "ORDER BY id %s LIMIT 1",
                               computer->uuid, order);
    AUTO(text_free) char *name = text_format("%s-%s.pem", computer->short_name, order);
    AUTO(text_free)
    char *pem = text_format("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n", encoded);
    char *path = site_path(site, name);
    struct error err = { 0 };

    must(file_write(path, pem, 0644, &err));
    return path;
}

/* What `openssl verify` prints with the list as amtctl gives it; the caller frees. */
static char *verify(struct site *site, const char *certificate)
{
    AUTO(text_free) char *path = site_path(site, "current.crl.pem");
    AUTO(text_free) char *list = NULL;
    struct command_result result = { 0 };
    struct error err = { 0 };
    char *printed;

    must(site_amtctl(site, &list, &err, "ca", "crl", "--pem", NULL));
    must(file_write(path, list, 0644, &err));
    must(command_run(&result, NULL, SITE_WAIT_MS,
                     (const char *[]){ "/usr/bin/openssl", "verify", "-x509_strict", "-crl_check", "-CRLfile",
                                       path, "-CAfile", site->issuer_path, certificate, NULL },
                     &err));
    printed = text_format("%s%s", result.output, result.errors);
    command_result_clear(&result);
    return printed;
}

#define expect_good(site, path)    expect_verdict(__LINE__, (site), (path), ": OK")
#define expect_revoked(site, path) expect_verdict(__LINE__, (site), (path), "certificate revoked")
static void expect_verdict(int line, struct site *site, const char *path, const char *wanted)
{
    AUTO(text_free) char *printed = verify(site, path);

    if (strstr(printed, wanted))
        return;
    print_error("openssl verify: %s\n", printed);
    _fail(__FILE__, line);
}

#define ALL_PUBLISHED "SELECT count(*) FROM amt.revocation WHERE published_at IS NULL"

static void the_first_list_is_there_before_anything_is_revoked(void **state)
{
    struct site *site = *state;

    expect_sql(site, "1 0", "SELECT number || ' ' || entries FROM amt.revocation_list");
    expect_sql(site, "t",
               "SELECT next_update BETWEEN now() + interval '6 days' AND now() + interval '8 days' FROM "
               "amt.revocation_list");
}

static void a_computer_that_is_unprovisioned_has_its_certificate_revoked(void **state)
{
    struct site *site = *state;
    struct computer computer, other;

    provision(site, &computer, 0, "11.8");
    provision(site, &other, 1, "16.1");
    AUTO(text_free) char *path = certificate_file(site, &computer, "ASC");
    AUTO(text_free) char *other_path = certificate_file(site, &other, "ASC");

    expect_good(site, path);
    request(site, &computer, "unprovision");
    expect_outcome(site, &computer, "not provisioned", "unprovisioned");
    expect_sql(site, "0", ALL_PUBLISHED);
    expect_revoked(site, path);
    expect_good(site, other_path);
    expect_sql(site, "5 server", "SELECT reason || ' ' || usage FROM amt.revocation WHERE uuid = '%s'",
               computer.uuid);
}

static void a_certificate_that_was_replaced_is_revoked_and_the_new_one_is_good(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 2, "12.0");
    sql_do(site, "UPDATE amt_store.certificate SET renew_at = now() WHERE uuid = '%s'", computer.uuid);
    sql_do(site, "NOTIFY amt_job");
    expect_sql(site, "renew-certificate done",
               "SELECT kind || ' ' || state FROM amt.job WHERE uuid = '%s' ORDER BY id DESC LIMIT 1",
               computer.uuid);
    AUTO(text_free) char *former = certificate_file(site, &computer, "ASC");
    AUTO(text_free) char *current = certificate_file(site, &computer, "DESC");

    expect_sql(site, "0", ALL_PUBLISHED);
    expect_revoked(site, former);
    expect_good(site, current);
    expect_sql(site, "4", "SELECT reason FROM amt.revocation WHERE uuid = '%s'", computer.uuid);
}

static void the_certificate_of_a_computer_that_was_removed_stays_revoked(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };
    struct computer computer;

    provision(site, &computer, 3, "9.0");
    AUTO(text_free) char *path = certificate_file(site, &computer, "ASC");

    request(site, &computer, "unprovision");
    expect_outcome(site, &computer, "not provisioned", "unprovisioned");
    must(site_amtctl(site, NULL, &err, "computer", "remove", "--forget-passwords", computer.uuid, NULL));
    expect_sql(site, "0", "SELECT count(*) FROM amt.certificate WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "0", ALL_PUBLISHED);
    expect_revoked(site, path);
}

/* Its half is over: a new one with a larger number, and the same entries. */
static void a_list_is_made_again_before_it_ends(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *number = sql_answer(site, "SELECT number + 1 FROM amt.revocation_list");
    AUTO(text_free) char *entries = sql_answer(site, "SELECT entries FROM amt.revocation_list");

    sql_do(site, "UPDATE amt_store.revocation_list SET next_update = now() + interval '3 days'");
    sql_do(site, "NOTIFY amt_revocation");
    sql_do(site, "NOTIFY amt_revocation");
    expect_sql(site, number, "SELECT number FROM amt.revocation_list");
    expect_sql(site, entries, "SELECT entries FROM amt.revocation_list");
    expect_sql(site, "t", "SELECT next_update > now() + interval '6 days' FROM amt.revocation_list");
}

static void a_list_names_a_certificate_that_has_ended_once_more_and_then_no_longer(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *before = sql_answer(site, "SELECT entries FROM amt.revocation_list");
    AUTO(text_free) char *after = text_format("%d", atoi(before) - 1);

    sql_do(site, "UPDATE amt_store.revocation SET not_after = now() - interval '5 seconds' WHERE id = "
                 "(SELECT min(id) FROM "
                 "amt_store.revocation)");
    sql_do(
        site,
        "UPDATE amt_store.revocation_list SET next_update = now(), this_update = now() - interval '1 hour'");
    sql_do(site, "NOTIFY amt_revocation");
    expect_sql(site, before, "SELECT entries FROM amt.revocation_list WHERE next_update > now()");
    sql_do(site, "UPDATE amt_store.revocation_list SET next_update = now()");
    sql_do(site, "NOTIFY amt_revocation");
    expect_sql(site, after, "SELECT entries FROM amt.revocation_list WHERE next_update > now()");
}

/* Last, for it spoils the first authority: it keeps its last list, the others get theirs. */
static void a_key_that_is_gone_keeps_no_other_authority_from_its_list(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };
    AUTO(text_free) char *current = NULL;

    must(site_amtctl(site, NULL, &err, "ca", "init", "--replace", "--subject", "Second", NULL));
    expect_sql(site, "2", "SELECT count(*) FROM amt.revocation_list");
    sql_do(
        site,
        "UPDATE amt_store.authority SET ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 255) "
        "WHERE subject <> 'CN=Second'");
    sql_do(site, "UPDATE amt_store.revocation_list SET next_update = now()");
    sql_do(site, "NOTIFY amt_revocation");
    expect_sql(site, "t", "SELECT next_update > now() FROM amt.revocation_list WHERE issuer = 'CN=Second'");
    expect_sql(site, "f", "SELECT next_update > now() FROM amt.revocation_list WHERE issuer <> 'CN=Second'");
    must(site_amtctl(site, &current, &err, "ca", "crl", NULL));
    assert_non_null(strstr(current, "CN=Second"));
}

static void the_list_is_published_as_a_file_and_over_http(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *name = sql_answer(site, "SELECT name FROM amt.revocation_list");
    AUTO(text_free) char *path = text_format("%s/%s.crl", list_directory, name);
    AUTO(text_free) char *url = text_format("http://%s/crl/%s.crl", list_address, name);
    AUTO(text_free)
    char *digest = sql_answer(site, "SELECT encode(sha256(list), 'hex') FROM amt.revocation_list");
    AUTO(text_free)
    char *command = text_format("sha256sum <%s && curl -fsS --noproxy '*' %s | sha256sum", path, url);
    AUTO(text_free) char *wanted = text_format("%s  -\n%s  -\n", digest, digest);
    struct command_result result = { 0 };
    struct error err = { 0 };

    must(command_run(&result, NULL, SITE_WAIT_MS, (const char *[]){ "/bin/sh", "-c", command, NULL }, &err));
    assert_string_equal(result.output, wanted);
    command_result_clear(&result);
}

static void a_certificate_names_the_url_of_its_list(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *name = sql_answer(site, "SELECT name FROM amt.revocation_list");
    AUTO(text_free) char *wanted = text_format("URI:http://pki.example.com/amt/%s.crl", name);
    struct command_result result = { 0 };
    struct error err = { 0 };
    struct computer computer;

    computer_plan(&computer, site, 1, "16.1");
    AUTO(text_free) char *path = certificate_file(site, &computer, "ASC");

    must(command_run(&result, NULL, SITE_WAIT_MS,
                     (const char *[]){ "/usr/bin/openssl", "x509", "-in", path, "-noout", "-ext",
                                       "crlDistributionPoints", NULL },
                     &err));
    assert_non_null(strstr(result.output, wanted));
    command_result_clear(&result);
}

static void what_ends_when_is_listed(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };
    AUTO(text_free) char *all = NULL;
    AUTO(text_free) char *soon = NULL;
    struct computer computer;

    computer_plan(&computer, site, 1, "16.1");
    must(site_amtctl(site, &all, &err, "ca", "expiry", "--days", "5000", NULL));
    assert_non_null(strstr(all, computer.fqdn));
    assert_non_null(strstr(all, "issuer"));
    assert_non_null(strstr(all, "revocation list"));
    assert_non_null(strstr(all, "provisioning certificate"));
    must(site_amtctl(site, &soon, &err, "ca", "expiry", "--days", "30", NULL));
    assert_null(strstr(soon, computer.fqdn));
    assert_non_null(strstr(soon, "revocation list"));
}

static int begin(void **state)
{
    AUTO(text_free) char *directory_setting = NULL;
    AUTO(text_free) char *listen_setting = NULL;
    const char *settings[] = { NULL, NULL, "crl.url = http://pki.example.com/amt", NULL };
    struct site_options options = { .server_settings = settings };
    struct error err = { 0 };
    uint16_t port;

    list_directory = text_format("%s.lists", program_invocation_name);
    directory_remove(list_directory);
    if (mkdir(list_directory, 0755) != 0 || !loopback_free_port("127.0.0.1", &port, &err))
        return -1;
    list_address = text_format("127.0.0.1:%u", port);
    settings[0] = directory_setting = text_format("crl.directory = %s", list_directory);
    settings[1] = listen_setting = text_format("metrics.listen = %s", list_address);
    return scenario_begin(state, &options);
}

static int end(void **state)
{
    int ended = scenario_end(state);

    directory_remove(list_directory);
    text_free(&list_directory);
    text_free(&list_address);
    return ended;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_list_is_there_before_anything_is_revoked),
        cmocka_unit_test(a_computer_that_is_unprovisioned_has_its_certificate_revoked),
        cmocka_unit_test(a_certificate_that_was_replaced_is_revoked_and_the_new_one_is_good),
        cmocka_unit_test(the_certificate_of_a_computer_that_was_removed_stays_revoked),
        cmocka_unit_test(a_list_is_made_again_before_it_ends),
        cmocka_unit_test(a_list_names_a_certificate_that_has_ended_once_more_and_then_no_longer),
        cmocka_unit_test(the_list_is_published_as_a_file_and_over_http),
        cmocka_unit_test(a_certificate_names_the_url_of_its_list),
        cmocka_unit_test(what_ends_when_is_listed),
        cmocka_unit_test(a_key_that_is_gone_keeps_no_other_authority_from_its_list),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
