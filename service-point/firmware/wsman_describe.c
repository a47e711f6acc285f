#include "firmware/wsman_describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/understood.h"
#include "firmware/wsman_call.h"

#define CLASS_SIZE  64
#define ACTION_SIZE 256

READER(setup__instance)
READER(setup__out)
READER(general__instance)
READER(time__instance)
READER(time__out)
READER(acl__instance)
READER(acl__out)
READER(pkm__instance)
READER(pkm__out)
READER(cert__instance)
READER(crl__instance)
READER(pair__instance)
READER(tlscred__instance)
READER(tls__instance)
READER(redir__instance)
READER(redir__out)
READER(web__instance)
READER(web__out)
READER(kvm__instance)
READER(kvm__out)
READER(optin__instance)
READER(optin__out)
READER(power__instance)
READER(power__out)
READER(esd__instance)
READER(port__instance)
READER(soft__instance)
READER(krb__instance)
READER(krb__out)
READER(hbs__instance)
READER(hbs__out)
READER(kvmset__instance)
READER(kvmset__out)
READER(wifisvc__instance)
READER(wifisvc__out)
READER(wifiset__instance)
READER(wifiport__instance)
READER(wifiport__out)
READER(eap__instance)
READER(wired__instance)
READER(wired__out)
READER(wiredold__instance)
READER(context__instance)
READER(contexti__instance)
READER(contexta__instance)
READER(wsen__context)

struct shape {
    int type;
    element_reader *read;
};

#define SHAPE(name)                                                                                          \
    {                                                                                                        \
        SOAP_TYPE_##name, read_##name                                                                        \
    }

static const struct class_shapes {
    const struct wsman_class *class;
    struct shape instance, output;
} shapes[] = {
    { &class_setup, SHAPE(setup__instance), SHAPE(setup__out) },
    { &class_general, SHAPE(general__instance), { 0, NULL } },
    { &class_time, SHAPE(time__instance), SHAPE(time__out) },
    { &class_acl, SHAPE(acl__instance), SHAPE(acl__out) },
    { &class_pkm, SHAPE(pkm__instance), SHAPE(pkm__out) },
    { &class_cert, SHAPE(cert__instance), { 0, NULL } },
    { &class_pair, SHAPE(pair__instance), { 0, NULL } },
    { &class_crl, SHAPE(crl__instance), { 0, NULL } },
    { &class_tlscred, SHAPE(tlscred__instance), { 0, NULL } },
    { &class_tls, SHAPE(tls__instance), { 0, NULL } },
    { &class_redir, SHAPE(redir__instance), SHAPE(redir__out) },
    { &class_web, SHAPE(web__instance), SHAPE(web__out) },
    { &class_kvm, SHAPE(kvm__instance), SHAPE(kvm__out) },
    { &class_optin, SHAPE(optin__instance), SHAPE(optin__out) },
    { &class_power, SHAPE(power__instance), SHAPE(power__out) },
    { &class_esd, SHAPE(esd__instance), { 0, NULL } },
    { &class_port, SHAPE(port__instance), { 0, NULL } },
    { &class_soft, SHAPE(soft__instance), { 0, NULL } },
    { &class_krb, SHAPE(krb__instance), SHAPE(krb__out) },
    { &class_hbs, SHAPE(hbs__instance), SHAPE(hbs__out) },
    { &class_kvmset, SHAPE(kvmset__instance), SHAPE(kvmset__out) },
    { &class_wifisvc, SHAPE(wifisvc__instance), SHAPE(wifisvc__out) },
    { &class_wifiset, SHAPE(wifiset__instance), { 0, NULL } },
    { &class_wifiport, SHAPE(wifiport__instance), SHAPE(wifiport__out) },
    { &class_eap, SHAPE(eap__instance), { 0, NULL } },
    { &class_wired, SHAPE(wired__instance), SHAPE(wired__out) },
    { &class_wiredold, SHAPE(wiredold__instance), { 0, NULL } },
    { &class_context, SHAPE(context__instance), { 0, NULL } },
    { &class_contexti, SHAPE(contexti__instance), { 0, NULL } },
    { &class_contexta, SHAPE(contexta__instance), { 0, NULL } },
};

/* What the header of an answer says. */
struct subject {
    const struct wsman_class *class;
    char uri[ACTION_SIZE], action[ACTION_SIZE];
    char operation[CLASS_SIZE]; /* "Get", "CommitChanges" */
};

static const char *after_last_slash(const char *text)
{
    const char *slash = strrchr(text, '/');

    return slash ? slash + 1 : text;
}

static bool header_read(struct runtime *runtime, const char *text, size_t length, struct subject *subject,
                        struct error *err)
{
    static const struct Namespace table[] = {
        NAMESPACES_SOAP_1_2,
        { "wsa", "http://schemas.xmlsoap.org/ws/2004/08/addressing", NULL, NULL },
        { "wsman", "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", NULL, NULL },
        { NULL, NULL, NULL, NULL },
    };
    struct soap *soap = runtime->soap;
    bool read = runtime_read_begin(runtime, text, length, table) && soap_envelope_begin_in(soap) == SOAP_OK &&
                soap_recv_header(soap) == SOAP_OK;

    if (!read)
        error_set(err, ERROR_PROTOCOL, "no SOAP envelope: %s", runtime_error_text(runtime));
    else if (!soap->header || !soap->header->wsa__Action || strlen(soap->header->wsa__Action) >= ACTION_SIZE)
        read = error_set(err, ERROR_PROTOCOL, "the header has no Action of reasonable length");
    if (read) {
        snprintf(subject->action, sizeof(subject->action), "%s", soap->header->wsa__Action);
        snprintf(subject->uri, sizeof(subject->uri), "%s",
                 soap->header->wsman__ResourceURI ? soap->header->wsman__ResourceURI : "");
    }
    runtime_read_end(runtime);
    return read;
}

