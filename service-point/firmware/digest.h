/*
 * digest.h - HTTP Digest authentication as AMT asks for it (RFC 2617, qop auth and auth-int, MD5).
 *
 * Pure: bytes in, bytes out; no socket, no clock, no randomness of its own.
 */
#ifndef FIRMWARE_DIGEST_H
#define FIRMWARE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/secret.h"

#define DIGEST_HASH_SIZE           16
#define DIGEST_REALM_SIZE          256 /* with the NUL; AMT's has 39 characters */
#define DIGEST_NONCE_SIZE          256
#define DIGEST_OPAQUE_SIZE         256
#define DIGEST_CNONCE_SIZE         33 /* 16 random bytes in hexadecimal, and the NUL */
#define DIGEST_HEADER_SIZE         2048
#define DIGEST_CHALLENGE_MAX_BYTES 4096

enum digest_qop { DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT };

struct digest_challenge {
    char realm[DIGEST_REALM_SIZE];
    char nonce[DIGEST_NONCE_SIZE];
    char opaque[DIGEST_OPAQUE_SIZE];
    bool has_opaque;
    bool names_algorithm; /* then it is sent back (RFC 2617 3.2.2) */
    bool stale;
    enum digest_qop qop; /* auth where it is offered */
};

/*
 * The Digest challenge of one WWW-Authenticate header; other schemes before and after it, as Negotiate,
 * are skipped. False with ERROR_ABSENT when the header has no Digest challenge, with ERROR_PROTOCOL when it
 * has one that cannot be answered: no realm or nonce, no qop that we know, MD5-sess, SHA-256, a value too
 * long.
 */
bool digest_challenge_parse(const char *header, size_t length, struct digest_challenge *challenge,
                            struct error *err) MUST_CHECK;

/* MD5(user ":" realm ":" password), the 16 octets. The caller wipes them: they are as good as the password.
 * Base64 of them is what SetAdminAclEntryEx takes, hexadecimal what host-based setup takes. */
void digest_a1(const char *user, const char *realm, const struct secret *password,
               uint8_t a1[DIGEST_HASH_SIZE]);

/* One nonce's use; count and cnonce belong to the session, not to the challenge. */
struct digest_answer {
    const char *user;
    const uint8_t *a1;    /* of the challenge's realm */
    const char *method;   /* "POST" */
    const char *uri;      /* "/wsman" */
    const char *cnonce;   /* hexadecimal, from a random source; new for each nonce */
    uint32_t nonce_count; /* 1 for the first use of a nonce, then growing */
    const void *body;     /* hashed when qop is auth-int */
    size_t body_length;
};

/* Writes the value of the Authorization header, NUL-terminated. False when a text has a character that does
 * not belong in a quoted string, or all together are too long. */
bool digest_authorization(const struct digest_challenge *challenge, const struct digest_answer *answer,
                          char header[DIGEST_HEADER_SIZE], struct error *err) MUST_CHECK;

#endif
