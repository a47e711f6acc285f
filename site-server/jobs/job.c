#include "job.h"

#include <assert.h>
#include <string.h>

#include "jobs/retry_policy.h"
#include "statement.h"

static const char *const state_names[JOB_STATES] = { "waiting", "leased", "done", "failed", "cancelled" };

/* A job changes state only along these arrows. */
static const struct {
    enum job_state from, to;
} arrows[] = {
    { JOB_WAITING, JOB_LEASED },    /* handed to a service point */
    { JOB_WAITING, JOB_FAILED },    /* it cannot be prepared, and waiting does not help */
    { JOB_WAITING, JOB_WAITING },   /* it cannot be prepared yet */
    { JOB_WAITING, JOB_CANCELLED }, /* amt.cancel_job(), amt.block() */
    { JOB_LEASED, JOB_DONE },       /* only by a positive, committed result */
    { JOB_LEASED, JOB_WAITING },    /* to be tried again, declined, or the lease ran out */
    { JOB_LEASED, JOB_FAILED },     /* for good, or no attempts left */
    { JOB_LEASED, JOB_CANCELLED },  /* amt.cancel_job() */
};

const char *job_state_name(enum job_state state)
{
    return state_names[state];
}

bool job_state_parse(const char *name, enum job_state *state)
{
    for (unsigned i = 0; i < JOB_STATES; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *state = (enum job_state)i;
            return true;
        }
    }
    return false;
}

bool job_may_move(enum job_state from, enum job_state to)
{
    for (size_t i = 0; i < COUNT_OF(arrows); i++) {
        if (arrows[i].from == from && arrows[i].to == to)
            return true;
    }
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

char *job_reason_sentence(enum reason_code reason, const char *text)
{
    const struct reason *known = reason_of(reason);
    const char *what = text && *text ? text : known->meaning;

    if (strcmp(known->remedy, "nothing") == 0 || ends_with(what, known->remedy))
        return text_copy(what);
    return text_format("%s; %s", what, known->remedy);
}

bool job_announce(struct database *database, struct error *err)
{
    return database_write(database, STATEMENT_JOBS_ANNOUNCE, NULL, err);
}

void job_setback_clear(struct job_setback *setback)
{
    text_free(&setback->text);
}

/* What is wrong on our side is shown with the job, not with the computer. */
static bool concerns_computer(enum reason_code reason)
{
    switch (reason) {
    case REASON_NO_SERVICE_POINT:
    case REASON_SERVICE_POINT_STOPPING:
    case REASON_NO_FREE_SLOT:
    case REASON_SITE_UNREACHABLE:
    case REASON_LEASE_OVER:
        return false;
    default:
        return true;
    }
}

static struct retry_decision decide(const struct job_settings *settings, const struct job_setback *setback)
{
    if (setback->delay_s < 0)
        return retry_decide(settings, setback->reason, setback->failures);
    return (struct retry_decision){ .next = JOB_WAITING,
                                    .delay_s = setback->delay_s,
                                    .failures = setback->failures };
}

bool job_set_back(struct database *database, const struct job_settings *settings,
                  const struct job_setback *setbacks, size_t count, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *jobs = parameters_numbers(parameters);
    struct array *from = parameters_texts(parameters);
    struct array *states = parameters_texts(parameters);
    struct array *codes = parameters_texts(parameters);
    struct array *reasons = parameters_texts(parameters);
    struct array *delays = parameters_numbers(parameters);
    struct array *hello_ends = parameters_bools(parameters);
    struct array *failures = parameters_numbers(parameters);
    struct array *statuses = parameters_numbers(parameters);
    struct array *concerns = parameters_bools(parameters);

    if (!count)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct job_setback *setback = &setbacks[i];
        struct retry_decision decision = decide(settings, setback);
        enum amt_status status = reason_of(setback->reason)->status;
        bool failed = decision.next == JOB_FAILED;
        AUTO(text_free) char *sentence = job_reason_sentence(setback->reason, setback->text);

        assert(job_may_move(setback->from, decision.next));
        array_add_number(jobs, setback->job);
        array_add_text(from, state_names[setback->from]);
        array_add_text(states, state_names[decision.next]);
        array_add_text(codes, reason_of(setback->reason)->name);
        array_add_text(reasons, sentence);
        array_add_number(delays, decision.delay_s);
        array_add_bool(hello_ends, decision.hello_ends_wait);
        array_add_number(failures, decision.failures);
        if (failed && status >= 0)
            array_add_number(statuses, status);
        else
            array_add_null(statuses);
        array_add_bool(concerns, failed || concerns_computer(setback->reason));
    }
    return database_write(database, STATEMENT_JOB_SET_BACK, parameters, err);
}
