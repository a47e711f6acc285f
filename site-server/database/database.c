#include "database/database_parts.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define MEANWHILE_MS 100
#define GRACE_MS     5000 /* for statement_timeout to come first */

void database_disconnect(struct database *database)
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

bool database_lost(struct database *database, struct error *err)
{
    AUTO(text_free) char *why = text_copy(PQerrorMessage(database->connection));

    flatten(why);
    database_disconnect(database);
    return error_set(err, ERROR_UNREACHABLE, "database: %s", *why ? why : "the connection was lost");
}

static void note_answer(const struct database *database)
{
    if (database->answered)
        database->answered();
}

/* What the server says is for people and carries no parameter; its DETAIL would, so it is left out. */
bool database_failed(struct database *database, const PGresult *result, const char *statement,
                     struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    enum error_code code = code_of(state);
    bool by_function = state && strncmp(state, "AM", 2) == 0;

    if (PQstatus(database->connection) == CONNECTION_BAD || !state)
        return database_lost(database, err);
    error_set(err, code, "%s%s%s%s%s", by_function ? "" : statement, by_function ? "" : ": ", message,
              hint ? "; " : "", hint ? hint : "");
    if (code == ERROR_UNREACHABLE) /* a standby, or a server that goes down: another connection is needed */
        database_disconnect(database);
    return false;
}

bool database_not_connected(const struct database *database, struct error *err)
{
    if (database->connection)
        return false;
    error_set(err, ERROR_UNREACHABLE, "database: not connected");
    return true;
}

/* Only what waits for a standby may wait long. */
static void wait_a_moment(struct database *database, int64_t left_ms)
{
    struct pollfd answer = { .fd = PQsocket(database->connection), .events = POLLIN };
    int moment_ms = left_ms >= 0 && left_ms < MEANWHILE_MS ? (int)left_ms : MEANWHILE_MS;

    if (poll(&answer, 1, moment_ms) == 0 && database->meanwhile && database->commit_ms)
        database->meanwhile(database->context);
}

static bool gave_up(struct database *database, const char *what, int64_t limit_ms, struct error *err)
{
    bool committing = database->commit_ms != 0;

    database_disconnect(database);
    return error_set(err, ERROR_UNREACHABLE, "database: %s was not answered in %lld ms%s", what,
                     (long long)limit_ms,
                     committing ? "; if a synchronous standby is away, bring it back or take it out of "
                                  "synchronous_standby_names"
                                : "; another connection is made");
}

/*
 * Until PQgetResult() does not wait. statement_timeout ends neither the wait of a COMMIT for its synchronous
 * standby nor that for a server which stands still; for all else it comes first.
 */
static bool wait_for_answer(struct database *database, const char *what, struct error *err)
{
    int64_t limit_ms = database->statement_timeout_ms + (database->commit_ms ? 0 : GRACE_MS);
    int64_t end_ms = clock_monotonic_ms() + limit_ms;

    while (PQconsumeInput(database->connection)) {
        int64_t left_ms = database->statement_timeout_ms ? end_ms - clock_monotonic_ms() : -1;

        if (!PQisBusy(database->connection)) {
            note_answer(database);
            return true;
        }
        if (database->statement_timeout_ms && left_ms <= 0)
            return gave_up(database, what, limit_ms, err);
        wait_a_moment(database, left_ms);
    }
    return database_lost(database, err);
}

/* The answer to one statement that was sent. NULL: there is none, and *err says why. */
static PGresult *take_answer(struct database *database, bool sent, const char *what, struct error *err)
{
    PGresult *result, *further;

    if (!sent) {
        database_lost(database, err);
        return NULL;
    }
    if (!wait_for_answer(database, what, err))
        return NULL;
    result = PQgetResult(database->connection);
    while ((further = PQgetResult(database->connection))) /* NULL after one statement */
        PQclear(further);
    if (!result)
        database_lost(database, err);
    return result;
}

/* True also when a statement failed earlier: then *done is false and *err says why. False: the connection is
 * lost. */
static bool take_sent_result(struct database *database, const char *name, bool *done, struct error *err)
{
    AUTO(result_free) PGresult *result = NULL;
    AUTO(result_free) PGresult *end = NULL;
    ExecStatusType status;

    if (!wait_for_answer(database, name, err))
        return false;
    result = PQgetResult(database->connection);
    status = PQresultStatus(result);
    if (!result)
        return database_lost(database, err);
    end = PQgetResult(database->connection); /* NULL after each statement */
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_PIPELINE_ABORTED || !*done)
        return true;
    *done = false;
    database_failed(database, result, name, err);
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
        return database_lost(database, err);
    for (size_t i = 0; i < count; i++) {
        if (!take_sent_result(database, database->sent[i], &done, err))
            return false;
    }
    database->sent_count = 0;
    if (!wait_for_answer(database, "the end of a pipeline", err))
        return false;
    sync = PQgetResult(database->connection);
    PQclear(sync);
    if (!sync || !PQexitPipelineMode(database->connection))
        return database_lost(database, err);
    return done;
}

