#include "connection_parts.h"
#include "tls.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECOND_SETUP_GRACE_MS = 30 };

/* ---- ending ---- */

void connection_cut(struct connection *connection)
{
    struct connection **place = &connection->computer->connections;

    while (*place != connection)
        place = &(*place)->next;
    *place = connection->next;
    if (connection->timer)
        event_free(connection->timer);
    bufferevent_free(connection->bufferevent);
    http_request_release(&connection->request);
    text_release(&connection->dripping);
    text_release(&connection->negotiated);
    answer_release(&connection->withheld);
    free(connection);
}

/* Ends without an answer what a request did; the firmware restarts all the same where it was to. */
void connection_lose(struct connection *connection)
{
    struct computer *computer = connection->computer;
    enum after_answer after = connection->withheld.after;

    connection_cut(connection);
    if (after == AFTER_RESTART)
        computer_restart(computer);
    else if (after == AFTER_CLOSE)
        computer_close(computer);
}

static void close_politely(struct connection *connection)
{
    if (connection->session && connection->handshaken) {
        SSL_shutdown(connection->session);
        ERR_clear_error();
    }
    connection_cut(connection);
}

void connection_reset(struct connection *connection)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(bufferevent_getfd(connection->bufferevent), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    connection_cut(connection);
}

void connection_wait_ms(struct connection *connection, unsigned ms, event_callback_fn callback)
{
    struct timeval pause = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    if (connection->timer)
        event_free(connection->timer);
    connection->timer = evtimer_new(connection->computer->simulator->base, callback, connection);
    evtimer_add(connection->timer, &pause);
}

static void read_on(struct connection *connection);

static void answer_sent(struct connection *connection)
{
    struct computer *computer = connection->computer;

    if (connection->power_fails) {
        connection_cut(connection);
        computer_power_cycle(computer);
        return;
    }
    switch (connection->after) {
    case AFTER_RESTART:
        close_politely(connection);
        computer_restart(computer);
        return;
    case AFTER_CLOSE:
        close_politely(connection);
        computer_close(computer);
        return;
    case AFTER_NOTHING:
        break;
    }
    if (connection->close_after) {
        close_politely(connection);
        return;
    }
    connection->state = CONNECTION_READING;
    read_on(connection);
}

/* ---- events ---- */

/* What a test wants to see with the eyes of the device. */
static void write_down(const struct device *device, const char *bytes, size_t length)
{
    FILE *file = device->transcript ? fopen(device->transcript, "a") : NULL;

    if (!file)
        return;
    fwrite(bytes, 1, length, file);
    fclose(file);
}

static void read_on(struct connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->bufferevent);
    size_t length = evbuffer_get_length(input), used = 0;
    const char *bytes = length ? (const char *)evbuffer_pullup(input, -1) : "";
    struct error err = { 0 };

    switch (length ? http_request_read(bytes, length, &connection->request, &used, &err) : HTTP_INCOMPLETE) {
    case HTTP_INCOMPLETE:
        return;
    case HTTP_BROKEN:
        evbuffer_drain(input, length);
        connection_answer_bad_request(connection);
        return;
    case HTTP_COMPLETE:
        write_down(device_of(connection), bytes, used);
        evbuffer_drain(input, used);
        if (length > used) /* pipelined: the firmware takes one request at a time */
            connection_cut(connection);
        else
            connection_begin(connection);
    }
}

static void on_read(struct bufferevent *bufferevent, void *context)
{
    static const unsigned char handshake_failure[] = { 0x15, 3, 1, 0, 2, 2, 40 };
    struct connection *connection = context;

    switch (connection->state) {
    case CONNECTION_READING:
        read_on(connection);
        break;
    case CONNECTION_REFUSING:
        evbuffer_drain(bufferevent_get_input(bufferevent), SIZE_MAX);
        connection->close_after = true;
        connection->state = CONNECTION_ANSWERING;
        bufferevent_write(bufferevent, handshake_failure, sizeof(handshake_failure));
        break;
    case CONNECTION_WORKING:
    case CONNECTION_ANSWERING:
        connection_cut(connection);
        break;
    case CONNECTION_HELD:
        connection_lose(connection);
        break;
    case CONNECTION_STALLED:
        break;
    }
}

