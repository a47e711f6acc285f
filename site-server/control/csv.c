#include "csv.h"

#include <errno.h>
#include <string.h>

#include "common/secret.h"

#define END_OF_FILE (-1)

enum field_state { BEFORE_FIELD, IN_PLAIN, IN_QUOTES, AFTER_QUOTES };

/* What is known of the record being read. */
struct assembly {
    struct csv_record *record;
    enum field_state state;
    char *at;      /* where the next character goes */
    char *trimmed; /* end of the field without trailing white space */
};

void csv_open(struct csv_reader *reader, csv_source *source, void *context)
{
    reader->source = source;
    reader->context = context;
    reader->line = 1;
    reader->bytes_read = reader->position = reader->length = 0;
    reader->started = reader->ended = false;
}

void csv_close(struct csv_reader *reader)
{
    secret_wipe(reader->buffer, sizeof(reader->buffer));
    reader->position = reader->length = 0;
    reader->ended = true;
}

void csv_record_wipe(struct csv_record *record)
{
    secret_wipe(record->text, sizeof(record->text));
    record->field_count = 0;
}

static bool fill(struct csv_reader *reader, struct error *err)
{
    ssize_t got;

    if (reader->ended || reader->position < reader->length)
        return true;
    do
        got = reader->source(reader->context, reader->buffer, sizeof(reader->buffer));
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(err, ERROR_INPUT, "cannot read: %s", strerror(errno));
    reader->ended = got == 0;
    reader->bytes_read += (size_t)got;
    reader->position = 0;
    reader->length = (size_t)got;
    return true;
}

static bool peek(struct csv_reader *reader, int *character, struct error *err)
{
    if (!fill(reader, err))
        return false;
    *character = reader->ended ? END_OF_FILE : (unsigned char)reader->buffer[reader->position];
    return true;
}

static bool take(struct csv_reader *reader, int *character, struct error *err)
{
    if (!peek(reader, character, err))
        return false;
    if (*character != END_OF_FILE)
        reader->position++;
    if (*character == '\n')
        reader->line++;
    return true;
}

/* RFC 3629 6: a UTF-8 byte order mark is skipped. Those of UTF-16 tell that the file was saved as "Unicode".
 */
static bool skip_byte_order_mark(struct csv_reader *reader, struct error *err)
{
    static const unsigned char mark[] = { 0xEF, 0xBB, 0xBF };
    int first, next;

    if (!peek(reader, &first, err))
        return false;
    if (first == 0xFF || first == 0xFE)
        return error_set(err, ERROR_INPUT, "the file is UTF-16; save it as UTF-8 or ASCII");
    if (first != mark[0])
        return true;
    for (size_t i = 0; i < sizeof(mark); i++) {
        if (!take(reader, &next, err))
            return false;
        if (next != mark[i])
            return error_set(err, ERROR_INPUT, "the file is not text; save it as UTF-8 or ASCII");
    }
    return true;
}

static bool skip_line(struct csv_reader *reader, struct error *err)
{
    int character;

    do {
        if (!take(reader, &character, err))
            return false;
    } while (character != '\n' && character != END_OF_FILE);
    return true;
}

/* Blank lines and comment lines; *more is false at the end of the file. */
static bool skip_to_record(struct csv_reader *reader, bool *more, struct error *err)
{
    int character;

    for (;;) {
        if (!peek(reader, &character, err))
            return false;
        if (character == END_OF_FILE) {
            *more = false;
            return true;
        }
        if (character == '#') {
            if (!skip_line(reader, err))
                return false;
        } else if (character == ' ' || character == '\t' || character == '\r' || character == '\n') {
            if (!take(reader, &character, err))
                return false;
        } else {
            *more = true;
            return true;
        }
    }
}

static bool is_blank(int character)
{
    return character == ' ' || character == '\t';
}

static void begin_field(struct assembly *assembly)
{
    assembly->record->fields[assembly->record->field_count++] = assembly->at;
    assembly->trimmed = assembly->at;
    assembly->state = BEFORE_FIELD;
}

