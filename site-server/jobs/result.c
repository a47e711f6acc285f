#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/credential.h"
#include "devices/history.h"
#include "jobs/candidate.h"
#include "jobs/kind.h"
#include "jobs/unprovisioning.h"
#include "statement.h"

/* The attempt that a result names, as the database has it. */
struct attempt {
    struct uuid uuid;
    const struct job_kind *kind;
    enum job_state state; /* of its job */
    int64_t service_point, failures;
    int64_t admin_secret, mebx_secret; /* offered; 0: none */
    bool admin_was_maybe, mebx_was_maybe;
    bool mebx_opens;                   /* in setup, as its offer had it */
    bool newest, closed, result_taken; /* closed by a result, not by a lost lease */
    char **offered;
    size_t offered_count;
};

static void attempt_clear(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->offered_count; i++)
        free(attempt->offered[i]);
    free(attempt->offered);
}

static int64_t number_or_0(const struct rows *rows, const char *column)
{
    return row_is_null(rows, 0, column) ? 0 : row_number(rows, 0, column);
}

static void read_attempt(struct rows *rows, const struct attempt_id *id, struct attempt *attempt)
{
    const char *outcome = row_text(rows, 0, "outcome");

    attempt->uuid = row_uuid(rows, 0, "uuid");
    attempt->kind = job_kind_find(row_text(rows, 0, "kind"));
    if (!job_state_parse(row_text(rows, 0, "state"), &attempt->state))
        abort(); /* the table's CHECK allows no other */
    attempt->service_point = row_number(rows, 0, "service_point");
    attempt->failures = row_number(rows, 0, "failures");
    attempt->admin_secret = number_or_0(rows, "admin_secret");
    attempt->mebx_secret = number_or_0(rows, "mebx_secret");
    attempt->admin_was_maybe =
        !row_is_null(rows, 0, "admin_was_maybe") && row_bool(rows, 0, "admin_was_maybe");
    attempt->mebx_was_maybe = !row_is_null(rows, 0, "mebx_was_maybe") && row_bool(rows, 0, "mebx_was_maybe");
    attempt->mebx_opens = candidate_mebx_opens(row_text(rows, 0, "firmware_version"));
    attempt->newest = row_number(rows, 0, "newest") == (int64_t)id->attempt;
    attempt->closed = outcome != NULL;
    attempt->result_taken = outcome && (strcmp(outcome, "done") == 0 || strcmp(outcome, "failed") == 0);
    attempt->offered_count = row_text_count(rows, 0, "accounts_offered");
    attempt->offered = allocate(attempt->offered_count * sizeof(*attempt->offered));
    for (size_t i = 0; i < attempt->offered_count; i++)
        attempt->offered[i] = text_copy(row_text_element(rows, 0, "accounts_offered", i));
}

/* *known false: there is no such attempt. The job stays locked until the end of the transaction. */
static bool find_attempt(struct database *database, const struct attempt_id *id, struct attempt *attempt,
                         bool *known, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    *known = false;
    if (id->job > INT64_MAX)
        return true;
    parameters_number(parameters, (int64_t)id->job);
    parameters_number(parameters, id->attempt);
    if (!database_run(database, STATEMENT_ATTEMPT_FIND, parameters, &rows, err))
        return false;
    *known = rows_count(rows) > 0;
    if (*known)
        read_attempt(rows, id, attempt);
    return true;
}

static bool offered(const struct attempt *attempt, const char *reference)
{
    for (size_t i = 0; i < attempt->offered_count; i++) {
        if (strcmp(attempt->offered[i], reference) == 0)
            return true;
    }
    return false;
}

static void add_offered(struct array *references, const struct attempt *attempt,
                        const struct message_job_finished *finished)
{
    for (size_t i = 0; i < finished->accounts_refused_count; i++) {
        if (offered(attempt, finished->accounts_refused[i]))
            array_add_text(references, finished->accounts_refused[i]);
    }
}

/* One that is accepted sets the firmware's count of failures back; a stale result tells nothing about it now.
 */
static bool record_refusals(struct database *database, const struct attempt *attempt,
                            const struct message_job_finished *finished, bool current, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(parameters, &attempt->uuid);
    if (current && finished->account_used && offered(attempt, finished->account_used))
        return database_write(database, STATEMENT_REFUSALS_FORGET, parameters, err);
    parameters_number(parameters, (int64_t)finished->id.job);
    parameters_number(parameters, finished->id.attempt);
    add_offered(parameters_texts(parameters), attempt, finished);
    return database_write(database, STATEMENT_REFUSALS_STORE, parameters, err);
}

/* 0: not one of ours. */
static int64_t secret_used(const struct attempt *attempt, const struct message_job_finished *finished)
{
    const char *reference = finished->account_used;

    if (!reference || strncmp(reference, "secret:", 7) != 0 || !offered(attempt, reference))
        return 0;
    return strtoll(reference + 7, NULL, 10);
}

