#include "database.h"

#include <assert.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "database/dial.h"
#include "database/schema_change.h"
#include "statement.h"

#define SENT_MAX     256
#define MEANWHILE_MS 100

struct database {
    PGconn *connection; /* NULL: lost */
    struct dial *dial;  /* NULL: no connection is being made */
    bool warned;        /* by the server, since it was set back */
    char *url, *program, *instance;
    const struct sql_text *statements;
    size_t statement_count;
    unsigned channels, notified; /* bits of enum database_channel */
    int64_t statement_timeout_ms;
    void (*answered)(void);
    void (*meanwhile)(void *context); /* NULL: nothing */
    void *context;
    int64_t commit_ms;          /* when the COMMIT under way was sent; 0: none is */
    const char *sent[SENT_MAX]; /* names of statements in the pipeline, whose ends were not looked at yet */
    size_t sent_count;
    struct database_keeper keeper; /* keep NULL: none */
    char *notes;                   /* of this transaction */
    size_t notes_length;
};

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

static void result_free(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

static void disconnect(struct database *database)
{
    PQfinish(database->connection);
    database->connection = NULL;
    database->sent_count = 0;
}

/* SQLSTATEs (PostgreSQL documentation, appendix A) that some caller treats differently. A prefix of two
 * characters is a class. */
static const struct {
    const char *state;
    enum error_code code;
} states[] = {
    { "AM001", ERROR_ABSENT },   { "AM002", ERROR_CONFLICT },  { "AM003", ERROR_INPUT },
    { "08", ERROR_UNREACHABLE }, { "57P", ERROR_UNREACHABLE }, { "25006", ERROR_UNREACHABLE },
    { "53", ERROR_UNREACHABLE }, { "42501", ERROR_REFUSED },   { "28", ERROR_REFUSED },
    { "40", ERROR_CONFLICT },    { "23505", ERROR_CONFLICT },  { "55P03", ERROR_CONFLICT },
    { "22", ERROR_INPUT },
};

static enum error_code code_of(const char *state)
{
    for (size_t i = 0; state && i < COUNT_OF(states); i++) {
        if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
            return states[i].code;
    }
    return ERROR_INTERNAL;
}

/* libpq's own messages end with a newline and may have several lines. */
static void flatten(char *text)
{
    size_t length = strlen(text);

    while (length && text[length - 1] == '\n')
        text[--length] = '\0';
    for (; *text; text++) {
        if (*text == '\n' || *text == '\t')
            *text = ' ';
    }
}

static bool lost(struct database *database, struct error *err)
{
    AUTO(text_free) char *why = text_copy(PQerrorMessage(database->connection));

    flatten(why);
    disconnect(database);
    return error_set(err, ERROR_UNREACHABLE, "database: %s", *why ? why : "the connection was lost");
}

static void note_answer(const struct database *database)
{
    if (database->answered)
        database->answered();
}

/* What the server says is for people and carries no parameter; its DETAIL would, so it is left out. */
static bool failed(struct database *database, const PGresult *result, const char *statement,
                   struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    enum error_code code = code_of(state);
    bool by_function = state && strncmp(state, "AM", 2) == 0;

    if (PQstatus(database->connection) == CONNECTION_BAD || !state)
        return lost(database, err);
    error_set(err, code, "%s%s%s%s%s", by_function ? "" : statement, by_function ? "" : ": ", message,
              hint ? "; " : "", hint ? hint : "");
    if (code == ERROR_UNREACHABLE)
        disconnect(database); /* a standby, or a server that goes down: another connection is needed */
    return false;
}

static bool not_connected(const struct database *database, struct error *err)
{
    if (database->connection)
        return false;
    error_set(err, ERROR_UNREACHABLE, "database: not connected");
    return true;
}

/* True also when a statement failed earlier: then *done is false and *err says why. False: the connection is
 * lost. */
static bool take_sent_result(struct database *database, const char *name, bool *done, struct error *err)
{
    AUTO(result_free) PGresult *result = PQgetResult(database->connection);
    AUTO(result_free) PGresult *end = NULL;
    ExecStatusType status = PQresultStatus(result);

    if (!result)
        return lost(database, err);
    end = PQgetResult(database->connection); /* NULL after each statement */
    note_answer(database);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_PIPELINE_ABORTED || !*done)
        return true;
    *done = false;
    failed(database, result, name, err);
    return database->connection != NULL;
}

/* Waits for the ends of what database_write() sent. */
static bool finish_sent(struct database *database, struct error *err)
{
    size_t count = database->sent_count;
    PGresult *sync;
    bool done = true;

    if (!count)
        return true;
    if (!PQpipelineSync(database->connection))
        return lost(database, err);
    for (size_t i = 0; i < count; i++) {
        if (!take_sent_result(database, database->sent[i], &done, err))
            return false;
    }
    database->sent_count = 0;
    sync = PQgetResult(database->connection);
    PQclear(sync);
    if (!sync || !PQexitPipelineMode(database->connection))
        return lost(database, err);
    return done;
}

