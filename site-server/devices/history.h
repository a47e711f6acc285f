/*
 * history.h - what was done to a computer, step by step (spec O9).
 */
#ifndef DEVICES_HISTORY_H
#define DEVICES_HISTORY_H

#include "common/message.h"
#include "database/database.h"

struct steps_of_attempt {
    int64_t service_point; /* who reports */
    struct attempt_id id;
    const struct step_report *steps; /* borrowed */
    size_t count;
};

/*
 * Records the reports of a turn. Repeated ones change nothing; those of an attempt that this service point
 * never had are left out. *recorded (may be NULL, which saves a round trip): how many were new.
 */
bool history_record_steps(struct database *database, const struct steps_of_attempt *reports, size_t count,
                          size_t *recorded, struct error *err) MUST_CHECK;

#endif
