/*
 * csv.h - records of a comma-separated file, one at a time, in bounded memory.
 *
 * RFC 4180, less line breaks inside quotes, with what real files have besides: LF or CR LF, a UTF-8 byte
 * order mark, blank lines, comment lines that begin with #, white space around fields. A line that breaks
 * the rules is handed out as bad with its reason, and reading goes on with the next one, so that all bad
 * lines can be reported.
 */
#ifndef CONTROL_CSV_H
#define CONTROL_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

#define CSV_FIELDS_MAX   8
#define CSV_RECORD_BYTES 4096

/* As read(2): 0 is the end, -1 a failure with errno. */
typedef ssize_t csv_source(void *context, char *buffer, size_t size);

enum csv_result {
    CSV_RECORD,
    CSV_BAD, /* record.problem says why; fields are not set */
    CSV_END,
    CSV_FAILED, /* the source cannot be read, or is no such file at all */
};

struct csv_record {
    size_t line; /* from 1, where the record begins */
    char *fields[CSV_FIELDS_MAX];
    size_t field_count;
    const char *problem;
    char text[CSV_RECORD_BYTES]; /* fields point into it; may hold passwords */
};

struct csv_reader {
    csv_source *source;
    void *context;
    size_t line;       /* of the next character */
    size_t bytes_read; /* from the source so far, for progress */
    size_t position, length;
    bool started, ended;
    char buffer[32768];
};

/* The context is borrowed until csv_close(). */
void csv_open(struct csv_reader *reader, csv_source *source, void *context);
enum csv_result csv_next(struct csv_reader *reader, struct csv_record *record, struct error *err) MUST_CHECK;
/* Wipes what was read; a record is wiped with csv_record_wipe(). */
void csv_close(struct csv_reader *reader);
void csv_record_wipe(struct csv_record *record);

#endif
