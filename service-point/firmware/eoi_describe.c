#include "firmware/eoi_describe.h"

#include "firmware/eoi_call.h"
#include "firmware/understood.h"

READER(sai__out)
READER(net__out)
READER(tim__out)
READER(inf__out)
READER(hwa__out)

static const struct shape {
    const struct eoi_service *service;
    int type;
    element_reader *read;
} shapes[] = {
    { &service_security, SOAP_TYPE_sai__out, read_sai__out },
    { &service_network, SOAP_TYPE_net__out, read_net__out },
    { &service_time, SOAP_TYPE_tim__out, read_tim__out },
    { &service_general, SOAP_TYPE_inf__out, read_inf__out },
    { &service_asset, SOAP_TYPE_hwa__out, read_hwa__out },
};

static const struct shape *shape_of(const struct eoi_service *service)
{
    for (size_t i = 1; i < COUNT_OF(shapes); i++) {
        if (shapes[i].service == service)
            return &shapes[i];
    }
    return &shapes[0];
}

/* A fault names no service: any will do to read it. */
static bool fault_describe(struct runtime *runtime, const char *text, size_t length, FILE *out,
                           struct error *err)
{
    const struct eoi_request any = { .service = &service_security,
                                     .operation = "call",
                                     .read = read_sai__out };
    struct error fault = { 0 };

    if (eoi_reply_parse(runtime, &any, text, length, &fault))
        return error_set(err, ERROR_PROTOCOL, "a fault that is none");
    if (fault.reason == REASON_MALFORMED_REPLY) {
        *err = fault;
        return false;
    }
    fprintf(out, "fault, understood as %s: %s\n", reason_of(fault.reason)->name, fault.message);
    return true;
}

static bool describe(struct runtime *runtime, const char *text, size_t length, FILE *out, struct error *err)
{
    struct eoi_subject subject;
    struct eoi_request request = { 0 };
    const struct shape *shape;
    const void *answer;

    if (!eoi_subject_read(runtime, text, length, &subject, err))
        return false;
    if (subject.fault)
        return fault_describe(runtime, text, length, out, err);
    shape = shape_of(subject.service);
    request = (struct eoi_request){ .service = subject.service,
                                    .operation = subject.operation,
                                    .read = shape->read };
    answer = eoi_reply_parse(runtime, &request, text, length, err);
    if (!answer)
        return false;
    fprintf(out, "%s.%s\n", subject.service->name, subject.operation);
    understood_print(runtime, shape->type, answer, out);
    return true;
}

bool eoi_describe(const char *text, size_t length, char **description, struct error *err)
{
    return understood_text(describe, text, length, description, err);
}
