#include <stdio.h>
#include <string.h>

#include "certificates/authority.h"
#include "common/clock.h"
#include "session.h"
#include "verbs.h"

#define DEFAULT_SUBJECT "AMT provisioning authority"
#define DEFAULT_DAYS    3650
#define DAY_S           86400

#define DEFAULT_EXPIRY_DAYS 90

static bool has_internal(struct session *session, bool *there, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(session->database, CONTROL_STATEMENT_AUTHORITY_LIST, NULL, &rows, err))
        return false;
    *there = false;
    for (size_t i = 0; i < rows_count(rows); i++)
        *there |= strcmp(row_text(rows, i, "kind"), "internal") == 0;
    return true;
}

static bool store(struct session *session, const struct authority *authority,
                  const struct authority_facts *facts, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(secret_free) struct secret *key = NULL;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    char place[VAULT_PLACE_SIZE];
    struct vault *vault;

    if (!session_vault(session, &vault, err) || !authority_key(authority, &key, err) ||
        !vault_seal(vault, vault_place_authority(facts->fingerprint, place), key, &sealed, err))
        return false;
    parameters_text(parameters, facts->fingerprint);
    parameters_text(parameters, facts->subject);
    parameters_text(parameters, facts->serial);
    parameters_bytes(parameters, facts->certificate->data, facts->certificate->length);
    parameters_number(parameters, facts->not_before_s);
    parameters_number(parameters, facts->not_after_s);
    parameters_sealed(parameters, &sealed);
    return session_do(session, CONTROL_STATEMENT_AUTHORITY_SET, &parameters, err);
}

bool ca_init(struct session *session, const struct invocation *invocation, struct error *err)
{
    const char *subject = invocation->options[OPTION_SUBJECT], *days_text = invocation->options[OPTION_DAYS];
    AUTO(authority_free) struct authority *authority = NULL;
    struct authority_facts facts;
    struct vault *vault;
    int64_t days = DEFAULT_DAYS;
    bool there;

    if ((days_text && !number_read(days_text, "--days", 1, 36500, &days, err)) ||
        !session_vault(session, &vault, err) || !has_internal(session, &there, err))
        return false;
    if (there && !invocation->options[OPTION_REPLACE])
        return error_set(err, ERROR_CONFLICT,
                         "there is an authority already, see 'amtctl ca show'; --replace makes a new "
                         "one, and certificates of the former stay good");
    if (!authority_create(&authority, subject ? subject : DEFAULT_SUBJECT, clock_wall_ms() / 1000,
                          days * DAY_S, err))
        return false;
    authority_describe(authority, &facts);
    if (!store(session, authority, &facts, err))
        return false;
    if (session->json) {
        printf("{\"subject\": ");
        json_print_text(facts.subject, stdout);
        printf(", \"fingerprint\": \"%s\"}\n", facts.fingerprint);
    } else {
        printf("authority %s made\nSHA-256 fingerprint %s\n", facts.subject, facts.fingerprint);
    }
    return true;
}

static void print_pem(const struct session *session, const struct rows *rows, const char *column,
                      const char *label)
{
    AUTO(bytes_free) struct bytes der = { 0 };
    AUTO(text_free) char *pem = NULL;
    size_t length;
    const unsigned char *data = row_bytes(rows, 0, column, &length);

    bytes_set(&der, data, length);
    pem = authority_pem(label, &der);
    if (session->json) {
        printf("{\"pem\": ");
        json_print_text(pem, stdout);
        printf("}\n");
    } else {
        fputs(pem, stdout);
    }
}

bool ca_show(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "subject", "SUBJECT", COLUMN_TEXT },       { "kind", "KIND", COLUMN_TEXT },
        { "state", "STATE", COLUMN_TEXT },           { "not_after", "VALID UNTIL", COLUMN_TEXT },
        { "days_left", "DAYS LEFT", COLUMN_NUMBER }, { "fingerprint", "SHA-256 FINGERPRINT", COLUMN_TEXT },
        { "not_before", NULL, COLUMN_TEXT },         { "created_at", NULL, COLUMN_TEXT },
        { "created_by", NULL, COLUMN_TEXT },
    };
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(table_free) struct table *table = NULL;

    if (!database_run(session->database, CONTROL_STATEMENT_AUTHORITY_LIST, NULL, &rows, err))
        return false;
    if (invocation->options[OPTION_PEM]) {
        if (rows_count(rows) == 0 || strcmp(row_text(rows, 0, "state"), "active") != 0)
            return error_set(err, ERROR_ABSENT, "no authority is set; run 'amtctl ca init'");
        print_pem(session, rows, "certificate", "CERTIFICATE");
        return true;
    }
    table = table_from_rows(rows, columns, COUNT_OF(columns));
    (session->json ? table_print_json : table_print_text)(table, SHAPE_LIST, stdout);
    return true;
}

bool ca_crl(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "issuer", "ISSUER", COLUMN_TEXT },          { "number", "NUMBER", COLUMN_NUMBER },
        { "entries", "ENTRIES", COLUMN_NUMBER },      { "this_update", "MADE", COLUMN_TEXT },
        { "next_update", "GOOD UNTIL", COLUMN_TEXT }, { "name", "FILE (.crl)", COLUMN_TEXT },
    };
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(table_free) struct table *table = NULL;

    if (!database_run(session->database, CONTROL_STATEMENT_REVOCATION_LIST, NULL, &rows, err))
        return false;
    if (invocation->options[OPTION_PEM]) {
        if (rows_count(rows) == 0)
            return error_set(
                err, ERROR_ABSENT,
                "there is no revocation list yet; the site server makes one when it runs and the "
                "internal authority is there, see 'amtctl ca show'");
        print_pem(session, rows, "list", "X509 CRL");
        return true;
    }
    table = table_from_rows(rows, columns, COUNT_OF(columns));
    (session->json ? table_print_json : table_print_text)(table, SHAPE_LIST, stdout);
    return true;
}

bool ca_expiry(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "what", "WHAT", COLUMN_TEXT },        { "name", "NAME", COLUMN_TEXT },
        { "detail", "DETAIL", COLUMN_TEXT },    { "not_after", "ENDS", COLUMN_TEXT },
        { "days_left", "DAYS", COLUMN_NUMBER }, { "renew_at", "RENEWED FROM", COLUMN_TEXT },
        { "renewal", "RENEWAL", COLUMN_TEXT },  { "uuid", NULL, COLUMN_TEXT },
    };
    const char *days_text = invocation->options[OPTION_DAYS];
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    int64_t days = DEFAULT_EXPIRY_DAYS;

    if (days_text && !number_read(days_text, "--days", 0, 36500, &days, err))
        return false;
    parameters_number(parameters, days);
    return session_show(session, CONTROL_STATEMENT_CERTIFICATE_EXPIRY, &parameters, columns,
                        COUNT_OF(columns), err);
}
