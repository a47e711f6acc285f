/*
 * client.h - the service point's end of the queue: ZeroMQ DEALER under CURVE to the site server.
 *
 * Used by the main thread only. Carries messages, knows nothing of the dialogue. A message is handed to the
 * network or refused at once; nothing piles up for a site that is away, because what must not be lost is
 * repeated by whoever says it.
 */
#ifndef QUEUE_CLIENT_H
#define QUEUE_CLIENT_H

#include <poll.h>

#include "common/curve_key.h"
#include "common/message.h"

struct queue_client; /* opaque: owns the ZeroMQ context, the socket and the key */

struct queue_client_settings {   /* borrowed during queue_client_open() */
    const char *endpoint;        /* "tcp://192.0.2.1:5671" */
    const char *site_public_key; /* Z85: whoever answers must hold the secret half */
    const char *key_file;
};

/* A connection is made, and made again, in the background: the site need not be there yet. */
bool queue_client_open(struct queue_client **client, const struct queue_client_settings *settings,
                       struct error *err) MUST_CHECK;
void queue_client_close(struct queue_client **client);
/* Throws the connection away and makes a new one: for a site that went silent. */
bool queue_client_reconnect(struct queue_client *client, struct error *err) MUST_CHECK;

/* poll(2) over the queue and others: true in *readable when a message is there; the others' revents are set.
 * timeout_ms -1 waits for ever. */
bool queue_client_poll(struct queue_client *client, struct pollfd *others, size_t count, int timeout_ms,
                       bool *readable, struct error *err) MUST_CHECK;

/* False: no connection, or its queue is full. Borrows the message. */
bool queue_client_send(struct queue_client *client, const struct message *message) MUST_CHECK;

enum received {
    RECEIVED_NOTHING,   /* no more for now */
    RECEIVED_MESSAGE,   /* the caller ends it with message_free() */
    RECEIVED_MALFORMED, /* *err says what is wrong with it */
};

enum received queue_client_receive(struct queue_client *client, struct message *message,
                                   struct error *err) MUST_CHECK;

const char *queue_client_public_key(const struct queue_client *client);
/* A new key pair of the kind that curve_key_create() writes; the caller ends it with curve_key_clear(). */
bool queue_key_generate(struct curve_key_pair *pair, struct error *err) MUST_CHECK;

#endif
