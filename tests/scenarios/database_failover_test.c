/*
 * database_failover_test.c - the primary dies under load and its synchronous standby is promoted: the site
 * server goes to it by its connection string, and nothing that it answered is missing there.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"
#include "support/standby.h"

enum { FLEET = 40 };

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

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "queue.heartbeat = 1s", NULL };
    struct site_options options = { .server_settings = server_settings };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_was_answered_is_missing_after_a_fail_over),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
