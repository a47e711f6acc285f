#include "crash/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "support/site_audit.h"

enum { STANDSTILL_MS = 120000 };

static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                               "queue.heartbeat = 1s", "job.lease = 15s",
                                               "hello.quiet = 1s",     NULL };
/* Held requests wait for the slowest computer of the group. */
static const char *const patient_settings[] = { "firmware.request_timeout = 300s",
                                                "firmware.slow_request_timeout = 300s", NULL };
/* Few at a time: on a busy machine many would time out without any fault. */
static const char *const impatient_settings[] = { "firmware.connect_timeout = 6s",
                                                  "firmware.request_timeout = 6s",
                                                  "firmware.slow_request_timeout = 8s",
                                                  "firmware.restart_wait = 15s",
                                                  "point.slots = 64",
                                                  NULL };
static const char *const campaign_server_settings[] = { "job.retry_delay = 1s",
                                                        "job.retry_delay_max = 5s",
                                                        "queue.heartbeat = 1s",
                                                        "job.lease = 20s",
                                                        "hello.quiet = 1s",
                                                        "job.attempts = 100",
                                                        NULL };
static const char *const campaign_settings[] = { "firmware.connect_timeout = 10s",
                                                 "firmware.request_timeout = 10s",
                                                 "firmware.slow_request_timeout = 15s",
                                                 "firmware.restart_wait = 20s",
                                                 "point.slots = 60",
                                                 NULL };

static const struct {
    const char *const *server, *const *point;
    unsigned service_points;
} arenas[] = {
    [ARENA_PATIENT] = { server_settings, patient_settings, 1 },
    [ARENA_IMPATIENT] = { server_settings, impatient_settings, 1 },
    [ARENA_CAMPAIGN] = { campaign_server_settings, campaign_settings, 2 },
};

bool arena_open(struct arena *arena, const char *directory, enum arena_kind kind, struct error *err)
{
    const struct site_options options = { .name = "torture",
                                          .directory = directory,
                                          .without_simulator = true,
                                          .service_points = arenas[kind].service_points,
                                          .server_settings = arenas[kind].server,
                                          .point_settings = arenas[kind].point };

    arena->kind = kind;
    return site_start(&arena->site, &options, err);
}

bool arena_close(struct arena *arena)
{
    return site_stop(&arena->site);
}

/* Unprovisioned computers are in setup again, where a campaign's operator can reach them; otherwise they wait
 * outside of it for somebody to begin it. */
static char *fleet_of(const struct arena *arena)
{
    const char *words = arena->kind == ARENA_CAMPAIGN ? "hello=manual after-unprovision=in" : "hello=manual";
    char *fleet = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&fleet, &length);

    for (size_t i = 0; i < arena->count; i++) {
        const struct computer *computer = &arena->computers[i];
        AUTO(text_free)
        char *line = computer_fleet_line(computer, arena->site->dns_suffix,
                                         computer_root(computer, arena->site), words);

        fprintf(out, "%s\n", line);
    }
    fclose(out);
    return fleet;
}

bool arena_populate(struct arena *arena, struct computer *computers, size_t count, struct error *err)
{
    struct site_options options = { 0 };
    AUTO(text_free) char *fleet = NULL;

    arena->computers = computers;
    arena->count = count;
    fleet = fleet_of(arena);
    options.fleet = fleet;
    return computers_import(arena->site, computers, count, err) &&
           site_start_simulator(arena->site, &options, err) && simulator_watch(arena->site->simulator, err);
}

/* ---- jobs ------------------------------------------------------------------------------------------ */

static bool all_say_hello(struct arena *arena, struct error *err)
{
    for (size_t i = 0; i < arena->count; i++) {
        if (!arena_tell(arena, "hello", &arena->computers[i], err))
            return false;
    }
    return true;
}

static const struct computer *find(const struct arena *arena, const char *uuid)
{
    size_t i = 0;

    while (strcmp(arena->computers[i].uuid, uuid) != 0)
        i++;
    return &arena->computers[i];
}

