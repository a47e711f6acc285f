/* sd_notify(3): the datagram that tells systemd a daemon's state. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/service_manager.h"
#include "tests/unit/unit_test.h"

static int be_manager(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[32];
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int length = snprintf(name, sizeof(name), "@amt-test-%d", (int)getpid());

    memcpy(address.sun_path, name, (size_t)length);
    address.sun_path[0] = '\0';
    assert_int_equal(bind(manager, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return manager;
}

/* NULL: nothing. */
static void expect_told(int manager, const char *wanted)
{
    char got[64] = "";
    ssize_t length = recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT);

    assert_int_equal(length, wanted ? (ssize_t)strlen(wanted) : -1);
    if (wanted)
        assert_string_equal(got, wanted);
}

static void a_sign_of_life_is_given_twice_in_the_managers_time(void **state)
{
    int manager = be_manager();

    (void)state;
    setenv("WATCHDOG_USEC", "10000000", 1);
    service_manager_alive(1000);
    expect_told(manager, "EXTEND_TIMEOUT_USEC=10000000"); /* not ready yet */
    service_manager_tell("READY=1");
    expect_told(manager, "READY=1");
    assert_int_equal(service_manager_due_ms(), 6000);
    service_manager_alive(5999);
    expect_told(manager, NULL);
    service_manager_alive(6000);
    expect_told(manager, "WATCHDOG=1");
    assert_int_equal(service_manager_due_ms(), 11000);
    close(manager);
}

static void a_status_is_told_when_it_changes(void **state)
{
    int manager = be_manager();

    (void)state;
    service_manager_status("%d slots free", 7);
    expect_told(manager, "STATUS=7 slots free");
    service_manager_status("%d slots free", 7);
    expect_told(manager, NULL);
    service_manager_status("%d slots free", 6);
    expect_told(manager, "STATUS=6 slots free");
    close(manager);
}

static void the_manager_gets_the_state_as_one_datagram(void **state)
{
    int manager = be_manager();

    (void)state;
    service_manager_tell("READY=1");
    expect_told(manager, "READY=1");
    close(manager);
}

static void without_a_manager_or_with_a_dead_one_nothing_happens(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    service_manager_tell("READY=1");
    setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    service_manager_tell("READY=1");
    setenv("NOTIFY_SOCKET", "no path", 1);
    service_manager_tell("READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sign_of_life_is_given_twice_in_the_managers_time),
        cmocka_unit_test(a_status_is_told_when_it_changes),
        cmocka_unit_test(the_manager_gets_the_state_as_one_datagram),
        cmocka_unit_test(without_a_manager_or_with_a_dead_one_nothing_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
