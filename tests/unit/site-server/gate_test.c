/* Endpoint and gatekeeper with real CURVE clients over loopback (design 3, spec 11). */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/message.h"
#include "queue/endpoint.h"
#include "queue/gatekeeper.h"
#include "tests/unit/unit_test.h"

#define PATIENCE_MS 10000
#define CLIENTS_MAX (KNOCKS_MAX + 8)

struct gate {
    struct endpoint *endpoint;
    struct gatekeeper *gatekeeper;
    struct curve_key_pair keys;
    void *context; /* of the clients */
    void *clients[CLIENTS_MAX];
    size_t client_count;
};

static int open_gate(void **state)
{
    struct gate *gate = allocate(sizeof(*gate));
    struct error err;

    assert_true(endpoint_make_keys(&gate->keys, &err));
    assert_true(endpoint_prepare(&gate->endpoint, &err));
    assert_true(gatekeeper_open(&gate->gatekeeper, endpoint_context(gate->endpoint), &err));
    const struct endpoint_options options = { .address = "tcp://127.0.0.1:*",
                                              .keys = &gate->keys,
                                              .high_water_mark = 100 };
    assert_true(endpoint_listen(gate->endpoint, &options, &err));
    gate->context = zmq_ctx_new();
    *state = gate;
    return 0;
}

static int close_gate(void **state)
{
    struct gate *gate = *state;

    for (size_t i = 0; i < gate->client_count; i++)
        zmq_close(gate->clients[i]);
    zmq_ctx_term(gate->context);
    gatekeeper_close(&gate->gatekeeper);
    endpoint_close(&gate->endpoint);
    curve_key_clear(&gate->keys);
    free(gate);
    return 0;
}

static void *connect_with(struct gate *gate, const struct curve_key_pair *own, const char *server_key)
{
    void *socket = zmq_socket(gate->context, ZMQ_DEALER);
    int no_linger = 0, patience_ms = PATIENCE_MS;

    assert_non_null(socket);
    assert_true(gate->client_count < CLIENTS_MAX);
    gate->clients[gate->client_count++] = socket;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof(patience_ms));
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms, sizeof(patience_ms));
    zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof(no_linger));
    if (own) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, CURVE_KEY_SIZE);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own->public_key, CURVE_KEY_SIZE);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_reveal(own->secret_key), CURVE_KEY_SIZE);
    }
    assert_int_equal(zmq_connect(socket, endpoint_address(gate->endpoint)), 0);
    return socket;
}

/* One turn of the loop as the server does it; true when something is there. */
static bool turn(struct gate *gate, struct incoming *incoming)
{
    enum endpoint_event event = ENDPOINT_NOTHING;
    struct watch watches[3];
    struct error err;

    endpoint_watch(gate->endpoint, &watches[0], &watches[1]);
    gatekeeper_watch(gate->gatekeeper, &watches[2]);
    assert_true(watch_wait(watches, 3, 100, &err));
    assert_true(gatekeeper_answer(gate->gatekeeper, clock_monotonic_ms(), &err));
    assert_true(endpoint_receive(gate->endpoint, &event, incoming, &err));
    return event == ENDPOINT_MESSAGE;
}

static bool receive_within(struct gate *gate, int64_t patience_ms, struct incoming *incoming)
{
    int64_t end_ms = clock_monotonic_ms() + patience_ms;

    while (clock_monotonic_ms() < end_ms) {
        if (turn(gate, incoming))
            return true;
    }
    return false;
}

static void an_approved_key_gets_in_and_names_the_peer(void **state)
{
    struct gate *gate = *state;
    struct curve_key_pair own = { 0 };
    struct incoming incoming = { 0 };
    struct bytes reply = { 0 };
    struct error err;
    char answer[16];
    void *client;

    assert_true(endpoint_make_keys(&own, &err));
    gatekeeper_approve(gate->gatekeeper, (const char *[]){ own.public_key }, 1);
    client = connect_with(gate, &own, gate->keys.public_key);
    zmq_send(client, "hello", 5, 0);
    assert_true(receive_within(gate, PATIENCE_MS, &incoming));
    assert_true(incoming.whole);
    assert_string_equal(incoming.peer, own.public_key);
    assert_string_equal(incoming.address, "127.0.0.1");
    assert_memory_equal(incoming.data.data, "hello", 5);

    bytes_set(&reply, "welcome", 7);
    assert_true(endpoint_send(gate->endpoint, &incoming.route, &reply, &err));
    assert_null(reply.data);
    assert_int_equal(zmq_recv(client, answer, sizeof(answer), 0), 7);
    assert_memory_equal(answer, "welcome", 7);
    incoming_clear(&incoming);
    curve_key_clear(&own);
}

static void an_unknown_key_is_refused_and_remembered_once_until_it_is_approved(void **state)
{
    struct gate *gate = *state;
    struct curve_key_pair own = { 0 };
    struct incoming incoming = { 0 };
    struct knock knocks[KNOCKS_MAX];
    struct gate_counts counts = { 0 };
    struct error err;
    void *client;

    assert_true(endpoint_make_keys(&own, &err));
    client = connect_with(gate, &own, gate->keys.public_key);
    zmq_send(client, "hello", 5, 0);
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
         counts.unknown < 2 && clock_monotonic_ms() < end_ms; gatekeeper_counts(gate->gatekeeper, &counts))
        assert_false(turn(gate, &incoming));
    assert_true(counts.unknown >= 2);
    assert_int_equal(gatekeeper_knocks(gate->gatekeeper, knocks), 1);
    assert_string_equal(knocks[0].key, own.public_key);
    assert_string_equal(knocks[0].address, "127.0.0.1");
    gatekeeper_recorded(gate->gatekeeper);
    assert_int_equal(gatekeeper_knocks(gate->gatekeeper, knocks), 0);

    gatekeeper_approve(gate->gatekeeper, (const char *[]){ own.public_key }, 1);
    assert_true(receive_within(gate, PATIENCE_MS, &incoming)); /* the client knocks again by itself */
    incoming_clear(&incoming);
    curve_key_clear(&own);
}

