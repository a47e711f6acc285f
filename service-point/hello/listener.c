#include "hello/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#define BACKLOG           4096
#define ACCEPTS_A_TURN    256
#define EVENTS_A_TURN     256
#define FIRST_BUFFER      1024 /* 24 SHA-256 records need 841 */
#define ACCEPT_PAUSE_MS   100  /* when the process has no descriptor left */
#define LOG_INTERVAL_MS   10000
#define ADDRESS_TEXT_SIZE (INET6_ADDRSTRLEN + 8)

enum drop { /* why a connection gave no message; after the reasons of hello_parse() */
            DROP_TOO_LONG = HELLO_RESULT_COUNT,
            DROP_TOO_SLOW,
            DROP_EMPTY,
            DROP_CROWDED_OUT,
            DROP_NO_DESCRIPTOR,
            COUNTER_CONNECTIONS,
            COUNTER_COUNT,
};

static const struct {
    const char *counter, *meaning;
} drops[COUNTER_COUNT] = {
    [HELLO_TAKEN] = { "hello.taken", NULL },
    [HELLO_TOO_SHORT] = { "hello.too-short", NULL },
    [HELLO_PSK] = { "hello.psk", NULL },
    [HELLO_WRONG_VERSION] = { "hello.wrong-version", NULL },
    [HELLO_BAD_CREDENTIALS_WORD] = { "hello.bad-credentials-word", NULL },
    [HELLO_UNKNOWN_ALGORITHM] = { "hello.unknown-algorithm", NULL },
    [HELLO_BAD_HASH_LENGTH] = { "hello.bad-hash-length", NULL },
    [HELLO_DUMMY_UUID] = { "hello.dummy-uuid", NULL },
    [DROP_TOO_LONG] = { "hello.too-long", "is longer than any Hello" },
    [DROP_TOO_SLOW] = { "hello.too-slow", "was not complete in time" },
    [DROP_EMPTY] = { "hello.empty", "the connection carried nothing" },
    [DROP_CROWDED_OUT] = { "hello.crowded-out", "gave way to newer connections before it was complete" },
    [DROP_NO_DESCRIPTOR] = { "hello.no-descriptor", "the process has no file descriptor left" },
    [COUNTER_CONNECTIONS] = { "hello.connections", NULL },
};

struct sender {
    TAILQ_ENTRY(sender) by_age;
    int fd;
    int64_t deadline_ms;
    char address[ADDRESS_TEXT_SIZE];
    uint8_t *buffer;
    size_t length, capacity;
};

struct hello_listener {
    int epoll_fd, listen_fd;
    struct hello_listener_settings settings; /* listen is not kept */
    hello_sink *sink;
    void *context;
    TAILQ_HEAD(, sender) senders; /* oldest first, so by deadline too */
    size_t sender_count;
    int64_t accept_again_ms; /* 0: accepting */
    uint64_t counters[COUNTER_COUNT];
    struct log_limit limits[COUNTER_COUNT];
    char address[ADDRESS_TEXT_SIZE];
    struct hello_message hello; /* the one being parsed: too large for the stack of a turn */
};

static void log_drop(struct hello_listener *listener, int why, const char *address, const struct uuid *uuid,
                     int64_t now_ms)
{
    int64_t suppressed;
    char device[UUID_TEXT_SIZE] = "";

    listener->counters[why]++;
    if (!log_limit_passes(&listener->limits[why], now_ms, &suppressed))
        return;
    if (uuid)
        uuid_text(uuid, device);
    log_warning("hello dropped", log_text("address", address), log_text("device", device),
                log_text("reason", drops[why].counter + strlen("hello.")),
                log_text("why", why < HELLO_RESULT_COUNT ? hello_result_meaning((enum hello_result)why)
                                                         : drops[why].meaning),
                log_number("not_shown", suppressed));
}

static void sender_forget(struct hello_listener *listener, struct sender *sender)
{
    TAILQ_REMOVE(&listener->senders, sender, by_age);
    listener->sender_count--;
    close(sender->fd); /* leaves the epoll set with it */
    free(sender->buffer);
    free(sender);
}

/* Ends a connection for this reason; a message that is complete by its own lengths counts all the same. */
static void sender_finish(struct hello_listener *listener, struct sender *sender, int why, int64_t now_ms)
{
    enum hello_result result = hello_parse(sender->buffer, sender->length, &listener->hello);
    const struct uuid *uuid =
        result == HELLO_PSK || result == HELLO_DUMMY_UUID ? &listener->hello.uuid : NULL;

    if (result == HELLO_TAKEN) {
        listener->counters[HELLO_TAKEN]++;
        listener->sink(listener->context, &listener->hello, sender->address);
    } else if (result == HELLO_TOO_SHORT) {
        log_drop(listener, why, sender->address, NULL, now_ms);
    } else {
        log_drop(listener, (int)result, sender->address, uuid, now_ms);
    }
    sender_forget(listener, sender);
}

