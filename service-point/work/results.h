/*
 * results.h - results of jobs that the site server has not acknowledged yet; each is repeated until it is.
 *
 * Main thread only. The pauses between repetitions grow from 2 seconds to a minute; a new session with the
 * site starts them anew. Bounded by the slots: a job keeps its slot until its result is closed.
 */
#ifndef WORK_RESULTS_H
#define WORK_RESULTS_H

#include "common/message.h"

struct results;

struct results *results_new(void);
void results_free(struct results **results);

/* Takes the JOB_FINISHED message over; it is due at once. */
void results_add(struct results *results, struct message *finished, int64_t now_ms);
/* JOB_CLOSED came: forgotten. False: there is no such result. */
bool results_close(struct results *results, const struct attempt_id *id);
/* The result whose message has this correlation, else NULL. */
const struct attempt_id *results_find(const struct results *results, uint64_t correlation);
/* All are due now: the site is there again. */
void results_hurry(struct results *results, int64_t now_ms);
/* The next message that is due, borrowed, NULL when none is; its next repetition is put off. */
const struct message *results_due(struct results *results, int64_t now_ms);
int64_t results_due_ms(const struct results *results); /* INT64_MAX: none */

size_t results_count(const struct results *results);
/* Copies at most count ids of unacknowledged results; returns how many. */
size_t results_ids(const struct results *results, struct attempt_id *ids, size_t count);

#endif
