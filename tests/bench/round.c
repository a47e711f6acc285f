#include "round.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

enum {
    SAMPLE_MS = 250,
    START_ALLOWED_MS = 60000,
    SESSION_ALLOWED_MS = 150, /* of a round's duration, for each session */
};

const char *round_setting(const char *name, const char *usual)
{
    const char *value = getenv(name);

    return value && *value ? value : usual;
}

struct used round_used(const struct site *site)
{
    return (struct used){ usage_cpu_ms(process_pid(site->points[0].process)),
                          usage_cpu_ms(process_pid(site->server)),
                          usage_cpu_ms(postgres_pid(site->postgres)) };
}

bool round_start(struct round *round, struct error *err)
{
    static const char *const server_settings[] = { "job.deadline = 600s", "job.lease = 900s", NULL };
    AUTO(text_free)
    char *slots = text_format("point.slots = %zu", round->slots ? round->slots : round->sessions);
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
        computer_plan(&round->computers[i], round->site, (unsigned)i,
                      round_setting("BENCH_GENERATION", "16.1"));
        AUTO(text_free)
        char *line = computer_fleet_line(&round->computers[i], round->site->dns_suffix,
                                         round->site->provisioning.sha256_hex, "hello=manual");

        fprintf(out, "%s\n", line);
    }
    fclose(out);
    options.fleet = fleet;
    options.simulator_options = (const char *[]){ "--latency-ms", round_setting("BENCH_LATENCY_MS", "200"),
                                                  "--key-pool", "16", NULL };
    return done && computers_import(round->site, round->computers, round->sessions, err) &&
           site_start_simulator(round->site, &options, err);
}

bool round_say_all_hellos(const struct round *round, struct error *err)
{
    for (size_t i = 0; i < round->sessions; i++) {
        if (!simulator_control(round->site->simulator, NULL, err, "hello %s", round->computers[i].uuid))
            return false;
    }
    return true;
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1000000;
}

/* What `amtctl computer show` asks first. */
static bool ask_as_operator(struct round *round, struct error *err)
{
    AUTO(text_free) char *answer = NULL;
    double began_ms = now_ms(), took_ms;

    if (!sql_text(round->site->sql, &answer, err,
                  "SELECT row_to_json(c) FROM amt.computer c WHERE uuid = $1::uuid",
                  round->computers[round->queries % round->sessions].uuid, NULL))
        return false;
    took_ms = now_ms() - began_ms;
    round->query_ms = (round->query_ms * round->queries + took_ms) / (round->queries + 1);
    round->queries++;
    if (took_ms > round->query_longest_ms)
        round->query_longest_ms = took_ms;
    return true;
}

bool round_watch(struct round *round, int64_t started_ms, struct error *err)
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
        if (!ask_as_operator(round, err) ||
            !sql_number(round->site->sql, &in_flight, err,
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

void round_stop(struct round *round)
{
    site_stop(&round->site);
    free(round->computers);
    round->computers = NULL;
}
