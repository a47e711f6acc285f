#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificates/authority.h"
#include "recovery.h"
#include "secret_reading.h"
#include "verbs.h"

#define BATCH 1000 /* values in one statement */

/* What was done, for people. */
struct outcome {
    uint64_t cancelled, secrets, states, certificates, broken_lines;
    size_t unknown;                     /* computers that the database does not have */
    char first_unknown[UUID_TEXT_SIZE]; /* one of them */
    char *unknown_fqdn;                 /* its name, when its certificate tells one */
};

/* ---- reading the journals -------------------------------------------------------------------------- */

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

/* The end of a file may be half a line, and a crash may have left another anywhere: see journal.h. */
static void read_line(struct recovery *recovery, char *line, struct outcome *outcome)
{
    struct journal_entry entry = { 0 };
    struct error broken;
    size_t length = strlen(line);

    if (length && line[length - 1] == '\n')
        line[length - 1] = '\0';
    if (!*line)
        return;
    if (journal_entry_parse(line, &entry, &broken))
        recovery_add_entry(recovery, &entry);
    else
        outcome->broken_lines++;
}

static bool read_journal(const char *path, struct recovery *recovery, struct outcome *outcome,
                         struct error *err)
{
    AUTO(file_close) FILE *file = fopen(path, "re");
    AUTO(text_free) char *line = NULL;
    size_t room = 0, before = recovery->entry_count;

    if (!file)
        return error_set(err, ERROR_INPUT, "cannot open %s: %s", path, strerror(errno));
    while (getline(&line, &room, file) > 0)
        read_line(recovery, line, outcome);
    if (ferror(file))
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    if (recovery->entry_count == before && outcome->broken_lines)
        return error_set(err, ERROR_INPUT, "%s is no escrow journal: no line of it could be read", path);
    return true;
}

/* ---- what the database has ------------------------------------------------------------------------- */

static bool find_stored(struct session *session, const struct recovery *recovery, struct rows **rows,
                        struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *uuids = parameters_uuids(parameters);

    for (size_t i = 0; i < recovery->entry_count; i = recovery_next_computer(recovery, i))
        array_add_uuid(uuids, &recovery->entries[i].uuid);
    return database_run(session->database, CONTROL_STATEMENT_RECOVERY_SECRETS, parameters, rows, err);
}

static enum credential_kind kind_of(const char *name)
{
    enum credential_kind kind = CREDENTIAL_ADMIN;

    while (kind + 1 < CREDENTIAL_KINDS && strcmp(credential_kind_name(kind), name) != 0)
        kind++;
    return kind;
}

static bool add_stored(const struct rows *rows, size_t row, struct vault *vault, struct recovery *recovery,
                       struct error *err)
{
    const char *state = row_text(rows, row, "state");
    struct recovered_value value = { .uuid = row_uuid(rows, row, "uuid") };

    if (!state)
        return true; /* the computer is known, and has no password */
    value.kind = kind_of(row_text(rows, row, "kind"));
    value.id = row_number(rows, row, "id");
    value.created_ms = row_time_ms(rows, row, "created_at");
    value.was_active = strcmp(state, "active") == 0;
    value.was_pending = strcmp(state, "pending") == 0;
    if (!row_is_null(rows, row, "activated_at"))
        value.active_ms = row_time_ms(rows, row, "activated_at");
    return sealed_take(rows, row, &value.sealed, err) && recovery_add_stored(recovery, vault, &value, err);
}

static void note_unknown(const struct recovery *recovery, size_t first, struct outcome *outcome)
{
    size_t end = recovery_next_computer(recovery, first);

    if (outcome->unknown++)
        return;
    uuid_text(&recovery->entries[first].uuid, outcome->first_unknown);
    for (size_t i = first; i < end; i++) {
        if (recovery->entries[i].fqdn)
            text_set(&outcome->unknown_fqdn, recovery->entries[i].fqdn);
    }
}

/* Both are in the order of the UUIDs. */
static bool put_together(struct recovery *recovery, struct vault *vault, const struct rows *rows,
                         struct outcome *outcome, struct error *err)
{
    size_t row = 0;

