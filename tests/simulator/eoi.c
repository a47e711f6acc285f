#include "eoi.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULT_STATUS = 500 };

bool eoi_served(const struct device *device)
{
    return device->generation->eoi && !device->general.wsman_only;
}

/* The header SOAPAction is not looked at: real firmware takes several forms of it. */
void eoi_parse(const struct service *service, const char *bytes, size_t length, struct eoi_request *request)
{
    const xmlNode *root, *body;

    *request = (struct eoi_request){ .service = service };
    request->document = xmlReadMemory(bytes, (int)length, NULL, NULL,
                                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    root = request->document ? xmlDocGetRootElement(request->document) : NULL;
    body = node_child(root, NS_SOAP_1_1, "Body");
    if (!node_is(root, NS_SOAP_1_1, "Envelope") || !body || request->document->intSubset)
        return;
    request->body = node_first(body);
    if (request->body && request->body->ns && !strcmp((const char *)request->body->ns->href, service->space))
        request->call = service_call_find(service, (const char *)request->body->name, &request->index);
}

void eoi_request_release(struct eoi_request *request)
{
    xmlFreeDoc(request->document);
    *request = (struct eoi_request){ 0 };
}

void eoi_count(struct device *device, const struct eoi_request *request)
{
    struct counters *counters = &device->counters;

    if (!request->call)
        return;
    if (!counters->eoi_by_name)
        counters->eoi_by_name = allocate(service_call_total() * sizeof(uint32_t));
    counters->eoi_calls++;
    counters->eoi_by_name[request->index]++;
}

void eoi_operation(const struct eoi_request *request, char operation[OPERATION_ROOM])
{
    snprintf(operation, OPERATION_ROOM, "%.60s.%.60s", request->service->name,
             request->call ? request->call->name : "");
}

static void open_envelope(const struct service *service, struct text *out)
{
    text_append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"" NS_SOAP_1_1 "\"");
    if (service)
        text_format(out, " xmlns:g=\"%s\"", service->space);
    text_append(out, "><a:Body>");
}

static void close_envelope(struct text *out)
{
    text_append(out, "</a:Body></a:Envelope>");
}

static void write_answer(const struct eoi_request *request, uint32_t status, const struct text *members,
                         struct text *out)
{
    const char *name = request->call->name;
    const char *first = request->service->status ? request->service->status : "StatusCode";

    open_envelope(request->service, out);
    text_format(out, "<g:%sResponse><g:%s>%u</g:%s>%s</g:%sResponse>", name, first, status, first,
                status ? "" : text_value(members), name);
    close_envelope(out);
}

static void write_fault(struct device *device, const char *code, const char *reason, struct answer *answer)
{
    answer->status = FAULT_STATUS;
    open_envelope(NULL, &answer->body);
    text_format(&answer->body, "<a:Fault><faultcode>a:%s</faultcode><faultstring>", code);
    text_escape(&answer->body, reason);
    text_append(&answer->body, "</faultstring></a:Fault>");
    close_envelope(&answer->body);
    device->counters.faults++;
}

/* What is wrong with the request itself; NULL: nothing. */
static const char *objection(const struct device *device, const struct eoi_request *request)
{
    if (!request->document)
        return "not well-formed XML";
    if (!request->body)
        return "not a SOAP 1.1 envelope with a body";
    if (!request->call)
        return "unknown operation";
    if (!service_check(request->body, request->service->space, request->call->members,
                       device->switches.eoi_strict))
        return "elements missing, unknown, out of order or of a wrong type";
    return NULL;
}

static uint32_t run(struct call *call, const struct eoi_request *request, struct text *members)
{
    const struct service_call *wanted = request->call;
    const struct method *twin;

    if (call->device->state == STATE_PRE && !request->service->always)
        return AMT_INVALID_MODE;
    if (wanted->run)
        return wanted->run(call, request->body, members);
    twin = class_method(class_find(wanted->twin_class), wanted->twin_method);
    return twin->run(call, request->body, members);
}

void eoi_execute(struct device *device, const struct identity *identity, const struct eoi_request *request,
                 struct answer *answer)
{
    struct call call = { .device = device, .identity = identity };
    const char *wrong = objection(device, request);
    struct text members = { 0 };
    uint32_t status;

    *answer = (struct answer){ .status = 200 };
    if (wrong) {
        write_fault(device, "Client", wrong, answer);
        return;
    }
    status = run(&call, request, &members);
    if (call.fault.kind) {
        write_fault(device, "Client", "neither or both branches of a choice", answer);
    } else {
        write_answer(request, status, &members, &answer->body);
        answer->after = call.after;
        if (!status && !request->call->reads_only)
            device->counters.writes++;
    }
    text_release(&members);
}

void eoi_pretend_fault(struct device *device, const char *reason, struct answer *answer)
{
    *answer = (struct answer){ 0 };
    write_fault(device, "Server", reason, answer);
}

void eoi_pretend_status(struct device *device, const struct eoi_request *request, uint32_t status,
                        struct answer *answer)
{
    const struct text nothing = { 0 };

    *answer = (struct answer){ .status = 200 };
    if (request->call)
        write_answer(request, status, &nothing, &answer->body);
    else
        write_fault(device, "Client", "unknown operation", answer);
}
