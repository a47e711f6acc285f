#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_GAP 2

struct table {
    const struct column *columns;
    size_t column_count;
    char **cells;
    size_t cell_count, cell_room;
};

struct table *table_new(const struct column *columns, size_t column_count)
{
    struct table *table = allocate(sizeof(*table));

    table->columns = columns;
    table->column_count = column_count;
    return table;
}

void table_free(struct table **table)
{
    if (*table) {
        for (size_t i = 0; i < (*table)->cell_count; i++)
            free((*table)->cells[i]);
        free((*table)->cells);
        free(*table);
    }
    *table = NULL;
}

void table_add(struct table *table, const char *cell)
{
    if (table->cell_count == table->cell_room) {
        table->cell_room = table->cell_room ? table->cell_room * 2 : 64;
        table->cells = reallocate(table->cells, table->cell_room, sizeof(*table->cells));
    }
    table->cells[table->cell_count++] = text_copy(cell);
}

size_t table_rows(const struct table *table)
{
    return table->cell_count / table->column_count;
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->column_count + column];
}

static bool is_true(const char *cell)
{
    return *cell == 't';
}

static const char *shown(const struct table *table, size_t row, size_t column)
{
    const char *cell = cell_at(table, row, column);

    if (!cell)
        return "";
    if (table->columns[column].kind == COLUMN_BOOLEAN)
        return is_true(cell) ? "yes" : "no";
    return cell;
}

/* Columns a text takes on a terminal, counting one for each character of UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void print_safely(const char *text, FILE *out)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        /* C1 control characters are C2 80 to C2 9F in UTF-8, and some terminals obey them. */
        bool is_c1 = c == 0xC2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xA0;

        text += is_c1;
        putc(is_c1 || c < 32 || c == 127 ? '?' : c, out);
    }
}

/* A line of cells; spaces are owed until a text follows, so that no line ends in spaces. */
struct line {
    FILE *out;
    size_t owed;
};

static void print_cell(struct line *line, const char *text, size_t width, enum column_kind kind)
{
    size_t used = width_of(text), padding = used < width ? width - used : 0;

    if (kind == COLUMN_NUMBER)
        line->owed += padding;
    if (*text) {
        fprintf(line->out, "%*s", (int)line->owed, "");
        print_safely(text, line->out);
        line->owed = 0;
    }
    line->owed += COLUMN_GAP + (kind == COLUMN_NUMBER ? 0 : padding);
}

static size_t *measure(const struct table *table)
{
    size_t *widths = allocate(table->column_count * sizeof(*widths));

    for (size_t column = 0; column < table->column_count; column++) {
        if (!table->columns[column].title)
            continue;
        widths[column] = width_of(table->columns[column].title);
        for (size_t row = 0; row < table_rows(table); row++) {
            size_t width = width_of(shown(table, row, column));

            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    return widths;
}

static void print_list(const struct table *table, FILE *out)
{
    size_t *widths = measure(table);

    for (size_t row = 0; row <= table_rows(table); row++) {
        struct line line = { .out = out };

        for (size_t column = 0; column < table->column_count; column++) {
            const struct column *kind = &table->columns[column];

            if (kind->title)
                print_cell(&line, row ? shown(table, row - 1, column) : kind->title, widths[column],
                           kind->kind);
        }
        putc('\n', out);
    }
    free(widths);
}

static void print_record(const struct table *table, FILE *out)
{
    size_t width = 0;

    for (size_t column = 0; column < table->column_count; column++) {
        size_t own = table->columns[column].title ? width_of(table->columns[column].title) : 0;

        width = own > width ? own : width;
    }
    for (size_t column = 0; column < table->column_count; column++) {
        struct line line = { .out = out };

        if (!table->columns[column].title)
            continue;
        print_cell(&line, table->columns[column].title, width, COLUMN_TEXT);
        print_cell(&line, shown(table, 0, column), 0, COLUMN_TEXT);
        putc('\n', out);
    }
}

void table_print_text(const struct table *table, enum table_shape shape, FILE *out)
{
    if (shape == SHAPE_LIST)
        print_list(table, out);
    else if (table_rows(table))
        print_record(table, out);
}

void json_print_text(const char *text, FILE *out)
{
    putc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c < 32 || c == 127)
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static void print_json_cell(const char *cell, enum column_kind kind, FILE *out)
{
    if (!cell)
        fputs("null", out);
    else if (kind == COLUMN_BOOLEAN)
        fputs(is_true(cell) ? "true" : "false", out);
    else if (kind == COLUMN_TEXT)
        json_print_text(cell, out);
    else
        fputs(cell, out);
}

static void print_json_row(const struct table *table, size_t row, FILE *out)
{
    const char *separator = "{";

    for (size_t column = 0; column < table->column_count; column++) {
        if (table->columns[column].kind == COLUMN_PRINTED)
            continue;
        fputs(separator, out);
        separator = ", ";
        json_print_text(table->columns[column].key, out);
        fputs(": ", out);
        print_json_cell(cell_at(table, row, column), table->columns[column].kind, out);
    }
    putc('}', out);
}

static void print_json_value(const struct table *table, enum table_shape shape, FILE *out)
{
    if (shape == SHAPE_RECORD && table_rows(table)) {
        print_json_row(table, 0, out);
        return;
    }
    if (shape == SHAPE_RECORD) {
        fputs("null", out);
        return;
    }
    putc('[', out);
    for (size_t row = 0; row < table_rows(table); row++) {
        fputs(row ? ",\n " : "\n ", out);
        print_json_row(table, row, out);
    }
    fputs(table_rows(table) ? "\n]" : "]", out);
}

void table_print_json(const struct table *table, enum table_shape shape, FILE *out)
{
    print_json_value(table, shape, out);
    putc('\n', out);
}

void table_print_sections(const struct table_section *sections, size_t count, bool json, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        if (json) {
            fputs(i ? ",\n" : "{", out);
            json_print_text(sections[i].name, out);
            fputs(": ", out);
            print_json_value(sections[i].table, sections[i].shape, out);
            continue;
        }
        if (sections[i].heading)
            fprintf(out, "%s%s\n", i ? "\n" : "", sections[i].heading);
        if (sections[i].shape == SHAPE_LIST && table_rows(sections[i].table) == 0)
            fputs("(none)\n", out);
        else
            table_print_text(sections[i].table, sections[i].shape, out);
    }
    if (json)
        fputs("}\n", out);
}
