/*
 * agent_limits_test.c - spec 11 for the agents' endpoint, where any computer may connect: what does not
 * belong there is refused and counted, nobody takes more than his share, and the service points' side goes
 * on.
 */
#include <string.h>

#include "support/agent_story.h"
#include "support/expect.h"
#include "support/queue_peer.h"

enum { KEY_RATE = 6, CONNECTIONS = 4, SILENCE_MS = 1500 };

/* Addresses of their own, because the limit of one is shared by all that come from it. */
static struct agent_peer *come_from(struct site *site, unsigned source)
{
    AUTO(text_free) char *address = text_format("127.%u.201.%u", site->place.block, source);
    struct agent_peer *peer = NULL;
    struct error err = { 0 };

    must(agent_peer_open(&peer, site, address, &err));
    return peer;
}

static void expect_reason(struct agent_peer *peer, enum reason_code reason)
{
    AUTO(message_free) struct message answer = { 0 };
    struct error err = { 0 };

    must(agent_peer_receive(peer, &answer, SITE_WAIT_MS, &err));
    assert_int_equal(answer.kind, MESSAGE_REFUSED);
    assert_string_equal(reason_of(answer.refused.reason)->name, reason_of(reason)->name);
}

static void expect_service_points_unaffected(struct site *site, const char *name)
{
    AUTO(queue_peer_close) struct queue_peer *peer = NULL;
    struct error err = { 0 };

    must(queue_peer_open(&peer, site, PEER_APPROVED, name, &err));
    must(queue_peer_register(peer, 0, &err));
    assert_true(process_running(site->server));
}

static void send(struct agent_peer *peer, const struct message *message)
{
    AUTO(message_bytes_free) struct bytes bytes = { 0 };
    struct error err = { 0 };

    message_write(message, &bytes);
    must(agent_peer_send_bytes(peer, bytes.data, bytes.length, &err));
}

static void what_is_no_message_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        { "\xFF\xFF\xFF\xFF", 4 },                     /* no envelope */
        { "\x08\x63\x10\x20\x18\x01", 6 },             /* version 99 */
        { "\x08\x01\x10\x20\x18\x01\x22\x01\xFF", 9 }, /* ENROL, whose body is none */
        { "", 0 },
    };
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct error err = { 0 };

    peer = come_from(site, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        must(agent_peer_send_bytes(peer, cases[i].bytes, cases[i].length, &err));
        expect_reason(peer, REASON_MESSAGE_REFUSED);
    }
    expect_service_points_unaffected(site, "after-garbage");
}

/* A little too large gets an answer; what is far too large is not even received. */
static void a_message_that_is_too_large_is_refused(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(text_free) char *large = allocate(MESSAGE_MAX_BYTES);
    AUTO(message_free) struct message nothing = { 0 };
    struct site *site = *state;
    struct error err = { 0 };

    peer = come_from(site, 2);
    must(agent_peer_send_bytes(peer, large, 16385, &err));
    expect_reason(peer, REASON_MESSAGE_REFUSED);
    must(agent_peer_send_bytes(peer, large, MESSAGE_MAX_BYTES, &err));
    assert_false(agent_peer_receive(peer, &nothing, SILENCE_MS, &err));
    expect_service_points_unaffected(site, "after-much");
}

/* All that firmware holds: 64 roots of the longest kind. */
static void the_largest_message_of_an_honest_agent_is_taken(void **state)
{
    struct root_hash roots[64];
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct computer computer;
    struct message enrolling;

    for (size_t i = 0; i < COUNT_OF(roots); i++)
        roots[i] = (struct root_hash){ .algorithm = 3, .length = 48, .hash = { (uint8_t)i } };
    computer_plan(&computer, site, 8, "16.1");
    enrolling = agent_enrol(site, &computer, NULL, SETUP_PRE);
    enrolling.enrol.root_hashes = roots;
    enrolling.enrol.root_hash_count = COUNT_OF(roots);
    peer = come_from(site, 5);
    send(peer, &enrolling);
    expect_reason(peer, REASON_TOKEN_MISSING);
}

