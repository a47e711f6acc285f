/* update_test.c - update jobs: what import and profile say, with no write more than that (spec 5, 8). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/job_story.h"
#include "support/settings_table.h"

/* A fleet of every generation, with all that a profile can say: nothing, then the one setting that changed.
 */
static void an_update_of_a_fleet_writes_nothing_but_what_changed(void **state)
{
    struct site *site = *state;
    struct computer *fleet = allocate(generation_count * sizeof(*fleet));
    int64_t *before = allocate(generation_count * sizeof(*before));
    struct error err = { 0 };

    must(everything_set(site, "steady", &err));
    for (size_t i = 0; i < generation_count; i++) {
        computer_provision(site, &fleet[i], 200 + (unsigned)i, generations[i],
                           "hello=manual " EVERYTHING_HARDWARE, "steady");
        before[i] = computer_writes(site, &fleet[i]);
    }
    for (size_t i = 0; i < generation_count; i++) {
        run_job(site, &fleet[i], "update", "update done");
        assert_int_equal(computer_writes(site, &fleet[i]), before[i]);
        expect_changes(site, &fleet[i], "");
        expect_outcome(site, &fleet[i], "provisioned", "");
    }
    sql_do(site, "SELECT amt.profile_set('steady', '{\"ping\": false}')");
    for (size_t i = 0; i < generation_count; i++) {
        run_job(site, &fleet[i], "update", "update done");
        assert_int_equal(computer_writes(site, &fleet[i]), before[i] + 1);
        expect_changes(site, &fleet[i], "ping response");
    }
    free(before);
    free(fleet);
}

static void an_update_writes_the_one_setting_that_changed(void **state)
{
    struct site *site = *state;
    struct computer computer;
    int64_t before;

    profile_write(site, "changing", EVERYTHING_ON, NULL);
    computer_provision(site, &computer, 20, "12.0", "hello=manual", "changing");
    before = computer_writes(site, &computer);
    sql_do(site, "SELECT amt.profile_set('changing', '{\"ping\": false}')");
    assert_int_equal(computer_writes(site, &computer), before); /* spec 5: nothing changes until a job runs */
    run_job(site, &computer, "update", "update done");
    assert_int_equal(computer_writes(site, &computer), before + 1);
    expect_changes(site, &computer, "ping response");
    sql_do(site, "SELECT amt.profile_set('changing', '{\"kvm\": false}')");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(computer_writes(site, &computer), before + 2);
    expect_changes(site, &computer, "KVM");
}

static void a_user_s_changed_password_reaches_the_firmware_with_one_write(void **state)
{
    struct site *site = *state;
    struct computer computer;
    int64_t before;

    profile_write(site, "helpdesk", EVERYTHING_ON, "console:F1rst.Word\nhelpdesk:Th1rd.Word\n");
    computer_provision(site, &computer, 21, "14.0", "hello=manual", "helpdesk");
    AUTO(text_free) char *console = computer_digest(site, &computer, "console");
    AUTO(text_free) char *helpdesk = computer_digest(site, &computer, "helpdesk");

    before = computer_writes(site, &computer);
    profile_write(site, "helpdesk", EVERYTHING_ON, "console:S3cond.Word\n");
    run_job(site, &computer, "update", "update done");
    AUTO(text_free) char *console_after = computer_digest(site, &computer, "console");
    AUTO(text_free) char *helpdesk_after = computer_digest(site, &computer, "helpdesk");

    assert_string_not_equal(console, console_after);
    assert_string_equal(helpdesk, helpdesk_after);
    assert_int_equal(computer_writes(site, &computer), before + 1);
    expect_changes(site, &computer, "access control list");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(computer_writes(site, &computer), before + 1);
}

static void a_changed_passphrase_reaches_the_firmware_with_one_write(void **state)
{
    struct site *site = *state;
    static const char networks[] =
        EVERYTHING_ON "[wireless office]\nssid = office\npriority = 1\nauthentication = wpa2-psk\n";
    struct computer computer;
    int64_t before;

    profile_write(site, "wifi", networks, "wireless office:correct horse battery\n");
    computer_provision(site, &computer, 26, "14.0", "hello=manual wifi=yes", "wifi");
    before = computer_writes(site, &computer);
    run_job(site, &computer, "update", "update done");
    assert_int_equal(computer_writes(site, &computer), before);
    profile_write(site, "wifi", networks, "wireless office:another horse battery\n");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(computer_writes(site, &computer), before + 1);
    expect_changes(site, &computer, "wireless");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(computer_writes(site, &computer), before + 1);
    AUTO(json_close) json_object *firmware = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer.uuid, &firmware, &err));
    assert_string_equal(
        json_text_at(json_object_array_get_idx(json_at(firmware, "wifi.profiles"), 0), "passphrase"),
        "another horse battery");
}

