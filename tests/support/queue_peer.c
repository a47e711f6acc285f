#include "support/queue_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { SEND_TIMEOUT_MS = 10000 };

struct queue_peer {
    void *context, *socket;
    char public_key[41];
    char *name;
    bool stranger; /* whom the site may have shut out already */
};

static bool use_curve(struct queue_peer *peer, const struct site *site)
{
    char secret_key[41];

    return zmq_curve_keypair(peer->public_key, secret_key) == 0 &&
           zmq_setsockopt(peer->socket, ZMQ_CURVE_SERVERKEY, site->site_key, strlen(site->site_key) + 1) ==
               0 &&
           zmq_setsockopt(peer->socket, ZMQ_CURVE_PUBLICKEY, peer->public_key, sizeof(peer->public_key)) ==
               0 &&
           zmq_setsockopt(peer->socket, ZMQ_CURVE_SECRETKEY, secret_key, sizeof(secret_key)) == 0;
}

bool queue_peer_open(struct queue_peer **peer, struct site *site, enum queue_peer_kind kind, const char *name,
                     struct error *err)
{
    AUTO(queue_peer_close) struct queue_peer *opening = allocate(sizeof(*opening));
    int linger_ms = 0;
    int send_ms = kind == PEER_APPROVED ? SEND_TIMEOUT_MS : 0;

    opening->stranger = kind != PEER_APPROVED;
    opening->name = text_copy(name);
    opening->context = zmq_ctx_new();
    opening->socket = zmq_socket(opening->context, ZMQ_DEALER);
    zmq_setsockopt(opening->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    zmq_setsockopt(opening->socket, ZMQ_SNDTIMEO, &send_ms, sizeof(send_ms));
    if (kind != PEER_WITHOUT_CURVE && !use_curve(opening, site))
        return error_set(err, ERROR_INTERNAL, "libzmq cannot use CURVE: %s", zmq_strerror(errno));
    if (kind == PEER_APPROVED && !site_amtctl(site, NULL, err, "service-point", "approve", "--name", name,
                                              "--", opening->public_key, NULL))
        return false;
    if (zmq_connect(opening->socket, site->endpoint) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot connect to %s: %s", site->endpoint,
                         zmq_strerror(errno));
    *peer = TAKE(opening);
    return true;
}

void queue_peer_close(struct queue_peer **peer)
{
    struct queue_peer *closing = TAKE(*peer);

    if (!closing)
        return;
    zmq_close(closing->socket);
    zmq_ctx_term(closing->context);
    free(closing->name);
    free(closing);
}

const char *queue_peer_key(const struct queue_peer *peer)
{
    return peer->public_key;
}

bool queue_peer_send_bytes(struct queue_peer *peer, const void *data, size_t length, struct error *err)
{
    if (zmq_send(peer->socket, data, length, 0) < 0 && !(peer->stranger && errno == EAGAIN))
        return error_set(err, ERROR_UNREACHABLE, "cannot send to the site server: %s", zmq_strerror(errno));
    return true;
}

bool queue_peer_send(struct queue_peer *peer, const struct message *message, struct error *err)
{
    AUTO(message_bytes_free) struct bytes bytes = { 0 };

    message_write(message, &bytes);
    return queue_peer_send_bytes(peer, bytes.data, bytes.length, err);
}

static bool read_frame(zmq_msg_t *frame, struct message *message, struct error *err)
{
    AUTO(envelope_free) struct envelope envelope = { 0 };

    return envelope_read(zmq_msg_data(frame), zmq_msg_size(frame), &envelope, err) &&
           message_read(&envelope, message, err);
}

bool queue_peer_receive(struct queue_peer *peer, struct message *message, int timeout_ms, struct error *err)
{
    zmq_msg_t frame;
    bool read;

    zmq_setsockopt(peer->socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, peer->socket, 0) < 0) {
        zmq_msg_close(&frame);
        return error_set(err, ERROR_UNREACHABLE, "no message from the site server in %d ms: %s", timeout_ms,
                         zmq_strerror(errno));
    }
    read = read_frame(&frame, message, err);
    zmq_msg_close(&frame);
    return read;
}

struct root_hash queue_peer_root(void)
{
    struct root_hash root = { .algorithm = 2, .length = 32 };

    memset(root.hash, 0x5e, root.length);
    return root;
}

bool queue_peer_register(struct queue_peer *peer, uint32_t slots, struct error *err)
{
    AUTO(message_free) struct message answer = { 0 };
    struct provisioning_certificate_info certificate = { .subject =
                                                             (char *)"CN=provisioning.site.example.com",
                                                         .root_subject = (char *)"CN=Test Bed Root CA",
                                                         .root_hashes = { queue_peer_root() },
                                                         .root_hash_count = 1 };
    struct message request = { .kind = MESSAGE_REGISTER,
                               .correlation = 1,
                               .reg = { .name = peer->name,
                                        .software_version = (char *)"test",
                                        .slots = slots,
                                        .free = slots,
                                        .certificates = &certificate,
                                        .certificate_count = 1 } };

    if (!queue_peer_send(peer, &request, err) || !queue_peer_receive(peer, &answer, SITE_WAIT_MS, err))
        return false;
    if (answer.kind != MESSAGE_WELCOME)
        return error_set(err, ERROR_PROTOCOL, "the site server answered %s to REGISTER",
                         message_kind_name(answer.kind));
    return true;
}
