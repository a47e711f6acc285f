/*
 * text.h - a text that grows while it is written; the bytes always end with a zero that is not counted.
 */
#ifndef SIMULATOR_TEXT_H
#define SIMULATOR_TEXT_H

#include "ownership.h"

#include <stdint.h>

struct text {
    char *bytes; /* NULL while empty */
    size_t length, room;
};

void text_append(struct text *text, const char *more);
void text_append_bytes(struct text *text, const void *bytes, size_t length);
void text_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_escape(struct text *text, const char *plain); /* as XML character data */
const char *text_value(const struct text *text);        /* "" while empty */
void text_release(struct text *text);

#endif
