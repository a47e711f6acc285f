#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "computer_name.h"
#include "progress.h"
#include "session.h"
#include "verbs.h"

#define WATCH_INTERVAL_MS 1000

struct job_numbers {
    int64_t *numbers;
    size_t count;
};

static void job_numbers_clear(struct job_numbers *jobs)
{
    free(jobs->numbers);
    *jobs = (struct job_numbers){ 0 };
}

static void job_numbers_add(struct job_numbers *jobs, int64_t number)
{
    jobs->numbers = reallocate(jobs->numbers, jobs->count + 1, sizeof(*jobs->numbers));
    jobs->numbers[jobs->count++] = number;
}

static bool job_number_read(const char *text, int64_t *number, struct error *err)
{
    return number_read(text, "job", 1, INT64_MAX, number, err);
}

static void job_numbers_bind(struct parameters *parameters, const struct job_numbers *jobs)
{
    struct array *array = parameters_numbers(parameters);

    for (size_t i = 0; i < jobs->count; i++)
        array_add_number(array, jobs->numbers[i]);
}

static bool request_one(struct session *session, const char *computer, const char *kind,
                        struct job_numbers *jobs, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid uuid;

    if (!computer_find(session, computer, &uuid, err))
        return false;
    parameters_uuid(parameters, &uuid);
    parameters_text(parameters, kind);
    if (!database_run(session->database, CONTROL_STATEMENT_JOB_REQUEST, parameters, &rows, err))
        return false;
    job_numbers_add(jobs, row_number(rows, 0, "id"));
    return true;
}

static bool request_named(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(job_numbers_clear) struct job_numbers jobs = { 0 };

    if (!database_begin(session->database, err))
        return false;
    for (size_t i = 1; i < invocation->argument_count; i++) {
        if (!request_one(session, invocation->arguments[i], invocation->arguments[0], &jobs, err))
            return false;
    }
    if (!database_commit(session->database, err))
        return false;
    if (session->json)
        printf("{\"jobs\": [");
    for (size_t i = 0; i < jobs.count; i++)
        printf(session->json ? "%s%" PRId64 : "%s%" PRId64 "\n", session->json && i ? ", " : "",
               jobs.numbers[i]);
    if (session->json)
        printf("]}\n");
    return true;
}

static bool request_many(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_text(parameters, invocation->arguments[0]);
    parameters_text(parameters, invocation->options[OPTION_PROFILE]);
    parameters_text(parameters, invocation->options[OPTION_STATUS]);
    if (!database_run(session->database, CONTROL_STATEMENT_JOB_REQUEST_ALL, parameters, &rows, err))
        return false;
    printf(session->json ? "{\"requested\": %" PRId64 ", \"with_open_job\": %" PRId64
                           ", \"left_out\": %" PRId64 "}\n"
                         : "%" PRId64 " requested, %" PRId64 " skipped that have an open job, %" PRId64
                           " left out: blocked, or not in a state for it\n",
           row_number(rows, 0, "requested"), row_number(rows, 0, "with_open_job"),
           row_number(rows, 0, "left_out"));
    return true;
}

/* Computers are named, or chosen by conditions: never both, never neither. */
bool job_request(struct session *session, const struct invocation *invocation, struct error *err)
{
    bool named = invocation->argument_count > 1;
    bool conditions = invocation->options[OPTION_PROFILE] || invocation->options[OPTION_STATUS];
    bool all = invocation->options[OPTION_ALL] != NULL;

    if (named && (all || conditions))
        return error_set(err, ERROR_INPUT,
                         "computers are named beside --all, --profile or --status; give "
                         "the one or the other");
    if (all && conditions)
        return error_set(err, ERROR_INPUT,
                         "--all contradicts --profile and --status; give the one or the other");
    if (!named && !all && !conditions)
        return error_set(
            err, ERROR_INPUT,
            "no computers are named for '%.40s'; write: amtctl job request KIND UUID|FQDN..., or give "
            "--all, --profile or --status",
            invocation->arguments[0]);
    return named ? request_named(session, invocation, err) : request_many(session, invocation, err);
}

