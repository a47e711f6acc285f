#include "credential.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "devices/journal.h"
#include "statement.h"

static const char *const kind_names[CREDENTIAL_KINDS] = { "admin", "mebx", "directory" };
static const char *const state_names[] = { "pending", "active", "superseded", "imported" };

const char *credential_kind_name(enum credential_kind kind)
{
    return kind_names[kind];
}

static unsigned index_of(const char *name, const char *const *names, unsigned count)
{
    unsigned i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    assert(i < count); /* the table's CHECK allows no other */
    return i;
}

void credential_list_clear(struct credential_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        sealed_clear(&list->items[i].sealed);
    free(list->items);
    *list = (struct credential_list){ 0 };
}

static void read_row(const struct rows *rows, size_t row, struct credential *credential)
{
    size_t length;
    const unsigned char *data = row_bytes(rows, row, "nonce", &length);

    assert(length == sizeof(credential->sealed.nonce)); /* the table's CHECK */
    memcpy(credential->sealed.nonce, data, length);
    data = row_bytes(rows, row, "ciphertext", &length);
    bytes_set(&credential->sealed.ciphertext, data, length);
    credential->sealed.key_id = text_copy(row_text(rows, row, "key_id"));
    credential->id = row_number(rows, row, "id");
    credential->uuid = row_uuid(rows, row, "uuid");
    credential->kind = index_of(row_text(rows, row, "kind"), kind_names, COUNT_OF(kind_names));
    credential->state = index_of(row_text(rows, row, "state"), state_names, COUNT_OF(state_names));
    credential->maybe_on_device = row_bool(rows, row, "maybe_on_device");
}

bool credential_load(struct database *database, const struct uuid *uuids, size_t count,
                     struct credential_list *list, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *wanted = parameters_uuids(parameters);

    for (size_t i = 0; i < count; i++)
        array_add_uuid(wanted, &uuids[i]);
    if (!database_run(database, STATEMENT_SECRETS_OF, parameters, &rows, err))
        return false;
    credential_list_clear(list);
    list->items = allocate(rows_count(rows) * sizeof(*list->items));
    list->count = rows_count(rows);
    for (size_t i = 0; i < list->count; i++)
        read_row(rows, i, &list->items[i]);
    return true;
}

/* To be restored from, should the database be taken back to a moment before this one. */
static void note_proposal(struct database *database, const struct credential_proposal *proposal)
{
    journal_note(database, &(struct journal_entry){ .kind = JOURNAL_SECRET,
                                                    .uuid = proposal->uuid,
                                                    .id = proposal->id,
                                                    .secret_kind = proposal->kind,
                                                    .sealed = proposal->sealed,
                                                    .address = (char *)proposal->address });
}

void credential_note_active(struct database *database, const struct uuid *uuid, int64_t id)
{
    journal_note(database, &(struct journal_entry){ .kind = JOURNAL_ACTIVE, .uuid = *uuid, .id = id });
}

bool credential_propose(struct database *database, struct credential_proposal *proposals, size_t count,
                        struct error *err)
{
    AUTO(parameters_free) struct parameters *former = parameters_new();
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *uuids = parameters_uuids(parameters);
    struct array *kinds = parameters_texts(parameters);
    struct array *key_ids = parameters_texts(parameters);
    struct array *nonces = parameters_byte_strings(parameters);
    struct array *ciphertexts = parameters_byte_strings(parameters);
    struct array *former_uuids = parameters_uuids(former);
    struct array *former_kinds = parameters_texts(former);

    if (!count)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct sealed *sealed = &proposals[i].sealed;

        array_add_uuid(uuids, &proposals[i].uuid);
        array_add_text(kinds, kind_names[proposals[i].kind]);
        array_add_text(key_ids, sealed->key_id);
        array_add_bytes(nonces, sealed->nonce, sizeof(sealed->nonce));
        array_add_bytes(ciphertexts, sealed->ciphertext.data, sealed->ciphertext.length);
        array_add_uuid(former_uuids, &proposals[i].uuid);
        array_add_text(former_kinds, kind_names[proposals[i].kind]);
    }
    if (!database_write(database, STATEMENT_SECRETS_PENDING_SUPERSEDE, former, err) ||
        !database_run(database, STATEMENT_SECRETS_PROPOSE, parameters, &rows, err))
        return false;
    assert(rows_count(rows) == count);
    for (size_t i = 0; i < count; i++)
        proposals[row_number(rows, i, "ordinal") - 1].id = row_number(rows, i, "id");
    for (size_t i = 0; i < count; i++)
        note_proposal(database, &proposals[i]);
    return true;
}

static bool run_for(struct database *database, int statement, const struct uuid *uuid, int64_t id,
                    struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(parameters, uuid);
    parameters_number(parameters, id);
    return database_write(database, statement, parameters, err);
}

bool credential_proved(struct database *database, const struct uuid *uuid, int64_t id, struct error *err)
{
    credential_note_active(database, uuid, id);
    return run_for(database, STATEMENT_SECRET_SUPERSEDE_OTHERS, uuid, id, err) &&
           run_for(database, STATEMENT_SECRET_ACTIVATE, uuid, id, err);
}

static bool run_for_job(struct database *database, int statement, const struct credential_outcome *outcome,
                        struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(parameters, &outcome->uuid);
    parameters_number(parameters, outcome->offered);
    parameters_number(parameters, outcome->job);
    return database_write(database, statement, parameters, err);
}

/* Neither this attempt nor an earlier one can have set it. */
static bool not_on_device(const struct credential_outcome *outcome)
{
    bool untouched = outcome->state == PASSWORD_UNTOUCHED || outcome->state == PASSWORD_NOT_PERMITTED;

    return untouched && (!outcome->was_maybe || outcome->found == MEBX_FACTORY);
}

/* The firmware does not have it from this attempt; whether it has it from an earlier one whose result was
 * lost, only the firmware's own word can tell. */
static bool settle_not_set(struct database *database, const struct credential_outcome *outcome,
                           struct error *err)
{
    if (not_on_device(outcome))
        return run_for(database, STATEMENT_SECRET_NOT_ON_DEVICE, &outcome->uuid, outcome->offered, err);
    return outcome->found != MEBX_CHANGED ||
           run_for_job(database, STATEMENT_SECRET_FOUND_CHANGED, outcome, err);
}

static bool settle_state(struct database *database, const struct credential_outcome *outcome,
                         struct error *err)
{
    switch (outcome->state) {
    case PASSWORD_SET:
        if (outcome->current)
            return credential_proved(database, &outcome->uuid, outcome->offered, err);
        return run_for(database, STATEMENT_SECRET_MAYBE_ON_DEVICE, &outcome->uuid, outcome->offered, err);
    case PASSWORD_SENT:
        return run_for(database, STATEMENT_SECRET_MAYBE_ON_DEVICE, &outcome->uuid, outcome->offered, err);
    case PASSWORD_UNTOUCHED:
    case PASSWORD_NOT_PERMITTED:
        return !outcome->current || settle_not_set(database, outcome, err);
    }
    return true;
}

bool credential_settle(struct database *database, const struct credential_outcome *outcome, struct error *err)
{
    if (!outcome->offered)
        return true;
    if (outcome->current && outcome->done && not_on_device(outcome))
        journal_note(database, &(struct journal_entry){
                                   .kind = JOURNAL_UNUSED, .uuid = outcome->uuid, .id = outcome->offered });
    return settle_state(database, outcome, err) &&
           (!outcome->current || !outcome->done ||
            run_for(database, STATEMENT_SECRET_NOT_TAKEN, &outcome->uuid, outcome->offered, err));
}
