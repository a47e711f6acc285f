/*
 * client.h - the service point's end of the queue: ZeroMQ DEALER under CURVE to one of its site servers.
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
#include "queue/site_list.h"

struct queue_client; /* opaque: owns the ZeroMQ context, the socket and the key */

struct queue_client_settings {     /* borrowed during queue_client_open() */
    const struct site_list *sites; /* whoever answers must hold the secret half of that one's key */
    size_t first;                  /* index of the one to begin with */
    const char *key_file;
};

/* A connection is made, and made again, in the background: the site need not be there yet. */
bool queue_client_open(struct queue_client **client, const struct queue_client_settings *settings,
                       struct error *err) MUST_CHECK;
void queue_client_close(struct queue_client **client);
/* Throws the connection away and makes one to the next site server, or a new one to the only one. */
bool queue_client_reconnect(struct queue_client *client, struct error *err) MUST_CHECK;
/*
 * Connected to another one than the first choice, because that was away: a second connection is tried beside
 * the one in use, which serves on. Once the first choice has answered it, queue_client_go_home() makes it the
 * one in use (*went true), over which a REGISTER is due. A reconnect ends the try, too.
 */
bool queue_client_at_home(const struct queue_client *client);
bool queue_client_look_home(struct queue_client *client, struct error *err) MUST_CHECK;
bool queue_client_go_home(struct queue_client *client, bool *went, struct error *err) MUST_CHECK;
void queue_client_stay(struct queue_client *client);
/* Of the site server that it is connected to, or tries to be; borrowed. */
const char *queue_client_endpoint(const struct queue_client *client);

/* poll(2) over the queue and others: true in *readable when there is a message or news of the connection; the
 * others' revents are set. timeout_ms -1 waits for ever. */
bool queue_client_poll(struct queue_client *client, struct pollfd *others, size_t count, int timeout_ms,
                       bool *readable, struct error *err) MUST_CHECK;

/* True when, since the last call, the connection broke or could not be made. */
bool queue_client_broke(struct queue_client *client);

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
