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
 * At last strangers, who say Hello far more often than all computers together (flood.h).
 *
 * Environment: BENCH_SESSIONS (default "1000 2000"), BENCH_LATENCY_MS (200), BENCH_GENERATION (16.1),
 * BENCH_AGENTS (10000; 0: none), BENCH_FLOOD (5000 a second; 0: none).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agents.h"
#include "common/clock.h"
#include "flood.h"
#include "minimal_client.h"
#include "round.h"

enum {
    SESSIONS_MOST = 10000,
    AGENTS_MOST = 50000,
    AGENTS_AT_ONCE = 128,
    SESSIONS_BESIDE = 300, /* computers that are provisioned beside the agents */
};

/* A file descriptor for each computer in the simulator, and for each session in the service point. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
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
    struct used before = round_used(round->site), after;
    int64_t started_ms = clock_monotonic_ms();

    if (!round_say_all_hellos(round, err) || !round_watch(round, started_ms, err))
        return false;
    after = round_used(round->site);
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
    bool done = round_start(&round, err) && provision_all(&round, err) && run_minimal_client(&round, err);

    if (done)
        print_round(&round);
    round_stop(&round);
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
    struct used before = round_used(round->site), after;
    int64_t started_ms = clock_monotonic_ms();

    if (!round_say_all_hellos(round, err) || !agents_run(&work, &result, err))
        return false;
    after = round_used(round->site);
    if (!round_watch(round, started_ms, err))
        return false;
    round->seconds = (double)(clock_monotonic_ms() - started_ms) / 1000;
    print_agents(&work, &result,
                 &(struct used){ 0, after.server - before.server, after.database - before.database }, round);
    return true;
}

static bool bench_agents(struct error *err)
{
    unsigned long agents = strtoul(round_setting("BENCH_AGENTS", "10000"), NULL, 10);
    struct round round = { .sessions = SESSIONS_BESIDE };
    bool done;

    if (!agents)
        return true;
    if (agents > AGENTS_MOST)
        return error_set(err, ERROR_INPUT, "BENCH_AGENTS: \"%lu\" is more than %d", agents, AGENTS_MOST);
    done = round_start(&round, err) && run_agents(&round, agents, err);
    round_stop(&round);
    return done;
}

int main(void)
{
    AUTO(text_free) char *list = text_copy(round_setting("BENCH_SESSIONS", "1000 2000"));
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
    done = done && bench_agents(&err) && bench_flood(&err);
    if (!done)
        fprintf(stderr, "bench: %s\n", err.message);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
