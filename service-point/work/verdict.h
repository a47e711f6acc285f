/*
 * verdict.h - what a job's failure is called: the one place that turns an error into the result's reason and
 * text.
 *
 * Whether the job is tried again follows from the reason; the site server decides it.
 */
#ifndef WORK_VERDICT_H
#define WORK_VERDICT_H

#include "common/message.h"

/* err NULL: the job is done. The reason is one of common/reason.h, never REASON_NONE for a failure; what
 * to do about it stands there, so the text only says what is wrong. */
void verdict_record(struct message_job_finished *result, const struct error *err);

#endif
