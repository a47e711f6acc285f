#include <stdio.h>

#include "session.h"
#include "verbs.h"

static const struct column coverage_columns[] = {
    { "root", "ROOT", COLUMN_TEXT },
    { "computers", "COMPUTERS", COLUMN_NUMBER },
    { "not_provisioned", "NOT PROVISIONED", COLUMN_NUMBER },
    { "only_this", "TRUST ONLY THIS", COLUMN_NUMBER },
    { "usable_until", "USABLE UNTIL", COLUMN_TEXT },
    { "root_not_after", "ROOT ENDS", COLUMN_TEXT },
    { "service_points", "SERVICE POINTS", COLUMN_NUMBER },
    { "certificates", NULL, COLUMN_NUMBER },
    { "sha256", NULL, COLUMN_TEXT },
};

static const struct column end_columns[] = {
    { "ends_at", "FROM", COLUMN_TEXT },
    { "stranded", "STRANDED", COLUMN_NUMBER },
    { "computers", "OF THESE NEW", COLUMN_NUMBER },
    { "not_provisioned", "NOT PROVISIONED", COLUMN_NUMBER },
    { "what", "WHAT ENDS", COLUMN_TEXT },
};

bool root_coverage(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *none = parameters_new();
    AUTO(parameters_free) struct parameters *none_either = parameters_new();
    AUTO(table_free) struct table *coverage = NULL;
    AUTO(table_free) struct table *ends = NULL;

    (void)invocation;
    if (!session_table(session, CONTROL_STATEMENT_ROOT_COVERAGE, &none, coverage_columns,
                       COUNT_OF(coverage_columns), &coverage, err) ||
        !session_table(session, CONTROL_STATEMENT_ROOT_END, &none_either, end_columns, COUNT_OF(end_columns),
                       &ends, err))
        return false;
    table_print_sections(
        (const struct table_section[]){
            { "roots", "Computers that trust our provisioning roots:", SHAPE_LIST, coverage },
            { "ends", "Computers that cannot be provisioned any more, unless something is renewed:",
              SHAPE_LIST, ends },
        },
        2, session->json, stdout);
    return true;
}
