#include "computer_name.h"

bool computer_find(struct session *session, const char *name, struct uuid *uuid, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid named;
    bool is_uuid = uuid_parse(name, &named);

    parameters_uuid(parameters, is_uuid ? &named : NULL);
    parameters_text(parameters, is_uuid ? NULL : name);
    if (!database_run(session->database, CONTROL_STATEMENT_COMPUTER_FIND, parameters, &rows, err))
        return false;
    if (rows_count(rows) == 0)
        return error_set(
            err, ERROR_ABSENT,
            "no computer has the %s '%.80s'; see 'amtctl computer list', or import it with 'amtctl import'",
            is_uuid ? "UUID" : "FQDN", name);
    *uuid = row_uuid(rows, 0, "uuid");
    return true;
}
