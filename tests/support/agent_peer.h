/*
 * agent_peer.h - a client agent of the test's own on the agents' endpoint, and what a one-time password is
 * made of.
 *
 * It has one CURVE key for all its life and says what the test wants said.
 */
#ifndef TESTS_SUPPORT_AGENT_PEER_H
#define TESTS_SUPPORT_AGENT_PEER_H

#include "common/message.h"
#include "support/fleet.h"

struct agent_peer; /* opaque: owns the socket and the key */

/* source: numeric address that it connects from; NULL: any. */
bool agent_peer_open(struct agent_peer **peer, const struct site *site, const char *source,
                     struct error *err) MUST_CHECK;
/* The same with a ZeroMQ context of the caller's, borrowed: for many at once. */
bool agent_peer_open_in(struct agent_peer **peer, const struct site *site, const char *source, void *context,
                        struct error *err) MUST_CHECK;
void agent_peer_close(struct agent_peer **peer);           /* accepts NULL */
const char *agent_peer_key(const struct agent_peer *peer); /* public, Z85 */

bool agent_peer_send_bytes(struct agent_peer *peer, const void *data, size_t length,
                           struct error *err) MUST_CHECK;
/* Says it, under a correlation id of its own, again and again until its answer comes: the site server may be
 * away meanwhile. On true the caller ends *answer with message_free(). */
bool agent_peer_ask(struct agent_peer *peer, const struct message *question, struct message *answer,
                    struct error *err) MUST_CHECK;
/* Any answer; ERROR_UNREACHABLE: none came in time. */
bool agent_peer_receive(struct agent_peer *peer, struct message *answer, int timeout_ms,
                        struct error *err) MUST_CHECK;

struct one_time_password {
    char text[33];
    unsigned char salt[OTP_SALT_LEAST_BYTES], hash[OTP_HASH_BYTES];
};

/* Random, of 32 characters. */
void one_time_password_make(struct one_time_password *otp);

/* Messages about a planned computer, complete but for a token; they borrow all that they hold, so that
 * message_free() is not for them. */
struct message agent_enrol(const struct site *site, const struct computer *computer,
                           const struct secret *token, enum setup_state state);
struct message agent_register(const struct computer *computer, const struct one_time_password *otp);
struct message agent_activated(const struct computer *computer);

#endif
