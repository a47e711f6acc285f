#include "jobs/preparation_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/password.h"
#include "devices/credential.h"
#include "jobs/candidate.h"
#include "jobs/kind.h"
#include "jobs/network_profile.h"
#include "jobs/sealed_row.h"
#include "otp/registry.h"
#include "statement.h"

#define AMT_TLS_PORT   16993
#define AMT_ADMIN      "admin"
#define FACTORY_SECRET "admin" /* AMT SDK: default user and password */

void preparation_clear(struct preparation *p)
{
    free(p->kind);
    free(p->address);
    free(p->former_address);
    bytes_free(&p->certificate);
    free(p->fqdn);
    free(p->firmware_version);
    free(p->profile);
    free(p->root_hashes);
    for (size_t i = 0; i < p->refused_count; i++)
        free(p->refused[i]);
    free(p->refused);
    free(p->why);
    free(p->accounts_offered);
    message_free(&p->offer);
    memset(p, 0, sizeof(*p));
}

static void site_clear(struct offer_source *site)
{
    rows_free(&site->accounts);
    rows_free(&site->profiles);
    rows_free(&site->users);
    rows_free(&site->issuers);
    rows_free(&site->written);
    rows_free(&site->passwords);
    rows_free(&site->revoked);
    network_profiles_clear(&site->networks);
    free(site->account_names);
    credential_list_clear(&site->credentials);
}

/* A new password that has to be written before the offers go out, and whose number the offer needs. */
struct new_secrets {
    struct credential_proposal *items;
    int64_t **ids; /* where the number of each belongs */
    size_t count;
};

static void new_secrets_clear(struct new_secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        sealed_clear(&secrets->items[i].sealed);
    free(secrets->items);
    free(secrets->ids);
}

/* ---- one sealed value ------------------------------------------------------------------------------ */

static bool open_credential(struct vault *vault, const struct credential *credential, struct secret **secret,
                            struct error *err)
{
    char place[VAULT_PLACE_SIZE];

    vault_place_computer(&credential->uuid, credential_kind_name(credential->kind), place);
    return vault_open(vault, place, &credential->sealed, secret, err);
}

/* ---- names, addresses, roots ----------------------------------------------------------------------- */

static void put_names(struct message_job_offer *offer, const struct preparation *item)
{
    size_t label = strcspn(item->fqdn, ".");

    offer->host_name = text_format("%.*s", (int)label, item->fqdn);
    offer->domain = text_copy(item->fqdn[label] ? item->fqdn + label + 1 : "");
    offer->domain_suffix = *offer->domain ? text_copy(offer->domain) : NULL;
}

static void put_basics(struct message_job_offer *offer, const struct offer_source *site,
                       const struct preparation *item)
{
    offer->id.job = (uint64_t)item->job;
    offer->kind = text_copy(item->kind);
    offer->lease_s = (uint32_t)site->settings->lease_s;
    offer->deadline_s = (uint32_t)site->settings->deadline_s;
    offer->uuid = item->uuid;
    offer->address = text_copy(item->address);
    offer->port = AMT_TLS_PORT;
    offer->former_address = text_copy(item->former_address);
    offer->directory_configured = site->settings->directory_configured;
    offer->firmware_version = text_copy(item->firmware_version);
    offer->root_hashes = allocate(item->root_hash_count * sizeof(*offer->root_hashes));
    offer->root_hash_count = item->root_hash_count;
    if (item->root_hash_count)
        memcpy(offer->root_hashes, item->root_hashes, item->root_hash_count * sizeof(*offer->root_hashes));
}

static void put_issuers(struct message_job_offer *offer, const struct offer_source *site)
{
    offer->issuer_count = rows_count(site->issuers);
    offer->issuers = allocate(offer->issuer_count * sizeof(*offer->issuers));
    for (size_t i = 0; i < offer->issuer_count; i++) {
        size_t length;
        const unsigned char *der = row_bytes(site->issuers, i, "certificate", &length);

        bytes_set(&offer->issuers[i], der, length);
    }
}