bool arena_wake(struct arena *arena, struct error *err)
{
    AUTO(text_free) char *sleeping = NULL;
    char *rest, *uuid;

    if (!sql_table(arena->site->sql, &sleeping, err,
                   "SELECT c.uuid FROM amt.computer c LEFT JOIN amt.job j ON j.id = c.last_job"
                   " WHERE j.id IS NULL OR (j.kind = 'provision' AND j.state IN ('waiting', 'leased')"
                   " AND c.amt_status = 2)"))
        return false;
    rest = sleeping;
    while ((uuid = strsep(&rest, "\n")) && *uuid) {
        if (!arena_tell(arena, "hello", find(arena, uuid), err))
            return false;
    }
    return true;
}

/* A service point passes the same Hello on once in some seconds only, so one that went under is said again.
 */
bool arena_greet(struct arena *arena, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + STANDSTILL_MS;
    AUTO(text_free) char *wanted = text_format("%zu", arena->count);

    do {
        if (!arena_wake(arena, err))
            return false;
        if (sql_wait(arena->site->sql, "SELECT count(DISTINCT uuid) FROM amt.job", wanted, 6000, err))
            return true;
    } while (err->code == ERROR_UNREACHABLE && clock_monotonic_ms() < end_ms && !interrupted());
    return false;
}

static bool request(struct arena *arena, const char *job, struct error *err)
{
    AUTO(text_free) char *requested = NULL;
    AUTO(text_free) char *wanted = text_format("%zu", arena->count);

    if (!sql_text(arena->site->sql, &requested, err, "SELECT requested FROM amt.request_jobs($1)", job, NULL))
        return false;
    return strcmp(requested, wanted) == 0 ||
           error_set(err, ERROR_INTERNAL, "%s of %s computers took a job %s", requested, wanted, job);
}

static bool set_tls(struct arena *arena, const char *mode, struct error *err)
{
    AUTO(text_free) char *settings = text_format("{\"tls\": \"%s\"}", mode);
    AUTO(text_free) char *nothing = NULL;

    return sql_text(arena->site->sql, &nothing, err, "SELECT amt.profile_set('default', $1::jsonb)", settings,
                    NULL);
}

/* The auditor takes certificates of either. */
static bool replace_authority(struct arena *arena, struct error *err)
{
    struct site *site = arena->site;
    AUTO(text_free) char *former = NULL;
    AUTO(text_free) char *current = NULL;
    AUTO(text_free) char *both = NULL;

    if (!site_amtctl(site, &former, err, "ca", "show", "--pem", NULL) ||
        !site_amtctl(site, NULL, err, "ca", "init", "--replace", "--subject", "The next authority", NULL) ||
        !site_amtctl(site, &current, err, "ca", "show", "--pem", NULL))
        return false;
    both = text_format("%s%s", current, former);
    return file_write(site->issuer_path, both, 0644, err);
}

/* Updates whose profile, or whose site, changed in what concerns mutual TLS. */
static const struct {
    const char *job, *before, *now;
} mutual_jobs[] = {
    { "mutual-on", "server", "mutual" },
    { "mutual-off", "mutual", "server" },
    { "mutual-issuer", "mutual", NULL },
};

static size_t find_mutual(const char *job)
{
    size_t i = 0;

    while (i < COUNT_OF(mutual_jobs) && strcmp(mutual_jobs[i].job, job) != 0)
        i++;
    return i;
}

bool arena_prepare(struct arena *arena, const char *job, struct error *err)
{
    size_t mutual = find_mutual(job);

    if (strcmp(job, "provision") == 0)
        return true;
    return (mutual == COUNT_OF(mutual_jobs) || set_tls(arena, mutual_jobs[mutual].before, err)) &&
           arena_begin(arena, "provision", err) && arena_settle(arena, err);
}

