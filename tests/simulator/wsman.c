#include "wsman.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENUMERATION_LIFE_S = 60, PULL_CHARACTERS = 16000 };

typedef void operation_function(struct call *call, const struct class *class, struct text *out);
static operation_function get, put, create, delete, enumerate, pull, release;

static const struct generic {
    const char *action, *name;
    operation_function *run;
} generics[] = {
    { NS_TRANSFER "/Get", "Get", get },
    { NS_TRANSFER "/Put", "Put", put },
    { NS_TRANSFER "/Create", "Create", create },
    { NS_TRANSFER "/Delete", "Delete", delete },
    { NS_ENUMERATION "/Enumerate", "Enumerate", enumerate },
    { NS_ENUMERATION "/Pull", "Pull", pull },
    { NS_ENUMERATION "/Release", "Release", release },
};

static const struct generic *find_generic(const char *action)
{
    for (size_t i = 0; i < LENGTH(generics); i++)
        if (!strcmp(generics[i].action, action))
            return &generics[i];
    return NULL;
}

void wsman_operation(const struct request *request, char operation[OPERATION_ROOM])
{
    const struct generic *generic = find_generic(request->action);

    if (request->identify)
        snprintf(operation, OPERATION_ROOM, "Identify");
    else
        snprintf(operation, OPERATION_ROOM, "%.60s.%.60s", class_of(request->resource),
                 generic ? generic->name : class_of(request->action));
}

/* ---- envelopes ---- */

/* spaces: what follows prefix f, as whole declarations. */
static void open_envelope(struct call *call, const char *action, const char *spaces, struct text *out)
{
    text_format(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"" NS_SOAP
        "\" xmlns:b=\"" NS_ADDRESSING "\" xmlns:c=\"" NS_MANAGEMENT "\""
        " xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/02/trust\""
        " xmlns:e=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\""
        " xmlns:f=\"http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd\"%s"
        " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><a:Header><b:To>" URI_ANONYMOUS
        "</b:To><b:RelatesTo>",
        spaces);
    text_escape(out, call->request->message_id);
    text_format(out,
                "</b:RelatesTo><b:Action a:mustUnderstand=\"true\">%sResponse</b:Action><b:MessageID>uuid:"
                "00000000-8086-8086-8086-%012" PRIX64 "</b:MessageID><c:ResourceURI>",
                action, ++call->device->last_message);
    text_escape(out, call->request->resource);
    text_append(out, "</c:ResourceURI></a:Header><a:Body>");
}

static void open_class_envelope(struct call *call, const struct class *class, struct text *out)
{
    struct text spaces = { 0 };

    text_format(&spaces, " xmlns:g=\"%s%s\"", class->schema, class->name);
    open_envelope(call, call->request->action, spaces.bytes, out);
    text_release(&spaces);
}

static void open_generic_envelope(struct call *call, const char *space, struct text *out)
{
    struct text spaces = { 0 };

    text_format(&spaces, " xmlns:g=\"%s\"", space);
    open_envelope(call, call->request->action, spaces.bytes, out);
    text_release(&spaces);
}

static void close_envelope(struct text *out)
{
    text_append(out, "</a:Body></a:Envelope>");
}

/* ---- selecting ---- */

static bool selectors_known(const struct class *class, const struct selectors *selectors)
{
    for (unsigned i = 0; i < selectors->count; i++) {
        bool known = false;

        for (unsigned k = 0; k < LENGTH(class->keys) && class->keys[k]; k++)
            known |= !strcmp(class->keys[k], selectors->items[i].name);
        if (!known)
            return false;
    }
    return true;
}

static bool instance_matches(struct device *device, const struct class *class, unsigned index,
                             const struct selectors *selectors)
{
    struct instance instance = { 0 };
    bool matches = true;

    if (class->matches)
        return class->matches(device, index, selectors);
    class->describe(device, index, &instance);
    for (unsigned i = 0; matches && i < selectors->count; i++) {
        const char *value = instance_value(&instance, selectors->items[i].name);

        matches = value && !strcmp(value, selectors->items[i].value);
    }
    instance_release(&instance);
    return matches;
}

/* Where several instances exist, writing one needs a selector; reading takes the first, as devices do. */
static bool select_instance(struct call *call, const struct class *class, bool selector_needed,
                            unsigned *index)
{
    const struct selectors *selectors = &call->request->selectors;
    unsigned count = class_count(class, call->device);

    if (!selectors_known(class, selectors) || (selector_needed && class->count && !selectors->count)) {
        refuse_with(call, FAULT_INVALID_SELECTORS);
        return false;
    }
    for (unsigned i = 0; i < count; i++)
        if (!selectors->count || instance_matches(call->device, class, i, selectors)) {
            *index = i;
            return true;
        }
    refuse_with(call, FAULT_DESTINATION_UNREACHABLE);
    return false;
}

