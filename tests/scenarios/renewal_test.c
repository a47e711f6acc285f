/* renewal_test.c - renew-certificate: a new key and certificate, and nothing left behind (spec 8). */
#include <stdio.h>
#include <string.h>

#include "support/job_story.h"

static void expect_renewed(struct site *site, const struct computer *computer, const char *before)
{
    struct error err = { 0 };
    AUTO(text_free) char *after = computer_inventory(site, computer);

    assert_string_equal(after, before); /* the old certificate and its key are gone */
    must(proof_check(site, computer, &proof_of_default_profile, &err));
    expect_sql(site, "active, superseded",
               "SELECT string_agg(state, ', ' ORDER BY state) FROM amt.certificate WHERE uuid = '%s'",
               computer->uuid);
    expect_sql(
        site, "t",
        "SELECT (max(id) FILTER (WHERE state = 'active')) = max(id) FROM amt.certificate WHERE uuid = '%s'",
        computer->uuid);
}

static void a_renewed_certificate_has_a_new_key_and_the_old_pair_is_deleted(void **state)
{
    static const char *const tried[] = { "7.1", "12.0", "18.0" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(tried); i++) {
        struct computer computer;

        computer_provision(site, &computer, 60 + i, tried[i], "hello=manual", NULL);
        AUTO(text_free) char *before = computer_inventory(site, &computer);

        wait_a_little(1100); /* certificates count in seconds */
        run_job(site, &computer, "renew-certificate", "renew-certificate done");
        expect_renewed(site, &computer, before);
        expect_sql(site, "2",
                   "SELECT count(DISTINCT key_fingerprint) FROM amt_store.certificate WHERE uuid = '%s'",
                   computer.uuid);
    }
}

/* Whatever call gets lost: in the end one certificate is served, and its pair is the only one. */
static void a_renewal_that_is_interrupted_leaves_nothing_behind(void **state)
{
    static const char *const lost[] = { "AMT_PublicKeyManagementService.GenerateKeyPair",
                                        "AMT_PublicKeyManagementService.AddCertificate",
                                        "AMT_TLSCredentialContext.Put",
                                        "AMT_SetupAndConfigurationService.CommitChanges",
                                        "AMT_PublicKeyCertificate.Delete" };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(lost); i++) {
        struct computer computer;

        computer_provision(site, &computer, 65 + i, "12.0", "hello=manual", NULL);
        AUTO(text_free) char *before = computer_inventory(site, &computer);

        wait_a_little(1100);
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s drop-after at=%s times=1",
                               computer.uuid, lost[i]));
        run_job(site, &computer, "renew-certificate", "renew-certificate done");
        expect_renewed(site, &computer, before);
    }
}

/* The firmware never hears the commit: the old certificate stays the one that proves it, also under a new
 * name. */
static void a_certificate_that_was_not_committed_is_by_the_next_attempt(void **state)
{
    static const char *const kinds[] = { "renew-certificate", "update" };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct computer computer;

        computer_provision(site, &computer, 71 + i, "12.0", "hello=manual", NULL);
        AUTO(text_free) char *before = computer_inventory(site, &computer);

        if (strcmp(kinds[i], "update") == 0) {
            snprintf(computer.short_name, sizeof(computer.short_name), "uncommitted");
            snprintf(computer.fqdn, sizeof(computer.fqdn), "uncommitted.%s", site->dns_suffix);
            must(computers_import(site, &computer, 1, &err));
        }
        wait_a_little(1100);
        must(simulator_control(
            site->simulator, NULL, &err,
            "misbehave %s drop-before at=AMT_SetupAndConfigurationService.CommitChanges times=1",
            computer.uuid));
        run_job(site, &computer, kinds[i], i == 0 ? "renew-certificate done" : "update done");
        expect_renewed(site, &computer, before);
        expect_sql(site, "2", "SELECT attempt FROM amt.job WHERE uuid = '%s' AND kind = '%s'", computer.uuid,
                   kinds[i]);
    }
}

/* Spec 8: the renewal date is known, and the site server keeps it by itself. */
static void a_certificate_past_its_renewal_date_is_renewed_without_being_asked(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_provision(site, &computer, 75, "14.0", "hello=manual", NULL);
    AUTO(text_free) char *before = computer_inventory(site, &computer);

    wait_a_little(1100);
    sql_do(site, "UPDATE amt_store.certificate SET renew_at = now() - interval '1 second' WHERE uuid = '%s'",
           computer.uuid);
    sql_do(site, "SELECT pg_notify('amt_job', '')");
    expect_sql(site, "renew-certificate done certificate",
               "SELECT concat_ws(' ', kind, state, requested_by) FROM amt.job WHERE id = (SELECT last_job "
               "FROM amt.computer WHERE"
               " uuid = '%s')",
               computer.uuid);
    expect_renewed(site, &computer, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_renewed_certificate_has_a_new_key_and_the_old_pair_is_deleted),
        cmocka_unit_test(a_renewal_that_is_interrupted_leaves_nothing_behind),
        cmocka_unit_test(a_certificate_that_was_not_committed_is_by_the_next_attempt),
        cmocka_unit_test(a_certificate_past_its_renewal_date_is_renewed_without_being_asked),
    };

    return cmocka_run_group_tests_name("renewal", tests, job_scenario_begin, scenario_end);
}
