#include "mei.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mei.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/secret.h"

#define MESSAGE_MIN_BYTES   16    /* less holds no reply at all */
#define MESSAGE_MAX_BYTES   65536 /* AMT's clients take a few thousand bytes */
#define GUID_SIZE           16
#define BUSY_WAIT_MS        750 /* longer with every try */
#define RESET_WAIT_MS       200
#define CONNECT_ANSWER_SIZE 12 /* over a socket: u32 errno, u32 longest message, u8 version, reserved */

struct mei {
    struct mei_settings settings;
    int fd; /* -1: not connected */
    uint8_t *buffer;
    size_t message_max_bytes;
};

static int left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_monotonic_ms();

    return left > 0 ? (int)left : 0;
}

static void disconnect(struct mei *mei)
{
    if (mei->fd >= 0)
        close(mei->fd);
    mei->fd = -1;
}

/* ---- connecting; errno says why not ---- */

/* Through /proc, because a path may be longer than sun_path. */
static int open_socket(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int place = open(path, O_PATH | O_CLOEXEC), fd, failed = 0;

    if (place < 0)
        return -1;
    snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d", place);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
        failed = errno == ECONNREFUSED ? ENODEV : errno;
        close(fd);
        fd = -1;
    }
    close(place);
    if (failed)
        errno = failed;
    return fd;
}

static bool wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd descriptor = { .fd = fd, .events = events };
    int ready;

    do
        ready = poll(&descriptor, 1, left_ms(deadline_ms));
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        errno = ETIMEDOUT;
    else if (ready > 0 && !(descriptor.revents & events))
        errno = ENODEV;
    return ready > 0 && descriptor.revents & events;
}

