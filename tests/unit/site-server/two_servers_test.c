/* Design 1: several site servers share one database, and no computer gets two jobs at once. */
#include "tests/unit/unit_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/device.h"
#include "jobs/dispatcher.h"
#include "jobs/lease.h"
#include "jobs/renewal.h"
#include "jobs/result.h"
#include "jobs/service_point.h"
#include "statement.h"
#include "tests/unit/site-server/fresh_database.h"

#define SERVERS   3
#define COMPUTERS 600
#define BATCH     100

static struct fresh_database fresh;
static char *key_file;
static atomic_uint finished_jobs;

static const struct job_settings settings = {
    .lease_s = 900, .deadline_s = 600, .attempts = 3, .retry_delay_s = 60, .retry_delay_max_s = 3600
};
static const struct root_hash our_root = { .algorithm = 2, .length = 32, .hash = { 0xAB } };

struct server {
    const char *instance; /* NULL: the only one */
    struct database *database;
    struct vault *vault;
    struct lane turn;
    int64_t point;
    unsigned number, conflicts;
    struct error err;
};

/* As a superuser: what an administrator does. */
static bool administer(const char *text, struct error *err)
{
    struct database_options options = { .url = fresh_database_url(&fresh), .program = "test" };
    AUTO(database_close) struct database *database = NULL;

    return database_open(&database, &options, err) &&
           database_run_script(database, &(struct sql_text){ "administer", text }, err);
}

/* With the rights of a site server and no others. */
static bool open_server(struct server *server)
{
    AUTO(text_free) char *url = fresh_database_server_url(&fresh);
    struct database_options options = { .url = url,
                                        .program = "test",
                                        .instance = server->instance,
                                        .statements = statement_texts,
                                        .statement_count = STATEMENT_COUNT };
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
    lane_clear(&server->turn);
}

/* All servers hear the same computers, in different orders. */
static bool say_hellos(struct server *server, unsigned first)
{
    struct strangers strangers = { 0 };
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
    if (!device_hellos(server->database, &hello_settings, &strangers, hellos, BATCH, verdicts, &server->err))
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

    return job_dispatch(server->database, server->vault, &settings, &server->turn, &point, 1, offers,
                        &server->err);
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

/* What each of the servers does at the same time; *count is how often it did it. */
typedef bool chore_function(struct server *server, size_t *count);

struct chore_run {
    struct server server;
    chore_function *run;
    size_t count;
    bool failed;
};

static void *run_chore(void *context)
{
    struct chore_run *run = context;
    size_t count = 1;

    while (count && !run->failed) {
        count = 0;
        if (database_begin(run->server.database, &run->server.err) && run->run(&run->server, &count) &&
            database_commit(run->server.database, &run->server.err))
            run->count += count;
        else
            run->failed = !turn_again(&run->server);
    }
    return NULL;
}

/* How often all of them together did it. */
static size_t all_run(chore_function *chore)
{
    struct chore_run runs[SERVERS] = { 0 };
    pthread_t threads[SERVERS];
    size_t count = 0;

    for (unsigned i = 0; i < SERVERS; i++) {
        runs[i].server.number = i;
        runs[i].run = chore;
        if (!open_server(&runs[i].server))
            fail_msg("%s", runs[i].server.err.message);
    }
    for (unsigned i = 0; i < SERVERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_chore, &runs[i]), 0);
    for (unsigned i = 0; i < SERVERS; i++) {
        pthread_join(threads[i], NULL);
        if (runs[i].failed)
            fail_msg("server %u: %s", i, runs[i].server.err.message);
        count += runs[i].count;
        close_server(&runs[i].server);
    }
    return count;
}

static bool renew(struct server *server, size_t *count)
{
    bool more;

    return renewal_request(server->database, count, &more, &server->err);
}

static bool reap(struct server *server, size_t *count)
{
    return lease_reap(server->database, &settings, count, &server->err);
}

static void each_certificate_that_ends_is_renewed_by_one_job(void **state)
{
    struct error err;

    (void)state;
    if (!administer(
            "INSERT INTO amt_store.authority (fingerprint, subject, serial, certificate, key_id, nonce, "
            "ciphertext,"
            " state, not_before, not_after, created_by) VALUES (repeat('a', 64), 'CN=a', '1', '', 'k',"
            " decode(repeat('00', 12), 'hex'), decode(repeat('00', 16), 'hex'), 'active', now(), now(), "
            "'test');"
            "INSERT INTO amt_store.certificate (uuid, job, attempt, authority, serial, fqdn, key_fingerprint,"
            " fingerprint, certificate, state, not_before, not_after, renew_at, usage)"
            " SELECT j.uuid, j.id, 1, repeat('a', 64), j.id::text, 'pc', int8send(j.id), j.id::text, "
            "int8send(j.id),"
            " 'active', now(), now(), now(), 'server' FROM amt_store.job j",
            &err))
        fail_msg("%s", err.message);
    assert_int_equal(all_run(renew), COMPUTERS);
}

