#include "queue/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/message.h"
#include "queue/address.h"

#define CLOSE_LINGER_MS   1000
#define PEER_HEARTBEAT_MS 20000 /* of the transport: a peer that vanished without a word is forgotten */
#define PEER_TIMEOUT_MS   60000
/* Also how soon a refused peer tries again: libzmq lets the connection of a "temporarily" refused one time
 * out. */
#define HANDSHAKE_MS    3000
#define MONITOR_ADDRESS "inproc://endpoint.monitor"
#define MONITORED_EVENTS                                                                                     \
    (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |                  \
     ZMQ_EVENT_DISCONNECTED)
/*
 * libzmq hangs up on a peer that sends more than its limit, without a word. It is set above ours, so that a
 * peer whose message is a little too large gets an answer.
 */
#define TRANSPORT_TIMES_MESSAGE 2

struct endpoint {
    void *context, *router, *monitor;
    char address[256];
    size_t message_max;
    int *handshaking; /* descriptors of connections whose handshake is not decided, oldest first */
    size_t handshaking_count, connections;
    uint64_t broken_handshakes;
};

static bool socket_failed(struct error *err, const char *what)
{
    return error_set(err, ERROR_INTERNAL, "queue: %s: %s", what, zmq_strerror(zmq_errno()));
}

bool endpoint_make_keys(struct curve_key_pair *pair, struct error *err)
{
    struct curve_key_pair made = { 0 };
    char secret_text[CURVE_KEY_SIZE];

    do {
        if (zmq_curve_keypair(made.public_key, secret_text) != 0)
            return error_set(err, ERROR_INTERNAL, "cannot make a CURVE key pair: %s",
                             zmq_strerror(zmq_errno()));
    } while (made.public_key[0] == '-'); /* on a command line that would be an option */
    made.secret_key = secret_from_text(secret_text);
    secret_wipe(secret_text, sizeof(secret_text));
    *pair = made;
    return true;
}

