#include "firmware/wsman_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/exchange.h"
#include "firmware/status.h"

#define TRANSFER        "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define ENUMERATION     "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define ADDRESSING      "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define MANAGEMENT      "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define ANONYMOUS       ADDRESSING "/role/anonymous"
#define TAG_SIZE        128
#define ACTION_SIZE     256
#define PULL_ELEMENTS   999 /* what other consoles send; the firmware sends as many as it likes */
#define PULL_CHARACTERS 99999
#define PULLS_MAX       64

#define AMT "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define CIM "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
#define IPS "http://intel.com/wbem/wscim/1/ips-schema/1/"
#define CLASS(name, prefix, base)                                                                            \
    {                                                                                                        \
        name, prefix, base name,                                                                             \
        {                                                                                                    \
            NULL                                                                                             \
        }                                                                                                    \
    }

const struct wsman_class class_setup = CLASS("AMT_SetupAndConfigurationService", "setup", AMT);
const struct wsman_class class_general = CLASS("AMT_GeneralSettings", "general", AMT);
const struct wsman_class class_time = CLASS("AMT_TimeSynchronizationService", "time", AMT);
const struct wsman_class class_acl = CLASS("AMT_AuthorizationService", "acl", AMT);
const struct wsman_class class_pkm = CLASS("AMT_PublicKeyManagementService", "pkm", AMT);
const struct wsman_class class_cert = CLASS("AMT_PublicKeyCertificate", "cert", AMT);
const struct wsman_class class_crl = CLASS("AMT_CRL", "crl", AMT);
const struct wsman_class class_pair = CLASS("AMT_PublicPrivateKeyPair", "pair", AMT);
const struct wsman_class class_tlscred = CLASS("AMT_TLSCredentialContext", "tlscred", AMT);
const struct wsman_class class_tls = CLASS("AMT_TLSSettingData", "tls", AMT);
const struct wsman_class class_redir = CLASS("AMT_RedirectionService", "redir", AMT);
const struct wsman_class class_web = CLASS("AMT_WebUIService", "web", AMT);
const struct wsman_class class_kvm = CLASS("CIM_KVMRedirectionSAP", "kvm", CIM);
const struct wsman_class class_optin = CLASS("IPS_OptInService", "optin", IPS);
const struct wsman_class class_power = CLASS("AMT_SystemPowerScheme", "power", AMT);
const struct wsman_class class_esd = CLASS("CIM_ElementSettingData", "esd", CIM);
const struct wsman_class class_port = CLASS("AMT_EthernetPortSettings", "port", AMT);
const struct wsman_class class_soft = CLASS("CIM_SoftwareIdentity", "soft", CIM);
const struct wsman_class class_krb = CLASS("AMT_KerberosSettingData", "krb", AMT);
const struct wsman_class class_hbs = CLASS("IPS_HostBasedSetupService", "hbs", IPS);
const struct wsman_class class_kvmset = CLASS("IPS_KVMRedirectionSettingData", "kvmset", IPS);
const struct wsman_class class_wifiset = CLASS("CIM_WiFiEndpointSettings", "wifiset", CIM);
const struct wsman_class class_eap = CLASS("CIM_IEEE8021xSettings", "eap", CIM);
const struct wsman_class class_wifisvc = { "AMT_WiFiPortConfigurationService",
                                           "wifisvc",
                                           AMT "AMT_WiFiPortConfigurationService",
                                           { &class_wifiset, &class_eap } };
const struct wsman_class class_wifiport = CLASS("CIM_WiFiPort", "wifiport", CIM);
const struct wsman_class class_wired = CLASS("IPS_IEEE8021xSettings", "wired", IPS);
const struct wsman_class class_wiredold = CLASS("AMT_8021XProfile", "wiredold", AMT);
const struct wsman_class class_context = CLASS("CIM_CredentialContext", "context", CIM);
const struct wsman_class class_contexti = CLASS("IPS_8021xCredentialContext", "contexti", IPS);
const struct wsman_class class_contexta = CLASS("AMT_8021xCredentialContext", "contexta", AMT);