static bool settle(struct database *database, const struct attempt *attempt,
                   const struct message_job_finished *finished, bool current, struct error *err)
{
    struct credential_outcome admin = { .uuid = attempt->uuid,
                                        .kind = CREDENTIAL_ADMIN,
                                        .offered = attempt->admin_secret,
                                        .was_maybe = attempt->admin_was_maybe,
                                        .state = finished->admin_password,
                                        .current = current,
                                        .job = (int64_t)finished->id.job,
                                        .done = finished->done };
    struct credential_outcome mebx = { .uuid = attempt->uuid,
                                       .kind = CREDENTIAL_MEBX,
                                       .offered = attempt->mebx_secret,
                                       .was_maybe = attempt->mebx_was_maybe,
                                       .state = finished->mebx_password,
                                       .current = current,
                                       .job = (int64_t)finished->id.job,
                                       .done = finished->done,
                                       .found = finished->mebx_found };
    int64_t used = secret_used(attempt, finished);

    if (!credential_settle(database, &admin, err) || !credential_settle(database, &mebx, err))
        return false;
    /* Nothing was set after it opened the firmware, so it still does. */
    if (current && used && finished->admin_password == PASSWORD_UNTOUCHED)
        return credential_proved(database, &attempt->uuid, used, err);
    return true;
}

static bool close_attempt(struct database *database, const struct attempt *attempt,
                          const struct message_job_finished *finished, const char *outcome, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free)
    char *sentence = finished->done ? NULL : job_reason_sentence(finished->reason, finished->text);
    struct array *settings;

    parameters_number(parameters, (int64_t)finished->id.job);
    parameters_number(parameters, finished->id.attempt);
    parameters_text(parameters, outcome);
    parameters_text(parameters, finished->done ? NULL : reason_of(finished->reason)->name);
    parameters_text(parameters, sentence);
    parameters_text(parameters, finished->account_used);
    add_offered(parameters_texts(parameters), attempt, finished);
    parameters_bytes(parameters, finished->device_fingerprint.data, finished->device_fingerprint.length);
    settings = parameters_texts(parameters);
    for (size_t i = 0; i < finished->setting_count; i++)
        array_add_text(settings, finished->settings[i]);
    return database_write(database, STATEMENT_ATTEMPT_CLOSE, parameters, err);
}

/* The certificate that the firmware uses now; with none named, the one issued last for this job. */
static bool activate_certificate(struct database *database, const struct attempt *attempt,
                                 const struct message_job_finished *finished, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    if (!finished->done && !finished->certificate.length)
        return true;
    parameters_uuid(parameters, &attempt->uuid);
    parameters_number(parameters, (int64_t)finished->id.job);
    parameters_bytes(parameters, finished->certificate.length ? finished->certificate.data : NULL,
                     finished->certificate.length);
    return database_write(database, STATEMENT_CERTIFICATE_ACTIVATE, parameters, err);
}

/* Told by attempts that looked, also by those that failed later. */
static bool activate_client_certificate(struct database *database, const struct attempt *attempt,
                                        const struct message_job_finished *finished, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const struct bytes *certificate = &finished->client_certificate;

    if (!finished->client_certificate_known)
        return true;
    parameters_uuid(parameters, &attempt->uuid);
    parameters_bytes(parameters, certificate->length ? certificate->data : (const unsigned char *)"",
                     certificate->length);
    return database_write(database, STATEMENT_CERTIFICATE_CLIENT_ACTIVATE, parameters, err);
}

/* Attempts before the one that was done may have asked for others. A job that names the certificate in use
 * has deleted them from the firmware; what it uses is active by now. */
static bool supersede_unused(struct database *database, const struct attempt *attempt,
                             const struct message_job_finished *finished, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    if (!finished->done || !finished->certificate.length)
        return true;
    parameters_uuid(parameters, &attempt->uuid);
    return database_write(database, STATEMENT_CERTIFICATES_UNUSED, parameters, err);
}

static bool learn_firmware(struct database *database, const struct attempt *attempt,
                           const struct message_job_finished *finished, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    if (!finished->firmware_version || !*finished->firmware_version)
        return true;
    parameters_uuid(parameters, &attempt->uuid);
    parameters_text(parameters, finished->firmware_version);
    return database_write(database, STATEMENT_COMPUTER_FIRMWARE, parameters, err);
}

/* Passwords of the profile's users that the firmware took, also when the attempt failed later on. */
static bool record_users(struct database *database, const struct attempt *attempt,
                         const struct message_job_finished *finished, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *names, *versions;

    if (!finished->user_count)
        return true;
    parameters_uuid(parameters, &attempt->uuid);
    names = parameters_texts(parameters);
    versions = parameters_numbers(parameters);
    for (size_t i = 0; i < finished->user_count; i++) {
        array_add_text(names, finished->users[i].username);
        array_add_number(versions, (int64_t)finished->users[i].password_version);
    }
    return database_write(database, STATEMENT_COMPUTER_USERS_STORE, parameters, err);
}

