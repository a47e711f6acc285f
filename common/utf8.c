#include "utf8.h"

#include <stdbool.h>
#include <string.h>

static bool continues(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t utf8_sequence(const unsigned char *text)
{
    if (text[0] < 0x80)
        return (text[0] >= 0x20 && text[0] != 0x7F) || text[0] == '\n' || text[0] == '\t';
    if (text[0] >= 0xC2 && text[0] <= 0xDF)
        return continues(text[1]) && (text[0] > 0xC2 || text[1] >= 0xA0) ? 2 : 0; /* below: C1 controls */
    if ((text[0] & 0xF0) == 0xE0) {
        if (!continues(text[1]) || !continues(text[2]) || (text[0] == 0xE0 && text[1] < 0xA0) ||
            (text[0] == 0xED && text[1] > 0x9F))
            return 0;
        return 3;
    }
    if (text[0] >= 0xF0 && text[0] <= 0xF4) {
        if (!continues(text[1]) || !continues(text[2]) || !continues(text[3]) ||
            (text[0] == 0xF0 && text[1] < 0x90) || (text[0] == 0xF4 && text[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

size_t utf8_cut(const char *text, size_t most_bytes)
{
    size_t length = strnlen(text, most_bytes);

    while (length > 0 && continues((unsigned char)text[length]))
        length--;
    return length;
}

void utf8_mend(char *text)
{
    while (*text) {
        size_t length = utf8_sequence((const unsigned char *)text);

        if (length == 0)
            *text = '?';
        text += length ? length : 1;
    }
}