const struct wsman_class *wsman_class_find(const char *uri)
{
    static const struct wsman_class *const classes[] = {
        &class_setup, &class_general,  &class_time,    &class_acl,      &class_pkm,      &class_cert,
        &class_pair,  &class_tlscred,  &class_tls,     &class_redir,    &class_web,      &class_kvm,
        &class_optin, &class_power,    &class_esd,     &class_port,     &class_soft,     &class_krb,
        &class_hbs,   &class_kvmset,   &class_wifisvc, &class_wifiset,  &class_wifiport, &class_eap,
        &class_wired, &class_wiredold, &class_context, &class_contexti, &class_contexta, &class_crl,
    };

    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (strcmp(classes[i]->uri, uri) == 0)
            return classes[i];
    }
    return NULL;
}

#define NAMESPACE_OF_CLASS 8
#define NAMESPACE_COUNT    (NAMESPACE_OF_CLASS + 1 + EMBEDDED_MAX + 1)

/* Those that a call needs: firmware has little room, so a request declares no others. */
static void namespaces_fill(struct Namespace table[NAMESPACE_COUNT], const struct wsman_class *class)
{
    static const struct Namespace always[NAMESPACE_COUNT] = {
        NAMESPACES_SOAP_1_2,
        { "wsa", ADDRESSING, NULL, NULL },
        { "wsman", MANAGEMENT, NULL, NULL },
        { "wsen", ENUMERATION, NULL, NULL },
        { "wxf", TRANSFER, NULL, NULL },
    };

    memcpy(table, always, sizeof(always));
    table[NAMESPACE_OF_CLASS].id = class->prefix;
    table[NAMESPACE_OF_CLASS].ns = class->uri;
    for (unsigned i = 0; i < EMBEDDED_MAX && class->embedded[i]; i++) {
        table[NAMESPACE_OF_CLASS + 1 + i].id = class->embedded[i]->prefix;
        table[NAMESPACE_OF_CLASS + 1 + i].ns = class->embedded[i]->uri;
    }
}

/* ---- writing ---- */

struct operation {
    const struct wsman_class *class;
    const char *name; /* "Get", "CommitChanges": for messages */
    char action[ACTION_SIZE];
    char tag[TAG_SIZE]; /* of the body's element; "": the body is empty */
    const struct wsman_input *input;
};

static char *xml_escape(const char *text)
{
    char *out = allocate(5 * strlen(text) + 1), *at = out;

    for (; *text; text++) {
        switch (*text) {
        case '&':
            at = stpcpy(at, "&amp;");
            break;
        case '<':
            at = stpcpy(at, "&lt;");
            break;
        case '>':
            at = stpcpy(at, "&gt;");
            break;
        default:
            *at++ = *text;
        }
    }
    return out;
}

static void header_write(struct runtime *runtime, const struct operation *operation)
{
    struct soap *soap = runtime->soap;
    char message_id[16];
    struct wsman__HeaderSelector selectors[SELECTORS_MAX] = { { 0 } };
    char *escaped[SELECTORS_MAX] = { NULL };
    struct wsman__HeaderSelectorSet set = { 0, selectors };
    struct wsa__ReplyTo reply_to = { (char *)ANONYMOUS };
    struct SOAP_ENV__Header header = { .wsa__Action = (char *)operation->action,
                                       .wsa__To = (char *)"/wsman",
                                       .wsman__ResourceURI = (char *)operation->class->uri,
                                       .wsa__MessageID = message_id,
                                       .wsa__ReplyTo = &reply_to,
                                       .wsman__OperationTimeout = (char *)"PT60S" };

    snprintf(message_id, sizeof(message_id), "%u", ++runtime->messages);
    for (int i = 0; i < SELECTORS_MAX && operation->input->selectors[i].name; i++) {
        const struct selector *selector = &operation->input->selectors[i];

        if (!selector->xml)
            escaped[i] = xml_escape(selector->text);
        selectors[i].Name = (char *)selector->name;
        selectors[i].__item = selector->xml ? (char *)selector->xml : escaped[i];
        set.__sizeSelector = i + 1;
    }
    if (set.__sizeSelector)
        header.wsman__SelectorSet = &set;
    soap->header = &header;
    soap_putheader(soap);
    soap->header = NULL;
    for (size_t i = 0; i < SELECTORS_MAX; i++)
        free(escaped[i]);
}

