/* Database: types, transactions, loss of the connection, notifications, schema and roles; with a real
 * PostgreSQL. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database/database.h"
#include "database/schema_change.h"
#include "migration.h"
#include "statement.h"
#include "support/postgres.h"
#include "support/workplace.h"

#define UUID_1 "12345678-9abc-def0-1234-56789abcdef0"

static char directory[] = "/tmp/database_test.XXXXXX";
static struct postgres *postgres;

static struct database *connect_as(const char *user, const struct sql_text *statements, size_t count)
{
    AUTO(text_free)
    char *url =
        text_format("%.*s%s", (int)(strstr(postgres_url(postgres), "user=") + 5 - postgres_url(postgres)),
                    postgres_url(postgres), user);
    struct database_options options = { .url = url,
                                        .program = "database_test",
                                        .statements = statements,
                                        .statement_count = count,
                                        .channels = CHANNEL_JOB | CHANNEL_SERVICE_POINT };
    struct database *database = NULL;
    struct error err;

    if (!database_open(&database, &options, &err))
        fail_msg("%s", err.message);
    return database;
}

static struct database *connect_plain(void)
{
    return connect_as("postgres", NULL, 0);
}

static bool run(struct database *database, const char *text, struct parameters *parameters,
                struct rows **rows, struct error *err)
{
    return database_run_once(database, &(struct sql_text){ "test", text }, parameters, rows, err);
}

static void must_run(struct database *database, const char *text)
{
    struct error err;

    if (!run(database, text, NULL, NULL, &err))
        fail_msg("%s: %s", text, err.message);
}

static int start(void **state)
{
    AUTO(text_free) char *cluster = NULL;
    struct error err;
    unsigned applied;

    (void)state;
    if (!mkdtemp(directory) || chmod(directory, 0755) != 0) /* PostgreSQL runs as another user */
        return -1;
    cluster = text_format("%s/cluster", directory);
    if (postgres_start(&postgres, cluster, &err) && schema_migrate(postgres_url(postgres), &applied, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    postgres_stop(&postgres);
    directory_remove(directory);
    return 0;
}

static void every_statement_can_be_prepared(void **state)
{
    AUTO(database_close) struct database *database = connect_as("postgres", statement_texts, STATEMENT_COUNT);

    (void)state;
    assert_true(database_connected(database));
}

static void a_typing_error_stops_the_start(void **state)
{
    static const struct sql_text statements[] = { { "good", "SELECT 1" },
                                                  { "bad", "SELEC 1" },
                                                  { "late", "SELECT 2" } };
    struct database_options options = {
        .url = postgres_url(postgres), .program = "test", .statements = statements, .statement_count = 3
    };
    struct database *database = NULL;
    struct error err;

    (void)state;
    assert_false(database_open(&database, &options, &err));
    assert_int_equal(err.code, ERROR_INTERNAL);
    assert_non_null(strstr(err.message, "bad: syntax error"));
}

static void values_of_every_type_come_back_as_they_went(void **state)
{
    static const unsigned char bytes[] = { 0, 1, '\'', '\\', 0xFF, 0 };
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    const unsigned char *data;
    struct uuid uuid, back;
    struct error err;
    size_t length;

    (void)state;
    assert_true(uuid_parse(UUID_1, &uuid));
    parameters_text(parameters, "O'Brien \"x\" \\ \xC3\xA4");
    parameters_number(parameters, INT64_MIN);
    parameters_bool(parameters, true);
    parameters_bytes(parameters, bytes, sizeof(bytes));
    parameters_uuid(parameters, &uuid);
    parameters_text(parameters, NULL);
    parameters_bytes(parameters, "", 0);
    assert_true(
        run(database,
            "SELECT $1::text AS t, $2::bigint AS n, $3::boolean AS b, $4::bytea AS y, $5::uuid AS u, "
            "$6::text AS z,"
            " 7::smallint AS two, -8::integer AS four, to_timestamp(1700000000.123) AS at, $7::bytea AS e",
            parameters, &rows, &err));
    assert_string_equal(row_text(rows, 0, "t"), "O'Brien \"x\" \\ \xC3\xA4");
    assert_true(row_number(rows, 0, "n") == INT64_MIN);
    assert_true(row_bool(rows, 0, "b"));
    data = row_bytes(rows, 0, "y", &length);
    assert_int_equal(length, sizeof(bytes));
    assert_memory_equal(data, bytes, length);
    back = row_uuid(rows, 0, "u");
    assert_true(uuid_equal(&back, &uuid));
    assert_null(row_text(rows, 0, "z"));
    assert_true(row_is_null(rows, 0, "z"));
    assert_int_equal(row_number(rows, 0, "two"), 7);
    assert_int_equal(row_number(rows, 0, "four"), -8);
    assert_true(row_time_ms(rows, 0, "at") == 1700000000123LL);
    assert_false(row_is_null(rows, 0, "e"));
}

static void arrays_carry_a_whole_turn(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *numbers = parameters_numbers(parameters);
    struct array *texts = parameters_texts(parameters);
    struct array *bytes = parameters_byte_strings(parameters);
    struct array *bools = parameters_bools(parameters);
    struct array *uuids = parameters_uuids(parameters);
    struct uuid uuid;
    struct error err;
    size_t length;

    (void)state;
    assert_true(uuid_parse(UUID_1, &uuid));
    parameters_texts(parameters); /* an empty one */
    for (int i = 0; i < 1000; i++) {
        array_add_number(numbers, i);
        array_add_text(texts, i % 2 ? "odd, \"quoted\" {braced}" : NULL);
        array_add_bytes(bytes, i % 3 ? "\0x" : NULL, 2);
        array_add_bool(bools, i == 999);
        array_add_uuid(uuids, &uuid);
    }
    assert_true(
        run(database,
            "SELECT g.*, cardinality($6::text[]) AS empty, ARRAY[g.t, 'b'] AS list FROM"
            " unnest($1::bigint[], $2::text[], $3::bytea[], $4::boolean[], $5::uuid[]) AS g (n, t, y, b, u)"
            " ORDER BY n DESC",
            parameters, &rows, &err));
    assert_int_equal(rows_count(rows), 1000);
    assert_int_equal(row_number(rows, 0, "n"), 999);
    assert_string_equal(row_text(rows, 0, "t"), "odd, \"quoted\" {braced}");
    assert_null(row_text(rows, 1, "t"));
    assert_null(row_bytes(rows, 0, "y", &length));
    assert_memory_equal(row_bytes(rows, 1, "y", &length), "\0x", 2);
    assert_true(row_bool(rows, 0, "b"));
    assert_int_equal(row_number(rows, 0, "empty"), 0);
    assert_int_equal(row_text_count(rows, 0, "list"), 2);
    assert_string_equal(row_text_element(rows, 0, "list", 0), "odd, \"quoted\" {braced}");
    assert_string_equal(row_text_element(rows, 0, "list", 1), "b");
}

static void refusals_of_functions_say_what_and_what_to_do(void **state)
{
    static const struct {
        const char *text;
        enum error_code code;
        const char *message;
    } cases[] = {
        { "SELECT amt.request_job('" UUID_1 "')", ERROR_ABSENT,
          "computer " UUID_1 " is not known; import it with amtctl import" },
        { "SELECT amt.profile_remove('default')", ERROR_CONFLICT, NULL },
        { "SELECT amt.profile_set('p', '{\"ping\": 1}')", ERROR_INPUT,
          "profile p: ping is true or false, not 1; give true or false" },
        { "SELECT amt.profile_set('p', '{\"power\": \"s5\"}')", ERROR_INPUT, NULL },
        { "SELECT amt.profile_set('p', '{\"pong\": true}')", ERROR_INPUT, NULL },
        { "SELECT amt.profile_user_set('default', 'u', ARRAY['Nonsense'])", ERROR_INPUT, NULL },
        { "SELECT amt.profile_user_set('default', '$$u', ARRAY['Redirection'])", ERROR_INPUT, NULL },
        { "SELECT amt.profile_user_set('default', 'g', ARRAY['Redirection'], 'both', NULL, 'S-1-5-x')",
          ERROR_INPUT, NULL },
        { "SELECT amt.profile_user_set('default', 'u', ARRAY['Redirection'])", ERROR_INPUT,
          NULL }, /* no password */
        { "SELECT amt.import_computer('" UUID_1 "', 'a', 'a..b')", ERROR_INPUT, NULL },
        { "SELECT amt.cancel_job(99999)", ERROR_ABSENT, NULL },
        { "SELECT 1/0", ERROR_INPUT, "test: division by zero" },
        { "SELECT nonsense", ERROR_INTERNAL, NULL },
    };
    AUTO(database_close) struct database *database = connect_plain();
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (run(database, cases[i].text, NULL, NULL, &err))
            fail_msg("%s was accepted", cases[i].text);
        if (err.code != cases[i].code)
            fail_msg("%s: code %d, %s", cases[i].text, err.code, err.message);
        if (cases[i].message)
            assert_string_equal(err.message, cases[i].message);
    }
}

