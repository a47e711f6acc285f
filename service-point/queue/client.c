#include "queue/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define HIGH_WATER_MARK        20000 /* messages each way; results of 2,000 sessions many times over */
#define RECONNECT_MS           200
#define RECONNECT_MAX_MS       5000
#define TRANSPORT_HEARTBEAT_MS 10000 /* finds a connection that died without a word */
#define OTHERS_MAX             8
#define MONITORED_EVENTS       (ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED)

struct queue_client {
    void *context, *socket, *monitor; /* the monitor tells what becomes of the socket's connection */
    unsigned monitors;                /* made so far: each has a name of its own */
    void *home, *home_monitor;        /* a second connection, to the first choice, that is tried */
    struct site_list sites;
    size_t first, current; /* indices into sites */
    struct curve_key_pair key;
};

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_key(void *socket, int option, const char *key)
{
    return zmq_setsockopt(socket, option, key, CURVE_KEY_SIZE) == 0;
}

static bool set_options(const struct queue_client *client, void *socket, const struct site_address *site)
{
    const int64_t largest = MESSAGE_MAX_BYTES;

    return set_key(socket, ZMQ_CURVE_SERVERKEY, site->public_key) &&
           set_key(socket, ZMQ_CURVE_PUBLICKEY, client->key.public_key) &&
           set_key(socket, ZMQ_CURVE_SECRETKEY, secret_reveal(client->key.secret_key)) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0 &&
           set_number(socket, ZMQ_IMMEDIATE, 1) /* only an established connection takes messages */ &&
           set_number(socket, ZMQ_LINGER, 0) && set_number(socket, ZMQ_SNDHWM, HIGH_WATER_MARK) &&
           set_number(socket, ZMQ_RCVHWM, HIGH_WATER_MARK) &&
           set_number(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set_number(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
           set_number(socket, ZMQ_HEARTBEAT_IVL, TRANSPORT_HEARTBEAT_MS) &&
           set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, 3 * TRANSPORT_HEARTBEAT_MS) &&
           set_number(socket, ZMQ_IPV6, 1);
}

/* True when a monitor told anything. An event is two frames: what and whose. */
static bool drain(void *monitor)
{
    bool told = false;
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, monitor, ZMQ_DONTWAIT) >= 0)
        told = true;
    zmq_msg_close(&frame);
    return told;
}

static void disconnect(void **socket, void **monitor)
{
    if (*socket) {
        zmq_socket_monitor(*socket, NULL, 0);
        zmq_close(*socket);
    }
    if (*monitor)
        zmq_close(*monitor);
    *socket = *monitor = NULL;
}

static bool open_monitor(struct queue_client *client, void *socket, int events, void **monitor)
{
    char name[32];

    snprintf(name, sizeof(name), "inproc://monitor-%u", client->monitors++);
    *monitor = zmq_socket(client->context, ZMQ_PAIR);
    return *monitor && set_number(*monitor, ZMQ_LINGER, 0) && zmq_socket_monitor(socket, name, events) == 0 &&
           zmq_connect(*monitor, name) == 0;
}

static bool connect_to(struct queue_client *client, size_t site, int events, void **socket, void **monitor,
                       struct error *err)
{
    const struct site_address *address = &client->sites.items[site];

    disconnect(socket, monitor);
    *socket = zmq_socket(client->context, ZMQ_DEALER);
    if (!*socket)
        return error_set(err, ERROR_INTERNAL, "queue: no socket: %s", zmq_strerror(errno));
    if (!set_options(client, *socket, address) || !open_monitor(client, *socket, events, monitor) ||
        zmq_connect(*socket, address->endpoint) != 0)
        return error_set(err, ERROR_INPUT, "site.endpoint: cannot use \"%s\": %s", address->endpoint,
                         zmq_strerror(errno));
    return true;
}

static bool connect_to_current(struct queue_client *client, struct error *err)
{
    queue_client_stay(client);
    return connect_to(client, client->current, MONITORED_EVENTS, &client->socket, &client->monitor, err);
}

bool queue_client_reconnect(struct queue_client *client, struct error *err)
{
    client->current = (client->current + 1) % client->sites.count;
    return connect_to_current(client, err);
}

const char *queue_client_endpoint(const struct queue_client *client)
{
    return client->sites.items[client->current].endpoint;
}

bool queue_client_at_home(const struct queue_client *client)
{
    return client->current == client->first;
}

bool queue_client_look_home(struct queue_client *client, struct error *err)
{
    return connect_to(client, client->first, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &client->home,
                      &client->home_monitor, err);
}

void queue_client_stay(struct queue_client *client)
{
    disconnect(&client->home, &client->home_monitor);
}

/* CURVE's handshake is the other program's doing: one that stands still does not get so far. */
bool queue_client_go_home(struct queue_client *client, bool *went, struct error *err)
{
    *went = client->home_monitor && drain(client->home_monitor);
    if (!*went)
        return true;
    disconnect(&client->socket, &client->monitor);
    zmq_socket_monitor(client->home, NULL, 0);
    zmq_close(client->home_monitor);
    client->socket = client->home;
    client->home = client->home_monitor = NULL;
    client->current = client->first;
    return open_monitor(client, client->socket, MONITORED_EVENTS, &client->monitor) ||
           error_set(err, ERROR_INTERNAL, "queue: cannot watch the connection: %s", zmq_strerror(errno));
}