/* ---- networks -------------------------------------------------------------------------------------- */

static bool put_networks(struct message_job_offer *offer, const struct offer_source *site,
                         const struct preparation *item, struct error *err)
{
    const struct network_owner owner = { &item->uuid, item->fqdn };

    return network_profiles_put(&site->networks, site->vault, &owner, &offer->profile, err);
}

/* ---- accounts to be tried -------------------------------------------------------------------------- */

static bool candidate_account(const struct offer_source *site, const struct candidate *candidate,
                              struct account *account, struct error *err)
{
    char place[VAULT_PLACE_SIZE];
    const char *name;

    account->reference = text_copy(candidate->reference);
    if (strncmp(candidate->reference, "account:", 8) != 0)
        account->username = text_copy(AMT_ADMIN);
    if (candidate->credential)
        return open_credential(site->vault, candidate->credential, &account->password, err);
    if (account->username) {
        account->password =
            secret_from_text(strcmp(candidate->reference, "factory") == 0 ? FACTORY_SECRET : "");
        return true;
    }
    name = row_text(site->accounts, candidate->account, "name");
    account->username = text_copy(row_text(site->accounts, candidate->account, "username"));
    if (!sealed_row_open(site->vault, site->accounts, candidate->account, vault_place_account(name, place),
                         &account->password, err))
        return error_during(err, "account %s", name);
    return true;
}

static bool put_candidates(struct preparation *item, const struct offer_source *site,
                           const struct candidate_answer *answer, struct error *err)
{
    struct message_job_offer *offer = &item->offer.job_offer;

    item->accounts_offered = text_copy("");
    offer->accounts = allocate(answer->now_count * sizeof(*offer->accounts));
    for (size_t i = 0; i < answer->now_count; i++) {
        char *longer = text_format("%s%s%s", item->accounts_offered, i ? " " : "", answer->now[i].reference);

        free(item->accounts_offered);
        item->accounts_offered = longer;
        if (!candidate_account(site, &answer->now[i], &offer->accounts[offer->account_count++], err))
            return false;
    }
    return true;
}

/* The firmware locks an account after ten failed logins; before that the computer is left alone for a while.
 */
static bool wait_for_the_hour(struct preparation *item, size_t left, struct error *err)
{
    int64_t now_s = clock_wall_ms() / 1000;
    time_t at = (time_t)item->hour_over_s;
    char when[32];
    struct tm utc;

    strftime(when, sizeof(when), "%H:%M:%S UTC", gmtime_r(&at, &utc));
    item->delay_s = item->hour_over_s > now_s ? item->hour_over_s - now_s : 1;
    return error_because(
        err, REASON_MORE_ACCOUNTS,
        "%zu logins were refused within an hour, and %zu accounts are left; they are tried at %s, "
        "so that the firmware does not lock itself",
        item->refusals_in_last_hour, left, when);
}

/* This computer's, newest first. */
static const struct credential *own_credentials(const struct offer_source *site, const struct uuid *uuid,
                                                size_t *count)
{
    size_t first = 0, end;

    while (first < site->credentials.count && !uuid_equal(&site->credentials.items[first].uuid, uuid))
        first++;
    for (end = first; end < site->credentials.count && uuid_equal(&site->credentials.items[end].uuid, uuid);
         end++)
        ;
    *count = end - first;
    return site->credentials.items + first;
}

static bool put_accounts(struct preparation *item, const struct job_kind *kind,
                         const struct offer_source *site, struct error *err)
{
    struct candidate_question question = {
        .list = kind->accounts,
        .maybe_in_setup = item->repeated && kind->status_done == STATUS_NOT_PROVISIONED,
        .mebx_opens = candidate_mebx_opens(item->firmware_version),
        .accounts = site->account_names,
        .account_count = rows_count(site->accounts),
        .refused = (const char *const *)item->refused,
        .refused_count = item->refused_count,
        .refusals_in_last_hour = item->refusals_in_last_hour,
    };
    struct candidate_answer answer;

    question.credentials = own_credentials(site, &item->uuid, &question.credential_count);
    candidate_choose(&question, &answer);
    if (!answer.left)
        return error_because(err, REASON_NO_ACCOUNT_ACCEPTED,
                             item->refused_count ? "every account was refused"
                                                 : "the site made no password for this computer");
    if (!answer.now_count)
        return wait_for_the_hour(item, answer.left, err);
    return put_candidates(item, site, &answer, err);
}