static void body_write(struct soap *soap, const struct operation *operation)
{
    if (!*operation->tag)
        return;
    if (operation->input->data)
        soap_putelement(soap, operation->input->data, operation->tag, -1, operation->input->type);
    else if (soap_element_begin_out(soap, operation->tag, -1, NULL) == SOAP_OK)
        soap_element_end_out(soap, operation->tag);
}

static bool request_envelope_write(struct runtime *runtime, const struct operation *operation,
                                   struct error *err)
{
    struct Namespace table[NAMESPACE_COUNT];
    struct soap *soap = runtime->soap;

    namespaces_fill(table, operation->class);
    runtime_write_begin(runtime, table);
    if (soap_envelope_begin_out(soap) == SOAP_OK) {
        header_write(runtime, operation);
        if (soap_body_begin_out(soap) == SOAP_OK) {
            body_write(soap, operation);
            if (soap_body_end_out(soap) == SOAP_OK)
                soap_envelope_end_out(soap);
        }
    }
    if (!runtime_write_end(runtime))
        return error_set(err, ERROR_INTERNAL, "the request %s.%s cannot be written: %s",
                         operation->class->name, operation->name, runtime_error_text(runtime));
    return true;
}

/* ---- reading ---- */

bool wsman_malformed(const struct wsman_class *class, const char *operation, const char *why,
                     struct error *err)
{
    error_because(err, REASON_MALFORMED_REPLY, "the answer to %s.%s is not valid: %s", class->name, operation,
                  why);
    err->code = ERROR_PROTOCOL;
    return false;
}

static bool items_read(struct soap *soap, const struct reply_expectation *expectation, bool lenient,
                       struct pulled *pulled)
{
    if (soap_element_begin_in(soap, "wsen:Items", 0, NULL))
        return false;
    if (!soap->body)
        return true;
    while (soap_peek_element(soap) == SOAP_OK) {
        if (element_is_next(soap, expectation->tag)) {
            void *item = element_read(soap, expectation->tag, expectation->read, lenient);

            if (!item)
                return false;
            if (pulled->count == ENUMERATION_MAX) {
                soap->error = SOAP_OCCURS;
                return false;
            }
            pulled->items[pulled->count++] = item;
        } else if (soap_ignore_element(soap)) {
            return false;
        }
    }
    return soap->error == SOAP_NO_TAG && soap_element_end_in(soap, "wsen:Items") == SOAP_OK;
}

static struct pulled *pull_read(struct soap *soap, const struct reply_expectation *expectation, bool lenient)
{
    struct pulled *pulled = soap_malloc(soap, sizeof(*pulled));

    *pulled = (struct pulled){ .items = soap_malloc(soap, ENUMERATION_MAX * sizeof(void *)) };
    if (soap_element_begin_in(soap, "wsen:PullResponse", 0, NULL))
        return NULL;
    if (!soap->body)
        return pulled;
    while (soap_peek_element(soap) == SOAP_OK) {
        if (element_is_next(soap, "wsen:Items")) {
            if (!items_read(soap, expectation, lenient, pulled))
                return NULL;
        } else if (element_is_next(soap, "wsen:EnumerationContext")) {
            if (!soap_in_xsd__string(soap, "wsen:EnumerationContext", &pulled->context, "xsd:string"))
                return NULL;
        } else {
            pulled->ended = pulled->ended || element_is_next(soap, "wsen:EndOfSequence");
            if (soap_ignore_element(soap))
                return NULL;
        }
    }
    return soap->error == SOAP_NO_TAG && soap_element_end_in(soap, "wsen:PullResponse") == SOAP_OK ? pulled
                                                                                                   : NULL;
}

static bool fault_read(struct soap *soap, const struct reply_expectation *expectation, const char *text,
                       struct error *err)
{
    struct firmware_fault fault = { .detail = text };

