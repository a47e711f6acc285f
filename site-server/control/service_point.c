#include <stdio.h>

#include "session.h"
#include "verbs.h"

bool service_point_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "name", "NAME", COLUMN_TEXT },
        { "state", "STATE", COLUMN_TEXT },
        { "connected", "CONNECTED", COLUMN_BOOLEAN },
        { "slots", "SLOTS", COLUMN_NUMBER },
        { "running", "RUNNING", COLUMN_NUMBER },
        { "subnet_text", "SUBNETS", COLUMN_PRINTED },
        { "granted_text", "GRANTED", COLUMN_PRINTED },
        { "address", "ADDRESS", COLUMN_TEXT },
        { "software_version", "VERSION", COLUMN_TEXT },
        { "last_seen", "LAST SEEN", COLUMN_TEXT },
        { "public_key", "PUBLIC KEY", COLUMN_TEXT },
        { "free", NULL, COLUMN_NUMBER },
        { "subnets", NULL, COLUMN_JSON },
        { "granted_subnets", NULL, COLUMN_JSON },
        { "certificates", NULL, COLUMN_JSON },
        { "first_seen", NULL, COLUMN_TEXT },
        { "approved_at", NULL, COLUMN_TEXT },
        { "approved_by", NULL, COLUMN_TEXT },
    };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    (void)invocation;
    return session_show(session, CONTROL_STATEMENT_SERVICE_POINT_LIST, &parameters, columns,
                        COUNT_OF(columns), err);
}

/* Both verbs answer with the key that was meant, so that a person sees whom a name stood for. */
static bool change(struct session *session, int statement, struct parameters *parameters, const char *done,
                   struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(session->database, statement, parameters, &rows, err))
        return false;
    if (session->json) {
        printf("{\"%s\": ", done);
        json_print_text(row_text(rows, 0, "key"), stdout);
        printf("}\n");
    } else {
        printf("service point with key %s %s\n", row_text(rows, 0, "key"), done);
    }
    return true;
}

bool service_point_approve(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->arguments[0]);
    parameters_text(parameters, invocation->options[OPTION_NAME]);
    parameters_text(parameters, invocation->options[OPTION_SUBNETS]);
    return change(session, CONTROL_STATEMENT_SERVICE_POINT_APPROVE, parameters, "approved", err);
}

bool service_point_remove(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->arguments[0]);
    return change(session, CONTROL_STATEMENT_SERVICE_POINT_REMOVE, parameters, "removed", err);
}
