/*
 * crash_test.c - programs that die in the middle of a run, and a database that is away: computers end
 * provisioned, and at the end every firmware opens with the password in escrow (spec 6.1, 11 last row).
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

enum { FLEET = 12 };

struct fleet {
    struct site *site;
    struct computer computers[FLEET];
};

/* A fleet of its own for each test, slowed down so that there is a middle of the run. */
static void plug_in_fleet(struct fleet *fleet, struct site *site, unsigned first)
{
    struct error err = { 0 };

    fleet->site = site;
    for (unsigned i = 0; i < FLEET; i++) {
        computer_plan(&fleet->computers[i], site, first + i, generations[(first + i) % generation_count]);
        must(computer_plug_in(site, &fleet->computers[i], &err, "hello=manual"));
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s slow 150",
                               fleet->computers[i].uuid));
    }
    must(computers_import(site, fleet->computers, FLEET, &err));
}

static void all_say_hello(struct fleet *fleet)
{
    for (unsigned i = 0; i < FLEET; i++)
        say_hello(fleet->site, &fleet->computers[i]);
}

/* Some computer has a new password already, and not all are done. */
static void wait_for_the_middle(struct fleet *fleet)
{
    struct error err = { 0 };

    for (;;) {
        unsigned changed = 0;

        for (unsigned i = 0; i < FLEET; i++) {
            AUTO(json_close) json_object *state = NULL;

            must(simulator_state(fleet->site->simulator, fleet->computers[i].uuid, &state, &err));
            changed += !json_true_at(state, "admin_is_default");
        }
        if (changed > 0)
            return;
        if (interrupted())
            fail_msg("interrupted");
        wait_a_little(50);
    }
}

static void expect_all_provisioned(struct fleet *fleet)
{
    for (unsigned i = 0; i < FLEET; i++)
        expect_provisioned(fleet->site, &fleet->computers[i]);
}

static void a_service_point_killed_in_mid_run_loses_no_computer(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct error err = { 0 };

    plug_in_fleet(&fleet, site, 0);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    process_kill(&site->points[0].process);
    must(site_start_point(site, 0, &err));
    expect_all_provisioned(&fleet);
}

static void a_site_server_killed_in_mid_run_loses_no_computer(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct error err = { 0 };

    plug_in_fleet(&fleet, site, 20);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    process_kill(&site->server);
    must(site_start_server(site, &err));
    expect_all_provisioned(&fleet);
}

static void a_database_that_goes_and_comes_back_loses_no_computer(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct error err = { 0 };

    plug_in_fleet(&fleet, site, 40);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    must(postgres_halt(site->postgres, &err));
    must(process_wait_line(site->server, "database", SITE_WAIT_MS, &err)); /* it says so */
    assert_true(process_running(site->server));
    must(postgres_resume(site->postgres, &err));
    expect_all_provisioned(&fleet);
    assert_true(process_running(site->server));
}

static void hellos_while_the_database_is_away_are_not_lost(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct error err = { 0 };

    plug_in_fleet(&fleet, site, 60);
    must(postgres_halt(site->postgres, &err));
    all_say_hello(&fleet);
    must(postgres_resume(site->postgres, &err));
    for (unsigned i = 0; i < FLEET; i++)
        say_hello_until(site, &fleet.computers[i], "t", "SELECT count(*) > 0 FROM amt.job WHERE uuid = '%s'",
                        fleet.computers[i].uuid);
    expect_all_provisioned(&fleet);
}

/* SIGTERM hands jobs back; a second service point does them. */
static void a_service_point_that_is_stopped_hands_its_jobs_to_another(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct error err = { 0 };

    plug_in_fleet(&fleet, site, 80);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    must(site_start_point(site, 1, &err));
    process_stop(&site->points[0].process);
    expect_all_provisioned(&fleet);
    must(site_start_point(site, 0, &err));
    process_stop(&site->points[1].process);
}

/* Spec 6.1: one password at a time is pending, none of the active ones is lost. */
static void escrow_holds_for_every_computer_of_all_runs(void **state)
{
    struct site *site = *state;

    expect_sql(site, "0",
               "SELECT count(*) FROM amt.computer c WHERE amt_status = 3 AND 1 <>"
               " (SELECT count(*) FROM amt.secret_status s WHERE s.uuid = c.uuid AND kind = 'admin' AND "
               "state = 'active')");
    for (unsigned i = 0; i < 5 * 20; i++) {
        struct computer computer;
        struct error err = { 0 };

        if (i % 20 >= FLEET)
            continue;
        computer_plan(&computer, site, i, generations[i % generation_count]);
        must(proof_check_escrow(site, &computer, &err));
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "queue.heartbeat = 1s", "job.lease = 15s", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .service_points = 2,
                                    .without_points = true };
    struct error err = { 0 };

    if (scenario_begin(state, &options) != 0)
        return -1;
    if (!site_start_point(*state, 0, &err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_point_killed_in_mid_run_loses_no_computer),
        cmocka_unit_test(a_site_server_killed_in_mid_run_loses_no_computer),
        cmocka_unit_test(a_database_that_goes_and_comes_back_loses_no_computer),
        cmocka_unit_test(hellos_while_the_database_is_away_are_not_lost),
        cmocka_unit_test(a_service_point_that_is_stopped_hands_its_jobs_to_another),
        cmocka_unit_test(escrow_holds_for_every_computer_of_all_runs),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