/* ---- new passwords --------------------------------------------------------------------------------- */

static const struct credential *find_credential(const struct offer_source *site, const struct uuid *uuid,
                                                enum credential_kind kind, enum credential_state state)
{
    size_t count;
    const struct credential *own = own_credentials(site, uuid, &count);

    for (size_t i = 0; i < count; i++) {
        if (own[i].kind == kind && own[i].state == state)
            return &own[i];
    }
    return NULL;
}

static bool propose(const struct offer_source *site, const struct preparation *item,
                    enum credential_kind kind, const struct secret *password, int64_t *id,
                    struct new_secrets *fresh, struct error *err)
{
    struct credential_proposal *proposal;
    char place[VAULT_PLACE_SIZE];

    fresh->items = reallocate(fresh->items, fresh->count + 1, sizeof(*fresh->items));
    fresh->ids = reallocate(fresh->ids, fresh->count + 1, sizeof(*fresh->ids));
    proposal = &fresh->items[fresh->count];
    *proposal = (struct credential_proposal){ .uuid = item->uuid, .kind = kind, .address = item->address };
    vault_place_computer(&item->uuid, credential_kind_name(kind), place);
    if (!vault_seal(site->vault, place, password, &proposal->sealed, err))
        return false;
    fresh->ids[fresh->count++] = id;
    return true;
}

/* A pending one is used again: the firmware may have it from an attempt that never reported. */
static bool put_new_admin(struct preparation *item, const struct offer_source *site,
                          struct new_secrets *fresh, struct error *err)
{
    struct message_job_offer *offer = &item->offer.job_offer;
    const struct credential *pending =
        find_credential(site, &item->uuid, CREDENTIAL_ADMIN, CREDENTIAL_PENDING);

    if (pending) {
        item->admin_secret = pending->id;
        item->admin_was_maybe = pending->maybe_on_device;
        return open_credential(site->vault, pending, &offer->admin_password, err);
    }
    offer->admin_password = password_generate();
    return propose(site, item, CREDENTIAL_ADMIN, offer->admin_password, &item->admin_secret, fresh, err);
}

/* Of those that may be on the device the likeliest; none at all is no failure. */
static bool put_known_admin(struct preparation *item, const struct offer_source *site, struct error *err)
{
    static const enum credential_state states[] = { CREDENTIAL_ACTIVE, CREDENTIAL_PENDING,
                                                    CREDENTIAL_SUPERSEDED };

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        const struct credential *found = find_credential(site, &item->uuid, CREDENTIAL_ADMIN, states[i]);

        if (!found || !found->maybe_on_device)
            continue;
        item->admin_secret = found->id;
        item->admin_was_maybe = true;
        return open_credential(site->vault, found, &item->offer.job_offer.admin_password, err);
    }
    return true;
}

static bool use_mebx(struct preparation *item, const struct offer_source *site,
                     const struct credential *credential, const struct secret *wanted, bool *used,
                     struct error *err)
{
    AUTO(secret_free) struct secret *password = NULL;

    *used = false;
    if (!credential)
        return true;
    if (!open_credential(site->vault, credential, &password, err))
        return false;
    if (wanted && !secret_equal(password, wanted))
        return true;
    item->mebx_secret = credential->id;
    item->mebx_was_maybe = credential->maybe_on_device;
    item->offer.job_offer.mebx_password = TAKE(password);
    *used = true;
    return true;
}