static void a_peer_without_curve_or_with_the_wrong_server_key_gets_nothing_through(void **state)
{
    struct gate *gate = *state;
    struct curve_key_pair own = { 0 };
    struct incoming incoming = { 0 };
    struct error err;
    void *plain, *mistaken;

    assert_true(endpoint_make_keys(&own, &err));
    gatekeeper_approve(gate->gatekeeper, (const char *[]){ own.public_key }, 1);
    plain = connect_with(gate, NULL, NULL);
    mistaken = connect_with(gate, &own, own.public_key); /* believes the server has another key */
    zmq_send(plain, "hello", 5, 0);
    zmq_send(mistaken, "hello", 5, 0);
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
         endpoint_broken_handshakes(gate->endpoint) < 2 && clock_monotonic_ms() < end_ms;)
        assert_false(turn(gate, &incoming));
    assert_true(endpoint_broken_handshakes(gate->endpoint) >= 2);
    curve_key_clear(&own);
}

static void bytes_that_are_not_zeromq_are_dropped_by_the_transport(void **state)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: site\r\n\r\n";
    struct gate *gate = *state;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct incoming incoming = { 0 };
    char ignored[256];
    ssize_t got = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)atoi(strrchr(endpoint_address(gate->endpoint), ':') + 1));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, http, sizeof(http) - 1, MSG_NOSIGNAL), sizeof(http) - 1);
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS; got > 0 && clock_monotonic_ms() < end_ms;) {
        struct pollfd readable = { .fd = fd, .events = POLLIN };

        assert_false(turn(gate, &incoming));
        if (poll(&readable, 1, 0) == 1)
            got = recv(fd, ignored, sizeof(ignored), 0);
    }
    assert_true(got <= 0); /* hung up */
    assert_int_equal(endpoint_broken_handshakes(gate->endpoint), 1);
    close(fd);
}

static void a_message_that_is_too_large_or_of_several_frames_is_not_whole(void **state)
{
    static char large[MESSAGE_MAX_BYTES + 1];
    struct gate *gate = *state;
    struct curve_key_pair own = { 0 };
    struct incoming incoming = { 0 };
    struct error err;
    void *client;

    assert_true(endpoint_make_keys(&own, &err));
    gatekeeper_approve(gate->gatekeeper, (const char *[]){ own.public_key }, 1);
    client = connect_with(gate, &own, gate->keys.public_key);
    zmq_send(client, large, sizeof(large), 0);
    zmq_send(client, "one", 3, ZMQ_SNDMORE);
    zmq_send(client, "two", 3, 0);
    zmq_send(client, "", 0, 0);
    zmq_send(client, large, MESSAGE_MAX_BYTES, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(receive_within(gate, PATIENCE_MS, &incoming));
        assert_false(incoming.whole);
        assert_string_equal(incoming.peer, own.public_key);
        incoming_clear(&incoming);
    }
    assert_true(receive_within(gate, PATIENCE_MS, &incoming));
    assert_true(incoming.whole);
    incoming_clear(&incoming);
    curve_key_clear(&own);
}

static void a_peer_that_is_gone_is_an_error_and_not_a_wait(void **state)
{
    struct gate *gate = *state;
    struct route nobody = { .length = 5, .bytes = { 0, 1, 2, 3, 4 } };
    struct bytes data = { 0 };
    struct error err = { 0 };

    bytes_set(&data, "secret", 6);
    assert_false(endpoint_send(gate->endpoint, &nobody, &data, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_null(data.data);
}

static void strangers_cannot_fill_the_memory_with_keys(void **state)
{
    struct gate *gate = *state;
    struct knock knocks[KNOCKS_MAX];
    struct incoming incoming = { 0 };
    struct gate_counts counts = { 0 };
    struct error err;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct curve_key_pair own = { 0 };

        assert_true(endpoint_make_keys(&own, &err));
        connect_with(gate, &own, gate->keys.public_key);
        curve_key_clear(&own);
    }
    for (int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
         counts.unknown < CLIENTS_MAX && clock_monotonic_ms() < end_ms;
         gatekeeper_counts(gate->gatekeeper, &counts))
        assert_false(turn(gate, &incoming));
    assert_true(gatekeeper_knocks(gate->gatekeeper, knocks) <= KNOCKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_approved_key_gets_in_and_names_the_peer, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(an_unknown_key_is_refused_and_remembered_once_until_it_is_approved,
                                        open_gate, close_gate),
        cmocka_unit_test_setup_teardown(
            a_peer_without_curve_or_with_the_wrong_server_key_gets_nothing_through, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(bytes_that_are_not_zeromq_are_dropped_by_the_transport, open_gate,
                                        close_gate),
        cmocka_unit_test_setup_teardown(a_message_that_is_too_large_or_of_several_frames_is_not_whole,
                                        open_gate, close_gate),
        cmocka_unit_test_setup_teardown(a_peer_that_is_gone_is_an_error_and_not_a_wait, open_gate,
                                        close_gate),
        cmocka_unit_test_setup_teardown(strangers_cannot_fill_the_memory_with_keys, open_gate, close_gate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
