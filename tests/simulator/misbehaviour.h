/*
 * misbehaviour.h - what a computer is told to do wrong, and for which request.
 *
 * Requests are counted from the moment a misbehaviour is set, and only those that passed authentication; or
 * they are named, "at=AMT_GeneralSettings.Put". One without either holds for every request. "times=N" ends it
 * after N.
 */
#ifndef SIMULATOR_MISBEHAVIOUR_H
#define SIMULATOR_MISBEHAVIOUR_H

#include "error.h"

#include <stdint.h>

enum misbehaviour_kind {
    MISBEHAVIOUR_DROP_BEFORE,   /* connection closed, request without effect */
    MISBEHAVIOUR_DROP_AFTER,    /* request takes effect, connection closed instead of the answer */
    MISBEHAVIOUR_STALL,         /* no effect and never an answer */
    MISBEHAVIOUR_DRIP,          /* a byte every value ms */
    MISBEHAVIOUR_GARBAGE,       /* no HTTP in place of the answer, no effect */
    MISBEHAVIOUR_HUGE_REPLY,    /* answer filled up with value bytes */
    MISBEHAVIOUR_FAULT,         /* no effect, SOAP fault of that subcode */
    MISBEHAVIOUR_ECHO,          /* no effect, SOAP fault that quotes the request's values */
    MISBEHAVIOUR_RETURN,        /* no effect, ReturnValue value; for Get, Put ...: AMT-STATUS in a fault */
    MISBEHAVIOUR_WRONG_UUID,    /* every place where the firmware tells its UUID tells another one */
    MISBEHAVIOUR_SLOW,          /* value ms before each request is looked at */
    MISBEHAVIOUR_REFUSE_TLS,    /* fatal alert instead of the handshake */
    MISBEHAVIOUR_REFUSE_LOGIN,  /* 401 for everything */
    MISBEHAVIOUR_MALFORMED_XML, /* takes effect, answer is not well-formed */
    MISBEHAVIOUR_RESET,         /* TCP reset, request without effect */
    MISBEHAVIOUR_EXPIRE_NONCE,  /* nonces and cached logins forgotten: 401 with a new nonce */
    MISBEHAVIOUR_BUSY_KEYS,     /* GenerateKeyPair answers 2082, 2061 ... */
    /* towards the computer's own host; named ones only, "at=PTHI.GetUUID" */
    MISBEHAVIOUR_HOST_BUSY,        /* another program holds the AMT client */
    MISBEHAVIOUR_HOST_RESET,       /* the engine is reset, request without effect; at=connect too */
    MISBEHAVIOUR_HOST_RESET_AFTER, /* request takes effect, then the engine is reset */
    MISBEHAVIOUR_HOST_STALL,       /* no effect and never an answer */
    MISBEHAVIOUR_HOST_GARBAGE,     /* half of the answer */
    MISBEHAVIOUR_HOST_STATUS,      /* no effect, that status */
};

struct misbehaviour {
    enum misbehaviour_kind kind;
    uint32_t from;  /* first request concerned, counted from 1; 0: any */
    uint32_t seen;  /* requests since it was set */
    uint32_t times; /* how often yet; UINT32_MAX: always */
    uint32_t value;
    char *subcode, *at; /* owned; NULL: none */
    struct misbehaviour *next;
};

/* words: as after "misbehave ID". On true the misbehaviour is added to the list. */
bool misbehaviour_add(struct misbehaviour **list, const char *const *words, size_t count,
                      struct error *err) MUST_CHECK;
void misbehaviour_clear(struct misbehaviour **list);
void misbehaviour_count_request(struct misbehaviour *list);
/* The misbehaviour of that kind that holds now, one of its times used up; NULL: behave. operation:
 * "Class.Method", NULL outside a request. */
const struct misbehaviour *misbehaviour_due(struct misbehaviour *list, enum misbehaviour_kind kind,
                                            const char *operation);
bool misbehaviour_listed(const struct misbehaviour *list, enum misbehaviour_kind kind);
const char *misbehaviour_name(enum misbehaviour_kind kind);

#endif
