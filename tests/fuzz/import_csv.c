/* Any bytes are an import file: every line is a computer that keeps the rules, or is refused with a reason.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/password.h"
#include "control/computer_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
    const uint8_t *data;
    size_t size;
};

/* In small parts, so that records straddle reads. */
static ssize_t read_part(void *context, char *buffer, size_t size)
{
    struct source *source = context;
    size_t part = source->size < 61 ? source->size : 61;

    part = part < size ? part : size;
    if (part)
        memcpy(buffer, source->data, part);
    source->data += part;
    source->size -= part;
    return (ssize_t)part;
}

static void check_line(const struct csv_record *record)
{
    struct computer_line line = { 0 };
    struct error err = { 0 };
    char fqdn[FQDN_SIZE];

    if (record->field_count == 0 || record->field_count > CSV_FIELDS_MAX)
        abort();
    if (!computer_line_read(record, &line, &err)) {
        if (*err.message == '\0' || line.mebx_password || line.admin_password)
            abort();
        return;
    }
    if (uuid_is_dummy(&line.uuid) || !fqdn_check(line.fqdn, fqdn, &err) || strcmp(fqdn, line.fqdn) != 0)
        abort();
    if ((line.mebx_password && !password_check(line.mebx_password, &err)) ||
        (line.admin_password && !password_check(line.admin_password, &err)))
        abort();
    computer_line_clear(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv_reader reader;
    static struct csv_record record;
    struct source source = { data, size };
    struct error err = { 0 };
    enum csv_result result;
    size_t line = 0;

    csv_open(&reader, read_part, &source);
    while ((result = csv_next(&reader, &record, &err)) == CSV_RECORD || result == CSV_BAD) {
        if (record.line <= line || (result == CSV_BAD && !record.problem))
            abort();
        line = record.line;
        if (result == CSV_RECORD && !computer_line_is_header(&record))
            check_line(&record);
    }
    csv_close(&reader);
    return 0;
}
