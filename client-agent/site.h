/*
 * site.h - the agent's end of its dialogue with the site server: ZeroMQ DEALER under CURVE.
 *
 * Blocking; used by one thread. What is said may be lost with a site server that stops, so a question is
 * asked again, over a new connection, until it is answered or its time is up: every message of the dialogue
 * may come twice (proto/provisioning.proto).
 */
#ifndef CLIENT_AGENT_SITE_H
#define CLIENT_AGENT_SITE_H

#include "common/curve_key.h"
#include "common/message.h"

struct site; /* opaque: owns the ZeroMQ context, the socket and the key */

struct site_settings {      /* borrowed during site_open() */
    const char *endpoint;   /* "tcp://192.0.2.1:5672" */
    const char *public_key; /* Z85: whoever answers must hold the secret half */
    const char *key_file;   /* made when it is not there */
    unsigned timeout_ms;    /* for one question, all its repetitions together */
};

bool site_open(struct site **site, const struct site_settings *settings, struct error *err) MUST_CHECK;
void site_close(struct site **site);

/* Sends the question and waits for its answer, which must be of the wanted kind. A refusal of the site is an
 * error with the site's reason and words. On true the caller ends *answer with message_free(). */
bool site_ask(struct site *site, const struct message *question, enum message_kind wanted,
              struct message *answer, struct error *err) MUST_CHECK;

/* A new key pair of the kind that curve_key_create() writes; the caller ends it with curve_key_clear(). */
bool site_key_generate(struct curve_key_pair *pair, struct error *err) MUST_CHECK;

#endif
