#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_TIMEOUT_MS (10 * 60 * 1000)

static const char *first_of(const char *given, const char *variable, const char *otherwise)
{
    const char *value = given ? given : getenv(variable);

    return value && *value ? value : otherwise;
}

void session_begin(struct session *session, const struct invocation *invocation)
{
    *session = (struct session){ 0 };
    session->database_url = first_of(invocation->options[OPTION_DATABASE], "AMT_DATABASE_URL", "");
    session->key_file =
        first_of(invocation->options[OPTION_KEY_FILE], "AMT_SECRET_KEY_FILE", DEFAULT_KEY_FILE);
    session->json = invocation->options[OPTION_JSON] != NULL;
}

void session_end(struct session *session)
{
    vault_free(&session->vault);
    database_close(&session->database);
}

bool session_role(struct session *session, const char *role, bool *held, char **user, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_text(parameters, role);
    if (!database_run(session->database, CONTROL_STATEMENT_SESSION_ROLE, parameters, &rows, err))
        return false;
    *held = strcmp(row_text(rows, 0, "held"), "true") == 0;
    if (user)
        text_set(user, row_text(rows, 0, "user_name"));
    return true;
}

bool session_open(struct session *session, const char *role, struct error *err)
{
    struct database_options options = {
        .url = session->database_url,
        .program = "amtctl",
        .statements = control_statement_texts,
        .statement_count = CONTROL_STATEMENT_COUNT,
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
    };
    AUTO(text_free) char *user = NULL;
    bool held = true;

    if (!session->database && !database_open(&session->database, &options, err))
        return false;
    if (role && !session_role(session, role, &held, &user, err))
        return false;
    if (!held)
        return error_set(
            err, ERROR_REFUSED,
            "user \"%s\" lacks the role %s, which this command needs; an administrator of the database "
            "gives it with: GRANT %s TO \"%s\"",
            user, role, role, user);
    return true;
}

bool session_vault(struct session *session, struct vault **vault, struct error *err)
{
    if (!session->vault && !vault_load(&session->vault, session->key_file, err))
        return false;
    *vault = session->vault;
    return true;
}

bool session_do(struct session *session, int statement, struct parameters **parameters, struct error *err)
{
    bool done = database_run(session->database, statement, *parameters, NULL, err);

    parameters_free(parameters);
    return done;
}

struct table *table_from_rows(const struct rows *rows, const struct column *columns, size_t column_count)
{
    struct table *table = table_new(columns, column_count);

    for (size_t row = 0; row < rows_count(rows); row++) {
        for (size_t column = 0; column < column_count; column++)
            table_add(table, row_text(rows, row, columns[column].key));
    }
    return table;
}

bool session_table(struct session *session, int statement, struct parameters **parameters,
                   const struct column *columns, size_t column_count, struct table **table, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    bool done = database_run(session->database, statement, *parameters, &rows, err);

    parameters_free(parameters);
    if (!done)
        return false;
    *table = table_from_rows(rows, columns, column_count);
    return true;
}

bool session_show(struct session *session, int statement, struct parameters **parameters,
                  const struct column *columns, size_t column_count, struct error *err)
{
    AUTO(table_free) struct table *table = NULL;

    if (!session_table(session, statement, parameters, columns, column_count, &table, err))
        return false;
    (session->json ? table_print_json : table_print_text)(table, SHAPE_LIST, stdout);
    return true;
}

void parameters_sealed(struct parameters *parameters, const struct sealed *sealed)
{
    parameters_text(parameters, sealed ? sealed->key_id : NULL);
    parameters_bytes(parameters, sealed ? sealed->nonce : NULL, sealed ? sizeof(sealed->nonce) : 0);
    parameters_bytes(parameters, sealed ? sealed->ciphertext.data : NULL,
                     sealed ? sealed->ciphertext.length : 0);
}

bool number_read(const char *text, const char *what, int64_t least, int64_t most, int64_t *number,
                 struct error *err)
{
    long long read;
    char *end;

    errno = 0;
    read = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno || read < least || read > most)
        return error_set(err, ERROR_INPUT, "%s '%.40s' is not a number from %" PRId64 " to %" PRId64, what,
                         text, least, most);
    *number = read;
    return true;
}