bool endpoint_prepare(struct endpoint **endpoint, struct error *err)
{
    AUTO(endpoint_close) struct endpoint *preparing = allocate(sizeof(*preparing));

    preparing->context = zmq_ctx_new();
    if (!preparing->context)
        return socket_failed(err, "cannot make a context");
    *endpoint = TAKE(preparing);
    return true;
}

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_options(void *router, const struct endpoint_options *options)
{
    int64_t largest =
        TRANSPORT_TIMES_MESSAGE * (int64_t)(options->message_max ? options->message_max : MESSAGE_MAX_BYTES);

    return (!options->message_max || set_number(router, ZMQ_RCVBUF, (int)largest)) &&
           set_number(router, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, secret_reveal(options->keys->secret_key),
                          CURVE_KEY_SIZE) == 0 &&
           zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, "site", 4) == 0 &&
           zmq_setsockopt(router, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0 &&
           set_number(router, ZMQ_ROUTER_MANDATORY, 1) && /* so that a lost answer is noticed */
           set_number(router, ZMQ_SNDHWM, options->high_water_mark) &&
           set_number(router, ZMQ_RCVHWM, options->high_water_mark) &&
           set_number(router, ZMQ_LINGER, CLOSE_LINGER_MS) && set_number(router, ZMQ_IPV6, 1) &&
           set_number(router, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_number(router, ZMQ_HEARTBEAT_IVL, PEER_HEARTBEAT_MS) &&
           set_number(router, ZMQ_HEARTBEAT_TIMEOUT, PEER_TIMEOUT_MS);
}

static bool open_monitor(struct endpoint *endpoint)
{
    endpoint->monitor = zmq_socket(endpoint->context, ZMQ_PAIR);
    /* Without a limit, because an event that is lost would spoil the counts for good. */
    return endpoint->monitor && set_number(endpoint->monitor, ZMQ_LINGER, 0) &&
           set_number(endpoint->monitor, ZMQ_RCVHWM, 0) &&
           zmq_socket_monitor(endpoint->router, MONITOR_ADDRESS, MONITORED_EVENTS) == 0 &&
           zmq_connect(endpoint->monitor, MONITOR_ADDRESS) == 0;
}

/* "tcp://[::ffff:127.0.0.1]:5671" is what libzmq calls an IPv4 address on a socket that could speak IPv6. */
static void unwrap_address(char *address)
{
    static const char mapped[] = "[::ffff:";
    char *begin = strstr(address, mapped), *end = strchr(address, ']');
    char *ipv4 = begin ? begin + sizeof(mapped) - 1 : NULL;

    if (!begin || !end || !memchr(ipv4, '.', (size_t)(end - ipv4)))
        return;
    memmove(end, end + 1, strlen(end + 1) + 1);
    memmove(begin, ipv4, strlen(ipv4) + 1);
}

bool endpoint_listen(struct endpoint *endpoint, const struct endpoint_options *options, struct error *err)
{
    size_t length = sizeof(endpoint->address);

    endpoint->message_max = options->message_max ? options->message_max : MESSAGE_MAX_BYTES;
    endpoint->router = zmq_socket(endpoint->context, ZMQ_ROUTER);
    if (!endpoint->router || !set_options(endpoint->router, options) || !open_monitor(endpoint))
        return socket_failed(err, "cannot set up the endpoint");
    if (zmq_bind(endpoint->router, options->address) != 0)
        return error_set(err, ERROR_INPUT, "%s: cannot listen on %s: %s",
                         options->setting ? options->setting : "queue.endpoint", options->address,
                         zmq_strerror(zmq_errno()));
    if (zmq_getsockopt(endpoint->router, ZMQ_LAST_ENDPOINT, endpoint->address, &length) != 0)
        return socket_failed(err, "cannot read the endpoint's address");
    unwrap_address(endpoint->address);
    return true;
}

void endpoint_close(struct endpoint **endpoint)
{
    struct endpoint *closing = *endpoint;

    if (!closing)
        return;
    if (closing->router) {
        zmq_socket_monitor(closing->router, NULL, 0);
        zmq_close(closing->router);
    }
    if (closing->monitor)
        zmq_close(closing->monitor);
    while (closing->context && zmq_ctx_term(closing->context) != 0 && zmq_errno() == EINTR)
        ;
    free(closing->handshaking);
    free(closing);
    *endpoint = NULL;
}

const char *endpoint_address(const struct endpoint *endpoint)
{
    return endpoint->address;
}

void *endpoint_context(const struct endpoint *endpoint)
{
    return endpoint->context;
}

void endpoint_watch(struct endpoint *endpoint, struct watch *messages, struct watch *news)
{
    *messages = (struct watch){ .socket = endpoint->router, .descriptor = -1 };
    *news = (struct watch){ .socket = endpoint->monitor, .descriptor = -1 };
}

static void frame_close(zmq_msg_t *frame)
{
    zmq_msg_close(frame);
}

static void take_properties(zmq_msg_t *frame, struct incoming *incoming)
{
    const char *key = zmq_msg_gets(frame, "User-Id");
    const char *address = zmq_msg_gets(frame, "Peer-Address");

    if (key && strlen(key) == CURVE_KEY_LENGTH)
        memcpy(incoming->peer, key, CURVE_KEY_SIZE);
    if (address)
        address_copy(address, strlen(address), incoming->address, sizeof(incoming->address));
}

/* The envelope is the one frame behind the route; what else came is read away. */
static bool take_frames(struct endpoint *endpoint, struct incoming *incoming)
{
    unsigned count = 0;
    int more = 1;

    while (more) {
        AUTO(frame_close) zmq_msg_t frame;

        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, endpoint->router, ZMQ_DONTWAIT) < 0)
            return false;
        more = zmq_msg_more(&frame);
        if (count++ > 0)
            continue;
        take_properties(&frame, incoming);
        if (zmq_msg_size(&frame) <= endpoint->message_max)
            bytes_set(&incoming->data, zmq_msg_data(&frame), zmq_msg_size(&frame));
    }
    incoming->whole = count == 1 && incoming->data.length > 0;
    return true;
}

bool endpoint_receive(struct endpoint *endpoint, enum endpoint_event *event, struct incoming *incoming,
                      struct error *err)
{
    AUTO(frame_close) zmq_msg_t frame;
    struct incoming received = { 0 };

    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, endpoint->router, ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() != EAGAIN && zmq_errno() != EINTR)
            return socket_failed(err, "cannot receive");
        *event = ENDPOINT_NOTHING;
        return true;
    }
    received.route.length = (unsigned char)zmq_msg_size(&frame); /* at most 255: ZMTP 3.1, routing id */
    memcpy(received.route.bytes, zmq_msg_data(&frame), received.route.length);
    if (!take_frames(endpoint, &received)) {
        incoming_clear(&received);
        return socket_failed(err, "cannot receive a whole message");
    }
    *incoming = received;
    *event = ENDPOINT_MESSAGE;
    return true;
}

