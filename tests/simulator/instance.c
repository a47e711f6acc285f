#include "instance.h"

#include "encoding.h"
#include "request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct instance *instance, const char *name, char *value, bool markup)
{
    assert(instance->count < PROPERTIES_MAX);
    instance->items[instance->count] =
        (struct property){ .name = name, .value = value, .markup = markup, .order = instance->count };
    instance->count++;
}

void instance_text(struct instance *instance, const char *name, const char *value)
{
    if (value)
        add(instance, name, duplicate(value), false);
}

void instance_number(struct instance *instance, const char *name, uint32_t value)
{
    char digits[16];

    snprintf(digits, sizeof(digits), "%u", value);
    instance_text(instance, name, digits);
}

void instance_flag(struct instance *instance, const char *name, bool value)
{
    instance_text(instance, name, value ? "true" : "false");
}

void instance_bytes(struct instance *instance, const char *name, const void *bytes, size_t length)
{
    struct text text = { 0 };

    text_append(&text, "");
    base64_append(&text, bytes, length);
    add(instance, name, text.bytes, false);
}

void reference_write(struct text *out, const char *schema, const char *class, const char *const *selectors)
{
    text_format(out,
                "<b:Address>" URI_ANONYMOUS "</b:Address><b:ReferenceParameters><c:ResourceURI>%s%s"
                "</c:ResourceURI><c:SelectorSet>",
                schema, class);
    for (; *selectors; selectors += 2) {
        text_format(out, "<c:Selector Name=\"%s\">", selectors[0]);
        text_escape(out, selectors[1]);
        text_append(out, "</c:Selector>");
    }
    text_append(out, "</c:SelectorSet></b:ReferenceParameters>");
}

void instance_reference(struct instance *instance, const char *name, const char *schema, const char *class,
                        const char *const *selectors)
{
    struct text text = { 0 };

    reference_write(&text, schema, class, selectors);
    add(instance, name, text.bytes, true);
}

void instance_service(struct instance *instance, const char *class, const char *name)
{
    instance_text(instance, "CreationClassName", class);
    instance_text(instance, "Name", name);
    instance_text(instance, "SystemCreationClassName", "CIM_ComputerSystem");
    instance_text(instance, "SystemName", "Intel(r) AMT");
}

const char *instance_value(const struct instance *instance, const char *name)
{
    for (unsigned i = 0; i < instance->count; i++)
        if (!strcmp(instance->items[i].name, name))
            return instance->items[i].value;
    return NULL;
}

static int compare(const void *left, const void *right)
{
    const struct property *a = left, *b = right;
    int order = strcmp(a->name, b->name);

    return order ? order : (int)a->order - (int)b->order;
}

void instance_write(struct instance *instance, struct text *out, const char *prefix, const char *class)
{
    qsort(instance->items, instance->count, sizeof(struct property), compare);
    text_format(out, "<%s:%s>", prefix, class);
    for (unsigned i = 0; i < instance->count; i++) {
        const struct property *property = &instance->items[i];

        text_format(out, "<%s:%s>", prefix, property->name);
        if (property->markup)
            text_append(out, property->value);
        else
            text_escape(out, property->value);
        text_format(out, "</%s:%s>", prefix, property->name);
    }
    text_format(out, "</%s:%s>", prefix, class);
}

void instance_release(struct instance *instance)
{
    for (unsigned i = 0; i < instance->count; i++)
        free(instance->items[i].value);
    instance->count = 0;
}
