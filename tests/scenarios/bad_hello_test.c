/*
 * bad_hello_test.c - spec 11, first row: Hellos that are short, long, slow or wrong are dropped, counted by
 * reason and logged, and the service is unaffected.
 *
 * Layout of a Hello: AMT SDK, "Setup mode Hello messages", interface version 3.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/uuid.h"
#include "support/expect.h"
#include "support/hello_flood.h"

enum { CROWD = 200 };

/* A Hello with one SHA-256 hash; returns its length. */
static size_t hello_of(uint8_t hello[64], const char *uuid_as_text)
{
    struct uuid uuid;

    assert_true(uuid_parse(uuid_as_text, &uuid));
    memset(hello, 0, 64);
    hello_bytes(hello, &uuid);
    return HELLO_BYTES;
}

static int dial(struct site *site)
{
    AUTO(text_free) char *host = text_copy(site->points[0].hello_address);
    char *colon = strrchr(host, ':');
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *colon = '\0';
    assert_int_equal(inet_pton(AF_INET, host, &name.sin_addr), 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

/* The peer may close before all is taken: that is its right. */
static void send_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void send_hello(struct site *site, const uint8_t *bytes, size_t length)
{
    int fd = dial(site);

    send_all(fd, bytes, length);
    close(fd);
}

static int64_t counted(struct site *site, const char *counter)
{
    AUTO(text_free)
    char *value =
        sql_answer(site, "SELECT coalesce((counters->>'%s')::bigint, 0) FROM amt.service_point", counter);

    return strtoll(value, NULL, 10);
}

static void expect_counted(struct site *site, const char *counter, int64_t before)
{
    expect_sql(site, "t", "SELECT coalesce((counters->>'%s')::bigint, 0) > %lld FROM amt.service_point",
               counter, (long long)before);
}

static void expect_dropped(struct site *site, const uint8_t *bytes, size_t length, const char *counter)
{
    int64_t before = counted(site, counter);

    send_hello(site, bytes, length);
    expect_counted(site, counter, before);
}

/* Every test ends with it: a computer that says Hello properly is heard. */
static void expect_service_unaffected(struct site *site, const char *uuid)
{
    uint8_t hello[64];
    size_t length = hello_of(hello, uuid);

    send_hello(site, hello, length);
    expect_sql(site, "1", "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'", uuid);
}

static void a_hello_that_breaks_off_anywhere_is_dropped(void **state)
{
    struct site *site = *state;
    uint8_t hello[64];
    size_t length = hello_of(hello, "5e1d0001-0000-4000-8000-000000000001");
    int64_t before = counted(site, "hello.too-short");

    for (size_t cut = 1; cut < length; cut++)
        send_hello(site, hello, cut);
    expect_counted(site, "hello.too-short", before + (int64_t)length - 2);
    expect_service_unaffected(site, "5e1d0001-0000-4000-8000-000000000002");
    expect_sql(site, "0",
               "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '5e1d0001-0000-4000-8000-000000000001'");
}

/* What is complete by its own lengths counts; of the megabyte behind it no more is read than a Hello can
 * have. */
static void a_hello_with_a_megabyte_behind_it_is_cut_off(void **state)
{
    static const char uuid[] = "5e1d0001-0000-4000-8000-000000000003";
    struct site *site = *state;
    size_t length = 1 << 20;
    uint8_t *bytes = allocate(length);

    hello_of(bytes, uuid);
    send_hello(site, bytes, length);
    free(bytes);
    expect_sql(site, "1", "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'", uuid);
    expect_service_unaffected(site, "5e1d0001-0000-4000-8000-000000000004");
}

static void a_sender_that_says_nothing_is_dropped_in_time(void **state)
{
    struct site *site = *state;
    int64_t before = counted(site, "hello.too-slow");
    uint8_t hello[64];
    struct pollfd fd = { .fd = dial(site), .events = POLLIN };
    char byte;

    hello_of(hello, "5e1d0001-0000-4000-8000-000000000005");
    send_all(fd.fd, hello, 10);
    assert_int_equal(poll(&fd, 1, SITE_WAIT_MS), 1); /* closed by the service point */
    assert_true(read(fd.fd, &byte, 1) <= 0);
    close(fd.fd);
    expect_counted(site, "hello.too-slow", before);
    expect_service_unaffected(site, "5e1d0001-0000-4000-8000-000000000006");
}

/* A byte now and then must not extend the time. */
static void a_sender_that_drips_is_dropped_in_time(void **state)
{
    struct site *site = *state;
    int64_t before = counted(site, "hello.too-slow");
    struct pollfd fd = { .fd = dial(site), .events = POLLIN };
    uint8_t hello[64];
    size_t length = hello_of(hello, "5e1d0001-0000-4000-8000-000000000007"), sent = 0;

    while (sent < length && poll(&fd, 1, 200) == 0)
        send_all(fd.fd, hello + sent++, 1);
    close(fd.fd);
    assert_true(sent < length);
    expect_counted(site, "hello.too-slow", before);
}

static void many_slow_senders_do_not_keep_others_waiting(void **state)
{
    struct site *site = *state;
    int fds[CROWD];
    uint8_t hello[64];

    hello_of(hello, "5e1d0001-0000-4000-8000-000000000008");
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = dial(site);
        send_all(fds[i], hello, 3);
    }
    expect_service_unaffected(site, "5e1d0001-0000-4000-8000-000000000009");
    for (size_t i = 0; i < CROWD; i++)
        close(fds[i]);
}

static void a_hello_in_single_bytes_and_with_bytes_behind_is_taken(void **state)
{
    struct site *site = *state;
    static const char uuid[] = "5e1d0001-0000-4000-8000-00000000000a";
    uint8_t hello[64];
    size_t length = hello_of(hello, uuid);
    int fd = dial(site);

    for (size_t i = 0; i < length + 4; i++)
        send_all(fd, hello + i, 1);
    close(fd);
    expect_sql(site, "1", "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'", uuid);
}

static void hellos_of_a_wrong_form_are_dropped_with_their_reason(void **state)
{
    static const struct {
        const char *counter, *uuid;
        size_t at;
        uint8_t value;
    } cases[] = {
        { "hello.psk", "5e1d0001-0000-4000-8000-000000000010", 2, 2 },
        { "hello.wrong-version", "5e1d0001-0000-4000-8000-000000000011", 2, 1 },
        { "hello.wrong-version", "5e1d0001-0000-4000-8000-000000000012", 3, 1 },
        { "hello.bad-credentials-word", "5e1d0001-0000-4000-8000-000000000013", 1, 9 },
        { "hello.unknown-algorithm", "5e1d0001-0000-4000-8000-000000000014", 25, 4 },
        { "hello.bad-hash-length", "5e1d0001-0000-4000-8000-000000000015", 26, 31 },
        { "hello.bad-hash-length", "5e1d0001-0000-4000-8000-000000000016", 25, 1 },
        { "hello.dummy-uuid", "00000000-0000-0000-0000-000000000000", 0, 1 },
        { "hello.dummy-uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff", 0, 1 },
        { "hello.dummy-uuid", "03000200-0400-0500-0006-000700080009", 0, 1 },
    };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t hello[64];
        size_t length = hello_of(hello, cases[i].uuid);

        hello[cases[i].at] = cases[i].value;
        expect_dropped(site, hello, length, cases[i].counter);
        expect_sql(site, "0", "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s'", cases[i].uuid);
    }
    expect_service_unaffected(site, "5e1d0001-0000-4000-8000-000000000020");
}

