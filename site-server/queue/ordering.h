/*
 * ordering.h - what an authority elsewhere is asked for: errands whose results answer CERTIFICATE_WANTED, and
 * revocations.
 *
 * An order is one key of one job, however often its service point asks. While the authority says "waiting",
 * the order stays and is asked again; a service point is kept waiting no longer than patience_s, its job then
 * waits for the certificate. Orders live in memory: after a restart the jobs ask again, and the authority is
 * asked anew.
 */
#ifndef QUEUE_ORDERING_H
#define QUEUE_ORDERING_H

#include "certificates/cmp.h"
#include "queue/dialogue.h"

struct ordering; /* opaque: owns the orders and the threads that carry them out */

struct ordering_settings {
    const struct cmp_issuer *issuer; /* borrowed */
    int64_t patience_s;
};

bool ordering_open(struct ordering **ordering, const struct ordering_settings *settings, struct site *site,
                   struct endpoint *endpoint, struct error *err) MUST_CHECK;
/* Waits for what is being asked, at most the issuer's time-out; accepts NULL. */
void ordering_close(struct ordering **ordering);

/* Takes over the plan of an exchange whose transaction is committed; it is answered when the authority has
 * decided. */
void ordering_take(struct ordering *ordering, struct exchange *exchange, int64_t now_ms);
/* There may be revocations to be told. */
void ordering_look(struct ordering *ordering);

/* Why the authority could not be asked the last time, for /health; NULL: it could. Accepts NULL; borrowed. */
const char *ordering_trouble(const struct ordering *ordering);

int ordering_descriptor(const struct ordering *ordering); /* readable: ordering_run() has something to do */
int64_t ordering_due_ms(const struct ordering *ordering); /* monotonic: and at this time, too */
/* Records what came back, answers it, asks what is due. False: the database failed; nothing is lost. */
bool ordering_run(struct ordering *ordering, int64_t now_ms, struct error *err) MUST_CHECK;

#endif
