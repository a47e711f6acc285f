/*
 * failover - how long does a site stand still when something of it dies?
 *
 *   make failover                      site server, service point, database; prints one table
 *   make failover PATRONI=1            the database being three hosts of Patroni, run from the sample in
 *                                      deploy/patroni: the primary's host dies, and a planned switchover
 *
 * Two site servers and two service points work on `update` jobs without an end; then something dies, and it
 * goes on until every job that was open at that moment is done. Measured is the longest time between two
 * finished jobs around that moment, and the longest that a job took that was open then.
 *
 * Environment: FAILOVER_HEARTBEAT_S (default 5), FAILOVER_LEASE_S (60), FAILOVER_COMPUTERS (60).
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "support/fleet.h"
#include "support/patroni.h"
#include "support/standby.h"

enum {
    COMPUTERS_MOST = 1000,
    POINTS = 2,
    FINISHED_BEFORE = 100, /* jobs */
    FINISHED_AFTER = 200,
    PAUSE_MS = 50,
    ALLOWED_MS = 300000, /* for one row of the table */
    PROVISION_MS = 120000,
    SLOW_LEAST_MS = 20, /* of each request */
    SLOW_STEP_MS = 3,
};

struct scene {
    struct site *site;
    struct standby standby;
    struct patroni *patroni; /* NULL: a private cluster */
    struct computer computers[COMPUTERS_MOST];
    unsigned computer_count;
    struct process **victim; /* a site server */
};

static unsigned number_setting(const char *name, unsigned usual)
{
    const char *value = getenv(name);
    unsigned long number = value ? strtoul(value, NULL, 10) : 0;

    return number ? (unsigned)number : usual;
}

/* ---- the site ---- */

static bool provision_all(struct scene *scene, struct error *err)
{
    AUTO(text_free)
    char *query = text_format("SELECT count(*) = %u FROM amt.computer WHERE amt_status = 3 AND NOT EXISTS "
                              "(SELECT FROM amt.job WHERE state IN ('waiting', 'leased'))",
                              scene->computer_count);

    for (unsigned i = 0; i < scene->computer_count; i++) {
        computer_plan(&scene->computers[i], scene->site, i, "16.1");
        if (!computer_plug_in(scene->site, &scene->computers[i], err, "hello=manual") ||
            !simulator_control(scene->site->simulator, NULL, err, "misbehave %s slow %u",
                               scene->computers[i].uuid, SLOW_LEAST_MS + i * SLOW_STEP_MS))
            return false; /* so that they end one after another */
    }
    if (!computers_import(scene->site, scene->computers, scene->computer_count, err))
        return false;
    for (unsigned i = 0; i < scene->computer_count; i++) {
        if (!simulator_control(scene->site->simulator, NULL, err, "hello %s", scene->computers[i].uuid))
            return false;
    }
    return sql_wait(scene->site->sql, query, "t", PROVISION_MS, err);
}

static bool open_scene(struct scene *scene, struct error *err)
{
    AUTO(text_free)
    char *heartbeat = text_format("queue.heartbeat = %us", number_setting("FAILOVER_HEARTBEAT_S", 5));
    AUTO(text_free) char *lease = text_format("job.lease = %us", number_setting("FAILOVER_LEASE_S", 60));
    const char *const settings[] = { heartbeat, lease, "job.retry_delay = 1s", NULL };
    AUTO(text_free) char *cluster = NULL;
    struct site_options options = {
        .name = "failover", .server_settings = settings, .second_server = true, .service_points = POINTS
    };

    if (getenv("PATRONI") && *getenv("PATRONI")) {
        if (!patroni_start(&scene->patroni, err))
            return false;
        options.cluster = cluster = patroni_hosts(scene->patroni);
    }
    scene->computer_count = number_setting("FAILOVER_COMPUTERS", 60);
    if (scene->computer_count > COMPUTERS_MOST)
        return error_set(err, ERROR_INPUT, "FAILOVER_COMPUTERS is %u; give at most %d", scene->computer_count,
                         COMPUTERS_MOST);
    return site_start(&scene->site, &options, err) &&
           (scene->patroni || standby_add(&scene->standby, scene->site, err)) && provision_all(scene, err);
}