static void sender_read(struct hello_listener *listener, struct sender *sender, int64_t now_ms)
{
    for (;;) {
        ssize_t got;

        if (sender->length == sender->capacity) {
            if (sender->length == HELLO_MAX_BYTES) {
                sender_finish(listener, sender, DROP_TOO_LONG, now_ms);
                return;
            }
            sender->capacity = sender->capacity ? sender->capacity * 4 : FIRST_BUFFER;
            if (sender->capacity > HELLO_MAX_BYTES)
                sender->capacity = HELLO_MAX_BYTES;
            sender->buffer = reallocate(sender->buffer, sender->capacity, 1);
        }
        got = recv(sender->fd, sender->buffer + sender->length, sender->capacity - sender->length, 0);
        if (got > 0) {
            sender->length += (size_t)got;
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        sender_finish(listener, sender, sender->length ? HELLO_TOO_SHORT : DROP_EMPTY, now_ms);
        return;
    }
}

/* IPv4 addresses that came in over an IPv6 socket are shown, and used, as IPv4. */
static void address_text(const struct sockaddr_storage *address, char *out)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    struct in_addr four;

    if (address->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, ADDRESS_TEXT_SIZE);
    } else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        memcpy(&four, six->sin6_addr.s6_addr + 12, sizeof(four));
        inet_ntop(AF_INET, &four, out, ADDRESS_TEXT_SIZE);
    } else {
        inet_ntop(AF_INET6, &six->sin6_addr, out, ADDRESS_TEXT_SIZE);
    }
}

static void sender_add(struct hello_listener *listener, int fd, const struct sockaddr_storage *address,
                       int64_t now_ms)
{
    struct sender *sender = allocate(sizeof(*sender));
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = sender };

    sender->fd = fd;
    sender->deadline_ms = now_ms + listener->settings.receive_timeout_ms;
    address_text(address, sender->address);
    TAILQ_INSERT_TAIL(&listener->senders, sender, by_age);
    listener->sender_count++;
    listener->counters[COUNTER_CONNECTIONS]++;
    if (epoll_ctl(listener->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        sender_finish(listener, sender, DROP_NO_DESCRIPTOR, now_ms);
}

static bool watch_listener(struct hello_listener *listener, int operation)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

    return epoll_ctl(listener->epoll_fd, operation, listener->listen_fd, &event) == 0;
}

static void pause_accepting(struct hello_listener *listener, int64_t now_ms)
{
    log_drop(listener, DROP_NO_DESCRIPTOR, "", NULL, now_ms);
    if (watch_listener(listener, EPOLL_CTL_DEL))
        listener->accept_again_ms = now_ms + ACCEPT_PAUSE_MS;
}

static void accept_senders(struct hello_listener *listener, int64_t now_ms)
{
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage address;
        socklen_t length = sizeof(address);
        int fd =
            accept4(listener->listen_fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(listener, now_ms);
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        if (listener->sender_count >= listener->settings.connections_max)
            sender_finish(listener, TAILQ_FIRST(&listener->senders), DROP_CROWDED_OUT, now_ms);
        sender_add(listener, fd, &address, now_ms);
    }
}

static void end_overdue(struct hello_listener *listener, int64_t now_ms)
{
    struct sender *oldest;

    while ((oldest = TAILQ_FIRST(&listener->senders)) && oldest->deadline_ms <= now_ms)
        sender_finish(listener, oldest, oldest->length ? DROP_TOO_SLOW : DROP_EMPTY, now_ms);
    if (listener->accept_again_ms && listener->accept_again_ms <= now_ms &&
        watch_listener(listener, EPOLL_CTL_ADD))
        listener->accept_again_ms = 0;
}

void hello_listener_turn(struct hello_listener *listener, int64_t now_ms)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(listener->epoll_fd, events, EVENTS_A_TURN, 0);
    bool accepting = false;

    /* Accepting may end old connections, which must not happen while their events are still to be read. */
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            sender_read(listener, events[i].data.ptr, now_ms);
        else
            accepting = true;
    }
    if (accepting)
        accept_senders(listener, now_ms);
    end_overdue(listener, now_ms);
}

