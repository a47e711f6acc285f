/*
 * several_servers_test.c - two site servers on one database (design 1): service points spread over them and
 * go to the other when theirs dies, is stopped or falls silent, and no job is lost.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

enum { FLEET = 40, POINTS = 2, HEARTBEAT_S = 1 };

struct fleet {
    struct site *site;
    struct computer computers[FLEET];
};

static void plug_in_fleet(struct fleet *fleet, struct site *site, unsigned first)
{
    struct error err = { 0 };

    fleet->site = site;
    for (unsigned i = 0; i < FLEET; i++) {
        computer_plan(&fleet->computers[i], site, first + i, generations[(first + i) % generation_count]);
        must(computer_plug_in(site, &fleet->computers[i], &err, "hello=manual"));
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s slow %u", fleet->computers[i].uuid,
                               20 + 3 * i)); /* so that they end one after another */
    }
    must(computers_import(site, fleet->computers, FLEET, &err));
}

static void all_say_hello(struct fleet *fleet)
{
    for (unsigned i = 0; i < FLEET; i++)
        say_hello(fleet->site, &fleet->computers[i]);
}

static void expect_all_provisioned(struct fleet *fleet)
{
    for (unsigned i = 0; i < FLEET; i++)
        expect_provisioned(fleet->site, &fleet->computers[i]);
}

/* Some are done, and some are not. */
static void wait_for_the_middle(struct fleet *fleet)
{
    expect_sql(
        fleet->site, "t",
        "SELECT count(*) FILTER (WHERE state = 'done') BETWEEN 1 AND %d FROM amt.job WHERE uuid >= '%s'",
        FLEET / 2, fleet->computers[0].uuid);
}

/* The process that the service point is connected to. */
static struct process **server_of(struct site *site, const char *point)
{
    AUTO(text_free)
    char *endpoint =
        sql_answer(site, "SELECT endpoint FROM amt.service_point_session WHERE name = '%s'", point);

    return strcmp(endpoint, site->endpoint) == 0 ? &site->server : &site->second.process;
}

static void start_again(struct site *site)
{
    struct error err = { 0 };

    if (!site->server)
        must(site_start_server(site, &err));
    if (!site->second.process)
        must(site_start_second_server(site, &err));
}

/* Where their names send them. */
static void start_points_anew(struct site *site)
{
    struct error err = { 0 };

    for (unsigned i = 0; i < POINTS; i++) {
        process_stop(&site->points[i].process);
        must(site_start_point(site, i, &err));
    }
}

static void print_gap(struct fleet *fleet, const char *what)
{
    AUTO(text_free)
    char *gap =
        sql_answer(fleet->site,
                   "SELECT (extract(epoch FROM max(gap)) * 1000)::bigint || ' ms, ' ||"
                   " count(*) FILTER (WHERE attempt > 1) || ' of ' || count(*) || ' jobs needed a second "
                   "attempt' FROM (SELECT finished_at - lag(finished_at) OVER (ORDER BY finished_at) AS gap,"
                   " attempt FROM amt.job WHERE uuid >= '%s' AND state = 'done') AS g",
                   fleet->computers[0].uuid);

    print_message("%s: longest gap between two finished jobs %s\n", what, gap);
}

static void service_points_spread_over_the_site_servers(void **state)
{
    struct site *site = *state;

    expect_sql(site, "2", "SELECT count(*) FROM amt.site_server WHERE alive");
    expect_sql(site, "2", "SELECT count(DISTINCT site_server) FROM amt.service_point_session");
    expect_sql(site, "1,1", "SELECT string_agg(service_points::text, ',') FROM amt.site_server WHERE alive");
}

