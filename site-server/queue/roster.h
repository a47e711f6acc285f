/*
 * roster.h - the service points that have a session with this site server, by their CURVE key.
 *
 * Lives in memory only: after a restart of the site server every service point registers again. Slots are
 * counted here so that no more is offered than a service point can run; its heartbeats are the truth, in
 * between offers take slots and finished attempts give them back.
 */
#ifndef QUEUE_ROSTER_H
#define QUEUE_ROSTER_H

#include "common/message.h"
#include "queue/endpoint.h"

#define SILENT_HEARTBEATS 3 /* silent for so many: it gets no offers */

struct session {
    char key[CURVE_KEY_SIZE];
    char *name;         /* as the database has it, not as the peer says */
    int64_t id;         /* of its row */
    struct route route; /* of its newest connection */
    int64_t heard_ms;   /* monotonic */
    bool silent;        /* was so when the roll was called last */
    bool hears_known;   /* which computers the site knows, whenever that changes */
    uint32_t slots, free;
    uint32_t unanswered; /* offers neither accepted nor declined yet */
    int64_t offered_ms;  /* when the newest of these went out */
    char **subnets;      /* CIDR */
    size_t subnet_count;
    struct root_hash *roots; /* of its provisioning certificates */
    size_t root_count;
};

struct roster {                /* zero-initialise */
    struct session **sessions; /* sorted by key */
    size_t count;
};

void roster_clear(struct roster *roster);

/* Borrowed; NULL: has no session. */
struct session *roster_find(const struct roster *roster, const char *key);
/* Opens a session or begins it anew: slots, subnets and certificates are what it says now. */
struct session *roster_open(struct roster *roster, const char *key, const struct message_register *said);
/* Ends the sessions whose key is not among those that keep() knows. */
void roster_prune(struct roster *roster, bool (*keep)(const void *context, const char *key),
                  const void *context);

void session_heard(struct session *session, const struct route *route, int64_t now_ms);
bool session_present(const struct session *session, int64_t heartbeat_ms, int64_t now_ms);
/* What was sent to it found no connection: it counts as silent until it is heard again. */
void session_lost(struct session *session);
/* What is said of free slots was said before the offers that are not answered yet arrived. */
void session_set_free(struct session *session, uint32_t free_slots, int64_t now_ms);
void session_offered(struct session *session, int64_t now_ms);
void session_accepted(struct session *session);
/* Nothing more is offered until its next heartbeat when it was full or stopping. */
void session_declined(struct session *session, enum reason_code reason);
void session_finished(struct session *session);

#endif