static void end_field(struct assembly *assembly)
{
    *assembly->trimmed = '\0';
    assembly->at = assembly->trimmed + 1;
}

static void keep(struct assembly *assembly, int character)
{
    *assembly->at++ = (char)character;
    if (assembly->state == IN_QUOTES || !is_blank(character))
        assembly->trimmed = assembly->at;
}

/* Whether a character may stand outside of quotes; what may not makes the record bad. */
static const char *problem_of(const struct assembly *assembly, int character)
{
    if (character < 32 && character != '\t')
        return "a control character";
    if (assembly->state == AFTER_QUOTES)
        return "text after a closing quote";
    if (character == '"' && assembly->state == IN_PLAIN)
        return "a quote inside an unquoted field";
    return NULL;
}

static bool take_in_quotes(struct csv_reader *reader, struct assembly *assembly, int character,
                           struct error *err)
{
    int next;

    if (character != '"' && character < 32)
        assembly->record->problem =
            character == '\n' || character == '\r' ? "a quote is not closed" : "a control character";
    if (character != '"') {
        keep(assembly, character);
        return true;
    }
    if (!peek(reader, &next, err))
        return false;
    if (next != '"') {
        assembly->state = AFTER_QUOTES;
        return true;
    }
    keep(assembly, '"'); /* RFC 4180 2.7: two stand for one */
    return take(reader, &next, err);
}

/* One character of a field that is not inside quotes. */
static void take_plain(struct assembly *assembly, int character)
{
    struct csv_record *record = assembly->record;

    if (is_blank(character) && assembly->state != IN_PLAIN)
        return;
    if (character == ',' && record->field_count == CSV_FIELDS_MAX) {
        record->problem = "too many fields";
        return;
    }
    if (character == ',') {
        end_field(assembly);
        begin_field(assembly);
        return;
    }
    record->problem = problem_of(assembly, character);
    if (record->problem)
        return;
    if (character == '"') {
        assembly->state = IN_QUOTES;
        return;
    }
    assembly->state = IN_PLAIN;
    keep(assembly, character);
}

static bool ends_line(struct csv_reader *reader, int *character, bool *ended, struct error *err)
{
    int next;

    if (*character == '\r') {
        if (!peek(reader, &next, err))
            return false;
        if (next == '\n' && !take(reader, character, err))
            return false;
        if (next == END_OF_FILE)
            *character = next;
    }
    *ended = *character == '\n' || *character == END_OF_FILE;
    return true;
}

/* Up to the end of the record, or to the character that makes it bad. */
static bool assemble(struct csv_reader *reader, struct assembly *assembly, struct error *err)
{
    struct csv_record *record = assembly->record;
    int character = 0;
    bool ended;

    while (!record->problem) {
        if (!take(reader, &character, err))
            return false;
        if (assembly->at >= record->text + sizeof(record->text) - 1) {
            record->problem = "the line is too long";
        } else if (character == END_OF_FILE && assembly->state == IN_QUOTES) {
            record->problem = "a quote is not closed";
        } else if (character == '\0') {
            record->problem = "a NUL character";
        } else if (assembly->state == IN_QUOTES) {
            if (!take_in_quotes(reader, assembly, character, err))
                return false;
        } else {
            if (!ends_line(reader, &character, &ended, err))
                return false;
            if (ended) {
                end_field(assembly);
                return true;
            }
            take_plain(assembly, character);
        }
    }
    return character == '\n' || character == END_OF_FILE || skip_line(reader, err);
}

enum csv_result csv_next(struct csv_reader *reader, struct csv_record *record, struct error *err)
{
    struct assembly assembly = { .record = record, .at = record->text };
    bool more;

    if (!reader->started && !skip_byte_order_mark(reader, err))
        return CSV_FAILED;
    reader->started = true;
    if (!skip_to_record(reader, &more, err))
        return CSV_FAILED;
    if (!more)
        return CSV_END;
    record->line = reader->line;
    record->field_count = 0;
    record->problem = NULL;
    begin_field(&assembly);
    if (!assemble(reader, &assembly, err))
        return CSV_FAILED;
    return record->problem ? CSV_BAD : CSV_RECORD;
}
