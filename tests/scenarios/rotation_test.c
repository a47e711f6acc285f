/* rotation_test.c - rotate-passwords: whatever is lost on the way, the escrow opens the firmware (spec 6.1).
 */
#include <string.h>

#include "support/job_story.h"

static void expect_one_active_of_each(struct site *site, const struct computer *computer, const char *wanted)
{
    expect_sql(site, wanted,
               "SELECT string_agg(kind || ' ' || state || ' ' || count, ', ' ORDER BY kind, state) FROM "
               "(SELECT kind, state,"
               " count(*) FROM amt.secret_status WHERE uuid = '%s' GROUP BY kind, state) AS s",
               computer->uuid);
}

static void expect_mebx_in_escrow(struct site *site, const struct computer *computer)
{
    AUTO(text_free) char *password = state_text(site, computer, "mebx_password");
    AUTO(text_free) char *escrowed = NULL;
    struct error err = { 0 };

    must(site_amtctl(site, &escrowed, &err, "secret", "show", computer->uuid, "mebx", NULL));
    escrowed[strcspn(escrowed, "\n")] = '\0';
    assert_string_equal(password, escrowed);
}

static void rotation_gives_new_passwords_that_are_in_escrow(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_provision(site, &computer, 50, "12.0", "hello=manual mebx-policy=any", NULL);
    AUTO(text_free) char *admin = state_text(site, &computer, "admin_digest_hex");
    AUTO(text_free) char *mebx = state_text(site, &computer, "mebx_password");

    run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
    AUTO(text_free) char *admin_after = state_text(site, &computer, "admin_digest_hex");
    AUTO(text_free) char *mebx_after = state_text(site, &computer, "mebx_password");

    assert_string_not_equal(admin, admin_after);
    assert_string_not_equal(mebx, mebx_after);
    expect_one_active_of_each(site, &computer,
                              "admin active 1, admin superseded 1, mebx active 1, mebx superseded 1");
    expect_provisioned(site, &computer); /* with the admin password in escrow */
    expect_mebx_in_escrow(site, &computer);
    run_job(site, &computer, "update", "update done");
    expect_changes(site, &computer, "");
}

static void rotation_leaves_a_mebx_password_that_may_not_be_set(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_provision(site, &computer, 51, "14.0", "hello=manual mebx-policy=default-only", NULL);
    AUTO(text_free) char *mebx = state_text(site, &computer, "mebx_password");

    run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
    AUTO(text_free) char *mebx_after = state_text(site, &computer, "mebx_password");

    assert_string_equal(mebx, mebx_after);
    expect_mebx_in_escrow(site, &computer);
    expect_one_active_of_each(site, &computer,
                              "admin active 1, admin superseded 1, mebx active 1, mebx superseded 1");
    run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
    expect_mebx_in_escrow(site, &computer);
}

/* "If the answer is lost, try new, then old." */
static void a_rotation_whose_answer_is_lost_ends_with_the_password_in_escrow(void **state)
{
    static const char *const how[] = { "drop-after", "drop-before" };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(how); i++) {
        struct computer computer;
        int64_t failed;

        computer_provision(site, &computer, 52 + i, "12.0", "hello=manual", NULL);
        failed = state_number(site, &computer, "counters.failed_logins");
        must(simulator_control(site->simulator, NULL, &err,
                               "misbehave %s %s at=AMT_AuthorizationService.SetAdminAclEntryEx times=1",
                               computer.uuid, how[i]));
        run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
        must(proof_check_escrow(site, &computer, &err));
        assert_true(state_number(site, &computer, "counters.failed_logins") - failed <= 2);
        expect_sql(site, "1",
                   "SELECT count(*) FROM amt.secret_status WHERE uuid = '%s' AND kind = 'admin' AND state = "
                   "'active'",
                   computer.uuid);
    }
}

static void a_rotation_whose_service_point_dies_ends_with_the_password_in_escrow(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 54, "14.0", "hello=manual", NULL);
    AUTO(text_free) char *before = state_text(site, &computer, "admin_digest_hex");

    /* The answer never comes while the new password is in force already. */
    must(simulator_control(site->simulator, NULL, &err,
                           "misbehave %s stall at=AMT_SetupAndConfigurationService.SetMEBxPassword",
                           computer.uuid));
    request_job(site, &computer, "rotate-passwords");
    for (;;) {
        AUTO(text_free) char *now = state_text(site, &computer, "admin_digest_hex");

        if (strcmp(before, now) != 0)
            break;
        wait_a_little(20);
    }
    process_kill(&site->points[0].process);
    must(simulator_control(site->simulator, NULL, &err, "behave %s", computer.uuid));
    must(site_start_point(site, 0, &err));
    expect_sql(site, "done", "SELECT state FROM amt.job WHERE uuid = '%s' AND kind = 'rotate-passwords'",
               computer.uuid);
    must(proof_check_escrow(site, &computer, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotation_gives_new_passwords_that_are_in_escrow),
        cmocka_unit_test(rotation_leaves_a_mebx_password_that_may_not_be_set),
        cmocka_unit_test(a_rotation_whose_answer_is_lost_ends_with_the_password_in_escrow),
        cmocka_unit_test(a_rotation_whose_service_point_dies_ends_with_the_password_in_escrow),
    };

    return cmocka_run_group_tests_name("rotation", tests, job_scenario_begin, scenario_end);
}
