/* A port that is closed is told from a computer that does not answer: it says what was unprovisioned. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/connection.h"

#define SHORT_MS 200

/* A listener whose backlog is full does not answer the next one who knocks, as a computer that is off. */
enum host { HOST_REFUSES, HOST_LISTENS, HOST_IS_SILENT };

struct host_at_port {
    struct sockaddr_in address;
    int listener, knocking[8];
    size_t knocked;
};

static void host_begin(struct host_at_port *at, enum host host)
{
    socklen_t length = sizeof(at->address);

    *at = (struct host_at_port){ .address = { .sin_family = AF_INET },
                                 .listener = socket(AF_INET, SOCK_STREAM, 0) };
    inet_pton(AF_INET, "127.0.0.1", &at->address.sin_addr);
    assert_int_equal(bind(at->listener, (struct sockaddr *)&at->address, sizeof(at->address)), 0);
    assert_int_equal(getsockname(at->listener, (struct sockaddr *)&at->address, &length), 0);
    if (host != HOST_REFUSES)
        assert_int_equal(listen(at->listener, host == HOST_IS_SILENT ? 0 : 8), 0);
    while (host == HOST_IS_SILENT && at->knocked < COUNT_OF(at->knocking)) {
        int *knocking = &at->knocking[at->knocked++];

        *knocking = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(*knocking, (struct sockaddr *)&at->address, sizeof(at->address));
    }
}

static void host_end(struct host_at_port *at)
{
    while (at->knocked)
        close(at->knocking[--at->knocked]);
    close(at->listener);
}

static void a_closed_port_is_told_from_an_open_one_and_from_silence(void **state)
{
    static const enum host hosts[] = { HOST_REFUSES, HOST_LISTENS, HOST_IS_SILENT };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct host_at_port at;

        host_begin(&at, hosts[i]);
        const struct connection_target target = { .address = "127.0.0.1",
                                                  .port = ntohs(at.address.sin_port),
                                                  .connect_timeout_ms = SHORT_MS };

        if (connection_port_closed(&target) != (hosts[i] == HOST_REFUSES))
            fail_msg("host %zu: taken for what it is not", i);
        host_end(&at);
    }
}

static void what_is_no_address_has_no_port_that_is_closed(void **state)
{
    const struct connection_target target = { .address = "pc17.example.org", .port = 9 };

    (void)state;
    assert_false(connection_port_closed(&target));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_port_is_told_from_an_open_one_and_from_silence),
        cmocka_unit_test(what_is_no_address_has_no_port_that_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
