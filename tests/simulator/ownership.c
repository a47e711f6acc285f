#include "ownership.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *existing(void *memory)
{
    if (!memory) {
        fputs("amt-simulator: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *allocate(size_t size)
{
    return existing(calloc(1, size ? size : 1));
}

void *reallocate(void *memory, size_t size)
{
    return existing(realloc(memory, size ? size : 1));
}

char *duplicate(const char *text)
{
    return existing(strdup(text));
}

void *duplicate_bytes(const void *bytes, size_t length)
{
    void *copy = allocate(length);

    if (length)
        memcpy(copy, bytes, length);
    return copy;
}

void replace_text(char **place, const char *value)
{
    char *copy = value ? duplicate(value) : NULL;

    free(*place);
    *place = copy;
}

void free_text(char **place)
{
    free(*place);
    *place = NULL;
}