static void each_lease_that_is_over_is_taken_back_once(void **state)
{
    struct server server = { 0 };
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err;

    (void)state;
    if (!administer("UPDATE amt_store.job SET state = 'leased', attempt = 1, service_point = 1,"
                    " leased_until = now() - interval '1 second' WHERE state = 'waiting';"
                    "INSERT INTO amt_store.job_attempt (job, attempt, service_point, accepted_at)"
                    " SELECT id, 1, 1, now() FROM amt_store.job WHERE state = 'leased'",
                    &err))
        fail_msg("%s", err.message);
    assert_int_equal(all_run(reap), COMPUTERS);
    assert_true(open_server(&server));
    assert_true(database_run_once(
        server.database,
        &(struct sql_text){ "check",
                            "SELECT count(*) AS waiting, max(failures)::bigint AS failures FROM amt.job"
                            " WHERE state = 'waiting'" },
        NULL, &rows, &err));
    assert_int_equal(row_number(rows, 0, "waiting"), COMPUTERS);
    assert_int_equal(row_number(rows, 0, "failures"), 1);
    close_server(&server);
}

static bool register_as(struct server *server, uint64_t process, uint64_t session)
{
    struct message_register said = { .name = (char *)"mover",
                                     .software_version = (char *)"1",
                                     .slots = 9,
                                     .free = 9,
                                     .process = process,
                                     .session = session };
    AUTO(text_free) char *name = NULL;

    return service_point_register(server->database, "9999999999999999999999999999999999999999", NULL, &said,
                                  3600, &server->point, &name, &server->err);
}

static void a_service_point_belongs_to_the_site_server_of_its_latest_session(void **state)
{
    struct server one = { .number = 0, .instance = "11111111-1111-4111-8111-111111111111" };
    struct server other = { .number = 1, .instance = "22222222-2222-4222-8222-222222222222" };
    struct job_offers offers = { 0 };

    (void)state;
    assert_true(open_server(&one));
    assert_true(open_server(&other));
    assert_true(administer("SELECT amt.service_point_approve('9999999999999999999999999999999999999999');"
                           "UPDATE amt_store.job SET not_before = now() WHERE state = 'waiting'",
                           &one.err));
    assert_true(register_as(&one, 7, 1));
    assert_true(register_as(&other, 7, 2));
    assert_false(register_as(&one, 7, 1)); /* it was on its way for long */
    assert_int_equal(one.err.code, ERROR_REFUSED);
    assert_true(database_begin(one.database, &one.err));
    assert_true(dispatch(&one, &offers));
    assert_int_equal(offers.count, 0);
    job_offers_clear(&offers);
    database_rollback(one.database);
    assert_true(database_begin(other.database, &other.err));
    assert_true(dispatch(&other, &offers));
    assert_true(offers.count > 0);
    job_offers_clear(&offers);
    database_rollback(other.database);
    assert_true(register_as(&one, 8, 1)); /* another process of it: it was started anew */
    close_server(&one);
    close_server(&other);
}

/* Spec 6.1: a password that was just handed out is not forgotten with its computer. */
#define REMOVED "01000000-0000-0000-0000-000000000001"

struct removal {
    struct error err;
    bool removed;
};

static void *remove_computer(void *argument)
{
    struct removal *removal = argument;

    removal->removed = administer("SELECT amt.remove_computer('" REMOVED "')", &removal->err);
    return NULL;
}

/* Whether somebody waits for a lock of another's. */
static bool somebody_waits(void)
{
    struct error err;

    return !administer("DO $$ BEGIN IF EXISTS (SELECT FROM pg_locks WHERE NOT granted) THEN"
                       " RAISE EXCEPTION 'yes'; END IF; END $$",
                       &err);
}

static void a_computer_whose_job_is_being_handed_out_is_not_removed(void **state)
{
    struct server server = { .number = 0 };
    struct removal removal = { 0 };
    struct error err;
    pthread_t thread;

    (void)state;
    assert_true(open_server(&server));
    if (!administer("DELETE FROM amt_store.certificate;"
                    "DELETE FROM amt_store.secret WHERE uuid = '" REMOVED "';"
                    "UPDATE amt_store.computer SET provisioned_at = NULL WHERE uuid = '" REMOVED "';"
                    "UPDATE amt_store.job SET state = 'waiting', leased_until = NULL"
                    " WHERE uuid = '" REMOVED "' AND state IN ('waiting', 'leased')",
                    &err))
        fail_msg("%s", err.message);
    assert_true(database_begin(server.database, &err));
    assert_true(database_run_script(
        server.database,
        &(struct sql_text){ "lease", "UPDATE amt_store.job SET state = 'leased', attempt = "
                                     "attempt + 1, service_point = 1, leased_until = now()"
                                     " WHERE uuid = '" REMOVED "' AND state = 'waiting'" },
        &err));
    assert_int_equal(pthread_create(&thread, NULL, remove_computer, &removal), 0);
    while (!somebody_waits())
        usleep(1000);
    assert_true(database_commit(server.database, &err));
    pthread_join(thread, NULL);
    assert_false(removal.removed);
    assert_non_null(strstr(removal.err.message, "is at work on computer"));
    close_server(&server);
}

static int start(void **state)
{
    struct error err = { 0 };

    (void)state;
    if (fresh_database_start(&fresh, &err)) {
        key_file = fresh_database_path(&fresh, "secret.keys");
        if (vault_key_create(key_file, &err))
            return 0;
    }
    print_error("%s\n", err.message);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    fresh_database_stop(&fresh);
    text_free(&key_file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_computer_is_provisioned_once_by_one_of_them),
        cmocka_unit_test(each_certificate_that_ends_is_renewed_by_one_job),
        cmocka_unit_test(each_lease_that_is_over_is_taken_back_once),
        cmocka_unit_test(a_service_point_belongs_to_the_site_server_of_its_latest_session),
        cmocka_unit_test(a_computer_whose_job_is_being_handed_out_is_not_removed),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
