#include "unprovisioning.h"

#include "statement.h"

bool unprovisioning_proved(struct database *database, const struct attempt_id *id, enum reason_code reason,
                           bool *done, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    bool closed = reason == REASON_PORT_CLOSED;

    *done = false;
    if (!closed && reason != REASON_UNREACHABLE)
        return true;
    parameters_number(parameters, (int64_t)id->job);
    parameters_number(parameters, id->attempt);
    if (!database_run(database, STATEMENT_UNPROVISION_PROOF, parameters, &rows, err))
        return false;
    *done = row_bool(rows, 0, "confirmed") || (closed && row_bool(rows, 0, "begun"));
    return true;
}
