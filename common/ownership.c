#include "ownership.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(void)
{
    fputs("level=error event=\"out of memory\"\n", stderr);
    abort();
}

void *allocate(size_t size_bytes)
{
    void *memory = calloc(1, size_bytes ? size_bytes : 1);

    if (!memory)
        out_of_memory();
    return memory;
}

void *reallocate(void *memory, size_t count, size_t size_bytes)
{
    void *moved = reallocarray(memory, count ? count : 1, size_bytes);

    if (!moved)
        out_of_memory();
    return moved;
}

char *text_copy(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        out_of_memory();
    return copy;
}

char *text_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        out_of_memory();
    va_end(arguments);
    return text;
}

void text_free(char **text)
{
    free(*text);
    *text = NULL;
}

void text_set(char **text, const char *value)
{
    char *copy = text_copy(value);

    free(*text);
    *text = copy;
}

void bytes_set(struct bytes *bytes, const void *data, size_t length)
{
    unsigned char *copy = length ? allocate(length) : NULL;

    if (length)
        memcpy(copy, data, length);
    bytes_free(bytes);
    bytes->data = copy;
    bytes->length = length;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    bytes->data = NULL;
    bytes->length = 0;
}

char *text_trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}
