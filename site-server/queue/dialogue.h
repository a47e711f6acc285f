/*
 * dialogue.h - who may say what, and what is done about it: one table for each endpoint, one handler for each
 * kind.
 *
 * A message goes through three doors: dialogue_admit() looks at kind and sender before the body is read,
 * dialogue_carry_out() works inside the turn's transaction, and dialogue_settle() draws the conclusions in
 * memory once that is committed. What is carried out may be rolled back and carried out again, so handlers
 * change nothing but the database and their own exchange.
 */
#ifndef QUEUE_DIALOGUE_H
#define QUEUE_DIALOGUE_H

#include "certificates/certificate.h"
#include "devices/device.h"
#include "jobs/job.h"
#include "metrics/counters.h"
#include "queue/account_desk.h"
#include "queue/endpoint.h"
#include "queue/roster.h"

enum peer_role {                         /* bits */
                 PEER_APPROVED = 1,      /* its key is approved; it has no session yet */
                 PEER_SERVICE_POINT = 2, /* approved, and registered */
                 PEER_AGENT = 4,         /* of the agents' endpoint: any key; handlers look up whose */
};

struct agent_settings {
    int64_t come_back_s;    /* how often an agent asks for its policy */
    int64_t otp_lifetime_s; /* until a registered one-time password has to be used */
    bool imported_only;     /* a token does not make a computer known */
};

struct site_settings {
    const char *name; /* borrowed */
    int64_t heartbeat_s;
    struct job_settings job;
    struct hello_settings hello;
    struct certificate_settings certificate;
    struct agent_settings agent;
};

struct ordering; /* queue/ordering.h */

struct site { /* what handlers work with; all borrowed */
    const struct site_settings *settings;
    struct database *database;
    struct vault *vault;
    const struct authority *authority; /* NULL: none was made yet */
    struct ordering *ordering;         /* NULL: the authority is here, and needs no errand */
    struct account_desk *accounts;     /* NULL: no directory is configured */
    struct roster *roster;
    struct counters *counters;
    const struct known_set *known; /* computers; NULL: not read yet */
    struct strangers strangers;
    bool work_waiting; /* set when a dispatch may find something to hand out */
};

struct exchange { /* one message and what becomes of it */
    struct route route;
    char peer[CURVE_KEY_SIZE];
    char address[64];
    struct message said;
    struct message answer; /* kind 0: none */
    enum peer_role role;
    int64_t service_point;         /* id of its row; 0 before it registered */
    char *name;                    /* REGISTER: of its row */
    bool repeated;                 /* REGISTER over a connection that has a session */
    struct certificate_plan *plan; /* CERTIFICATE_WANTED: what has to be ordered before it is answered */
    struct directory_task account; /* ACCOUNT_WANTED: what is to be done in the directory */
};

struct group { /* the messages of one kind in a turn */
    struct exchange **items;
    size_t count;
};

struct dialogue_line {
    enum message_kind kind;
    unsigned from; /* bits of enum peer_role */
    bool (*carry_out)(struct site *site, const struct group *group, struct error *err);
    /* Draws the conclusions in memory; NULL: nothing follows. */
    void (*settle)(struct site *site, struct exchange *exchange, struct session *session, int64_t now_ms);
};

struct dialogue { /* anything that is not among its lines is refused before its body is read */
    const char *speaker;
    const struct dialogue_line *lines; /* in the order in which a turn carries them out */
    size_t count;
};

extern const struct dialogue service_point_dialogue; /* dialogue.c */
extern const struct dialogue agent_dialogue;         /* agent_dialogue.c */

void exchange_clear(struct exchange *exchange);
/* Forgets the answer and all that a handler found out. */
void exchange_reset(struct exchange *exchange);
void exchange_refuse(struct exchange *exchange, enum reason_code reason, const char *text);
/* What every WELCOME of the site says. */
void site_welcome(const struct site *site, struct message_welcome *welcome);
/* For handlers: the answer of that kind, to be filled. */
struct message *exchange_answer(struct exchange *exchange, enum message_kind kind);

/*
 * Reads one envelope from a peer in that role. False: *refusal and *err say why, and *correlation is what the
 * refusal has to carry (0 when it could not be read). On true the caller ends *message with message_free().
 */
bool dialogue_admit(const struct dialogue *dialogue, const void *data, size_t length, enum peer_role role,
                    struct message *message, enum refusal *refusal, uint64_t *correlation,
                    struct error *err) MUST_CHECK;
/* Is there any peer that may say this? */
bool dialogue_allows(const struct dialogue *dialogue, enum message_kind kind, enum peer_role role);

/*
 * Carries out the messages, kind by kind in the order of the table, each kind in as few statements as it can.
 * False: nothing of it may be committed. A refusal of one message is an answer, not a failure.
 */
bool dialogue_carry_out(const struct dialogue *dialogue, struct site *site, struct exchange *exchanges,
                        size_t count, struct error *err) MUST_CHECK;
void dialogue_settle(const struct dialogue *dialogue, struct site *site, struct exchange *exchanges,
                     size_t count, int64_t now_ms);

#endif
