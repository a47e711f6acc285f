/* A turn with a real database and real CURVE clients (design 1, spec 11: message on the queue, database
 * gone). */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/clock.h"
#include "database/schema_change.h"
#include "jobs/service_point.h"
#include "queue/known_computers.h"
#include "queue/offering.h"
#include "queue/turn.h"
#include "statement.h"
#include "support/postgres.h"
#include "support/sql.h"

#define PATIENCE_MS 20000
#define BATCH       64
#define SLOTS       8
#define KNOWN       "4c4c4544-1000-4d10-8064-000000000001"
#define UNKNOWN     "4c4c4544-1000-4d10-8064-00000000ffff"

struct peer { /* a service point of the test's own */
    struct curve_key_pair keys;
    void *socket;
};

static struct {
    char directory[64];
    struct postgres *postgres;
    struct sql *sql;
    void *context; /* of the clients */

    struct site_settings settings;
    struct roster roster;
    struct counters counters;
    struct site site;
    struct vault *vault;
    struct curve_key_pair keys;
    struct endpoint *endpoint;
    struct gatekeeper *gatekeeper;
    struct turn *turn;
    struct peer one, other;
} world;

/* ---- the site ---- */

static void must(bool done, const struct error *err)
{
    if (!done)
        fail_msg("%s", err->message);
}

static char *path_of(const char *name)
{
    return text_format("%s/%s", world.directory, name);
}

static void run_sql(const char *query)
{
    AUTO(text_free) char *value = NULL;
    struct error err = { 0 };

    must(sql_text(world.sql, &value, &err, query, NULL), &err);
}

static void expect_sql(const char *query, const char *expected)
{
    AUTO(text_free) char *value = NULL;
    struct error err = { 0 };

    must(sql_text(world.sql, &value, &err, query, NULL), &err);
    assert_string_equal(value, expected);
}

static void load_keys(void)
{
    AUTO(approved_points_clear) struct approved_points points = { 0 };
    const char *keys[8];
    struct error err = { 0 };

    must(service_point_approved(world.site.database, &points, &err), &err);
    assert_true(points.count <= COUNT_OF(keys));
    for (size_t i = 0; i < points.count; i++)
        keys[i] = points.items[i].key;
    gatekeeper_approve(world.gatekeeper, keys, points.count);
}

static void open_peer(struct peer *peer, const char *name)
{
    AUTO(text_free) char *value = NULL;
    int no_linger = 0, patience_ms = PATIENCE_MS;
    struct error err = { 0 };

    must(endpoint_make_keys(&peer->keys, &err), &err);
    must(sql_text(world.sql, &value, &err, "SELECT amt.service_point_approve($1, $2)", peer->keys.public_key,
                  name, NULL),
         &err);
    load_keys();
    peer->socket = zmq_socket(world.context, ZMQ_DEALER);
    zmq_setsockopt(peer->socket, ZMQ_LINGER, &no_linger, sizeof(no_linger));
    zmq_setsockopt(peer->socket, ZMQ_SNDTIMEO, &patience_ms, sizeof(patience_ms));
    zmq_setsockopt(peer->socket, ZMQ_CURVE_SERVERKEY, world.keys.public_key, CURVE_KEY_SIZE);
    zmq_setsockopt(peer->socket, ZMQ_CURVE_PUBLICKEY, peer->keys.public_key, CURVE_KEY_SIZE);
    zmq_setsockopt(peer->socket, ZMQ_CURVE_SECRETKEY, secret_reveal(peer->keys.secret_key), CURVE_KEY_SIZE);
    assert_int_equal(zmq_connect(peer->socket, endpoint_address(world.endpoint)), 0);
}

static void close_peer(struct peer *peer)
{
    if (peer->socket)
        zmq_close(peer->socket);
    curve_key_clear(&peer->keys);
    memset(peer, 0, sizeof(*peer));
}

