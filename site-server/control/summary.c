#include <stdio.h>

#include "session.h"
#include "verbs.h"

static const struct column fleet_columns[] = {
    { "amt_status_name", "STATUS", COLUMN_TEXT },      { "computers", "COMPUTERS", COLUMN_NUMBER },
    { "jobs_waiting", "JOBS WAITING", COLUMN_NUMBER }, { "jobs_running", "JOBS RUNNING", COLUMN_NUMBER },
    { "blocked", "BLOCKED", COLUMN_NUMBER },           { "amt_status", NULL, COLUMN_NUMBER },
};

static const struct column failure_columns[] = {
    { "reason_code", "CODE", COLUMN_TEXT },         { "computers", "COMPUTERS", COLUMN_NUMBER },
    { "last_hello_at", "LAST HELLO", COLUMN_TEXT }, { "meaning", "WHAT IS WRONG", COLUMN_TEXT },
    { "remedy", "WHAT TO DO", COLUMN_TEXT },
};

static const struct column waiting_columns[] = {
    { "amount", "HOW MANY", COLUMN_NUMBER },
    { "what", "WHAT", COLUMN_TEXT },
    { "remedy", "WHAT TO DO", COLUMN_TEXT },
};

static bool table_of(struct session *session, int statement, const struct column *columns,
                     size_t column_count, struct table **table, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    return session_table(session, statement, &parameters, columns, column_count, table, err);
}

bool summary_run(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(table_free) struct table *fleet = NULL;
    AUTO(table_free) struct table *failures = NULL;
    AUTO(table_free) struct table *waiting = NULL;

    (void)invocation;
    if (!table_of(session, CONTROL_STATEMENT_SUMMARY_FLEET, fleet_columns, COUNT_OF(fleet_columns), &fleet,
                  err) ||
        !table_of(session, CONTROL_STATEMENT_SUMMARY_FAILURES, failure_columns, COUNT_OF(failure_columns),
                  &failures, err) ||
        !table_of(session, CONTROL_STATEMENT_SUMMARY_WAITING, waiting_columns, COUNT_OF(waiting_columns),
                  &waiting, err))
        return false;
    table_print_sections(
        (const struct table_section[]){
            { "fleet", "Computers by status:", SHAPE_LIST, fleet },
            { "failures", "What keeps computers from being provisioned:", SHAPE_LIST, failures },
            { "waiting", "What waits for a person:", SHAPE_LIST, waiting },
        },
        3, session->json, stdout);
    return true;
}
