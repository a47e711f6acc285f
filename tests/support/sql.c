#include "support/sql.h"

#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "support/process.h"

enum { PARAMETERS_MAX = 8, PAUSE_MAX_MS = 200 };

struct sql {
    PGconn *connection;
};

static void result_free(PGresult **result)
{
    PQclear(*result);
}

bool sql_open(struct sql **sql, const char *conninfo, struct error *err)
{
    PGconn *connection = PQconnectdb(conninfo);

    if (PQstatus(connection) != CONNECTION_OK) {
        error_set(err, ERROR_UNREACHABLE, "cannot connect to the database: %s", PQerrorMessage(connection));
        PQfinish(connection);
        return false;
    }
    *sql = allocate(sizeof(**sql));
    (*sql)->connection = connection;
    return true;
}

void sql_close(struct sql **sql)
{
    struct sql *closing = TAKE(*sql);

    if (!closing)
        return;
    PQfinish(closing->connection);
    free(closing);
}

/* PQstatus() alone does not tell: the first failure after the server went away leaves it CONNECTION_OK.
 * A failure that the server reported has an SQLSTATE. */
static bool connection_lost(const struct sql *sql, const PGresult *result)
{
    return PQstatus(sql->connection) != CONNECTION_OK ||
           (PQresultStatus(result) == PGRES_FATAL_ERROR && !PQresultErrorField(result, PG_DIAG_SQLSTATE));
}

static PGresult *run(struct sql *sql, const char *query, int count, const char *const *parameters)
{
    PGresult *result = PQexecParams(sql->connection, query, count, NULL, parameters, NULL, NULL, 0);

    if (!connection_lost(sql, result))
        return result;
    PQclear(result);
    PQreset(sql->connection);
    return PQexecParams(sql->connection, query, count, NULL, parameters, NULL, NULL, 0);
}

static bool check(struct sql *sql, const PGresult *result, const char *query, struct error *err)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return true;
    return error_set(err, connection_lost(sql, result) ? ERROR_UNREACHABLE : ERROR_REFUSED, "\"%.150s\": %s",
                     query, PQerrorMessage(sql->connection));
}

static char *first_value(const PGresult *result)
{
    bool present = PQntuples(result) > 0 && PQnfields(result) > 0;

    return text_copy(present ? PQgetvalue(result, 0, 0) : "");
}

bool sql_text(struct sql *sql, char **value, struct error *err, const char *query, ...)
{
    const char *parameters[PARAMETERS_MAX];
    int count = 0;
    va_list arguments;

    va_start(arguments, query);
    while (count < PARAMETERS_MAX && (parameters[count] = va_arg(arguments, const char *)))
        count++;
    va_end(arguments);

    AUTO(result_free) PGresult *result = run(sql, query, count, parameters);

    if (!check(sql, result, query, err))
        return false;
    *value = first_value(result);
    return true;
}

bool sql_number(struct sql *sql, int64_t *value, struct error *err, const char *query)
{
    AUTO(text_free) char *text = NULL;

    if (!sql_text(sql, &text, err, query, NULL))
        return false;
    *value = strtoll(text, NULL, 10);
    return true;
}

bool sql_table(struct sql *sql, char **table, struct error *err, const char *query)
{
    AUTO(result_free) PGresult *result = run(sql, query, 0, NULL);
    size_t length = 0;
    FILE *out;

    if (!check(sql, result, query, err))
        return false;
    out = open_memstream(table, &length);
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < PQnfields(result); column++)
            fprintf(out, "%s%s", column ? " | " : "", PQgetvalue(result, row, column));
        fputc('\n', out);
    }
    fclose(out);
    return true;
}

bool sql_wait(struct sql *sql, const char *query, const char *wanted, int timeout_ms, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    AUTO(text_free) char *value = NULL;

    for (int pause_ms = 10;; pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS) {
        text_free(&value);
        if (!sql_text(sql, &value, err, query, NULL))
            return false;
        if (strcmp(value, wanted) == 0)
            return true;
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        if (clock_monotonic_ms() > end_ms)
            return error_set(err, ERROR_UNREACHABLE, "\"%.200s\" is \"%.60s\" after %d ms, not \"%s\"", query,
                             value, timeout_ms, wanted);
        wait_a_little(pause_ms);
    }
}