/* The same password under another key of the key file is the same password. */
static void rotating_the_secret_key_makes_no_update_write(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    int64_t before;

    profile_write(site, "keyed", EVERYTHING_ON, NULL);
    computer_provision(site, &computer, 22, "12.0", "hello=manual", "keyed");
    before = computer_writes(site, &computer);
    must(site_amtctl(site, NULL, &err, "secret", "rotate-key", NULL));
    run_job(site, &computer, "update", "update done");
    assert_int_equal(computer_writes(site, &computer), before);
}

struct alternation {
    const char *generation;
    const char *inventory_on, *inventory_off;
};

static void expect_profile(struct site *site, const struct computer *computer, const char *name,
                           const struct proof_profile *profile, const char *wanted)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "computer", "profile", name, computer->uuid, NULL));
    run_job(site, computer, "update", "update done");
    must(proof_check(site, computer, profile, &err));
    AUTO(text_free) char *now = computer_inventory(site, computer);

    assert_string_equal(now, wanted);
}

/* On: the certificates are those of TLS, of 802.1X and of the RADIUS server's authority; 16.1 keeps its own
 * besides; the users are console, helpdesk and the system's own. */
static void profiles_that_alternate_leave_nothing_behind(void **state)
{
    static const struct alternation tried[] = {
        { "5.2", "3 certificates, 2 keys, 0 wireless profiles, 3 users",
          "1 certificates, 1 keys, 0 wireless profiles, 2 users" },
        { "9.0", "3 certificates, 2 keys, 2 wireless profiles, 3 users",
          "1 certificates, 1 keys, 0 wireless profiles, 2 users" },
        { "15.0", "3 certificates, 2 keys, 2 wireless profiles, 3 users",
          "1 certificates, 1 keys, 0 wireless profiles, 2 users" },
        { "16.1", "4 certificates, 2 keys, 2 wireless profiles, 3 users",
          "2 certificates, 1 keys, 0 wireless profiles, 2 users" },
    };
    static const char *const off_users[] = { "auditor", NULL };
    static const struct proof_profile off = { .users = off_users };
    struct site *site = *state;
    struct error err = { 0 };

    must(everything_set(site, "all-on", &err));
    profile_write(site, "all-off", WITHOUT_NETWORKS, NULL);
    for (unsigned i = 0; i < COUNT_OF(tried); i++) {
        AUTO(settings_table_free) struct settings_table *table = settings_table_new();
        struct computer computer;

        computer_provision(site, &computer, 230 + i, tried[i].generation, "hello=manual " EVERYTHING_HARDWARE,
                           "all-on");
        for (unsigned round = 0; round < 5; round++) {
            expect_profile(site, &computer, "all-off", &off, tried[i].inventory_off);
            expect_profile(site, &computer, "all-on", &proof_of_everything, tried[i].inventory_on);
        }
        must(settings_table_add(table, site, &computer, &err));
        settings_table_print(table, stdout);
        assert_int_equal(settings_table_differences(table), 0);
    }
}

/* The import changed the name: names and certificate follow, and the old certificate is what proves the
 * computer. */
static void an_update_gives_a_renamed_computer_its_name_and_a_certificate_for_it(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_provision(site, &computer, 24, "12.0", "hello=manual", NULL);
    AUTO(text_free) char *before = computer_inventory(site, &computer);

    snprintf(computer.short_name, sizeof(computer.short_name), "renamed");
    snprintf(computer.fqdn, sizeof(computer.fqdn), "renamed.%s", site->dns_suffix);
    must(computers_import(site, &computer, 1, &err));
    run_job(site, &computer, "update", "update done");
    expect_changes(site, &computer, "names, key pair, certificate, TLS, commit, clean up");
    must(proof_check(site, &computer, &proof_of_default_profile, &err));
    AUTO(text_free) char *after = computer_inventory(site, &computer);

    assert_string_equal(after, before);
    expect_sql(site, computer.fqdn,
               "SELECT string_agg(fqdn, ' ') FROM amt.certificate WHERE uuid = '%s' AND state = 'active'",
               computer.uuid);
    run_job(site, &computer, "update", "update done");
    expect_changes(site, &computer, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_of_a_fleet_writes_nothing_but_what_changed),
        cmocka_unit_test(an_update_writes_the_one_setting_that_changed),
        cmocka_unit_test(a_user_s_changed_password_reaches_the_firmware_with_one_write),
        cmocka_unit_test(a_changed_passphrase_reaches_the_firmware_with_one_write),
        cmocka_unit_test(rotating_the_secret_key_makes_no_update_write),
        cmocka_unit_test(profiles_that_alternate_leave_nothing_behind),
        cmocka_unit_test(an_update_gives_a_renamed_computer_its_name_and_a_certificate_for_it),
    };

    return cmocka_run_group_tests_name("update", tests, job_scenario_begin, scenario_end);
}
