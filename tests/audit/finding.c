#include "audit/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"

void finding_add(struct findings *findings, const char *uuid, const char *format, ...)
{
    struct finding *added;
    va_list arguments;

    findings->items = reallocate(findings->items, findings->count + 1, sizeof(*findings->items));
    added = &findings->items[findings->count++];
    added->uuid = text_copy(uuid);
    va_start(arguments, format);
    if (vasprintf(&added->sentence, format, arguments) < 0)
        abort();
    va_end(arguments);
}

size_t findings_of(const struct findings *findings, const char *uuid)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += strcmp(findings->items[i].uuid, uuid) == 0;
    return count;
}

void findings_clear(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].uuid);
        free(findings->items[i].sentence);
    }
    free(findings->items);
    *findings = (struct findings){ 0 };
}