/* ---- rights ---- */

static bool check_right(struct call *call, uint32_t realms)
{
    if (identity_may(call->identity, realms))
        return true;
    refuse_with(call, FAULT_ACCESS_DENIED);
    return false;
}

/* ---- operations ---- */

static void write_instance(struct call *call, const struct class *class, unsigned index, const char *prefix,
                           struct text *out)
{
    struct instance instance = { 0 };

    class->describe(call->device, index, &instance);
    instance_write(&instance, out, prefix, class->name);
    instance_release(&instance);
}

static void get(struct call *call, const struct class *class, struct text *out)
{
    unsigned index;

    if (!check_right(call, class->read_realms) || !select_instance(call, class, false, &index))
        return;
    open_class_envelope(call, class, out);
    write_instance(call, class, index, "g", out);
    close_envelope(out);
}

static bool body_checked(struct call *call, const struct class *class)
{
    char space[256];

    snprintf(space, sizeof(space), "%s%s", class->schema, class->name);
    if (node_is(call->request->body, space, class->name) &&
        schema_check(call->request->body, space, class->properties))
        return true;
    refuse_with(call, FAULT_SCHEMA_VALIDATION);
    return false;
}

static void put(struct call *call, const struct class *class, struct text *out)
{
    unsigned index;

    if (!class->put) {
        refuse_with(call, FAULT_ACTION_NOT_SUPPORTED);
        return;
    }
    if (!check_right(call, class->write_realms) ||
        !select_instance(call, class, class->keys[0] && !class->matches, &index) ||
        !body_checked(call, class))
        return;
    class->put(call, index, call->request->body);
    if (call->fault.kind)
        return;
    call->device->counters.writes++;
    open_class_envelope(call, class, out);
    write_instance(call, class, index, "g", out);
    close_envelope(out);
}

static void create(struct call *call, const struct class *class, struct text *out)
{
    struct instance instance = { 0 };

    if (!class->create) {
        refuse_with(call, FAULT_ACTION_NOT_SUPPORTED);
        return;
    }
    if (!check_right(call, class->write_realms) || !body_checked(call, class))
        return;
    class->create(call, call->request->body);
    if (call->fault.kind)
        return;
    call->device->counters.writes++;
    class->describe(call->device, class_count(class, call->device) - 1, &instance);
    open_generic_envelope(call, NS_TRANSFER, out);
    text_format(out,
                "<g:ResourceCreated><b:Address>" URI_ANONYMOUS "</b:Address><b:ReferenceParameters>"
                "<c:ResourceURI>%s%s</c:ResourceURI><c:SelectorSet>",
                class->schema, class->name);
    for (unsigned i = 0; i < LENGTH(class->keys) && class->keys[i]; i++)
        text_format(out, "<c:Selector Name=\"%s\"><b:EndpointReference>%s</b:EndpointReference></c:Selector>",
                    class->keys[i], instance_value(&instance, class->keys[i]));
    text_append(out, "</c:SelectorSet></b:ReferenceParameters></g:ResourceCreated>");
    close_envelope(out);
    instance_release(&instance);
}

static void delete (struct call *call, const struct class *class, struct text *out)
{
    unsigned index;

    if (!class->remove) {
        refuse_with(call, FAULT_ACTION_NOT_SUPPORTED);
        return;
    }
    if (!check_right(call, class->write_realms) || !select_instance(call, class, true, &index))
        return;
    class->remove(call, index);
    if (call->fault.kind)
        return;
    call->device->counters.writes++;
    open_envelope(call, call->request->action, "", out);
    close_envelope(out);
}

static struct enumeration *free_enumeration(struct device *device)
{
    struct enumeration *oldest = &device->enumerations[0];

    for (unsigned i = 0; i < ENUMERATIONS_MAX; i++) {
        struct enumeration *slot = &device->enumerations[i];

        if (!slot->context)
            return slot;
        if (slot->touched < oldest->touched)
            oldest = slot;
    }
    return oldest;
}

/* The device's contexts are a counter, written as the little-endian start of a GUID. */
static void format_context(uint32_t context, char text[48])
{
    snprintf(text, 48, "%02X%02X%02X%02X-0000-0000-0000-000000000000", context & 255, context >> 8 & 255,
             context >> 16 & 255, context >> 24 & 255);
}