static void a_web_browser_at_the_hello_port_is_dropped(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: provisionserver\r\n\r\n";
    struct site *site = *state;

    expect_dropped(site, (const uint8_t *)request, strlen(request), "hello.wrong-version");
    expect_service_unaffected(site, "5e1d0001-0000-4000-8000-000000000021");
}

/* One rate-limited line for what a stranger can cause at will: 1,000 bad Hellos are not 1,000 lines. */
static void a_flood_of_bad_hellos_does_not_flood_the_log(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *before = NULL;
    AUTO(text_free) char *after = NULL;
    size_t length_before, length_after;
    int64_t counted_before = counted(site, "hello.too-short");
    struct error err = { 0 };

    must(file_read(site->points[0].log_path, &before, &length_before, &err));
    for (int i = 0; i < 1000; i++)
        send_hello(site, (const uint8_t *)"\1", 1);
    expect_counted(site, "hello.too-short", counted_before + 999);
    must(file_read(site->points[0].log_path, &after, &length_after, &err));
    assert_true(length_after - length_before < 20000);
    assert_non_null(strstr(after, "hello dropped"));
    expect_service_unaffected(site, "5e1d0001-0000-4000-8000-000000000022");
}

/* Spec O2: the record of strangers is bounded; the oldest leave. */
static void strangers_fill_no_more_than_their_table(void **state)
{
    struct site *site = *state;

    for (int i = 0; i < 60; i++) {
        uint8_t hello[64];
        char uuid[UUID_TEXT_SIZE];

        snprintf(uuid, sizeof(uuid), "5e1d0002-0000-4000-8000-0000000000%02x", i + 1);
        hello_of(hello, uuid);
        send_hello(site, hello, 59);
    }
    expect_sql(site, "1",
               "SELECT count(*) FROM amt.unknown_hello WHERE uuid = '5e1d0002-0000-4000-8000-00000000003c'");
    expect_sql(site, "t", "SELECT count(*) <= 50 FROM amt.unknown_hello");
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "queue.heartbeat = 1s", "hello.unknown_max = 50", NULL };
    static const char *const point_settings[] = { "hello.receive_timeout = 2s",
                                                  "hello.connections_max = 1000", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .point_settings = point_settings,
                                    .without_simulator = true };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_that_breaks_off_anywhere_is_dropped),
        cmocka_unit_test(a_hello_with_a_megabyte_behind_it_is_cut_off),
        cmocka_unit_test(a_sender_that_says_nothing_is_dropped_in_time),
        cmocka_unit_test(a_sender_that_drips_is_dropped_in_time),
        cmocka_unit_test(many_slow_senders_do_not_keep_others_waiting),
        cmocka_unit_test(a_hello_in_single_bytes_and_with_bytes_behind_is_taken),
        cmocka_unit_test(hellos_of_a_wrong_form_are_dropped_with_their_reason),
        cmocka_unit_test(a_web_browser_at_the_hello_port_is_dropped),
        cmocka_unit_test(a_flood_of_bad_hellos_does_not_flood_the_log),
        cmocka_unit_test(strangers_fill_no_more_than_their_table),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
