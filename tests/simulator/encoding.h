/*
 * encoding.h - bytes as text: base64 (RFC 4648 section 4) and hexadecimal.
 */
#ifndef SIMULATOR_ENCODING_H
#define SIMULATOR_ENCODING_H

#include "text.h"

#include <stdbool.h>

void base64_append(struct text *text, const void *bytes, size_t length);
/* Blanks around the value are skipped, line breaks inside it are refused, as is PEM armour. The caller frees
 * *bytes. */
bool base64_decode(const char *encoded, unsigned char **bytes, size_t *length) MUST_CHECK;

void hex_append(struct text *text, const void *bytes, size_t length); /* lower case */
void hex_append_upper(struct text *text, const void *bytes, size_t length);
/* True: the text was an even number of digits, at most room bytes. */
bool hex_decode(const char *digits, unsigned char *bytes, size_t room, size_t *length) MUST_CHECK;

#endif
