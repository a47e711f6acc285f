#include "database/database_parts.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "database/dial.h"
#include "database/schema_change.h"
#include "statement.h"

static const struct {
    enum database_channel bit;
    const char *name, *listen;
} channels[] = {
    { CHANNEL_JOB, "amt_job", "LISTEN amt_job" },
    { CHANNEL_SERVICE_POINT, "amt_service_point", "LISTEN amt_service_point" },
    { CHANNEL_AUTHORITY, "amt_authority", "LISTEN amt_authority" },
    { CHANNEL_REVOCATION, "amt_revocation", "LISTEN amt_revocation" },
    { CHANNEL_COMPUTER, "amt_computer", "LISTEN amt_computer" },
};

/*
 * Notices are for people at a terminal; libpq would write them to standard error. One is not: a COMMIT that
 * did not wait for its synchronous standby to the end, because it was cancelled, succeeds with a warning
 * (PostgreSQL documentation, 27.2.8.3 "Planning for High Availability").
 */
static void take_notice(void *context, const PGresult *notice)
{
    struct database *database = context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);

    database->warned |= severity && strcmp(severity, "WARNING") == 0 && state && strcmp(state, "01000") == 0;
}

static void take_connection(struct database *database, PGconn *connection)
{
    database->connection = connection;
    PQsetnonblocking(connection, 0);
    PQsetNoticeReceiver(connection, take_notice, database);
}

static bool set_timeout(struct database *database, struct error *err)
{
    AUTO(text_free)
    char *command = text_format("SET statement_timeout = %lld", (long long)database->statement_timeout_ms);

    return !database->statement_timeout_ms || database_execute(database, command, err);
}

static bool say_who(struct database *database, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, database->instance);
    return !database->instance ||
           database_run_once(database, &statement_texts[STATEMENT_SITE_SERVER_SET], parameters, NULL, err);
}

static bool listen(struct database *database, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(channels); i++) {
        if ((database->channels & channels[i].bit) && !database_execute(database, channels[i].listen, err))
            return false;
    }
    database->notified = database->channels;
    return true;
}

static bool no_right(const struct database *database, struct error *err)
{
    const char *user = PQuser(database->connection);

    return error_set(
        err, ERROR_REFUSED,
        "user %s may not use schema amt; GRANT one of amt_reader, amt_operator, amt_site_server TO %s", user,
        user);
}

static bool check_schema(struct database *database, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    int missing;

    if (!database_run_once(database, &statement_texts[STATEMENT_SCHEMA_EXISTS], NULL, &rows, err))
        return err->code == ERROR_REFUSED ? no_right(database, err) : false;
    if (!row_bool(rows, 0, "present"))
        return error_set(err, ERROR_INTERNAL,
                         "database '%s' has no AMT schema; run: amt-site-server --migrate",
                         PQdb(database->connection));
    if (!schema_find_missing(database, &missing, err))
        return false;
    if (missing)
        return error_set(err, ERROR_INTERNAL,
                         "database '%s' lacks version %d of the schema, which this program needs; "
                         "run: amt-site-server --migrate",
                         PQdb(database->connection), missing);
    return true;
}

/* All in one round trip. */
static bool prepare_all(struct database *database, struct error *err)
{
    bool prepared = true;

    if (!PQenterPipelineMode(database->connection))
        return database_lost(database, err);
    for (size_t i = 0; i < database->statement_count; i++) {
        if (!PQsendPrepare(database->connection, database->statements[i].name, database->statements[i].text,
                           0, NULL))
            return database_lost(database, err);
    }
    if (!PQpipelineSync(database->connection))
        return database_lost(database, err);
    for (size_t i = 0; i < database->statement_count && prepared; i++) {
        AUTO(result_free) PGresult *result = PQgetResult(database->connection);
        AUTO(result_free) PGresult *end = PQgetResult(database->connection);

        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            prepared = database_failed(database, result, database->statements[i].name, err);
    }
    if (!prepared) {
        database_disconnect(database); /* the rest of the pipeline is of no use */
        return false;
    }
    PQclear(PQgetResult(database->connection)); /* the sync point */
    return PQexitPipelineMode(database->connection) || database_lost(database, err);
}

