/*
 * request.h - a WS-Management request taken apart: any prefix, by namespace.
 */
#ifndef SIMULATOR_REQUEST_H
#define SIMULATOR_REQUEST_H

#include "error.h"
#include "fault.h"

#include <libxml/tree.h>

#define NS_SOAP        "http://www.w3.org/2003/05/soap-envelope"
#define NS_ADDRESSING  "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define NS_MANAGEMENT  "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define NS_TRANSFER    "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define NS_ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define NS_IDENTITY    "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define URI_ANONYMOUS  NS_ADDRESSING "/role/anonymous"

enum { SELECTORS_MAX = 8 };

struct selector {
    char *name, *value;       /* value: "" when it is a reference */
    const xmlNode *reference; /* wsa:EndpointReference; NULL: plain value */
};

struct selectors {
    struct selector items[SELECTORS_MAX];
    unsigned count;
};

/* An endpoint reference: which instance of which class. */
struct reference {
    char *resource; /* class URI */
    struct selectors selectors;
};

struct request {
    xmlDoc *document;                     /* owns all nodes */
    char *action, *resource, *message_id; /* "" when absent */
    struct selectors selectors;
    xmlNode *body; /* first element in Body; NULL: none */
    bool identify;
    struct fault fault; /* the headers alone already call for this one */
};

/* False: not a SOAP 1.2 envelope at all. */
bool request_parse(const char *bytes, size_t length, struct request *request, struct error *err) MUST_CHECK;
void request_release(struct request *request);

bool node_is(const xmlNode *node, const char *space, const char *name);
const xmlNode *node_first(const xmlNode *parent); /* first child element */
const xmlNode *node_next(const xmlNode *node);    /* next sibling element */
const xmlNode *node_child(const xmlNode *parent, const char *space, const char *name);
char *node_text(const xmlNode *node); /* owned by the caller; "" for NULL */

bool reference_parse(const xmlNode *node, struct reference *reference); /* false: no resource in it */
void reference_release(struct reference *reference);
const char *reference_value(const struct reference *reference, const char *selector); /* NULL: none */
/* The part of a class URI after the last slash. */
const char *class_of(const char *uri);

#endif
