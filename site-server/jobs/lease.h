/*
 * lease.h - a job is lent to a service point for a time; whoever vanishes loses it (design: "retry later").
 */
#ifndef JOBS_LEASE_H
#define JOBS_LEASE_H

#include "jobs/job.h"

/* Until accepted, an offer is held for this long only: it may have been lost on the way. */
#define LEASE_UNACCEPTED_S 60

struct held_attempt {
    int64_t service_point;
    struct attempt_id id;
};

/* JOB_ACCEPT, HEARTBEAT's running attempts and LEASE_EXTEND of a turn. Stale ones are left out. */
bool lease_hold(struct database *database, const struct job_settings *settings,
                const struct held_attempt *held, size_t count, struct error *err) MUST_CHECK;

/* Takes back what was leased and not heard of in time. *taken_back: how many. */
bool lease_reap(struct database *database, const struct job_settings *settings, size_t *taken_back,
                struct error *err) MUST_CHECK;
/*
 * REGISTER: a service point that begins anew says what it still runs; its other leases are over. running
 * holds every attempt whose result is not yet acknowledged.
 */
bool lease_release_others(struct database *database, const struct job_settings *settings,
                          int64_t service_point, const struct attempt_id *running, size_t count,
                          size_t *taken_back, struct error *err) MUST_CHECK;

/* Offers that did not go out: as far as they are still held for that service point, they are taken back, and
 * it does not count. */
bool lease_withdraw(struct database *database, const struct job_settings *settings,
                    const struct held_attempt *unsent, size_t count, size_t *taken_back,
                    struct error *err) MUST_CHECK;

/* What the statement (parameters: job, attempt, service point) tells of the computer, when the attempt is
 * this service point's and under way; else REASON_STALE_ATTEMPT. The caller frees the rows. */
bool lease_subject(struct database *database, int statement, int64_t service_point,
                   const struct attempt_id *id, struct rows **rows, struct error *err) MUST_CHECK;

/* Milliseconds until a waiting job is due or a lease ends; -1: nothing is to come. Due jobs that wait for a
 * free slot do not count. */
bool lease_next_due(struct database *database, int64_t *milliseconds, struct error *err) MUST_CHECK;

#endif
