/*
 * recovery.h - what the passwords of computers are by an escrow journal (devices/journal.h) and by a database
 * that was restored to an earlier moment, put together.
 *
 * Pure but for the vault. Passwords are compared in clear: a value that was sealed anew meanwhile is the
 * same.
 */
#ifndef CONTROL_RECOVERY_H
#define CONTROL_RECOVERY_H

#include "devices/journal.h"

struct recovered_value {
    struct uuid uuid;
    enum credential_kind kind;
    bool is_new;        /* the database did not have it */
    bool unused;        /* a job ended without the device taking it */
    int64_t id;         /* in the database; 0: not stored there yet */
    int64_t journal_id; /* under which the journal speaks of it; 0: it does not */
    int64_t created_ms;
    int64_t active_ms;            /* since when the device is known to have it; 0: it is not known */
    bool was_active, was_pending; /* in the database */
    struct sealed sealed;
    struct secret *clear;
};

struct recovery { /* zero-initialise; ended with recovery_clear() */
    struct journal_entry *entries;
    size_t entry_count;
    struct recovered_value *values; /* of one computer stand together */
    size_t value_count;
};

void recovery_clear(struct recovery *recovery);

/* Takes the entry over and leaves it empty. */
void recovery_add_entry(struct recovery *recovery, struct journal_entry *entry);
/* By computer, then by time. After the last entry, before the first value. */
void recovery_sort(struct recovery *recovery);
/* First entry of the computer behind this one's. */
size_t recovery_next_computer(const struct recovery *recovery, size_t entry);

/* A password that the database has; takes the value over, all but its clear text, which is opened here. */
bool recovery_add_stored(struct recovery *recovery, struct vault *vault, struct recovered_value *value,
                         struct error *err) MUST_CHECK;
/* What the entries from `first` on, those of one computer, tell besides. After its stored ones. */
bool recovery_add_told(struct recovery *recovery, struct vault *vault, size_t first,
                       struct error *err) MUST_CHECK;

/* First value of the computer behind this one's. */
size_t recovery_next_values(const struct recovery *recovery, size_t value);

/* What is true of one computer and kind. */
struct recovered_state {
    const struct recovered_value *active;  /* NULL: none is known to be on the device */
    const struct recovered_value *pending; /* made after that one; NULL: none */
    bool changed;                          /* it is not what the database says */
};

/* Of the computer whose values begin at `first`. */
void recovery_judge(const struct recovery *recovery, size_t first, enum credential_kind kind,
                    struct recovered_state *state);

#endif
