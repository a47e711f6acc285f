#include <stdio.h>
#include <string.h>

#include "certificates/authority.h"
#include "common/clock.h"
#include "session.h"
#include "verbs.h"

#define DEFAULT_SUBJECT "AMT provisioning authority"
#define DEFAULT_DAYS    3650
#define DAY_S           86400

static bool has_active(struct session *session, bool *active, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(session->database, CONTROL_STATEMENT_AUTHORITY_LIST, NULL, &rows, err))
        return false;
    *active = rows_count(rows) > 0 && strcmp(row_text(rows, 0, "state"), "active") == 0;
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
    bool active;

    if ((days_text && !number_read(days_text, "--days", 1, 36500, &days, err)) ||
        !session_vault(session, &vault, err) || !has_active(session, &active, err))
        return false;
    if (active && !invocation->options[OPTION_REPLACE])
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

static bool print_pem(const struct session *session, const struct rows *rows, struct error *err)
{
    struct bytes certificate = { 0 };
    AUTO(text_free) char *pem = NULL;
    size_t length;
    const unsigned char *data;

    if (rows_count(rows) == 0 || strcmp(row_text(rows, 0, "state"), "active") != 0)
        return error_set(err, ERROR_ABSENT, "no authority is set; run 'amtctl ca init'");
    data = row_bytes(rows, 0, "certificate", &length);
    bytes_set(&certificate, data, length);
    pem = authority_pem(&certificate);
    bytes_free(&certificate);
    if (session->json) {
        printf("{\"pem\": ");
        json_print_text(pem, stdout);
        printf("}\n");
    } else {
        fputs(pem, stdout);
    }
    return true;
}

bool ca_show(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "subject", "SUBJECT", COLUMN_TEXT },
        { "state", "STATE", COLUMN_TEXT },
        { "not_after", "VALID UNTIL", COLUMN_TEXT },
        { "days_left", "DAYS LEFT", COLUMN_NUMBER },
        { "fingerprint", "SHA-256 FINGERPRINT", COLUMN_TEXT },
        { "not_before", NULL, COLUMN_TEXT },
        { "created_at", NULL, COLUMN_TEXT },
        { "created_by", NULL, COLUMN_TEXT },
    };
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(table_free) struct table *table = NULL;

    if (!database_run(session->database, CONTROL_STATEMENT_AUTHORITY_LIST, NULL, &rows, err))
        return false;
    if (invocation->options[OPTION_PEM])
        return print_pem(session, rows, err);
    table = table_from_rows(rows, columns, COUNT_OF(columns));
    (session->json ? table_print_json : table_print_text)(table, SHAPE_LIST, stdout);
    return true;
}