/* The same of their networks. */
static bool record_networks(struct database *database, const struct attempt *attempt,
                            const struct message_job_finished *finished, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *networks, *versions;

    if (!finished->network_count)
        return true;
    parameters_uuid(parameters, &attempt->uuid);
    networks = parameters_texts(parameters);
    versions = parameters_numbers(parameters);
    for (size_t i = 0; i < finished->network_count; i++) {
        const char *wireless = finished->networks[i].wireless;

        array_add_text(networks, wireless ? wireless : "");
        array_add_number(versions, (int64_t)finished->networks[i].password_version);
    }
    return database_write(database, STATEMENT_COMPUTER_NETWORKS_STORE, parameters, err);
}

static bool forget_provisioning(struct database *database, const struct attempt *attempt, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(parameters, &attempt->uuid);
    return database_write(database, STATEMENT_JOB_UNPROVISIONED, parameters, err);
}

static bool complete(struct database *database, const struct attempt *attempt,
                     const struct message_job_finished *finished, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free) char *sentence = NULL;
    enum amt_status status = attempt->kind->status_done;
    enum reason_code reason = attempt->kind->reason_done;

    if (status == STATUS_NOT_PROVISIONED && !forget_provisioning(database, attempt, err))
        return false;
    if (status == STATUS_KEEP && finished->amt_status)
        status = (enum amt_status)finished->amt_status;
    if (status == STATUS_EXTERNALLY_PROVISIONED)
        reason = REASON_ALREADY_PROVISIONED;
    if (reason != REASON_NONE)
        sentence = job_reason_sentence(reason, NULL);
    parameters_number(parameters, (int64_t)finished->id.job);
    parameters_number(parameters, status);
    parameters_text(parameters, sentence ? reason_of(reason)->name : NULL);
    parameters_text(parameters, sentence);
    return database_write(database, STATEMENT_JOB_COMPLETE, parameters, err);
}

static void names_free(char ***names)
{
    free(*names); /* the texts belong to rows */
    *names = NULL;
}

static char **column_of(struct rows *rows, const char *column)
{
    char **names = allocate(rows_count(rows) * sizeof(*names));

    for (size_t i = 0; i < rows_count(rows); i++)
        names[i] = (char *)row_text(rows, i, column);
    return names;
}

static bool count_candidates(struct database *database, const struct attempt *attempt, uint64_t job,
                             size_t *left, struct error *err)
{
    AUTO(credential_list_clear) struct credential_list credentials = { 0 };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *accounts = NULL;
    AUTO(rows_free) struct rows *refused = NULL;
    AUTO(names_free) char **account_names = NULL;
    AUTO(names_free) char **references = NULL;
    struct candidate_answer answer;

    parameters_uuid(parameters, &attempt->uuid);
    parameters_number(parameters, (int64_t)job);
    if (!credential_load(database, &attempt->uuid, 1, &credentials, err) ||
        !database_run(database, STATEMENT_ACCOUNT_LIST, NULL, &accounts, err) ||
        !database_run(database, STATEMENT_REFUSALS_OF_JOB, parameters, &refused, err))
        return false;
    account_names = column_of(accounts, "name");
    references = column_of(refused, "reference");
    candidate_choose(&(struct candidate_question){ .list = attempt->kind->accounts,
                                                   .mebx_opens = attempt->mebx_opens,
                                                   .credentials = credentials.items,
                                                   .credential_count = credentials.count,
                                                   .accounts = (const char *const *)account_names,
                                                   .account_count = rows_count(accounts),
                                                   .refused = (const char *const *)references,
                                                   .refused_count = rows_count(refused) },
                     &answer);
    *left = answer.left;
    return true;
}

/* Whether the retry list goes on is known here, not at the service point. */
static bool judge_accounts(struct database *database, const struct attempt *attempt,
                           const struct message_job_finished *finished, struct job_setback *setback,
                           struct error *err)
{
    bool some_refused = false;
    size_t left;

    if (setback->reason != REASON_NO_ACCOUNT_ACCEPTED && setback->reason != REASON_MORE_ACCOUNTS)
        return true;
    for (size_t i = 0; i < finished->accounts_refused_count; i++)
        some_refused |= offered(attempt, finished->accounts_refused[i]);
    if (!count_candidates(database, attempt, finished->id.job, &left, err))
        return false;
    setback->reason = left && some_refused ? REASON_MORE_ACCOUNTS : REASON_NO_ACCOUNT_ACCEPTED;
    if (setback->reason == REASON_MORE_ACCOUNTS) {
        free(setback->text);
        setback->text = text_format("%zu accounts were refused in this contact, %zu are left to be tried",
                                    finished->accounts_refused_count, left);
    }
    return true;
}