bool database_execute(struct database *database, const char *text, struct error *err)
{
    AUTO(result_free) PGresult *result = NULL;

    if (database_not_connected(database, err))
        return false;
    if (!finish_sent(database, err))
        return false;
    result = take_answer(database, PQsendQuery(database->connection, text) == 1, text, err);
    if (!result)
        return false;
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        return database_failed(database, result, text, err);
    return true;
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
    database_disconnect(database);
    err->code = ERROR_UNREACHABLE;
    return false;
}

bool database_begin(struct database *database, struct error *err)
{
    database->notes_length = 0;
    return database_execute(database, "BEGIN", err);
}

int64_t database_commit_waits_ms(const struct database *database)
{
    return database->commit_ms ? clock_monotonic_ms() - database->commit_ms : 0;
}

/* The same for what commits, and may wait for a standby. */
static PGresult *take_commit(struct database *database, bool sent, const char *what, struct error *err)
{
    PGresult *result;

    database->commit_ms = clock_monotonic_ms();
    result = take_answer(database, sent, what, err);
    database->commit_ms = 0;
    return result;
}

bool database_commit(struct database *database, struct error *err)
{
    AUTO(result_free) PGresult *result = NULL;

    if (database_not_connected(database, err))
        return false;
    if (!finish_sent(database, err) || !keep_notes(database, err))
        return false;
    database->warned = false;
    result = take_commit(database, PQsendQuery(database->connection, "COMMIT") == 1, "COMMIT", err);
    if (!result)
        return false;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return database_failed(database, result, "COMMIT", err);
    if (database->warned) {
        database_disconnect(database);
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
    if (PQtransactionStatus(database->connection) != PQTRANS_IDLE &&
        !database_execute(database, "ROLLBACK", &ignored))
        database_disconnect(database);
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

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        database_failed(database, result, name, err);
        PQclear(result);
        return false;
    }
    if (rows)
        *rows = rows_new(result, name);
    else
        PQclear(result);
    return true;
}

bool database_run(struct database *database, int statement, struct parameters *parameters, struct rows **rows,
                  struct error *err)
{
    struct parameter_list list = { 0 };
    PGresult *result;
    const char *name;
    bool alone, sent;

    assert(statement >= 0 && (size_t)statement < database->statement_count);
    name = database->statements[statement].name;
    if (database_not_connected(database, err) || !finish_sent(database, err))
        return false;
    if (parameters)
        parameters_list(parameters, &list);
    alone = PQtransactionStatus(database->connection) == PQTRANS_IDLE; /* commits by itself */
    sent = PQsendQueryPrepared(database->connection, name, list.count, list.values, list.lengths,
                               list.formats, 1) == 1;
    result = alone ? take_commit(database, sent, name, err) : take_answer(database, sent, name, err);
    return result && take_result(database, result, name, rows, err);
}

bool database_write(struct database *database, int statement, struct parameters *parameters,
                    struct error *err)
{
    struct parameter_list list = { 0 };
    const char *name;

    assert(statement >= 0 && (size_t)statement < database->statement_count);
    name = database->statements[statement].name;
    if (database_not_connected(database, err) ||
        (database->sent_count == SENT_MAX && !finish_sent(database, err)))
        return false;
    if (!database->sent_count && PQtransactionStatus(database->connection) == PQTRANS_IDLE)
        return database_run(database, statement, parameters, NULL, err); /* nobody would wait for its end */
    if (parameters)
        parameters_list(parameters, &list);
    if ((!database->sent_count && !PQenterPipelineMode(database->connection)) ||
        !PQsendQueryPrepared(database->connection, name, list.count, list.values, list.lengths, list.formats,
                             1))
        return database_lost(database, err);
    database->sent[database->sent_count++] = name;
    return true;
}

bool database_run_once(struct database *database, const struct sql_text *statement,
                       struct parameters *parameters, struct rows **rows, struct error *err)
{
    struct parameter_list list = { 0 };
    PGresult *result;
    bool sent;

    if (database_not_connected(database, err) || !finish_sent(database, err))
        return false;
    if (parameters)
        parameters_list(parameters, &list);
    sent = PQsendQueryParams(database->connection, statement->text, list.count, NULL, list.values,
                             list.lengths, list.formats, 1) == 1;
    result = take_answer(database, sent, statement->name, err);
    return result && take_result(database, result, statement->name, rows, err);
}

bool database_run_script(struct database *database, const struct sql_text *script, struct error *err)
{
    if (database_not_connected(database, err) || !finish_sent(database, err))
        return false;
    return take_result(database, PQexec(database->connection, script->text), script->name, NULL, err);
}
