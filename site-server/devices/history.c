#include "history.h"

#include "statement.h"

static const char *outcome_name(enum step_outcome outcome)
{
    static const char *const names[] = { [STEP_DONE] = "done",
                                         [STEP_UNCHANGED] = "unchanged",
                                         [STEP_SKIPPED] = "skipped",
                                         [STEP_FAILED] = "failed" };

    return names[outcome];
}

bool history_record_steps(struct database *database, const struct steps_of_attempt *reports, size_t count,
                          size_t *recorded, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *points = parameters_numbers(parameters);
    struct array *jobs = parameters_numbers(parameters);
    struct array *attempts = parameters_numbers(parameters);
    struct array *numbers = parameters_texts(parameters);
    struct array *names = parameters_texts(parameters);
    struct array *outcomes = parameters_texts(parameters);
    struct array *reasons = parameters_texts(parameters);
    struct array *details = parameters_texts(parameters);
    struct array *started = parameters_numbers(parameters);
    struct array *finished = parameters_numbers(parameters);

    if (recorded)
        *recorded = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < reports[i].count; k++) {
            const struct step_report *step = &reports[i].steps[k];

            array_add_number(points, reports[i].service_point);
            array_add_number(jobs, (int64_t)reports[i].id.job);
            array_add_number(attempts, reports[i].id.attempt);
            array_add_text(numbers, step->number);
            array_add_text(names, step->name);
            array_add_text(outcomes, outcome_name(step->outcome));
            array_add_text(reasons, step->reason == REASON_NONE ? NULL : reason_of(step->reason)->name);
            array_add_text(details, step->detail && *step->detail ? step->detail : NULL);
            array_add_number(started, step->started_ms);
            array_add_number(finished, step->finished_ms);
        }
    }
    if (!array_count(jobs))
        return true;
    if (!recorded)
        return database_write(database, STATEMENT_STEPS_STORE, parameters, err);
    if (!database_run(database, STATEMENT_STEPS_STORE, parameters, &rows, err))
        return false;
    *recorded = rows_affected(rows);
    return true;
}