static void close_scene(struct scene *scene)
{
    standby_stop(&scene->standby);
    site_stop(&scene->site);
    patroni_stop(&scene->patroni);
}

/* ---- what dies ---- */

typedef bool act_function(struct scene *scene, struct error *err);

static bool do_nothing(struct scene *scene, struct error *err)
{
    (void)scene, (void)err;
    return true;
}

/* The site server that service point 1 is connected to. */
static bool choose_victim(struct scene *scene, struct error *err)
{
    struct site *site = scene->site;
    AUTO(text_free) char *endpoint = NULL;

    if (!sql_text(site->sql, &endpoint, err, "SELECT endpoint FROM amt.service_point_session WHERE name = $1",
                  site->points[0].name, NULL))
        return false;
    scene->victim = strcmp(endpoint, site->endpoint) == 0 ? &site->server : &site->second.process;
    return true;
}

static bool kill_server(struct scene *scene, struct error *err)
{
    if (!choose_victim(scene, err))
        return false;
    process_kill(scene->victim);
    return true;
}

static bool start_server(struct scene *scene, struct error *err)
{
    return scene->victim == &scene->site->server ? site_start_server(scene->site, err)
                                                 : site_start_second_server(scene->site, err);
}

static bool freeze_server(struct scene *scene, struct error *err)
{
    if (!choose_victim(scene, err))
        return false;
    process_signal(*scene->victim, SIGSTOP);
    return true;
}

static bool thaw_server(struct scene *scene, struct error *err)
{
    (void)err;
    process_signal(*scene->victim, SIGCONT);
    return true;
}

static bool kill_point(struct scene *scene, struct error *err)
{
    (void)err;
    process_kill(&scene->site->points[0].process);
    return true;
}

static bool start_point(struct scene *scene, struct error *err)
{
    return site_start_point(scene->site, 0, err);
}

static bool kill_primary(struct scene *scene, struct error *err)
{
    postgres_kill(scene->site->postgres);
    return standby_take_over(&scene->standby, scene->site, err);
}

static bool kill_patroni_primary(struct scene *scene, struct error *err)
{
    return patroni_kill_primary(scene->patroni, err);
}

static bool restart_patroni_host(struct scene *scene, struct error *err)
{
    return patroni_start_again(scene->patroni, err);
}

static bool switch_over(struct scene *scene, struct error *err)
{
    return patroni_switch_over(scene->patroni, err);
}

static const struct row {
    const char *what;
    bool patroni; /* only with, else only without */
    act_function *strike, *mend;
} rows[] = {
    { "nothing", false, do_nothing, do_nothing },
    { "a site server is killed", false, kill_server, start_server },
    { "a site server stands still", false, freeze_server, thaw_server },
    { "a service point is killed", false, kill_point, start_point },
    { "the primary is killed, its standby promoted at once", false, kill_primary, do_nothing },
    { "nothing", true, do_nothing, do_nothing },
    { "planned switchover (patronictl)", true, switch_over, do_nothing },
    { "the primary's host dies", true, kill_patroni_primary, restart_patroni_host },
};

/* ---- load and measurement ---- */

/* A new job for every computer that has none. While the database is away nobody can ask for one. */
static void request_jobs(struct scene *scene)
{
    AUTO(text_free) char *requested = NULL;
    struct error away;

    if (!sql_text(scene->site->sql, &requested, &away, "SELECT requested FROM amt.request_jobs('update')",
                  NULL))
        wait_a_little(PAUSE_MS);
}

static bool until(struct scene *scene, const char *query, const char *what, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + ALLOWED_MS;

    for (;;) {
        AUTO(text_free) char *answer = NULL;
        struct error away;

        request_jobs(scene);
        if (sql_text(scene->site->sql, &answer, &away, query, NULL) && strcmp(answer, "t") == 0)
            return true;
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        if (clock_monotonic_ms() > end_ms)
            return error_set(err, ERROR_UNREACHABLE, "%s: not within %d s; logs are in %s", what,
                             ALLOWED_MS / 1000, scene->site->place.directory);
        wait_a_little(PAUSE_MS);
    }
}

