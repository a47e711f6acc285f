#include "request.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

bool node_is(const xmlNode *node, const char *space, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE && node->ns &&
           !strcmp((const char *)node->ns->href, space) && !strcmp((const char *)node->name, name);
}

static const xmlNode *element_from(const xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

const xmlNode *node_first(const xmlNode *parent)
{
    return element_from(parent->children);
}

const xmlNode *node_next(const xmlNode *node)
{
    return element_from(node->next);
}

const xmlNode *node_child(const xmlNode *parent, const char *space, const char *name)
{
    const xmlNode *node = parent ? node_first(parent) : NULL;

    while (node && !node_is(node, space, name))
        node = node_next(node);
    return node;
}

char *node_text(const xmlNode *node)
{
    xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
    char *copy = duplicate(content ? (const char *)content : "");

    xmlFree(content);
    return copy;
}

/* For values in which blanks around the text do not count. */
static char *trimmed_text(const xmlNode *node)
{
    char *text = node_text(node);
    size_t start = strspn(text, " \t\r\n"), length = strlen(text);

    while (length > start && strchr(" \t\r\n", text[length - 1]))
        text[--length] = '\0';
    memmove(text, text + start, length - start + 1);
    return text;
}

static void release_selectors(struct selectors *selectors)
{
    for (unsigned i = 0; i < selectors->count; i++) {
        free(selectors->items[i].name);
        free(selectors->items[i].value);
    }
    selectors->count = 0;
}

/* set may be NULL: no selectors. False: too many, or one without a name. */
static bool parse_selectors(const xmlNode *set, struct selectors *selectors)
{
    for (const xmlNode *node = set ? node_first(set) : NULL; node; node = node_next(node)) {
        struct selector *selector = &selectors->items[selectors->count];
        xmlChar *name;

        if (!node_is(node, NS_MANAGEMENT, "Selector") || selectors->count == SELECTORS_MAX)
            return false;
        name = xmlGetNoNsProp(node, (const xmlChar *)"Name");
        if (!name)
            return false;
        selector->name = duplicate((const char *)name);
        xmlFree(name);
        selector->reference = node_child(node, NS_ADDRESSING, "EndpointReference");
        selector->value = selector->reference ? duplicate("") : node_text(node);
        selectors->count++;
    }
    return true;
}

bool reference_parse(const xmlNode *node, struct reference *reference)
{
    const xmlNode *parameters = node_child(node, NS_ADDRESSING, "ReferenceParameters");
    const xmlNode *resource = node_child(parameters, NS_MANAGEMENT, "ResourceURI");
    struct reference parsed = { 0 };

    if (!resource || !node_child(node, NS_ADDRESSING, "Address"))
        return false;
    if (!parse_selectors(node_child(parameters, NS_MANAGEMENT, "SelectorSet"), &parsed.selectors)) {
        release_selectors(&parsed.selectors);
        return false;
    }
    parsed.resource = trimmed_text(resource);
    *reference = parsed;
    return true;
}

void reference_release(struct reference *reference)
{
    free(reference->resource);
    release_selectors(&reference->selectors);
    *reference = (struct reference){ 0 };
}

const char *reference_value(const struct reference *reference, const char *selector)
{
    for (unsigned i = 0; i < reference->selectors.count; i++)
        if (!strcmp(reference->selectors.items[i].name, selector))
            return reference->selectors.items[i].value;
    return NULL;
}

const char *class_of(const char *uri)
{
    const char *slash = strrchr(uri, '/');

    return slash ? slash + 1 : uri;
}

static bool must_understand(const xmlNode *node)
{
    xmlChar *value = xmlGetNsProp(node, (const xmlChar *)"mustUnderstand", (const xmlChar *)NS_SOAP);
    bool must = value && (!strcmp((const char *)value, "true") || !strcmp((const char *)value, "1"));

    xmlFree(value);
    return must;
}

static void set_once(char **place, const xmlNode *node)
{
    free(*place);
    *place = trimmed_text(node);
}

static void read_header_block(const xmlNode *node, struct request *request)
{
    static const char *const ignored[] = { "To", "ReplyTo", "FaultTo", "From", "RelatesTo" };
    char *limit;

    if (node_is(node, NS_ADDRESSING, "Action")) {
        set_once(&request->action, node);
        return;
    }
    if (node_is(node, NS_ADDRESSING, "MessageID")) {
        set_once(&request->message_id, node);
        return;
    }
    if (node_is(node, NS_MANAGEMENT, "ResourceURI")) {
        set_once(&request->resource, node);
        return;
    }
    if (node_is(node, NS_MANAGEMENT, "SelectorSet")) {
        if (!parse_selectors(node, &request->selectors))
            request->fault.kind = FAULT_INVALID_SELECTORS;
        return;
    }
    if (node_is(node, NS_MANAGEMENT, "MaxEnvelopeSize")) {
        limit = trimmed_text(node);
        if (strtoul(limit, NULL, 10) < 50000) /* AMT SDK: "DSP0226 web services for management" */
            request->fault.kind = FAULT_ENCODING_LIMIT;
        free(limit);
        return;
    }
    if (node_is(node, NS_MANAGEMENT, "OperationTimeout") || node_is(node, NS_MANAGEMENT, "Locale"))
        return;
    for (size_t i = 0; i < LENGTH(ignored); i++)
        if (node_is(node, NS_ADDRESSING, ignored[i]))
            return;
    if (must_understand(node))
        request->fault.kind = FAULT_MUST_UNDERSTAND;
}

bool request_parse(const char *bytes, size_t length, struct request *request, struct error *err)
{
    struct request parsed = { 0 };
    const xmlNode *root, *header, *body;

    parsed.document = xmlReadMemory(bytes, (int)length, NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    root = parsed.document ? xmlDocGetRootElement(parsed.document) : NULL;
    body = node_child(root, NS_SOAP, "Body");
    if (!node_is(root, NS_SOAP, "Envelope") || !body || parsed.document->intSubset) {
        xmlFreeDoc(parsed.document);
        return error_set(err, "SOAP 1.2 5: the body is not an envelope");
    }
    parsed.action = duplicate("");
    parsed.resource = duplicate("");
    parsed.message_id = duplicate("");
    header = node_child(root, NS_SOAP, "Header");
    for (const xmlNode *node = header ? node_first(header) : NULL; node; node = node_next(node))
        read_header_block(node, &parsed);
    parsed.body = (xmlNode *)node_first(body);
    parsed.identify = node_is(parsed.body, NS_IDENTITY, "Identify");
    if (!parsed.identify && !parsed.fault.kind && (!*parsed.action || !*parsed.message_id))
        parsed.fault.kind = FAULT_HEADER_REQUIRED;
    *request = parsed;
    return true;
}

void request_release(struct request *request)
{
    free(request->action);
    free(request->resource);
    free(request->message_id);
    release_selectors(&request->selectors);
    xmlFreeDoc(request->document);
    *request = (struct request){ 0 };
}