static void operation_name(struct subject *subject)
{
    static const char ending[] = "Response";
    const char *name = after_last_slash(subject->action);
    size_t length = strlen(name);

    if (length > strlen(ending) && strcmp(name + length - strlen(ending), ending) == 0)
        length -= strlen(ending);
    snprintf(subject->operation, sizeof(subject->operation), "%.*s", (int)length, name);
}

static const struct class_shapes *shapes_of(const struct wsman_class *class)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (shapes[i].class == class)
            return &shapes[i];
    }
    return NULL;
}

/* ---- the kinds of answer ---- */

static bool element_describe(struct runtime *runtime, const struct subject *subject,
                             const struct shape *shape, const char *tag, const char *text, size_t length,
                             FILE *out, struct error *err)
{
    struct reply_expectation expectation = { subject->class, subject->operation, REPLY_ELEMENT, tag,
                                             shape->read };
    void *element = NULL;

    if (!wsman_reply_parse(runtime, &expectation, text, length, &element, err))
        return false;
    fprintf(out, "%s.%s\n", subject->class->name, subject->operation);
    understood_print(runtime, shape->type, element, out);
    return true;
}

static bool pull_describe(struct runtime *runtime, const struct subject *subject, const struct shape *shape,
                          const char *tag, const char *text, size_t length, FILE *out, struct error *err)
{
    struct reply_expectation expectation = { subject->class, subject->operation, REPLY_PULL, tag,
                                             shape->read };
    struct pulled *pulled;
    void *result = NULL;

    if (!wsman_reply_parse(runtime, &expectation, text, length, &result, err))
        return false;
    pulled = result;
    fprintf(out, "%s.Pull: %zu instances, %s\n", subject->class->name, pulled->count,
            pulled->ended ? "the last" : "more to come");
    for (size_t i = 0; i < pulled->count; i++) {
        fprintf(out, " instance %zu\n", i + 1);
        understood_print(runtime, shape->type, pulled->items[i], out);
    }
    return true;
}

static bool ignored_describe(struct runtime *runtime, const struct subject *subject, const char *text,
                             size_t length, FILE *out, struct error *err)
{
    struct reply_expectation expectation = { .class = subject->class,
                                             .operation = subject->operation,
                                             .kind = REPLY_IGNORED };
    void *nothing = NULL;

    if (!wsman_reply_parse(runtime, &expectation, text, length, &nothing, err))
        return false;
    fprintf(out, "%s.%s: done\n", subject->class->name, subject->operation);
    return true;
}

static bool is_one_of(const char *name, const char *first, const char *second)
{
    return strcmp(name, first) == 0 || strcmp(name, second) == 0;
}

static bool answer_describe(struct runtime *runtime, const struct subject *subject, const char *text,
                            size_t length, FILE *out, struct error *err)
{
    static const struct shape context = SHAPE(wsen__context);
    const struct class_shapes *own = shapes_of(subject->class);
    bool transfer = strstr(subject->action, "/2004/09/transfer/") != NULL;
    bool enumeration = strstr(subject->action, "/2004/09/enumeration/") != NULL;
    char tag[ACTION_SIZE];

    snprintf(tag, sizeof(tag), "%s:%s", subject->class->prefix, subject->class->name);
    if (transfer && is_one_of(subject->operation, "Get", "Put"))
        return element_describe(runtime, subject, &own->instance, tag, text, length, out, err);
    if (enumeration && strcmp(subject->operation, "Enumerate") == 0)
        return element_describe(runtime, subject, &context, "wsen:EnumerateResponse", text, length, out, err);
    if (enumeration && strcmp(subject->operation, "Pull") == 0)
        return pull_describe(runtime, subject, &own->instance, tag, text, length, out, err);
    if (transfer || enumeration || !own->output.read)
        return ignored_describe(runtime, subject, text, length, out, err);
    snprintf(tag, sizeof(tag), "%s:%s_OUTPUT", subject->class->prefix, subject->operation);
    return element_describe(runtime, subject, &own->output, tag, text, length, out, err);
}

/* A fault's header names no class. */
static bool is_fault(const struct subject *subject)
{
    return strcmp(after_last_slash(subject->action), "fault") == 0;
}

static bool fault_describe(struct runtime *runtime, const char *text, size_t length, FILE *out,
                           struct error *err)
{
    static const struct wsman_class any = {
        "(any class)", "any", "http://schemas.xmlsoap.org/ws/2004/08/eventing", { NULL }
    };
    struct subject subject = { .class = &any, .operation = "call" };
    struct error fault = { 0 };

    if (ignored_describe(runtime, &subject, text, length, out, &fault))
        return error_set(err, ERROR_PROTOCOL, "the header announces a fault and the body has none");
    if (fault.reason == REASON_MALFORMED_REPLY) {
        *err = fault;
        return false;
    }
    fprintf(out, "fault, understood as %s: %s\n", reason_of(fault.reason)->name, fault.message);
    return true;
}

static bool describe(struct runtime *runtime, const char *text, size_t length, FILE *out, struct error *err)
{
    struct subject subject = { 0 };

    if (!header_read(runtime, text, length, &subject, err))
        return false;
    operation_name(&subject);
    if (is_fault(&subject))
        return fault_describe(runtime, text, length, out, err);
    subject.class = wsman_class_find(subject.uri);
    if (!subject.class)
        return error_set(err, ERROR_ABSENT, "class %.200s",
                         *subject.uri ? after_last_slash(subject.uri) : "not named");
    return answer_describe(runtime, &subject, text, length, out, err);
}

bool wsman_describe(const char *text, size_t length, char **description, struct error *err)
{
    return understood_text(describe, text, length, description, err);
}
