/* Design 3, spec 11: the service point's end of the queue against a real ROUTER under CURVE. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "queue/client.h"

struct site {
    void *context, *router;
    struct curve_key_pair key;
    char endpoint[128];
    char folder[32], key_file[64];
    struct queue_client *client;
    uint8_t route[256];
    size_t route_length;
};

static bool write_key(struct site *site, struct error *err)
{
    AUTO(curve_key_clear) struct curve_key_pair own = { 0 };

    strcpy(site->folder, "/tmp/queue_test.XXXXXX");
    if (!mkdtemp(site->folder))
        return error_set(err, ERROR_INTERNAL, "no folder");
    strcpy(site->key_file, site->folder);
    strcat(site->key_file, "/key");
    return queue_key_generate(&own, err) && curve_key_create(site->key_file, &own, err);
}

static bool open_client(struct queue_client **client, const struct site *site, const char *public_key)
{
    struct config_list endpoints = { (char *[]){ (char *)site->endpoint }, 1 };
    AUTO(site_list_clear) struct site_list sites = { 0 };
    struct error err = { 0 };

    return site_list_read(&sites, &endpoints, public_key, &err) &&
           queue_client_open(client, &(struct queue_client_settings){ &sites, 0, site->key_file }, &err);
}

static int set_up(void **state)
{
    struct site *site = allocate(sizeof(*site));
    const int on = 1, at_once = 0;
    size_t length = sizeof(site->endpoint);
    struct error err = { 0 };

    *state = site;
    assert_true(queue_key_generate(&site->key, &err));
    assert_true(write_key(site, &err));
    site->context = zmq_ctx_new();
    site->router = zmq_socket(site->context, ZMQ_ROUTER);
    zmq_setsockopt(site->router, ZMQ_LINGER, &at_once, sizeof(at_once));
    zmq_setsockopt(site->router, ZMQ_CURVE_SERVER, &on, sizeof(on));
    zmq_setsockopt(site->router, ZMQ_CURVE_SECRETKEY, secret_reveal(site->key.secret_key), CURVE_KEY_SIZE);
    assert_int_equal(zmq_bind(site->router, "tcp://127.0.0.1:*"), 0);
    zmq_getsockopt(site->router, ZMQ_LAST_ENDPOINT, site->endpoint, &length);
    assert_true(open_client(&site->client, site, site->key.public_key));
    return 0;
}

static int tear_down(void **state)
{
    struct site *site = *state;

    queue_client_close(&site->client);
    if (site->router)
        zmq_close(site->router);
    zmq_ctx_term(site->context);
    curve_key_clear(&site->key);
    unlink(site->key_file);
    rmdir(site->folder);
    free(site);
    return 0;
}

static bool wait_readable(struct site *site, int timeout_ms)
{
    struct error err = { 0 };
    bool readable = false;

    assert_true(queue_client_poll(site->client, NULL, 0, timeout_ms, &readable, &err));
    return readable;
}

/* Says something, which the router must hear before it can answer. */
static void make_contact(struct site *site)
{
    const struct message message = { .kind = MESSAGE_JOB_ACCEPT, .correlation = 5, .job_accept = { 7, 1 } };
    zmq_pollitem_t item = { .socket = site->router, .events = ZMQ_POLLIN };
    struct envelope envelope;
    struct message received = { 0 };
    struct error err = { 0 };
    uint8_t frame[1024];
    int length;

    for (unsigned tries = 0; !queue_client_send(site->client, &message); tries++) {
        assert_true(tries < 100); /* until the connection is there nothing is taken */
        wait_readable(site, 50);
    }
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    site->route_length = (size_t)zmq_recv(site->router, site->route, sizeof(site->route), 0);
    length = zmq_recv(site->router, frame, sizeof(frame), 0);
    assert_true(envelope_read(frame, (size_t)length, &envelope, &err));
    assert_int_equal(envelope.correlation, 5);
    assert_true(message_read(&envelope, &received, &err));
    assert_int_equal(received.job_accept.job, 7);
    envelope_free(&envelope);
    message_free(&received);
}

