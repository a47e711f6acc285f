/*
 * wsman_call.h - the one way in which every WS-Management call is made.
 *
 * Private to firmware/. A typed call names class, operation, selectors, what to write and how to read the
 * answer. Everything that is read belongs to the connection's runtime and ends with its next call: the typed
 * calls copy what they hand out.
 */
#ifndef FIRMWARE_WSMAN_CALL_H
#define FIRMWARE_WSMAN_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "firmware/connection.h"
#include "firmware/element.h"

#define ENUMERATION_MAX 512 /* instances; the largest list of AMT's that is read here has some 40 */

#define EMBEDDED_MAX 2

/* A class of the device: its name, the prefix it has in soap/wsman.h, and its namespace. */
struct wsman_class {
    const char *name, *prefix, *uri;
    const struct wsman_class *embedded[EMBEDDED_MAX]; /* whose instances its methods take; NULL ends them */
};

extern const struct wsman_class class_setup, class_general, class_time, class_acl, class_pkm, class_cert,
    class_pair, class_tlscred, class_tls, class_redir, class_web, class_kvm, class_optin, class_power,
    class_esd, class_port, class_soft, class_krb, class_hbs, class_kvmset, class_wifisvc, class_wifiset,
    class_wifiport, class_eap, class_wired, class_wiredold, class_context, class_contexti, class_contexta,
    class_crl;

/* NULL for a namespace that is none of these. */
const struct wsman_class *wsman_class_find(const char *uri);

struct selector {
    const char *name;
    const char *text; /* or: */
    const char *xml;  /* an endpoint reference, with the prefixes wsa and wsman */
};

#define SELECTORS_MAX 4

/* What a call sends beside its name; zero-initialise. */
struct wsman_input {
    struct selector selectors[SELECTORS_MAX]; /* up to the first without a name */
    int type;                                 /* SOAP_TYPE_... of data */
    const void *data;                         /* NULL: the body, or the method's input, is empty */
    bool once;                                /* see wsman.h */
};

/* Get: the instance, or NULL. instance_id NULL: the class has one instance. */
void *wsman_get(struct connection *connection, const struct wsman_class *class, const char *instance_id,
                element_reader *read, struct error *err) MUST_CHECK;
bool wsman_put(struct connection *connection, const struct wsman_class *class,
               const struct wsman_input *input, struct error *err) MUST_CHECK;
bool wsman_create(struct connection *connection, const struct wsman_class *class,
                  const struct wsman_input *input, struct error *err) MUST_CHECK;
bool wsman_delete(struct connection *connection, const struct wsman_class *class,
                  const struct wsman_input *input, struct error *err) MUST_CHECK;
/* A method's output, or NULL; its ReturnValue is for wsman_returned(). input may be NULL. */
void *wsman_method(struct connection *connection, const struct wsman_class *class, const char *method,
                   const struct wsman_input *input, element_reader *read, struct error *err) MUST_CHECK;
/* True for success; value NULL: the answer had none. */
bool wsman_returned(const struct wsman_class *class, const char *method, const unsigned *value,
                    struct error *err) MUST_CHECK;

/* Called for each instance; false ends the enumeration, and that is a failure. */
typedef bool instance_taker(void *context, const void *instance, struct error *err);
bool wsman_enumerate(struct connection *connection, const struct wsman_class *class, element_reader *read,
                     instance_taker *take, void *context, struct error *err) MUST_CHECK;

/* ---- the parser alone, for answers in memory ---- */

enum reply_kind { REPLY_ELEMENT, REPLY_PULL, REPLY_IGNORED };

struct reply_expectation {
    const struct wsman_class *class;
    const char *operation; /* for messages */
    enum reply_kind kind;
    const char *tag;      /* ELEMENT: of the body's element; PULL: of each item */
    element_reader *read; /* of that element */
};

struct pulled {
    void **items;
    size_t count;
    char *context; /* NULL: none given */
    bool ended;    /* EndOfSequence */
};

/* result: ELEMENT: the element; PULL: a struct pulled; IGNORED: not set. */
bool wsman_reply_parse(struct runtime *runtime, const struct reply_expectation *expectation, const char *text,
                       size_t length, void **result, struct error *err) MUST_CHECK;

/* ---- helpers of the typed calls ---- */

/* The text selector of that name in an endpoint reference, or NULL. */
const char *reference_selector(const struct wsa__EndpointReference *reference, const char *name);
/* An endpoint reference with one selector; borrows the texts, needs room that lives as long as it does. */
struct reference_room {
    struct wsa__EndpointReference reference;
    struct wsa__ReferenceParameters parameters;
    struct wsman__SelectorSet set;
    struct wsman__Selector selector;
};
struct wsa__EndpointReference *reference_make(struct reference_room *room, const struct wsman_class *class,
                                              const char *name, const char *value);
/* The same as XML for a selector; the caller frees. */
char *reference_xml(const struct wsman_class *class, const char *name, const char *value);
bool wsman_malformed(const struct wsman_class *class, const char *operation, const char *why,
                     struct error *err);

#endif