static void on_written(struct bufferevent *bufferevent, void *context)
{
    struct connection *connection = context;
    bool all = !evbuffer_get_length(bufferevent_get_output(bufferevent)); /* not of before the answer */

    if (connection->state == CONNECTION_ANSWERING && !connection->dripping.bytes && all)
        answer_sent(connection);
}

static void on_event(struct bufferevent *bufferevent, short what, void *context)
{
    struct connection *connection = context;
    struct counters *counters = &device_of(connection)->counters;

    (void)bufferevent;
    if (what & BEV_EVENT_CONNECTED) {
        connection->handshaken = true;
        counters->tls_accepted++;
        counters->tls_resumed += SSL_session_reused(connection->session) == 1;
        return;
    }
    if (connection->session && !connection->handshaken)
        counters->tls_failed++;
    ERR_clear_error();
    connection_lose(connection);
}

static void open_connection(struct computer *computer, evutil_socket_t socket, bool tls)
{
    struct event_base *base = computer->simulator->base;
    struct timeval limit = { .tv_sec = IDLE_LIMIT_S };
    struct connection *connection;
    struct error err = { 0 };
    SSL *session = NULL;
    bool refuse = tls && misbehaviour_due(computer->device->misbehaviours, MISBEHAVIOUR_REFUSE_TLS, NULL);

    if (tls && !refuse) {
        session = tls_session(computer->device, &err);
        if (!session) {
            fprintf(stderr, "amt-simulator: %s\n", err.message);
            close(socket);
            return;
        }
    }
    connection = allocate(sizeof(*connection));
    connection->computer = computer;
    connection->session = session;
    connection->state = refuse ? CONNECTION_REFUSING : CONNECTION_READING;
    connection->bufferevent =
        session ? bufferevent_openssl_socket_new(base, socket, session, BUFFEREVENT_SSL_ACCEPTING,
                                                 BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)
                : bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    connection->next = computer->connections;
    computer->connections = connection;
    if (session)
        bufferevent_openssl_set_allow_dirty_shutdown(connection->bufferevent, 1);
    bufferevent_setcb(connection->bufferevent, on_read, on_written, on_event, connection);
    bufferevent_set_timeouts(connection->bufferevent, &limit, &limit);
    bufferevent_enable(connection->bufferevent, EV_READ | EV_WRITE);
}

void connections_drop(struct computer *computer)
{
    struct connection *each = computer->connections, *next;

    for (; each; each = next) {
        next = each->next;
        if (each->state != CONNECTION_HELD) /* which may restart the computer, and end all of them */
            connection_cut(each);
    }
    connections_lose_held(computer);
}

void connections_freeze(struct computer *computer, bool frozen)
{
    for (struct connection *each = computer->connections; each; each = each->next) {
        if (frozen)
            bufferevent_disable(each->bufferevent, EV_READ | EV_WRITE);
        else
            bufferevent_enable(each->bufferevent, EV_READ | EV_WRITE);
    }
}

struct waiting {
    struct computer *computer;
    evutil_socket_t socket;
};

static void on_grace_over(evutil_socket_t unused, short what, void *context)
{
    struct waiting *waiting = context;

    (void)unused;
    (void)what;
    if (waiting->computer->connections || !waiting->computer->tls_listener) {
        waiting->computer->device->counters.refused_connections++;
        close(waiting->socket);
    } else {
        open_connection(waiting->computer, waiting->socket, true);
    }
    free(waiting);
}

void connection_accept(struct computer *computer, evutil_socket_t socket, bool tls)
{
    const struct timeval grace = { .tv_usec = SECOND_SETUP_GRACE_MS * 1000 };
    struct waiting *waiting;

    computer->device->counters.connections++;
    if (!tls || !computer->connections || computer->device->state != STATE_IN ||
        !computer->device->switches.one_setup_connection) {
        open_connection(computer, socket, tls);
        return;
    }
    /* The end of the first connection may be waiting in the same turn of the event loop. */
    waiting = allocate(sizeof(*waiting));
    *waiting = (struct waiting){ computer, socket };
    event_base_once(computer->simulator->base, -1, EV_TIMEOUT, on_grace_over, waiting, &grace);
}
