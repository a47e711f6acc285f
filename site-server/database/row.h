/*
 * row.h - the rows of a result: cells by row number and column name, with checks.
 *
 * A column that is not there, or of another type, is a mistake in the program and ends it; so is a NULL
 * where the type has none (ask row_is_null() first). What is handed out belongs to the rows.
 */
#ifndef DATABASE_ROW_H
#define DATABASE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ownership.h"
#include "common/uuid.h"

struct rows;      /* opaque: owns the result */
struct pg_result; /* libpq's */

/* For database.c: takes the result over; statement is borrowed for messages. */
struct rows *rows_new(struct pg_result *result, const char *statement);
void rows_free(struct rows **rows);

size_t rows_count(const struct rows *rows);
/* Rows written by an INSERT, UPDATE or DELETE. */
size_t rows_affected(const struct rows *rows);
size_t rows_columns(const struct rows *rows);
const char *rows_column_name(const struct rows *rows, size_t column);

bool row_is_null(const struct rows *rows, size_t row, const char *column);
const char *row_text(const struct rows *rows, size_t row, const char *column); /* text; NULL for SQL NULL */
int64_t row_number(const struct rows *rows, size_t row, const char *column);   /* smallint, integer, bigint */
bool row_bool(const struct rows *rows, size_t row, const char *column);
/* timestamptz as milliseconds since 1970. */
int64_t row_time_ms(const struct rows *rows, size_t row, const char *column);
struct uuid row_uuid(const struct rows *rows, size_t row, const char *column);
/* bytea, borrowed; NULL and length 0 for SQL NULL. */
const unsigned char *row_bytes(const struct rows *rows, size_t row, const char *column, size_t *length);

/* text[]: number of elements (0 for SQL NULL), and each, borrowed and NUL-terminated copies held by rows. */
size_t row_text_count(const struct rows *rows, size_t row, const char *column);
const char *row_text_element(struct rows *rows, size_t row, const char *column, size_t element);

#endif
