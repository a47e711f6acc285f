/*
 * bad_message_test.c - spec 11, second row: what does not belong on the queue is refused before its body is
 * used, counted and logged; a sender that may have an answer gets one.
 */
#include <string.h>

#include "support/expect.h"
#include "support/queue_peer.h"

enum { SILENCE_MS = 1500 };

static void expect_refused(struct queue_peer *peer, enum reason_code reason)
{
    AUTO(message_free) struct message answer = { 0 };
    struct error err = { 0 };

    must(queue_peer_receive(peer, &answer, SITE_WAIT_MS, &err));
    assert_int_equal(answer.kind, MESSAGE_REFUSED);
    if (reason != REASON_NONE)
        assert_string_equal(reason_of(answer.refused.reason)->name, reason_of(reason)->name);
}

static void expect_silence(struct queue_peer *peer)
{
    AUTO(message_free) struct message answer = { 0 };
    struct error err = { 0 };

    assert_false(queue_peer_receive(peer, &answer, SILENCE_MS, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
}

/* The site still answers who may speak. */
static void expect_service_unaffected(struct site *site, const char *name)
{
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_APPROVED, name, &err));
    must(queue_peer_register(peer, 0, &err));
    assert_true(process_running(site->server));
}

static void expect_logged(struct site *site, const char *words)
{
    AUTO(text_free) char *log = NULL;
    struct error err = { 0 };

    must(file_read(site->server_log_path, &log, NULL, &err));
    if (!strstr(log, words))
        fail_msg("%s does not mention \"%s\"", site->server_log_path, words);
}

/* Names the root that queue_peer_register() says it has a certificate of. */
static struct message a_hello(void)
{
    static struct root_hash root;
    struct message message = { .kind = MESSAGE_HELLO_SEEN,
                               .correlation = 7,
                               .hello_seen = { .address = (char *)"127.0.0.9",
                                               .root_hashes = &root,
                                               .root_hash_count = 1,
                                               .seen_at_ms = 1 } };

    root = queue_peer_root();
    assert_true(uuid_parse("5e1d0003-0000-4000-8000-000000000001", &message.hello_seen.uuid));
    return message;
}

static void a_peer_without_curve_gets_no_answer(void **state)
{
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct site *site = *state;
    struct message hello = a_hello();
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_WITHOUT_CURVE, "no-curve", &err));
    must(queue_peer_send(peer, &hello, &err));
    expect_silence(peer);
    expect_logged(site, "not a CURVE handshake");
    expect_service_unaffected(site, "after-no-curve");
}

static void an_unknown_key_is_refused_and_shown_as_pending(void **state)
{
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct site *site = *state;
    struct message hello = a_hello();
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_UNKNOWN, "stranger", &err));
    must(queue_peer_send(peer, &hello, &err));
    expect_sql(site, "pending", "SELECT state FROM amt.service_point WHERE public_key = '%s'",
               queue_peer_key(peer));
    expect_silence(peer);
    expect_sql(site, "0", "SELECT count(*) FROM amt.unknown_hello");
    expect_logged(site, "its key is not approved");
    expect_service_unaffected(site, "after-stranger");
}

/* Approving it lets it in; removing it puts it out, also in an open connection. The news takes the way
 * through PostgreSQL to the site server, so a message may still overtake it. */
static void approval_and_removal_work_at_once(void **state)
{
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    AUTO(message_free) struct message answer = { 0 };
    struct site *site = *state;
    struct message hello = a_hello();
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_UNKNOWN, "candidate", &err));
    expect_sql(site, "pending", "SELECT state FROM amt.service_point WHERE public_key = '%s'",
               queue_peer_key(peer));
    must(site_amtctl(site, NULL, &err, "service-point", "approve", "--name", "candidate", "--",
                     queue_peer_key(peer), NULL));
    must(queue_peer_register(peer, 0, &err));
    must(site_amtctl(site, NULL, &err, "service-point", "remove", "candidate", NULL));
    for (int tries = 0; answer.kind != MESSAGE_REFUSED && tries < 10; tries++) {
        message_free(&answer);
        must(queue_peer_send(peer, &hello, &err));
        if (!queue_peer_receive(peer, &answer, SILENCE_MS, &err))
            return; /* the connection is cut: as good as refused */
    }
    assert_int_equal(answer.kind, MESSAGE_REFUSED);
}

static void bytes_that_are_no_message_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        { "", 0 },                                              /* nothing */
        { "\xff\xff\xff\xff\xff\xff\xff\xff", 8 },              /* no protobuf */
        { "\x08\x01", 2 },                                      /* an envelope that ends too early */
        { "\x08\x63\x10\x01\x18\x05", 6 },                      /* version 99 */
        { "\x08\x01\x10\x63\x18\x05", 6 },                      /* kind 99 */
        { "\x08\x01\x10\x04\x18\x05\x22\x03\xff\xff\xff", 11 }, /* HELLO_SEEN, body no protobuf */
        { "GET / HTTP/1.1\r\n\r\n", 18 },
    };
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct site *site = *state;
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_APPROVED, "garbage", &err));
    must(queue_peer_register(peer, 0, &err));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        must(queue_peer_send_bytes(peer, cases[i].bytes, cases[i].length, &err));
        expect_refused(peer, REASON_NONE);
    }
    expect_logged(site, "refused");
    expect_service_unaffected(site, "after-garbage");
}