static bool execute(struct database *database, const char *text, struct error *err)
{
    AUTO(result_free) PGresult *result = NULL;

    if (not_connected(database, err))
        return false;
    if (!finish_sent(database, err))
        return false;
    result = PQexec(database->connection, text);
    note_answer(database);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        return failed(database, result, text, err);
    return true;
}

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

    return !database->statement_timeout_ms || execute(database, command, err);
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
        if ((database->channels & channels[i].bit) && !execute(database, channels[i].listen, err))
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
        return lost(database, err);
    for (size_t i = 0; i < database->statement_count; i++) {
        if (!PQsendPrepare(database->connection, database->statements[i].name, database->statements[i].text,
                           0, NULL))
            return lost(database, err);
    }
    if (!PQpipelineSync(database->connection))
        return lost(database, err);
    for (size_t i = 0; i < database->statement_count && prepared; i++) {
        AUTO(result_free) PGresult *result = PQgetResult(database->connection);
        AUTO(result_free) PGresult *end = PQgetResult(database->connection);

        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            prepared = failed(database, result, database->statements[i].name, err);
    }
    if (!prepared) {
        disconnect(database); /* the rest of the pipeline is of no use */
        return false;
    }
    PQclear(PQgetResult(database->connection)); /* the sync point */
    return PQexitPipelineMode(database->connection) || lost(database, err);
}

/* What a new connection needs; a few round trips. */
static bool set_up(struct database *database, struct error *err)
{
    if (set_timeout(database, err) && say_who(database, err) &&
        (!database->statement_count || check_schema(database, err)) && prepare_all(database, err) &&
        listen(database, err))
        return true;
    disconnect(database);
    return false;
}