    for (size_t i = 0; i < recovery->entry_count; i = recovery_next_computer(recovery, i)) {
        const struct uuid uuid = recovery->entries[i].uuid;
        bool known = false;

        for (; row < rows_count(rows); row++) {
            const struct uuid stored = row_uuid(rows, row, "uuid");

            if (!uuid_equal(&stored, &uuid))
                break;
            known = true;
            if (!add_stored(rows, row, vault, recovery, err))
                return false;
        }
        if (!known)
            note_unknown(recovery, i, outcome);
        else if (!recovery_add_told(recovery, vault, i, err))
            return false;
    }
    return true;
}

/* ---- storing --------------------------------------------------------------------------------------- */

/* Those from *next on that the database lacks, a batch of them; *next is then behind it. */
static bool store_values(struct session *session, struct recovery *recovery, size_t *next,
                         struct outcome *outcome, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *uuids = parameters_uuids(parameters), *kinds = parameters_texts(parameters);
    struct array *times = parameters_numbers(parameters), *keys = parameters_texts(parameters);
    struct array *nonces = parameters_byte_strings(parameters);
    struct array *ciphertexts = parameters_byte_strings(parameters);
    struct recovered_value *batch[BATCH];
    size_t count = 0;

    for (; *next < recovery->value_count && count < BATCH; ++*next) {
        struct recovered_value *value = &recovery->values[*next];

        if (value->id)
            continue;
        array_add_uuid(uuids, &value->uuid);
        array_add_text(kinds, credential_kind_name(value->kind));
        array_add_number(times, value->created_ms);
        array_add_text(keys, value->sealed.key_id);
        array_add_bytes(nonces, value->sealed.nonce, sizeof(value->sealed.nonce));
        array_add_bytes(ciphertexts, value->sealed.ciphertext.data, value->sealed.ciphertext.length);
        batch[count++] = value;
    }
    if (!count)
        return true;
    if (!database_run(session->database, CONTROL_STATEMENT_RECOVER_SECRETS, parameters, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++)
        batch[row_number(rows, i, "ordinal") - 1]->id = row_number(rows, i, "id");
    outcome->secrets += count;
    return true;
}

struct state_arrays { /* elements of one statement */
    struct array *uuids, *kinds, *actives, *times, *pendings;
};

static void add_id(struct array *array, const struct recovered_value *value)
{
    if (value)
        array_add_number(array, value->id);
    else
        array_add_null(array);
}

static void add_states(const struct recovery *recovery, size_t first, const struct state_arrays *arrays)
{
    for (enum credential_kind kind = 0; kind < CREDENTIAL_KINDS; kind++) {
        struct recovered_state state;

        recovery_judge(recovery, first, kind, &state);
        if (!state.changed)
            continue;
        array_add_uuid(arrays->uuids, &recovery->values[first].uuid);
        array_add_text(arrays->kinds, credential_kind_name(kind));
        add_id(arrays->actives, state.active);
        array_add_number(arrays->times, state.active ? state.active->active_ms : 0);
        add_id(arrays->pendings, state.pending);
    }
}

static bool store_states(struct session *session, const struct recovery *recovery, struct outcome *outcome,
                         struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const struct state_arrays arrays = {
        .uuids = parameters_uuids(parameters),
        .kinds = parameters_texts(parameters),
        .actives = parameters_numbers(parameters),
        .times = parameters_numbers(parameters),
        .pendings = parameters_numbers(parameters),
    };

    for (size_t i = 0; i < recovery->value_count; i = recovery_next_values(recovery, i))
        add_states(recovery, i, &arrays);
    outcome->states = array_count(arrays.uuids);
    return !outcome->states || session_do(session, CONTROL_STATEMENT_RECOVER_STATES, &parameters, err);
}

/* Where each computer was met last: one that was imported again has no address, and says no Hello. */
static bool store_addresses(struct session *session, const struct recovery *recovery, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *uuids = parameters_uuids(parameters), *addresses = parameters_texts(parameters);

    for (size_t i = 0, end; i < recovery->entry_count; i = end) {
        const char *address = NULL;

        end = recovery_next_computer(recovery, i);
        for (size_t k = i; k < end; k++)
            address = recovery->entries[k].address ? recovery->entries[k].address : address;
        if (!address)
            continue;
        array_add_uuid(uuids, &recovery->entries[i].uuid);
        array_add_text(addresses, address);
    }
    return session_do(session, CONTROL_STATEMENT_RECOVER_ADDRESSES, &parameters, err);
}

static bool store_certificate(struct session *session, const struct journal_entry *entry,
                              struct outcome *outcome, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    AUTO(rows_free) struct rows *rows = NULL;
    unsigned char key_fingerprint[32];

    if (!issued_certificate_read(&entry->certificate, &issued, key_fingerprint, err))
        return error_during(err, "certificate of %s in the journal", entry->fqdn);
    parameters_uuid(parameters, &entry->uuid);
    parameters_number(parameters, entry->id);
    parameters_number(parameters, entry->attempt);
    parameters_text(parameters, entry->authority);
    parameters_text(parameters, issued.serial);
    parameters_text(parameters, entry->fqdn);
    parameters_bytes(parameters, key_fingerprint, sizeof(key_fingerprint));
    parameters_text(parameters, issued.fingerprint);
    parameters_bytes(parameters, entry->certificate.data, entry->certificate.length);
    parameters_number(parameters, issued.not_before_s);
    parameters_number(parameters, issued.not_after_s);
    parameters_number(parameters, entry->renew_at_s);
    parameters_text(parameters, entry->usage);
    if (!database_run(session->database, CONTROL_STATEMENT_RECOVER_CERTIFICATE, parameters, &rows, err))
        return false;
    outcome->certificates += row_bool(rows, 0, "added");
    return true;
}

/* In the order in which they were issued: the device has the last one, or one before it. */
static bool store_certificates(struct session *session, const struct recovery *recovery,
                               struct outcome *outcome, struct error *err)
{
    for (size_t i = 0; i < recovery->entry_count; i++) {
        if (recovery->entries[i].kind == JOURNAL_CERTIFICATE &&
            !store_certificate(session, &recovery->entries[i], outcome, err))
            return false;
    }
    return true;
}

static bool begin(struct session *session, struct outcome *outcome, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_begin(session->database, err) ||
        !database_run(session->database, CONTROL_STATEMENT_RECOVERY_BEGIN, NULL, &rows, err))
        return false;
    outcome->cancelled = (uint64_t)row_number(rows, 0, "cancelled");
    return true;
}

