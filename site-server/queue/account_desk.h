/*
 * account_desk.h - where the loop and the directory's threads meet: accounts that service points asked for,
 * and objects that are to be removed.
 *
 * Nothing here must survive a crash: a service point asks again while it gets no answer, and what is to be
 * removed stands in the database. Two errands never work on one computer's object at the same time.
 */
#ifndef QUEUE_ACCOUNT_DESK_H
#define QUEUE_ACCOUNT_DESK_H

#include "directory/directory_errand.h"
#include "metrics/counters.h"
#include "queue/endpoint.h"

struct database;
struct account_desk; /* opaque: owns threads and tasks */

struct account_question { /* who asked */
    struct route route;
    uint64_t correlation;
};

/* settings is borrowed until the desk is closed. */
bool account_desk_open(struct account_desk **desk, const struct directory_settings *settings,
                       unsigned threads, struct error *err) MUST_CHECK;
void account_desk_close(struct account_desk **desk); /* accepts NULL */

/* Takes the task over and leaves it zeroed. The answer goes out when the directory has answered. */
void account_desk_ask(struct account_desk *desk, struct directory_task *task,
                      const struct account_question *question);
/* There may be objects to be removed now. */
void account_desk_hurry(struct account_desk *desk);
/* What account_desk_run() is to be called for; descriptor: readable, time: monotonic. */
int account_desk_descriptor(const struct account_desk *desk);
int64_t account_desk_due_ms(const struct account_desk *desk);
/* Commits what came of errands, answers, and sends out removals that are due. False: the database failed;
 * what was not committed is kept. */
bool account_desk_run(struct account_desk *desk, struct database *database, struct endpoint *endpoint,
                      struct counters *counters, int64_t now_ms, struct error *err) MUST_CHECK;
/* Why the directory did not answer, or not let us in, when it was asked last; "" when it did. Borrowed; desk
 * may be NULL. */
const char *account_desk_trouble(const struct account_desk *desk);
/* Questions that there was no room for, so far; they are asked again. */
uint64_t account_desk_turned_away(const struct account_desk *desk);
size_t account_desk_count(const struct account_desk *desk); /* errands under way; desk may be NULL */

#endif