static bool run_until_finished(struct scene *scene, int64_t since_ms, unsigned jobs, struct error *err)
{
    AUTO(text_free)
    char *query = text_format("SELECT count(*) >= %u FROM amt.job WHERE state = 'done'"
                              " AND finished_at > to_timestamp(%" PRId64 " / 1000.0)",
                              jobs, since_ms);

    return until(scene, query, "jobs that end", err);
}

static bool run_until_settled(struct scene *scene, int64_t since_ms, struct error *err)
{
    AUTO(text_free)
    char *query = text_format("SELECT count(*) = 0 FROM amt.job WHERE state IN ('waiting', 'leased')"
                              " AND requested_at <= to_timestamp(%" PRId64 " / 1000.0)",
                              since_ms);

    return until(scene, query, "the jobs that were open", err);
}

/* Around the moment: from a second before it on. */
static bool print_row(struct scene *scene, const char *what, int64_t struck_ms, int64_t end_ms,
                      struct error *err)
{
    AUTO(text_free)
    char *query = text_format(
        "WITH struck AS (SELECT to_timestamp(%" PRId64 " / 1000.0) AS at, to_timestamp(%" PRId64
        " / 1000.0) AS until),"
        " finished AS (SELECT j.finished_at - lag(j.finished_at) OVER (ORDER BY j.finished_at) AS gap,"
        "   j.finished_at - j.requested_at AS took, j.requested_at <= s.at AND j.finished_at > s.at AS "
        "open_then,"
        "   j.attempt"
        "   FROM amt.job j, struck s WHERE j.state = 'done'"
        "   AND j.finished_at BETWEEN s.at - interval '1 s' AND s.until)"
        " SELECT format('%%s s | %%s s | %%s of %%s', round(extract(epoch FROM max(gap)), 2),"
        "   round(extract(epoch FROM max(took) FILTER (WHERE open_then)), 2),"
        "   count(*) FILTER (WHERE open_then AND attempt > 1), count(*) FILTER (WHERE open_then)) FROM "
        "finished",
        struck_ms, end_ms);
    AUTO(text_free) char *line = NULL;

    if (!sql_text(scene->site->sql, &line, err, query, NULL))
        return false;
    printf("| %s | %s |\n", what, line);
    fflush(stdout);
    return true;
}

static bool run_row(struct scene *scene, const struct row *row, struct error *err)
{
    int64_t struck_ms, end_ms;

    if (!run_until_finished(scene, clock_wall_ms(), FINISHED_BEFORE, err))
        return false;
    struck_ms = clock_wall_ms();
    if (!row->strike(scene, err) || !run_until_finished(scene, struck_ms, FINISHED_AFTER, err) ||
        !run_until_settled(scene, struck_ms, err))
        return error_during(err, "%s", row->what);
    end_ms = clock_wall_ms();
    return print_row(scene, row->what, struck_ms, end_ms, err) && row->mend(scene, err);
}

/* No job may have failed, and none is forgotten. */
static bool check_all_done(struct scene *scene, struct error *err)
{
    AUTO(text_free) char *failed = NULL;

    if (!sql_wait(scene->site->sql, "SELECT count(*) FROM amt.job WHERE state IN ('waiting', 'leased')", "0",
                  ALLOWED_MS, err) ||
        !sql_text(scene->site->sql, &failed, err, "SELECT count(*) FROM amt.job WHERE state <> 'done'", NULL))
        return false;
    return strcmp(failed, "0") == 0 || error_set(err, ERROR_INTERNAL, "%s jobs were not done", failed);
}

static bool run_rows(struct scene *scene, struct error *err)
{
    printf("| what dies | longest gap between two finished jobs | longest job that was open then | of these "
           "needed another attempt |\n|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].patroni == (scene->patroni != NULL) && !run_row(scene, &rows[i], err))
            return false;
    }
    return check_all_done(scene, err);
}

int main(void)
{
    static struct scene scene;
    struct error err = { 0 };
    bool done;

    interrupts_catch();
    done = open_scene(&scene, &err) && run_rows(&scene, &err);
    if (!done)
        fprintf(stderr, "failover: %s\n", err.message);
    close_scene(&scene);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
