#include "firmware/eoi_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/exchange.h"
#include "firmware/status.h"

#define CLIENT         "http://schemas.intel.com/platform/client/"
#define SINCE_2004     "/2004/01" /* how each service's namespace ends */
#define SINCE_2006     "/2006/01"
#define CERTIFICATES   CLIENT "CertStore/2006/01"
#define SERVICE_COUNT  5
#define TAG_SIZE       96
#define ACTION_SIZE    160
#define RESPONSE       "Response"
#define HTTP_FORBIDDEN 403
#define HTTP_NOT_FOUND 404

#define SERVICE(name, prefix)                                                                                \
    {                                                                                                        \
        name, "/" name "Service", prefix, CLIENT name SINCE_2004                                             \
    }

const struct eoi_service service_security = SERVICE("SecurityAdministration", "sai");
const struct eoi_service service_network = SERVICE("NetworkAdministration", "net");
const struct eoi_service service_time = SERVICE("NetworkTime", "tim");
const struct eoi_service service_general = SERVICE("GeneralInfo", "inf");
const struct eoi_service service_asset = SERVICE("HardwareAsset", "hwa");

static const struct eoi_service *const services[SERVICE_COUNT] = { &service_security, &service_network,
                                                                   &service_time, &service_general,
                                                                   &service_asset };

bool eoi_malformed(const struct eoi_service *service, const char *operation, const char *why,
                   struct error *err)
{
    error_because(err, REASON_MALFORMED_REPLY, "the answer to %s.%s is not valid: %s", service->name,
                  operation, why);
    err->code = ERROR_PROTOCOL;
    return false;
}

/* ---- writing ---- */

#define NAMESPACE_OF_SERVICE 4
#define NAMESPACE_COUNT      (NAMESPACE_OF_SERVICE + SERVICE_COUNT + 2)

/* Firmware has little room, so a request declares what its service needs; service NULL: all. */
static void namespaces_fill(struct Namespace table[NAMESPACE_COUNT], const struct eoi_service *service)
{
    static const struct Namespace always[NAMESPACE_COUNT] = { NAMESPACES_SOAP_1_1 };
    struct Namespace *next = table + NAMESPACE_OF_SERVICE;

    memcpy(table, always, sizeof(always));
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (!service || services[i] == service)
            *next++ = (struct Namespace){ services[i]->prefix, services[i]->uri, NULL, NULL };
    }
    if (!service || service == &service_security) /* its key pairs are of this schema */
        *next = (struct Namespace){ "cstr", CERTIFICATES, NULL, NULL };
}

static void tag_make(char tag[TAG_SIZE], const struct eoi_request *request, const char *ending)
{
    snprintf(tag, TAG_SIZE, "%s:%s%s", request->service->prefix, request->operation, ending);
}

/* The namespace, with the year of the operation, and its name. */
static void action_make(char action[ACTION_SIZE], const struct eoi_request *request)
{
    const char *uri = request->service->uri;

    snprintf(action, ACTION_SIZE, "%.*s%s/%s", (int)(strlen(uri) - strlen(SINCE_2004)), uri,
             request->year == EOI_2006 ? SINCE_2006 : SINCE_2004, request->operation);
}

static void body_write(struct soap *soap, const struct eoi_request *request)
{
    char tag[TAG_SIZE];

    tag_make(tag, request, "");
    if (request->data)
        soap_putelement(soap, request->data, tag, -1, request->type);
    else if (soap_element_begin_out(soap, tag, -1, NULL) == SOAP_OK)
        soap_element_end_out(soap, tag);
}

static bool request_write(struct runtime *runtime, const struct eoi_request *request, struct error *err)
{
    struct Namespace table[NAMESPACE_COUNT];
    struct soap *soap = runtime->soap;

    namespaces_fill(table, request->service);
    runtime_write_begin(runtime, table);
    if (soap_envelope_begin_out(soap) == SOAP_OK && soap_body_begin_out(soap) == SOAP_OK) {
        body_write(soap, request);
        if (soap_body_end_out(soap) == SOAP_OK)
            soap_envelope_end_out(soap);
    }
    if (!runtime_write_end(runtime))
        return error_set(err, ERROR_INTERNAL, "the request %s.%s cannot be written: %s",
                         request->service->name, request->operation, runtime_error_text(runtime));
    return true;
}

/* ---- reading ---- */

static bool fault_read(struct soap *soap, const struct eoi_request *request, struct error *err)
{
    struct firmware_fault fault = { 0 };

    if (soap_getfault(soap) || !soap->fault)
        return eoi_malformed(request->service, request->operation, "its fault cannot be parsed", err);
    fault.subcode = local_name(soap->fault->faultcode);
    fault.reason_text = soap->fault->faultstring;
    return status_fault(request->service->name, request->operation, &fault, err);
}