bool database_connect(struct database *database, bool *done, struct error *err)
{
    PGconn *connection = NULL;

    *done = false;
    if (!database->dial) {
        disconnect(database);
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
        disconnect(*database);
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

void database_keep_notes(struct database *database, const struct database_keeper *keeper)
{
    database->keeper = *keeper;
}

bool database_keeps_notes(const struct database *database)
{
    return database->keeper.keep != NULL;
}

void database_note(struct database *database, const char *line)
{
    size_t length = strlen(line);

    if (!database->keeper.keep)
        return;
    database->notes = reallocate(database->notes, database->notes_length + length, 1);
    memcpy(database->notes + database->notes_length, line, length);
    database->notes_length += length;
}

static bool keep_notes(struct database *database, struct error *err)
{
    size_t length = database->notes_length;

    database->notes_length = 0;
    if (!length || database->keeper.keep(database->keeper.context, database->notes, length, err))
        return true;
    disconnect(database);
    err->code = ERROR_UNREACHABLE;
    return false;
}

bool database_begin(struct database *database, struct error *err)
{
    database->notes_length = 0;
    return execute(database, "BEGIN", err);
}

int64_t database_commit_waits_ms(const struct database *database)
{
    return database->commit_ms ? clock_monotonic_ms() - database->commit_ms : 0;
}

static void wait_a_moment(struct database *database, int64_t left_ms)
{
    struct pollfd answer = { .fd = PQsocket(database->connection), .events = POLLIN };
    int moment_ms = left_ms >= 0 && left_ms < MEANWHILE_MS ? (int)left_ms : MEANWHILE_MS;

    if (poll(&answer, 1, moment_ms) == 0 && database->meanwhile)
        database->meanwhile(database->context);
}

/* A COMMIT waits for its synchronous standby, and statement_timeout does not end that. */
static bool wait_for_answer(struct database *database, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + database->statement_timeout_ms;

    while (PQconsumeInput(database->connection)) {
        int64_t left_ms = database->statement_timeout_ms ? end_ms - clock_monotonic_ms() : -1;

        if (!PQisBusy(database->connection)) {
            note_answer(database);
            return true;
        }
        if (database->statement_timeout_ms && left_ms <= 0) {
            disconnect(database);
            return error_set(
                err, ERROR_UNREACHABLE,
                "database: COMMIT was not answered in %lld ms; if a synchronous standby is away, bring "
                "it back or take it out of synchronous_standby_names",
                (long long)database->statement_timeout_ms);
        }
        wait_a_moment(database, left_ms);
    }
    return lost(database, err);
}

static bool wait_for_commit(struct database *database, struct error *err)
{
    bool answered;

    database->commit_ms = clock_monotonic_ms();
    answered = wait_for_answer(database, err);
    database->commit_ms = 0;
    return answered;
}

bool database_commit(struct database *database, struct error *err)
{
    AUTO(result_free) PGresult *result = NULL;

    if (not_connected(database, err))
        return false;
    if (!finish_sent(database, err) || !keep_notes(database, err))
        return false;
    database->warned = false;
    if (!PQsendQuery(database->connection, "COMMIT"))
        return lost(database, err);
    if (!wait_for_commit(database, err))
        return false;
    result = PQgetResult(database->connection);
    AUTO(result_free) PGresult *end = PQgetResult(database->connection); /* NULL after one statement */

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return failed(database, result, "COMMIT", err);
    if (database->warned) {
        disconnect(database);
        return error_set(
            err, ERROR_UNREACHABLE,
            "database: the synchronous standby did not confirm the transaction in time, so that it "
            "may be lost when the primary dies; it is carried out again");
    }
    /* PostgreSQL answers the COMMIT of a broken transaction with ROLLBACK. */
    if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return error_set(err, ERROR_CONFLICT,
                         "database: the transaction was rolled back, a statement in it failed");
    return true;
}

void database_rollback(struct database *database)
{
    struct error ignored;

    if (!database->connection || (!finish_sent(database, &ignored) && !database->connection))
        return;
    if (PQtransactionStatus(database->connection) != PQTRANS_IDLE && !execute(database, "ROLLBACK", &ignored))
        disconnect(database);
}

bool database_transaction_usable(const struct database *database)
{
    return database->connection &&
           (database->sent_count || PQtransactionStatus(database->connection) == PQTRANS_INTRANS);
}

static bool take_result(struct database *database, PGresult *result, const char *name, struct rows **rows,
                        struct error *err)
{
    ExecStatusType status = PQresultStatus(result);

    note_answer(database);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        failed(database, result, name, err);
        PQclear(result);
        return false;
    }
    if (rows)
        *rows = rows_new(result, name);
    else
        PQclear(result);
    return true;
}

/* Outside a transaction a statement commits by itself, and waits for the standby like a COMMIT. NULL: it was
 * given up, and *err says why. */
static PGresult *run_alone(struct database *database, const char *name, const struct parameter_list *list,
                           struct error *err)
{
    PGresult *result, *further;

    if (!PQsendQueryPrepared(database->connection, name, list->count, list->values, list->lengths,
                             list->formats, 1)) {
        lost(database, err);
        return NULL;
    }
    if (!wait_for_commit(database, err))
        return NULL;
    result = PQgetResult(database->connection);
    while ((further = PQgetResult(database->connection))) /* NULL after one statement */
        PQclear(further);
    if (!result)
        lost(database, err);
    return result;
}

bool database_run(struct database *database, int statement, struct parameters *parameters, struct rows **rows,
                  struct error *err)
{
    struct parameter_list list = { 0 };
    PGresult *result;
    const char *name;

    assert(statement >= 0 && (size_t)statement < database->statement_count);
    name = database->statements[statement].name;
    if (not_connected(database, err) || !finish_sent(database, err))
        return false;
    if (parameters)
        parameters_list(parameters, &list);
    if (PQtransactionStatus(database->connection) == PQTRANS_IDLE) {
        result = run_alone(database, name, &list, err);
        return result && take_result(database, result, name, rows, err);
    }
    result =
        PQexecPrepared(database->connection, name, list.count, list.values, list.lengths, list.formats, 1);
    return take_result(database, result, name, rows, err);
}

bool database_write(struct database *database, int statement, struct parameters *parameters,
                    struct error *err)
{
    struct parameter_list list = { 0 };
    const char *name;

    assert(statement >= 0 && (size_t)statement < database->statement_count);
    name = database->statements[statement].name;
    if (not_connected(database, err) || (database->sent_count == SENT_MAX && !finish_sent(database, err)))
        return false;
    if (!database->sent_count && PQtransactionStatus(database->connection) == PQTRANS_IDLE)
        return database_run(database, statement, parameters, NULL, err); /* nobody would wait for its end */
    if (parameters)
        parameters_list(parameters, &list);
    if ((!database->sent_count && !PQenterPipelineMode(database->connection)) ||
        !PQsendQueryPrepared(database->connection, name, list.count, list.values, list.lengths, list.formats,
                             1))
        return lost(database, err);
    database->sent[database->sent_count++] = name;
    return true;
}

bool database_run_once(struct database *database, const struct sql_text *statement,
                       struct parameters *parameters, struct rows **rows, struct error *err)
{
    struct parameter_list list = { 0 };

    if (not_connected(database, err) || !finish_sent(database, err))
        return false;
    if (parameters)
        parameters_list(parameters, &list);
    return take_result(database,
                       PQexecParams(database->connection, statement->text, list.count, NULL, list.values,
                                    list.lengths, list.formats, 1),
                       statement->name, rows, err);
}

bool database_run_script(struct database *database, const struct sql_text *script, struct error *err)
{
    if (not_connected(database, err) || !finish_sent(database, err))
        return false;
    return take_result(database, PQexec(database->connection, script->text), script->name, NULL, err);
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

    if (not_connected(database, err))
        return false;
    if (!PQconsumeInput(database->connection))
        return lost(database, err);
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