    if (soap_getfault(soap) || !soap->fault)
        return wsman_malformed(expectation->class, expectation->operation, "its fault cannot be parsed", err);
    if (soap->fault->SOAP_ENV__Code && soap->fault->SOAP_ENV__Code->SOAP_ENV__Subcode)
        fault.subcode = local_name(soap->fault->SOAP_ENV__Code->SOAP_ENV__Subcode->SOAP_ENV__Value);
    if (soap->fault->SOAP_ENV__Reason)
        fault.reason_text = soap->fault->SOAP_ENV__Reason->SOAP_ENV__Text;
    return status_fault(expectation->class->name, expectation->operation, &fault, err);
}

/* Body's content; what follows it is not looked at but must be well-formed. */
static bool body_read(struct soap *soap, const struct reply_expectation *expectation, const char *text,
                      bool lenient, void **result, struct error *err)
{
    const char *operation = expectation->operation;
    void *element = NULL;

    if (element_is_next(soap, "SOAP-ENV:Fault"))
        return fault_read(soap, expectation, text, err);
    if (expectation->kind == REPLY_IGNORED) {
        while (soap_peek_element(soap) == SOAP_OK && soap_ignore_element(soap) == SOAP_OK)
            ;
        return soap->error == SOAP_NO_TAG
                   ? true
                   : wsman_malformed(expectation->class, operation, "it ends too early", err);
    }
    element = expectation->kind == REPLY_PULL
                  ? pull_read(soap, expectation, lenient)
                  : element_read(soap, expectation->tag, expectation->read, lenient);
    if (!element) {
        char why[200];
        const char *wanted = expectation->kind == REPLY_PULL ? "wsen:PullResponse" : expectation->tag;
        bool another = soap->error == SOAP_TAG_MISMATCH || soap->error == SOAP_NO_TAG;

        snprintf(why, sizeof(why), "%s%s%s", runtime_error_text(soap->user), another ? ", wanted " : "",
                 another ? wanted : "");
        return wsman_malformed(expectation->class, operation, why, err);
    }
    *result = element;
    return true;
}

static bool reply_envelope_read(struct runtime *runtime, const struct reply_expectation *expectation,
                                const char *text, bool lenient, void **result, struct error *err)
{
    struct soap *soap = runtime->soap;

    if (soap->error || soap_envelope_begin_in(soap) || soap_recv_header(soap) || soap_body_begin_in(soap))
        return wsman_malformed(expectation->class, expectation->operation, runtime_error_text(runtime), err);
    if (!body_read(soap, expectation, text, lenient, result, err))
        return false;
    if (soap_body_end_in(soap) || soap_envelope_end_in(soap))
        return wsman_malformed(expectation->class, expectation->operation, runtime_error_text(runtime), err);
    return true;
}

bool wsman_reply_parse(struct runtime *runtime, const struct reply_expectation *expectation, const char *text,
                       size_t length, void **result, struct error *err)
{
    struct Namespace table[NAMESPACE_COUNT];
    bool parsed = false, again = true;
    struct error problem = { 0 };
    void *element = NULL;

    namespaces_fill(table, expectation->class);
    /* Lenient, the second time: members of some answers stand in another namespace than their class. Not from
     * the start, because gSOAP then does not skip members that it does not know. */
    for (int lenient = 0; lenient < 2 && !parsed && again; lenient++) {
        runtime_read_begin(runtime, text, length, table);
        parsed = reply_envelope_read(runtime, expectation, text, lenient, &element, &problem);
        again = problem.reason == REASON_MALFORMED_REPLY && runtime->soap->error == SOAP_TAG_MISMATCH;
        runtime_read_end(runtime);
    }
    if (!parsed) {
        *err = problem;
        return false;
    }
    if (expectation->kind != REPLY_IGNORED)
        *result = element;
    return true;
}

/* ---- calling ---- */

