/* directory_names_test.c - users and groups that a profile calls by their names in a domain (spec O8.1). */
#include <string.h>

#include "support/directory_story.h"
#include "support/web_client.h"

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
    AUTO(text_free) char *cache = workplace_path(&directory_site.domain->place, user);
    AUTO(text_free) char *openssl_config = workplace_path(&directory_site.domain->place, "openssl.cnf");
    const struct web_target target = { computer->fqdn, computer->address, 16993, openssl_config, NULL };
    struct error err = { 0 };
    int status;

    must(web_client_prepare(openssl_config, &err));
    must(domain_login(directory_site.domain, user, cache, &err)); /* no ticket of before the rotation */
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
        request_job(site, &computer, "rotate-passwords");
        expect_directory_job(site, &computer, "rotate-passwords done");
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
    expect_directory_job(site, &computer, "provision failed directory-name-unknown");
    must(domain_tool(directory_site.domain, NULL, &err, "group", "add", "Newcomers", NULL));
    set_profile(site, "unknown", "user SITE\\Newcomers = network: general-info\nping = on\n");
    request_job(site, &computer, "provision");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_the_profile_s_group_read_the_computer_and_nobody_else),
        cmocka_unit_test(a_group_that_is_not_there_fails_the_job_until_it_is),
        cmocka_unit_test(names_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, directory_scenario_begin, directory_scenario_end);
}
