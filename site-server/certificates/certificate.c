#include "certificate.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "devices/journal.h"
#include "jobs/lease.h"
#include "statement.h"

#define ISSUED_MOST 4 /* in one attempt, which needs one key, or two when the firmware cannot use its own */

static const char *usage_name(enum certificate_usage usage)
{
    return usage == CERTIFICATE_CLIENT ? "client" : "server"; /* consoles have a table of their own */
}

/* A column of the first row; empty when there is none. */
static void take_bytes(const struct rows *rows, const char *column, struct bytes *bytes)
{
    const unsigned char *data;
    size_t length;

    if (rows_count(rows) == 0)
        return;
    data = row_bytes(rows, 0, column, &length);
    bytes_set(bytes, data, length);
}

static bool find_issued(struct database *database, const struct authority *authority,
                        const struct message_certificate *wanted, const unsigned char *key_fingerprint,
                        const char *fqdn, struct bytes *der, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct authority_facts facts = { 0 };

    parameters_number(parameters, (int64_t)wanted->id.job);
    parameters_bytes(parameters, key_fingerprint, 32);
    parameters_text(parameters, fqdn);
    parameters_text(parameters, usage_name(wanted->usage));
    if (authority)
        authority_describe(authority, &facts);
    parameters_text(parameters, facts.fingerprint);
    if (!database_run(database, STATEMENT_CERTIFICATE_ISSUED, parameters, &rows, err))
        return false;
    take_bytes(rows, "certificate", der);
    return true;
}

/* What is recorded of a certificate besides itself; borrowed. */
struct record {
    struct attempt_id id;
    enum certificate_usage usage;
    const struct certificate_settings *settings;
    const struct authority *authority;
    const unsigned char *key_fingerprint;
    const char *fqdn;
};

/* An authority may give it less life than we like to have ahead: half of it is a good time then, too. */
static int64_t renewal_of(const struct certificate_settings *settings,
                          const struct issued_certificate *issued)
{
    int64_t early_s = issued->not_after_s - settings->renew_before_s;
    int64_t half_s = issued->not_before_s + (issued->not_after_s - issued->not_before_s) / 2;

    return early_s > half_s ? early_s : half_s;
}

static void note(struct database *database, const struct record *record,
                 const struct issued_certificate *issued, const struct uuid *uuid,
                 const struct authority_facts *authority)
{
    journal_note(database, &(struct journal_entry){
                               .kind = JOURNAL_CERTIFICATE,
                               .uuid = *uuid,
                               .id = (int64_t)record->id.job,
                               .attempt = record->id.attempt,
                               .authority = (char *)authority->fingerprint, /* borrowed, as is what follows */
                               .usage = (char *)usage_name(record->usage),
                               .renew_at_s = renewal_of(record->settings, issued),
                               .fqdn = (char *)record->fqdn,
                               .certificate = issued->der,
                           });
}

static bool store(struct database *database, const struct record *record,
                  const struct issued_certificate *issued, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid uuid;
    struct authority_facts facts;

    authority_describe(record->authority, &facts);
    parameters_number(parameters, (int64_t)record->id.job);
    parameters_number(parameters, record->id.attempt);
    parameters_text(parameters, facts.fingerprint);
    parameters_text(parameters, issued->serial);
    parameters_text(parameters, record->fqdn);
    parameters_bytes(parameters, record->key_fingerprint, 32);
    parameters_text(parameters, issued->fingerprint);
    parameters_bytes(parameters, issued->der.data, issued->der.length);
    parameters_number(parameters, issued->not_before_s);
    parameters_number(parameters, issued->not_after_s);
    parameters_number(parameters, renewal_of(record->settings, issued));
    parameters_text(parameters, usage_name(record->usage));
    if (!database_run(database, STATEMENT_CERTIFICATE_STORE, parameters, &rows, err))
        return false;
    if (rows_count(rows)) {
        uuid = row_uuid(rows, 0, "uuid");
        note(database, record, issued, &uuid, &facts);
    }
    return true;
}

char *certificate_list_url(const struct certificate_settings *settings, const struct authority *authority)
{
    const char *directory = settings->crl_url;
    struct authority_facts facts;

    authority_describe(authority, &facts);
    return directory && *directory
               ? text_format("%s/%.*s.crl", directory, AUTHORITY_NAME_LENGTH, facts.fingerprint)
               : NULL;
}

static bool issue_new(struct database *database, const struct record *record,
                      const struct certificate_request *request, struct bytes *der, struct error *err)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    AUTO(text_free) char *url = certificate_list_url(record->settings, record->authority);
    struct certificate_order order = {
        .request = request,
        .fqdn = record->fqdn,
        .usage = record->usage,
        .now_s = clock_wall_ms() / 1000,
        .lifetime_s = record->settings->lifetime_s,
        .list_url = url,
    };

    if (!authority_issue(record->authority, &order, &issued, err) || !store(database, record, &issued, err))
        return false;
    bytes_set(der, issued.der.data, issued.der.length);
    return true;
}

/* ---- what a service point asks for ---- */

struct inquiry { /* read from the message and the database */
    struct rows *subject;
    struct certificate_request *request;
    unsigned char key_fingerprint[32];
    const char *fqdn;    /* borrowed from subject */
    struct bytes issued; /* already; empty: not */
};

static void inquiry_clear(struct inquiry *inquiry)
{
    rows_free(&inquiry->subject);
    request_free(&inquiry->request);
    bytes_free(&inquiry->issued);
}

