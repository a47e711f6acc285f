/*
 * endpoint.h - a socket where service points or client agents connect: a ROUTER that speaks CURVE only.
 *
 * Nothing here blocks. A peer is what its CURVE key says it is; libzmq reports that key with every
 * message, so that a connection needs no state of ours. Messages that nobody receives wait in libzmq up
 * to a high-water mark for each peer, then in the peer: that is how the site holds them back while its
 * database is away.
 */
#ifndef QUEUE_ENDPOINT_H
#define QUEUE_ENDPOINT_H

#include <stdint.h>

#include "common/curve_key.h"
#include "queue/watch.h"

struct endpoint; /* opaque: owns libzmq's context, the sockets and what waits in them */

struct endpoint_options {
    const char *address;               /* as queue.endpoint; borrowed during endpoint_listen() */
    const char *setting;               /* the configuration's name of it; same; NULL: "queue.endpoint" */
    const struct curve_key_pair *keys; /* same */
    int high_water_mark;               /* messages waiting for each peer and direction */
    size_t message_max; /* bytes; 0: MESSAGE_MAX_BYTES. Less also keeps the kernel's buffers small */
};

/* Where an answer goes. Made by libzmq for each connection, or chosen by the peer; never trusted as a name.
 */
struct route {
    unsigned char length;
    unsigned char bytes[255];
};

struct incoming {
    struct route route;
    char peer[CURVE_KEY_SIZE]; /* CURVE public key, proven */
    char address[64];          /* numeric, as libzmq saw it; may be empty */
    struct bytes data;         /* one envelope; empty when oversized or of several frames */
    bool whole;                /* false: not one frame of an acceptable size */
};

enum endpoint_event { ENDPOINT_NOTHING, ENDPOINT_MESSAGE };

/* A new pair, made by libzmq; the caller ends it with curve_key_clear(). */
bool endpoint_make_keys(struct curve_key_pair *pair, struct error *err) MUST_CHECK;

/* The context first, because the gatekeeper has to answer before the first peer knocks. */
bool endpoint_prepare(struct endpoint **endpoint, struct error *err) MUST_CHECK;
bool endpoint_listen(struct endpoint *endpoint, const struct endpoint_options *options,
                     struct error *err) MUST_CHECK;
void endpoint_close(struct endpoint **endpoint); /* sends what is under way for at most a second */

/* The address with the port that was really taken, e.g. after "tcp://127.0.0.1:*". Borrowed. */
const char *endpoint_address(const struct endpoint *endpoint);
/* The libzmq context, for the gatekeeper beside it. */
void *endpoint_context(const struct endpoint *endpoint);

/* On ENDPOINT_MESSAGE the caller ends *incoming with incoming_clear(). */
bool endpoint_receive(struct endpoint *endpoint, enum endpoint_event *event, struct incoming *incoming,
                      struct error *err) MUST_CHECK;
void incoming_clear(struct incoming *incoming);
/*
 * Takes the bytes and wipes them once they are sent. ERROR_UNREACHABLE: the peer is gone or does not
 * read; nothing is kept for it.
 */
bool endpoint_send(struct endpoint *endpoint, const struct route *route, struct bytes *data,
                   struct error *err) MUST_CHECK;
/*
 * Connections that ended before their handshake did, since the start (spec 11): not ZMTP, not CURVE, for
 * another server's key, or never finished. Reads what libzmq reports about connections, so call it in every
 * round.
 */
uint64_t endpoint_broken_handshakes(struct endpoint *endpoint);
/* Open now, handshakes under way among them; as endpoint_broken_handshakes() found it last. */
size_t endpoint_connections(const struct endpoint *endpoint);

/* To be waited for: messages, and news about connections. */
void endpoint_watch(struct endpoint *endpoint, struct watch *messages, struct watch *news);

#endif