static uint32_t read_u32(const uint8_t *in)
{
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static bool connect_client_by_packet(int fd, const uint8_t *guid, uint32_t *message_max, int64_t deadline_ms)
{
    uint8_t answer[CONNECT_ANSWER_SIZE];

    if (send(fd, guid, GUID_SIZE, MSG_NOSIGNAL) != GUID_SIZE) {
        errno = ENODEV;
        return false;
    }
    if (!wait_for(fd, POLLIN, deadline_ms))
        return false;
    if (recv(fd, answer, sizeof(answer), 0) != (ssize_t)sizeof(answer)) {
        errno = ENODEV;
        return false;
    }
    errno = (int)read_u32(answer);
    *message_max = read_u32(answer + 4);
    return errno == 0;
}

static bool connect_client_by_driver(int fd, const uint8_t *guid, uint32_t *message_max)
{
    struct mei_connect_client_data data = { 0 };

    memcpy(&data.in_client_uuid, guid, GUID_SIZE);
    if (ioctl(fd, IOCTL_MEI_CONNECT_CLIENT, &data) != 0)
        return false;
    *message_max = data.out_client_properties.max_msg_length;
    return true;
}

static bool try_to_connect(struct mei *mei, int64_t deadline_ms)
{
    const struct mei_settings *settings = &mei->settings;
    uint32_t message_max = 0;
    bool connected;
    int why;

    mei->fd = open(settings->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (mei->fd >= 0) {
        connected = connect_client_by_driver(mei->fd, settings->guid, &message_max);
    } else if (errno == ENXIO) { /* so open(2) calls a socket */
        mei->fd = open_socket(settings->path);
        connected =
            mei->fd >= 0 && connect_client_by_packet(mei->fd, settings->guid, &message_max, deadline_ms);
    } else {
        return false;
    }
    if (connected) {
        mei->message_max_bytes = message_max < MESSAGE_MAX_BYTES ? message_max : MESSAGE_MAX_BYTES;
        return true;
    }
    why = errno;
    disconnect(mei);
    errno = why;
    return false;
}

static bool connect_failed(const struct mei *mei, int why, struct error *err)
{
    const char *path = mei->settings.path, *client = mei->settings.client;

    switch (why) {
    case ENOENT:
    case ENXIO:
        return error_because(err, REASON_NO_HOST_INTERFACE,
                             "there is no %s: no management engine in this computer, or its driver is not "
                             "loaded (modprobe mei_me)",
                             path);
    case EACCES:
    case EPERM:
        return error_set(err, ERROR_REFUSED,
                         "%s may not be opened by this user; be root, or in the group that owns it", path);
    case ENOTTY:
        return error_because(
            err, REASON_NO_AMT,
            "the management engine at %s has no client for %s: not there, or switched off in "
            "the firmware's menu",
            path, client);
    case EBUSY:
        return error_because(err, REASON_FIRMWARE_BUSY,
                             "another program holds %s at %s; stop it, or try again later", client, path);
    case ENODEV:
        return error_because(err, REASON_FIRMWARE_BUSY,
                             "the management engine at %s is being reset and does not come back; try again "
                             "later",
                             path);
    case ETIMEDOUT:
        return error_because(err, REASON_TIMEOUT, "the management engine at %s does not answer", path);
    default:
        return error_set(err, ERROR_INTERNAL, "cannot use %s: %s", path, strerror(why));
    }
}

/* Nothing tells when another program lets go or the engine is back, so both are asked for again. */
static bool connect_until(struct mei *mei, int64_t deadline_ms, struct error *err)
{
    for (int try = 1; !try_to_connect(mei, deadline_ms); try++) {
        int why = errno, wait_ms = why == EBUSY ? BUSY_WAIT_MS *
        try : RESET_WAIT_MS
            ;

        if ((why != EBUSY && why != ENODEV) || left_ms(deadline_ms) <= wait_ms)
            return connect_failed(mei, why, err);
        poll(NULL, 0, wait_ms);
    }
    if (mei->message_max_bytes >= MESSAGE_MIN_BYTES)
        return true;
    disconnect(mei);
    return error_because(err, REASON_MALFORMED_REPLY,
                         "the management engine at %s takes messages of %zu bytes for %s; that is too short "
                         "for any",
                         mei->settings.path, mei->message_max_bytes, mei->settings.client);
}

bool mei_open(struct mei **mei, const struct mei_settings *settings, struct error *err)
{
    AUTO(mei_close) struct mei *opening = allocate(sizeof(*opening));

    opening->settings = *settings;
    opening->fd = -1;
    opening->buffer = allocate(MESSAGE_MAX_BYTES);
    if (!connect_until(opening, clock_monotonic_ms() + settings->timeout_ms, err))
        return false;
    *mei = TAKE(opening);
    return true;
}

void mei_close(struct mei **mei)
{
    struct mei *closing = *mei;

    if (!closing)
        return;
    disconnect(closing);
    free(closing->buffer);
    free(closing);
    *mei = NULL;
}

/* ---- exchanging ---- */

static bool send_request(struct mei *mei, const void *request, size_t length, int64_t deadline_ms)
{
    ssize_t written;

    do {
        if (!wait_for(mei->fd, POLLOUT, deadline_ms))
            return false;
        written = write(mei->fd, request, length);
    } while (written < 0 && (errno == EINTR || errno == EAGAIN));
    if (written >= 0 && (size_t)written != length)
        errno = EIO;
    return written == (ssize_t)length;
}

static bool receive_reply(struct mei *mei, size_t *length, int64_t deadline_ms)
{
    ssize_t got;

    do {
        if (!wait_for(mei->fd, POLLIN, deadline_ms))
            return false;
        got = read(mei->fd, mei->buffer, mei->message_max_bytes);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (got == 0)
        errno = ENODEV;
    *length = got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool exchange_failed(struct mei *mei, int why, struct error *err)
{
    disconnect(mei); /* a late reply must not be taken for that to the next request */
    if (why == ETIMEDOUT)
        return error_because(err, REASON_TIMEOUT, "%s at %s does not answer", mei->settings.client,
                             mei->settings.path);
    if (why == ENODEV || why == EPIPE || why == ECONNRESET)
        return error_because(err, REASON_CONNECTION_LOST,
                             "the management engine at %s was reset while it was asked", mei->settings.path);
    return error_set(err, ERROR_INTERNAL, "cannot talk to %s at %s: %s", mei->settings.client,
                     mei->settings.path, strerror(why));
}

bool mei_exchange(struct mei *mei, const void *request, size_t length, const uint8_t **reply,
                  size_t *reply_length, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + mei->settings.timeout_ms;
    size_t received;

    if (mei->fd < 0 && !connect_until(mei, deadline_ms, err))
        return false;
    if (length > mei->message_max_bytes)
        return error_set(err, ERROR_INTERNAL, "a message of %zu bytes for %s; its longest is %zu", length,
                         mei->settings.client, mei->message_max_bytes);
    if (!send_request(mei, request, length, deadline_ms) || !receive_reply(mei, &received, deadline_ms))
        return exchange_failed(mei, errno, err);
    *reply = mei->buffer;
    *reply_length = received;
    return true;
}
