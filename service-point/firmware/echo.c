#include "firmware/echo.h"

#include <stdbool.h>
#include <string.h>

#define VALUE_SHORTEST 4 /* shorter ones tell nothing, and stand in every text by chance */

struct span {
    const char *at, *end;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next text between two tags, without blanks around it; false: there is none. rest moves behind it. */
static bool next_text(struct span *rest, struct span *text)
{
    const char *tag_end = memchr(rest->at, '>', (size_t)(rest->end - rest->at)), *next;

    if (!tag_end)
        return false;
    next = memchr(tag_end, '<', (size_t)(rest->end - tag_end));
    *text = (struct span){ tag_end + 1, next ? next : rest->end };
    rest->at = text->end;
    while (text->at < text->end && blank(*text->at))
        text->at++;
    while (text->end > text->at && blank(text->end[-1]))
        text->end--;
    return true;
}

static void blot_value(const struct span *value, char *reply, size_t reply_length)
{
    struct span rest = { reply, reply + reply_length }, text;
    size_t length = (size_t)(value->end - value->at);

    while (next_text(&rest, &text)) {
        char *found;

        for (char *at = reply + (text.at - reply);
             (found = memmem(at, (size_t)(text.end - at), value->at, length)); at = found + length)
            memset(found, '*', length);
    }
}

/* Headers hold addresses and identifiers alone. */
static const char *body_of(const char *request, size_t length)
{
    static const char name[] = "Body";
    const char *found = memmem(request, length, name, strlen(name));

    return found ? found : request;
}

void echo_blot(const char *request, size_t request_length, char *reply, size_t reply_length)
{
    struct span rest = { body_of(request, request_length), request + request_length }, value;

    while (next_text(&rest, &value)) {
        if (value.end - value.at >= VALUE_SHORTEST)
            blot_value(&value, reply, reply_length);
    }
}
