/*
 * agents.h - many client agents, each with its key, that enrol and register a one-time password.
 *
 * They come from many addresses, as computers do, so that the site server's limits for each address hold.
 */
#ifndef TESTS_BENCH_AGENTS_H
#define TESTS_BENCH_AGENTS_H

#include "support/site.h"

struct agents_work {
    struct site *site; /* its computers have numbers below AGENTS_FIRST */
    size_t count, at_once;
};

enum { AGENTS_FIRST = 10000 };

struct agents_result {
    double seconds;                                 /* from the first connection to the last answer */
    double median_ms, percentile_99_ms, longest_ms; /* of one agent's dialogue, from its connection on */
};

/* Every agent must be enrolled and have registered its password in the end, in SQL too. */
bool agents_run(const struct agents_work *work, struct agents_result *result, struct error *err) MUST_CHECK;

#endif
