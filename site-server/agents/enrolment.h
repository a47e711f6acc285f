/*
 * enrolment.h - who an agent is: its CURVE key, bound to the UUID of its computer (spec 3, "Agents
 * authenticate").
 *
 * A token is needed to bind a key and never again. A computer that was never imported becomes known, and
 * managed in band, unless only imported ones may have agents; one that was imported stays managed as it is
 * until an operator decides otherwise.
 *
 * The calls run inside the transaction of the caller's turn. What they refuse is an answer, not a failure:
 * what was written with it, an alarm, is to be committed.
 */
#ifndef AGENTS_ENROLMENT_H
#define AGENTS_ENROLMENT_H

#include "common/message.h"
#include "database/database.h"

struct refused { /* zero-initialise; reason REASON_NONE: it was not refused */
    enum reason_code reason;
    char text[256];
};

struct enrolment {
    const char *key;     /* CURVE public key, proven */
    const char *address; /* numeric, of the connection; may be empty */
    const struct message_enrol *said;
    bool imported_only; /* computers that nobody imported are refused */
};

bool enrolment_carry_out(struct database *database, const struct enrolment *enrolment,
                         struct refused *refused, struct error *err) MUST_CHECK;

/* The SHA-256 of a token's text, as the database has it. */
#define TOKEN_HASH_BYTES 32
bool token_hash(const struct secret *token, unsigned char hash[TOKEN_HASH_BYTES]);

enum token_state { TOKEN_NONE, TOKEN_UNKNOWN, TOKEN_GOOD, TOKEN_EXPIRED, TOKEN_REVOKED };

/* What the verdict depends on. */
struct enrolment_facts {
    bool dummy_uuid;
    bool key_bound, key_bound_here; /* to some UUID; to this one */
    bool uuid_bound_elsewhere;      /* to another key */
    enum token_state token;
    bool token_of_another; /* made for another UUID */
    bool computer_known, name_taken;
    bool imported_only;
};

/* REASON_NONE: the key is, or is to be, bound. Pure. */
enum reason_code enrolment_judge(const struct enrolment_facts *facts);

/* Somebody seems to claim to be a computer that he is not: shown in amt.alarm. */
bool alarm_raise(struct database *database, enum reason_code reason, const struct uuid *computer,
                 const char *address, const char *text, struct error *err) MUST_CHECK;

#endif
