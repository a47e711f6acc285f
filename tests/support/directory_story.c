#include "support/directory_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct directory_site directory_site;

int directory_scenario_begin(void **state)
{
    struct error err = { 0 };

    must(domain_start_beside(&directory_site.domain, "directory-test-domain", &err));

    AUTO(text_free) char *metrics = text_format("metrics.listen = %s:9672", directory_site.domain->address);

    const char *settings[] = { directory_site.domain->settings[0],
                               directory_site.domain->settings[1],
                               directory_site.domain->settings[2],
                               directory_site.domain->settings[3],
                               directory_site.domain->settings[4],
                               "job.retry_delay = 1s",
                               "job.retry_delay_max = 1s",
                               "directory.timeout = 3s",
                               metrics,
                               NULL };

    return scenario_begin(state,
                          &(struct site_options){ .name = "directory-test", .server_settings = settings });
}

int directory_scenario_end(void **state)
{
    int ended = scenario_end(state);

    domain_stop(&directory_site.domain);
    return ended;
}

void expect_directory_job(struct site *site, const struct computer *computer, const char *wanted)
{
    expect_sql(site, wanted,
               "SELECT CASE WHEN state IN ('waiting', 'leased') AND reason_code IS NULL THEN 'open' ELSE "
               "concat_ws(' ', kind, state, reason_code) END FROM amt.job WHERE id = (SELECT last_job FROM "
               "amt.computer WHERE uuid = '%s')",
               computer->uuid);
}

void directory_provision(struct site *site, struct computer *computer, unsigned index, const char *generation)
{
    scenario_computer(site, computer, index, generation, "hello=manual");
    say_hello(site, computer);
    expect_outcome(site, computer, "provisioned", "");
}

void expect_in_directory(const char *wanted, const char *attributes, const char *filter, ...)
{
    AUTO(text_free) char *found = NULL;
    struct error err = { 0 };
    va_list arguments;
    char *expression = NULL;

    va_start(arguments, filter);
    assert_true(vasprintf(&expression, filter, arguments) > 0);
    va_end(arguments);
    must(domain_search(directory_site.domain, &found, expression, attributes, &err));
    free(expression);
    assert_string_equal(found, wanted);
}

void directory_change(const char *format, ...)
{
    struct error err = { 0 };
    va_list arguments;
    char *ldif = NULL;

    va_start(arguments, format);
    assert_true(vasprintf(&ldif, format, arguments) > 0);
    va_end(arguments);
    must(domain_modify(directory_site.domain, ldif, &err));
    free(ldif);
}

char *directory_dn(struct site *site, const struct computer *computer)
{
    return sql_answer(site, "SELECT dn FROM amt.directory_object WHERE uuid = '%s'", computer->uuid);
}

void expect_key_version(struct site *site, const struct computer *computer, int64_t version)
{
    AUTO(text_free) char *dn = directory_dn(site, computer);
    AUTO(text_free)
    char *wanted = text_format("dn: %s\nmsDS-KeyVersionNumber: %lld\n\n", dn, (long long)version);

    expect_in_directory(wanted, "msDS-KeyVersionNumber", "(servicePrincipalName=HTTP/%s)", computer->fqdn);
    assert_int_equal(state_number(site, computer, "kerberos.KeyVersion"), version);
}

int64_t directory_key_version(struct site *site, const struct computer *computer)
{
    AUTO(text_free)
    char *version =
        sql_answer(site, "SELECT key_version FROM amt.directory_object WHERE uuid = '%s'", computer->uuid);

    return strtoll(version, NULL, 10);
}
