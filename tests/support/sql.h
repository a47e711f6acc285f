/*
 * sql.h - questions to the database, as an operator would put them with psql.
 *
 * Parameters are texts, $1 and on; a statement returns one value (NULL in SQL: "").
 */
#ifndef TESTS_SUPPORT_SQL_H
#define TESTS_SUPPORT_SQL_H

#include <stdint.h>

#include "common/error.h"

struct sql; /* opaque: owns the connection; one thread */

bool sql_open(struct sql **sql, const char *conninfo, struct error *err) MUST_CHECK;
void sql_close(struct sql **sql); /* accepts NULL */

/* First column of the first row; "" when there is no row. On true the caller frees *value. A lost
 * connection is opened again once. */
bool sql_text(struct sql *sql, char **value, struct error *err, const char *query,
              ...) MUST_CHECK; /* parameters as const char *, then NULL */
/* All rows, fields separated by " | ", rows by newlines: for people, and for the search for secrets. */
bool sql_table(struct sql *sql, char **table, struct error *err, const char *query) MUST_CHECK;
bool sql_number(struct sql *sql, int64_t *value, struct error *err, const char *query) MUST_CHECK;
/* Asks again, with growing pauses up to 200 ms, until the value is the wanted one. */
bool sql_wait(struct sql *sql, const char *query, const char *wanted, int timeout_ms,
              struct error *err) MUST_CHECK;

#endif
