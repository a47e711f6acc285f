/*
 * generations_test.c - every firmware generation goes through the same sequence to the same end.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"
#include "support/settings_table.h"

static void computers_of_every_generation_are_provisioned_side_by_side(void **state)
{
    struct site *site = *state;
    struct computer *computers = allocate(generation_count * sizeof(*computers));
    struct error err = { 0 };

    for (size_t i = 0; i < generation_count; i++) {
        computer_plan(&computers[i], site, (unsigned)i, generations[i]);
        must(computer_plug_in(site, &computers[i], &err, "hello=manual"));
    }
    must(computers_import(site, computers, generation_count, &err));
    for (size_t i = 0; i < generation_count; i++)
        say_hello(site, &computers[i]);
    for (size_t i = 0; i < generation_count; i++)
        expect_provisioned(site, &computers[i]);
    free(computers);
}

/* Spec O7, O8: what the profile says is what the firmware has, setting by setting, on every generation. */
static void every_setting_of_a_profile_reaches_every_generation(void **state)
{
    struct site *site = *state;
    struct computer *computers = allocate(generation_count * sizeof(*computers));
    AUTO(settings_table_free) struct settings_table *table = settings_table_new();
    struct error err = { 0 };

    must(everything_set(site, "everything", &err));
    for (size_t i = 0; i < generation_count; i++) {
        scenario_computer(site, &computers[i], 200 + (unsigned)i, generations[i],
                          "hello=manual " EVERYTHING_HARDWARE);
        must(site_amtctl(site, NULL, &err, "computer", "profile", "everything", computers[i].uuid, NULL));
        say_hello(site, &computers[i]);
    }
    for (size_t i = 0; i < generation_count; i++)
        expect_outcome(site, &computers[i], "provisioned", "");
    for (size_t i = 0; i < generation_count; i++)
        must(settings_table_add(table, site, &computers[i], &err));
    settings_table_print(table, stdout);
    assert_int_equal(settings_table_differences(table), 0);
    free(computers);
}

/* Whether real firmware keeps TLS sessions is not published: with those that do, a job needs a full handshake
 * in setup and one after the commit, each more only where a password changes; with those that do not, as many
 * as there are connections. */
static void a_job_takes_up_tls_sessions_where_the_firmware_keeps_them(void **state)
{
    struct site *site = *state;
    int64_t accepted[2], resumed[2];

    print_message("AMT: full of all TLS handshakes where sessions are kept, and where they are not\n");
    for (size_t i = 0; i < generation_count; i++) {
        for (unsigned keeps = 0; keeps < 2; keeps++) {
            struct computer computer;

            scenario_computer(site, &computer, 300 + 2 * (unsigned)i + keeps, generations[i],
                              keeps ? "hello=manual resumption=yes" : "hello=manual resumption=no");
            say_hello(site, &computer);
            expect_provisioned(site, &computer);
            accepted[keeps] = state_number(site, &computer, "counters.tls_accepted");
            resumed[keeps] = state_number(site, &computer, "counters.tls_resumed");
        }
        print_message("%s: %d of %d, %d of %d\n", generations[i], (int)(accepted[1] - resumed[1]),
                      (int)accepted[1], (int)(accepted[0] - resumed[0]), (int)accepted[0]);
        assert_int_equal(resumed[0], 0);
        assert_in_range(accepted[1] - resumed[1], 2, 3);
    }
}

/* Spec O3: the oldest and the newest of each rule for the domain suffix and the chain. */
static void a_stored_suffix_goes_before_the_one_of_dhcp(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 100, "16.1");
    AUTO(text_free)
    char *line = computer_fleet_line(&computer, "elsewhere.example.org", site->provisioning.sha256_hex,
                                     "hello=manual suffix=site.example.com");

    must(simulator_control(site->simulator, NULL, &err, "add %s", line));
    must(computers_import(site, &computer, 1, &err));
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
}

/* The proof itself: it must see what it is there to see, or every test that relies on it is worth nothing. */
static void the_proof_sees_a_computer_that_is_not_as_it_should_be(void **state)
{
    static const char *const changes[] = { "admin-password=0ther.Password",
                                           "host=other",
                                           "domain=other.example.com",
                                           "clock-offset=60",
                                           "power-scheme=0",
                                           "state=in" };
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        scenario_computer(site, &computer, 110 + (unsigned)i, "14.0", "hello=manual");
        say_hello(site, &computer);
        expect_provisioned(site, &computer);
        must(simulator_control(site->simulator, NULL, &err, "set %s %s", computer.uuid, changes[i]));
        if (proof_check(site, &computer, &proof_of_default_profile, &err))
            fail_msg("%s went unnoticed", changes[i]);
        print_message("%s: %s\n", changes[i], err.message);
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", NULL };
    struct site_options options = { .server_settings = server_settings };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computers_of_every_generation_are_provisioned_side_by_side),
        cmocka_unit_test(every_setting_of_a_profile_reaches_every_generation),
        cmocka_unit_test(a_job_takes_up_tls_sessions_where_the_firmware_keeps_them),
        cmocka_unit_test(a_stored_suffix_goes_before_the_one_of_dhcp),
        cmocka_unit_test(the_proof_sees_a_computer_that_is_not_as_it_should_be),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