static void enumerate(struct call *call, const struct class *class, struct text *out)
{
    const xmlNode *body = call->request->body;
    struct enumeration *slot;
    char context[48];

    if (!node_is(body, NS_ENUMERATION, "Enumerate")) {
        refuse_with(call, FAULT_SCHEMA_VALIDATION);
        return;
    }
    if (node_child(body, NS_MANAGEMENT, "Filter") || node_child(body, NS_ENUMERATION, "Filter") ||
        node_child(body, NS_MANAGEMENT, "EnumerationMode")) {
        refuse_with(call, FAULT_UNSUPPORTED_FEATURE);
        return;
    }
    if (!check_right(call, class->read_realms))
        return;
    slot = free_enumeration(call->device);
    *slot = (struct enumeration){ .context = ++call->device->last_context,
                                  .class = class,
                                  .touched = monotonic_s() };
    format_context(slot->context, context);
    open_generic_envelope(call, NS_ENUMERATION, out);
    text_format(out,
                "<g:EnumerateResponse><g:EnumerationContext>%s</g:EnumerationContext></g:EnumerateResponse>",
                context);
    close_envelope(out);
}

/* The enumeration the body names; NULL: unknown, of another class or expired. */
static struct enumeration *named_enumeration(struct call *call, const struct class *class)
{
    const xmlNode *node = node_child(call->request->body, NS_ENUMERATION, "EnumerationContext");
    char *wanted = node_text(node), context[48];
    struct enumeration *found = NULL;

    for (unsigned i = 0; i < ENUMERATIONS_MAX; i++) {
        struct enumeration *slot = &call->device->enumerations[i];

        if (!slot->context)
            continue;
        format_context(slot->context, context);
        if (!strcmp(context, wanted) && slot->class == class &&
            monotonic_s() - slot->touched < ENUMERATION_LIFE_S)
            found = slot;
    }
    free(wanted);
    return found;
}

/* WS-Enumeration 3.2: without MaxElements one item is wanted. */
static unsigned elements_wanted(const struct call *call)
{
    const xmlNode *node = node_child(call->request->body, NS_ENUMERATION, "MaxElements");
    char *text = node_text(node);
    unsigned long wanted = *text ? strtoul(text, NULL, 10) : 1;

    free(text);
    return wanted < call->device->switches.pull_page ? (unsigned)wanted : call->device->switches.pull_page;
}

static void pull(struct call *call, const struct class *class, struct text *out)
{
    struct enumeration *slot;
    struct text spaces = { 0 };
    unsigned wanted, count;
    char context[48];

    if (!node_is(call->request->body, NS_ENUMERATION, "Pull")) {
        refuse_with(call, FAULT_SCHEMA_VALIDATION);
        return;
    }
    slot = named_enumeration(call, class);
    if (!slot) {
        refuse_with(call, FAULT_INVALID_CONTEXT);
        return;
    }
    wanted = elements_wanted(call);
    count = class_count(class, call->device);
    text_format(&spaces, " xmlns:g=\"" NS_ENUMERATION "\" xmlns:h=\"%s%s\"", class->schema, class->name);
    open_envelope(call, call->request->action, spaces.bytes, out);
    text_release(&spaces);
    text_append(out, "<g:PullResponse><g:Items>");
    for (; wanted && slot->next < count && out->length < PULL_CHARACTERS; wanted--)
        write_instance(call, class, slot->next++, "h", out);
    text_append(out, "</g:Items>");
    if (slot->next < count) {
        slot->touched = monotonic_s();
        format_context(slot->context, context);
        text_format(out, "<g:EnumerationContext>%s</g:EnumerationContext>", context);
    } else {
        slot->context = 0;
        text_append(out, "<g:EndOfSequence></g:EndOfSequence>");
    }
    text_append(out, "</g:PullResponse>");
    close_envelope(out);
}

static void release(struct call *call, const struct class *class, struct text *out)
{
    struct enumeration *slot = named_enumeration(call, class);

    if (!slot) {
        refuse_with(call, FAULT_INVALID_CONTEXT);
        return;
    }
    slot->context = 0;
    open_envelope(call, call->request->action, "", out);
    close_envelope(out);
}

/* ---- methods ---- */

static void write_output(struct call *call, const struct class *class, const char *method,
                         const struct text *parameters, uint32_t value, struct text *out)
{
    open_class_envelope(call, class, out);
    text_format(out, "<g:%s_OUTPUT>%s<g:ReturnValue>%u</g:ReturnValue></g:%s_OUTPUT>", method,
                text_value(parameters), value, method);
    close_envelope(out);
}

