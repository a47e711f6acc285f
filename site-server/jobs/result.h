/*
 * result.h - how an attempt ended, as its service point reports it (spec O9).
 */
#ifndef JOBS_RESULT_H
#define JOBS_RESULT_H

#include "jobs/job.h"

/*
 * JOB_FINISHED: everything it says, in one go. *closed is the answer; the caller ends its text with
 * text_free(). Not accepted: "stale-attempt" when the attempt is over, "cancelled", or "message-refused" when
 * it is another service point's; even then no password is lost. A repetition is accepted again.
 */
bool result_finish(struct database *database, const struct job_settings *settings, int64_t service_point,
                   const struct message_job_finished *finished, struct message_job_closed *closed,
                   struct error *err) MUST_CHECK;
/* JOB_DECLINE: back to waiting; no password was sent. A stale one changes nothing. */
bool result_decline(struct database *database, const struct job_settings *settings, int64_t service_point,
                    const struct message_job_decline *declined, struct error *err) MUST_CHECK;

#endif