static void a_broken_transaction_does_not_commit(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    struct error err;

    (void)state;
    assert_true(database_begin(database, &err));
    must_run(database, "CREATE TABLE half (n integer)");
    assert_true(database_transaction_usable(database));
    assert_false(run(database, "SELECT 1/0", NULL, NULL, &err));
    assert_false(database_transaction_usable(database));
    assert_false(database_commit(database, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    must_run(database, "CREATE TABLE half (n integer)"); /* it is not there */
    must_run(database, "DROP TABLE half");
    assert_true(database_begin(database, &err));
    must_run(database, "CREATE TABLE half (n integer)");
    database_rollback(database);
    must_run(database, "CREATE TABLE half (n integer)");
    must_run(database, "DROP TABLE half");
}

static void writes_are_sent_along_in_order_and_the_commit_tells_what_went_wrong(void **state)
{
    static const struct sql_text statements[] = {
        { "add", "INSERT INTO written VALUES ($1::integer)" },
        { "double", "UPDATE written SET n = n * 2" },
        { "sum", "SELECT sum(n) AS sum FROM written" },
    };
    AUTO(database_close) struct database *setup = connect_plain();
    AUTO(database_close) struct database *database = NULL;
    AUTO(parameters_free) struct parameters *one = parameters_new();
    AUTO(parameters_free) struct parameters *wrong = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err;

    (void)state;
    must_run(setup, "CREATE TABLE written (n integer)");
    database = connect_as("postgres", statements, COUNT_OF(statements));
    parameters_number(one, 1);
    parameters_text(wrong, "one");

    assert_true(database_write(database, 0, one, &err)); /* outside a transaction: at once */
    assert_true(database_begin(database, &err));
    for (unsigned i = 0; i < 999; i++)
        assert_true(database_write(database, 0, one, &err));
    assert_true(database_write(database, 1, NULL, &err));
    assert_true(database_transaction_usable(database));
    assert_true(database_run(database, 2, NULL, &rows, &err));
    assert_int_equal(row_number(rows, 0, "sum"), 2000);
    assert_true(database_write(database, 1, NULL, &err));
    assert_true(database_commit(database, &err));

    assert_true(database_begin(database, &err));
    assert_true(database_write(database, 1, NULL, &err));
    assert_true(database_write(database, 0, wrong, &err));
    assert_true(database_write(database, 1, NULL, &err));
    assert_false(database_commit(database, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_non_null(strstr(err.message, "add: invalid input syntax"));
    database_rollback(database);

    assert_true(database_begin(database, &err));
    assert_true(database_write(database, 0, wrong, &err));
    database_rollback(database);
    rows_free(&rows);
    assert_true(database_run(database, 2, NULL, &rows, &err));
    assert_int_equal(row_number(rows, 0, "sum"), 4000);

    assert_true(database_begin(database, &err));
    assert_true(database_write(database, 0, one, &err));
    assert_true(postgres_halt(postgres, &err));
    while (database_write(database, 0, one, &err)) /* may be noticed late, but is */
        ;
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_true(postgres_resume(postgres, &err));
    assert_true(database_reconnect(database, &err));
    database_close(&setup);
    setup = connect_plain();
    must_run(setup, "DROP TABLE written");
}

static void a_lost_connection_is_recognised_and_comes_back(void **state)
{
    AUTO(database_close) struct database *database = connect_as("postgres", statement_texts, STATEMENT_COUNT);
    struct error err;
    unsigned channels;

    (void)state;
    assert_true(database_notifications(database, &channels, &err));
    assert_true(database_begin(database, &err));
    assert_true(postgres_halt(postgres, &err));
    assert_false(database_run(database, STATEMENT_SITE_ROOTS, NULL, NULL, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_false(database_connected(database));
    assert_int_equal(database_descriptor(database), -1);
    assert_false(database_commit(database, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    database_rollback(database);
    assert_false(database_reconnect(database, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_true(postgres_resume(postgres, &err));
    assert_true(database_reconnect(database, &err));
    assert_true(database_run(database, STATEMENT_SITE_ROOTS, NULL, NULL, &err));
    assert_true(database_notifications(database, &channels, &err));
    assert_int_equal(channels, CHANNEL_JOB | CHANNEL_SERVICE_POINT); /* something may have been missed */
}

static void a_connection_that_the_server_ends_is_recognised(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    struct error err;

    (void)state;
    assert_false(run(database, "SELECT pg_terminate_backend(pg_backend_pid())", NULL, NULL, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_false(database_connected(database));
    assert_true(database_reconnect(database, &err));
}

/* Takes connections and says nothing, as a host does whose answers are lost. */
static int listen_mutely(uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static void a_host_that_does_not_answer_holds_nobody_up(void **state)
{
    uint16_t port;
    int listener = listen_mutely(&port);
    AUTO(text_free) char *mute = text_format("host=127.0.0.1 port=%u dbname=amt user=postgres", port);
    AUTO(text_free)
    char *both =
        text_format("host=127.0.0.1,%s/cluster port=%u,5432 dbname=amt user=postgres", directory, port);
    AUTO(database_close)
    struct database *alone = database_new(&(struct database_options){ .url = mute, .program = "test" });
    AUTO(database_close) struct database *second = NULL;
    struct error err;
    bool done;

    (void)state;
    assert_true(database_connect(alone, &done, &err));
    assert_false(done); /* and back here at once */
    assert_true(database_connecting(alone));
    assert_true(database_descriptor(alone) >= 0);
    assert_true(database_open(&second, &(struct database_options){ .url = both, .program = "test" }, &err));
    must_run(second, "SELECT 1");
    close(listener);
}

static void a_connection_string_that_is_none_is_refused_for_good(void **state)
{
    struct database_options options = { .url = "postgresql://[::1/amt", .program = "test" };
    struct database *database = NULL;
    struct error err;

    (void)state;
    assert_false(database_open(&database, &options, &err));
    assert_int_equal(err.code, ERROR_INPUT);
}

static void want_a_standby(struct database *setup, const char *change)
{
    must_run(setup, change);
    must_run(setup, "SELECT pg_reload_conf()");
}

/* Sessions take a new setting one after another, so the first may still commit. */
static void commit_until_it_fails(const struct database_options *options, struct error *err)
{
    AUTO(database_close) struct database *database = NULL;

    do {
        database_close(&database);
        assert_true(database_open(&database, options, err));
        assert_true(database_begin(database, err));
        must_run(database, "INSERT INTO confirmed VALUES (1)");
    } while (database_commit(database, err));
    assert_false(database_connected(database));
}

struct waiting {               /* what was seen while a COMMIT waited */
    struct database *database; /* NULL: it is not connected yet */
    unsigned times;
    int64_t longest_ms;
};

static void look_while_waiting(void *context)
{
    struct waiting *waiting = context;
    int64_t waits_ms = database_commit_waits_ms(waiting->database);

    waiting->times++;
    if (waits_ms > waiting->longest_ms)
        waiting->longest_ms = waits_ms;
}

static void something_else_can_go_on_while_a_commit_waits(void **state)
{
    AUTO(database_close) struct database *setup = connect_plain();
    struct waiting waiting = { 0 };
    const struct database_options options = { .url = postgres_url(postgres),
                                              .program = "test",
                                              .statement_timeout_ms = 1000,
                                              .meanwhile = look_while_waiting,
                                              .context = &waiting };
    struct error err = { 0 };

    (void)state;
    must_run(setup, "CREATE TABLE confirmed (number bigint)");
    assert_true(database_open(&waiting.database, &options, &err));
    assert_true(database_begin(waiting.database, &err));
    must_run(waiting.database, "INSERT INTO confirmed VALUES (1)");
    assert_true(database_commit(waiting.database, &err));
    want_a_standby(setup, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    while (database_begin(waiting.database, &err) &&
           run(waiting.database, "INSERT INTO confirmed VALUES (2)", NULL, NULL, &err) &&
           database_commit(waiting.database, &err))
        continue; /* until the setting is in force */
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_true(waiting.times > 1);
    assert_true(waiting.longest_ms > 0);
    assert_int_equal(database_commit_waits_ms(waiting.database), 0);
    database_close(&waiting.database);
    want_a_standby(setup, "ALTER SYSTEM RESET synchronous_standby_names");
    must_run(setup, "DROP TABLE confirmed");
}

static void a_statement_that_commits_by_itself_is_given_up_too(void **state)
{
    static const struct sql_text statements[] = { { "test", "INSERT INTO confirmed VALUES (1)" } };
    AUTO(database_close) struct database *setup = connect_plain();
    AUTO(database_close) struct database *database = NULL;
    const struct database_options options = { .url = postgres_url(postgres),
                                              .program = "test",
                                              .statements = statements,
                                              .statement_count = 1,
                                              .statement_timeout_ms = 300 };
    struct error err = { 0 };

    (void)state;
    must_run(setup, "CREATE TABLE confirmed (number bigint)");
    assert_true(database_open(&database, &options, &err));
    want_a_standby(setup, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    while (database_run(database, 0, NULL, NULL, &err))
        continue; /* until the setting is in force */
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(err.message, "synchronous_standby_names"));
    want_a_standby(setup, "ALTER SYSTEM RESET synchronous_standby_names");
    must_run(setup, "DROP TABLE confirmed");
}

static void a_commit_that_waits_for_its_standby_is_given_up_with_unknown_outcome(void **state)
{
    AUTO(database_close) struct database *setup = connect_plain();
    struct database_options options = { .url = postgres_url(postgres),
                                        .program = "test",
                                        .statement_timeout_ms = 300 };
    struct error err;

    (void)state;
    must_run(setup, "CREATE TABLE confirmed (number bigint)");
    want_a_standby(setup, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    commit_until_it_fails(&options, &err);
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(err.message, "synchronous_standby_names"));
    want_a_standby(setup, "ALTER SYSTEM RESET synchronous_standby_names");
    must_run(setup, "DROP TABLE confirmed");
}

static void *cancel_who_waits(void *context)
{
    struct database *database = context;
    bool cancelled = false;

    while (!cancelled) {
        AUTO(rows_free) struct rows *rows = NULL;
        struct error err;

        if (!run(database,
                 "SELECT count(pg_cancel_backend(pid)) AS cancelled FROM pg_stat_activity"
                 " WHERE wait_event = 'SyncRep' AND application_name = 'impatient'",
                 NULL, &rows, &err))
            return database;
        cancelled = row_number(rows, 0, "cancelled") > 0;
    }
    return NULL;
}

/* PostgreSQL then says COMMIT all the same, with a warning: nothing of that may be told to anybody as done.
 */
static void a_commit_whose_wait_for_the_standby_is_cancelled_has_an_unknown_outcome(void **state)
{
    AUTO(database_close) struct database *setup = connect_plain();
    AUTO(database_close) struct database *other = connect_plain();
    struct database_options options = { .url = postgres_url(postgres), .program = "impatient" };
    struct error err;
    pthread_t thread;
    void *failed;

    (void)state;
    must_run(setup, "CREATE TABLE confirmed (number bigint)");
    want_a_standby(setup, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    assert_int_equal(pthread_create(&thread, NULL, cancel_who_waits, other), 0);
    commit_until_it_fails(&options, &err);
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(err.message, "standby"));
    want_a_standby(setup, "ALTER SYSTEM RESET synchronous_standby_names");
    must_run(setup, "DROP TABLE confirmed");
}

static void notifications_arrive_and_wake_a_poll(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(database_close) struct database *other = connect_plain();
    struct pollfd poll_fd;
    struct error err;
    unsigned channels;

    (void)state;
    assert_true(database_notifications(database, &channels, &err)); /* all, after the start */
    assert_true(database_notifications(database, &channels, &err));
    assert_int_equal(channels, 0);
    must_run(other, "NOTIFY amt_service_point");
    poll_fd = (struct pollfd){ .fd = database_descriptor(database), .events = POLLIN };
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    assert_true(database_notifications(database, &channels, &err));
    assert_int_equal(channels, CHANNEL_SERVICE_POINT);
    must_run(other, "NOTIFY amt_job");
    must_run(database, "SELECT 1"); /* comes in with a result */
    assert_true(database_notifications(database, &channels, &err));
    assert_true(channels == CHANNEL_JOB || poll(&poll_fd, 1, 10000) == 1);
}

static void *migrate(void *url)
{
    struct error err = { 0 };
    unsigned applied = 0;

    return schema_migrate(url, &applied, &err) ? (void *)(uintptr_t)(applied + 1) : NULL;
}

static void servers_that_migrate_at_once_wait_for_each_other(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(text_free) char *url = text_copy(postgres_url(postgres));
    char *name = strstr(url, "/amt?");
    pthread_t threads[4];
    uintptr_t applied = 0;

    (void)state;
    must_run(database, "CREATE DATABASE two");
    assert_non_null(name);
    memcpy(name, "/two?", 5);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate, url), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *result;

        pthread_join(threads[i], &result);
        assert_non_null(result);
        applied += (uintptr_t)result - 1;
    }
    assert_int_equal(applied, MIGRATION_COUNT); /* each change once */
}

static void an_old_schema_is_refused_with_the_remedy(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(text_free) char *url = text_copy(postgres_url(postgres));
    struct database_options options = { .program = "test",
                                        .statements = statement_texts,
                                        .statement_count = STATEMENT_COUNT };
    struct database *refused = NULL;
    struct error err;

    (void)state;
    must_run(database, "CREATE DATABASE old");
    memcpy(strstr(url, "/amt?"), "/old?", 5);
    options.url = url;
    assert_false(database_open(&refused, &options, &err));
    assert_non_null(strstr(err.message, "run: amt-site-server --migrate"));
    must_run(database, "UPDATE amt_store.schema_version SET version = version - 1000");
    options.url = postgres_url(postgres);
    assert_false(database_open(&refused, &options, &err));
    assert_non_null(strstr(err.message, "run: amt-site-server --migrate"));
    must_run(database, "UPDATE amt_store.schema_version SET version = version + 1000");
}

/* Two changes that were written side by side: the later was applied by a program that had not the earlier. */
static void a_change_that_was_passed_over_is_applied(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(text_free) char *url = text_copy(postgres_url(postgres));
    struct error err;
    unsigned applied;

    (void)state;
    must_run(database, "CREATE DATABASE gap");
    memcpy(strstr(url, "/amt?"), "/gap?", 5);
    assert_true(schema_migrate(url, &applied, &err));
    assert_int_equal(applied, MIGRATION_COUNT);
    {
        struct database_options options = { .url = url, .program = "test" };
        AUTO(database_close) struct database *gap = NULL;

        assert_true(database_open(&gap, &options, &err));
        must_run(gap, "DELETE FROM amt_store.schema_version WHERE version = 2");
    }
    /* It is tried again, and finds its own tables. */
    assert_false(schema_migrate(url, &applied, &err));
    assert_non_null(strstr(err.message, "schema change 0002"));
}

static void may(const char *user, const char *text, bool allowed)
{
    AUTO(database_close) struct database *database = connect_as(user, NULL, 0);
    struct error err = { 0 };
    bool done = database_begin(database, &err) && run(database, text, NULL, NULL, &err);

    if (allowed != done && !(allowed && err.code != ERROR_REFUSED))
        fail_msg("%s, %s: %s", user, text, done ? "allowed" : err.message);
    database_rollback(database);
}

static void a_change_that_waits_for_a_lock_gives_up_and_says_who_holds_it(void **state)
{
    AUTO(text_free)
    char *url = text_format("%s&options=-c%%20lock_timeout%%3D100ms", postgres_url(postgres));
    AUTO(database_close) struct database *shell = connect_plain();
    AUTO(text_free) char *process = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err = { 0 };
    unsigned applied;

    (void)state;
    must_run(shell, "SET application_name = 'a forgotten shell'");
    assert_true(run(shell, "SELECT pg_backend_pid() AS pid", NULL, &rows, &err));
    process = text_format("process %lld", (long long)row_number(rows, 0, "pid"));
    must_run(shell, "DELETE FROM amt_store.schema_version WHERE version = 9");
    must_run(shell, "ALTER TABLE amt_store.computer DROP COLUMN proven_address");
    assert_true(database_begin(shell, &err));
    must_run(shell, "LOCK TABLE amt_store.computer IN ACCESS SHARE MODE");
    assert_false(schema_migrate(url, &applied, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_non_null(strstr(err.message, "0009_proven_address"));
    assert_non_null(strstr(err.message, "a forgotten shell of user postgres"));
    assert_non_null(strstr(err.message, process));
    database_rollback(shell);
    assert_true(schema_migrate(url, &applied, &err));
    assert_int_equal(applied, 1);
}

static void each_role_may_do_its_own_and_no_more(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    struct database *refused = NULL;
    struct database_options options = { .program = "test",
                                        .statements = statement_texts,
                                        .statement_count = STATEMENT_COUNT };
    AUTO(text_free) char *url = NULL;
    struct error err;

    (void)state;
    must_run(database, "CREATE ROLE reader LOGIN IN ROLE amt_reader");
    must_run(database, "CREATE ROLE operator LOGIN IN ROLE amt_operator");
    must_run(database, "CREATE ROLE secrets LOGIN IN ROLE amt_secret_reader");
    must_run(database, "CREATE ROLE server LOGIN IN ROLE amt_site_server");
    must_run(database, "CREATE ROLE nobody LOGIN");
    may("reader", "SELECT * FROM amt.computer", true);
    may("reader", "SELECT * FROM amt.service_point", true);
    may("reader", "SELECT * FROM amt_store.secret", false);
    may("reader", "SELECT amt.request_job('" UUID_1 "')", false);
    may("operator", "SELECT amt.request_job('" UUID_1 "')", true);
    may("operator", "SELECT amt.secret_announce('" UUID_1 "', 'admin')", false);
    may("operator", "SELECT * FROM amt_store.computer", false);
    may("secrets", "SELECT amt.secret_announce('" UUID_1 "', 'admin')", true);
    may("secrets", "SELECT amt.block('" UUID_1 "')", false);
    may("server", "SELECT * FROM amt_store.secret", true);
    may("server", "DELETE FROM amt_store.audit", false);
    may("nobody", "SELECT * FROM amt.computer", false);
    database_close(&database);
    database = connect_as("server", statement_texts, STATEMENT_COUNT);
    url =
        text_format("%.*snobody", (int)(strstr(postgres_url(postgres), "user=") + 5 - postgres_url(postgres)),
                    postgres_url(postgres));
    options.url = url;
    assert_false(database_open(&refused, &options, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_non_null(strstr(err.message, "GRANT"));
}

static void a_secret_is_read_only_after_the_audit_says_so(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(text_free) char *read = NULL;
    struct error err;

    (void)state;
    must_run(database, "SELECT amt.import_computer('" UUID_1 "', 'pc', 'pc.example.org', NULL, NULL,"
                       " ROW('k', '\\x000102030405060708090a0b', '\\x00112233445566778899aabbccddeeff', "
                       "'\\x01')::amt.sealed)");
    assert_true(database_begin(database, &err));
    assert_true(run(database, "SELECT amt.secret_announce('" UUID_1 "', 'admin') AS id", NULL, &rows, &err));
    read = text_format("SELECT state, associated_data FROM amt.secret_read(%lld)",
                       (long long)row_number(rows, 0, "id"));
    assert_false(
        run(database, read, NULL, NULL, &err)); /* in the same transaction: the audit might be rolled back */
    database_rollback(database);
    rows_free(&rows);
    assert_true(run(database, "SELECT amt.secret_announce('" UUID_1 "', 'admin') AS id", NULL, &rows, &err));
    text_free(&read);
    read = text_format("SELECT state, associated_data FROM amt.secret_read(%lld)",
                       (long long)row_number(rows, 0, "id"));
    rows_free(&rows);
    assert_true(run(database, read, NULL, &rows, &err));
    assert_int_equal(rows_count(rows), 1);
    assert_string_equal(row_text(rows, 0, "state"), "imported");
    assert_string_equal(row_text(rows, 0, "associated_data"), UUID_1 "|admin");
    assert_false(run(database, read, NULL, NULL, &err)); /* once */
    rows_free(&rows);
    assert_true(run(database, "SELECT what FROM amt.audit WHERE uuid = '" UUID_1 "'", NULL, &rows, &err));
    assert_int_equal(rows_count(rows), 1);
    must_run(database, "SELECT amt.remove_computer('" UUID_1 "')");
}

static void everything_an_operator_sees_has_a_comment(void **state)
{
    AUTO(database_close) struct database *database = connect_plain();
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err;

    (void)state;
    assert_true(
        run(database,
            "SELECT c.relname::text AS name FROM pg_class c WHERE c.relnamespace = 'amt'::regnamespace AND "
            "c.relkind = 'v'"
            " AND obj_description(c.oid, 'pg_class') IS NULL"
            " UNION ALL SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'amt'::regnamespace"
            " AND obj_description(p.oid, 'pg_proc') IS NULL",
            NULL, &rows, &err));
    for (size_t i = 0; i < rows_count(rows); i++)
        fail_msg("amt.%s has no comment", row_text(rows, i, "name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statement_can_be_prepared),
        cmocka_unit_test(a_typing_error_stops_the_start),
        cmocka_unit_test(values_of_every_type_come_back_as_they_went),
        cmocka_unit_test(arrays_carry_a_whole_turn),
        cmocka_unit_test(refusals_of_functions_say_what_and_what_to_do),
        cmocka_unit_test(a_broken_transaction_does_not_commit),
        cmocka_unit_test(writes_are_sent_along_in_order_and_the_commit_tells_what_went_wrong),
        cmocka_unit_test(a_lost_connection_is_recognised_and_comes_back),
        cmocka_unit_test(a_connection_that_the_server_ends_is_recognised),
        cmocka_unit_test(a_host_that_does_not_answer_holds_nobody_up),
        cmocka_unit_test(a_connection_string_that_is_none_is_refused_for_good),
        cmocka_unit_test(something_else_can_go_on_while_a_commit_waits),
        cmocka_unit_test(a_statement_that_commits_by_itself_is_given_up_too),
        cmocka_unit_test(a_commit_that_waits_for_its_standby_is_given_up_with_unknown_outcome),
        cmocka_unit_test(a_commit_whose_wait_for_the_standby_is_cancelled_has_an_unknown_outcome),
        cmocka_unit_test(notifications_arrive_and_wake_a_poll),
        cmocka_unit_test(servers_that_migrate_at_once_wait_for_each_other),
        cmocka_unit_test(an_old_schema_is_refused_with_the_remedy),
        cmocka_unit_test(a_change_that_was_passed_over_is_applied),
        cmocka_unit_test(a_change_that_waits_for_a_lock_gives_up_and_says_who_holds_it),
        cmocka_unit_test(each_role_may_do_its_own_and_no_more),
        cmocka_unit_test(a_secret_is_read_only_after_the_audit_says_so),
        cmocka_unit_test(everything_an_operator_sees_has_a_comment),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