static bool input_checked(struct call *call, const struct class *class, const struct method *method)
{
    char space[256], element[128];

    snprintf(space, sizeof(space), "%s%s", class->schema, class->name);
    snprintf(element, sizeof(element), "%s_INPUT", method->name);
    if (node_is(call->request->body, space, element) &&
        schema_check(call->request->body, space, method->parameters))
        return true;
    refuse_with(call, FAULT_SCHEMA_VALIDATION);
    return false;
}

static void run_method(struct call *call, const struct class *class, struct text *out)
{
    const struct method *method = class_method(class, class_of(call->request->action));
    struct text parameters = { 0 };
    size_t prefix = strlen(call->request->resource);
    uint32_t value, realms;

    if (!method || (method->present && !method->present(call->device)) ||
        strncmp(call->request->action, call->request->resource, prefix) ||
        call->request->action[prefix] != '/') {
        refuse_with(call, FAULT_ACTION_NOT_SUPPORTED);
        return;
    }
    realms = method->realms ? method->realms : method->reads_only ? class->read_realms : class->write_realms;
    if (!check_right(call, realms) || !input_checked(call, class, method))
        return;
    value = method->run(call, call->request->body, &parameters);
    if (!call->fault.kind) {
        if (value)
            text_release(&parameters);
        else if (!method->reads_only)
            call->device->counters.writes++;
        write_output(call, class, method->name, &parameters, value, out);
    }
    text_release(&parameters);
}

/* AMT SDK: which product and version; the list of security profiles is inferred. */
static void identify(const struct call *call, struct text *out)
{
    const struct generation *generation = call->device->generation;

    text_format(out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"" NS_SOAP
                "\" xmlns:b=\"" NS_IDENTITY
                "\" xmlns:c=\"http://schemas.dmtf.org/wbem/dash/1/dash.xsd\"><a:Header></a:Header>"
                "<a:Body><b:IdentifyResponse><b:ProtocolVersion>" NS_MANAGEMENT "</b:ProtocolVersion>"
                "<b:ProductVendor>Intel(r)</b:ProductVendor><b:ProductVersion>AMT %u.%u</b:ProductVersion>"
                "<c:DASHVersion>1.0.0</c:DASHVersion><b:SecurityProfiles><b:SecurityProfileName>"
                "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/http/digest</b:SecurityProfileName>"
                "</b:SecurityProfiles></b:IdentifyResponse></a:Body></a:Envelope>",
                generation->major, generation->minor);
}

static void dispatch(struct call *call, struct text *out)
{
    const struct request *request = call->request;
    const struct generic *generic = find_generic(request->action);
    const struct class *class = class_find(request->resource);

    if (request->fault.kind)
        call->fault = request->fault;
    else if (request->identify)
        identify(call, out);
    else if (!*request->resource || !class || (class->present && !class->present(call->device)))
        refuse_with(call, FAULT_DESTINATION_UNREACHABLE);
    else if (generic)
        generic->run(call, class, out);
    else
        run_method(call, class, out);
}

static void answer_fault(struct call *call, struct answer *answer)
{
    text_release(&answer->body);
    fault_write(&answer->body, &call->fault, call->request->message_id, ++call->device->last_message);
    answer->status =
        fault_is_receivers(call->fault.kind) ? call->device->switches.internal_fault_status : 400;
    call->device->counters.faults++;
}

void wsman_execute(struct device *device, const struct identity *identity, const struct request *request,
                   struct answer *answer)
{
    struct call call = { .device = device, .request = request, .identity = identity };

    *answer = (struct answer){ .status = 200 };
    dispatch(&call, &answer->body);
    answer->after = call.after;
    if (call.fault.kind)
        answer_fault(&call, answer);
}

void wsman_pretend_fault(struct device *device, const struct request *request, const struct fault *fault,
                         struct answer *answer)
{
    struct call call = { .device = device, .request = request, .fault = *fault };

    *answer = (struct answer){ 0 };
    answer_fault(&call, answer);
}

void wsman_pretend_return(struct device *device, const struct request *request, uint32_t value,
                          struct answer *answer)
{
    struct call call = { .device = device, .request = request };
    const struct class *class = class_find(request->resource);
    const struct text nothing = { 0 };

    *answer = (struct answer){ .status = 200 };
    if (class && !find_generic(request->action)) {
        write_output(&call, class, class_of(request->action), &nothing, value, &answer->body);
        return;
    }
    call.fault = (struct fault){ .kind = FAULT_INTERNAL_ERROR, .status = value };
    answer_fault(&call, answer);
}

void answer_release(struct answer *answer)
{
    text_release(&answer->body);
}