static bool begin_mutual(struct arena *arena, size_t mutual, struct error *err)
{
    const char *now = mutual_jobs[mutual].now;

    return (now ? set_tls(arena, now, err) : replace_authority(arena, err)) && request(arena, "update", err);
}

bool arena_begin(struct arena *arena, const char *job, struct error *err)
{
    size_t mutual = find_mutual(job);
    AUTO(text_free) char *jobs = NULL;

    if (mutual < COUNT_OF(mutual_jobs))
        return begin_mutual(arena, mutual, err);
    if (strcmp(job, "provision") != 0)
        return request(arena, job, err);
    if (!sql_text(arena->site->sql, &jobs, err, "SELECT count(*) > 0 FROM amt.job", NULL))
        return false;
    if (strcmp(jobs, "f") == 0)
        return arena_greet(arena, err);
    /* Unprovisioned before: wanted by an operator again, and each computer is in setup only from its Hello.
     */
    return all_say_hello(arena, err) && request(arena, job, err);
}

bool arena_settle(struct arena *arena, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + STANDSTILL_MS;
    AUTO(text_free) char *before = text_copy("");

    for (;;) {
        AUTO(text_free) char *now = NULL;

        if (!sql_text(
                arena->site->sql, &now, err,
                "SELECT count(*) FILTER (WHERE state IN ('waiting', 'leased')) || ' jobs are open after '"
                " || sum(attempt) || ' attempts' FROM amt.job",
                NULL))
            return false;
        if (strncmp(now, "0 ", 2) == 0)
            return true;
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        if (strcmp(now, before) != 0)
            end_ms = clock_monotonic_ms() + STANDSTILL_MS;
        if (clock_monotonic_ms() > end_ms)
            return error_set(err, ERROR_UNREACHABLE, "nothing moves any more: %s", now);
        text_set(&before, now);
        wait_a_little(200);
    }
}

/* ---- faults ---------------------------------------------------------------------------------------- */

bool arena_kill_point(struct arena *arena, size_t index, struct error *err)
{
    process_kill(&arena->site->points[index].process);
    return site_start_point(arena->site, index, err);
}

bool arena_kill_server(struct arena *arena, struct error *err)
{
    process_kill(&arena->site->server);
    return site_start_server(arena->site, err);
}

bool arena_kill_database(struct arena *arena, struct error *err)
{
    postgres_kill(arena->site->postgres);
    return postgres_resume(arena->site->postgres, err);
}

bool arena_tell(struct arena *arena, const char *word, const struct computer *computer, struct error *err)
{
    return simulator_control(arena->site->simulator, NULL, err, "%s %s", word, computer->uuid);
}

/* ---- what became of it ----------------------------------------------------------------------------- */

bool arena_audit(struct arena *arena, char **report, struct error *err)
{
    return site_audit(arena->site, report, err);
}

void arena_print_history(struct arena *arena, const char *uuid)
{
    AUTO(text_free)
    char *query = text_format(
        "SELECT line FROM (SELECT j.id, a.attempt, 0 AS part, format('    job %%s, %%s, attempt %%s: "
        "%%s%%s', j.id,"
        " j.kind, a.attempt, coalesce(a.outcome, 'open'), ': ' || a.reason) AS line FROM amt.job j"
        " JOIN amt.job_attempt a ON a.job = j.id WHERE j.uuid = '%s'"
        " UNION ALL SELECT j.id, s.attempt, s.sequence, format('        %%s %%s: %%s%%s', s.number, s.name,"
        " s.outcome, ': ' || s.detail) FROM amt.job j JOIN amt.job_step s ON s.job = j.id"
        " WHERE j.uuid = '%s' AND s.outcome IN ('done', 'failed')) history ORDER BY id, attempt, part",
        uuid, uuid);
    AUTO(text_free) char *table = NULL;
    struct error err = { 0 };

    if (sql_table(arena->site->sql, &table, &err, query))
        printf("%s", table);
    else
        printf("    %s\n", err.message);
}
