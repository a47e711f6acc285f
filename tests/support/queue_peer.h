/*
 * queue_peer.h - a stranger or a service point of the test's own on the site server's queue.
 *
 * What it sends is the test's choice: messages of message.h, or any bytes.
 */
#ifndef TESTS_SUPPORT_QUEUE_PEER_H
#define TESTS_SUPPORT_QUEUE_PEER_H

#include "common/message.h"
#include "support/site.h"

struct queue_peer; /* opaque: owns the socket */

enum queue_peer_kind {
    PEER_WITHOUT_CURVE,
    PEER_UNKNOWN,  /* a CURVE key that nobody approved */
    PEER_APPROVED, /* approved through amtctl under the name given */
};

bool queue_peer_open(struct queue_peer **peer, struct site *site, enum queue_peer_kind kind, const char *name,
                     struct error *err) MUST_CHECK;
void queue_peer_close(struct queue_peer **peer);           /* accepts NULL */
const char *queue_peer_key(const struct queue_peer *peer); /* public, Z85 */

bool queue_peer_send_bytes(struct queue_peer *peer, const void *data, size_t length,
                           struct error *err) MUST_CHECK;
bool queue_peer_send(struct queue_peer *peer, const struct message *message, struct error *err) MUST_CHECK;
/* On true the caller ends *message with message_free(). ERROR_UNREACHABLE: nothing came in time. */
bool queue_peer_receive(struct queue_peer *peer, struct message *message, int timeout_ms,
                        struct error *err) MUST_CHECK;
/* REGISTER with these free slots and a certificate of queue_peer_root(), then WELCOME. */
bool queue_peer_register(struct queue_peer *peer, uint32_t slots, struct error *err) MUST_CHECK;
struct root_hash queue_peer_root(void);

#endif
