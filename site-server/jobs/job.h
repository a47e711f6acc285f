/*
 * job.h - a job: its states, and how it moves between them.
 *
 * waiting -> leased -> done | failed | cancelled; from leased back to waiting when it is to be tried again or
 * its lease ran out.
 *
 * The calls of this folder run inside the transaction of the caller's turn; they send nothing and wait for
 * nothing but the database. A service point is named by the id of its row; what is not its own attempt is
 * left out or refused here.
 */
#ifndef JOBS_JOB_H
#define JOBS_JOB_H

#include "common/message.h"
#include "database/database.h"

enum job_state { JOB_WAITING, JOB_LEASED, JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_STATES };

const char *job_state_name(enum job_state state); /* as SQL has it */
bool job_state_parse(const char *name, enum job_state *state);
/* The arrows: a job changes state along these only. */
bool job_may_move(enum job_state from, enum job_state to);

struct job_settings {
    int64_t lease_s, deadline_s;
    int64_t attempts;                         /* that may fail before the job has failed */
    int64_t retry_delay_s, retry_delay_max_s; /* doubles from failure to failure */
    bool directory_configured;
};

/* "what is wrong; what to do": text NULL means the reason's own meaning. The caller frees. */
char *job_reason_sentence(enum reason_code reason, const char *text);

/* There are jobs that may suit service points of other site servers: these hear of it with the commit. */
bool job_announce(struct database *database, struct error *err) MUST_CHECK;

/* How an attempt ended that did not end well, or a job that cannot be begun. */
struct job_setback {
    int64_t job;
    enum job_state from; /* as the caller holds it locked */
    enum reason_code reason;
    char *text;       /* owned; NULL: the reason's meaning */
    int64_t failures; /* so far */
    int64_t delay_s;  /* 0 or more: instead of the retry policy's, and does not count; -1: by policy */
};

/* Back to waiting, or failed, as the retry policy decides; the computer shows why. */
bool job_set_back(struct database *database, const struct job_settings *settings,
                  const struct job_setback *setbacks, size_t count, struct error *err) MUST_CHECK;
void job_setback_clear(struct job_setback *setback);

#endif