static bool call(struct connection *connection, const struct operation *operation,
                 const struct reply_expectation *expectation, void **result, struct error *err)
{
    struct runtime *runtime = connection_runtime(connection);
    struct exchange request = { .path = "/wsman", .once = operation->input->once };
    struct exchange_reply reply;
    bool parsed;

    if (!request_envelope_write(runtime, operation, err))
        return false;
    if (!connection_exchange_written(connection, &request, &reply, err) ||
        !exchange_reply_check(connection, &reply, err))
        return error_during(err, "%s.%s", operation->class->name, operation->name);
    parsed = wsman_reply_parse(runtime, expectation, reply.body, reply.length, result, err);
    exchange_reply_wipe(connection, &reply);
    return parsed;
}

static const struct wsman_input no_input;

static void operation_make(struct operation *operation, const struct wsman_class *class, const char *name,
                           const char *action_base, const struct wsman_input *input)
{
    *operation = (struct operation){ .class = class, .name = name, .input = input ? input : &no_input };
    snprintf(operation->action, sizeof(operation->action), "%s/%s", action_base, name);
}

static void tag_make(char tag[TAG_SIZE], const char *prefix, const char *name, const char *ending)
{
    snprintf(tag, TAG_SIZE, "%s:%s%s", prefix, name, ending);
}

void *wsman_get(struct connection *connection, const struct wsman_class *class, const char *instance_id,
                element_reader *read, struct error *err)
{
    struct wsman_input input = { .selectors = {
                                     { .name = instance_id ? "InstanceID" : NULL, .text = instance_id } } };
    struct operation operation;
    char tag[TAG_SIZE];
    struct reply_expectation expectation = { class, "Get", REPLY_ELEMENT, tag, read };
    void *instance = NULL;

    operation_make(&operation, class, "Get", TRANSFER, &input);
    tag_make(tag, class->prefix, class->name, "");
    return call(connection, &operation, &expectation, &instance, err) ? instance : NULL;
}

static bool change_instance(struct connection *connection, const struct wsman_class *class, const char *name,
                            const struct wsman_input *input, struct error *err)
{
    struct reply_expectation expectation = { .class = class, .operation = name, .kind = REPLY_IGNORED };
    struct operation operation;
    void *nothing;

    operation_make(&operation, class, name, TRANSFER, input);
    if (input->data)
        tag_make(operation.tag, class->prefix, class->name, "");
    return call(connection, &operation, &expectation, &nothing, err);
}

bool wsman_put(struct connection *connection, const struct wsman_class *class,
               const struct wsman_input *input, struct error *err)
{
    return change_instance(connection, class, "Put", input, err);
}

bool wsman_create(struct connection *connection, const struct wsman_class *class,
                  const struct wsman_input *input, struct error *err)
{
    return change_instance(connection, class, "Create", input, err);
}

bool wsman_delete(struct connection *connection, const struct wsman_class *class,
                  const struct wsman_input *input, struct error *err)
{
    return change_instance(connection, class, "Delete", input, err);
}

void *wsman_method(struct connection *connection, const struct wsman_class *class, const char *method,
                   const struct wsman_input *input, element_reader *read, struct error *err)
{
    char tag[TAG_SIZE];
    struct reply_expectation expectation = { class, method, REPLY_ELEMENT, tag, read };
    struct operation operation;
    void *output = NULL;

    operation_make(&operation, class, method, class->uri, input);
    tag_make(operation.tag, class->prefix, method, "_INPUT");
    tag_make(tag, class->prefix, method, "_OUTPUT");
    return call(connection, &operation, &expectation, &output, err) ? output : NULL;
}

bool wsman_returned(const struct wsman_class *class, const char *method, const unsigned *value,
                    struct error *err)
{
    return value ? status_check(class->name, method, *value, err)
                 : wsman_malformed(class, method, "it has no ReturnValue", err);
}

/* ---- Enumerate and Pull (DSP0226 8) ---- */

READER(wsen__context)

static bool enumeration_begin(struct connection *connection, const struct wsman_class *class, char **context,
                              struct error *err)
{
    struct reply_expectation expectation = { class, "Enumerate", REPLY_ELEMENT, "wsen:EnumerateResponse",
                                             read_wsen__context };
    struct operation operation;
    void *answer = NULL;
    struct wsen__context *begun;

