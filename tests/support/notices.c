#include "support/notices.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "support/process.h"

struct notices {
    int fd;
};

bool notices_open(struct notices **notices, int watchdog_ms, struct error *err)
{
    AUTO(notices_close) struct notices *opening = allocate(sizeof(*opening));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[48], period[24];
    int length = snprintf(name, sizeof(name), "@amt-notices-%d", (int)getpid());
    int on = 1;

    opening->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, name, (size_t)length);
    address.sun_path[0] = '\0';
    if (opening->fd < 0 ||
        bind(opening->fd, (const struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)) != 0 ||
        setsockopt(opening->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
        return error_set(err, ERROR_INTERNAL, "notices: %s", strerror(errno));
    snprintf(period, sizeof(period), "%lld", 1000LL * watchdog_ms);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", period, 1);
    unsetenv("WATCHDOG_PID");
    *notices = TAKE(opening);
    return true;
}

void notices_close(struct notices **notices)
{
    if (!*notices)
        return;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    if ((*notices)->fd >= 0)
        close((*notices)->fd);
    free(*notices);
    *notices = NULL;
}

/* -1: there is none. */
static ssize_t take(struct notices *notices, char *text, size_t size, pid_t *process)
{
    char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = { text, size - 1 };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    ssize_t length = recvmsg(notices->fd, &message, 0);
    const struct cmsghdr *head = length >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    struct ucred sender = { 0 };

    if (length < 0)
        return -1;
    if (head && head->cmsg_type == SCM_CREDENTIALS)
        memcpy(&sender, CMSG_DATA(head), sizeof(sender));
    *process = sender.pid;
    text[length] = '\0';
    return length;
}

bool notices_wait(struct notices *notices, pid_t process, const char *beginning, char **text, int timeout_ms,
                  struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    char said[512], last[sizeof(said)] = "nothing";
    pid_t sender;

    for (;;) {
        int64_t left_ms = end_ms - clock_monotonic_ms();

        while (take(notices, said, sizeof(said), &sender) >= 0) {
            if (sender != process)
                continue;
            if (strncmp(said, beginning, strlen(beginning)) == 0) {
                if (text)
                    *text = text_copy(said);
                return true;
            }
            memcpy(last, said, sizeof(last));
        }
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        if (left_ms <= 0)
            return error_set(err, ERROR_UNREACHABLE, "process %d did not say %s; last: %s", (int)process,
                             beginning, last);
        poll(&(struct pollfd){ .fd = notices->fd, .events = POLLIN }, 1, (int)left_ms);
    }
}

void notices_skip(struct notices *notices)
{
    char text[512];
    pid_t sender;

    while (take(notices, text, sizeof(text), &sender) >= 0)
        continue;
}
