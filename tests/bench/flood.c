#include "flood.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "round.h"
#include "support/hello_flood.h"

enum {
    COMPUTERS = 600,
    SLOTS = 200,
    STORM_COMPUTERS = 3000,
    STORM_SLOTS = 500,
    STORM_HELLOS = 3,
    STRANGERS_MOST = 50000,
    LEAD_MS = 3000,
};

struct kind {
    const char *name;
    unsigned addresses, silent; /* of the flood; addresses 0: there is none */
};

static const struct kind kinds[] = {
    { .name = "none" },
    { .name = "Hellos from 10,000 addresses", .addresses = 10000 },
    { .name = "Hellos from 4 addresses", .addresses = 4 },
    { .name = "silent connections from 250", .addresses = 250, .silent = 100 },
};

struct memory { /* KiB, resident */
    long point, server;
};

struct flooded {
    struct memory began, ended;
    struct hello_flood_count flood;
    double flood_seconds;
};

static struct memory read_memory(const struct site *site)
{
    return (struct memory){ usage_resident_kib(process_pid(site->points[0].process)),
                            usage_resident_kib(process_pid(site->server)) };
}

static bool start_flood(struct hello_flood **flood, const struct kind *kind, const struct site *site,
                        unsigned per_second, struct error *err)
{
    const struct hello_flood_options options = { .target = site->points[0].hello_address,
                                                 .block = site->place.block,
                                                 .per_second = per_second,
                                                 .addresses = kind->addresses,
                                                 .silent = kind->silent };

    return !kind->addresses || hello_flood_start(flood, &options, err);
}

static bool run(struct round *round, struct flooded *flooded, const struct kind *kind, unsigned per_second,
                struct error *err)
{
    AUTO(hello_flood_stop) struct hello_flood *flood = NULL;
    int64_t flood_ms = clock_monotonic_ms(), started_ms;
    struct used before = round_used(round->site), after;

    flooded->began = read_memory(round->site);
    if (!start_flood(&flood, kind, round->site, per_second, err))
        return false;
    if (flood)
        wait_a_little(LEAD_MS); /* the flood has filled what there is to fill */
    started_ms = clock_monotonic_ms();
    if (!round_say_all_hellos(round, err) || !round_watch(round, started_ms, err))
        return false;
    round->seconds = (double)(clock_monotonic_ms() - started_ms) / 1000;
    flooded->flood_seconds = (double)(clock_monotonic_ms() - flood_ms) / 1000;
    flooded->ended = read_memory(round->site);
    after = round_used(round->site);
    round->used = (struct used){ after.point - before.point, after.server - before.server,
                                 after.database - before.database };
    if (flood)
        flooded->flood = hello_flood_count(flood);
    return true;
}

static void print_head(unsigned per_second)
{
    printf("\nstrangers: %u a second; %d computers on %d slots\n", per_second, COMPUTERS, SLOTS);
    printf("%-30s %8s %8s %10s %6s | %-32s | %-19s | %-19s | %s\n", "", "seconds", "said/s", "computers",
           "ratio", "CPU ms in all", "service point's MiB", "site server's MiB", "a query, ms");
    printf("%-30s %8s %8s %10s %6s | %9s %11s %10s | %9s %9s | %9s %9s | %5s %7s\n", "", "", "", "a second",
           "", "point", "site server", "PostgreSQL", "start", "end", "start", "end", "mean", "longest");
}

/* without: computers a second without a flood; 0: there is nothing to compare with. */
static void print_row(const char *name, const struct round *round, const struct flooded *flooded,
                      double without)
{
    double strangers = (double)(flooded->flood.said + flooded->flood.silent);
    double each_second = (double)round->sessions / round->seconds;
    AUTO(text_free) char *ratio = without > 0 ? text_format("%.2f", each_second / without) : text_copy("");

    printf("%-30s %8.1f %8.0f %10.1f %6s | %9.0f %11.0f %10.0f | %9.1f %9.1f | %9.1f %9.1f | %5.1f %7.1f\n",
           name, round->seconds, strangers / flooded->flood_seconds, each_second, ratio, round->used.point,
           round->used.server, round->used.database, (double)flooded->began.point / 1024,
           (double)flooded->ended.point / 1024, (double)flooded->began.server / 1024,
           (double)flooded->ended.server / 1024, round->query_ms, round->query_longest_ms);
    fflush(stdout);
}

/* Every computer says Hello at once, and again, and there are slots for a part of them. */
static bool bench_storm(struct error *err)
{
    static const struct kind none;
    struct round round = { .sessions = STORM_COMPUTERS, .slots = STORM_SLOTS };
    struct flooded flooded = { 0 };
    bool done = round_start(&round, err);

    for (unsigned i = 1; done && i < STORM_HELLOS; i++)
        done = round_say_all_hellos(&round, err);
    done = done && run(&round, &flooded, &none, 0, err);
    if (done) {
        printf("storm: %d computers say Hello %d times; %d slots\n", STORM_COMPUTERS, STORM_HELLOS,
               STORM_SLOTS);
        print_row("", &round, &flooded, 0);
    }
    round_stop(&round);
    return done;
}

bool bench_flood(struct error *err)
{
    unsigned long per_second = strtoul(round_setting("BENCH_FLOOD", "5000"), NULL, 10);
    double without = 0;
    bool done = true;

    if (!per_second)
        return true;
    if (per_second > STRANGERS_MOST)
        return error_set(err, ERROR_INPUT, "BENCH_FLOOD: \"%lu\" is more than %d", per_second,
                         STRANGERS_MOST);
    print_head((unsigned)per_second);
    for (size_t i = 0; done && i < COUNT_OF(kinds); i++) {
        struct round round = { .sessions = COMPUTERS, .slots = SLOTS };
        struct flooded flooded = { 0 };

        done = round_start(&round, err) && run(&round, &flooded, &kinds[i], (unsigned)per_second, err);
        if (done) {
            if (!i)
                without = (double)round.sessions / round.seconds;
            print_row(kinds[i].name, &round, &flooded, without);
        }
        round_stop(&round);
    }
    return done && bench_storm(err);
}
