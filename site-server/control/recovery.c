#include "recovery.h"

#include <stdlib.h>
#include <string.h>

void recovery_clear(struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->entry_count; i++)
        journal_entry_clear(&recovery->entries[i]);
    free(recovery->entries);
    for (size_t i = 0; i < recovery->value_count; i++) {
        sealed_clear(&recovery->values[i].sealed);
        secret_free(&recovery->values[i].clear);
    }
    free(recovery->values);
    *recovery = (struct recovery){ 0 };
}

void recovery_add_entry(struct recovery *recovery, struct journal_entry *entry)
{
    recovery->entries = reallocate(recovery->entries, recovery->entry_count + 1, sizeof(*recovery->entries));
    recovery->entries[recovery->entry_count++] = *entry;
    *entry = (struct journal_entry){ 0 };
}

/* At the same time a password is made before it is found to be active: SECRET is the least kind. */
static int compare(const void *left, const void *right)
{
    const struct journal_entry *a = left, *b = right;
    int order = memcmp(a->uuid.bytes, b->uuid.bytes, sizeof(a->uuid.bytes));

    if (!order)
        order = (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
    if (!order)
        order = (int)a->kind - (int)b->kind;
    return order ? order : (a->id > b->id) - (a->id < b->id);
}

void recovery_sort(struct recovery *recovery)
{
    if (recovery->entry_count)
        qsort(recovery->entries, recovery->entry_count, sizeof(*recovery->entries), compare);
}

size_t recovery_next_computer(const struct recovery *recovery, size_t entry)
{
    size_t next = entry + 1;

    while (next < recovery->entry_count &&
           uuid_equal(&recovery->entries[next].uuid, &recovery->entries[entry].uuid))
        next++;
    return next;
}

/* ---- values ---- */

static void add_value(struct recovery *recovery, struct recovered_value *value)
{
    recovery->values = reallocate(recovery->values, recovery->value_count + 1, sizeof(*recovery->values));
    recovery->values[recovery->value_count++] = *value;
    *value = (struct recovered_value){ 0 };
}

static bool open_value(struct vault *vault, struct recovered_value *value, struct error *err)
{
    char place[VAULT_PLACE_SIZE];

    vault_place_computer(&value->uuid, credential_kind_name(value->kind), place);
    return vault_open(vault, place, &value->sealed, &value->clear, err);
}

bool recovery_add_stored(struct recovery *recovery, struct vault *vault, struct recovered_value *value,
                         struct error *err)
{
    if (!open_value(vault, value, err))
        return error_during(err, "the database");
    add_value(recovery, value);
    return true;
}

/* The values of the computer that was added last, from its newest on; the end is where another one begins. */
static struct recovered_value *
find_value(struct recovery *recovery, const struct uuid *uuid,
           bool (*is_it)(const struct recovered_value *value, const void *wanted), const void *wanted)
{
    for (size_t i = recovery->value_count; i > 0; i--) {
        struct recovered_value *value = &recovery->values[i - 1];

        if (!uuid_equal(&value->uuid, uuid))
            break;
        if (is_it(value, wanted))
            return value;
    }
    return NULL;
}

static bool is_same_password(const struct recovered_value *value, const void *wanted)
{
    const struct recovered_value *other = wanted;

    return value->kind == other->kind && secret_equal(value->clear, other->clear);
}

static bool is_called_in_journal(const struct recovered_value *value, const void *wanted)
{
    return value->journal_id == *(const int64_t *)wanted;
}

/* Made before the journal was. */
static bool is_called_in_database(const struct recovered_value *value, const void *wanted)
{
    return !value->journal_id && value->id == *(const int64_t *)wanted;
}

static bool hear_of_secret(struct recovery *recovery, struct vault *vault, struct journal_entry *entry,
                           struct error *err)
{
    struct recovered_value value = { .is_new = true,
                                     .uuid = entry->uuid,
                                     .kind = entry->secret_kind,
                                     .journal_id = entry->id,
                                     .created_ms = entry->at_ms,
                                     .sealed = entry->sealed };
    struct recovered_value *known;

    if (!open_value(vault, &value, err))
        return error_during(err, "the journal");
    known = find_value(recovery, &entry->uuid, is_same_password, &value);
    if (known) {
        known->journal_id = entry->id;
        known->created_ms = entry->at_ms;
        secret_free(&value.clear);
        return true;
    }
    entry->sealed = (struct sealed){ 0 }; /* is the value's now */
    add_value(recovery, &value);
    return true;
}

static void hear_of_use(struct recovery *recovery, const struct journal_entry *entry)
{
    struct recovered_value *value = find_value(recovery, &entry->uuid, is_called_in_journal, &entry->id);

    if (!value)
        value = find_value(recovery, &entry->uuid, is_called_in_database, &entry->id);
    if (value && entry->kind == JOURNAL_ACTIVE)
        value->active_ms = entry->at_ms;
    if (value)
        value->unused = entry->kind == JOURNAL_UNUSED;
}

bool recovery_add_told(struct recovery *recovery, struct vault *vault, size_t first, struct error *err)
{
    size_t end = recovery_next_computer(recovery, first);

    for (size_t i = first; i < end; i++) {
        struct journal_entry *entry = &recovery->entries[i];

        if (entry->kind == JOURNAL_SECRET && !hear_of_secret(recovery, vault, entry, err))
            return false;
        if (entry->kind == JOURNAL_ACTIVE || entry->kind == JOURNAL_UNUSED)
            hear_of_use(recovery, entry);
    }
    return true;
}

/* ---- judgement ---- */

static void judge_value(const struct recovered_value *value, struct recovered_state *state)
{
    if (value->active_ms && (!state->active || value->active_ms >= state->active->active_ms))
        state->active = value;
}

/* A later one that is not known to be on the device: the newest of them may be. */
static bool may_follow(const struct recovered_value *value, const struct recovered_state *state)
{
    if (value == state->active || value->active_ms || value->unused)
        return false;
    if (!value->is_new && !value->was_pending)
        return false; /* the database knows that it was given up */
    return !state->active || value->created_ms > state->active->created_ms;
}

size_t recovery_next_values(const struct recovery *recovery, size_t value)
{
    size_t next = value + 1;

    while (next < recovery->value_count &&
           uuid_equal(&recovery->values[next].uuid, &recovery->values[value].uuid))
        next++;
    return next;
}

void recovery_judge(const struct recovery *recovery, size_t first, enum credential_kind kind,
                    struct recovered_state *state)
{
    size_t end = recovery_next_values(recovery, first);

    *state = (struct recovered_state){ 0 };
    for (size_t i = first; i < end; i++) {
        if (recovery->values[i].kind == kind)
            judge_value(&recovery->values[i], state);
    }
    for (size_t i = first; i < end; i++) {
        const struct recovered_value *value = &recovery->values[i];

        if (value->kind != kind)
            continue;
        if (may_follow(value, state) && (!state->pending || value->created_ms >= state->pending->created_ms))
            state->pending = value;
        state->changed |= value->is_new;
    }
    state->changed |= state->active && !state->active->was_active;
}