static bool inquire(struct database *database, const struct authority *authority, int64_t service_point,
                    const struct message_certificate *wanted, struct inquiry *inquiry, struct error *err)
{
    const char *version;

    if (!lease_subject(database, STATEMENT_CERTIFICATE_SUBJECT, service_point, &wanted->id, &inquiry->subject,
                       err))
        return false;
    version = row_text(inquiry->subject, 0, "firmware_version");
    /* What the database knows goes first: a service point must not make new firmware an old one, which may
     * have small keys. */
    if (!request_read(&inquiry->request, &wanted->der, version ? version : wanted->firmware_version, err))
        return false;
    request_key_fingerprint(inquiry->request, inquiry->key_fingerprint);
    inquiry->fqdn = row_text(inquiry->subject, 0, "fqdn");
    if (!find_issued(database, authority, wanted, inquiry->key_fingerprint, inquiry->fqdn, &inquiry->issued,
                     err))
        return false;
    if (!inquiry->issued.length && !authority)
        return error_because(err, REASON_NO_AUTHORITY, "no certificate authority is configured");
    if (!inquiry->issued.length && row_number(inquiry->subject, 0, "issued") >= ISSUED_MOST)
        return error_because(err, REASON_ISSUER_REFUSED,
                             "attempt %u of job %llu has got %d certificates for as many keys already",
                             wanted->id.attempt, (unsigned long long)wanted->id.job, ISSUED_MOST);
    return true;
}

bool certificate_issue(struct database *database, const struct authority *authority,
                       const struct certificate_settings *settings, int64_t service_point,
                       const struct message_certificate *wanted, struct bytes *der, struct error *err)
{
    AUTO(inquiry_clear) struct inquiry inquiry = { 0 };
    struct record record = { .id = wanted->id,
                             .usage = wanted->usage,
                             .settings = settings,
                             .authority = authority,
                             .key_fingerprint = inquiry.key_fingerprint };

    if (!inquire(database, authority, service_point, wanted, &inquiry, err))
        return false;
    record.fqdn = inquiry.fqdn;
    if (!inquiry.issued.length && !issue_new(database, &record, inquiry.request, &inquiry.issued, err))
        return false;
    *der = inquiry.issued;
    inquiry.issued = (struct bytes){ 0 };
    return true;
}

/* ---- certificates of an authority elsewhere ---- */

void certificate_plan_free(struct certificate_plan **plan)
{
    if (*plan) {
        free((*plan)->fqdn);
        request_free(&(*plan)->request);
        bytes_free(&(*plan)->former);
        free(*plan);
    }
    *plan = NULL;
}

static bool find_former(struct database *database, const struct authority *authority,
                        const struct certificate_plan *plan, struct bytes *former, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct authority_facts facts;

    authority_describe(authority, &facts);
    parameters_number(parameters, (int64_t)plan->id.job);
    parameters_text(parameters, plan->fqdn);
    parameters_text(parameters, usage_name(plan->usage));
    parameters_text(parameters, facts.fingerprint);
    if (!database_run(database, STATEMENT_CERTIFICATE_FORMER, parameters, &rows, err))
        return false;
    take_bytes(rows, "certificate", former);
    return true;
}

bool certificate_plan_note(struct database *database, const struct certificate_plan *plan,
                           const struct certificate_progress *progress, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, (int64_t)plan->id.job);
    parameters_bytes(parameters, plan->key_fingerprint, sizeof(plan->key_fingerprint));
    parameters_text(parameters, usage_name(plan->usage));
    parameters_text(parameters, plan->fqdn);
    parameters_text(parameters, progress->state);
    parameters_number(parameters, progress->check_after_s);
    parameters_text(parameters, progress->reason ? reason_of(progress->reason)->name : NULL);
    parameters_text(parameters, progress->problem);
    return database_write(database, STATEMENT_CERTIFICATE_REQUEST_NOTE, parameters, err);
}

bool certificate_ask(struct database *database, const struct authority *authority, int64_t service_point,
                     const struct message_certificate *wanted, struct bytes *der,
                     struct certificate_plan **plan, struct error *err)
{
    AUTO(inquiry_clear) struct inquiry inquiry = { 0 };
    AUTO(certificate_plan_free) struct certificate_plan *planning = NULL;
    const struct certificate_progress asked = { .state = "asked" };

    if (!inquire(database, authority, service_point, wanted, &inquiry, err))
        return false;
    *der = inquiry.issued;
    inquiry.issued = (struct bytes){ 0 };
    if (der->length)
        return true;
    planning = allocate(sizeof(*planning));
    planning->id = wanted->id;
    planning->usage = wanted->usage;
    planning->fqdn = text_copy(inquiry.fqdn);
    memcpy(planning->key_fingerprint, inquiry.key_fingerprint, sizeof(planning->key_fingerprint));
    planning->request = TAKE(inquiry.request);
    if (!find_former(database, authority, planning, &planning->former, err) ||
        !certificate_plan_note(database, planning, &asked, err))
        return false;
    *plan = TAKE(planning);
    return true;
}

bool certificate_record(struct database *database, const struct authority *authority,
                        const struct certificate_settings *settings, const struct certificate_plan *plan,
                        const struct issued_certificate *issued, struct error *err)
{
    const struct certificate_progress granted = { .state = "granted" };
    const struct record record = { .id = plan->id,
                                   .usage = plan->usage,
                                   .settings = settings,
                                   .authority = authority,
                                   .key_fingerprint = plan->key_fingerprint,
                                   .fqdn = plan->fqdn };

    return store(database, &record, issued, err) && certificate_plan_note(database, plan, &granted, err);
}