static const struct column list_columns[] = {
    { "id", "JOB", COLUMN_NUMBER },
    { "fqdn", "FQDN", COLUMN_TEXT },
    { "kind", "KIND", COLUMN_TEXT },
    { "state", "STATE", COLUMN_TEXT },
    { "attempt", "ATTEMPT", COLUMN_NUMBER },
    { "service_point", "SERVICE POINT", COLUMN_TEXT },
    { "requested_at", "REQUESTED", COLUMN_TEXT },
    { "finished_at", "FINISHED", COLUMN_TEXT },
    { "reason_code", "CODE", COLUMN_TEXT },
    { "reason", "REASON", COLUMN_TEXT },
    { "uuid", NULL, COLUMN_TEXT },
    { "failures", NULL, COLUMN_NUMBER },
    { "requested_by", NULL, COLUMN_TEXT },
    { "not_before", NULL, COLUMN_TEXT },
    { "leased_until", NULL, COLUMN_TEXT },
    { "started_at", NULL, COLUMN_TEXT },
};

static bool state_check(const char *state, struct error *err)
{
    static const char *const states[] = { "waiting", "leased", "done", "failed", "cancelled", "open" };

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (strcmp(state, states[i]) == 0)
            return true;
    }
    return error_set(err, ERROR_INPUT,
                     "'%.40s' is no state; use waiting, leased, done, failed, cancelled or open", state);
}

bool job_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const char *state = invocation->options[OPTION_STATE], *limit = invocation->options[OPTION_LIMIT];
    int64_t number;

    if ((state && !state_check(state, err)) ||
        (limit && !number_read(limit, "--limit", 1, INT32_MAX, &number, err)))
        return false;
    parameters_text(parameters, state);
    parameters_text(parameters, invocation->options[OPTION_REASON]);
    parameters_text(parameters, invocation->options[OPTION_SEARCH]);
    parameters_text(parameters, limit);
    return session_show(session, CONTROL_STATEMENT_JOB_LIST, &parameters, list_columns,
                        COUNT_OF(list_columns), err);
}

static const struct column show_columns[] = {
    { "id", "job", COLUMN_NUMBER },
    { "uuid", "UUID", COLUMN_TEXT },
    { "fqdn", "FQDN", COLUMN_TEXT },
    { "kind", "kind", COLUMN_TEXT },
    { "state", "state", COLUMN_TEXT },
    { "reason_code", "reason code", COLUMN_TEXT },
    { "reason", "reason", COLUMN_TEXT },
    { "attempt", "attempt", COLUMN_NUMBER },
    { "failures", "failed attempts", COLUMN_NUMBER },
    { "service_point", "service point", COLUMN_TEXT },
    { "requested_at", "requested", COLUMN_TEXT },
    { "requested_by", "requested by", COLUMN_TEXT },
    { "not_before", "not before", COLUMN_TEXT },
    { "leased_until", "leased until", COLUMN_TEXT },
    { "started_at", "started", COLUMN_TEXT },
    { "finished_at", "finished", COLUMN_TEXT },
};

static const struct column attempt_columns[] = {
    { "attempt", "ATTEMPT", COLUMN_NUMBER },     { "service_point", "SERVICE POINT", COLUMN_TEXT },
    { "leased_at", "BEGAN", COLUMN_TEXT },       { "closed_at", "ENDED", COLUMN_TEXT },
    { "outcome", "OUTCOME", COLUMN_TEXT },       { "account_used", "ACCOUNT", COLUMN_TEXT },
    { "reason_code", "CODE", COLUMN_TEXT },      { "reason", "REASON", COLUMN_TEXT },
    { "accounts_offered", NULL, COLUMN_JSON },   { "accounts_refused", NULL, COLUMN_JSON },
    { "device_fingerprint", NULL, COLUMN_TEXT }, { "settings", NULL, COLUMN_JSON },
};

