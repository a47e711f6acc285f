#include "directory/account.h"

#include <stdlib.h>
#include <string.h>

#include "common/password.h"
#include "devices/credential.h"
#include "jobs/job.h"
#include "jobs/lease.h"
#include "jobs/sealed_row.h"
#include "statement.h"

#define REMOVAL_PAUSE_MOST_S 600
#define NAME_VALID_S         (24 * 3600) /* then a user or group is looked up again */

static void read_guid(const struct rows *rows, size_t row, struct object_guid *guid)
{
    size_t length;
    const unsigned char *bytes = row_bytes(rows, row, "guid", &length);

    guid->known = length == DIRECTORY_GUID_BYTES;
    if (guid->known)
        memcpy(guid->bytes, bytes, DIRECTORY_GUID_BYTES);
}

/* "11.8.50.3425"; 0: not known. */
static unsigned major_of(const char *firmware_version)
{
    return firmware_version ? (unsigned)strtoul(firmware_version, NULL, 10) : 0;
}

static bool propose(struct database *database, struct vault *vault, struct directory_task *task,
                    struct error *err)
{
    struct credential_proposal proposal = { .uuid = task->uuid, .kind = CREDENTIAL_DIRECTORY };
    char place[VAULT_PLACE_SIZE];
    bool proposed;

    task->password = password_generate();
    task->new_password = true;
    vault_place_computer(&task->uuid, credential_kind_name(CREDENTIAL_DIRECTORY), place);
    proposed = vault_seal(vault, place, task->password, &proposal.sealed, err) &&
               credential_propose(database, &proposal, 1, err);
    task->password_id = proposal.id;
    sealed_clear(&proposal.sealed);
    return proposed;
}

/* The one that the directory has or is about to get; *pending: it is not known to have it. */
static bool load_password(struct database *database, struct vault *vault, struct directory_task *task,
                          bool *pending, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    char place[VAULT_PLACE_SIZE];

    *pending = false;
    parameters_uuid(parameters, &task->uuid);
    if (!database_run(database, STATEMENT_DIRECTORY_SECRET, parameters, &rows, err))
        return false;
    if (!rows_count(rows))
        return true;
    vault_place_computer(&task->uuid, credential_kind_name(CREDENTIAL_DIRECTORY), place);
    *pending = strcmp(row_text(rows, 0, "state"), "pending") == 0;
    task->password_id = row_number(rows, 0, "id");
    return sealed_row_open(vault, rows, 0, place, &task->password, err);
}

/* rotate: the job wants another one than the active one. */
static bool choose_password(struct database *database, struct vault *vault, struct directory_task *task,
                            bool rotate, struct error *err)
{
    bool pending;

    task->rotates = rotate;
    if (!load_password(database, vault, task, &pending, err))
        return false;
    task->new_password = pending;
    if (task->password && (pending || !rotate))
        return true;
    secret_free(&task->password);
    return propose(database, vault, task, err);
}

static bool record_wish(struct database *database, const struct directory_task *task, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(parameters, &task->uuid);
    parameters_text(parameters, task->fqdn);
    return database_write(database, STATEMENT_DIRECTORY_OBJECT_ASK, parameters, err);
}

static void read_subject(const struct rows *rows, const struct message_account_wanted *wanted,
                         struct directory_task *task)
{
    const char *version = row_text(rows, 0, "firmware_version");

    task->work = DIRECTORY_KEEP;
    task->attempt = wanted->id;
    task->uuid = row_uuid(rows, 0, "uuid");
    task->fqdn = text_copy(row_text(rows, 0, "fqdn"));
    task->amt_major = major_of(wanted->firmware_version ? wanted->firmware_version : version);
    task->account_name = text_copy(row_text(rows, 0, "account_name"));
    task->key_version =
        row_is_null(rows, 0, "key_version") ? 0 : (uint32_t)row_number(rows, 0, "key_version");
    task->key_in_firmware = row_bool(rows, 0, "key_in_firmware");
    read_guid(rows, 0, &task->guid);
}

bool account_want(struct database *database, struct vault *vault, int64_t service_point,
                  const struct message_account_wanted *wanted, struct directory_task *task, struct error *err)
{
    AUTO(directory_task_clear) struct directory_task making = { 0 };
    AUTO(rows_free) struct rows *rows = NULL;
    bool rotate;

    if (!lease_subject(database, STATEMENT_DIRECTORY_SUBJECT, service_point, &wanted->id, &rows, err))
        return false;
    read_subject(rows, wanted, &making);
    if (!making.fqdn)
        return error_because(err, REASON_NAME_MISSING,
                             "an object in the directory needs the computer's FQDN");
    rotate = strcmp(row_text(rows, 0, "kind"), "rotate-passwords") == 0 && !row_bool(rows, 0, "rotated");
    if (!choose_password(database, vault, &making, rotate, err) || !record_wish(database, &making, err))
        return false;
    *task = making;
    making = (struct directory_task){ 0 };
    return true;
}