static void kinds_that_only_the_site_server_says_are_refused(void **state)
{
    static const enum message_kind kinds[] = { MESSAGE_WELCOME, MESSAGE_HELLO_VERDICT, MESSAGE_JOB_OFFER,
                                               MESSAGE_ACCOUNT, MESSAGE_CERTIFICATE,   MESSAGE_JOB_CLOSED };
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct site *site = *state;
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_APPROVED, "impostor", &err));
    must(queue_peer_register(peer, 0, &err));
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        uint8_t envelope[] = { 0x08, 1, 0x10, (uint8_t)kinds[i], 0x18, 5 };

        must(queue_peer_send_bytes(peer, envelope, sizeof(envelope), &err));
        expect_refused(peer, REASON_MESSAGE_REFUSED);
    }
    expect_service_unaffected(site, "after-impostor");
}

static void who_has_not_registered_is_told_so(void **state)
{
    static const char uuid[] = "5e1d0003-0000-4000-8000-000000000002";
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct site *site = *state;
    struct message hello = a_hello();
    struct error err = { 0 };

    assert_true(uuid_parse(uuid, &hello.hello_seen.uuid));
    must(queue_peer_open(&peer, site, PEER_APPROVED, "hasty", &err));
    must(queue_peer_send(peer, &hello, &err));
    expect_refused(peer, REASON_NOT_REGISTERED);
    expect_sql(site, "0", "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'", uuid);
}

static void a_message_that_is_too_large_never_arrives(void **state)
{
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct site *site = *state;
    size_t length = MESSAGE_MAX_BYTES + 100000;
    unsigned char *bytes = allocate(length);
    AUTO(message_free) struct message answer = { 0 };
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_APPROVED, "bulky", &err));
    must(queue_peer_register(peer, 0, &err));
    memset(bytes, 0x08, length);
    must(queue_peer_send_bytes(peer, bytes, length, &err));
    if (queue_peer_receive(peer, &answer, SILENCE_MS, &err))
        assert_int_equal(answer.kind, MESSAGE_REFUSED);
    memset(bytes, 0, length);
    expect_service_unaffected(site, "after-bulky");
    free(bytes);
}

/* A result about a job that another service point holds. */
static void a_job_of_another_service_point_cannot_be_finished(void **state)
{
    AUTO(queue_peer_close) struct queue_peer *holder = NULL;
    AUTO(queue_peer_close) struct queue_peer *thief = NULL;
    AUTO(message_free) struct message offer = { 0 };
    AUTO(message_free) struct message answer = { 0 };
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    struct message hello = a_hello();

    computer_plan(&computer, site, 1, "14.0");
    must(computers_import(site, &computer, 1, &err));
    must(queue_peer_open(&holder, site, PEER_APPROVED, "holder", &err));
    must(queue_peer_open(&thief, site, PEER_APPROVED, "thief", &err));
    must(queue_peer_register(holder, 5, &err));
    must(queue_peer_register(thief, 0, &err));
    assert_true(uuid_parse(computer.uuid, &hello.hello_seen.uuid));
    must(queue_peer_send(holder, &hello, &err));
    do {
        message_free(&offer);
        must(queue_peer_receive(holder, &offer, SITE_WAIT_MS, &err));
    } while (offer.kind != MESSAGE_JOB_OFFER);

    struct message finished = { .kind = MESSAGE_JOB_FINISHED,
                                .correlation = 9,
                                .job_finished = { .id = offer.job_offer.id,
                                                  .done = true,
                                                  .admin_password = PASSWORD_SET,
                                                  .mebx_password = PASSWORD_UNTOUCHED } };

    must(queue_peer_send(thief, &finished, &err));
    must(queue_peer_receive(thief, &answer, SITE_WAIT_MS, &err));
    assert_true(answer.kind == MESSAGE_REFUSED ||
                (answer.kind == MESSAGE_JOB_CLOSED && !answer.job_closed.accepted));
    expect_sql(site, "leased", "SELECT state FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.secret_status WHERE uuid = '%s' AND state = 'active'",
               computer.uuid);
}

/* Spec 6.1: what is offered was committed before. */
static void the_offered_password_is_in_escrow_before_the_offer(void **state)
{
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    AUTO(message_free) struct message offer = { 0 };
    AUTO(text_free) char *escrowed = NULL;
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    struct message hello = a_hello();

    computer_plan(&computer, site, 2, "14.0");
    must(computers_import(site, &computer, 1, &err));
    must(queue_peer_open(&peer, site, PEER_APPROVED, "early", &err));
    must(queue_peer_register(peer, 5, &err));
    assert_true(uuid_parse(computer.uuid, &hello.hello_seen.uuid));
    must(queue_peer_send(peer, &hello, &err));
    do {
        message_free(&offer);
        must(queue_peer_receive(peer, &offer, SITE_WAIT_MS, &err));
    } while (offer.kind != MESSAGE_JOB_OFFER);
    must(site_amtctl(site, &escrowed, &err, "secret", "show", computer.uuid, "admin", NULL));
    escrowed[strcspn(escrowed, "\n")] = '\0';
    assert_string_equal(escrowed, secret_reveal(offer.job_offer.admin_password));
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "queue.heartbeat = 2s", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .without_points = true,
                                    .without_simulator = true };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_without_curve_gets_no_answer),
        cmocka_unit_test(an_unknown_key_is_refused_and_shown_as_pending),
        cmocka_unit_test(approval_and_removal_work_at_once),
        cmocka_unit_test(bytes_that_are_no_message_are_refused),
        cmocka_unit_test(kinds_that_only_the_site_server_says_are_refused),
        cmocka_unit_test(who_has_not_registered_is_told_so),
        cmocka_unit_test(a_message_that_is_too_large_never_arrives),
        cmocka_unit_test(a_job_of_another_service_point_cannot_be_finished),
        cmocka_unit_test(the_offered_password_is_in_escrow_before_the_offer),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
