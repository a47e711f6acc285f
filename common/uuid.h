/*
 * uuid.h - the SMBIOS UUID that names a computer.
 *
 * On AMT's wire (Hello, GetUuid) the first three groups are byte-swapped against the text form; inside
 * this project a uuid always holds the bytes in the order of its text.
 */
#ifndef COMMON_UUID_H
#define COMMON_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37 /* with the NUL */

struct uuid {
    uint8_t bytes[16];
};

/* Lower case, into out[UUID_TEXT_SIZE]; returns out. */
char *uuid_text(const struct uuid *uuid, char *out);
/* Takes 8-4-4-4-12 in either case, with or without braces. */
bool uuid_parse(const char *text, struct uuid *uuid);
void uuid_from_smbios(const uint8_t wire[16], struct uuid *uuid);
void uuid_to_smbios(const struct uuid *uuid, uint8_t wire[16]);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
/* All 00, all FF, and the well-known 03000200-0400-0500-0006-000700080009 of unfinished boards: many
 * computers carry these, so they identify none. */
bool uuid_is_dummy(const struct uuid *uuid);

#endif
