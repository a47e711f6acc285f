#include "journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/encoding.h"

#define FORMAT     "1"
#define FIELDS_MAX 11
#define NO_ADDRESS "-"
#define TIME_SIZE  32

static const char *const kind_names[] = { "secret", "active", "unused", "certificate" };
/* With version, time and kind. */
static const size_t field_counts[] = { 10, 5, 5, 11 };

struct journal {
    char *path;
};

/* ---- the file -------------------------------------------------------------------------------------- */

static void descriptor_close(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static bool failed(const struct journal *journal, const char *what, struct error *err)
{
    return error_set(err, ERROR_INTERNAL,
                     "secret.journal: cannot %s %s: %s; no password is handed out that is not in it", what,
                     journal->path, strerror(errno));
}

/* So that the file's name is on the disk, too. */
static bool sync_directory(const struct journal *journal, struct error *err)
{
    AUTO(text_free) char *copy = text_copy(journal->path);
    AUTO(descriptor_close) int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0 || fsync(directory) != 0)
        return failed(journal, "reach the directory of", err);
    return true;
}

/* Opened each time: who renames the file gets a new one. *size is what it has already. */
static bool open_file(const struct journal *journal, int *descriptor, off_t *size, struct error *err)
{
    AUTO(descriptor_close)
    int opened = open(journal->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat status;

    if (opened < 0 || flock(opened, LOCK_EX) != 0 || fstat(opened, &status) != 0)
        return failed(journal, "open", err);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_INPUT, "secret.journal: %s is not a file", journal->path);
    if (status.st_size == 0 && !sync_directory(journal, err))
        return false;
    *size = status.st_size;
    *descriptor = opened;
    opened = -1;
    return true;
}

bool journal_open(struct journal **journal, const char *path, struct error *err)
{
    AUTO(journal_close) struct journal *opening = allocate(sizeof(*opening));
    AUTO(descriptor_close) int descriptor = -1;
    off_t size;

    opening->path = text_copy(path);
    if (!open_file(opening, &descriptor, &size, err))
        return false;
    *journal = TAKE(opening);
    return true;
}

void journal_close(struct journal **journal)
{
    if (*journal) {
        free((*journal)->path);
        free(*journal);
    }
    *journal = NULL;
}

static bool write_all(int descriptor, const char *data, size_t length)
{
    while (length) {
        ssize_t written = write(descriptor, data, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        length -= (size_t)written;
    }
    return true;
}

/* What a crash or a full disk left of a line is ended, so that it spoils no other. */
static bool ends_with_line(int descriptor, off_t size)
{
    char last = '\n';

    return size == 0 || (pread(descriptor, &last, 1, size - 1) == 1 && last == '\n');
}

static bool keep(void *context, const char *notes, size_t length, struct error *err)
{
    const struct journal *journal = context;
    AUTO(descriptor_close) int descriptor = -1;
    off_t size;

    if (!open_file(journal, &descriptor, &size, err))
        return false;
    if ((!ends_with_line(descriptor, size) && !write_all(descriptor, "\n", 1)) ||
        !write_all(descriptor, notes, length) || fdatasync(descriptor) != 0)
        return failed(journal, "write", err);
    return true;
}

void journal_attach(struct journal *journal, struct database *database)
{
    database_keep_notes(database, &(struct database_keeper){ keep, journal });
}

/* ---- lines ----------------------------------------------------------------------------------------- */

void journal_entry_clear(struct journal_entry *entry)
{
    sealed_clear(&entry->sealed);
    text_free(&entry->address);
    text_free(&entry->authority);
    text_free(&entry->usage);
    text_free(&entry->fqdn);
    bytes_free(&entry->certificate);
}

static char *secret_fields(const struct journal_entry *entry)
{
    const struct sealed *sealed = &entry->sealed;
    AUTO(text_free) char *nonce = base64_encode(sealed->nonce, sizeof(sealed->nonce));
    AUTO(text_free) char *ciphertext = base64_encode(sealed->ciphertext.data, sealed->ciphertext.length);

    return text_format(" %s %s %s %s %s", credential_kind_name(entry->secret_kind), sealed->key_id, nonce,
                       ciphertext, entry->address ? entry->address : NO_ADDRESS);
}

static char *certificate_fields(const struct journal_entry *entry)
{
    AUTO(text_free) char *der = base64_encode(entry->certificate.data, entry->certificate.length);

    return text_format(" %u %s %s %lld %s %s", entry->attempt, entry->authority, entry->usage,
                       (long long)entry->renew_at_s, entry->fqdn, der);
}

static const char *time_text(int64_t at_ms, char out[TIME_SIZE])
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm utc;
    size_t length = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));

    snprintf(out + length, TIME_SIZE - length, ".%03dZ", (int)(at_ms % 1000));
    return out;
}

