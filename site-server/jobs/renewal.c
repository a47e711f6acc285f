#include "renewal.h"

#include "statement.h"

bool renewal_request(struct database *database, size_t *requested, bool *more, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_number(parameters, RENEWALS_AT_ONCE);
    if (!database_run(database, STATEMENT_CERTIFICATES_RENEW, parameters, &rows, err))
        return false;
    *requested = rows_count(rows);
    *more = *requested == RENEWALS_AT_ONCE;
    return true;
}
