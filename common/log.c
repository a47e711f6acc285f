#include "log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ownership.h"
#include "utf8.h"

#define LINE_SIZE 2048

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static atomic_int threshold = LOG_LEVEL_INFO;

struct line {
    char text[LINE_SIZE];
    size_t length;
};

struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){ .name = name, .text = text ? text : "" };
}

struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){ .name = name, .number = number };
}

bool log_set_level(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            threshold = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Room is always kept for the newline. */
static void put(struct line *line, const char *text, size_t length)
{
    size_t room = sizeof(line->text) - 1 - line->length;

    if (length > room)
        length = room;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void put_escaped(struct line *line, unsigned char byte)
{
    char escaped[5];

    snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
    put(line, escaped, 4);
}

/* One line of text, whatever a peer sent. */
static void put_quoted(struct line *line, const char *text)
{
    size_t length;

    put(line, "\"", 1);
    for (; *text; text += length ? length : 1) {
        length = utf8_sequence((const unsigned char *)text);
        if (*text == '"' || *text == '\\')
            put(line, (char[]){ '\\', *text }, 2);
        else if (length == 0 || *text == '\n' || *text == '\t')
            put_escaped(line, (unsigned char)*text);
        else
            put(line, text, length);
    }
    put(line, "\"", 1);
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[64];
    size_t length;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    length = strftime(text, sizeof(text), "time=%Y-%m-%dT%H:%M:%S", &utc);
    length += (size_t)snprintf(text + length, sizeof(text) - length, ".%03ldZ ", now.tv_nsec / 1000000);
    put(line, text, length);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    struct line line = { .length = 0 };
    ssize_t written;

    if ((int)level > threshold)
        return;
    put_time(&line);
    put(&line, "level=", 6);
    put(&line, level_names[level], strlen(level_names[level]));
    put(&line, " event=", 7);
    put_quoted(&line, event);
    for (; fields->name; fields++) {
        put(&line, " ", 1);
        put(&line, fields->name, strlen(fields->name));
        put(&line, "=", 1);
        if (fields->text) {
            put_quoted(&line, fields->text);
        } else {
            char number[24];

            put(&line, number, (size_t)snprintf(number, sizeof(number), "%lld", (long long)fields->number));
        }
    }
    line.text[line.length++] = '\n';
    written = write(STDERR_FILENO, line.text, line.length);
    (void)written; /* nobody is left to tell */
}

bool log_limit_passes(struct log_limit *limit, int64_t now_ms, int64_t *suppressed)
{
    if (now_ms < limit->next_ms) {
        limit->suppressed++;
        return false;
    }
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    limit->next_ms = now_ms + limit->interval_ms;
    return true;
}
