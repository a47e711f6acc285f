#include "uuid.h"

#include "encoding.h"

#include <stdio.h>
#include <string.h>

/* Position in the text order of each byte in SMBIOS order. */
static const unsigned char places[UUID_LENGTH] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

bool uuid_parse(const char *text, unsigned char bytes[UUID_LENGTH])
{
    char digits[2 * UUID_LENGTH + 1];
    unsigned char plain[UUID_LENGTH];
    size_t length, count = 0;

    if (strlen(text) != UUID_TEXT_ROOM - 1)
        return false;
    for (size_t i = 0; text[i]; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash != (text[i] == '-'))
            return false;
        if (!dash)
            digits[count++] = text[i];
    }
    digits[count] = '\0';
    if (!hex_decode(digits, plain, sizeof(plain), &length))
        return false;
    for (size_t i = 0; i < UUID_LENGTH; i++)
        bytes[i] = plain[places[i]];
    return true;
}

void uuid_format(const unsigned char bytes[UUID_LENGTH], char text[UUID_TEXT_ROOM])
{
    size_t used = 0;

    for (size_t i = 0; i < UUID_LENGTH; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[used++] = '-';
        snprintf(text + used, 3, "%02x", bytes[places[i]]);
        used += 2;
    }
}