/* The firmware has one that will do: then none is handed out. */
static bool keep_mebx(struct preparation *item, const struct offer_source *site, const struct secret *wanted,
                      bool *kept, struct error *err)
{
    const struct credential *active = find_credential(site, &item->uuid, CREDENTIAL_MEBX, CREDENTIAL_ACTIVE);

    if (!use_mebx(item, site, active, wanted, kept, err))
        return false;
    if (*kept) {
        secret_free(&item->offer.job_offer.mebx_password);
        item->mebx_secret = 0;
        item->mebx_was_maybe = false;
    }
    return true;
}

/* wanted NULL: any will do. One that is pending, or active where a new one is not the point, is offered again
 * rather than a second one made. */
static bool put_mebx(struct preparation *item, const struct job_kind *kind, const struct offer_source *site,
                     struct secret *wanted, struct new_secrets *fresh, struct error *err)
{
    static const enum credential_state states[] = { CREDENTIAL_PENDING, CREDENTIAL_ACTIVE };
    struct message_job_offer *offer = &item->offer.job_offer;
    size_t state_count = kind->mebx == MEBX_SET ? 2 : 1;

    for (size_t i = 0; i < state_count; i++) {
        bool used;

        if (!use_mebx(item, site, find_credential(site, &item->uuid, CREDENTIAL_MEBX, states[i]), wanted,
                      &used, err))
            return false;
        if (used)
            return true;
    }
    offer->mebx_password = wanted ? secret_copy(wanted) : password_generate();
    return propose(site, item, CREDENTIAL_MEBX, offer->mebx_password, &item->mebx_secret, fresh, err);
}

static bool put_mebx_password(struct preparation *item, const struct job_kind *kind,
                              const struct offer_source *site, size_t profile, struct new_secrets *fresh,
                              struct error *err)
{
    AUTO(secret_free) struct secret *shared = NULL;
    const char *policy = row_text(site->profiles, profile, "mebx_password");
    char place[VAULT_PLACE_SIZE];
    bool kept = false;

    if (strcmp(policy, "leave") == 0 || kind->mebx == MEBX_LEFT ||
        (kind->mebx == MEBX_RENEWED && strcmp(policy, "random") != 0))
        return true;
    if (strcmp(policy, "shared") == 0) {
        vault_place_profile_mebx(item->profile, place);
        if (!sealed_row_open(site->vault, site->profiles, profile, place, &shared, err))
            return error_during(err, "shared MEBx password of profile %s", item->profile);
        if (!shared)
            return error_because(err, REASON_PROFILE_INVALID, "profile %s has no shared MEBx password",
                                 item->profile);
    }
    if (kind->mebx == MEBX_KEPT && !keep_mebx(item, site, shared, &kept, err))
        return false;
    return kept || put_mebx(item, kind, site, shared, fresh, err);
}

/* ---- one-time password ----------------------------------------------------------------------------- */

/* Spec I3: without one that is good, a computer that is managed in band is left alone. */
static bool put_one_time_password(struct preparation *item, const struct offer_source *site,
                                  struct error *err)
{
    struct message_job_offer *offer = &item->offer.job_offer;
    const unsigned char *bytes;
    size_t length, row = 0;

    while (row < rows_count(site->passwords) && row_number(site->passwords, row, "job") != item->job)
        row++;
    if (row == rows_count(site->passwords))
        return true;
    if (row_bool(site->passwords, row, "missing"))
        return error_because(err, REASON_OTP_MISSING, "the one-time password of this setup has expired");
    bytes = row_bytes(site->passwords, row, "salt", &length);
    bytes_set(&offer->otp_salt, bytes, length);
    bytes = row_bytes(site->passwords, row, "hash", &length);
    bytes_set(&offer->otp_hash, bytes, length);
    if (!row_is_null(site->passwords, row, "dns_suffix"))
        text_set(&offer->domain_suffix, row_text(site->passwords, row, "dns_suffix"));
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------------- */

static bool prepare(struct preparation *item, const struct offer_source *site, struct new_secrets *fresh,
                    struct error *err)
{
    struct message_job_offer *offer = &item->offer.job_offer;
    size_t profile = preparation_find_profile(site, item->profile);
    const struct job_kind *kind = job_kind_find(item->kind);

