/*
 * rollout.h - provisioning in waves: a wrong profile must not break a whole fleet.
 *
 * Each profile may have limits (amt.rollout): computers under way at once, the same in one subnet; and it
 * halts by itself when failures pass a threshold, which the database judges as attempts are closed. Only jobs
 * that write a profile count, provision and update.
 */
#ifndef JOBS_ROLLOUT_H
#define JOBS_ROLLOUT_H

#include "database/database.h"

/* Keeps, in order, those jobs that there is room for; the rest waits. Until the end of the transaction no
 * other site server begins jobs of these profiles. */
bool rollout_admit(struct database *database, int64_t *jobs, size_t *count, struct error *err) MUST_CHECK;
/* Jobs ended: other site servers may have use for the room. */
bool rollout_announce(struct database *database, struct error *err) MUST_CHECK;

#endif