static const struct column step_columns[] = {
    { "attempt", "ATTEMPT", COLUMN_NUMBER }, { "number", "STEP", COLUMN_TEXT },
    { "name", "NAME", COLUMN_TEXT },         { "outcome", "OUTCOME", COLUMN_TEXT },
    { "took_s", "SECONDS", COLUMN_NUMBER },  { "reason_code", "CODE", COLUMN_TEXT },
    { "detail", "DETAIL", COLUMN_TEXT },     { "sequence", NULL, COLUMN_NUMBER },
    { "started_at", NULL, COLUMN_TEXT },     { "finished_at", NULL, COLUMN_TEXT },
};

static bool table_of_job(struct session *session, int statement, int64_t job, const struct column *columns,
                         size_t column_count, struct table **table, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, job);
    return session_table(session, statement, &parameters, columns, column_count, table, err);
}

bool job_show(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(table_free) struct table *job = NULL;
    AUTO(table_free) struct table *attempts = NULL;
    AUTO(table_free) struct table *steps = NULL;
    int64_t number;

    if (!job_number_read(invocation->arguments[0], &number, err) ||
        !table_of_job(session, CONTROL_STATEMENT_JOB_SHOW, number, show_columns, COUNT_OF(show_columns), &job,
                      err) ||
        !table_of_job(session, CONTROL_STATEMENT_JOB_ATTEMPTS, number, attempt_columns,
                      COUNT_OF(attempt_columns), &attempts, err) ||
        !table_of_job(session, CONTROL_STATEMENT_JOB_STEPS, number, step_columns, COUNT_OF(step_columns),
                      &steps, err))
        return false;
    if (table_rows(job) == 0)
        return error_set(err, ERROR_ABSENT, "there is no job %" PRId64 "; see 'amtctl job list'", number);
    table_print_sections(
        (const struct table_section[]){
            { "job", NULL, SHAPE_RECORD, job },
            { "attempts", "Attempts:", SHAPE_LIST, attempts },
            { "steps", "Steps:", SHAPE_LIST, steps },
        },
        3, session->json, stdout);
    return true;
}

bool job_cancel(struct session *session, const struct invocation *invocation, struct error *err)
{
    if (!database_begin(session->database, err))
        return false;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        AUTO(parameters_free) struct parameters *parameters = parameters_new();
        int64_t number;

        if (!job_number_read(invocation->arguments[i], &number, err))
            return false;
        parameters_number(parameters, number);
        if (!session_do(session, CONTROL_STATEMENT_JOB_CANCEL, &parameters, err))
            return false;
    }
    if (!database_commit(session->database, err))
        return false;
    if (session->json)
        printf("{\"cancelled\": %zu}\n", invocation->argument_count);
    else
        printf("%zu job%s cancelled\n", invocation->argument_count,
               invocation->argument_count == 1 ? "" : "s");
    return true;
}

/* What `job watch` follows: jobs that ended are taken out, so that each is told once. */
struct watch {
    struct job_numbers open;
    size_t done, failed;
    struct progress progress;
    bool json;
};

static bool find_open(struct session *session, struct job_numbers *jobs, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(session->database, CONTROL_STATEMENT_JOB_OPEN, NULL, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++)
        job_numbers_add(jobs, row_number(rows, i, "id"));
    return true;
}

