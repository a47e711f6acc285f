#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate_file.h"
#include "check.h"
#include "common/clock.h"
#include "common/curve_key.h"
#include "session.h"
#include "verbs.h"

#define DAY_S                  86400
#define EXPIRY_DAYS            42 /* warned about so many days before */
#define DEFAULT_QUEUE_KEY_FILE "/etc/amt-site-server/curve.key"

static const char *const level_names[] = { "ok", "warning", "problem" };

static const struct column finding_columns[] = {
    { "level", "LEVEL", COLUMN_TEXT },
    { "subject", "WHAT", COLUMN_TEXT },
    { "finding", "FINDING", COLUMN_TEXT },
    { "remedy", "WHAT TO DO", COLUMN_TEXT },
};

void check_find(struct check *check, enum level level, const char *subject, const char *remedy,
                const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    table_add(check->findings, level_names[level]);
    table_add(check->findings, subject);
    table_add(check->findings, text);
    table_add(check->findings, remedy);
    check->problems += level == LEVEL_PROBLEM;
}

bool check_rows(struct check *check, int statement, const char *subject, struct rows **rows)
{
    struct error err;

    if (database_run(check->session->database, statement, NULL, rows, &err))
        return true;
    check_find(check, LEVEL_PROBLEM, subject, "see the database's log", "%s", err.message);
    return false;
}

static void check_schema(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (check_rows(check, CONTROL_STATEMENT_CHECK_SCHEMA, "schema", &rows))
        check_find(check, LEVEL_OK, "schema", "", "version %" PRId64, row_number(rows, 0, "version"));
}

static void check_roles(struct check *check)
{
    static const struct {
        const char *role, *without;
    } roles[] = {
        { "amt_reader", "cannot read the views" },
        { "amt_operator", "cannot import, request jobs or change anything" },
        { "amt_secret_reader", "cannot read passwords or rotate keys" },
        { "amt_administrator", "cannot admit service points or set the authority" },
    };

    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        AUTO(text_free) char *user = NULL;
        AUTO(text_free) char *remedy = NULL;
        struct error err;
        bool held;

        if (!session_role(check->session, roles[i].role, &held, &user, &err)) {
            check_find(check, LEVEL_PROBLEM, "roles", "see the database's log", "%s", err.message);
            return;
        }
        remedy = text_format("GRANT %s TO \"%s\", if it should", roles[i].role, user);
        check_find(check, held ? LEVEL_OK : LEVEL_WARNING, "roles", held ? "" : remedy,
                   "user \"%s\" %s %s%s%s", user, held ? "holds" : "lacks", roles[i].role,
                   held ? "" : " and ", held ? "" : roles[i].without);
    }
}

static void check_keys_in_use(struct check *check, const struct vault *vault)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!check->session->database || !check_rows(check, CONTROL_STATEMENT_SEALED_KEY, "secret keys", &rows))
        return;
    for (size_t i = 0; i < rows_count(rows); i++) {
        const char *key = row_text(rows, i, "key_id");
        int64_t secrets = row_number(rows, i, "secrets");

        if (!vault_has_key(vault, key))
            check_find(
                check, LEVEL_PROBLEM, "secret keys", "put the key back into the key file, from its safe copy",
                "key %s, which %" PRId64 " values are sealed with, is not in the key file", key, secrets);
        else if (strcmp(key, vault_current_key_id(vault)) != 0)
            check_find(check, LEVEL_WARNING, "secret keys", "call 'amtctl secret rotate-key'",
                       "key %s, which %" PRId64 " values are sealed with, is not the current one", key,
                       secrets);
        else
            check_find(check, LEVEL_OK, "secret keys", "",
                       "key %s, which %" PRId64 " values are sealed with, is the current one", key, secrets);
    }
}

static void check_key_file(struct check *check)
{
    struct vault *vault;
    struct error err;

    if (!session_vault(check->session, &vault, &err)) {
        check_find(check, LEVEL_PROBLEM, "secret keys",
                   "give it with --key-file, or make one with 'amtctl secret init'", "%s", err.message);
        return;
    }
    check_find(check, LEVEL_OK, "secret keys", "", "%s is private; its current key is %s",
               check->session->key_file, vault_current_key_id(vault));
    check_keys_in_use(check, vault);
}

void check_expiry(struct check *check, const char *subject, const char *remedy, const char *name,
                  int64_t left_s)
{
    enum level level = left_s <= 0                             ? LEVEL_PROBLEM
                       : left_s < (int64_t)EXPIRY_DAYS * DAY_S ? LEVEL_WARNING
                                                               : LEVEL_OK;

    if (left_s <= 0)
        check_find(check, level, subject, remedy, "%s has expired", name);
    else
        check_find(check, level, subject, level == LEVEL_OK ? "" : remedy, "%s is valid for %" PRId64 " days",
                   name, left_s / DAY_S);
}

