#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "computer_line.h"
#include "csv.h"
#include "progress.h"
#include "seen.h"
#include "session.h"
#include "verbs.h"

#define BATCH_LINES 1000 /* sent in one statement */

struct problem {
    size_t line;
    char *reason;
};

/* One import: the file goes through in batches, so memory does not grow with it but for what finds
 * duplicates. */
struct import {
    struct session *session;
    const char *name; /* of the file, for messages */
    int file;
    struct csv_reader reader;
    struct csv_record record;
    struct seen *uuids, *fqdns;
    struct computer_line lines[BATCH_LINES];
    struct problem problems[2 * BATCH_LINES]; /* what reading finds, then what the database finds */
    size_t line_count, problem_count;         /* of this batch */
    size_t records, bad_lines;                /* of all */
    uint64_t imported, updated, unchanged;
    struct progress progress;
};

static ssize_t read_file(void *context, char *buffer, size_t size)
{
    return read(*(int *)context, buffer, size);
}

static bool import_open(struct import *import, const char *path, struct error *err)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat status;

    import->name = standard ? "standard input" : path;
    import->file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (import->file < 0 || fstat(import->file, &status) != 0)
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    csv_open(&import->reader, read_file, &import->file);
    import->uuids = seen_new();
    import->fqdns = seen_new();
    progress_start(&import->progress, "import", S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0);
    return true;
}

static void batch_clear(struct import *import)
{
    for (size_t i = 0; i < import->line_count; i++)
        computer_line_clear(&import->lines[i]);
    for (size_t i = 0; i < import->problem_count; i++)
        free(import->problems[i].reason);
    import->line_count = import->problem_count = 0;
}

static void import_close(struct import **owner)
{
    struct import *import = *owner;

    if (import) {
        batch_clear(import);
        csv_record_wipe(&import->record);
        csv_close(&import->reader);
        seen_free(&import->uuids);
        seen_free(&import->fqdns);
        if (import->file > STDIN_FILENO)
            close(import->file);
        free(import);
    }
    *owner = NULL;
}

static void add_problem(struct import *import, size_t line, const char *reason)
{
    import->problems[import->problem_count++] = (struct problem){ line, text_copy(reason) };
}

/* The line as the next one of the batch, unless something is wrong with it. */
static void take_line(struct import *import)
{
    struct computer_line *line = &import->lines[import->line_count];
    uint8_t key[SEEN_KEY_BYTES];
    struct error err = { 0 };
    size_t same_uuid, same_fqdn;

    if (!computer_line_read(&import->record, line, &err)) {
        add_problem(import, import->record.line, err.message);
        return;
    }
    seen_key(line->fqdn, key);
    same_uuid = seen_add(import->uuids, line->uuid.bytes, line->line);
    same_fqdn = seen_add(import->fqdns, key, line->line);
    if (same_uuid)
        error_set(&err, ERROR_INPUT, "the same UUID as in line %zu; keep one of them", same_uuid);
    else if (same_fqdn)
        error_set(&err, ERROR_INPUT, "the same FQDN as in line %zu; give each computer its own", same_fqdn);
    if (same_uuid || same_fqdn) {
        add_problem(import, line->line, err.message);
        computer_line_clear(line);
        return;
    }
    import->line_count++;
}

/* Until the batch is full or the file ends. */
static bool read_batch(struct import *import, bool *ended, struct error *err)
{
    while (import->line_count < BATCH_LINES && import->problem_count < BATCH_LINES) {
        switch (csv_next(&import->reader, &import->record, err)) {
        case CSV_END:
            *ended = true;
            return true;
        case CSV_FAILED:
            return error_during(err, "%s", import->name);
        case CSV_BAD:
            import->records++;
            add_problem(import, import->record.line, import->record.problem);
            break;
        case CSV_RECORD:
            if (import->records++ == 0 && computer_line_is_header(&import->record))
                break;
            take_line(import);
            break;
        }
    }
    return true;
}

