/*
 * step_times.h - how long the steps of the provisioning sequence took, by firmware generation: a histogram.
 *
 * Bounded: the numbers of the specification's steps, major versions below STEP_MAJORS. Each attempt is
 * counted by the one site server that took its result, so the sum over all site servers is right.
 */
#ifndef METRICS_STEP_TIMES_H
#define METRICS_STEP_TIMES_H

#include <stdint.h>
#include <stdio.h>

#include "common/message.h"

enum { STEP_MAJORS = 32, STEP_NUMBERS = 18, STEP_BUCKETS = 10 };

struct step_times { /* zero-initialise; major 0: the version was not learned */
    struct {
        uint64_t buckets[STEP_BUCKETS + 1]; /* the last: longer than any bound */
        uint64_t milliseconds;
    } cells[STEP_MAJORS][STEP_NUMBERS];
};

/* Skipped steps took nothing, and are left out. firmware_version may be NULL. */
void step_times_add(struct step_times *times, const char *firmware_version, const struct step_report *steps,
                    size_t count);
void step_times_write(const struct step_times *times, FILE *out);

#endif
