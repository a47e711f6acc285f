/*
 * encoding.h - base64 (RFC 4648) and hexadecimal, strict in what they take.
 */
#ifndef COMMON_ENCODING_H
#define COMMON_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "ownership.h"

/* Without line breaks; the caller frees. */
char *base64_encode(const void *data, size_t length);
/* Padding is needed; white space inside is skipped (firmware and files break lines). On true the
 * caller frees out->data; out must be empty before. */
bool base64_decode(const char *text, struct bytes *out) MUST_CHECK;

/* Lower case; out holds 2 * length + 1. Returns out. */
char *hex_encode(const void *data, size_t length, char *out);
/* Exactly length bytes, either case. */
bool hex_decode(const char *text, void *out, size_t length) MUST_CHECK;

#endif
