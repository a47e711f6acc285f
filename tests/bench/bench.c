/*
 * bench.c - `make bench`: what a provisioned computer costs.
 *
 * For each number of sessions a fresh site, and that many computers that say Hello at once and answer each
 * request after 200 ms. Measured are CPU time for a computer of service point, site server and PostgreSQL,
 * resident memory for a session in flight, and computers a second. The service point's CPU time is set
 * against a minimal client's that in the same run does as many TLS handshakes and requests.
 *
 * Then client agents, as they come on a Monday morning: each connects, enrols, asks for its policy and
 * registers a one-time password, while computers are provisioned beside them.
 *
 * Environment: BENCH_SESSIONS (default "1000 2000"), BENCH_LATENCY_MS (200), BENCH_GENERATION (16.1),
 * BENCH_AGENTS (10000; 0: none).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agents.h"
#include "common/clock.h"
#include "minimal_client.h"
#include "usage.h"

enum {
    MINIMAL_COMPUTERS = 200,
    SESSIONS_MOST = 10000,
    SAMPLE_MS = 250,
    START_ALLOWED_MS = 60000,
    AGENTS_MOST = 50000,
    AGENTS_AT_ONCE = 128,
    SESSIONS_BESIDE = 300,    /* computers that are provisioned beside the agents */
    SESSION_ALLOWED_MS = 150, /* of a round's duration, for each session */
};

struct used { /* ms of CPU time */
    double point, server, database;
};

struct round {
    struct site *site;
    struct computer *computers;
    size_t sessions;
    double seconds;
    struct used used;
    int64_t most_in_flight, resident_kib; /* at that moment, above the idle process */
    int64_t handshakes, full, requests;   /* of all computers; full: not of a known TLS session */
    double minimal_ms;                    /* a computer */
};

static const char *setting(const char *name, const char *usual)
{
    const char *value = getenv(name);

    return value && *value ? value : usual;
}

