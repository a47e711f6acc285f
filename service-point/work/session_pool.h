/*
 * session_pool.h - the jobs under way, each on a thread of its own with a small stack.
 *
 * Main thread only. A job keeps its slot until session_pool_end(), which follows its JOB_FINISHED.
 */
#ifndef WORK_SESSION_POOL_H
#define WORK_SESSION_POOL_H

#include "provisioning/session.h"

struct session_pool;

/* around is borrowed until session_pool_free(). */
struct session_pool *session_pool_new(const struct session_surroundings *around, size_t slots);
/* Every session must have ended: see session_pool_running(). */
void session_pool_free(struct session_pool **pool);

/* Takes the offer over when it is started, leaving it zeroed. On false *err carries the reason for a
 * JOB_DECLINE. Its last word through around->say is JOB_FINISHED. */
bool session_pool_start(struct session_pool *pool, struct message_job_offer *offer,
                        struct error *err) MUST_CHECK;
/* Takes the message over when some session waits for it. */
bool session_pool_answer(struct session_pool *pool, struct message *answer) MUST_CHECK;
/* There is a session with the site again: what was asked and not answered is asked anew. */
void session_pool_hurry(struct session_pool *pool);
/* That attempt, or every one when id is NULL, ends at its next step or wait. False: there is no such attempt.
 */
bool session_pool_stop(struct session_pool *pool, const struct attempt_id *id, enum reason_code reason);
/* JOB_FINISHED of this attempt was taken from the mailbox: joins the thread and frees the session. */
void session_pool_end(struct session_pool *pool, const struct attempt_id *id);

bool session_pool_has_attempt(const struct session_pool *pool, const struct attempt_id *id);
bool session_pool_has_computer(const struct session_pool *pool, const struct uuid *uuid);
size_t session_pool_running(const struct session_pool *pool);
/* Copies at most count ids; returns how many. */
size_t session_pool_ids(const struct session_pool *pool, struct attempt_id *ids, size_t count);

#endif