/* What a new connection needs; a few round trips. */
static bool set_up(struct database *database, struct error *err)
{
    if (set_timeout(database, err) && say_who(database, err) &&
        (!database->statement_count || check_schema(database, err)) && prepare_all(database, err) &&
        listen(database, err))
        return true;
    database_disconnect(database);
    return false;
}

bool database_connect(struct database *database, bool *done, struct error *err)
{
    PGconn *connection = NULL;

    *done = false;
    if (!database->dial) {
        database_disconnect(database);
        if (!dial_begin(&database->dial, database->url, database->program, err))
            return false;
    }
    switch (dial_continue(database->dial, &connection, err)) {
    case DIAL_GOES_ON:
        return true;
    case DIAL_FAILED:
        dial_end(&database->dial);
        return false;
    case DIAL_CONNECTED:
        dial_end(&database->dial);
        take_connection(database, connection);
        break;
    }
    *done = set_up(database, err);
    return *done;
}

bool database_connecting(const struct database *database)
{
    return database->dial != NULL;
}

int64_t database_connect_due_ms(const struct database *database)
{
    return dial_due_ms(database->dial);
}

static bool wait_for_connection(struct database *database, struct error *err)
{
    bool done = false;

    while (database_connect(database, &done, err)) {
        if (done)
            return true;
        int64_t left_ms = database_connect_due_ms(database) - clock_monotonic_ms();

        poll(&(struct pollfd){ .fd = dial_descriptor(database->dial), .events = POLLIN }, 1,
             left_ms > 0 ? (int)left_ms : 0);
    }
    return false;
}

struct database *database_new(const struct database_options *options)
{
    struct database *database = allocate(sizeof(*database));

    database->url = text_copy(options->url);
    database->program = text_copy(options->program);
    database->instance = options->instance ? text_copy(options->instance) : NULL;
    database->statements = options->statements;
    database->statement_count = options->statement_count;
    database->channels = options->channels;
    database->statement_timeout_ms = options->statement_timeout_ms;
    database->answered = options->answered;
    database->meanwhile = options->meanwhile;
    database->context = options->context;
    return database;
}

bool database_open(struct database **database, const struct database_options *options, struct error *err)
{
    AUTO(database_close) struct database *opening = database_new(options);

    if (!wait_for_connection(opening, err))
        return false;
    *database = TAKE(opening);
    return true;
}

void database_close(struct database **database)
{
    if (*database) {
        dial_end(&(*database)->dial);
        database_disconnect(*database);
        free((*database)->url);
        free((*database)->program);
        free((*database)->instance);
        free((*database)->notes);
        free(*database);
    }
    *database = NULL;
}

bool database_connected(const struct database *database)
{
    return database->connection != NULL;
}

bool database_reconnect(struct database *database, struct error *err)
{
    dial_end(&database->dial);
    return wait_for_connection(database, err);
}

int database_descriptor(const struct database *database)
{
    if (database->dial)
        return dial_descriptor(database->dial);
    return database->connection ? PQsocket(database->connection) : -1;
}

bool database_notifications(struct database *database, unsigned *notified, struct error *err)
{
    PGnotify *notice;

    if (database_not_connected(database, err))
        return false;
    if (!PQconsumeInput(database->connection))
        return database_lost(database, err);
    while ((notice = PQnotifies(database->connection))) {
        for (size_t i = 0; i < COUNT_OF(channels); i++) {
            /* What it said of jobs itself it knows; what triggers said in its name it does not. */
            bool known =
                channels[i].bit == CHANNEL_JOB && notice->be_pid == PQbackendPID(database->connection);

            if (!known && strcmp(notice->relname, channels[i].name) == 0)
                database->notified |= channels[i].bit;
        }
        PQfreemem(notice);
    }
    *notified = database->notified;
    database->notified = 0;
    return true;
}
