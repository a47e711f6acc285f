/* Design 1: several site servers share one database, and no computer gets two jobs at once. */
#include "tests/unit/unit_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database/schema_change.h"
#include "devices/device.h"
#include "jobs/dispatcher.h"
#include "jobs/lease.h"
#include "jobs/result.h"
#include "jobs/service_point.h"
#include "statement.h"
#include "support/postgres.h"
#include "support/workplace.h"

#define SERVERS   3
#define COMPUTERS 600
#define BATCH     100

static char directory[] = "/tmp/two_servers_test.XXXXXX";
static struct postgres *postgres;
static char *key_file;
static atomic_uint finished_jobs;

static const struct job_settings settings = {
    .lease_s = 900, .deadline_s = 600, .attempts = 3, .retry_delay_s = 60, .retry_delay_max_s = 3600
};
static const struct root_hash our_root = { .algorithm = 2, .length = 32, .hash = { 0xAB } };

struct server {
    struct database *database;
    struct vault *vault;
    int64_t point;
    unsigned number, conflicts;
    struct error err;
};

/* As a superuser: what an administrator does. */
static bool administer(const char *text, struct error *err)
{
    struct database_options options = { .url = postgres_url(postgres), .program = "test" };
    AUTO(database_close) struct database *database = NULL;

    return database_open(&database, &options, err) &&
           database_run_script(database, &(struct sql_text){ "administer", text }, err);
}

/* With the rights of a site server and no others. */
static bool open_server(struct server *server)
{
    AUTO(text_free)
    char *url =
        text_format("%.*sserver", (int)(strstr(postgres_url(postgres), "user=") + 5 - postgres_url(postgres)),
                    postgres_url(postgres));
    struct database_options options = {
        .url = url, .program = "test", .statements = statement_texts, .statement_count = STATEMENT_COUNT
    };
    struct provisioning_certificate_info certificate = { .subject = (char *)"CN=p",
                                                         .root_subject = (char *)"CN=r",
                                                         .root_hashes = { our_root },
                                                         .root_hash_count = 1 };
    struct message_register said = { .name = (char *)"point",
                                     .software_version = (char *)"1",
                                     .slots = COMPUTERS,
                                     .free = COMPUTERS,
                                     .certificates = &certificate,
                                     .certificate_count = 1 };
    AUTO(text_free) char *text = NULL;
    AUTO(text_free) char *name = NULL;
    char key[41];

    snprintf(key, sizeof(key), "%040u", server->number);
    text = text_format("SELECT amt.service_point_approve('%s')", key);
    return administer(text, &server->err) && database_open(&server->database, &options, &server->err) &&
           vault_load(&server->vault, key_file, &server->err) &&
           service_point_register(server->database, key, NULL, &said, 3600, &server->point, &name,
                                  &server->err);
}

static void close_server(struct server *server)
{
    database_close(&server->database);
    vault_free(&server->vault);
}

/* All servers hear the same computers, in different orders. */
static bool say_hellos(struct server *server, unsigned first)
{
    static const struct hello_settings hello_settings = { .quiet_s = 3600, .unknown_max = 10 };
    struct message_hello_seen seen[BATCH];
    struct message_hello_verdict verdicts[BATCH];
    struct hello hellos[BATCH];

    for (unsigned i = 0; i < BATCH; i++) {
        unsigned number = server->number % 2 ? first + i : first + BATCH - 1 - i;

        seen[i] = (struct message_hello_seen){ .address = (char *)"10.0.0.1",
                                               .root_hashes = (struct root_hash *)&our_root,
                                               .root_hash_count = 1 };
        seen[i].uuid.bytes[0] = 1;
        seen[i].uuid.bytes[14] = (uint8_t)(number >> 8);
        seen[i].uuid.bytes[15] = (uint8_t)number;
        hellos[i] = (struct hello){ server->point, &seen[i] };
    }
    if (!device_hellos(server->database, &hello_settings, hellos, BATCH, verdicts, &server->err))
        return false;
    for (unsigned i = 0; i < BATCH; i++)
        text_free(&verdicts[i].text);
    return true;
}

