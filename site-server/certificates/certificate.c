#include "certificate.h"

#include <string.h>

#include "common/clock.h"
#include "statement.h"

#define ISSUED_MOST 4 /* in one attempt, which needs one key, or two when the firmware cannot use its own */

/* The computer's name and firmware, when the attempt is this service point's and under way. */
static bool find_subject(struct database *database, int64_t service_point, const struct attempt_id *id,
                         struct rows **rows, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, (int64_t)id->job);
    parameters_number(parameters, id->attempt);
    parameters_number(parameters, service_point);
    if (!database_run(database, STATEMENT_CERTIFICATE_SUBJECT, parameters, rows, err))
        return false;
    if (rows_count(*rows))
        return true;
    rows_free(rows);
    return error_because(err, REASON_STALE_ATTEMPT,
                         "attempt %u of job %llu is over, or not this service point's", id->attempt,
                         (unsigned long long)id->job);
}

static const char *usage_name(enum certificate_usage usage)
{
    return usage == CERTIFICATE_CLIENT ? "client" : "server";
}

static bool find_issued(struct database *database, const struct message_certificate *wanted,
                        const unsigned char *key_fingerprint, const char *fqdn, struct bytes *der,
                        struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    const unsigned char *data;
    size_t length;

    parameters_number(parameters, (int64_t)wanted->id.job);
    parameters_bytes(parameters, key_fingerprint, 32);
    parameters_text(parameters, fqdn);
    parameters_text(parameters, usage_name(wanted->usage));
    if (!database_run(database, STATEMENT_CERTIFICATE_ISSUED, parameters, &rows, err))
        return false;
    if (rows_count(rows)) {
        data = row_bytes(rows, 0, "certificate", &length);
        bytes_set(der, data, length);
    }
    return true;
}

struct record {
    const struct message_certificate *wanted;
    const struct certificate_settings *settings;
    const struct authority *authority;
    const struct issued_certificate *issued;
    const unsigned char *key_fingerprint;
    const char *fqdn;
};

static bool store(struct database *database, const struct record *record, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct authority_facts facts;

    authority_describe(record->authority, &facts);
    parameters_number(parameters, (int64_t)record->wanted->id.job);
    parameters_number(parameters, record->wanted->id.attempt);
    parameters_text(parameters, facts.fingerprint);
    parameters_text(parameters, record->issued->serial);
    parameters_text(parameters, record->fqdn);
    parameters_bytes(parameters, record->key_fingerprint, 32);
    parameters_text(parameters, record->issued->fingerprint);
    parameters_bytes(parameters, record->issued->der.data, record->issued->der.length);
    parameters_number(parameters, record->issued->not_before_s);
    parameters_number(parameters, record->issued->not_after_s);
    parameters_number(parameters, record->issued->not_after_s - record->settings->renew_before_s);
    parameters_text(parameters, usage_name(record->wanted->usage));
    return database_write(database, STATEMENT_CERTIFICATE_STORE, parameters, err);
}

static char *list_url(const struct record *record)
{
    const char *directory = record->settings->crl_url;
    struct authority_facts facts;

    authority_describe(record->authority, &facts);
    return directory && *directory
               ? text_format("%s/%.*s.crl", directory, AUTHORITY_NAME_LENGTH, facts.fingerprint)
               : NULL;
}

static bool issue_new(struct database *database, const struct record *record,
                      const struct certificate_request *request, struct bytes *der, struct error *err)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    AUTO(text_free) char *url = list_url(record);
    struct record complete = *record;
    struct certificate_order order = {
        .request = request,
        .fqdn = record->fqdn,
        .usage = record->wanted->usage,
        .now_s = clock_wall_ms() / 1000,
        .lifetime_s = record->settings->lifetime_s,
        .list_url = url,
    };

    complete.issued = &issued;
    if (!authority_issue(record->authority, &order, &issued, err) || !store(database, &complete, err))
        return false;
    bytes_set(der, issued.der.data, issued.der.length);
    return true;
}

bool certificate_issue(struct database *database, const struct authority *authority,
                       const struct certificate_settings *settings, int64_t service_point,
                       const struct message_certificate *wanted, struct bytes *der, struct error *err)
{
    AUTO(rows_free) struct rows *subject = NULL;
    AUTO(request_free) struct certificate_request *request = NULL;
    AUTO(bytes_free) struct bytes issued = { 0 };
    unsigned char key_fingerprint[32];
    struct record record = { .wanted = wanted, .settings = settings, .authority = authority };
    const char *version;

    if (!find_subject(database, service_point, &wanted->id, &subject, err))
        return false;
    version = row_text(subject, 0, "firmware_version");
    /* What the database knows goes first: a service point must not make new firmware an old one, which may
     * have small keys. */
    if (!request_read(&request, &wanted->der, version ? version : wanted->firmware_version, err))
        return false;
    request_key_fingerprint(request, key_fingerprint);
    record.fqdn = row_text(subject, 0, "fqdn");
    record.key_fingerprint = key_fingerprint;
    if (!find_issued(database, wanted, key_fingerprint, record.fqdn, &issued, err))
        return false;
    if (!issued.length && !authority)
        return error_because(err, REASON_NO_AUTHORITY, "no certificate authority is configured");
    if (!issued.length && row_number(subject, 0, "issued") >= ISSUED_MOST)
        return error_because(err, REASON_ISSUER_REFUSED,
                             "attempt %u of job %llu has got %d certificates for as many keys already",
                             wanted->id.attempt, (unsigned long long)wanted->id.job, ISSUED_MOST);
    if (!issued.length && !issue_new(database, &record, request, &issued, err))
        return false;
    *der = issued;
    issued = (struct bytes){ 0 };
    return true;
}
