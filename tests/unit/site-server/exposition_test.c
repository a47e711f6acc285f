/* /metrics, /health and /crl over a real socket (spec 11: health and log say so). */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/metrics/exposition.h"
#include "metrics/counters.h"
#include "tests/unit/unit_test.h"

#define PATIENCE_MS 10000

struct page {
    struct exposition *exposition;
    struct counters counters;
    struct gauges gauges;
    bool healthy;
    uint16_t port;
    unsigned depth, deepest; /* pages in the making */
    bool waits;              /* while a page is made, the loop turns */
};

static void write_metrics(void *context, FILE *out)
{
    struct page *page = context;

    page->depth++;
    if (page->depth > page->deepest)
        page->deepest = page->depth;
    if (page->waits && page->depth == 1)
        exposition_run(page->exposition);
    counters_write(&page->counters, &page->gauges, out);
    page->depth--;
}

static bool write_health(void *context, FILE *out)
{
    const struct page *page = context;

    fputs(page->healthy ? "status: ok\n" : "status: database away\n", out);
    return page->healthy;
}

static const struct bytes *find_list(void *context, const char *name)
{
    static const struct bytes list = { (unsigned char *)"0\x82 a list", 9 };

    (void)context;
    return strcmp(name, "0123456789abcdef") == 0 ? &list : NULL;
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static int open_page(void **state)
{
    struct page *page = allocate(sizeof(*page));
    const struct exposition_source source = { write_metrics, write_health, find_list, page };
    char listen[32];
    struct error err = { 0 };

    page->port = free_port();
    page->healthy = true;
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", page->port);
    if (!exposition_open(&page->exposition, listen, &source, &err))
        fail_msg("%s", err.message);
    *state = page;
    return 0;
}

static int close_page(void **state)
{
    struct page *page = *state;

    exposition_close(&page->exposition);
    free(page);
    return 0;
}

static int send_request(const struct page *page, const char *request)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(page->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return fd;
}

/* Sends the request and runs the page's loop until the answer is whole. */
static void ask(struct page *page, const char *request, char *answer, size_t size)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    int fd = send_request(page, request);
    size_t length = 0;

    while (clock_monotonic_ms() < end_ms) {
        struct pollfd fds[] = { { .fd = exposition_descriptor(page->exposition), .events = POLLIN },
                                { .fd = fd, .events = POLLIN } };
        ssize_t got;

        poll(fds, 2, 100);
        exposition_run(page->exposition);
        if (!fds[1].revents)
            continue;
        got = recv(fd, answer + length, size - 1 - length, 0);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    answer[length] = '\0';
    close(fd);
}

static void metrics_are_in_prometheus_text_format(void **state)
{
    struct page *page = *state;
    static char answer[65536];

    page->counters.messages[MESSAGE_HELLO_SEEN] = 12;
    page->counters.refused[REFUSAL_NOT_ALLOWED] = 3;
    page->counters.verdicts[REASON_UNKNOWN_COMPUTER] = 5;
    page->counters.turn_microseconds = 1500001;
    page->gauges.database_connected = true;
    ask(page, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "text/plain; version=0.0.4"));
    assert_non_null(strstr(answer, "\namt_messages_total{kind=\"HELLO_SEEN\"} 12\n"));
    assert_non_null(strstr(answer, "\namt_messages_refused_total{reason=\"not-allowed\"} 3\n"));
    assert_non_null(strstr(answer, "\namt_hello_verdicts_total{reason=\"unknown-computer\"} 5\n"));
    assert_non_null(strstr(answer, "\namt_turn_seconds_total 1.500001\n"));
    assert_non_null(strstr(answer, "\namt_database_up 1\n"));
    assert_non_null(strstr(answer, "\n# TYPE amt_turns_total counter\n"));
}

static void health_says_503_when_it_is_not_well(void **state)
{
    struct page *page = *state;
    char answer[4096];

    ask(page, "GET /health HTTP/1.0\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, " 200 "));
    assert_non_null(strstr(answer, "status: ok"));
    page->healthy = false;
    ask(page, "GET /health HTTP/1.0\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, " 503 "));
    assert_non_null(strstr(answer, "database away"));
}

static void a_revocation_list_is_served_under_its_name(void **state)
{
    struct page *page = *state;
    char answer[4096];

    ask(page, "GET /crl/0123456789abcdef.crl HTTP/1.0\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, " 200 "));
    assert_non_null(strstr(answer, "application/pkix-crl"));
    assert_non_null(strstr(answer, "\r\n\r\n0\x82 a list"));
    ask(page, "GET /crl/0123456789abcdef HTTP/1.0\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, " 404 "));
    ask(page, "GET /crl/../../etc/passwd.crl HTTP/1.0\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, " 404 "));
}

static void anything_else_is_refused(void **state)
{
    struct page *page = *state;
    char answer[4096];

    ask(page, "GET / HTTP/1.0\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, " 404 "));
    ask(page, "POST /metrics HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", answer, sizeof(answer));
    assert_non_null(strstr(answer, " 405 "));
    ask(page, "nonsense\r\n\r\n", answer, sizeof(answer));
    assert_null(strstr(answer, " 200 "));
}

static void an_address_that_is_none_is_refused_by_its_key(void **state)
{
    static const char *const addresses[] = { "localhost:9672", "127.0.0.1", "127.0.0.1:http", "[::1:9672",
                                             "192.0.2.1:9672" };
    const struct exposition_source source = { write_metrics, write_health, find_list, NULL };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct exposition *exposition = NULL;
        struct error err = { 0 };

        assert_false(exposition_open(&exposition, addresses[i], &source, &err));
        assert_non_null(strstr(err.message, "metrics.listen"));
        assert_null(exposition);
    }
}

static void without_an_address_there_is_nothing_to_wait_for(void **state)
{
    struct exposition *exposition = NULL;
    const struct exposition_source source = { write_metrics, write_health, find_list, NULL };
    struct error err;

    (void)state;
    assert_true(exposition_open(&exposition, "", &source, &err));
    assert_null(exposition);
    assert_int_equal(exposition_descriptor(exposition), -1);
    assert_int_equal(exposition_timeout_ms(exposition), -1);
    exposition_run(exposition);
    exposition_close(&exposition);
}

/* Whoever makes a page may wait for the database, and the loop turns meanwhile. */
static void one_page_is_made_at_a_time(void **state)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct page *page = *state;
    static char answer[65536];
    int other = send_request(page, request);

    page->waits = true;
    ask(page, request, answer, sizeof(answer));
    assert_int_equal(page->deepest, 1);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metrics_are_in_prometheus_text_format, open_page, close_page),
        cmocka_unit_test_setup_teardown(health_says_503_when_it_is_not_well, open_page, close_page),
        cmocka_unit_test_setup_teardown(a_revocation_list_is_served_under_its_name, open_page, close_page),
        cmocka_unit_test_setup_teardown(anything_else_is_refused, open_page, close_page),
        cmocka_unit_test_setup_teardown(one_page_is_made_at_a_time, open_page, close_page),
        cmocka_unit_test(an_address_that_is_none_is_refused_by_its_key),
        cmocka_unit_test(without_an_address_there_is_nothing_to_wait_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