void incoming_clear(struct incoming *incoming)
{
    bytes_free(&incoming->data);
    memset(incoming, 0, sizeof(*incoming));
}

/* Called by libzmq's thread when the last byte went out. */
static void wipe_sent(void *data, void *length)
{
    secret_wipe(data, (size_t)(uintptr_t)length);
    free(data);
}

bool endpoint_send(struct endpoint *endpoint, const struct route *route, struct bytes *data,
                   struct error *err)
{
    size_t length = data->length;
    zmq_msg_t frame;

    if (zmq_msg_init_data(&frame, data->data, length, wipe_sent, (void *)(uintptr_t)length) != 0) {
        wipe_sent(TAKE(data->data), (void *)(uintptr_t)length);
        data->length = 0;
        return socket_failed(err, "cannot make a message");
    }
    data->data = NULL;
    data->length = 0;
    if (zmq_send(endpoint->router, route->bytes, route->length, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_msg_send(&frame, endpoint->router, ZMQ_DONTWAIT) < 0) {
        error_set(err, ERROR_UNREACHABLE, "the peer does not take messages: %s", zmq_strerror(zmq_errno()));
        zmq_msg_close(&frame);
        return false;
    }
    return true;
}

static bool read_news(void *monitor, uint16_t *event, int32_t *value)
{
    AUTO(frame_close) zmq_msg_t numbers;
    AUTO(frame_close) zmq_msg_t address;

    zmq_msg_init(&numbers);
    zmq_msg_init(&address);
    if (zmq_msg_recv(&numbers, monitor, ZMQ_DONTWAIT) < (int)(sizeof(*event) + sizeof(*value)))
        return false;
    memcpy(event, zmq_msg_data(&numbers), sizeof(*event));
    memcpy(value, (const char *)zmq_msg_data(&numbers) + sizeof(*event), sizeof(*value));
    (void)!zmq_msg_recv(&address, monitor, ZMQ_DONTWAIT); /* our own address: of no use */
    return true;
}

static void handshake_begins(struct endpoint *endpoint, int descriptor)
{
    endpoint->handshaking =
        reallocate(endpoint->handshaking, endpoint->handshaking_count + 1, sizeof(*endpoint->handshaking));
    endpoint->handshaking[endpoint->handshaking_count++] = descriptor;
}

static void remove_handshake(struct endpoint *endpoint, size_t place)
{
    endpoint->handshaking_count--;
    memmove(endpoint->handshaking + place, endpoint->handshaking + place + 1,
            (endpoint->handshaking_count - place) * sizeof(*endpoint->handshaking));
}

/* libzmq does not say whose handshake it was. Taking the oldest for it keeps the sum right, if not each
 * entry. */
static void handshake_decided(struct endpoint *endpoint)
{
    if (endpoint->handshaking_count)
        remove_handshake(endpoint, 0);
}

/* Not every broken handshake has an event of its own: bytes that are not ZMTP only end the connection. */
static void disconnected(struct endpoint *endpoint, int descriptor)
{
    for (size_t i = 0; i < endpoint->handshaking_count; i++) {
        if (endpoint->handshaking[i] == descriptor) {
            remove_handshake(endpoint, i);
            endpoint->broken_handshakes++;
            return;
        }
    }
}

uint64_t endpoint_broken_handshakes(struct endpoint *endpoint)
{
    uint16_t event;
    int32_t value;

    while (read_news(endpoint->monitor, &event, &value)) {
        switch (event) {
        case ZMQ_EVENT_ACCEPTED:
            endpoint->connections++;
            handshake_begins(endpoint, value);
            break;
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: /* the gatekeeper counts these */
            handshake_decided(endpoint);
            break;
        case ZMQ_EVENT_DISCONNECTED:
            endpoint->connections -= endpoint->connections > 0;
            disconnected(endpoint, value);
            break;
        default: /* the end of the monitor itself */
            break;
        }
    }
    return endpoint->broken_handshakes;
}

size_t endpoint_connections(const struct endpoint *endpoint)
{
    return endpoint->connections;
}