/* A file descriptor for each computer in the simulator, and for each session in the service point. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct used read_used(const struct site *site)
{
    return (struct used){ usage_cpu_ms(process_pid(site->points[0].process)),
                          usage_cpu_ms(process_pid(site->server)),
                          usage_cpu_ms(postgres_pid(site->postgres)) };
}

static bool start_round(struct round *round, struct error *err)
{
    static const char *const server_settings[] = { "job.deadline = 600s", "job.lease = 900s", NULL };
    AUTO(text_free) char *slots = text_format("point.slots = %zu", round->sessions);
    AUTO(text_free) char *fleet = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&fleet, &length);
    struct site_options options = {
        .name = "bench",
        .server_settings = server_settings,
        .point_settings =
            (const char *[]){ slots, "firmware.request_timeout = 120s", "firmware.connect_timeout = 120s",
                              "firmware.slow_request_timeout = 120s", NULL },
        .without_simulator = true,
    };
    bool done = site_start(&round->site, &options, err);

    round->computers = allocate((round->sessions + MINIMAL_COMPUTERS) * sizeof(*round->computers));
    for (size_t i = 0; done && i < round->sessions + MINIMAL_COMPUTERS; i++) {
        computer_plan(&round->computers[i], round->site, (unsigned)i, setting("BENCH_GENERATION", "16.1"));
        AUTO(text_free)
        char *line = computer_fleet_line(&round->computers[i], round->site->dns_suffix,
                                         round->site->provisioning.sha256_hex, "hello=manual");

        fprintf(out, "%s\n", line);
    }
    fclose(out);
    options.fleet = fleet;
    options.simulator_options =
        (const char *[]){ "--latency-ms", setting("BENCH_LATENCY_MS", "200"), "--key-pool", "16", NULL };
    return done && computers_import(round->site, round->computers, round->sessions, err) &&
           site_start_simulator(round->site, &options, err);
}

static bool say_all_hellos(const struct round *round, struct error *err)
{
    for (size_t i = 0; i < round->sessions; i++) {
        if (!simulator_control(round->site->simulator, NULL, err, "hello %s", round->computers[i].uuid))
            return false;
    }
    return true;
}

static bool watch(struct round *round, int64_t started_ms, struct error *err)
{
    long idle_kib = usage_resident_kib(process_pid(round->site->points[0].process));
    int64_t end_ms = started_ms + START_ALLOWED_MS + (int64_t)round->sessions * SESSION_ALLOWED_MS;
    int64_t provisioned = 0, in_flight = 0;

    while (provisioned < (int64_t)round->sessions) {
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        if (clock_monotonic_ms() > end_ms)
            return error_set(err, ERROR_UNREACHABLE,
                             "%" PRId64 " of %zu computers provisioned when time was up", provisioned,
                             round->sessions);
        wait_a_little(SAMPLE_MS);
        if (!sql_number(round->site->sql, &in_flight, err,
                        "SELECT count(*) FROM amt.job WHERE state = 'leased'") ||
            !sql_number(round->site->sql, &provisioned, err,
                        "SELECT count(*) FROM amt.computer WHERE amt_status = 3"))
            return false;
        if (in_flight >= round->most_in_flight) {
            long now_kib = usage_resident_kib(process_pid(round->site->points[0].process)) - idle_kib;

            round->most_in_flight = in_flight;
            round->resident_kib = now_kib > round->resident_kib ? now_kib : round->resident_kib;
        }
    }
    return true;
}

static bool count_traffic(struct round *round, struct error *err)
{
    AUTO(json_close) json_object *answer = NULL;

    if (!simulator_control(round->site->simulator, &answer, err, "counters"))
        return false;
    round->handshakes = json_number_at(answer, "counters.tls_accepted");
    round->full = round->handshakes - json_number_at(answer, "counters.tls_resumed");
    round->requests = json_number_at(answer, "counters.requests");
    return true;
}

static bool provision_all(struct round *round, struct error *err)
{
    struct used before = read_used(round->site), after;
    int64_t started_ms = clock_monotonic_ms();

    if (!say_all_hellos(round, err) || !watch(round, started_ms, err))
        return false;
    after = read_used(round->site);
    round->seconds = (double)(clock_monotonic_ms() - started_ms) / 1000;
    round->used = (struct used){ after.point - before.point, after.server - before.server,
                                 after.database - before.database };
    return count_traffic(round, err);
}

static unsigned each(const struct round *round, int64_t of_all)
{
    return (unsigned)((of_all + (int64_t)round->sessions / 2) / (int64_t)round->sessions);
}

/* Against computers of the same fleet that were left in setup state. */
static bool run_minimal_client(struct round *round, struct error *err)
{
    struct minimal_work work = { .computers = round->computers + round->sessions,
                                 .count = MINIMAL_COMPUTERS,
                                 .handshakes = each(round, round->full),
                                 .resumptions = each(round, round->handshakes - round->full),
                                 .requests = each(round, round->requests),
                                 .certificate_path = round->site->provisioning.path };
    double cpu_ms;

    if (!minimal_client_run(&work, &cpu_ms, err))
        return error_during(err, "minimal client");
    round->minimal_ms = cpu_ms / MINIMAL_COMPUTERS;
    return true;
}

static void print_head(void)
{
    printf("%8s %8s %10s | %-36s | %10s | %-32s | %-27s\n", "sessions", "seconds", "computers",
           "CPU ms a computer", "KiB a", "a computer", "service point's CPU");
    printf("%8s %8s %10s | %11s %11s %12s | %10s | %20s %11s | %27s\n", "", "", "a second", "point",
           "site server", "PostgreSQL", "session", "full/all handshakes", "requests",
           "to a minimal client's");
}