void journal_note(struct database *database, const struct journal_entry *entry)
{
    AUTO(text_free) char *more = NULL;
    AUTO(text_free) char *line = NULL;
    char at[TIME_SIZE], uuid[UUID_TEXT_SIZE];

    if (!database_keeps_notes(database))
        return;
    more = entry->kind == JOURNAL_SECRET        ? secret_fields(entry)
           : entry->kind == JOURNAL_CERTIFICATE ? certificate_fields(entry)
                                                : text_copy("");
    line = text_format(FORMAT " %s %s %s %lld%s\n", time_text(clock_wall_ms(), at), kind_names[entry->kind],
                       uuid_text(&entry->uuid, uuid), (long long)entry->id, more);
    database_note(database, line);
}

static bool parse_time(const char *text, int64_t *at_ms)
{
    struct tm utc = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

    if (!rest || strlen(rest) != 5 || rest[0] != '.' || rest[4] != 'Z' || strspn(rest + 1, "0123456789") != 3)
        return false;
    *at_ms = (int64_t)timegm(&utc) * 1000 + strtol(rest + 1, NULL, 10);
    return true;
}

static bool parse_number(const char *text, int64_t most, int64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && errno == 0 && *number <= most;
}

static bool parse_word(const char *text, const char *const *words, size_t count, size_t *index)
{
    for (*index = 0; *index < count; ++*index) {
        if (strcmp(text, words[*index]) == 0)
            return true;
    }
    return false;
}

static bool parse_nonce(const char *text, unsigned char nonce[VAULT_NONCE_BYTES])
{
    struct bytes decoded = { 0 };
    bool whole = base64_decode(text, &decoded) && decoded.length == VAULT_NONCE_BYTES;

    if (whole)
        memcpy(nonce, decoded.data, VAULT_NONCE_BYTES);
    bytes_free(&decoded);
    return whole;
}

static bool parse_secret(char *const fields[], struct journal_entry *entry)
{
    const char *const kinds[CREDENTIAL_KINDS] = { credential_kind_name(CREDENTIAL_ADMIN),
                                                  credential_kind_name(CREDENTIAL_MEBX),
                                                  credential_kind_name(CREDENTIAL_DIRECTORY) };
    size_t kind;

    if (!parse_word(fields[0], kinds, CREDENTIAL_KINDS, &kind) || !*fields[1] ||
        !parse_nonce(fields[2], entry->sealed.nonce) ||
        !base64_decode(fields[3], &entry->sealed.ciphertext) || !entry->sealed.ciphertext.length ||
        !*fields[4])
        return false;
    if (strcmp(fields[4], NO_ADDRESS) != 0)
        entry->address = text_copy(fields[4]);
    entry->secret_kind = (enum credential_kind)kind;
    entry->sealed.key_id = text_copy(fields[1]);
    return true;
}

static bool parse_certificate(char *const fields[], struct journal_entry *entry)
{
    static const char *const usages[] = { "server", "client" };
    unsigned char fingerprint[32];
    int64_t attempt;
    size_t usage;

    if (!parse_number(fields[0], UINT32_MAX, &attempt) ||
        !hex_decode(fields[1], fingerprint, sizeof(fingerprint)) ||
        !parse_word(fields[2], usages, COUNT_OF(usages), &usage) ||
        !parse_number(fields[3], INT64_MAX, &entry->renew_at_s) || !*fields[4] ||
        !base64_decode(fields[5], &entry->certificate) || !entry->certificate.length)
        return false;
    entry->attempt = (uint32_t)attempt;
    entry->authority = text_copy(fields[1]);
    entry->usage = text_copy(fields[2]);
    entry->fqdn = text_copy(fields[4]);
    return true;
}

static bool parse_fields(char *const fields[], size_t count, struct journal_entry *entry)
{
    size_t kind;

    if (count < 5 || strcmp(fields[0], FORMAT) != 0 || !parse_time(fields[1], &entry->at_ms) ||
        !parse_word(fields[2], kind_names, COUNT_OF(kind_names), &kind) || count != field_counts[kind] ||
        !uuid_parse(fields[3], &entry->uuid) || !parse_number(fields[4], INT64_MAX, &entry->id))
        return false;
    entry->kind = (enum journal_kind)kind;
    return kind == JOURNAL_ACTIVE || kind == JOURNAL_UNUSED ||
           (kind == JOURNAL_SECRET ? parse_secret(fields + 5, entry) : parse_certificate(fields + 5, entry));
}

bool journal_entry_parse(const char *line, struct journal_entry *entry, struct error *err)
{
    AUTO(text_free) char *copy = text_copy(line);
    AUTO(journal_entry_clear) struct journal_entry parsed = { 0 };
    char *fields[FIELDS_MAX + 1], *rest = copy;
    size_t count = 0;

    while (count < COUNT_OF(fields) && rest)
        fields[count++] = strsep(&rest, " ");
    if (!parse_fields(fields, count, &parsed))
        return error_set(err, ERROR_INPUT, "this is no line of an escrow journal");
    *entry = parsed;
    parsed = (struct journal_entry){ 0 };
    return true;
}
