#include "uuid.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const uint8_t smbios_order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

char *uuid_text(const struct uuid *uuid, char *out)
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;

    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[uuid->bytes[i] >> 4];
        *at++ = digits[uuid->bytes[i] & 15];
    }
    *at = '\0';
    return out;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)tolower((unsigned char)digit);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool uuid_parse(const char *text, struct uuid *uuid)
{
    struct uuid parsed;
    bool braced = *text == '{';

    text += braced;
    for (size_t i = 0; i < sizeof(parsed.bytes); i++) {
        int high, low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return false;
        if ((high = digit_value(text[0])) < 0 || (low = digit_value(text[1])) < 0)
            return false;
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if ((braced && *text++ != '}') || *text != '\0')
        return false;
    *uuid = parsed;
    return true;
}

void uuid_from_smbios(const uint8_t wire[16], struct uuid *uuid)
{
    for (size_t i = 0; i < sizeof(uuid->bytes); i++)
        uuid->bytes[i] = wire[smbios_order[i]];
}

void uuid_to_smbios(const struct uuid *uuid, uint8_t wire[16])
{
    for (size_t i = 0; i < sizeof(uuid->bytes); i++)
        wire[smbios_order[i]] = uuid->bytes[i];
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool uuid_is_dummy(const struct uuid *uuid)
{
    struct uuid dummies[3];

    memset(&dummies[0], 0x00, sizeof(dummies[0]));
    memset(&dummies[1], 0xFF, sizeof(dummies[1]));
    if (!uuid_parse("03000200-0400-0500-0006-000700080009", &dummies[2]))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (uuid_equal(uuid, &dummies[i]))
            return true;
    }
    return false;
}
