/*
 * issuing.h - who issues the computers' certificates, and who is told that one counts no more: the internal
 * authority and its lists, or one elsewhere and what it is asked for.
 *
 * The loop's: nothing here waits, and everything but issuing_open() wants the database.
 */
#ifndef SITE_SERVER_ISSUING_H
#define SITE_SERVER_ISSUING_H

#include "certificates/publication.h"
#include "config.h"
#include "queue/ordering.h"

struct issuing { /* zero-initialise */
    const struct config *config;
    struct site *site; /* gets authority and ordering */
    struct vault *vault;
    struct authority *authority; /* internal; NULL: none was made yet */
    struct cmp_issuer *cmp;      /* NULL: none is configured */
    struct ordering *ordering;   /* what it is asked for; NULL likewise */
    struct publication *publication;
    bool lists_waiting; /* something was revoked, or another list made */
    /* Monotonic: lists are not looked for before; are looked for without a cause; orders rest after a
     * failure. */
    int64_t lists_ms, lists_latest_ms, orders_ms;
};

/* All borrowed. Before the threads of an authority elsewhere start, signals must be blocked. */
bool issuing_open(struct issuing *issuing, const struct config *config, struct site *site,
                  struct vault *vault, struct endpoint *endpoint, struct error *err) MUST_CHECK;
void issuing_close(struct issuing *issuing); /* accepts what was never opened */

/* channels: bits of what the database told of. Sees to it that the configured authority is the one that
 * issues. */
bool issuing_learn(struct issuing *issuing, unsigned channels, struct error *err) MUST_CHECK;

/* One line for /health; borrowed for the moment. */
const char *issuing_health(const struct issuing *issuing);

int issuing_descriptor(const struct issuing *issuing,
                       int64_t now_ms);                /* readable: run; -1: nothing to wait for */
int64_t issuing_due_ms(const struct issuing *issuing); /* monotonic: run then, too */
/* Lists that are due, answers that came, questions that are due. ready: the descriptor is readable. */
bool issuing_run(struct issuing *issuing, bool ready, int64_t now_ms, struct error *err) MUST_CHECK;

#endif
