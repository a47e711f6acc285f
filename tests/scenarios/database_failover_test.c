/*
 * database_failover_test.c - the primary dies under load and its synchronous standby is promoted: the site
 * server goes to it by its connection string, and nothing that it answered is missing there.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "support/expect.h"
#include "support/standby.h"

enum { FLEET = 40 };

static char *health; /* address and port of the site server's /health */

struct fleet {
    struct site *site;
    struct computer computers[FLEET];
};

static void plug_in_fleet(struct fleet *fleet, struct site *site)
{
    struct error err = { 0 };

    fleet->site = site;
    for (unsigned i = 0; i < FLEET; i++) {
        computer_plan(&fleet->computers[i], site, i, generations[i % generation_count]);
        must(computer_plug_in(site, &fleet->computers[i], &err, "hello=manual"));
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s slow %u", fleet->computers[i].uuid,
                               20 + 3 * i)); /* so that they end one after another */
    }
    must(computers_import(site, fleet->computers, FLEET, &err));
}

static void nothing_that_was_answered_is_missing_after_a_fail_over(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *done_before = NULL;
    AUTO(text_free) char *gap = NULL;
    struct standby standby = { 0 };
    struct error err = { 0 };
    struct fleet fleet;

    must(standby_add(&standby, site, &err));
    plug_in_fleet(&fleet, site);
    for (unsigned i = 0; i < FLEET; i++)
        say_hello(site, &fleet.computers[i]);
    expect_sql(site, "t", "SELECT count(*) FILTER (WHERE state = 'done') BETWEEN 1 AND %d FROM amt.job",
               FLEET / 2);
    done_before =
        sql_answer(site, "SELECT string_agg(id || '.' || attempt, ',') FROM amt.job WHERE state = 'done'");

    must(postgres_halt(site->postgres, &err));
    must(process_wait_line(site->server, "database away", SITE_WAIT_MS, &err));
    must(standby_take_over(&standby, site, &err));
    must(process_wait_line(site->server, "database back", SITE_WAIT_MS, &err));

    expect_sql(site, "t",
               "SELECT string_to_array('%s', ',') <@ array_agg(id || '.' || attempt) FROM amt.job WHERE "
               "state = 'done'",
               done_before);
    for (unsigned i = 0; i < FLEET; i++)
        expect_provisioned(site, &fleet.computers[i]);
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE state <> 'done'");
    gap = sql_answer(
        site, "SELECT (extract(epoch FROM max(gap)) * 1000)::bigint || ' ms, ' || count(*) FILTER (WHERE "
              "attempt > 1) || ' of ' || count(*) || ' jobs needed a second attempt' FROM (SELECT "
              "finished_at - lag(finished_at) OVER (ORDER BY finished_at) AS gap, attempt FROM amt.job) g");
    print_message("the primary was killed: longest gap between two finished jobs %s\n", gap);
}

static void set_standby(struct site *site, const char *statement)
{
    sql_do(site, "%s", statement);
    sql_do(site, "SELECT pg_reload_conf()");
}

/* As often as it takes until /health says this. */
static void expect_health(const char *wanted)
{
    AUTO(text_free) char *url = text_format("http://%s/health", health);
    int64_t end_ms = clock_monotonic_ms() + SITE_WAIT_MS;
    struct error err = { 0 };

    for (;;) {
        AUTO(command_result_clear) struct command_result result = { 0 };

        must(command_run(&result, NULL, SITE_WAIT_MS,
                         (const char *[]){ "/usr/bin/curl", "-sS", "--noproxy", "*", url, NULL }, &err));
        if (strstr(result.output, wanted))
            return;
        if (clock_monotonic_ms() > end_ms)
            fail_msg("/health: %s%s", result.output, result.errors);
        wait_a_little(50);
    }
}

static void health_tells_of_a_standby_that_confirms_nothing_and_all_goes_on_when_it_does(void **state)
{
    struct site *site = *state;
    struct computer computer;

    set_standby(site, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    expect_health("status: database does not confirm, jobs wait");
    set_standby(site, "ALTER SYSTEM RESET synchronous_standby_names");
    expect_health("status: ok");
    scenario_computer(site, &computer, 100, "16.1", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
}

static int begin(void **state)
{
    AUTO(text_free) char *metrics = NULL;
    struct error err = { 0 };
    uint16_t port = 0;

    if (!loopback_free_port("127.0.0.1", &port, &err))
        return -1;
    health = text_format("127.0.0.1:%u", port);
    metrics = text_format("metrics.listen = %s", health);

    const char *const settings[] = { "job.retry_delay = 1s", "queue.heartbeat = 1s", metrics, NULL };
    const struct site_options options = { .server_settings = settings };

    return scenario_begin(state, &options);
}

static int end(void **state)
{
    text_free(&health);
    return scenario_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_tells_of_a_standby_that_confirms_nothing_and_all_goes_on_when_it_does),
        cmocka_unit_test(nothing_that_was_answered_is_missing_after_a_fail_over),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
