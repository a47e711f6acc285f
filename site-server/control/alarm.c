#include <stdio.h>

#include "session.h"
#include "verbs.h"

bool alarm_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "id", "ALARM", COLUMN_NUMBER },
        { "fqdn", "COMPUTER", COLUMN_TEXT },
        { "code", "CODE", COLUMN_TEXT },
        { "address", "ADDRESS", COLUMN_TEXT },
        { "count", "TIMES", COLUMN_NUMBER },
        { "raised_at", "FIRST", COLUMN_TEXT },
        { "last_at", "LAST", COLUMN_TEXT },
        { "text", "TEXT", COLUMN_TEXT },
        { "uuid", NULL, COLUMN_TEXT },
        { "acknowledged_at", NULL, COLUMN_TEXT },
        { "acknowledged_by", NULL, COLUMN_TEXT },
    };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_bool(parameters, invocation->options[OPTION_ALL] != NULL);
    return session_show(session, CONTROL_STATEMENT_ALARM_LIST, &parameters, columns, COUNT_OF(columns), err);
}

static bool acknowledge(struct session *session, const char *number, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    int64_t id;

    if (!number_read(number, "the alarm's number", 1, INT64_MAX, &id, err))
        return false;
    parameters_number(parameters, id);
    return session_do(session, CONTROL_STATEMENT_ALARM_ACKNOWLEDGE, &parameters, err);
}

/* All or none. */
bool alarm_acknowledge(struct session *session, const struct invocation *invocation, struct error *err)
{
    if (!database_begin(session->database, err))
        return false;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        if (!acknowledge(session, invocation->arguments[i], err))
            return false;
    }
    if (!database_commit(session->database, err))
        return false;
    printf(session->json ? "{\"acknowledged\": %zu}\n" : "%zu acknowledged\n", invocation->argument_count);
    return true;
}