static int start_cluster(void **state)
{
    AUTO(text_free) char *cluster = NULL;
    AUTO(text_free) char *key_file = NULL;
    unsigned applied;
    struct error err = { 0 };

    (void)state;
    strcpy(world.directory, "/tmp/turn_test.XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    assert_int_equal(chmod(world.directory, 0755), 0); /* PostgreSQL runs as another user */
    cluster = path_of("postgres");
    key_file = path_of("secret.keys");
    must(postgres_start(&world.postgres, cluster, &err), &err);
    must(schema_migrate(postgres_url(world.postgres), &applied, &err), &err);
    must(sql_open(&world.sql, postgres_url(world.postgres), &err), &err);
    must(vault_key_create(key_file, &err) && vault_load(&world.vault, key_file, &err), &err);
    world.context = zmq_ctx_new();
    return 0;
}

static int stop_cluster(void **state)
{
    AUTO(text_free) char *remove = text_format("rm -rf %s", world.directory);

    (void)state;
    zmq_ctx_term(world.context);
    vault_free(&world.vault);
    sql_close(&world.sql);
    postgres_stop(&world.postgres);
    return system(remove);
}

static int open_site(void **state)
{
    const struct endpoint_options options = { .address = "tcp://127.0.0.1:*",
                                              .keys = &world.keys,
                                              .high_water_mark = 100 };
    struct door door;
    const struct database_options database = { .url = postgres_url(world.postgres),
                                               .program = "turn_test",
                                               .statements = statement_texts,
                                               .statement_count = STATEMENT_COUNT,
                                               .channels = CHANNEL_JOB };
    struct error err = { 0 };

    (void)state;
    memset(&world.counters, 0, sizeof(world.counters));
    world.settings = (struct site_settings){
        .name = "test",
        .heartbeat_s = 15,
        .job = { .lease_s = 900,
                 .deadline_s = 600,
                 .attempts = 5,
                 .retry_delay_s = 60,
                 .retry_delay_max_s = 3600 },
        .hello = { .quiet_s = 300, .unknown_max = 100 },
        .certificate = { .lifetime_s = 86400 * 365, .renew_before_s = 86400 },
    };
    world.site =
        (struct site){ .settings = &world.settings, .roster = &world.roster, .counters = &world.counters };
    must(database_open(&world.site.database, &database, &err), &err);
    must(endpoint_make_keys(&world.keys, &err) && endpoint_prepare(&world.endpoint, &err) &&
             gatekeeper_open(&world.gatekeeper, endpoint_context(world.endpoint), &err) &&
             endpoint_listen(world.endpoint, &options, &err),
         &err);
    door = service_point_door(world.gatekeeper);
    world.turn = turn_new(BATCH, &service_point_dialogue, &door);
    run_sql("SELECT amt.import_computer('" KNOWN "', 'pc1', 'pc1.example.com')");
    open_peer(&world.one, "one");
    open_peer(&world.other, "other");
    return 0;
}

static int close_site(void **state)
{
    (void)state;
    close_peer(&world.one);
    close_peer(&world.other);
    turn_free(&world.turn);
    gatekeeper_close(&world.gatekeeper);
    endpoint_close(&world.endpoint);
    curve_key_clear(&world.keys);
    roster_clear(&world.roster);
    database_close(&world.site.database);
    run_sql("SET client_min_messages = warning");
    run_sql("TRUNCATE amt_store.computer, amt_store.service_point, amt_store.unknown_hello CASCADE");
    return 0;
}

/* ---- the dialogue ---- */

static void say(struct peer *peer, const struct message *message)
{
    struct bytes bytes = { 0 };

    message_write(message, &bytes);
    assert_int_equal(zmq_send(peer->socket, bytes.data, bytes.length, 0), bytes.length);
    message_bytes_free(&bytes);
}

static void wait_a_round(void)
{
    struct watch watches[3];
    struct error err = { 0 };

    endpoint_watch(world.endpoint, &watches[0], &watches[1]);
    gatekeeper_watch(world.gatekeeper, &watches[2]);
    must(watch_wait(watches, 3, 50, &err) && gatekeeper_answer(world.gatekeeper, clock_monotonic_ms(), &err),
         &err);
}

/* Takes in what has arrived until so many messages are held. */
static void collect(size_t count)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    struct error err = { 0 };

    while (turn_held(world.turn) < count && clock_monotonic_ms() < end_ms) {
        wait_a_round();
        must(turn_collect(world.turn, world.endpoint, &world.site, &err), &err);
    }
    assert_int_equal(turn_held(world.turn), count);
}

static void run_turn(void)
{
    struct error err = { 0 };

    must(turn_run(world.turn, world.endpoint, &world.site, &err), &err);
    assert_int_equal(turn_held(world.turn), 0);
}

