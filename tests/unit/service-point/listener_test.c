/* Spec O1, 11: hearing Hellos over real sockets; the clock is the test's. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hello/listener.h"

#define RECEIVE_TIMEOUT_MS 10000
#define CONNECTIONS_MAX    4

static const uint8_t head[24] = { 0x01, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x52, 0x1c, 0x3a, 0x7f,
                                  0x04, 0x9b, 0x6d, 0x4e, 0xa1, 0xc8, 0x0d, 0x5e, 0x2f, 0x6b, 0x7a, 0x90 };

struct heard {
    struct hello_listener *listener;
    unsigned count;
    uint8_t last; /* last byte of the UUID */
    char address[64];
    int64_t now_ms;
};

static void hear(void *context, const struct hello_message *hello, const char *address)
{
    struct heard *heard = context;

    heard->count++;
    heard->last = hello->uuid.bytes[15];
    snprintf(heard->address, sizeof(heard->address), "%s", address);
}

static int set_up(void **state)
{
    const struct hello_listener_settings settings = { "127.0.0.1:0", RECEIVE_TIMEOUT_MS, CONNECTIONS_MAX };
    struct heard *heard = allocate(sizeof(*heard));
    struct error err = { 0 };

    heard->now_ms = 1000;
    *state = heard;
    return hello_listener_open(&heard->listener, &settings, hear, heard, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct heard *heard = *state;

    hello_listener_close(&heard->listener);
    free(heard);
    return 0;
}

static int dial(const struct heard *heard)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const char *colon = strrchr(hello_listener_address(heard->listener), ':');
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)atoi(colon + 1));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Turns until nothing more is to be read. */
static void turn(struct heard *heard)
{
    struct pollfd ready = { .fd = hello_listener_fd(heard->listener), .events = POLLIN };

    while (poll(&ready, 1, 50) > 0)
        hello_listener_turn(heard->listener, heard->now_ms);
    hello_listener_turn(heard->listener, heard->now_ms);
}

static uint64_t counted(const struct heard *heard, const char *counter)
{
    const char *name;
    uint64_t value;

    for (size_t i = 0; hello_listener_counter(heard->listener, i, &name, &value); i++) {
        if (strcmp(name, counter) == 0)
            return value;
    }
    fail_msg("no counter %s", counter);
    return 0;
}

static size_t hello(uint8_t *out, uint8_t last)
{
    memcpy(out, head, sizeof(head));
    out[23] = last;
    out[24] = 0;
    return 25;
}

static void a_hello_in_pieces_is_taken_when_the_stream_ends(void **state)
{
    struct heard *heard = *state;
    uint8_t bytes[64];
    size_t length = hello(bytes, 7);
    int fd = dial(heard);

    assert_int_equal(write(fd, bytes, 10), 10);
    turn(heard);
    assert_int_equal(write(fd, bytes + 10, length - 10), (ssize_t)(length - 10));
    turn(heard);
    assert_int_equal(heard->count, 0);
    close(fd);
    turn(heard);
    assert_int_equal(heard->count, 1);
    assert_int_equal(heard->last, 7);
    assert_string_equal(heard->address, "127.0.0.1");
    assert_int_equal(counted(heard, "hello.taken"), 1);
    assert_int_equal(hello_listener_due_ms(heard->listener), INT64_MAX);
}

static void a_complete_hello_whose_sender_stays_is_taken_when_its_time_is_up(void **state)
{
    struct heard *heard = *state;
    uint8_t bytes[64];
    int fd = dial(heard);

    assert_int_equal(write(fd, bytes, hello(bytes, 8)), 25);
    turn(heard);
    assert_int_equal(hello_listener_due_ms(heard->listener), 1000 + RECEIVE_TIMEOUT_MS);
    heard->now_ms += RECEIVE_TIMEOUT_MS;
    turn(heard);
    assert_int_equal(heard->count, 1);
    close(fd);
}

static void a_reset_after_a_complete_hello_does_no_harm(void **state)
{
    const struct linger at_once = { 1, 0 };
    struct heard *heard = *state;
    uint8_t bytes[64];
    int fd = dial(heard);

    assert_int_equal(write(fd, bytes, hello(bytes, 9)), 25);
    turn(heard);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    turn(heard);
    assert_int_equal(heard->count, 1);
}

