/*
 * otp.h - the one-time password that proves the computer to the service point (spec I2).
 */
#ifndef CLIENT_AGENT_OTP_H
#define CLIENT_AGENT_OTP_H

#include <stdint.h>

#include "common/error.h"
#include "common/secret.h"

enum { OTP_SALT_SIZE = 32, OTP_HASH_SIZE = 32, OTP_RANDOM_SIZE = 20 };

struct otp {
    struct secret *text;         /* 20 random bytes in base32 (RFC 4648): the 32 characters that AMT takes */
    uint8_t salt[OTP_SALT_SIZE]; /* random */
    uint8_t hash[OTP_HASH_SIZE]; /* SHA-256 over salt and text: all that leaves the computer */
};

/* On true the caller ends *otp with otp_clear(). */
bool otp_make(struct otp *otp, struct error *err) MUST_CHECK;
void otp_clear(struct otp *otp);

#endif
