/*
 * utf8.h - what counts as text: UTF-8 (RFC 3629) without control characters but line feed and tab.
 *
 * Texts of peers and libraries go to databases that take nothing else, to logs and to terminals, some of
 * which obey also the control characters U+0080 to U+009F.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

/* Length of the sequence at the start of a NUL-terminated text; 0: none that counts. */
size_t utf8_sequence(const unsigned char *text);
/* Length of the beginning of a text that has at most so many bytes and ends between two characters. */
size_t utf8_cut(const char *text, size_t most_bytes);
/* Puts a question mark for each byte that does not count. */
void utf8_mend(char *text);

#endif
