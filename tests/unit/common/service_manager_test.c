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

static void the_manager_gets_the_state_as_one_datagram(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[32], got[64];
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int length = snprintf(name, sizeof(name), "@amt-test-%d", (int)getpid());

    (void)state;
    memcpy(address.sun_path, name, (size_t)length);
    address.sun_path[0] = '\0';
    assert_int_equal(bind(manager, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    service_manager_tell("READY=1");
    assert_int_equal(recv(manager, got, sizeof(got), MSG_DONTWAIT), 7);
    assert_memory_equal(got, "READY=1", 7);
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
        cmocka_unit_test(the_manager_gets_the_state_as_one_datagram),
        cmocka_unit_test(without_a_manager_or_with_a_dead_one_nothing_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