/* One transaction: all of it, or nothing. */
static bool recover(struct session *session, struct recovery *recovery, struct outcome *outcome,
                    struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct vault *vault;

    if (!session_vault(session, &vault, err) || !begin(session, outcome, err) ||
        !find_stored(session, recovery, &rows, err) || !put_together(recovery, vault, rows, outcome, err))
        return false;
    for (size_t next = 0; next < recovery->value_count;) {
        if (!store_values(session, recovery, &next, outcome, err))
            return false;
    }
    return store_states(session, recovery, outcome, err) && store_addresses(session, recovery, err) &&
           store_certificates(session, recovery, outcome, err) && database_commit(session->database, err);
}

static void tell(const struct session *session, const struct outcome *outcome)
{
    if (session->json) {
        printf("{\"secrets\": %" PRIu64 ", \"certificates\": %" PRIu64 ", \"jobs_cancelled\": %" PRIu64
               ", \"broken_lines\": %" PRIu64 ", \"unknown_computers\": %zu}\n",
               outcome->secrets, outcome->certificates, outcome->cancelled, outcome->broken_lines,
               outcome->unknown);
        return;
    }
    printf("%" PRIu64 " passwords and %" PRIu64 " certificates were not in the database and are now; %" PRIu64
           " open jobs were cancelled\n",
           outcome->secrets, outcome->certificates, outcome->cancelled);
    if (outcome->broken_lines)
        printf("%" PRIu64 " lines were broken, as a crash leaves them: nothing of them was handed out\n",
               outcome->broken_lines);
}

bool secret_recover(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(recovery_clear) struct recovery recovery = { 0 };
    struct outcome outcome = { 0 };
    AUTO(text_free) char *unknown_fqdn = NULL;

    for (size_t i = 0; i < invocation->argument_count; i++) {
        if (!read_journal(invocation->arguments[i], &recovery, &outcome, err))
            return false;
    }
    recovery_sort(&recovery);
    if (!recover(session, &recovery, &outcome, err)) {
        text_free(&outcome.unknown_fqdn);
        return error_during(err, "nothing was recovered");
    }
    unknown_fqdn = TAKE(outcome.unknown_fqdn);
    tell(session, &outcome);
    if (outcome.unknown)
        return error_set(err, ERROR_ABSENT,
                         "%zu computers of the journals are not in the database, such as %s%s%s: import them "
                         "and call it again, unless they were scrapped",
                         outcome.unknown, outcome.first_unknown, unknown_fqdn ? ", " : "",
                         unknown_fqdn ? unknown_fqdn : "");
    return true;
}
