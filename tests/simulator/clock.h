/*
 * clock.h - how the firmware's clock is set: AMT SDK "SetHighAccuracyTimeSynch".
 */
#ifndef SIMULATOR_CLOCK_H
#define SIMULATOR_CLOCK_H

#include <stdint.h>

#define CLOCK_FIRST_VALID 1072915200 /* 2004-01-01 UTC: earlier times are refused */

/*
 * By how many seconds the clock is wrong. Two estimates, at the reading (device ta0, client tm1) and at the
 * writing (client tm2, device ta3); the firmware takes their mean, without the half second [inferred].
 */
static inline int64_t clock_error_s(int64_t ta0, int64_t tm1, int64_t tm2, int64_t ta3)
{
    return ((tm1 + tm2) - (ta0 + ta3)) / 2;
}

#endif
