#include "mei_socket.h"

#include "mei_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8, CONNECT_ANSWER_LENGTH = 12 };

struct door { /* of one computer */
    struct mei_sockets *sockets;
    struct computer *computer;
    struct event *accepting;
    int listener;
    struct door *next;
};

struct visit { /* one connection */
    struct mei_sockets *sockets;
    struct mei_session *session;
    struct event *readable;
    int fd;
    bool connected; /* to a client of the engine */
    struct visit *next;
};

struct mei_sockets {
    struct simulator *simulator;
    char *directory;
    struct door *doors;
    struct visit *visits;
};

static void end_visit(struct visit *ending)
{
    struct visit **place = &ending->sockets->visits;

    while (*place != ending)
        place = &(*place)->next;
    *place = ending->next;
    event_free(ending->readable);
    mei_session_close(&ending->session);
    close(ending->fd);
    free(ending);
}

static void put_u32(unsigned char *out, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

static bool answer_connect(struct visit *visit, const unsigned char *packet, size_t length)
{
    unsigned char answer[CONNECT_ANSWER_LENGTH] = { 0 };
    uint32_t message_max = 0;
    int failed = length == MEI_GUID_LENGTH
                     ? mei_session_connect(visit->session, packet, &message_max, &answer[8])
                     : EINVAL;

    put_u32(answer, (uint32_t)failed);
    put_u32(answer + 4, message_max);
    visit->connected = !failed;
    return send(visit->fd, answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer) && !failed;
}

static bool answer_request(struct visit *visit, const unsigned char *packet, size_t length)
{
    const unsigned char *reply;
    size_t reply_length;

    if (mei_session_write(visit->session, packet, length))
        return false;
    switch (mei_session_read(visit->session, &reply, &reply_length)) {
    case 0:
        mei_session_taken(visit->session, reply_length);
        return send(visit->fd, reply, reply_length, MSG_NOSIGNAL) == (ssize_t)reply_length;
    case EAGAIN:
        return true;
    default:
        return false;
    }
}

static void on_packet(evutil_socket_t fd, short what, void *context)
{
    unsigned char packet[PTHI_MESSAGE_MAX + 1];
    struct visit *visit = context;
    ssize_t got = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

    (void)what;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || !(visit->connected ? answer_request : answer_connect)(visit, packet, (size_t)got))
        end_visit(visit);
}

static void on_visitor(evutil_socket_t listener, short what, void *context)
{
    struct door *door = context;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct visit *visit;

    (void)what;
    if (fd < 0)
        return;
    visit = allocate(sizeof(*visit));
    visit->sockets = door->sockets;
    visit->fd = fd;
    visit->session = mei_session_open(door->computer);
    visit->next = door->sockets->visits;
    door->sockets->visits = visit;
    visit->readable = event_new(door->sockets->simulator->base, fd, EV_READ | EV_PERSIST, on_packet, visit);
    event_add(visit->readable, NULL);
}

/* Through /proc, because a path may be longer than sun_path. */
static int listen_at(const char *directory, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int place = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listening;

    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", place, name);
    unlinkat(place, name, 0);
    listening = place >= 0 && listener >= 0 &&
                !bind(listener, (struct sockaddr *)&address, sizeof(address)) && !listen(listener, BACKLOG);
    if (place >= 0)
        close(place);
    if (!listening && listener >= 0)
        close(listener);
    return listening ? listener : -1;
}

bool mei_sockets_add(struct mei_sockets *sockets, struct computer *computer, struct error *err)
{
    int listener = listen_at(sockets->directory, computer->device->uuid_text);
    struct door *door;

    if (listener < 0)
        return error_set(err, "%s/%s: %s", sockets->directory, computer->device->uuid_text, strerror(errno));
    door = allocate(sizeof(*door));
    *door = (struct door){
        .sockets = sockets, .computer = computer, .listener = listener, .next = sockets->doors
    };
    sockets->doors = door;
    door->accepting = event_new(sockets->simulator->base, listener, EV_READ | EV_PERSIST, on_visitor, door);
    event_add(door->accepting, NULL);
    return true;
}

bool mei_sockets_open(struct mei_sockets **sockets, struct simulator *simulator, const char *directory,
                      struct error *err)
{
    struct mei_sockets *opening = allocate(sizeof(*opening));

    opening->simulator = simulator;
    opening->directory = duplicate(directory);
    for (size_t i = 0; i < simulator->count; i++)
        if (!mei_sockets_add(opening, simulator->computers[i], err)) {
            mei_sockets_close(&opening);
            return false;
        }
    *sockets = opening;
    return true;
}

static void shut(struct door *door)
{
    AUTO(free_text) char *path = allocate(strlen(door->sockets->directory) + UUID_TEXT_ROOM + 1);

    sprintf(path, "%s/%s", door->sockets->directory, door->computer->device->uuid_text);
    unlink(path);
    event_free(door->accepting);
    close(door->listener);
    free(door);
}

void mei_sockets_close(struct mei_sockets **sockets)
{
    struct mei_sockets *closing = *sockets;

    if (!closing)
        return;
    while (closing->visits)
        end_visit(closing->visits);
    while (closing->doors) {
        struct door *next = closing->doors->next;

        shut(closing->doors);
        closing->doors = next;
    }
    free(closing->directory);
    free(closing);
    *sockets = NULL;
}
