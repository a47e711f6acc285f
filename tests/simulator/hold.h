/*
 * hold.h - a request at which a computer stops until it is told to go on, so that something can happen just
 * then: a program dies, the network is cut, the firmware restarts.
 *
 * Requests are counted as misbehaviours count them: those that passed authentication, from the moment the
 * hold was set.
 */
#ifndef SIMULATOR_HOLD_H
#define SIMULATOR_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum hold_phase {
    HOLD_NONE,
    HOLD_BEFORE, /* the request has come and had no effect yet */
    HOLD_AFTER,  /* it took effect, the answer is held back */
};

struct hold {
    enum hold_phase phase;
    uint32_t at;   /* the request, counted from 1 */
    uint32_t seen; /* requests since it was set */
};

/* words: "before" or "after", then the request's number. */
bool hold_set(struct hold *hold, char *const *words, unsigned long count, struct error *err) MUST_CHECK;
/* True once, at the request it was set for. */
bool hold_due(struct hold *hold, enum hold_phase phase);
const char *hold_phase_name(enum hold_phase phase);

#endif
