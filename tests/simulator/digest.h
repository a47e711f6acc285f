/*
 * digest.h - HTTP Digest with MD5 as a server sees it (RFC 2617 section 3.2).
 *
 * Pure: header texts and bytes, no clock, no users.
 */
#ifndef SIMULATOR_DIGEST_H
#define SIMULATOR_DIGEST_H

#include "error.h"

#include <stdint.h>

enum { DIGEST_A1_LENGTH = 16, DIGEST_RESPONSE_ROOM = 33 };

/* What the Authorization header says; unquoted. */
struct digest_credentials {
    char username[64], realm[128], nonce[128], uri[256], cnonce[128], qop[16], response[DIGEST_RESPONSE_ROOM];
    uint32_t count; /* nc */
};

/* value is what follows "Authorization:". */
bool digest_parse(const char *value, struct digest_credentials *credentials, struct error *err) MUST_CHECK;
void digest_a1(const char *username, const char *realm, const char *password,
               unsigned char a1[DIGEST_A1_LENGTH]);
/* The body counts only with qop "auth-int". */
void digest_response(const unsigned char a1[DIGEST_A1_LENGTH], const struct digest_credentials *credentials,
                     const char *method, const void *body, size_t body_length,
                     char response[DIGEST_RESPONSE_ROOM]);

#endif
