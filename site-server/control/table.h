/*
 * table.h - what a command shows: rows of text cells, printed for people or as JSON.
 *
 * The same columns serve both: the key is JSON's name and SQL's, the title the heading. Cells may come from
 * peers, so control characters are not printed as they are: nothing reaches the terminal as an escape
 * sequence.
 */
#ifndef CONTROL_TABLE_H
#define CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/ownership.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER,  /* right-aligned; a JSON number */
    COLUMN_BOOLEAN, /* 't', 'f' of SQL: yes, no; true, false */
    COLUMN_JSON,    /* JSON text already */
    COLUMN_PRINTED, /* text; left out of JSON, where another column has it in a better form */
};

struct column {
    const char *key;
    const char *title; /* NULL: in JSON only */
    enum column_kind kind;
};

struct table; /* opaque: columns are borrowed, cells are its own */

struct table *table_new(const struct column *columns, size_t column_count);
void table_free(struct table **table);
/* Cells are filled from left to right, row after row; NULL is SQL's NULL: empty, or null. */
void table_add(struct table *table, const char *cell);
size_t table_rows(const struct table *table);

enum table_shape {
    SHAPE_LIST,   /* a heading and aligned columns; a JSON array of objects */
    SHAPE_RECORD, /* of its first row: a line per column; a JSON object */
};

void table_print_text(const struct table *table, enum table_shape shape, FILE *out);
void table_print_json(const struct table *table, enum table_shape shape, FILE *out);

/* Several tables one after the other: with headings, or as one JSON object by their names. */
struct table_section {
    const char *name, *heading;
    enum table_shape shape;
    const struct table *table;
};

void table_print_sections(const struct table_section *sections, size_t count, bool json, FILE *out);

/* A JSON string with its quotes. */
void json_print_text(const char *text, FILE *out);

#endif