/* The next message for this peer; the caller ends it with message_free(). */
static struct message hear(struct peer *peer)
{
    AUTO(bytes_free) struct bytes bytes = { 0 };
    struct envelope envelope = { 0 };
    struct message message = { 0 };
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    char buffer[65536];
    struct error err = { 0 };
    int length = -1;

    while (length < 0 && clock_monotonic_ms() < end_ms) {
        length = zmq_recv(peer->socket, buffer, sizeof(buffer), ZMQ_DONTWAIT);
        if (length < 0)
            wait_a_round();
    }
    assert_true(length > 0);
    must(envelope_read(buffer, (size_t)length, &envelope, &err) && message_read(&envelope, &message, &err),
         &err);
    envelope_free(&envelope);
    return message;
}

static void expect_refusal(struct peer *peer, enum reason_code reason)
{
    struct message message = hear(peer);

    assert_int_equal(message.kind, MESSAGE_REFUSED);
    assert_int_equal(message.refused.reason, reason);
    message_free(&message);
}

/* What the computers of this test trust, and where the service points' certificates come from. */
static struct root_hash root = { .algorithm = 2, .length = 32, .hash = { 0x5e } };

static struct message registration(char *name)
{
    static char subject[] = "CN=provisioning.example.com", root_subject[] = "CN=Root";
    static struct provisioning_certificate_info certificate = { .subject = subject,
                                                                .root_subject = root_subject,
                                                                .root_hash_count = 1 };
    struct message message = { .kind = MESSAGE_REGISTER, .correlation = 1 };
    static char version[] = "0";

    message.reg.name = name;
    message.reg.software_version = version;
    message.reg.slots = message.reg.free = SLOTS;
    certificate.root_hashes[0] = root;
    message.reg.certificates = &certificate;
    message.reg.certificate_count = 1;
    return message;
}

static void enter(struct peer *peer, char *name)
{
    struct message message = registration(name), welcome;

    say(peer, &message);
    collect(1);
    run_turn();
    welcome = hear(peer);
    assert_int_equal(welcome.kind, MESSAGE_WELCOME);
    assert_int_equal(welcome.correlation, 1);
    assert_string_equal(welcome.welcome.site, "test");
    message_free(&welcome);
}

static char name_one[] = "one", name_other[] = "other";

static struct message hello_of(const char *uuid, uint64_t correlation)
{
    static char address[] = "192.0.2.7";
    struct message message = { .kind = MESSAGE_HELLO_SEEN, .correlation = correlation };

    assert_true(uuid_parse(uuid, &message.hello_seen.uuid));
    message.hello_seen.address = address;
    message.hello_seen.root_hashes = &root;
    message.hello_seen.root_hash_count = 1;
    message.hello_seen.seen_at_ms = clock_wall_ms();
    return message;
}

static void expect_verdict(struct peer *peer, uint64_t correlation, bool offered, enum reason_code reason)
{
    struct message message = hear(peer);

    assert_int_equal(message.kind, MESSAGE_HELLO_VERDICT);
    assert_int_equal(message.correlation, correlation);
    assert_int_equal(message.hello_verdict.offered, offered);
    assert_int_equal(message.hello_verdict.reason, reason);
    message_free(&message);
}

/* ---- tests ---- */

static void a_hello_is_answered_once_it_is_committed(void **state)
{
    struct message unknown = hello_of(UNKNOWN, 5), known = hello_of(KNOWN, 6);

    (void)state;
    enter(&world.one, name_one);
    say(&world.one, &unknown);
    say(&world.one, &known);
    collect(2);
    expect_sql("SELECT count(*) FROM amt.unknown_hello", "0");
    run_turn();
    expect_sql("SELECT count(*) FROM amt.unknown_hello", "1");
    expect_sql("SELECT state FROM amt.job", "waiting");
    expect_verdict(&world.one, 5, false, REASON_UNKNOWN_COMPUTER);
    expect_verdict(&world.one, 6, true, REASON_NONE);
    assert_true(world.site.work_waiting);
    assert_int_equal(world.counters.turns_replayed, 0);
}