static bool fall_back(struct database *database, const struct job_settings *settings,
                      const struct attempt *attempt, const struct message_job_finished *finished,
                      struct error *err)
{
    AUTO(job_setback_clear)
    struct job_setback setback = {
        .job = (int64_t)finished->id.job,
        .from = JOB_LEASED,
        .reason = finished->reason == REASON_NONE ? REASON_INTERNAL : finished->reason,
        .text = text_copy(finished->text),
        .failures = attempt->failures,
        .delay_s = -1,
    };

    return judge_accounts(database, attempt, finished, &setback, err) &&
           job_set_back(database, settings, &setback, 1, err);
}

static bool conclude(struct database *database, const struct job_settings *settings,
                     const struct attempt *attempt, const struct message_job_finished *finished,
                     struct error *err)
{
    bool done = finished->done;

    if (!done && attempt->kind->status_done == STATUS_NOT_PROVISIONED &&
        !unprovisioning_proved(database, &finished->id, finished->reason, &done, err))
        return false;
    return done ? complete(database, attempt, finished, err)
                : fall_back(database, settings, attempt, finished, err);
}

static bool record_steps(struct database *database, int64_t service_point,
                         const struct message_job_finished *finished, struct error *err)
{
    struct steps_of_attempt steps = { service_point, finished->id, finished->steps, finished->step_count };

    return history_record_steps(database, &steps, 1, NULL, err);
}

static bool take_result(struct database *database, const struct job_settings *settings,
                        const struct attempt *attempt, const struct message_job_finished *finished,
                        struct error *err)
{
    return settle(database, attempt, finished, true, err) &&
           close_attempt(database, attempt, finished, finished->done ? "done" : "failed", err) &&
           activate_certificate(database, attempt, finished, err) &&
           activate_client_certificate(database, attempt, finished, err) &&
           supersede_unused(database, attempt, finished, err) &&
           record_users(database, attempt, finished, err) &&
           record_networks(database, attempt, finished, err) &&
           conclude(database, settings, attempt, finished, err);
}

static void refuse(struct message_job_closed *closed, enum reason_code reason, const char *text)
{
    closed->accepted = false;
    closed->reason = reason;
    closed->text = text_copy(text ? text : reason_of(reason)->meaning);
}

bool result_finish(struct database *database, const struct job_settings *settings, int64_t service_point,
                   const struct message_job_finished *finished, struct message_job_closed *closed,
                   struct error *err)
{
    AUTO(attempt_clear) struct attempt attempt = { 0 };
    bool known, current;

    if (!find_attempt(database, &finished->id, &attempt, &known, err))
        return false;
    *closed = (struct message_job_closed){ .id = finished->id, .accepted = true };
    if (!known || attempt.service_point != service_point) {
        refuse(closed, known ? REASON_MESSAGE_REFUSED : REASON_STALE_ATTEMPT,
               known ? "the attempt is another service point's" : "there is no such attempt");
        return true;
    }
    if (attempt.result_taken)
        return true;
    current = attempt.newest && !attempt.closed && attempt.state == JOB_LEASED;
    if (!record_steps(database, service_point, finished, err) ||
        !record_refusals(database, &attempt, finished, current, err))
        return false;
    if (current)
        return learn_firmware(database, &attempt, finished, err) &&
               take_result(database, settings, &attempt, finished, err);
    refuse(closed, attempt.newest && attempt.state == JOB_CANCELLED ? REASON_CANCELLED : REASON_STALE_ATTEMPT,
           NULL);
    if (settle(database, &attempt, finished, false, err))
        return true;
    text_free(&closed->text);
    return false;
}

bool result_decline(struct database *database, const struct job_settings *settings, int64_t service_point,
                    const struct message_job_decline *declined, struct error *err)
{
    AUTO(attempt_clear) struct attempt attempt = { 0 };
    struct message_job_finished untouched = { .id = declined->id,
                                              .reason = declined->reason == REASON_NONE ? REASON_NO_FREE_SLOT
                                                                                        : declined->reason,
                                              .text = declined->text,
                                              .admin_password = PASSWORD_UNTOUCHED,
                                              .mebx_password = PASSWORD_UNTOUCHED };
    bool known;

    if (!find_attempt(database, &declined->id, &attempt, &known, err))
        return false;
    if (!known || attempt.service_point != service_point || !attempt.newest || attempt.closed ||
        attempt.state != JOB_LEASED)
        return true;
    return settle(database, &attempt, &untouched, true, err) &&
           close_attempt(database, &attempt, &untouched, "declined", err) &&
           fall_back(database, settings, &attempt, &untouched, err);
}
