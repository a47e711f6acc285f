#include "schema_change.h"

#include <stdlib.h>

#include "database/database.h"
#include "migration.h"
#include "statement.h"

/* A file's number is the version that it leads to: 0001_name. */
static int version_of(const struct sql_text *migration)
{
    return (int)strtol(migration->name, NULL, 10);
}

int schema_version_needed(void)
{
    return version_of(&migration_texts[MIGRATION_COUNT - 1]);
}

bool schema_find_missing(struct database *database, int *missing, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *needed = parameters_numbers(parameters);
    AUTO(rows_free) struct rows *rows = NULL;

    for (size_t i = 0; i < MIGRATION_COUNT; i++)
        array_add_number(needed, version_of(&migration_texts[i]));
    if (!database_run_once(database, &statement_texts[STATEMENT_SCHEMA_MISSING], parameters, &rows, err))
        return false;
    *missing = (int)row_number(rows, 0, "missing");
    return true;
}

static bool is_applied(struct database *database, const struct sql_text *migration, bool *applied,
                       struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    *applied = false;
    if (!database_run_once(database, &statement_texts[STATEMENT_SCHEMA_EXISTS], NULL, &rows, err))
        return false;
    if (!row_bool(rows, 0, "present"))
        return true;
    rows_free(&rows);
    parameters_number(parameters, version_of(migration));
    if (!database_run_once(database, &statement_texts[STATEMENT_SCHEMA_IS_APPLIED], parameters, &rows, err))
        return false;
    *applied = row_bool(rows, 0, "applied");
    return true;
}

/* The lock belongs to the transaction, so that others see either nothing of this version or all of it. Each
 * version is looked up by itself: one that was written beside a later one is missing though the later is
 * there. */
static bool apply_inside(struct database *database, const struct sql_text *migration, bool *applied,
                         struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    bool is_there;

    *applied = false;
    if (!database_run_once(database, &statement_texts[STATEMENT_SCHEMA_PATIENCE], NULL, NULL, err) ||
        !database_run_once(database, &statement_texts[STATEMENT_SCHEMA_LOCK], NULL, NULL, err) ||
        !is_applied(database, migration, &is_there, err))
        return false;
    if (is_there)
        return true;
    *applied = true;
    parameters_number(parameters, version_of(migration));
    parameters_text(parameters, migration->name);
    return database_run_script(database, migration, err) &&
           database_run_once(database, &statement_texts[STATEMENT_SCHEMA_APPLIED], parameters, NULL, err);
}

/* The change waited for somebody in vain; who holds the lock is looked up when it is given up, so that it may
 * be gone by now. */
static bool error_about_holder(struct database *database, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct error unknown;
    long long pid;

    if (!database_run_once(database, &statement_texts[STATEMENT_SCHEMA_HOLDER], NULL, &rows, &unknown) ||
        !rows_count(rows))
        return error_set(err, ERROR_CONFLICT,
                         "it waited in vain for a lock, which is free by now; call --migrate again");
    pid = (long long)row_number(rows, 0, "pid");
    return error_set(
        err, ERROR_CONFLICT,
        "it waited in vain for a lock that %s of user %s on %s holds (process %lld, %s, for %lld s); "
        "let it end, or end it with SELECT pg_terminate_backend(%lld), and call --migrate again",
        row_text(rows, 0, "program"), row_text(rows, 0, "who"), row_text(rows, 0, "host"), pid,
        row_text(rows, 0, "state"), (long long)row_number(rows, 0, "seconds"), pid);
}

static bool apply(struct database *database, const struct sql_text *migration, bool *applied,
                  struct error *err)
{
    if (!database_begin(database, err))
        return false;
    if (!apply_inside(database, migration, applied, err) || !database_commit(database, err)) {
        database_rollback(database);
        if (err->code == ERROR_CONFLICT && database_connected(database))
            error_about_holder(database, err);
        return error_during(err, "schema change %s", migration->name);
    }
    return true;
}

static bool store_reasons(struct database *database, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *codes = parameters_texts(parameters);
    struct array *retries = parameters_bools(parameters);
    struct array *statuses = parameters_numbers(parameters);
    struct array *meanings = parameters_texts(parameters);
    struct array *remedies = parameters_texts(parameters);

    for (enum reason_code code = REASON_NONE + 1; code < REASON_COUNT; code++) {
        const struct reason *reason = reason_of(code);

        array_add_text(codes, reason->name);
        array_add_bool(retries, reason->retry == RETRY_LATER);
        if (reason->status >= 0)
            array_add_number(statuses, reason->status);
        else
            array_add_null(statuses);
        array_add_text(meanings, reason->meaning);
        array_add_text(remedies, reason->remedy);
    }
    return database_run_once(database, &statement_texts[STATEMENT_REASONS_STORE], parameters, NULL, err);
}

bool schema_migrate(const char *url, unsigned *applied, struct error *err)
{
    struct database_options options = { .url = url, .program = "amt-site-server --migrate" };
    AUTO(database_close) struct database *database = NULL;
    unsigned count = 0;

    if (!database_open(&database, &options, err))
        return false;
    for (size_t i = 0; i < MIGRATION_COUNT; i++) {
        bool done = false;

        if (!apply(database, &migration_texts[i], &done, err))
            return false;
        count += done;
    }
    if (!store_reasons(database, err))
        return false;
    *applied = count;
    return true;
}
