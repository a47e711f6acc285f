/* The private Active Directory domain that scenarios use: what they rely on holds. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/domain.h"
#include "support/process.h"
#include "support/workplace.h"

enum { COMMAND_TIMEOUT_MS = 60000, INSUFFICIENT_ACCESS = 50, UNWILLING_TO_PERFORM = 53 /* RFC 4511 A.1 */ };

#define COMPUTER "CN=PC-1," DOMAIN_CONTAINER

static struct {
    struct workplace place, other_place;
    char *archive;
    struct domain *domain;
} test;

static char *build_directory(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    assert_true(length > 0);
    path[length] = '\0';
    *strstr(path, "/tests/scenarios/") = '\0';
    return text_copy(path);
}

static void start(struct workplace *place, struct domain **domain)
{
    AUTO(text_free) char *build = build_directory();
    AUTO(text_free) char *directory = text_format("%s/domain-test", build);
    AUTO(text_free) char *archive = text_format("%s/domain", build);
    AUTO(text_free) char *copy = NULL;
    struct error err = { 0 };

    if (!workplace_open(place, directory, false, &err))
        fail_msg("%s", err.message);
    copy = workplace_path(place, "domain");
    if (!domain_start(domain, archive, copy, place->block, &err))
        fail_msg("%s", err.message);
}

static int set_up(void **state)
{
    (void)state;
    start(&test.place, &test.domain);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    domain_stop(&test.domain);
    workplace_close(&test.place);
    return 0;
}

/* With a ticket of that keytab, over LDAP that Kerberos encrypts. */
static int add_computer(const char *keytab, const char *account, const char *name)
{
    AUTO(text_free)
    char *entry = text_format("dn: " COMPUTER "\nobjectClass: computer\nsAMAccountName: %s\n"
                              "userAccountControl: 4096\n",
                              name);
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(text_free) char *cache = workplace_path(&test.place, account);
    AUTO(text_free) char *url = text_format("ldap://%s", test.domain->address);
    AUTO(text_free) char *cache_variable = text_format("KRB5CCNAME=%s", cache);
    struct error err = { 0 };

    if (!command_run(
            &result, NULL, COMMAND_TIMEOUT_MS,
            (const char *[]){ "/usr/bin/env", cache_variable, "kinit", "-k", "-t", keytab, account, NULL },
            &err) ||
        result.exit_status != 0)
        fail_msg("kinit: %s%s", err.message, result.errors);
    if (!command_run(&result, entry, COMMAND_TIMEOUT_MS,
                     (const char *[]){ "/usr/bin/env", cache_variable, "ldapadd", "-Q", "-Y", "GSSAPI", "-H",
                                       url, NULL },
                     &err))
        fail_msg("ldapadd: %s", err.message);
    return result.exit_status;
}

static void the_sites_account_may_create_computers_and_another_may_not(void **state)
{
    AUTO(text_free) char *found = NULL;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(add_computer(test.domain->outsider_keytab, DOMAIN_OUTSIDER, "PC-1iME$"),
                     INSUFFICIENT_ACCESS);
    assert_int_equal(add_computer(test.domain->site_keytab, DOMAIN_SITE, "PC-1iME$"), 0);
    if (!domain_search(test.domain, &found, "(sAMAccountName=PC-1iME$)", "userAccountControl", &err))
        fail_msg("%s", err.message);
    assert_string_equal(found, "dn: " COMPUTER "\nuserAccountControl: 4096\n\n");
}

/* As Active Directory since its updates of November 2021 (KB5008102). */
static void computers_of_a_delegated_account_have_names_that_end_with_a_dollar_sign(void **state)
{
    (void)state;
    assert_int_equal(add_computer(test.domain->site_keytab, DOMAIN_SITE, "PC-1$iME"), UNWILLING_TO_PERFORM);
}

static void a_user_gets_a_ticket(void **state)
{
    AUTO(text_free) char *cache = workplace_path(&test.place, "alice");
    struct error err = { 0 };

    (void)state;
    if (!domain_login(test.domain, "alice", cache, &err))
        fail_msg("%s", err.message);
    assert_int_equal(access(cache, R_OK), 0);
    assert_false(domain_login(test.domain, "nobody", cache, &err));
}

static void what_was_changed_is_there_after_the_controller_was_away(void **state)
{
    AUTO(text_free) char *cache = workplace_path(&test.place, "carol");
    struct error err = { 0 };

    (void)state;
    if (!domain_tool(test.domain, NULL, &err, "user", "create", "carol", DOMAIN_PASSWORD, NULL))
        fail_msg("%s", err.message);
    domain_halt(test.domain);
    assert_false(domain_login(test.domain, "carol", cache, &err));
    if (!domain_resume(test.domain, &err) || !domain_login(test.domain, "carol", cache, &err))
        fail_msg("%s", err.message);
}

static void two_domains_run_side_by_side(void **state)
{
    AUTO(text_free) char *cache = workplace_path(&test.place, "alice");
    struct domain *other = NULL;
    struct error err = { 0 };

    (void)state;
    start(&test.other_place, &other);
    assert_string_not_equal(other->address, test.domain->address);
    domain_halt(other);
    if (!domain_login(test.domain, "alice", cache, &err))
        fail_msg("%s", err.message);
    domain_stop(&other);
    workplace_close(&test.other_place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_sites_account_may_create_computers_and_another_may_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            computers_of_a_delegated_account_have_names_that_end_with_a_dollar_sign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_user_gets_a_ticket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_changed_is_there_after_the_controller_was_away, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_domains_run_side_by_side, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
