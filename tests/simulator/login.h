/*
 * login.h - who may talk to one computer: its nonces and its lock-out.
 *
 * After ten failures in a row logins are refused for 5 s, then for twice as long after each further failure,
 * up to 80 s; an hour without a failure forgets them. Only wrong credentials count, a request without any
 * does not.
 */
#ifndef SIMULATOR_LOGIN_H
#define SIMULATOR_LOGIN_H

#include "digest.h"

#include <stdbool.h>

enum { NONCE_SLOTS = 6, NONCE_LENGTH = 32, LOGIN_FAILURES_ALLOWED = 10 };

struct nonce {
    char text[NONCE_LENGTH + 1]; /* empty: slot not in use */
    double issued;               /* seconds, monotonic */
    uint32_t last_count, uses;
};

struct login {
    struct nonce nonces[NONCE_SLOTS];
    unsigned oldest;
    unsigned failures; /* in a row */
    unsigned lock_s;   /* length of the last block */
    double locked_until, last_failure;
};

/* Limits of a nonce; 0: none. */
struct nonce_limits {
    uint32_t uses, seconds;
};

struct login_attempt {
    const char *realm, *method, *path;
    const void *body;
    size_t body_length;
    bool plain_allowed, integrity_allowed; /* qop auth, auth-int */
    struct nonce_limits limits;
    double now; /* seconds, monotonic */
};

enum login_verdict {
    LOGIN_ACCEPTED,
    LOGIN_STALE,  /* right password, but a nonce that is not or no longer good; not a failure */
    LOGIN_WRONG,  /* counts */
    LOGIN_LOCKED, /* not looked at */
};

/* A new nonce, remembered; the text lives until the slot is used again. */
const char *login_challenge(struct login *login, double now);
/* a1 is that of the named user, NULL when there is no such user. */
enum login_verdict login_check(struct login *login, const struct login_attempt *attempt,
                               const struct digest_credentials *credentials, const unsigned char *a1);
void login_forget_nonces(struct login *login);

#endif
