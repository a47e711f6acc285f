#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certificates/console.h"
#include "common/clock.h"
#include "common/private_file.h"
#include "session.h"
#include "verbs.h"

#define DEFAULT_DAYS 365
#define DAY_S        86400

static bool announce(struct session *session, const char *name, int64_t *number, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_text(parameters, name);
    if (!database_begin(session->database, err) ||
        !database_run(session->database, CONTROL_STATEMENT_AUTHORITY_ANNOUNCE, parameters, &rows, err) ||
        !database_commit(session->database, err))
        return false;
    *number = row_number(rows, 0, "announcement");
    return true;
}

/* The keys first: no reading is announced that cannot succeed. */
static bool open_authority(struct session *session, const char *name, struct authority **authority,
                           struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct vault *vault;
    int64_t number;

    if (!session_vault(session, &vault, err) || !announce(session, name, &number, err))
        return false;
    parameters_number(parameters, number);
    if (!database_run(session->database, CONTROL_STATEMENT_AUTHORITY_READ, parameters, &rows, err))
        return false;
    if (rows_count(rows) == 0)
        return error_set(err, ERROR_ABSENT, "no authority of this site issues certificates any more");
    return authority_open(rows, 0, vault, authority, err);
}

static bool record(struct session *session, const char *name, const struct authority_facts *facts,
                   const struct console_key_pair *pair, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, name);
    parameters_text(parameters, facts->fingerprint);
    parameters_text(parameters, pair->issued.serial);
    parameters_bytes(parameters, pair->key_fingerprint, sizeof(pair->key_fingerprint));
    parameters_text(parameters, pair->issued.fingerprint);
    parameters_bytes(parameters, pair->issued.der.data, pair->issued.der.length);
    parameters_number(parameters, pair->issued.not_before_s);
    parameters_number(parameters, pair->issued.not_after_s);
    return session_do(session, CONTROL_STATEMENT_CONSOLE_ADD, &parameters, err);
}

static bool write_file(const char *path, const struct authority_facts *facts,
                       const struct console_key_pair *pair, struct error *err)
{
    AUTO(text_free) char *leaf = authority_pem("CERTIFICATE", &pair->issued.der);
    AUTO(text_free) char *root = authority_pem("CERTIFICATE", facts->certificate);
    AUTO(text_free) char *all = text_format("%s%s%s", secret_reveal(pair->key), leaf, root);
    AUTO(secret_free) struct secret *content = secret_from_text(all);

    secret_wipe(all, strlen(all));
    return private_file_create(path, content, err);
}

/* Before anything is issued for it. */
static bool check_free(const char *path, struct error *err)
{
    return access(path, F_OK) != 0 ||
           error_set(err, ERROR_CONFLICT, "%s is there already, and is not replaced; name another file",
                     path);
}

/* Recorded first: no certificate is in the world that the site cannot revoke. */
bool ca_issue_console(struct session *session, const struct invocation *invocation, struct error *err)
{
    const char *name = invocation->arguments[0], *path = invocation->arguments[1];
    const char *days_text = invocation->options[OPTION_DAYS];
    AUTO(authority_free) struct authority *authority = NULL;
    AUTO(console_key_pair_clear) struct console_key_pair pair = { 0 };
    struct authority_facts facts;
    int64_t days = DEFAULT_DAYS;

    if ((days_text && !number_read(days_text, "--days", 1, 3650, &days, err)) || !check_free(path, err) ||
        !open_authority(session, name, &authority, err) ||
        !console_key_pair_make(authority, name, clock_wall_ms() / 1000, days * DAY_S, NULL, &pair, err))
        return false;
    authority_describe(authority, &facts);
    if (!record(session, name, &facts, &pair, err) || !write_file(path, &facts, &pair, err))
        return false;
    if (session->json) {
        printf("{\"serial\": \"%s\", \"file\": ", pair.issued.serial);
        json_print_text(path, stdout);
        printf("}\n");
        return true;
    }
    printf("%s has the key and the certificate with serial %s\n", path, pair.issued.serial);
    return true;
}

bool ca_consoles(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "name", "NAME", COLUMN_TEXT },     { "holder", "HOLDER", COLUMN_TEXT },
        { "state", "STATE", COLUMN_TEXT },   { "not_after", "VALID UNTIL", COLUMN_TEXT },
        { "issuer", "ISSUER", COLUMN_TEXT }, { "serial", "SERIAL", COLUMN_TEXT },
        { "not_before", NULL, COLUMN_TEXT }, { "issued_at", NULL, COLUMN_TEXT },
        { "issued_by", NULL, COLUMN_TEXT },  { "revoked_at", NULL, COLUMN_TEXT },
    };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    (void)invocation;
    return session_show(session, CONTROL_STATEMENT_CONSOLE_LIST, &parameters, columns, COUNT_OF(columns),
                        err);
}

bool ca_revoke_console(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_text(parameters, invocation->arguments[0]);
    if (!database_run(session->database, CONTROL_STATEMENT_CONSOLE_REVOKE, parameters, &rows, err))
        return false;
    printf(session->json ? "{\"revoked\": %lld}\n" : "%lld certificates revoked\n",
           (long long)row_number(rows, 0, "revoked"));
    return true;
}