    assert(kind); /* a foreign key */
    item->offer.kind = MESSAGE_JOB_OFFER;
    put_basics(offer, site, item);
    put_names(offer, item);
    put_issuers(offer, site);
    if (kind->certificate_known && item->certificate.length)
        bytes_set(&offer->certificate, item->certificate.data, item->certificate.length);
    return put_one_time_password(item, site, err) && put_accounts(item, kind, site, err) &&
           preparation_put_profile(item, kind, site, profile, err) &&
           (!kind->applies_profile || put_networks(offer, site, item, err)) &&
           (kind->new_admin_password ? put_new_admin(item, site, fresh, err)
                                     : put_known_admin(item, site, err)) &&
           put_mebx_password(item, kind, site, profile, fresh, err);
}

static bool load_site(struct database *database, const struct preparation *items, size_t count,
                      struct offer_source *site, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(parameters_free) struct parameters *computers = parameters_new();
    AUTO(parameters_free) struct parameters *revoked = parameters_new();
    struct array *names = parameters_texts(parameters);
    struct array *uuid_array = parameters_uuids(computers);
    struct uuid *uuids = allocate(count * sizeof(*uuids));
    int64_t *jobs = allocate(count * sizeof(*jobs));
    bool loaded;

    parameters_number(revoked, REVOKED_CONSOLES_MAX);
    for (size_t i = 0; i < count; i++) {
        uuids[i] = items[i].uuid;
        jobs[i] = items[i].job;
        array_add_text(names, items[i].profile);
        array_add_uuid(uuid_array, &items[i].uuid);
    }
    loaded = credential_load(database, uuids, count, &site->credentials, err) &&
             registry_of_jobs(database, jobs, count, &site->passwords, err);
    free(uuids);
    free(jobs);
    if (!loaded || !database_run(database, STATEMENT_ACCOUNT_LIST, NULL, &site->accounts, err) ||
        !database_run(database, STATEMENT_PROFILES_OF, parameters, &site->profiles, err) ||
        !database_run(database, STATEMENT_PROFILE_USERS_OF, parameters, &site->users, err) ||
        !database_run(database, STATEMENT_COMPUTER_USERS_OF, computers, &site->written, err) ||
        !database_run(database, STATEMENT_AUTHORITY_CERTIFICATES, NULL, &site->issuers, err) ||
        !database_run(database, STATEMENT_CONSOLES_REVOKED, revoked, &site->revoked, err) ||
        !network_profiles_load(database, parameters, computers, &site->networks, err))
        return false;
    site->account_names = allocate(rows_count(site->accounts) * sizeof(*site->account_names));
    for (size_t i = 0; i < rows_count(site->accounts); i++)
        site->account_names[i] = row_text(site->accounts, i, "name");
    return true;
}

static bool store_new(struct database *database, struct new_secrets *fresh, struct error *err)
{
    if (!credential_propose(database, fresh->items, fresh->count, err))
        return false;
    for (size_t i = 0; i < fresh->count; i++)
        *fresh->ids[i] = fresh->items[i].id;
    return true;
}

/* Proposals of an item that failed are taken back: they were not handed out. */
static void forget_new(struct new_secrets *fresh, size_t kept)
{
    while (fresh->count > kept)
        sealed_clear(&fresh->items[--fresh->count].sealed);
}

bool preparation_run(struct database *database, struct vault *vault, const struct job_settings *settings,
                     struct preparation *items, size_t count, struct error *err)
{
    AUTO(site_clear) struct offer_source site = { .vault = vault, .settings = settings };
    AUTO(new_secrets_clear) struct new_secrets fresh = { 0 };

    if (!count)
        return true;
    if (!load_site(database, items, count, &site, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct error why = { 0 };
        size_t proposed = fresh.count;

        items[i].delay_s = -1;
        if (prepare(&items[i], &site, &fresh, &why))
            continue;
        items[i].reason = why.reason == REASON_NONE ? REASON_INTERNAL : why.reason;
        items[i].why = text_copy(why.message);
        forget_new(&fresh, proposed);
    }
    return store_new(database, &fresh, err);
}
