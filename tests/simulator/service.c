#include "service.h"

#include "encoding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct service services[] = {
    { .name = "SecurityAdministration",
      .space = EOI_CLIENT "SecurityAdministration/2004/01",
      .calls = { setup_calls, access_calls, tls_calls, store_calls, interface_calls },
      .realms = MAY(REALM_ADMINISTRATION) },
    { .name = "NetworkAdministration",
      .space = EOI_CLIENT "NetworkAdministration/2004/01",
      .calls = { network_calls },
      .realms = MAY(REALM_ADMINISTRATION) },
    { .name = "NetworkTime",
      .space = EOI_CLIENT "NetworkTime/2004/01",
      .calls = { time_calls },
      .realms = MAY(REALM_NETWORK_TIME) },
    { .name = "GeneralInfo",
      .space = EOI_CLIENT "GeneralInfo/2004/01",
      .calls = { general_calls },
      .realms = MAY(REALM_GENERAL_INFO),
      .always = true },
    { .name = "HardwareAsset",
      .space = EOI_CLIENT "HardwareAsset/2004/01",
      .calls = { asset_calls },
      .status = "Status",
      .realms = MAY(REALM_HARDWARE_ASSET) },
};

const struct service *service_find(const char *path)
{
    for (size_t i = 0; i < LENGTH(services); i++) {
        size_t length = strlen(services[i].name);

        if (*path == '/' && !strncmp(path + 1, services[i].name, length) &&
            !strcmp(path + 1 + length, "Service"))
            return &services[i];
    }
    return NULL;
}

/* Calls seen() of every call until it returns true. */
typedef bool visitor(void *context, const struct service *service, const struct service_call *call,
                     unsigned index);

static void visit(visitor *seen, void *context)
{
    unsigned index = 0;

    for (size_t i = 0; i < LENGTH(services); i++)
        for (unsigned t = 0; t < SERVICE_TABLES_MAX && services[i].calls[t]; t++)
            for (const struct service_call *call = services[i].calls[t]; call->name; call++)
                if (seen(context, &services[i], call, index++))
                    return;
}

struct search {
    const struct service *service;
    const char *name;
    const struct service_call *found;
    unsigned index; /* looked for, or found */
    char text[96];
};

static bool by_name(void *context, const struct service *service, const struct service_call *call,
                    unsigned index)
{
    struct search *search = context;

    if (service != search->service || strcmp(call->name, search->name))
        return false;
    search->found = call;
    search->index = index;
    return true;
}

const struct service_call *service_call_find(const struct service *service, const char *name, unsigned *index)
{
    struct search search = { .service = service, .name = name };

    visit(by_name, &search);
    *index = search.index;
    return search.found;
}

static bool by_index(void *context, const struct service *service, const struct service_call *call,
                     unsigned index)
{
    struct search *search = context;

    if (index != search->index)
        return false;
    search->found = call;
    snprintf(search->text, sizeof(search->text), "%s.%s", service->name, call->name);
    return true;
}

const char *service_call_name(unsigned index)
{
    static struct search search;

    search = (struct search){ .index = index };
    visit(by_index, &search);
    return search.found ? search.text : NULL;
}

static bool by_none(void *context, const struct service *service, const struct service_call *call,
                    unsigned index)
{
    (void)service;
    (void)call;
    *(unsigned *)context = index + 1;
    return false;
}

unsigned service_call_total(void)
{
    static unsigned total;

    if (!total)
        visit(by_none, &total);
    return total;
}

/* ---- schema ---- */

static bool member_is(const xmlNode *node, const char *space, const struct member *member)
{
    return node_is(node, member->flags & IN_STORE ? EOI_CERTIFICATE : space, member->name);
}

static bool member_valid(const xmlNode *node, const char *space, const struct member *member, bool strict)
{
    if (member->members)
        return service_check(node, member->flags & IN_STORE ? EOI_CERTIFICATE : space, member->members,
                             strict);
    return value_valid(node, member->type);
}

/* In the order of the definition, each as often as it may come. */
static bool sequence_valid(const xmlNode *element, const char *space, const struct member *members)
{
    const xmlNode *node = node_first(element);

    for (const struct member *member = members; member && member->name; member++) {
        unsigned count = 0;

        while (node && member_is(node, space, member) && (!count || (member->flags & LIST))) {
            if (!member_valid(node, space, member, true))
                return false;
            node = node_next(node);
            count++;
        }
        if (!count && (member->flags & REQUIRED))
            return false;
    }
    return !node;
}

bool service_check(const xmlNode *element, const char *space, const struct member *members, bool strict)
{
    if (strict)
        return sequence_valid(element, space, members);
    for (const struct member *member = members; member && member->name; member++) {
        unsigned count = 0;

        for (const xmlNode *node = node_first(element); node; node = node_next(node)) {
            if (!member_is(node, space, member))
                continue;
            if (!member_valid(node, space, member, false) || (count++ && !(member->flags & LIST)))
                return false;
        }
        if (!count && (member->flags & REQUIRED))
            return false;
    }
    return true;
}

/* ---- values ---- */

bool word_number(const xmlNode *parent, const char *name, const char *const *words, uint32_t *number)
{
    AUTO(free_text) char *text = value_text(parent, name);

    for (uint32_t i = 0; text && words[i]; i++)
        if (!strcmp(words[i], text)) {
            *number = i;
            return true;
        }
    return false;
}

void write_text(struct text *out, const char *name, const char *value)
{
    text_format(out, "<g:%s>", name);
    text_escape(out, value);
    text_format(out, "</g:%s>", name);
}

void write_flag(struct text *out, const char *name, bool flag)
{
    write_text(out, name, flag ? "true" : "false");
}

void write_number(struct text *out, const char *name, uint32_t number)
{
    text_format(out, "<g:%s>%u</g:%s>", name, number, name);
}

void write_bytes(struct text *out, const char *name, const void *bytes, size_t length)
{
    text_format(out, "<g:%s>", name);
    base64_append(out, bytes, length);
    text_format(out, "</g:%s>", name);
}