static void nothing_is_done_for_one_that_did_not_register(void **state)
{
    struct message unknown = hello_of(UNKNOWN, 5);

    (void)state;
    say(&world.one, &unknown);
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
         !world.counters.refused[REFUSAL_NOT_REGISTERED] && clock_monotonic_ms() < end_ms;) {
        struct error err = { 0 };

        wait_a_round();
        must(turn_collect(world.turn, world.endpoint, &world.site, &err), &err);
    }
    assert_int_equal(turn_held(world.turn), 0);
    expect_refusal(&world.one, REASON_NOT_REGISTERED);
    expect_sql("SELECT count(*) FROM amt.unknown_hello", "0");
}

/* Design 1: a batch that fails is replayed message by message, so that a bad one fails alone. */
static void one_bad_message_fails_alone(void **state)
{
    static char poison[] = "poison";
    struct message good = hello_of(UNKNOWN, 5), bad = registration(poison);

    (void)state;
    enter(&world.one, name_one);
    run_sql("ALTER TABLE amt_store.service_point ADD CONSTRAINT poison CHECK (said_name <> 'poison')");
    say(&world.one, &good);
    say(&world.other, &bad);
    collect(2);
    run_turn();
    assert_int_equal(world.counters.turns_replayed, 1);
    assert_int_equal(world.counters.refused[REFUSAL_FAILED], 1);
    expect_verdict(&world.one, 5, false, REASON_UNKNOWN_COMPUTER);
    expect_refusal(&world.other, REASON_INTERNAL);
    run_sql("ALTER TABLE amt_store.service_point DROP CONSTRAINT poison");
    expect_sql("SELECT count(*) FROM amt.unknown_hello", "1");
    assert_null(roster_find(&world.roster, world.other.keys.public_key));
}

static void what_the_database_refuses_is_refused_without_a_replay(void **state)
{
    struct message good = hello_of(UNKNOWN, 5), bad = registration(name_other);
    char *subnets[] = { (char[]){ "not a subnet" } };

    (void)state;
    enter(&world.one, name_one);
    bad.reg.subnets = subnets;
    bad.reg.subnet_count = 1;
    say(&world.one, &good);
    say(&world.other, &bad);
    collect(2);
    run_turn();
    assert_int_equal(world.counters.turns_replayed, 0);
    assert_int_equal(world.counters.refused[REFUSAL_FAILED], 1);
    expect_verdict(&world.one, 5, false, REASON_UNKNOWN_COMPUTER);
    expect_refusal(&world.other, REASON_MESSAGE_REFUSED);
    assert_null(roster_find(&world.roster, world.other.keys.public_key));
}

static void garbage_is_answered_and_costs_no_turn(void **state)
{
    struct error err = { 0 };

    (void)state;
    zmq_send(world.one.socket, "\xff\xff\xff\xff", 4, 0);
    zmq_send(world.one.socket, "", 0, 0);
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
         world.counters.refused[REFUSAL_ENVELOPE] + world.counters.refused[REFUSAL_SIZE] < 2 &&
         clock_monotonic_ms() < end_ms;) {
        wait_a_round();
        must(turn_collect(world.turn, world.endpoint, &world.site, &err), &err);
    }
    expect_refusal(&world.one, REASON_MESSAGE_REFUSED);
    expect_refusal(&world.one, REASON_MESSAGE_REFUSED);
    run_turn();
    assert_int_equal(world.counters.turns, 0);
}

