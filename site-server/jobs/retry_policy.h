/*
 * retry_policy.h - whether a failure means "later" or "never", and when; decided here and nowhere else.
 */
#ifndef JOBS_RETRY_POLICY_H
#define JOBS_RETRY_POLICY_H

#include "jobs/job.h"

struct retry_decision {
    enum job_state next;  /* JOB_WAITING or JOB_FAILED */
    int64_t delay_s;      /* of JOB_WAITING */
    int64_t failures;     /* of the job from now on */
    bool hello_ends_wait; /* a Hello before that time shows that waiting longer is pointless */
};

/* failures: attempts that counted against the job so far, this one not yet. Pure. */
struct retry_decision retry_decide(const struct job_settings *settings, enum reason_code reason,
                                   int64_t failures);

#endif