bool account_unwanted(struct database *database, struct directory_task *tasks, size_t *count,
                      struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_number(parameters, (int64_t)*count);
    parameters_number(parameters, REMOVAL_PAUSE_MOST_S);
    if (!database_run(database, STATEMENT_DIRECTORY_OBJECTS_UNWANTED, parameters, &rows, err))
        return false;
    *count = rows_count(rows);
    for (size_t i = 0; i < *count; i++) {
        tasks[i] = (struct directory_task){ .work = DIRECTORY_REMOVE,
                                            .uuid = row_uuid(rows, i, "uuid"),
                                            .fqdn = text_copy(row_text(rows, i, "fqdn")) };
        read_guid(rows, i, &tasks[i].guid);
    }
    return true;
}

bool account_names_due(struct database *database, struct directory_task *tasks, size_t *count,
                       struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_number(parameters, (int64_t)*count);
    parameters_number(parameters, NAME_VALID_S);
    if (!database_run(database, STATEMENT_DIRECTORY_NAMES_DUE, parameters, &rows, err))
        return false;
    *count = rows_count(rows);
    for (size_t i = 0; i < *count; i++)
        tasks[i] = (struct directory_task){ .work = DIRECTORY_LOOK_UP,
                                            .fqdn = text_copy(row_text(rows, i, "name")) };
    return true;
}

static bool settle_name(struct database *database, const struct directory_task *task, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free)
    char *sentence = task->done ? NULL : job_reason_sentence(task->err.reason, task->err.message);

    parameters_text(parameters, task->fqdn);
    parameters_bytes(parameters, task->done ? task->sid.data : NULL, task->sid.length);
    parameters_text(parameters, task->done ? NULL : reason_of(task->err.reason)->name);
    parameters_text(parameters, sentence);
    return database_write(database, STATEMENT_DIRECTORY_NAME_FOUND, parameters, err);
}

static bool settle_failed(struct database *database, const struct directory_task *task, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free) char *sentence = job_reason_sentence(task->err.reason, task->err.message);

    parameters_uuid(parameters, &task->uuid);
    parameters_text(parameters, reason_of(task->err.reason)->name);
    parameters_text(parameters, sentence);
    return database_write(database, STATEMENT_DIRECTORY_OBJECT_FAILED, parameters, err);
}

static bool activate_password(struct database *database, const struct directory_task *task, struct error *err)
{
    AUTO(parameters_free) struct parameters *others = parameters_new();
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(others, &task->uuid);
    parameters_number(others, task->password_id);
    parameters_uuid(parameters, &task->uuid);
    parameters_number(parameters, task->password_id);
    credential_note_active(database, &task->uuid, task->password_id);
    return database_write(database, STATEMENT_SECRET_SUPERSEDE_OTHERS, others, err) &&
           database_write(database, STATEMENT_DIRECTORY_SECRET_ACTIVATE, parameters, err);
}

static bool settle_kept(struct database *database, const struct directory_task *task, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const struct object_found *found = &task->found;
    struct array *principals;

    parameters_uuid(parameters, &task->uuid);
    parameters_bytes(parameters, found->guid.bytes, sizeof(found->guid.bytes));
    parameters_text(parameters, found->dn);
    parameters_text(parameters, found->account_name);
    parameters_text(parameters, found->domain);
    principals = parameters_texts(parameters);
    for (size_t i = 0; i < found->principal_count; i++)
        array_add_text(principals, found->principals[i]);
    parameters_number(parameters, found->key_version);
    parameters_number(parameters, task->password_id);
    parameters_text(parameters, found->changes);
    parameters_number(parameters, (int64_t)task->attempt.job);
    parameters_bool(parameters, task->rotates);
    return database_write(database, STATEMENT_DIRECTORY_OBJECT_KEPT, parameters, err) &&
           activate_password(database, task, err);
}

static bool settle_removed(struct database *database, const struct directory_task *task, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(parameters, &task->uuid);
    return database_write(database, STATEMENT_DIRECTORY_OBJECT_REMOVED, parameters, err);
}

bool account_settle(struct database *database, const struct directory_task *task, struct error *err)
{
    if (task->work == DIRECTORY_LOOK_UP)
        return settle_name(database, task, err);
    if (!task->done)
        return settle_failed(database, task, err);
    return task->work == DIRECTORY_KEEP ? settle_kept(database, task, err)
                                        : settle_removed(database, task, err);
}