/* The second service point serves the subnet, the first one, at the other site server, hears the Hellos. */
static void a_job_heard_at_one_site_server_is_run_by_a_service_point_of_the_other(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    AUTO(text_free) char *config = NULL;
    AUTO(text_free) char *with_subnets = NULL;

    process_stop(&site->points[1].process);
    must(file_read(site->points[1].config_path, &config, NULL, &err));
    with_subnets = text_format("%spoint.subnets = 127.0.0.0/8\n", config);
    must(file_write(site->points[1].config_path, with_subnets, 0600, &err));
    must(site_start_point(site, 1, &err));
    expect_sql(site, "2", "SELECT count(DISTINCT site_server) FROM amt.service_point_session");
    scenario_computer(site, &computer, 900, "16.1", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(
        site, "service-point-1,service-point-2",
        "SELECT h.service_point || ',' || j.service_point FROM amt.job j JOIN amt.hello h USING (uuid) "
        "WHERE j.uuid = '%s' AND j.attempt = 1",
        computer.uuid);
    process_stop(&site->points[1].process);
    must(file_write(site->points[1].config_path, config, 0600, &err));
    must(site_start_point(site, 1, &err));
}

static void a_site_server_killed_under_load_loses_no_job(void **state)
{
    struct site *site = *state;
    struct fleet fleet;

    plug_in_fleet(&fleet, site, 1000);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    process_kill(server_of(site, site->points[0].name));
    expect_sql(site, "1", "SELECT count(DISTINCT site_server) FROM amt.service_point_session");
    expect_all_provisioned(&fleet);
    print_gap(&fleet, "a site server was killed");
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE state NOT IN ('done')");
    start_again(site);
    start_points_anew(site);
}

static void a_site_server_that_is_stopped_leaves_its_work_to_the_other(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct process **server;

    plug_in_fleet(&fleet, site, 2000);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    server = server_of(site, site->points[0].name);
    assert_true(process_stop(server));
    expect_sql(site, "1", "SELECT count(*) FROM amt.site_server WHERE alive");
    expect_all_provisioned(&fleet);
    print_gap(&fleet, "a site server was stopped");
    expect_sql(site, "1", "SELECT max(attempt) FROM amt.job WHERE uuid >= '%s'", fleet.computers[0].uuid);
    start_again(site);
    start_points_anew(site);
}

/* It stands still with everything that was said to it, and goes on when the service points have left. */
static void what_a_site_server_did_not_answer_in_time_does_no_harm_when_it_comes_to_itself(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct process **server;

    plug_in_fleet(&fleet, site, 3000);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    server = server_of(site, site->points[0].name);
    process_signal(*server, SIGSTOP);
    expect_sql(
        site, "1",
        "SELECT count(DISTINCT site_server) FROM amt.service_point_session WHERE connected_until > now()"
        " AND registered_at > (SELECT max(started_at) FROM amt.site_server)");
    process_signal(*server, SIGCONT);
    expect_all_provisioned(&fleet);
    print_gap(&fleet, "a site server stood still");
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE state NOT IN ('done')");
}

/* Nobody starts them again: they find out, one by one, while their jobs go on. */
static void service_points_return_to_their_site_server_when_it_is_back(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };
    struct fleet fleet;

    start_again(site);
    for (unsigned i = 0; i < POINTS; i++) {
        AUTO(text_free) char *config = NULL;
        AUTO(text_free) char *returning = NULL;

        must(file_read(site->points[i].config_path, &config, NULL, &err));
        returning = text_format("%ssite.return = 2s\n", config);
        must(file_write(site->points[i].config_path, returning, 0600, &err));
    }
    start_points_anew(site);
    expect_sql(site, "2", "SELECT count(DISTINCT site_server) FROM amt.service_point_session");
    plug_in_fleet(&fleet, site, 4000);
    all_say_hello(&fleet);
    wait_for_the_middle(&fleet);
    process_kill(server_of(site, site->points[0].name));
    expect_sql(site, "1", "SELECT count(DISTINCT site_server) FROM amt.service_point_session");
    start_again(site);
    expect_sql(site, "2", "SELECT count(DISTINCT site_server) FROM amt.service_point_session");
    expect_all_provisioned(&fleet);
    print_gap(&fleet, "a site server was killed, and came back");
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE state NOT IN ('done')");
}

static void every_password_is_known_afterwards(void **state)
{
    static const unsigned firsts[] = { 1000, 2000, 3000, 4000 };
    struct site *site = *state;
    struct error err = { 0 };

    for (size_t i = 0; i < COUNT_OF(firsts) * FLEET; i++) {
        struct computer computer;
        unsigned index = firsts[i / FLEET] + (unsigned)(i % FLEET);

        computer_plan(&computer, site, index, generations[index % generation_count]);
        must(proof_check_escrow(site, &computer, &err));
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "queue.heartbeat = 1s", "job.lease = 30s", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .second_server = true,
                                    .service_points = POINTS };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_points_spread_over_the_site_servers),
        cmocka_unit_test(a_job_heard_at_one_site_server_is_run_by_a_service_point_of_the_other),
        cmocka_unit_test(a_site_server_killed_under_load_loses_no_job),
        cmocka_unit_test(a_site_server_that_is_stopped_leaves_its_work_to_the_other),
        cmocka_unit_test(what_a_site_server_did_not_answer_in_time_does_no_harm_when_it_comes_to_itself),
        cmocka_unit_test(service_points_return_to_their_site_server_when_it_is_back),
        cmocka_unit_test(every_password_is_known_afterwards),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
