#include "encoding.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void base64_append(struct text *text, const void *bytes, size_t length)
{
    unsigned char *encoded = allocate(length / 3 * 4 + 5);
    int written = EVP_EncodeBlock(encoded, bytes, (int)length);

    text_append_bytes(text, encoded, (size_t)written);
    free(encoded);
}

bool base64_decode(const char *encoded, unsigned char **bytes, size_t *length)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size, padding = 0;

    while (isspace((unsigned char)*encoded))
        encoded++;
    size = strlen(encoded);
    while (size && isspace((unsigned char)encoded[size - 1]))
        size--;
    if (size % 4)
        return false;
    while (padding < 2 && padding < size && encoded[size - 1 - padding] == '=')
        padding++;
    if (strspn(encoded, alphabet) != size - padding)
        return false;
    *bytes = allocate(size / 4 * 3 + 1);
    *length = size / 4 * 3 - padding;
    if (size)
        EVP_DecodeBlock(*bytes, (const unsigned char *)encoded, (int)size);
    return true;
}

static void append_digits(struct text *text, const void *bytes, size_t length, const char *digits)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < length; i++) {
        char pair[2] = { digits[byte[i] >> 4], digits[byte[i] & 15] };

        text_append_bytes(text, pair, 2);
    }
}

void hex_append(struct text *text, const void *bytes, size_t length)
{
    append_digits(text, bytes, length, "0123456789abcdef");
}

void hex_append_upper(struct text *text, const void *bytes, size_t length)
{
    append_digits(text, bytes, length, "0123456789ABCDEF");
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)tolower((unsigned char)digit);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool hex_decode(const char *digits, unsigned char *bytes, size_t room, size_t *length)
{
    size_t count = strlen(digits);

    if (count % 2 || count / 2 > room)
        return false;
    for (size_t i = 0; i < count / 2; i++) {
        int high = digit_value(digits[2 * i]), low = digit_value(digits[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    *length = count / 2;
    return true;
}