int64_t hello_listener_due_ms(const struct hello_listener *listener)
{
    const struct sender *oldest = TAILQ_FIRST(&listener->senders);
    int64_t due_ms = oldest ? oldest->deadline_ms : INT64_MAX;

    if (listener->accept_again_ms && listener->accept_again_ms < due_ms)
        due_ms = listener->accept_again_ms;
    return due_ms;
}

int hello_listener_fd(const struct hello_listener *listener)
{
    return listener->epoll_fd;
}

const char *hello_listener_address(const struct hello_listener *listener)
{
    return listener->address;
}

bool hello_listener_counter(const struct hello_listener *listener, size_t index, const char **name,
                            uint64_t *value)
{
    if (index >= COUNTER_COUNT)
        return false;
    *name = drops[index].counter;
    *value = listener->counters[index];
    return true;
}

/* "host:port" or "[host]:port" into its parts; host is written into out. */
static bool split_address(const char *listen, char *host, size_t host_size, const char **port)
{
    const char *colon = strrchr(listen, ':');
    const char *first = listen, *end = colon;

    if (!colon || colon[1] == '\0')
        return false;
    if (*first == '[') {
        first++;
        if (end == first || end[-1] != ']')
            return false;
        end--;
    }
    if ((size_t)(end - first) >= host_size)
        return false;
    memcpy(host, first, (size_t)(end - first));
    host[end - first] = '\0';
    *port = colon + 1;
    return true;
}

static void addresses_free(struct addrinfo **addresses)
{
    if (*addresses)
        freeaddrinfo(*addresses);
    *addresses = NULL;
}

static bool bind_listener(struct hello_listener *listener, const char *listen_at, struct error *err)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                    .ai_socktype = SOCK_STREAM };
    AUTO(addresses_free) struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t bound_length = sizeof(bound);
    char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 2], number[8];
    const char *port;
    const int on = 1, off = 0;

    if (!split_address(listen_at, host, sizeof(host), &port) || getaddrinfo(host, port, &hints, &found) != 0)
        return error_set(err, ERROR_INPUT, "hello.listen: \"%s\" is not ADDRESS:PORT with a numeric address",
                         listen_at);
    listener->listen_fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->listen_fd < 0)
        return error_set(err, ERROR_INTERNAL, "hello.listen: no socket: %s", strerror(errno));
    setsockopt(listener->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (found->ai_family == AF_INET6)
        setsockopt(listener->listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(listener->listen_fd, found->ai_addr, found->ai_addrlen) != 0 ||
        listen(listener->listen_fd, BACKLOG) != 0)
        return error_set(err, ERROR_INTERNAL,
                         "hello.listen: cannot listen on %s: %s; see which program holds it: ss -ltnp",
                         listen_at, strerror(errno));
    if (getsockname(listener->listen_fd, (struct sockaddr *)&bound, &bound_length) != 0 ||
        getnameinfo((struct sockaddr *)&bound, bound_length, text, sizeof(text), number, sizeof(number),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return error_set(err, ERROR_INTERNAL, "hello.listen: cannot read the bound address of %s", listen_at);
    snprintf(listener->address, sizeof(listener->address), strchr(text, ':') ? "[%s]:%s" : "%s:%s", text,
             number);
    return true;
}

bool hello_listener_open(struct hello_listener **listener, const struct hello_listener_settings *settings,
                         hello_sink *sink, void *context, struct error *err)
{
    AUTO(hello_listener_close) struct hello_listener *opening = allocate(sizeof(*opening));

    TAILQ_INIT(&opening->senders);
    opening->listen_fd = -1;
    opening->settings = *settings;
    opening->settings.listen = NULL;
    opening->sink = sink;
    opening->context = context;
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        opening->limits[i].interval_ms = LOG_INTERVAL_MS;
    opening->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (opening->epoll_fd < 0)
        return error_set(err, ERROR_INTERNAL, "hello.listen: no epoll instance: %s", strerror(errno));
    if (!bind_listener(opening, settings->listen, err))
        return false;
    if (!watch_listener(opening, EPOLL_CTL_ADD))
        return error_set(err, ERROR_INTERNAL, "hello.listen: cannot watch the socket: %s", strerror(errno));
    *listener = TAKE(opening);
    return true;
}

void hello_listener_close(struct hello_listener **listener)
{
    struct hello_listener *closing = *listener;

    if (!closing)
        return;
    while (!TAILQ_EMPTY(&closing->senders))
        sender_forget(closing, TAILQ_FIRST(&closing->senders));
    if (closing->listen_fd >= 0)
        close(closing->listen_fd);
    if (closing->epoll_fd >= 0)
        close(closing->epoll_fd);
    free(closing);
    *listener = NULL;
}