static void print_round(const struct round *round)
{
    double count = (double)round->sessions, point_ms = round->used.point / count;

    printf("%8zu %8.1f %10.1f | %11.2f %11.2f %12.2f | %10.0f | %10.1f / %7.1f %11.1f | %10.2f (%.2f ms)\n",
           round->sessions, round->seconds, count / round->seconds, point_ms, round->used.server / count,
           round->used.database / count,
           round->most_in_flight ? (double)round->resident_kib / (double)round->most_in_flight : 0,
           (double)round->full / count, (double)round->handshakes / count, (double)round->requests / count,
           point_ms / round->minimal_ms, round->minimal_ms);
    printf("%8s at most %" PRId64 " sessions were in flight\n", "", round->most_in_flight);
    fflush(stdout);
}

static bool bench_round(size_t sessions, struct error *err)
{
    struct round round = { .sessions = sessions };
    bool done = start_round(&round, err) && provision_all(&round, err) && run_minimal_client(&round, err);

    if (done)
        print_round(&round);
    site_stop(&round.site);
    free(round.computers);
    return done;
}

/* ---- agents ---- */

static void print_agents(const struct agents_work *work, const struct agents_result *result,
                         const struct used *used, const struct round *round)
{
    double count = (double)work->count;

    printf("\n%8s %8s %10s | %-24s | %-26s | %s\n", "agents", "seconds", "agents", "CPU ms an agent",
           "whole dialogue, ms", "beside them");
    printf("%8s %8s %10s | %11s %12s | %8s %8s %8s |\n", "", "", "a second", "site server", "PostgreSQL",
           "median", "99 %", "longest");
    printf("%8zu %8.1f %10.1f | %11.2f %12.2f | %8.0f %8.0f %8.0f | %zu computers provisioned in %.1f s\n",
           work->count, result->seconds, count / result->seconds, used->server / count,
           used->database / count, result->median_ms, result->percentile_99_ms, result->longest_ms,
           round->sessions, round->seconds);
    fflush(stdout);
}

static bool run_agents(struct round *round, size_t agents, struct error *err)
{
    const struct agents_work work = { round->site, agents, AGENTS_AT_ONCE };
    struct agents_result result = { 0 };
    struct used before = read_used(round->site), after;
    int64_t started_ms = clock_monotonic_ms();

    if (!say_all_hellos(round, err) || !agents_run(&work, &result, err))
        return false;
    after = read_used(round->site);
    if (!watch(round, started_ms, err))
        return false;
    round->seconds = (double)(clock_monotonic_ms() - started_ms) / 1000;
    print_agents(&work, &result,
                 &(struct used){ 0, after.server - before.server, after.database - before.database }, round);
    return true;
}

static bool bench_agents(struct error *err)
{
    unsigned long agents = strtoul(setting("BENCH_AGENTS", "10000"), NULL, 10);
    struct round round = { .sessions = SESSIONS_BESIDE };
    bool done;

    if (!agents)
        return true;
    if (agents > AGENTS_MOST)
        return error_set(err, ERROR_INPUT, "BENCH_AGENTS: \"%lu\" is more than %d", agents, AGENTS_MOST);
    done = start_round(&round, err) && run_agents(&round, agents, err);
    site_stop(&round.site);
    free(round.computers);
    return done;
}

int main(void)
{
    AUTO(text_free) char *list = text_copy(setting("BENCH_SESSIONS", "1000 2000"));
    struct error err = { 0 };
    char *rest = list, *word;
    bool done = true;

    interrupts_catch();
    raise_descriptor_limit();
    print_head();
    while (done && (word = strsep(&rest, " ,"))) {
        unsigned long sessions = strtoul(word, NULL, 10);

        if (!*word)
            continue;
        done = (sessions > 0 && sessions <= SESSIONS_MOST) ||
               error_set(&err, ERROR_INPUT, "BENCH_SESSIONS: \"%s\" is not a number from 1 to %d", word,
                         SESSIONS_MOST);
        done = done && bench_round(sessions, &err);
    }
    done = done && bench_agents(&err);
    if (!done)
        fprintf(stderr, "bench: %s\n", err.message);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
