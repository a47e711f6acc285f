/*
 * eoi_call.h - the one way in which every call over AMT's older SOAP interface is made.
 *
 * Private to firmware/. SOAP 1.1, document/literal; the body's element is the operation, its answer that name
 * with "Response" behind it and a status first. What is read belongs to the connection's runtime and ends
 * with its next call: the typed calls copy what they hand out.
 */
#ifndef FIRMWARE_EOI_CALL_H
#define FIRMWARE_EOI_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "firmware/connection.h"
#include "firmware/element.h"

#define EOI_PREFIX_SIZE 8

/* A service of the device: one HTTP path, one namespace. */
struct eoi_service {
    const char *name; /* for messages */
    const char *path;
    const char *prefix; /* as in soap/eoi.h */
    const char *uri;
};

extern const struct eoi_service service_security, service_network, service_time, service_general,
    service_asset;

/* When the operation came: it decides about the SOAPAction, not about the namespace (AMT SDK 3.0, WSDL). */
enum eoi_year { EOI_2004, EOI_2006 };

struct eoi_request {
    const struct eoi_service *service;
    const char *operation;
    enum eoi_year year;
    int type;         /* SOAP_TYPE_... of data */
    const void *data; /* NULL: the operation takes nothing */
    bool once;        /* see eoi.h */
    /* Of the answer, one of the "out" structs of soap/eoi.h: their first member is the status. */
    element_reader *read;
};

/* The answer, whose status was 0; or NULL. */
void *eoi_call(struct connection *connection, const struct eoi_request *request,
               struct error *err) MUST_CHECK;

/* Always false. */
bool eoi_malformed(const struct eoi_service *service, const char *operation, const char *why,
                   struct error *err);

/* ---- the parser alone, for answers in memory ---- */

/* The service and operation that an answer is of, by its body's element. False: ERROR_ABSENT for an element
 * of none of the services above (a fault has none), else the answer is not valid. */
struct eoi_subject {
    const struct eoi_service *service;
    char operation[64]; /* "GetHostName" */
    bool fault;         /* then service is NULL */
};
bool eoi_subject_read(struct runtime *runtime, const char *text, size_t length, struct eoi_subject *subject,
                      struct error *err) MUST_CHECK;

/* The answer to that operation, whatever its status. */
void *eoi_reply_parse(struct runtime *runtime, const struct eoi_request *request, const char *text,
                      size_t length, struct error *err) MUST_CHECK;

#endif