static bool dispatch(struct server *server, struct job_offers *offers)
{
    struct connected_point point = {
        .id = server->point, .free = 40, .root_hashes = &our_root, .root_hash_count = 1
    };

    return job_dispatch(server->database, server->vault, &settings, &point, 1, offers, &server->err);
}

static bool finish(struct server *server, const struct job_offers *offers)
{
    for (size_t i = 0; i < offers->count; i++) {
        struct message_job_finished finished = { .id = offers->items[i].message.job_offer.id,
                                                 .done = true,
                                                 .admin_password = PASSWORD_SET,
                                                 .mebx_password = PASSWORD_SET };
        struct message_job_closed closed;

        if (!result_finish(server->database, &settings, server->point, &finished, &closed, &server->err))
            return false;
        if (!closed.accepted)
            return error_set(&server->err, ERROR_INTERNAL, "a result was refused: %s", closed.text);
        text_free(&closed.text);
    }
    return true;
}

/* A deadlock between servers is a conflict: the turn is run again. */
static bool turn_again(struct server *server)
{
    database_rollback(server->database);
    server->conflicts++;
    return server->err.code == ERROR_CONFLICT && server->conflicts < 100;
}

static void *serve(void *context)
{
    struct server *server = context;
    unsigned idle = 0;

    for (unsigned turn = 0; idle < 3; turn++) {
        struct job_offers offers = { 0 };
        bool served = database_begin(server->database, &server->err) &&
                      say_hellos(server, turn * BATCH % COMPUTERS) && dispatch(server, &offers) &&
                      finish(server, &offers) && database_commit(server->database, &server->err);

        if (served) {
            finished_jobs += (unsigned)offers.count;
            idle = offers.count || turn < COMPUTERS / BATCH ? 0 : idle + 1;
        }
        job_offers_clear(&offers);
        if (!served && !turn_again(server))
            return server;
    }
    return NULL;
}

static void each_computer_is_provisioned_once_by_one_of_them(void **state)
{
    struct server servers[SERVERS] = { 0 };
    AUTO(rows_free) struct rows *rows = NULL;
    pthread_t threads[SERVERS];
    struct error err;

    (void)state;
    for (unsigned i = 0; i < SERVERS; i++) {
        servers[i].number = i;
        if (!open_server(&servers[i]))
            fail_msg("%s", servers[i].err.message);
    }
    if (!administer(
            "SELECT amt.import_computer(('01000000-0000-0000-0000-' || lpad(to_hex(i), 12, '0'))::uuid,"
            " 'pc' || i, 'pc' || i || '.example.org') FROM generate_series(0, 599) AS i",
            &err))
        fail_msg("%s", err.message);
    for (unsigned i = 0; i < SERVERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, serve, &servers[i]), 0);
    for (unsigned i = 0; i < SERVERS; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        if (failed)
            fail_msg("server %u: %s", i, servers[i].err.message);
    }
    assert_int_equal(finished_jobs, COMPUTERS);
    assert_true(database_run_once(
        servers[0].database,
        &(struct sql_text){
            "check",
            "SELECT count(*) AS jobs, max(attempt) AS attempts, (SELECT count(*) FROM amt.secret_status"
            " WHERE state = 'active' AND kind = 'admin') AS passwords,"
            " (SELECT count(*) FROM amt.computer WHERE amt_status = 3) AS computers"
            " FROM amt.job WHERE state = 'done'" },
        NULL, &rows, &err));
    assert_int_equal(row_number(rows, 0, "jobs"), COMPUTERS);
    assert_int_equal(row_number(rows, 0, "attempts"), 1);
    assert_int_equal(row_number(rows, 0, "passwords"), COMPUTERS);
    assert_int_equal(row_number(rows, 0, "computers"), COMPUTERS);
    for (unsigned i = 0; i < SERVERS; i++)
        close_server(&servers[i]);
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
    key_file = text_format("%s/secret.keys", directory);
    if (postgres_start(&postgres, cluster, &err) && schema_migrate(postgres_url(postgres), &applied, &err) &&
        vault_key_create(key_file, &err) &&
        administer("CREATE ROLE server LOGIN IN ROLE amt_site_server", &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    postgres_stop(&postgres);
    directory_remove(directory);
    text_free(&key_file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_computer_is_provisioned_once_by_one_of_them),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