static void copy_sites(struct site_list *to, const struct site_list *from)
{
    to->items = allocate(from->count * sizeof(*to->items));
    for (to->count = 0; to->count < from->count; to->count++) {
        to->items[to->count] = from->items[to->count];
        to->items[to->count].endpoint = text_copy(from->items[to->count].endpoint);
    }
}

bool queue_client_open(struct queue_client **client, const struct queue_client_settings *settings,
                       struct error *err)
{
    AUTO(queue_client_close) struct queue_client *opening = allocate(sizeof(*opening));

    copy_sites(&opening->sites, settings->sites);
    opening->current = opening->first = settings->first;
    if (!curve_key_read(settings->key_file, &opening->key, err))
        return error_during(err, "queue.key_file");
    opening->context = zmq_ctx_new();
    if (!opening->context)
        return error_set(err, ERROR_INTERNAL, "queue: no context: %s", zmq_strerror(errno));
    if (!connect_to_current(opening, err))
        return false;
    *client = TAKE(opening);
    return true;
}

void queue_client_close(struct queue_client **client)
{
    struct queue_client *closing = *client;

    if (!closing)
        return;
    queue_client_stay(closing);
    disconnect(&closing->socket, &closing->monitor);
    if (closing->context)
        zmq_ctx_term(closing->context);
    curve_key_clear(&closing->key);
    site_list_clear(&closing->sites);
    free(closing);
    *client = NULL;
}

bool queue_client_poll(struct queue_client *client, struct pollfd *others, size_t count, int timeout_ms,
                       bool *readable, struct error *err)
{
    zmq_pollitem_t items[3 + OTHERS_MAX] = { { .socket = client->socket, .events = ZMQ_POLLIN },
                                             { .socket = client->monitor, .events = ZMQ_POLLIN } };
    size_t own = 2;

    if (count > OTHERS_MAX)
        return error_set(err, ERROR_INTERNAL, "queue: %zu descriptors to poll; at most %d are taken", count,
                         OTHERS_MAX);
    if (client->home_monitor)
        items[own++] = (zmq_pollitem_t){ .socket = client->home_monitor, .events = ZMQ_POLLIN };
    for (size_t i = 0; i < count; i++)
        items[own + i] = (zmq_pollitem_t){ .fd = others[i].fd, .events = ZMQ_POLLIN };
    if (zmq_poll(items, (int)(own + count), timeout_ms) < 0 && errno != EINTR)
        return error_set(err, ERROR_INTERNAL, "queue: cannot poll: %s", zmq_strerror(errno));
    *readable = (items[0].revents | items[1].revents) & ZMQ_POLLIN;
    for (size_t i = 0; i < count; i++)
        others[i].revents = items[own + i].revents & ZMQ_POLLIN ? POLLIN : 0;
    return true;
}

/* Only events that mean "no connection" are asked for. */
bool queue_client_broke(struct queue_client *client)
{
    return drain(client->monitor);
}

bool queue_client_send(struct queue_client *client, const struct message *message)
{
    struct bytes bytes = { 0 };
    bool sent;

    message_write(message, &bytes);
    sent = bytes.length <= MESSAGE_MAX_BYTES &&
           zmq_send(client->socket, bytes.data, bytes.length, ZMQ_DONTWAIT) >= 0;
    message_bytes_free(&bytes);
    return sent;
}

/* A dialogue message is one frame; whatever follows it in the same ZeroMQ message is read and thrown away. */
static void skip_further_frames(void *socket, zmq_msg_t *frame)
{
    while (zmq_msg_more(frame) && zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0)
        ;
}

enum received queue_client_receive(struct queue_client *client, struct message *message, struct error *err)
{
    enum received received = RECEIVED_MALFORMED;
    struct envelope envelope = { 0 };
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, client->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        return RECEIVED_NOTHING;
    }
    if (zmq_msg_more(&frame)) {
        skip_further_frames(client->socket, &frame);
        error_set(err, ERROR_PROTOCOL, "a message of several frames; the dialogue has one frame a message");
    } else if (envelope_read(zmq_msg_data(&frame), zmq_msg_size(&frame), &envelope, err) &&
               message_read(&envelope, message, err)) {
        received = RECEIVED_MESSAGE;
    }
    envelope_free(&envelope);
    secret_wipe(zmq_msg_data(&frame), zmq_msg_size(&frame)); /* offers hold passwords */
    zmq_msg_close(&frame);
    return received;
}

const char *queue_client_public_key(const struct queue_client *client)
{
    return client->key.public_key;
}

bool queue_key_generate(struct curve_key_pair *pair, struct error *err)
{
    char public_key[CURVE_KEY_SIZE], secret_key[CURVE_KEY_SIZE];

    do {
        if (zmq_curve_keypair(public_key, secret_key) != 0)
            return error_set(err, ERROR_INTERNAL,
                             "cannot make a CURVE key pair: %s; libzmq must be built with CURVE",
                             zmq_strerror(errno));
    } while (public_key[0] == '-'); /* on a command line that would be an option */
    memcpy(pair->public_key, public_key, CURVE_KEY_SIZE);
    pair->secret_key = secret_from_text(secret_key);
    secret_wipe(secret_key, sizeof(secret_key));
    return true;
}