static void a_sender_that_drips_is_dropped_in_time(void **state)
{
    struct heard *heard = *state;
    int fd = dial(heard);

    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(write(fd, head + i, 1), 1);
        turn(heard);
        heard->now_ms += RECEIVE_TIMEOUT_MS / 10;
    }
    turn(heard);
    assert_int_equal(heard->count, 0);
    assert_int_equal(counted(heard, "hello.too-slow"), 1);
    close(fd);
}

static void a_sender_that_never_stops_is_dropped_at_the_limit(void **state)
{
    struct heard *heard = *state;
    uint8_t flood[HELLO_MAX_BYTES + 1];
    int fd = dial(heard);

    memset(flood, 0xFF, sizeof(flood));
    memcpy(flood, head, sizeof(head));
    for (size_t at = 25; at + 50 <= sizeof(flood); at += 50)
        memcpy(flood + at, "\x03\x30", 2);
    assert_int_equal(send(fd, flood, sizeof(flood), MSG_NOSIGNAL), (ssize_t)sizeof(flood));
    turn(heard);
    /* complete by its own lengths, so what stands behind is ignored */
    assert_int_equal(heard->count, 1);
    close(fd);

    fd = dial(heard);
    memset(flood, 0x00, sizeof(flood));
    assert_int_equal(send(fd, flood, sizeof(flood), MSG_NOSIGNAL), (ssize_t)sizeof(flood));
    turn(heard);
    assert_int_equal(counted(heard, "hello.wrong-version"), 1);
    close(fd);
}

static void a_crowd_of_silent_senders_gives_way_to_a_newcomer(void **state)
{
    struct heard *heard = *state;
    int silent[CONNECTIONS_MAX], newcomer;
    uint8_t bytes[64];
    char byte;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        silent[i] = dial(heard);
        turn(heard);
    }
    newcomer = dial(heard);
    assert_int_equal(write(newcomer, bytes, hello(bytes, 3)), 25);
    close(newcomer);
    turn(heard);
    assert_int_equal(heard->count, 1);
    assert_int_equal(counted(heard, "hello.crowded-out"), 1);
    assert_int_equal(read(silent[0], &byte, 1), 0); /* the oldest was let go */
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        close(silent[i]);
}

static void what_is_no_hello_is_counted_by_reason(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *counter;
    } cases[] = {
        { "", 0, "hello.empty" },
        { "\x00\x00\x03\x00", 4, "hello.too-short" },
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, "hello.wrong-version" },
        { "\x01\x00\x02\x00\x00\x00\x00\x00\x52\x1c\x3a\x7f\x04\x9b\x6d\x4e\xa1\xc8\x0d\x5e\x2f\x6b\x7a\x90"
          "AB12CD34",
          32, "hello.psk" },
    };
    struct heard *heard = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = dial(heard);

        assert_int_equal(write(fd, cases[i].bytes, cases[i].length), (ssize_t)cases[i].length);
        close(fd);
        turn(heard);
        assert_int_equal(counted(heard, cases[i].counter), 1);
    }
    assert_int_equal(heard->count, 0);
    assert_int_equal(counted(heard, "hello.connections"), COUNT_OF(cases));
}

static void an_address_that_is_none_is_refused_with_the_key_s_name(void **state)
{
    static const char *const wrong[] = { "9971",       "host.example:9971", "127.0.0.1",
                                         "127.0.0.1:", "[::1:9971",         "" };
    struct hello_listener *listener = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct hello_listener_settings settings = { wrong[i], 1, 1 };
        struct error err = { 0 };

        assert_false(hello_listener_open(&listener, &settings, hear, NULL, &err));
        assert_non_null(strstr(err.message, "hello.listen"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hello_in_pieces_is_taken_when_the_stream_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_complete_hello_whose_sender_stays_is_taken_when_its_time_is_up,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reset_after_a_complete_hello_does_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sender_that_drips_is_dropped_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sender_that_never_stops_is_dropped_at_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_of_silent_senders_gives_way_to_a_newcomer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_hello_is_counted_by_reason, set_up, tear_down),
        cmocka_unit_test(an_address_that_is_none_is_refused_with_the_key_s_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