static void check_service_points(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;
    size_t connected = 0, approved = 0;

    if (!check_rows(check, CONTROL_STATEMENT_SERVICE_POINT_LIST, "service points", &rows))
        return;
    for (size_t i = 0; i < rows_count(rows); i++) {
        const char *state = row_text(rows, i, "state"), *name = row_text(rows, i, "name");
        bool is_connected = strcmp(row_text(rows, i, "connected"), "true") == 0;

        if (strcmp(state, "pending") == 0)
            check_find(check, LEVEL_WARNING, "service points",
                       "compare its key, then 'amtctl service-point approve'", "%s waits for approval", name);
        if (strcmp(state, "approved") != 0)
            continue;
        approved++;
        connected += is_connected;
        check_find(check, is_connected ? LEVEL_OK : LEVEL_WARNING, "service points",
                   is_connected ? "" : "start it, or 'amtctl service-point remove'", "%s is %s", name,
                   is_connected ? "connected" : "not connected");
    }
    if (approved == 0)
        check_find(check, LEVEL_PROBLEM, "service points",
                   "start one, then 'amtctl service-point approve' its key",
                   "none is approved, so nobody hears computers");
    else if (connected == 0)
        check_find(check, LEVEL_PROBLEM, "service points", "start one, and see its log for what it lacks",
                   "none is connected");
}

static void check_given_certificate(struct check *check, const char *path)
{
    AUTO(certificate_file_clear) struct certificate_file certificate = { 0 };
    AUTO(text_free) char *name = NULL;
    int64_t now_s = clock_wall_ms() / 1000;
    struct error err;

    if (!certificate_file_read(path, now_s, &certificate, &err)) {
        check_find(check, LEVEL_PROBLEM, "provisioning certificate",
                   "mend the file: private key, leaf, intermediates, root", "%s", err.message);
        return;
    }
    name = text_format("%s (%s), root %s, SHA-256 %s,", path, certificate.subject, certificate.root_subject,
                       certificate.root_hash);
    check_expiry(check, "provisioning certificate", "renew it", name, certificate.not_after_s - now_s);
    if (certificate.weakness)
        check_find(check, LEVEL_WARNING, "provisioning certificate", "renew it, unless all computers are old",
                   "%s: %s", path, certificate.weakness);
}

static void check_profiles(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!check_rows(check, CONTROL_STATEMENT_CHECK_PROFILES, "profiles", &rows))
        return;
    for (size_t i = 0; i < rows_count(rows); i++)
        check_find(check, LEVEL_PROBLEM, "profiles", "call 'amtctl profile set' again, it makes one",
                   "%s sets a shared MEBx password, and has none", row_text(rows, i, "name"));
}

static void check_database(struct check *check)
{
    bool is_reader;
    struct error err;

    if (!session_open(check->session, NULL, &err)) {
        check_find(check, LEVEL_PROBLEM, "database", "give it with --database or $AMT_DATABASE_URL", "%s",
                   err.message);
        return;
    }
    check_find(check, LEVEL_OK, "database", "", "can be reached");
    check_roles(check);
    if (!session_role(check->session, "amt_reader", &is_reader, NULL, &err) || !is_reader)
        return;
    check_schema(check);
    check_access(check);
    check_authorities(check);
    check_service_points(check);
    check_provisioning(check);
    check_profiles(check);
}

static void check_queue_key(struct check *check)
{
    const char *given = check->invocation->options[OPTION_QUEUE_KEY_FILE];
    const char *path = given ? given : DEFAULT_QUEUE_KEY_FILE;
    struct curve_key_pair pair = { 0 };
    struct error err;

    if (!given && access(path, F_OK) != 0) {
        check_find(check, LEVEL_WARNING, "queue key",
                   "call it on the site server's machine, or with --queue-key-file",
                   "not looked at: there is no %s here", path);
        return;
    }
    if (!curve_key_read(path, &pair, &err))
        check_find(
            check, LEVEL_PROBLEM, "queue key",
            "make one with 'amt-site-server --create-key', and give its public key to the service points",
            "%s", err.message);
    else
        check_find(check, LEVEL_OK, "queue key", "", "%s is private; service points need its public key %s",
                   path, pair.public_key);
    curve_key_clear(&pair);
}

bool check_run(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(table_free) struct table *findings = table_new(finding_columns, COUNT_OF(finding_columns));
    struct check check = { .session = session, .invocation = invocation, .findings = findings };

    check_database(&check);
    check_key_file(&check);
    check_queue_key(&check);
    for (size_t i = 0; i < invocation->certificate_count; i++)
        check_given_certificate(&check, invocation->certificates[i]);
    if (invocation->options[OPTION_CONFIG])
        check_directory(&check, invocation->options[OPTION_CONFIG]);
    (session->json ? table_print_json : table_print_text)(findings, SHAPE_LIST, stdout);
    if (check.problems)
        return error_set(err, ERROR_INPUT, "%zu problem%s found", check.problems,
                         check.problems == 1 ? "" : "s");
    return true;
}
