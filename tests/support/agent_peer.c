#include "support/agent_peer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/encoding.h"

enum { SAY_AGAIN_MS = 2000 };

struct agent_peer {
    void *context, *socket;
    bool own_context;
    char public_key[41];
    uint64_t correlation;
};

static bool use_curve(struct agent_peer *peer, const struct site *site)
{
    char secret_key[41];

    return zmq_curve_keypair(peer->public_key, secret_key) == 0 &&
           zmq_setsockopt(peer->socket, ZMQ_CURVE_SERVERKEY, site->site_key, strlen(site->site_key) + 1) ==
               0 &&
           zmq_setsockopt(peer->socket, ZMQ_CURVE_PUBLICKEY, peer->public_key, sizeof(peer->public_key)) ==
               0 &&
           zmq_setsockopt(peer->socket, ZMQ_CURVE_SECRETKEY, secret_key, sizeof(secret_key)) == 0;
}

/* "tcp://SOURCE:0;ADDRESS:PORT", zmq_tcp(7) */
static char *address_from(const char *endpoint, const char *source)
{
    static const char scheme[] = "tcp://";

    return source ? text_format("%s%s:0;%s", scheme, source, endpoint + strlen(scheme)) : text_copy(endpoint);
}

static bool connect_peer(struct agent_peer *peer, const struct site *site, const char *source,
                         struct error *err)
{
    AUTO(text_free) char *address = address_from(site->agents_endpoint, source);
    int linger_ms = 0;

    peer->socket = zmq_socket(peer->context, ZMQ_DEALER);
    if (!peer->socket)
        return error_set(err, ERROR_INTERNAL, "cannot make a socket: %s", zmq_strerror(errno));
    zmq_setsockopt(peer->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    if (!use_curve(peer, site))
        return error_set(err, ERROR_INTERNAL, "libzmq cannot use CURVE: %s", zmq_strerror(errno));
    return zmq_connect(peer->socket, address) == 0 ||
           error_set(err, ERROR_INTERNAL, "cannot connect to %s: %s", address, zmq_strerror(errno));
}

bool agent_peer_open(struct agent_peer **peer, const struct site *site, const char *source, struct error *err)
{
    AUTO(agent_peer_close) struct agent_peer *opening = allocate(sizeof(*opening));

    opening->context = zmq_ctx_new();
    opening->own_context = true;
    if (!connect_peer(opening, site, source, err))
        return false;
    *peer = TAKE(opening);
    return true;
}

bool agent_peer_open_in(struct agent_peer **peer, const struct site *site, const char *source, void *context,
                        struct error *err)
{
    AUTO(agent_peer_close) struct agent_peer *opening = allocate(sizeof(*opening));

    opening->context = context;
    if (!connect_peer(opening, site, source, err))
        return false;
    *peer = TAKE(opening);
    return true;
}

void agent_peer_close(struct agent_peer **peer)
{
    struct agent_peer *closing = TAKE(*peer);

    if (!closing)
        return;
    if (closing->socket)
        zmq_close(closing->socket);
    if (closing->own_context)
        zmq_ctx_term(closing->context);
    free(closing);
}

const char *agent_peer_key(const struct agent_peer *peer)
{
    return peer->public_key;
}

bool agent_peer_send_bytes(struct agent_peer *peer, const void *data, size_t length, struct error *err)
{
    if (zmq_send(peer->socket, data, length, 0) < 0)
        return error_set(err, ERROR_UNREACHABLE, "cannot send to the site server: %s", zmq_strerror(errno));
    return true;
}

bool agent_peer_receive(struct agent_peer *peer, struct message *answer, int timeout_ms, struct error *err)
{
    AUTO(envelope_free) struct envelope envelope = { 0 };
    zmq_msg_t frame;
    bool read;

    zmq_setsockopt(peer->socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, peer->socket, 0) < 0) {
        zmq_msg_close(&frame);
        return error_set(err, ERROR_UNREACHABLE, "no message from the site server in %d ms: %s", timeout_ms,
                         zmq_strerror(errno));
    }
    read = envelope_read(zmq_msg_data(&frame), zmq_msg_size(&frame), &envelope, err) &&
           message_read(&envelope, answer, err);
    zmq_msg_close(&frame);
    return read;
}