static bool body_begin(struct soap *soap)
{
    return soap->error == SOAP_OK && soap_envelope_begin_in(soap) == SOAP_OK &&
           soap_recv_header(soap) == SOAP_OK && soap_body_begin_in(soap) == SOAP_OK;
}

static void *answer_read(struct runtime *runtime, const struct eoi_request *request, struct error *err)
{
    struct soap *soap = runtime->soap;
    char tag[TAG_SIZE];
    void *element;

    tag_make(tag, request, RESPONSE);
    if (body_begin(soap)) {
        if (element_is_next(soap, "SOAP-ENV:Fault")) {
            fault_read(soap, request, err);
            return NULL;
        }
        element = element_read(soap, tag, request->read, false);
        if (element && soap_body_end_in(soap) == SOAP_OK && soap_envelope_end_in(soap) == SOAP_OK)
            return element;
    }
    eoi_malformed(request->service, request->operation, runtime_error_text(runtime), err);
    return NULL;
}

void *eoi_reply_parse(struct runtime *runtime, const struct eoi_request *request, const char *text,
                      size_t length, struct error *err)
{
    struct Namespace table[NAMESPACE_COUNT];
    void *element;

    namespaces_fill(table, request->service);
    runtime_read_begin(runtime, text, length, table);
    element = answer_read(runtime, request, err);
    runtime_read_end(runtime);
    return element;
}

static bool operation_take(const char *tag, char *operation, size_t size)
{
    const char *name = local_name(tag);
    size_t length = strlen(name), ending = strlen(RESPONSE);

    if (length <= ending || length - ending >= size || strcmp(name + length - ending, RESPONSE) != 0)
        return false;
    memcpy(operation, name, length - ending);
    operation[length - ending] = '\0';
    return true;
}

static bool subject_find(struct soap *soap, struct eoi_subject *subject, struct error *err)
{
    subject->fault = element_is_next(soap, "SOAP-ENV:Fault");
    if (subject->fault)
        return true;
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        char any[EOI_PREFIX_SIZE];

        snprintf(any, sizeof(any), "%s:", services[i]->prefix);
        if (!element_is_next(soap, any))
            continue;
        subject->service = services[i];
        return operation_take(soap->tag, subject->operation, sizeof(subject->operation)) ||
               error_set(err, ERROR_PROTOCOL, "element %.100s is no answer", soap->tag);
    }
    return error_set(err, ERROR_ABSENT, "element %.100s", soap->tag);
}

bool eoi_subject_read(struct runtime *runtime, const char *text, size_t length, struct eoi_subject *subject,
                      struct error *err)
{
    struct Namespace table[NAMESPACE_COUNT];
    struct eoi_subject read = { .fault = false };
    bool found;

    namespaces_fill(table, NULL);
    runtime_read_begin(runtime, text, length, table);
    found =
        body_begin(runtime->soap) && soap_peek_element(runtime->soap) == SOAP_OK
            ? subject_find(runtime->soap, &read, err)
            : error_set(err, ERROR_PROTOCOL, "no SOAP envelope with a body: %s", runtime_error_text(runtime));
    runtime_read_end(runtime);
    if (found)
        *subject = read;
    return found;
}

/* ---- calling ---- */

/* What the web server says before the service is asked. */
static bool service_reached(const struct eoi_request *request, const struct connection *connection,
                            const struct exchange_reply *reply, struct error *err)
{
    if (reply->status == HTTP_NOT_FOUND) {
        error_because(err, REASON_UNSUPPORTED, "this firmware has no %s", request->service->path);
        err->code = ERROR_ABSENT;
        return false;
    }
    if (reply->status == HTTP_FORBIDDEN)
        return error_because(err, REASON_NOT_PERMITTED, "the account has no right to %s",
                             request->service->path);
    return exchange_reply_check(connection, reply, err);
}

static bool status_of(const struct eoi_request *request, const void *answer, struct error *err)
{
    const unsigned *status = *(unsigned *const *)answer; /* the first member */

    return status ? status_check(request->service->name, request->operation, *status, err)
                  : eoi_malformed(request->service, request->operation, "it has no status", err);
}

void *eoi_call(struct connection *connection, const struct eoi_request *request, struct error *err)
{
    struct runtime *runtime = connection_runtime(connection);
    char action[ACTION_SIZE];
    struct exchange exchange = { .path = request->service->path, .action = action, .once = request->once };
    struct exchange_reply reply;
    void *answer;

    action_make(action, request);
    if (!request_write(runtime, request, err))
        return NULL;
    if (!connection_exchange_written(connection, &exchange, &reply, err) ||
        !service_reached(request, connection, &reply, err)) {
        error_during(err, "%s.%s", request->service->name, request->operation);
        return NULL;
    }
    answer = eoi_reply_parse(runtime, request, reply.body, reply.length, err);
    exchange_reply_wipe(connection, &reply);
    return answer && status_of(request, answer, err) ? answer : NULL;
}
