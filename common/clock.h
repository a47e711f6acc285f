/*
 * clock.h - the two clocks, so that a reader sees which one is meant.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

/* Milliseconds since some fixed moment, never going back: for time-outs and durations. */
int64_t clock_monotonic_ms(void);
/* Milliseconds since 1970-01-01 UTC: for what is stored and shown. */
int64_t clock_wall_ms(void);

#endif