static bool find_named(struct session *session, const struct invocation *invocation, struct job_numbers *jobs,
                       struct error *err)
{
    for (size_t i = 0; i < invocation->argument_count; i++) {
        AUTO(parameters_free) struct parameters *parameters = parameters_new();
        AUTO(rows_free) struct rows *rows = NULL;
        int64_t number;

        if (!job_number_read(invocation->arguments[i], &number, err))
            return false;
        parameters_number(parameters, number);
        if (!database_run(session->database, CONTROL_STATEMENT_JOB_SHOW, parameters, &rows, err))
            return false;
        if (rows_count(rows) == 0)
            return error_set(err, ERROR_ABSENT, "there is no job %" PRId64 "; see 'amtctl job list'", number);
        job_numbers_add(jobs, number);
    }
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* Both are in order of number. */
static void forget_ended(struct job_numbers *jobs, const struct rows *ended)
{
    size_t kept = 0, row = 0;

    for (size_t i = 0; i < jobs->count; i++) {
        while (row < rows_count(ended) && row_number(ended, row, "id") < jobs->numbers[i])
            row++;
        if (row == rows_count(ended) || row_number(ended, row, "id") != jobs->numbers[i])
            jobs->numbers[kept++] = jobs->numbers[i];
    }
    jobs->count = kept;
}

static void tell_end(struct watch *watch, const struct rows *rows, size_t row)
{
    const char *state = row_text(rows, row, "state"), *reason = row_text(rows, row, "reason");
    bool done = strcmp(state, "done") == 0;

    *(done ? &watch->done : &watch->failed) += 1;
    if (watch->json)
        return;
    progress_clear(&watch->progress);
    printf("job %" PRId64 " %s %s%s%s\n", row_number(rows, row, "id"), row_text(rows, row, "fqdn"), state,
           reason && !done ? ": " : "", reason && !done ? reason : "");
}

static bool watch_once(struct session *session, struct watch *watch, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    job_numbers_bind(parameters, &watch->open);
    if (!database_run(session->database, CONTROL_STATEMENT_JOB_ENDED, parameters, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++)
        tell_end(watch, rows, i);
    forget_ended(&watch->open, rows);
    fflush(stdout);
    progress_to(&watch->progress, watch->done + watch->failed);
    return true;
}

static bool watch_until_ended(struct session *session, struct watch *watch, int64_t give_up_ms,
                              struct error *err)
{
    for (;;) {
        int64_t left_ms = give_up_ms - clock_monotonic_ms();

        if (!watch_once(session, watch, err))
            return false;
        if (watch->open.count == 0)
            return true;
        if (left_ms <= 0)
            return error_set(err, ERROR_UNREACHABLE,
                             "%zu job%s still open after the time given with --timeout", watch->open.count,
                             watch->open.count == 1 ? " is" : "s are");
        poll(NULL, 0, (int)(left_ms < WATCH_INTERVAL_MS ? left_ms : WATCH_INTERVAL_MS));
    }
}

bool job_watch(struct session *session, const struct invocation *invocation, struct error *err)
{
    const char *timeout = invocation->options[OPTION_TIMEOUT];
    struct watch watch = { .json = session->json };
    int64_t timeout_s = 0;
    bool watched;

    if (timeout && !number_read(timeout, "--timeout", 1, INT32_MAX, &timeout_s, err))
        return false;
    if (invocation->argument_count ? !find_named(session, invocation, &watch.open, err)
                                   : !find_open(session, &watch.open, err)) {
        job_numbers_clear(&watch.open);
        return false;
    }
    qsort(watch.open.numbers, watch.open.count, sizeof(*watch.open.numbers), compare_numbers);
    progress_start(&watch.progress, "jobs ended", watch.open.count);
    watched = watch_until_ended(session, &watch,
                                timeout ? clock_monotonic_ms() + timeout_s * 1000 : INT64_MAX, err);
    progress_end(&watch.progress);
    if (session->json)
        printf("{\"done\": %zu, \"failed\": %zu, \"open\": %zu}\n", watch.done, watch.failed,
               watch.open.count);
    job_numbers_clear(&watch.open);
    if (watched && watch.failed)
        return error_set(err, ERROR_CONFLICT,
                         "%zu of %zu jobs did not end well; see 'amtctl job show NUMBER'", watch.failed,
                         watch.done + watch.failed);
    return watched;
}
