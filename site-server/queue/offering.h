/*
 * offering.h - hands out what is due: leases are committed first, then the offers go out.
 */
#ifndef QUEUE_OFFERING_H
#define QUEUE_OFFERING_H

#include "devices/vault.h"
#include "jobs/due.h"
#include "jobs/lease.h"
#include "queue/dialogue.h"

struct offering {
    struct site *site;
    struct vault *vault;
    struct endpoint *endpoint;
    uint64_t correlation; /* of the last offer */
    int64_t renewal_ms;   /* monotonic: no look at the certificates before */
    bool renewals_left;   /* the last look found more than were requested */
    struct lane turn;     /* which had its turn last */
    /* Attempts whose offers did not go out, or whose commit has an unknown outcome; owned. */
    struct held_attempt *unsent;
    size_t unsent_count;
};

/* Is there a service point that could be offered something, or nobody at all (so that the reason is
 * recorded)? */
bool offering_useful(const struct site *site, int64_t now_ms);
/*
 * One transaction: takes back what nobody was heard of for, requests the renewal of certificates that end,
 * leases what is due, prepares the offers; then sends them. *next_due_ms: until something else is due, -1 for
 * nothing. *more: something is due at once. An offer that does not go out is no failure: the next call takes
 * its job back, as it does after a commit that may or may not have happened.
 *
 * Safe beside other site servers: leases that are over are locked with SKIP LOCKED, a renewal is one INSERT
 * with ON CONFLICT DO NOTHING, a job is leased from a locked row that still waits.
 */
bool offering_make(struct offering *offering, int64_t now_ms, int64_t *next_due_ms, bool *more,
                   struct error *err) MUST_CHECK;
void offering_clear(struct offering *offering);

#endif
