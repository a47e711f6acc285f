#include "firmware/understood.h"

#include <stdlib.h>
#include <string.h>

static const char *skip_to(const char *at, const char *end, char mark)
{
    const char *found = memchr(at, mark, (size_t)(end - at));

    return found ? found : end;
}

/* "<p:Name>value</p:Name>" as "  Name=value"; nested elements as one line each, deeper. */
static void properties_print(FILE *out, const char *at, const char *end)
{
    unsigned depth = 0;

    while ((at = skip_to(at, end, '<')) < end) {
        const char *close = skip_to(at, end, '>');
        const char *next = close < end ? skip_to(close + 1, end, '<') : end;
        const char *colon = skip_to(at, close, ':');
        const char *name = colon < close ? colon + 1 : at + 1;
        const char *name_end = name + strcspn(name, " />");

        if (at[1] == '/') {
            depth -= depth > 0;
        } else if (at[1] != '?' && close > at && close[-1] != '/') {
            bool leaf = next + 1 < end && next[1] == '/';

            if (depth > 0)
                fprintf(out, "%*s%.*s%s%.*s\n", (int)(2 * depth), "", (int)(name_end - name), name,
                        leaf ? "=" : "", leaf ? (int)(next - close - 1) : 0, close + 1);
            depth++;
        } else if (at[1] != '?' && depth > 0) {
            fprintf(out, "%*s%.*s=\n", (int)(2 * depth), "", (int)(name_end - name), name);
        }
        at = close < end ? close + 1 : end;
    }
}

void understood_print(struct runtime *runtime, int type, const void *element, FILE *out)
{
    static const struct Namespace none[] = {
        NAMESPACES_SOAP_1_2,
        { NULL, NULL, NULL, NULL },
    };

    runtime_write_begin(runtime, none);
    soap_putelement(runtime->soap, element, "understood", -1, type);
    if (runtime_write_end(runtime) && runtime->written.data)
        properties_print(out, (const char *)runtime->written.data,
                         (const char *)runtime->written.data + runtime->written.length);
}

bool understood_text(describer *describe, const char *text, size_t length, char **description,
                     struct error *err)
{
    struct runtime runtime;
    char *described = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&described, &size);
    bool understood;

    if (!out)
        return error_set(err, ERROR_INTERNAL, "no memory stream for a description");
    runtime_init(&runtime);
    understood = describe(&runtime, text, length, out, err);
    runtime_clear(&runtime);
    fclose(out);
    if (understood)
        *description = TAKE(described);
    free(described);
    return understood;
}
