/*
 * credential.h - escrow of the computers' passwords (spec 6.1): at every instant the database holds one that
 * opens the device.
 *
 * A new password is pending before it is handed out, active when the firmware has it, superseded when a
 * newer one is; nothing here deletes one.
 */
#ifndef DEVICES_CREDENTIAL_H
#define DEVICES_CREDENTIAL_H

#include "common/message.h"
#include "database/database.h"
#include "devices/vault.h"

enum credential_kind { CREDENTIAL_ADMIN, CREDENTIAL_MEBX, CREDENTIAL_DIRECTORY, CREDENTIAL_KINDS };
enum credential_state { CREDENTIAL_PENDING, CREDENTIAL_ACTIVE, CREDENTIAL_SUPERSEDED, CREDENTIAL_IMPORTED };

const char *credential_kind_name(enum credential_kind kind);

struct credential {
    int64_t id;
    struct uuid uuid;
    enum credential_kind kind;
    enum credential_state state;
    bool maybe_on_device;
    struct sealed sealed;
};

struct credential_list { /* zero-initialise; sorted by uuid, then newest first */
    struct credential *items;
    size_t count;
};

void credential_list_clear(struct credential_list *list);

/* Those of these computers, admin and mebx. */
bool credential_load(struct database *database, const struct uuid *uuids, size_t count,
                     struct credential_list *list, struct error *err) MUST_CHECK;

/* A password to become pending; afterwards id is set. The former pending one of its kind becomes superseded.
 */
struct credential_proposal {
    struct uuid uuid;
    enum credential_kind kind;
    struct sealed sealed; /* made by the caller */
    const char *address;  /* where the computer is met, for the journal; NULL: not known; borrowed */
    int64_t id;
};

bool credential_propose(struct database *database, struct credential_proposal *proposals, size_t count,
                        struct error *err) MUST_CHECK;

/* What an attempt did with the password that it was offered. */
struct credential_outcome {
    struct uuid uuid;
    enum credential_kind kind;
    int64_t offered; /* id; 0: none was */
    bool was_maybe;  /* before that offer */
    enum password_state state;
    bool current; /* the attempt is the newest: "untouched" from an older one proves nothing */
    int64_t job;
    bool done;             /* the job, with this attempt */
    enum mebx_found found; /* where the state is "not permitted" */
};

bool credential_settle(struct database *database, const struct credential_outcome *outcome,
                       struct error *err) MUST_CHECK;
/* The firmware accepted this one: it is the active one now, even when another was believed to be. */
bool credential_proved(struct database *database, const struct uuid *uuid, int64_t id,
                       struct error *err) MUST_CHECK;
/* For the escrow journal (journal.h), where a password becomes the active one in another way. */
void credential_note_active(struct database *database, const struct uuid *uuid, int64_t id);

#endif
