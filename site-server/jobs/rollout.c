#include "rollout.h"

#include "statement.h"

static bool run(struct database *database, int statement, const int64_t *jobs, size_t count,
                struct rows **rows, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *array = parameters_numbers(parameters);

    for (size_t i = 0; i < count; i++)
        array_add_number(array, jobs[i]);
    return database_run(database, statement, parameters, rows, err);
}

static bool among(const struct rows *rows, int64_t job)
{
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (row_number(rows, i, "id") == job)
            return true;
    }
    return false;
}

bool rollout_admit(struct database *database, int64_t *jobs, size_t *count, struct error *err)
{
    AUTO(rows_free) struct rows *admitted = NULL;
    size_t kept = 0;

    if (!run(database, STATEMENT_ROLLOUT_LOCK, jobs, *count, NULL, err) ||
        !run(database, STATEMENT_ROLLOUT_ADMIT, jobs, *count, &admitted, err))
        return false;
    for (size_t i = 0; i < *count; i++) {
        if (among(admitted, jobs[i]))
            jobs[kept++] = jobs[i];
    }
    *count = kept;
    return true;
}

bool rollout_announce(struct database *database, struct error *err)
{
    return database_write(database, STATEMENT_ROLLOUT_ANNOUNCE, NULL, err);
}