/* Also where its key is approved for the other endpoint: this one hears agents. */
static void what_service_points_say_is_not_heard_from_agents(void **state)
{
    struct message registering = {
        .kind = MESSAGE_REGISTER,
        .reg = { .name = (char *)"x", .software_version = (char *)"1", .slots = 1000 }
    };
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;

    peer = come_from(site, 3);
    send(peer, &registering);
    expect_reason(peer, REASON_MESSAGE_REFUSED);
    expect_sql(site, "0", "SELECT count(*) FROM amt.service_point WHERE public_key = '%s'",
               agent_peer_key(peer));
}

static void a_key_that_says_too_much_has_to_wait_and_no_other(void **state)
{
    const struct message wanted = { .kind = MESSAGE_POLICY_WANTED };
    AUTO(agent_peer_close) struct agent_peer *loud = NULL;
    AUTO(agent_peer_close) struct agent_peer *other = NULL;
    struct site *site = *state;

    loud = come_from(site, 4);
    other = come_from(site, 4);
    for (unsigned i = 0; i < KEY_RATE; i++) {
        send(loud, &wanted);
        expect_reason(loud, REASON_NOT_ENROLLED);
    }
    send(loud, &wanted);
    expect_reason(loud, REASON_TOO_OFTEN);
    send(other, &wanted);
    expect_reason(other, REASON_NOT_ENROLLED);
}

static void more_connections_than_there_may_be_wait_until_one_is_gone(void **state)
{
    const struct message wanted = { .kind = MESSAGE_POLICY_WANTED };
    AUTO(agent_peer_close) struct agent_peer *waiting = NULL;
    AUTO(message_free) struct message answer = { 0 };
    struct agent_peer *peers[CONNECTIONS] = { 0 };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        peers[i] = come_from(site, 10 + i);
        send(peers[i], &wanted);
        expect_reason(peers[i], REASON_NOT_ENROLLED);
    }
    waiting = come_from(site, 20);
    send(waiting, &wanted);
    assert_false(agent_peer_receive(waiting, &answer, SILENCE_MS, &err));
    expect_service_points_unaffected(site, "beside-the-crowd");
    for (unsigned i = 0; i < CONNECTIONS; i++)
        agent_peer_close(&peers[i]);
    expect_reason(waiting, REASON_NOT_ENROLLED);
}

/* Spec 11: "jobs wait and resume". So do agents. */
static void an_agent_is_answered_when_the_database_is_back(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    AUTO(message_free) struct message nothing = { 0 };
    struct site *site = *state;
    struct computer computer;
    struct message enrolling;
    struct error err = { 0 };

    token = token_make(site, "database", NULL);
    computer_plan(&computer, site, 7, "16.1");
    peer = come_from(site, 30);
    enrolling = agent_enrol(site, &computer, token, SETUP_PRE);
    must(postgres_halt(site->postgres, &err));
    send(peer, &enrolling);
    assert_false(agent_peer_receive(peer, &nothing, SILENCE_MS, &err));
    must(postgres_resume(site->postgres, &err));
    AUTO(message_free) struct message answer = { 0 };

    must(agent_peer_receive(peer, &answer, SITE_WAIT_MS, &err));
    assert_int_equal(answer.kind, MESSAGE_ENROLLED);
    expect_sql(site, "1", "SELECT count(*) FROM amt.agent WHERE uuid = '%s'", computer.uuid);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "agents.rate_key = 6", "agents.connections = 4", NULL };
    const struct site_options options = { .server_settings = server_settings,
                                          .without_points = true,
                                          .without_simulator = true };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(a_message_that_is_too_large_is_refused),
        cmocka_unit_test(the_largest_message_of_an_honest_agent_is_taken),
        cmocka_unit_test(what_service_points_say_is_not_heard_from_agents),
        cmocka_unit_test(a_key_that_says_too_much_has_to_wait_and_no_other),
        cmocka_unit_test(more_connections_than_there_may_be_wait_until_one_is_gone),
        cmocka_unit_test(an_agent_is_answered_when_the_database_is_back),
    };

    return cmocka_run_group_tests_name("agent limits", tests, begin, scenario_end);
}
