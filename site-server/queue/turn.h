/*
 * turn.h - one turn of the loop: a batch of messages, one transaction, then the answers (design 1).
 *
 * An answer means "committed". A batch that fails is rolled back and replayed message by message, each in its
 * own transaction, so that a bad one fails alone. When the database is lost on the way, also during the
 * commit, the batch is kept and carried out when it is back; what had been committed without our knowing is
 * then repeated, which handlers must bear.
 */
#ifndef QUEUE_TURN_H
#define QUEUE_TURN_H

#include "queue/dialogue.h"
#include "queue/gatekeeper.h"

struct turn; /* opaque: owns the messages it holds */

struct turn *turn_new(size_t batch); /* messages in one turn */
void turn_free(struct turn **turn);

/*
 * Takes messages from the endpoint until the batch is full or none is left. Those that may not be said are
 * answered here. Takes none while a batch is kept because the database is away.
 */
bool turn_collect(struct turn *turn, struct endpoint *endpoint, const struct gatekeeper *gatekeeper,
                  struct site *site, struct error *err) MUST_CHECK;
/* Messages received and not yet carried out. */
size_t turn_held(const struct turn *turn);
/* Did the last turn carry anything out? */
bool turn_ran(const struct turn *turn);
/* Refuses held messages whose peer lost its approval meanwhile. */
void turn_review(struct turn *turn, struct endpoint *endpoint, const struct gatekeeper *gatekeeper,
                 struct site *site);
/* False (ERROR_UNREACHABLE): the database is gone, the messages are held. */
bool turn_run(struct turn *turn, struct endpoint *endpoint, struct site *site, struct error *err) MUST_CHECK;

#endif
