#include "encoding.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t length)
{
    const uint8_t *in = data;
    char *text = allocate((length + 2) / 3 * 4 + 1);
    char *at = text;

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group =
            (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);

        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *at++ = left > 2 ? alphabet[group & 63] : '=';
    }
    return text;
}

bool base64_decode(const char *text, struct bytes *out)
{
    size_t capacity = strlen(text) / 4 * 3 + 3;
    uint8_t *data = allocate(capacity);
    struct bytes decoded = { data, 0 };
    uint32_t group = 0;
    unsigned digits = 0, padding = 0;

    for (; *text; text++) {
        const char *found;

        if (isspace((unsigned char)*text))
            continue;
        if (*text == '=' && digits + padding >= 2 && digits + padding < 4) {
            padding++;
            continue;
        }
        found = strchr(alphabet, *text);
        if (!found || padding) {
            bytes_free(&decoded);
            return false;
        }
        group = group << 6 | (uint32_t)(found - alphabet);
        if (++digits == 4) {
            decoded.data[decoded.length++] = (uint8_t)(group >> 16);
            decoded.data[decoded.length++] = (uint8_t)(group >> 8);
            decoded.data[decoded.length++] = (uint8_t)group;
            digits = 0;
            group = 0;
        }
    }
    if ((digits || padding) && digits + padding != 4) {
        bytes_free(&decoded);
        return false;
    }
    if (digits >= 2)
        decoded.data[decoded.length++] = (uint8_t)(group >> (digits * 6 - 8));
    if (digits == 3)
        decoded.data[decoded.length++] = (uint8_t)(group >> 2);
    *out = decoded;
    return true;
}

char *hex_encode(const void *data, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = data;

    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * length] = '\0';
    return out;
}

bool hex_decode(const char *text, void *out, size_t length)
{
    uint8_t *bytes = out;

    if (strlen(text) != 2 * length)
        return false;
    for (size_t i = 0; i < 2 * length; i++) {
        int digit = tolower((unsigned char)text[i]);

        if (!isxdigit(digit))
            return false;
        digit = isdigit(digit) ? digit - '0' : digit - 'a' + 10;
        bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] << 4 | digit : digit);
    }
    return true;
}
