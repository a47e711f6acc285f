/*
 * flood.h - what strangers cost: the same computers are provisioned without a flood of Hellos, with one from
 * many addresses, from few, and beside connections that say nothing.
 *
 * More computers than slots, so that it is the firmware that takes the time and not this machine, which the
 * flood's sender shares.
 */
#ifndef TESTS_BENCH_FLOOD_H
#define TESTS_BENCH_FLOOD_H

#include "common/error.h"

/* BENCH_FLOOD: strangers a second; 0: nothing of this. Then a storm: thousands of computers that say Hello at
 * once, again and again, on slots for a part of them. */
bool bench_flood(struct error *err) MUST_CHECK;

#endif
