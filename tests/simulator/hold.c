#include "hold.h"

#include <stdlib.h>
#include <string.h>

const char *hold_phase_name(enum hold_phase phase)
{
    return phase == HOLD_BEFORE ? "before" : phase == HOLD_AFTER ? "after" : "none";
}

static enum hold_phase phase_find(const char *name)
{
    if (!strcmp(name, hold_phase_name(HOLD_BEFORE)))
        return HOLD_BEFORE;
    return strcmp(name, hold_phase_name(HOLD_AFTER)) ? HOLD_NONE : HOLD_AFTER;
}

bool hold_set(struct hold *hold, char *const *words, unsigned long count, struct error *err)
{
    struct hold wanted = { .phase = count == 2 ? phase_find(words[0]) : HOLD_NONE };
    char *end = NULL;
    unsigned long at = count == 2 ? strtoul(words[1], &end, 10) : 0;

    if (wanted.phase == HOLD_NONE || *end || !at || at > UINT32_MAX)
        return error_set(err, "hold ID before|after REQUEST");
    wanted.at = (uint32_t)at;
    *hold = wanted;
    return true;
}

bool hold_due(struct hold *hold, enum hold_phase phase)
{
    if (hold->phase != phase || hold->seen != hold->at)
        return false;
    hold->phase = HOLD_NONE;
    return true;
}
