/*
 * message_text.h - what counts as text in the dialogue; for message_read.c and message_write.c only.
 */
#ifndef COMMON_MESSAGE_TEXT_H
#define COMMON_MESSAGE_TEXT_H

#include <stddef.h>

#define MESSAGE_TEXT_MAX_BYTES 4096 /* no text of the dialogue is longer */

/* Length of the UTF-8 sequence at the start of a NUL-terminated text, 0 if there is none (RFC 3629);
 * control characters other than line feed and tab are refused. */
size_t utf8_sequence(const unsigned char *text);

#endif
