#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database/schema_change.h"
#include "session.h"
#include "verbs.h"

static const struct column finding_columns[] = {
    { "level", "LEVEL", COLUMN_TEXT },       { "code", "CODE", COLUMN_TEXT },
    { "amount", NULL, COLUMN_NUMBER },       { "finding", "FINDING", COLUMN_TEXT },
    { "remedy", "WHAT TO DO", COLUMN_TEXT },
};

struct health {
    struct table *findings;
    size_t bad; /* problems and warnings; notes are for information */
};

static void find(struct health *health, const char *level, const char *code, const char *amount,
                 const char *finding, const char *remedy)
{
    table_add(health->findings, level);
    table_add(health->findings, code);
    table_add(health->findings, amount);
    table_add(health->findings, finding);
    table_add(health->findings, remedy);
    health->bad += strcmp(level, "note") != 0;
}

static bool ask_database(struct session *session, struct health *health, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!session_open(session, "amt_reader", err) ||
        !database_run(session->database, CONTROL_STATEMENT_HEALTH, NULL, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++) {
        AUTO(text_free) char *amount = text_format("%" PRId64, row_number(rows, i, "amount"));

        find(health, row_text(rows, i, "level"), row_text(rows, i, "code"), amount,
             row_text(rows, i, "finding"), row_text(rows, i, "remedy"));
    }
    return true;
}

/* An older schema than this program's is refused when the database is opened. */
static bool compare_schema(struct session *session, struct health *health, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(text_free) char *finding = NULL;
    int64_t version;

    if (!database_run(session->database, CONTROL_STATEMENT_CHECK_SCHEMA, NULL, &rows, err))
        return false;
    version = row_number(rows, 0, "version");
    if (version <= schema_version_needed())
        return true;
    finding = text_format("the database has version %" PRId64 " of the schema, this program knows %d",
                          version, schema_version_needed());
    find(health, "warning", "schema-newer", "1", finding, "end the upgrade of the programs");
    return true;
}

bool health_run(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(table_free) struct table *findings = table_new(finding_columns, COUNT_OF(finding_columns));
    struct health health = { findings, 0 };
    struct error why = { 0 };

    (void)invocation;
    if (!ask_database(session, &health, &why) || !compare_schema(session, &health, &why))
        find(&health, "problem", "database", "1", why.message,
             "start PostgreSQL, or give the right one with --database or $AMT_DATABASE_URL");
    if (session->json)
        table_print_json(findings, SHAPE_LIST, stdout);
    else if (table_rows(findings))
        table_print_text(findings, SHAPE_LIST, stdout);
    if (health.bad)
        return error_set(err, ERROR_INPUT, "%zu finding%s", health.bad, health.bad == 1 ? "" : "s");
    if (!session->json)
        puts("all is well");
    return true;
}
