/*
 * uuid.h - the name of a computer: its SMBIOS UUID.
 *
 * Bytes are in SMBIOS type 1 order: the first three groups of the text form are byte-swapped.
 */
#ifndef SIMULATOR_UUID_H
#define SIMULATOR_UUID_H

#include "ownership.h"

#include <stdbool.h>

enum { UUID_LENGTH = 16, UUID_TEXT_ROOM = 37 };

bool uuid_parse(const char *text, unsigned char bytes[UUID_LENGTH]) MUST_CHECK;
void uuid_format(const unsigned char bytes[UUID_LENGTH], char text[UUID_TEXT_ROOM]); /* lower case */

#endif
