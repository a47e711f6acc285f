/*
 * round.h - one measurement: a fresh site and computers that say Hello at once and are provisioned.
 */
#ifndef TESTS_BENCH_ROUND_H
#define TESTS_BENCH_ROUND_H

#include "support/fleet.h"
#include "support/usage.h"

enum { MINIMAL_COMPUTERS = 200 }; /* of the fleet, beside those that are provisioned */

struct used { /* ms of CPU time */
    double point, server, database;
};

struct round { /* zero-initialise, but for sessions and slots */
    struct site *site;
    struct computer *computers;
    size_t sessions; /* computers */
    size_t slots;    /* of the service point; 0: as many */
    double seconds;
    struct used used;
    int64_t most_in_flight, resident_kib; /* at that moment, above the idle process */
    int64_t handshakes, full, requests;   /* of all computers; full: not of a known TLS session */
    double minimal_ms;                    /* a computer */
    double query_ms, query_longest_ms;    /* what an operator asks about one computer meanwhile: mean */
    unsigned queries;
};

/* A variable of the environment; usual when it is not set, or empty. */
const char *round_setting(const char *name, const char *usual);
struct used round_used(const struct site *site);

bool round_start(struct round *round, struct error *err) MUST_CHECK;
void round_stop(struct round *round); /* accepts one that was not, or half started */
bool round_say_all_hellos(const struct round *round, struct error *err) MUST_CHECK;
/* Until every computer is provisioned, which began at that monotonic time. */
bool round_watch(struct round *round, int64_t started_ms, struct error *err) MUST_CHECK;

#endif