bool agent_peer_ask(struct agent_peer *peer, const struct message *question, struct message *answer,
                    struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + SITE_WAIT_MS;
    struct message said = *question;

    said.correlation = ++peer->correlation;
    do {
        AUTO(message_bytes_free) struct bytes bytes = { 0 };

        message_write(&said, &bytes);
        if (!agent_peer_send_bytes(peer, bytes.data, bytes.length, err))
            return false;
        while (agent_peer_receive(peer, answer, SAY_AGAIN_MS, err)) {
            if (answer->correlation == said.correlation)
                return true;
            message_free(answer); /* to what was said before, and again */
        }
    } while (err->code == ERROR_UNREACHABLE && clock_monotonic_ms() < end_ms);
    return error_during(err, "%s", message_kind_name(question->kind));
}

void one_time_password_make(struct one_time_password *otp)
{
    unsigned char random[16];
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (RAND_bytes(random, sizeof(random)) != 1 || RAND_bytes(otp->salt, sizeof(otp->salt)) != 1)
        abort();
    hex_encode(random, sizeof(random), otp->text);
    if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(context, otp->salt, sizeof(otp->salt)) != 1 ||
        EVP_DigestUpdate(context, otp->text, strlen(otp->text)) != 1 ||
        EVP_DigestFinal_ex(context, otp->hash, NULL) != 1)
        abort();
    EVP_MD_CTX_free(context);
}

static struct uuid uuid_of(const struct computer *computer)
{
    struct uuid uuid;

    if (!uuid_parse(computer->uuid, &uuid))
        abort();
    return uuid;
}

/* Borrowed until the thread's next call. */
static struct root_hash *root_of(const struct site *site, const struct computer *computer)
{
    static _Thread_local struct root_hash root;
    const char *hex = computer_root(computer, site);

    root.algorithm = strlen(hex) == 40 ? 1 : 2;
    root.length = (uint8_t)root_hash_length(root.algorithm);
    if (!hex_decode(hex, root.hash, root.length))
        abort();
    return &root;
}

struct message agent_enrol(const struct site *site, const struct computer *computer,
                           const struct secret *token, enum setup_state state)
{
    return (struct message){ .kind = MESSAGE_ENROL,
                             .enrol = { .token = (struct secret *)token,
                                        .uuid = uuid_of(computer),
                                        .agent_version = (char *)"1.0",
                                        .fqdn = (char *)computer->fqdn,
                                        .amt_version = (char *)computer->generation,
                                        .wired = { (char *)computer->address, 24 },
                                        .dns_suffix = (char *)site->dns_suffix,
                                        .root_hashes = root_of(site, computer),
                                        .root_hash_count = 1,
                                        .setup_state = state,
                                        .control_mode = CONTROL_NONE } };
}

struct message agent_register(const struct computer *computer, const struct one_time_password *otp)
{
    return (struct message){ .kind = MESSAGE_OTP_REGISTER,
                             .otp_register = { .uuid = uuid_of(computer),
                                               .salt = { (unsigned char *)otp->salt, sizeof(otp->salt) },
                                               .hash = { (unsigned char *)otp->hash, sizeof(otp->hash) },
                                               .fqdn = (char *)computer->fqdn,
                                               .amt_version = (char *)computer->generation,
                                               .wired = { (char *)computer->address, 24 } } };
}

struct message agent_activated(const struct computer *computer)
{
    return (struct message){ .kind = MESSAGE_ACTIVATED,
                             .activated = { .uuid = uuid_of(computer),
                                            .wired = { (char *)computer->address, 24 } } };
}
