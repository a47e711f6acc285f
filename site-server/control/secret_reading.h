/*
 * secret_reading.h - reads a sealed password the way the database wants it: announced, committed, then read.
 */
#ifndef CONTROL_SECRET_READING_H
#define CONTROL_SECRET_READING_H

#include "session.h"

/*
 * The announcement's statement writes the audit row, which is committed before anything is read (spec 6.4).
 * Gives the one that most likely opens the device; when there is none the error says "there is no" what. The
 * caller ends *secret.
 */
bool secret_read_announced(struct session *session, int announcement, struct parameters **parameters,
                           const char *what, struct secret **secret, struct error *err) MUST_CHECK;
/* A row's key_id, nonce and ciphertext; the caller ends *sealed with sealed_clear(). */
bool sealed_take(const struct rows *rows, size_t row, struct sealed *sealed, struct error *err) MUST_CHECK;
/* Prints the secret alone; unless as JSON, it does not pass through the buffers of stdio. */
bool secret_print(const struct session *session, const struct secret *secret, struct error *err) MUST_CHECK;

#endif
