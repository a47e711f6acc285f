#include "lease.h"

#include <inttypes.h>
#include <stdlib.h>

#include "statement.h"

bool lease_hold(struct database *database, const struct job_settings *settings,
                const struct held_attempt *held, size_t count, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *points = parameters_numbers(parameters);
    struct array *jobs = parameters_numbers(parameters);
    struct array *attempts = parameters_numbers(parameters);

    if (!count)
        return true;
    for (size_t i = 0; i < count; i++) {
        array_add_number(points, held[i].service_point);
        array_add_number(jobs, (int64_t)held[i].id.job);
        array_add_number(attempts, held[i].id.attempt);
    }
    parameters_number(parameters, settings->lease_s);
    /* A service point that names an attempt for ever must not keep the job from the others: its own deadline
     * is over by then, and one lease more was time to report. */
    parameters_number(parameters, settings->deadline_s + settings->lease_s);
    return database_write(database, STATEMENT_LEASE_HOLD, parameters, err);
}

static void setbacks_free(struct job_setback **setbacks)
{
    free(*setbacks); /* their texts are NULL */
    *setbacks = NULL;
}

/* An offer that nobody took up is no contact with the computer, so it does not count. */
static bool take_back(struct database *database, const struct job_settings *settings, const struct rows *rows,
                      struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(setbacks_free) struct job_setback *setbacks = allocate(rows_count(rows) * sizeof(*setbacks));
    struct array *jobs = parameters_numbers(parameters);
    struct array *attempts = parameters_numbers(parameters);

    for (size_t i = 0; i < rows_count(rows); i++) {
        setbacks[i] = (struct job_setback){
            .job = row_number(rows, i, "id"),
            .from = JOB_LEASED,
            .reason = REASON_LEASE_OVER,
            .failures = row_number(rows, i, "failures"),
            .delay_s = row_bool(rows, i, "accepted") ? -1 : 0,
        };
        array_add_number(jobs, setbacks[i].job);
        array_add_number(attempts, row_number(rows, i, "attempt"));
    }
    return !rows_count(rows) || (database_write(database, STATEMENT_ATTEMPTS_LOST, parameters, err) &&
                                 job_set_back(database, settings, setbacks, rows_count(rows), err));
}

bool lease_reap(struct database *database, const struct job_settings *settings, size_t *taken_back,
                struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(database, STATEMENT_LEASES_OVER, NULL, &rows, err) ||
        !take_back(database, settings, rows, err))
        return false;
    *taken_back = rows_count(rows);
    return true;
}

bool lease_release_others(struct database *database, const struct job_settings *settings,
                          int64_t service_point, const struct attempt_id *running, size_t count,
                          size_t *taken_back, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *jobs, *attempts;

    parameters_number(parameters, service_point);
    jobs = parameters_numbers(parameters);
    attempts = parameters_numbers(parameters);
    for (size_t i = 0; i < count; i++) {
        array_add_number(jobs, (int64_t)running[i].job);
        array_add_number(attempts, running[i].attempt);
    }
    if (!database_run(database, STATEMENT_LEASES_GIVEN_UP, parameters, &rows, err) ||
        !take_back(database, settings, rows, err))
        return false;
    *taken_back = rows_count(rows);
    return true;
}

bool lease_withdraw(struct database *database, const struct job_settings *settings,
                    const struct held_attempt *unsent, size_t count, size_t *taken_back, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *jobs = parameters_numbers(parameters);
    struct array *attempts = parameters_numbers(parameters);
    struct array *points = parameters_numbers(parameters);

    *taken_back = 0;
    for (size_t i = 0; i < count; i++) {
        array_add_number(jobs, (int64_t)unsent[i].id.job);
        array_add_number(attempts, unsent[i].id.attempt);
        array_add_number(points, unsent[i].service_point);
    }
    if (count && (!database_run(database, STATEMENT_LEASES_UNSENT, parameters, &rows, err) ||
                  !take_back(database, settings, rows, err)))
        return false;
    *taken_back = count ? rows_count(rows) : 0;
    return true;
}

bool lease_subject(struct database *database, int statement, int64_t service_point,
                   const struct attempt_id *id, struct rows **rows, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, (int64_t)id->job);
    parameters_number(parameters, id->attempt);
    parameters_number(parameters, service_point);
    if (!database_run(database, statement, parameters, rows, err))
        return false;
    if (rows_count(*rows))
        return true;
    rows_free(rows);
    return error_because(err, REASON_STALE_ATTEMPT,
                         "attempt %u of job %" PRIu64 " is over, or not this service point's", id->attempt,
                         id->job);
}

bool lease_next_due(struct database *database, int64_t *milliseconds, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(database, STATEMENT_JOB_NEXT_DUE, NULL, &rows, err))
        return false;
    *milliseconds = row_is_null(rows, 0, "milliseconds") ? -1 : row_number(rows, 0, "milliseconds");
    return true;
}
