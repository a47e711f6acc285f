/*
 * dispatcher.h - hands waiting jobs to service points.
 *
 * A job goes to the service point whose subnets hold the computer's address by the longest prefix, else to
 * the one that heard the Hello, else to one that serves no subnets in particular; of several equal ones to
 * that with the most free slots. One whose provisioning certificates the computer does not trust is none.
 * The service points of all site servers on the database count; each site server hands out to its own, and
 * leaves to the others what suits theirs better. Between equal ones whoever is first has it. Which job comes
 * first is said by due.h: subnets take turns.
 */
#ifndef JOBS_DISPATCHER_H
#define JOBS_DISPATCHER_H

#include "devices/vault.h"
#include "jobs/due.h"
#include "jobs/job.h"

struct connected_point { /* all borrowed */
    int64_t id;
    bool elsewhere; /* connected to another site server */
    uint32_t free;  /* slots */
    const char *const *subnets;
    size_t subnet_count;
    const struct root_hash *root_hashes; /* of its provisioning certificates */
    size_t root_hash_count;
};

struct job_offer {
    size_t point;           /* index into the points */
    struct message message; /* JOB_OFFER, correlation left 0 */
};

struct job_offers { /* zero-initialise */
    struct job_offer *items;
    size_t count;
    bool more; /* further jobs can be handed out at once */
};

void job_offers_clear(struct job_offers *offers);

/*
 * Leases what is due to whom it suits and prepares the offers: secrets are generated, encrypted and written
 * in the same transaction (spec 6.1). The offers go out after the commit. A job that cannot be prepared
 * waits, with the reason. points: those that are connected to this site server. turn: the lane that had its
 * turn last, which the caller keeps from call to call.
 */
bool job_dispatch(struct database *database, struct vault *vault, const struct job_settings *settings,
                  struct lane *turn, const struct connected_point *points, size_t count,
                  struct job_offers *offers, struct error *err) MUST_CHECK;

enum dispatch_choice { DISPATCH_TO, DISPATCH_FULL, DISPATCH_ELSEWHERE, DISPATCH_NOBODY };

struct dispatch_question {
    const char *address;                 /* numeric */
    int64_t heard_by;                    /* 0: nobody */
    const struct root_hash *root_hashes; /* that the computer trusts; none: not known */
    size_t root_hash_count;
};

/* *point is set on DISPATCH_TO. free[i]: slots that points[i] has left. Pure. */
enum dispatch_choice dispatch_choose(const struct dispatch_question *question,
                                     const struct connected_point *points, const uint32_t *free_slots,
                                     size_t count, size_t *point);

#endif