    operation_make(&operation, class, "Enumerate", ENUMERATION, NULL);
    tag_make(operation.tag, "wsen", "Enumerate", "");
    if (!call(connection, &operation, &expectation, &answer, err))
        return false;
    begun = answer;
    if (!begun->EnumerationContext)
        return wsman_malformed(class, "Enumerate", "it has no EnumerationContext", err);
    text_set(context, begun->EnumerationContext);
    return true;
}

/* One Pull; *context becomes the next one, or NULL at the end. */
static bool pull(struct connection *connection, const struct wsman_class *class, element_reader *read,
                 struct pulled **pulled, char **context, struct error *err)
{
    char tag[TAG_SIZE];
    struct reply_expectation expectation = { class, "Pull", REPLY_PULL, tag, read };
    unsigned elements = PULL_ELEMENTS, characters = PULL_CHARACTERS;
    struct wsen__pull body = { *context, &elements, &characters };
    struct wsman_input input = { .type = SOAP_TYPE_wsen__pull, .data = &body };
    struct operation operation;
    void *answer = NULL;

    operation_make(&operation, class, "Pull", ENUMERATION, &input);
    tag_make(operation.tag, "wsen", "Pull", "");
    tag_make(tag, class->prefix, class->name, "");
    if (!call(connection, &operation, &expectation, &answer, err))
        return false;
    *pulled = answer;
    if (!(*pulled)->ended && !(*pulled)->context)
        return wsman_malformed(class, "Pull", "neither EndOfSequence nor EnumerationContext", err);
    text_set(context, (*pulled)->ended ? NULL : (*pulled)->context);
    return true;
}

bool wsman_enumerate(struct connection *connection, const struct wsman_class *class, element_reader *read,
                     instance_taker *take, void *taker_context, struct error *err)
{
    AUTO(text_free) char *context = NULL;
    size_t total = 0;

    if (!enumeration_begin(connection, class, &context, err))
        return false;
    for (unsigned pulls = 0; context; pulls++) {
        struct pulled *pulled = NULL;

        if (pulls == PULLS_MAX)
            return wsman_malformed(class, "Pull", "the enumeration does not end", err);
        if (!pull(connection, class, read, &pulled, &context, err))
            return false;
        total += pulled->count;
        if (total > ENUMERATION_MAX)
            return wsman_malformed(class, "Pull", "more instances than any AMT has", err);
        for (size_t i = 0; i < pulled->count; i++) {
            if (!take(taker_context, pulled->items[i], err))
                return false;
        }
    }
    return true;
}

/* ---- helpers ---- */

const char *reference_selector(const struct wsa__EndpointReference *reference, const char *name)
{
    const struct wsman__SelectorSet *set;

    if (!reference || !reference->ReferenceParameters || !reference->ReferenceParameters->wsman__SelectorSet)
        return NULL;
    set = reference->ReferenceParameters->wsman__SelectorSet;
    for (int i = 0; i < set->__sizeSelector; i++) {
        if (set->Selector[i].Name && strcmp(set->Selector[i].Name, name) == 0)
            return set->Selector[i].__item;
    }
    return NULL;
}

struct wsa__EndpointReference *reference_make(struct reference_room *room, const struct wsman_class *class,
                                              const char *name, const char *value)
{
    room->selector = (struct wsman__Selector){ (char *)value, (char *)name };
    room->set = (struct wsman__SelectorSet){ 1, &room->selector };
    room->parameters = (struct wsa__ReferenceParameters){ (char *)class->uri, &room->set };
    room->reference = (struct wsa__EndpointReference){ (char *)ANONYMOUS, &room->parameters };
    return &room->reference;
}

char *reference_xml(const struct wsman_class *class, const char *name, const char *value)
{
    AUTO(text_free) char *escaped = xml_escape(value);

    return text_format("<wsa:EndpointReference><wsa:Address>" ANONYMOUS
                       "</wsa:Address><wsa:ReferenceParameters>"
                       "<wsman:ResourceURI>%s</wsman:ResourceURI><wsman:SelectorSet>"
                       "<wsman:Selector Name=\"%s\">%s</wsman:Selector></wsman:SelectorSet>"
                       "</wsa:ReferenceParameters></wsa:EndpointReference>",
                       class->uri, name, escaped);
}
