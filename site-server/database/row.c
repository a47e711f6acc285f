#include "row.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Type numbers of PostgreSQL's catalogue (pg_type.dat); those of built-in types never change. */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_TEXT_ARRAY = 1009,
    TYPE_VARCHAR = 1043,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_UUID = 2950,
};

/* PostgreSQL counts microseconds from 2000-01-01. */
#define EPOCH_2000_MS 946684800000LL

struct rows {
    PGresult *result;
    const char *statement;
    char **copies; /* array elements that were asked for */
    size_t copy_count;
};

struct rows *rows_new(struct pg_result *result, const char *statement)
{
    struct rows *rows = allocate(sizeof(*rows));

    rows->result = result;
    rows->statement = statement;
    return rows;
}

void rows_free(struct rows **rows)
{
    if (*rows) {
        for (size_t i = 0; i < (*rows)->copy_count; i++)
            free((*rows)->copies[i]);
        free((*rows)->copies);
        PQclear((*rows)->result);
        free(*rows);
    }
    *rows = NULL;
}

__attribute__((noreturn)) static void broken(const struct rows *rows, const char *column, const char *what)
{
    fprintf(
        stderr,
        "level=error event=\"statement and program disagree\" statement=\"%s\" column=\"%s\" why=\"%s\"\n",
        rows->statement, column, what);
    abort();
}

size_t rows_count(const struct rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

size_t rows_affected(const struct rows *rows)
{
    return (size_t)strtoull(PQcmdTuples(rows->result), NULL, 10);
}

size_t rows_columns(const struct rows *rows)
{
    return (size_t)PQnfields(rows->result);
}

const char *rows_column_name(const struct rows *rows, size_t column)
{
    return PQfname(rows->result, (int)column);
}

static int column_number(const struct rows *rows, size_t row, const char *column)
{
    int fields = PQnfields(rows->result);

    if (row >= rows_count(rows))
        broken(rows, column, "there is no such row");
    for (int i = 0; i < fields; i++) {
        if (strcmp(PQfname(rows->result, i), column) == 0)
            return i;
    }
    broken(rows, column, "there is no such column");
}

bool row_is_null(const struct rows *rows, size_t row, const char *column)
{
    return PQgetisnull(rows->result, (int)row, column_number(rows, row, column)) != 0;
}

static const void *present_cell(const struct rows *rows, size_t row, int number, const char *column)
{
    if (PQgetisnull(rows->result, (int)row, number))
        broken(rows, column, "NULL where a value is needed");
    return PQgetvalue(rows->result, (int)row, number);
}

const char *row_text(const struct rows *rows, size_t row, const char *column)
{
    int number = column_number(rows, row, column);
    Oid type = PQftype(rows->result, number);

    if (type != TYPE_TEXT && type != TYPE_VARCHAR && type != TYPE_NAME)
        broken(rows, column, "not a text");
    return PQgetisnull(rows->result, (int)row, number) ? NULL : PQgetvalue(rows->result, (int)row, number);
}

int64_t row_number(const struct rows *rows, size_t row, const char *column)
{
    int number = column_number(rows, row, column);
    const void *cell = present_cell(rows, row, number, column);
    uint64_t eight;
    uint32_t four;
    uint16_t two;

    switch (PQftype(rows->result, number)) {
    case TYPE_INT8:
        memcpy(&eight, cell, sizeof(eight));
        return (int64_t)be64toh(eight);
    case TYPE_INT4:
        memcpy(&four, cell, sizeof(four));
        return (int32_t)be32toh(four);
    case TYPE_INT2:
        memcpy(&two, cell, sizeof(two));
        return (int16_t)be16toh(two);
    default:
        broken(rows, column, "not an integer");
    }
}

bool row_bool(const struct rows *rows, size_t row, const char *column)
{
    int number = column_number(rows, row, column);

    if (PQftype(rows->result, number) != TYPE_BOOL)
        broken(rows, column, "not a boolean");
    return *(const char *)present_cell(rows, row, number, column) != 0;
}

int64_t row_time_ms(const struct rows *rows, size_t row, const char *column)
{
    int number = column_number(rows, row, column);
    uint64_t microseconds;

    if (PQftype(rows->result, number) != TYPE_TIMESTAMPTZ)
        broken(rows, column, "not a timestamptz");
    memcpy(&microseconds, present_cell(rows, row, number, column), sizeof(microseconds));
    return (int64_t)be64toh(microseconds) / 1000 + EPOCH_2000_MS;
}

struct uuid row_uuid(const struct rows *rows, size_t row, const char *column)
{
    int number = column_number(rows, row, column);
    struct uuid uuid;

    if (PQftype(rows->result, number) != TYPE_UUID)
        broken(rows, column, "not a uuid");
    memcpy(uuid.bytes, present_cell(rows, row, number, column), sizeof(uuid.bytes));
    return uuid;
}

const unsigned char *row_bytes(const struct rows *rows, size_t row, const char *column, size_t *length)
{
    int number = column_number(rows, row, column);

    if (PQftype(rows->result, number) != TYPE_BYTEA)
        broken(rows, column, "not a bytea");
    *length = (size_t)PQgetlength(rows->result, (int)row, number);
    return PQgetisnull(rows->result, (int)row, number)
               ? NULL
               : (const unsigned char *)PQgetvalue(rows->result, (int)row, number);
}

static uint32_t read_u32(const char *data)
{
    uint32_t value;

    memcpy(&value, data, sizeof(value));
    return be32toh(value);
}

/* A text[] as array_send() writes it: dimensions, flags, element type, then size and lower bound of each
 * dimension, then the elements, each with its length. NULL: no elements. */
static const char *text_elements(const struct rows *rows, size_t row, const char *column, size_t *count)
{
    int number = column_number(rows, row, column);
    const char *cell = PQgetvalue(rows->result, (int)row, number);

    if (PQftype(rows->result, number) != TYPE_TEXT_ARRAY)
        broken(rows, column, "not a text[]");
    *count = 0;
    if (PQgetisnull(rows->result, (int)row, number) || read_u32(cell) == 0)
        return NULL;
    if (read_u32(cell) != 1)
        broken(rows, column, "an array of several dimensions");
    *count = read_u32(cell + 12);
    return cell + 20;
}

size_t row_text_count(const struct rows *rows, size_t row, const char *column)
{
    size_t count;

    text_elements(rows, row, column, &count);
    return count;
}

const char *row_text_element(struct rows *rows, size_t row, const char *column, size_t element)
{
    size_t count;
    const char *at = text_elements(rows, row, column, &count);
    char *copy;

    if (element >= count)
        broken(rows, column, "there is no such element");
    for (; element > 0; element--)
        at += 4 + (read_u32(at) == UINT32_MAX ? 0 : read_u32(at));
    if (read_u32(at) == UINT32_MAX)
        broken(rows, column, "a NULL element");
    copy = allocate(read_u32(at) + 1);
    memcpy(copy, at + 4, read_u32(at));
    rows->copies = reallocate(rows->copies, rows->copy_count + 1, sizeof(*rows->copies));
    rows->copies[rows->copy_count++] = copy;
    return copy;
}
