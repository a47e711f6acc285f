#include "message_text.h"

size_t utf8_sequence(const unsigned char *text)
{
    if (text[0] < 0x80)
        return (text[0] >= 0x20 && text[0] != 0x7F) || text[0] == '\n' || text[0] == '\t';
    if (text[0] >= 0xC2 && text[0] <= 0xDF)
        return (text[1] & 0xC0) == 0x80 ? 2 : 0;
    if ((text[0] & 0xF0) == 0xE0) {
        if ((text[1] & 0xC0) != 0x80 || (text[2] & 0xC0) != 0x80 || (text[0] == 0xE0 && text[1] < 0xA0) ||
            (text[0] == 0xED && text[1] > 0x9F))
            return 0;
        return 3;
    }
    if (text[0] >= 0xF0 && text[0] <= 0xF4) {
        if ((text[1] & 0xC0) != 0x80 || (text[2] & 0xC0) != 0x80 || (text[3] & 0xC0) != 0x80 ||
            (text[0] == 0xF0 && text[1] < 0x90) || (text[0] == 0xF4 && text[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}