/* What only the database can know: an FQDN that another computer has. */
static bool find_conflicts(struct import *import, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *numbers = parameters_numbers(parameters);
    struct array *uuids = parameters_uuids(parameters);
    struct array *fqdns = parameters_texts(parameters);

    for (size_t i = 0; i < import->line_count; i++) {
        array_add_number(numbers, (int64_t)import->lines[i].line);
        array_add_uuid(uuids, &import->lines[i].uuid);
        array_add_text(fqdns, import->lines[i].fqdn);
    }
    if (!database_run(import->session->database, CONTROL_STATEMENT_IMPORT_CONFLICTS, parameters, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++) {
        AUTO(text_free)
        char *reason = text_format(
            "the FQDN %s belongs to the computer %s already; give each computer its own, or remove the other",
            row_text(rows, i, "fqdn"), row_text(rows, i, "holder"));

        add_problem(import, (size_t)row_number(rows, i, "line"), reason);
    }
    return true;
}

static int compare_problems(const void *a, const void *b)
{
    size_t left = ((const struct problem *)a)->line, right = ((const struct problem *)b)->line;

    return (left > right) - (left < right);
}

static void tell_problems(struct import *import)
{
    if (import->problem_count == 0)
        return;
    qsort(import->problems, import->problem_count, sizeof(*import->problems), compare_problems);
    progress_clear(&import->progress);
    for (size_t i = 0; i < import->problem_count; i++) {
        if (import->session->json) {
            printf("%s\n {\"line\": %zu, \"reason\": ", import->bad_lines ? "," : "{\"errors\": [",
                   import->problems[i].line);
            json_print_text(import->problems[i].reason, stdout);
            printf("}");
        } else {
            fprintf(stderr, "%s:%zu: %s\n", import->name, import->problems[i].line,
                    import->problems[i].reason);
        }
        import->bad_lines++;
    }
}

/* The four arrays of one kind of password. */
struct password_arrays {
    struct array *keys, *nonces, *ciphertexts, *marks;
};

static struct password_arrays password_arrays(struct parameters *parameters)
{
    return (struct password_arrays){
        .keys = parameters_texts(parameters),
        .nonces = parameters_byte_strings(parameters),
        .ciphertexts = parameters_byte_strings(parameters),
        .marks = parameters_byte_strings(parameters),
    };
}

static bool add_password(struct import *import, const struct password_arrays *arrays, const struct uuid *uuid,
                         const char *kind, const struct secret *password, struct error *err)
{
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    unsigned char mark[VAULT_MARK_BYTES];
    char place[VAULT_PLACE_SIZE];
    struct vault *vault;

    if (password) {
        if (!session_vault(import->session, &vault, err))
            return error_during(err, "the file has passwords");
        vault_place_computer(uuid, kind, place);
        if (!vault_seal(vault, place, password, &sealed, err))
            return false;
        vault_mark(vault, place, password, mark);
    }
    array_add_text(arrays->keys, sealed.key_id);
    array_add_bytes(arrays->nonces, password ? sealed.nonce : NULL, sizeof(sealed.nonce));
    array_add_bytes(arrays->ciphertexts, sealed.ciphertext.data, sealed.ciphertext.length);
    array_add_bytes(arrays->marks, password ? mark : NULL, sizeof(mark));
    return true;
}

static bool send_batch(struct import *import, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *uuids = parameters_uuids(parameters);
    struct array *short_names = parameters_texts(parameters);
    struct array *fqdns = parameters_texts(parameters);
    struct array *macs = parameters_texts(parameters);
    struct password_arrays mebx = password_arrays(parameters), admin = password_arrays(parameters);

    for (size_t i = 0; i < import->line_count; i++) {
        const struct computer_line *line = &import->lines[i];

        array_add_uuid(uuids, &line->uuid);
        array_add_text(short_names, line->short_name);
        array_add_text(fqdns, line->fqdn);
        array_add_text(macs, *line->mac ? line->mac : NULL);
        if (!add_password(import, &mebx, &line->uuid, "mebx", line->mebx_password, err) ||
            !add_password(import, &admin, &line->uuid, "admin", line->admin_password, err))
            return false;
    }
    if (!database_run(import->session->database, CONTROL_STATEMENT_IMPORT_LINES, parameters, &rows, err))
        return false;
    import->imported += (uint64_t)row_number(rows, 0, "imported");
    import->updated += (uint64_t)row_number(rows, 0, "updated");
    import->unchanged += (uint64_t)row_number(rows, 0, "unchanged");
    return true;
}

/* All batches. Once a line is bad, the rest of the file is only checked. */
static bool run_batches(struct import *import, struct error *err)
{
    bool ended = false;

    while (!ended) {
        if (!read_batch(import, &ended, err) || (import->line_count && !find_conflicts(import, err)))
            return false;
        tell_problems(import);
        if (import->bad_lines == 0 && import->line_count && !send_batch(import, err))
            return false;
        batch_clear(import);
        progress_to(&import->progress, import->reader.bytes_read);
    }
    return true;
}

static bool tell_result(const struct import *import, struct error *err)
{
    uint64_t all = import->imported + import->updated + import->unchanged;

    if (import->session->json)
        printf("%s], \"imported\": %" PRIu64 ", \"updated\": %" PRIu64 ", \"unchanged\": %" PRIu64 "}\n",
               import->bad_lines ? "\n" : "{\"errors\": [", import->bad_lines ? 0 : import->imported,
               import->bad_lines ? 0 : import->updated, import->bad_lines ? 0 : import->unchanged);
    if (import->bad_lines)
        return error_set(err, ERROR_INPUT,
                         "%s: %zu bad line%s, nothing was imported; mend the file and import it again",
                         import->name, import->bad_lines, import->bad_lines == 1 ? "" : "s");
    if (!import->session->json)
        printf("%" PRIu64 " computer%s: %" PRIu64 " imported, %" PRIu64 " updated, %" PRIu64 " unchanged\n",
               all, all == 1 ? "" : "s", import->imported, import->updated, import->unchanged);
    return true;
}

bool import_file(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(import_close) struct import *import = allocate(sizeof(*import));
    bool done;

    import->session = session;
    import->file = -1;
    if (!import_open(import, invocation->arguments[0], err) || !database_begin(session->database, err))
        return false;
    done = run_batches(import, err);
    progress_end(&import->progress);
    if (!done)
        return false;
    if (import->bad_lines == 0 && import->imported + import->updated + import->unchanged == 0)
        return error_set(err, ERROR_INPUT, "%s has no computers", import->name);
    if (import->bad_lines == 0 && !database_commit(session->database, err))
        return false;
    return tell_result(import, err);
}
