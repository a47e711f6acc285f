#include "service_manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SIGNS_A_PERIOD 2 /* sd_watchdog_enabled(3): every half of the time */

static struct {
    bool read; /* the environment, once */
    int64_t period_ms;
    int64_t next_ms;
    bool ready;
    char status[256];
} watch;

/* False: its queue is full, and flags say not to wait for it. That nobody is there is no failure. */
static bool send_to_manager(const char *state, int flags)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = path ? strlen(path) : 0;
    bool full;
    int fd;

    if (length < 2 || length >= sizeof(address.sun_path) || (*path != '/' && *path != '@'))
        return true;
    memcpy(address.sun_path, path, length);
    if (*path == '@') /* the abstract namespace is written with an @ in the environment */
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    full = sendto(fd, state, strlen(state), MSG_NOSIGNAL | flags, (const struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0 &&
           errno == EAGAIN;
    close(fd);
    return !full;
}

void service_manager_tell(const char *state)
{
    watch.ready |= strcmp(state, "READY=1") == 0;
    send_to_manager(state, 0);
}

void service_manager_status(const char *format, ...)
{
    char status[sizeof(watch.status)], state[sizeof(status) + 8];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(status, sizeof(status), format, arguments);
    va_end(arguments);
    if (strcmp(status, watch.status) == 0)
        return;
    snprintf(state, sizeof(state), "STATUS=%s", status);
    if (send_to_manager(state, MSG_DONTWAIT))
        memcpy(watch.status, status, sizeof(status));
}

/* WATCHDOG_PID keeps a child from speaking for its parent. */
static void read_environment(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    int64_t microseconds = period ? strtoll(period, NULL, 10) : 0;

    watch.read = true;
    if (process && strtoll(process, NULL, 10) != (long long)getpid())
        return;
    watch.period_ms = microseconds > 0 ? microseconds / 1000 : 0;
}

int64_t service_manager_due_ms(void)
{
    if (!watch.read)
        read_environment();
    return watch.period_ms ? watch.next_ms : INT64_MAX;
}

void service_manager_alive(int64_t now_ms)
{
    char state[64];

    if (now_ms < service_manager_due_ms())
        return;
    watch.next_ms = now_ms + watch.period_ms / SIGNS_A_PERIOD;
    if (watch.ready)
        send_to_manager("WATCHDOG=1", MSG_DONTWAIT);
    else if (snprintf(state, sizeof(state), "EXTEND_TIMEOUT_USEC=%" PRId64, watch.period_ms * 1000) > 0)
        send_to_manager(state, MSG_DONTWAIT);
}