static void answer(struct site *site, const void *bytes, size_t length)
{
    zmq_send(site->router, site->route, site->route_length, ZMQ_SNDMORE);
    zmq_send(site->router, bytes, length, 0);
}

static void a_message_goes_out_and_its_answer_comes_in(void **state)
{
    struct message closed = { .kind = MESSAGE_JOB_CLOSED,
                              .correlation = 5,
                              .job_closed = { { 7, 1 }, true, 0, NULL } };
    struct message received = { 0 };
    struct bytes bytes = { 0 };
    struct site *site = *state;
    struct error err = { 0 };

    make_contact(site);
    assert_int_equal(queue_client_receive(site->client, &received, &err), RECEIVED_NOTHING);
    message_write(&closed, &bytes);
    answer(site, bytes.data, bytes.length);
    message_bytes_free(&bytes);
    assert_true(wait_readable(site, 5000));
    assert_int_equal(queue_client_receive(site->client, &received, &err), RECEIVED_MESSAGE);
    assert_int_equal(received.kind, MESSAGE_JOB_CLOSED);
    assert_true(received.job_closed.accepted);
    message_free(&received);
    assert_false(wait_readable(site, 0));
}

static void rubbish_is_reported_and_the_next_message_still_read(void **state)
{
    struct message refused = { .kind = MESSAGE_REFUSED, .refused = { REASON_MESSAGE_REFUSED, NULL } };
    struct message received = { 0 };
    struct bytes bytes = { 0 };
    struct site *site = *state;
    struct error err = { 0 };

    make_contact(site);
    answer(site, "\xff\xff rubbish", 10);
    answer(site, "", 0);
    zmq_send(site->router, site->route, site->route_length, ZMQ_SNDMORE);
    zmq_send(site->router, "two", 3, ZMQ_SNDMORE);
    zmq_send(site->router, "frames", 6, 0);
    refused.refused.text = text_copy("no");
    message_write(&refused, &bytes);
    answer(site, bytes.data, bytes.length);
    message_bytes_free(&bytes);
    message_free(&refused);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(wait_readable(site, 5000));
        assert_int_equal(queue_client_receive(site->client, &received, &err), RECEIVED_MALFORMED);
    }
    assert_true(wait_readable(site, 5000));
    assert_int_equal(queue_client_receive(site->client, &received, &err), RECEIVED_MESSAGE);
    assert_int_equal(received.kind, MESSAGE_REFUSED);
    message_free(&received);
}

static void after_a_reconnect_messages_go_out_again(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    make_contact(site);
    assert_true(queue_client_reconnect(site->client, &err));
    make_contact(site);
}

static void a_site_with_another_key_gets_nothing(void **state)
{
    const struct message message = { .kind = MESSAGE_JOB_ACCEPT, .job_accept = { 7, 1 } };
    AUTO(curve_key_clear) struct curve_key_pair other = { 0 };
    struct site *site = *state;
    struct error err = { 0 };
    AUTO(queue_client_close) struct queue_client *client = NULL;
    bool readable;

    assert_true(queue_key_generate(&other, &err));
    assert_true(open_client(&client, site, other.public_key));
    assert_true(queue_client_poll(client, NULL, 0, 300, &readable, &err));
    assert_false(queue_client_send(client, &message));
}

static void a_connection_that_breaks_is_told_at_once(void **state)
{
    struct site *site = *state;
    unsigned waits = 0;

    make_contact(site);
    assert_false(queue_client_broke(site->client));
    assert_int_equal(zmq_unbind(site->router, site->endpoint), 0);
    zmq_close(site->router);
    site->router = NULL;
    while (!queue_client_broke(site->client)) {
        assert_true(waits++ < 100);
        wait_readable(site, 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_goes_out_and_its_answer_comes_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rubbish_is_reported_and_the_next_message_still_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(after_a_reconnect_messages_go_out_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_site_with_another_key_gets_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_that_breaks_is_told_at_once, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