/* Spec 11: database gone. */
static void messages_are_held_while_the_database_is_away_and_answered_when_it_is_back(void **state)
{
    struct message unknown = hello_of(UNKNOWN, 5), late = hello_of(UNKNOWN, 6);
    struct error err = { 0 };

    (void)state;
    enter(&world.one, name_one);
    say(&world.one, &unknown);
    collect(1);
    must(postgres_halt(world.postgres, &err), &err);
    assert_false(turn_run(world.turn, world.endpoint, &world.site, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_false(database_connected(world.site.database));
    assert_int_equal(turn_held(world.turn), 1);
    say(&world.one, &late); /* stays in the queue */
    must(turn_collect(world.turn, world.endpoint, &world.site, &err), &err);
    assert_int_equal(turn_held(world.turn), 1);

    must(postgres_resume(world.postgres, &err), &err);
    must(database_reconnect(world.site.database, &err), &err);
    run_turn();
    expect_verdict(&world.one, 5, false, REASON_UNKNOWN_COMPUTER);
    collect(1);
    run_turn();
    expect_verdict(&world.one, 6, false, REASON_UNKNOWN_COMPUTER);
    expect_sql("SELECT count FROM amt.unknown_hello", "2");
}

static void the_connection_of_a_removed_key_gets_nothing_more_done(void **state)
{
    struct message unknown = hello_of(UNKNOWN, 5);

    (void)state;
    enter(&world.one, name_one);
    say(&world.one, &unknown);
    collect(1);
    run_sql("SELECT amt.service_point_remove('one')");
    load_keys();
    turn_review(world.turn, world.endpoint, world.gatekeeper, &world.site);
    assert_int_equal(turn_held(world.turn), 0);
    expect_refusal(&world.one, REASON_MESSAGE_REFUSED);
    expect_sql("SELECT count(*) FROM amt.unknown_hello", "0");
}

/* Leases the job of the known computer to the one service point that is there. */
static struct message take_offer(struct peer *peer)
{
    struct offering offering = { .site = &world.site, .vault = world.vault, .endpoint = world.endpoint };
    struct message known = hello_of(KNOWN, 6), offer;
    int64_t due_ms;
    bool more;
    struct error err = { 0 };

    say(peer, &known);
    collect(1);
    run_turn();
    expect_verdict(peer, 6, true, REASON_NONE);
    assert_true(offering_useful(&world.site, clock_monotonic_ms()));
    must(offering_make(&offering, clock_monotonic_ms(), &due_ms, &more, &err), &err);
    offering_clear(&offering);
    expect_sql("SELECT state FROM amt.job", "leased");
    expect_sql("SELECT count(*) FROM amt.secret_status WHERE kind = 'admin' AND state = 'pending'", "1");
    offer = hear(peer);
    assert_int_equal(offer.kind, MESSAGE_JOB_OFFER);
    return offer;
}

static void an_offer_goes_to_the_service_point_that_is_there_and_takes_a_slot(void **state)
{
    struct message offer;

    (void)state;
    enter(&world.one, name_one);
    offer = take_offer(&world.one);
    assert_string_equal(offer.job_offer.host_name, "pc1");
    assert_int_equal(offer.job_offer.id.attempt, 1);
    assert_int_equal(roster_find(&world.roster, world.one.keys.public_key)->free, SLOTS - 1);
    message_free(&offer);
}

static struct message result_of(struct attempt_id id, uint64_t correlation)
{
    struct message message = { .kind = MESSAGE_JOB_FINISHED, .correlation = correlation };
    static char text[] = "the computer does not answer";

    message.job_finished.id = id;
    message.job_finished.reason = REASON_UNREACHABLE;
    message.job_finished.text = text;
    message.job_finished.admin_password = message.job_finished.mebx_password = PASSWORD_UNTOUCHED;
    return message;
}

static void expect_closed(struct peer *peer, uint64_t correlation, bool accepted)
{
    struct message message = hear(peer);

    assert_int_equal(message.kind, MESSAGE_JOB_CLOSED);
    assert_int_equal(message.correlation, correlation);
    assert_int_equal(message.job_closed.accepted, accepted);
    message_free(&message);
}

static void a_result_counts_only_from_the_service_point_that_holds_the_lease(void **state)
{
    struct message offer, result;

    (void)state;
    enter(&world.one, name_one);
    offer = take_offer(&world.one);
    enter(&world.other, name_other);
    result = result_of(offer.job_offer.id, 11);
    say(&world.other, &result);
    collect(1);
    run_turn();
    expect_closed(&world.other, 11, false);
    expect_sql("SELECT state FROM amt.job", "leased");
    message_free(&offer);
}

static void a_result_that_is_repeated_is_acknowledged_again(void **state)
{
    struct message offer, result;

    (void)state;
    enter(&world.one, name_one);
    offer = take_offer(&world.one);
    result = result_of(offer.job_offer.id, 11);
    say(&world.one, &result);
    result.correlation = 12;
    say(&world.one, &result);
    collect(2);
    run_turn();
    expect_closed(&world.one, 11, true);
    expect_closed(&world.one, 12, true);
    expect_sql("SELECT state || ' ' || reason_code FROM amt.job", "waiting unreachable");
    message_free(&offer);
}

/* Only a new connection may be a new process that runs nothing. */
static void registering_again_over_the_same_connection_takes_no_lease_back(void **state)
{
    struct message offer;

    (void)state;
    enter(&world.one, name_one);
    offer = take_offer(&world.one);
    enter(&world.one, name_one);
    expect_sql("SELECT state FROM amt.job", "leased");
    message_free(&offer);
    zmq_disconnect(world.one.socket, endpoint_address(world.endpoint));
    zmq_connect(world.one.socket, endpoint_address(world.endpoint));
    enter(&world.one, name_one);
    expect_sql("SELECT state FROM amt.job", "waiting");
}

/* By the WELCOME that it hears next. */
static void expect_told(struct peer *peer, bool asked, bool known, bool imported)
{
    AUTO(known_set_reader_free) struct known_set_reader *reader = NULL;
    struct message welcome = hear(peer);
    struct uuid uuid;

    assert_int_equal(welcome.kind, MESSAGE_WELCOME);
    assert_int_equal(welcome.correlation != 0, asked);
    reader = known_set_reader_new(&welcome.welcome.known);
    assert_true(uuid_parse(KNOWN, &uuid));
    assert_int_equal(known_set_recognises(reader, &uuid), known);
    assert_true(uuid_parse(UNKNOWN, &uuid));
    assert_int_equal(known_set_recognises(reader, &uuid), imported);
    message_free(&welcome);
}

static void run_known_computers(struct known_computers *known, int64_t now_ms)
{
    struct error err = { 0 };

    must(known_computers_run(known, &world.site, world.endpoint, now_ms, &err), &err);
}

static void register_as(struct peer *peer, char *name, bool hears_known)
{
    struct message message = registration(name);

    message.reg.hears_known = hears_known;
    say(peer, &message);
    collect(1);
    run_turn();
}

static void service_points_hear_which_computers_are_known_whenever_that_changes(void **state)
{
    AUTO(known_computers_clear) struct known_computers known = { 0 };
    int64_t now_ms = clock_monotonic_ms();

    (void)state;
    assert_int_equal(known_computers_due_ms(&known), INT64_MAX);
    known_computers_changed(&known);
    run_known_computers(&known, now_ms);
    register_as(&world.one, name_one, true);
    expect_told(&world.one, true, true, false);
    register_as(&world.other, name_other, false); /* of a former version */
    expect_told(&world.other, true, true, false);
    run_sql("SELECT amt.import_computer('" UNKNOWN "', 'pc2', 'pc2.example.com')");
    known_computers_changed(&known);
    run_known_computers(&known, now_ms); /* too soon */
    assert_true(known_computers_due_ms(&known) > now_ms);
    run_known_computers(&known, known_computers_due_ms(&known));
    assert_int_equal(known_computers_due_ms(&known), INT64_MAX);
    expect_told(&world.one, false, true, true);
    register_as(&world.other, name_other, false);
    expect_told(&world.other, true, true, true); /* its next word is that WELCOME */
    world.site.known = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hello_is_answered_once_it_is_committed, open_site, close_site),
        cmocka_unit_test_setup_teardown(service_points_hear_which_computers_are_known_whenever_that_changes,
                                        open_site, close_site),
        cmocka_unit_test_setup_teardown(nothing_is_done_for_one_that_did_not_register, open_site, close_site),
        cmocka_unit_test_setup_teardown(one_bad_message_fails_alone, open_site, close_site),
        cmocka_unit_test_setup_teardown(what_the_database_refuses_is_refused_without_a_replay, open_site,
                                        close_site),
        cmocka_unit_test_setup_teardown(garbage_is_answered_and_costs_no_turn, open_site, close_site),
        cmocka_unit_test_setup_teardown(
            messages_are_held_while_the_database_is_away_and_answered_when_it_is_back, open_site, close_site),
        cmocka_unit_test_setup_teardown(the_connection_of_a_removed_key_gets_nothing_more_done, open_site,
                                        close_site),
        cmocka_unit_test_setup_teardown(an_offer_goes_to_the_service_point_that_is_there_and_takes_a_slot,
                                        open_site, close_site),
        cmocka_unit_test_setup_teardown(a_result_counts_only_from_the_service_point_that_holds_the_lease,
                                        open_site, close_site),
        cmocka_unit_test_setup_teardown(a_result_that_is_repeated_is_acknowledged_again, open_site,
                                        close_site),
        cmocka_unit_test_setup_teardown(registering_again_over_the_same_connection_takes_no_lease_back,
                                        open_site, close_site),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
