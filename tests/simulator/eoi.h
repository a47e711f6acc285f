/*
 * eoi.h - the old SOAP interface of AMT 1 to 8 ("external operations interface"): SOAP 1.1, document/literal,
 * one path per service, a status first in every answer.
 */
#ifndef SIMULATOR_EOI_H
#define SIMULATOR_EOI_H

#include "service.h"
#include "wsman.h"

#define NS_SOAP_1_1 "http://schemas.xmlsoap.org/soap/envelope/"

struct eoi_request {
    xmlDoc *document; /* owns all nodes; NULL: not XML */
    const struct service *service;
    const struct service_call *call; /* NULL: not known, or no envelope */
    unsigned index;                  /* of the call */
    const xmlNode *body;
};

/* Whether the computer has this interface, and has not been told to answer WS-Management alone. */
bool eoi_served(const struct device *device);
/* Never fails: what is wrong with the request comes out as a fault of eoi_execute(). */
void eoi_parse(const struct service *service, const char *bytes, size_t length, struct eoi_request *request);
void eoi_request_release(struct eoi_request *request);
void eoi_count(struct device *device, const struct eoi_request *request);

/* "Service.Call". */
void eoi_operation(const struct eoi_request *request, char operation[OPERATION_ROOM]);
void eoi_execute(struct device *device, const struct identity *identity, const struct eoi_request *request,
                 struct answer *answer);
/* Answer without doing anything. */
void eoi_pretend_fault(struct device *device, const char *reason, struct answer *answer);
void eoi_pretend_status(struct device *device, const struct eoi_request *request, uint32_t status,
                        struct answer *answer);

#endif
