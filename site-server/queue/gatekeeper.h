/*
 * gatekeeper.h - who gets in: decides by CURVE public key, before a peer can say anything (ZeroMQ RFC 27,
 * ZAP).
 *
 * Approved keys are those of table service_point; a copy is kept here, so that the gate works while the
 * database is away. An unknown key is refused and remembered as a knock, for an operator to see and approve.
 * What is remembered is bounded: a stranger can make as many keys as he likes.
 */
#ifndef QUEUE_GATEKEEPER_H
#define QUEUE_GATEKEEPER_H

#include <stdint.h>

#include "common/curve_key.h"
#include "queue/watch.h"

#define KNOCKS_MAX 64

struct gatekeeper; /* opaque: owns its socket and its copy of the keys */

struct knock {
    char key[CURVE_KEY_SIZE];
    char address[64]; /* numeric */
};

struct gate_counts {
    uint64_t admitted, unknown, malformed; /* unknown: also those that a rule did not admit */
};

/* Another rule than that of approved keys. */
struct gate_rule {
    /* key and numeric address of the peer, proven. */
    bool (*admits)(void *context, const char *key, const char *address, int64_t now_ms);
    void *context;
};

/* context is libzmq's, borrowed. To be opened before the endpoint listens, else libzmq lets everybody in. */
bool gatekeeper_open(struct gatekeeper **gatekeeper, void *context, struct error *err) MUST_CHECK;
void gatekeeper_close(struct gatekeeper **gatekeeper);

/* From now on the rule decides alone; whom it does not admit is no knock. */
void gatekeeper_obey(struct gatekeeper *gatekeeper, const struct gate_rule *rule);

/* Replaces the approved keys. Connections of a key that is gone stay open, so look with _knows() too. */
void gatekeeper_approve(struct gatekeeper *gatekeeper, const char *const *keys, size_t count);
bool gatekeeper_knows(const struct gatekeeper *gatekeeper, const char *key);

void gatekeeper_watch(struct gatekeeper *gatekeeper, struct watch *watch);
/* Answers everybody who waits at the gate. */
bool gatekeeper_answer(struct gatekeeper *gatekeeper, int64_t now_ms, struct error *err) MUST_CHECK;

/*
 * Knocks not yet recorded, into knocks[KNOCKS_MAX]; returns how many. They stay until gatekeeper_recorded()
 * says that they are stored; the same key is then not shown again for a minute.
 */
size_t gatekeeper_knocks(const struct gatekeeper *gatekeeper, struct knock *knocks);
void gatekeeper_recorded(struct gatekeeper *gatekeeper);
void gatekeeper_counts(const struct gatekeeper *gatekeeper, struct gate_counts *counts);

#endif
