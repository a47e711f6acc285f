/*
 * service.h - a service of the old SOAP interface (EOI) as a table row: its path, its calls, who may use it.
 *
 * Served are the services of the first stage, and of the inventory the table of the computer itself. Of their
 * calls these are left out: the wired 802.1X profile, the audit record of setup, the power saving options
 * of 2.0 and the update of the firmware; like calls of later releases they are unknown. Names, order and
 * types are those of the interface definitions of Intel's AMT SDK 3.0. The service_*.c files define the
 * calls, one file per subject; eoi.c runs them. Where a WS-Management method is the same function of the
 * firmware, the call names it as its twin.
 */
#ifndef SIMULATOR_SERVICE_H
#define SIMULATOR_SERVICE_H

#include "class.h"

#define EOI_CLIENT      "http://schemas.intel.com/platform/client/"
#define EOI_CERTIFICATE EOI_CLIENT "CertStore/2006/01"

enum { IN_STORE = 4 }; /* flag of a member beside REQUIRED and LIST: its namespace is EOI_CERTIFICATE */

/* A child element; a list of them ends with one without a name. */
struct member {
    const char *name;
    enum value_type type;
    unsigned flags;
    const struct member *members; /* of a structure; NULL: a plain value */
};

struct service_call {
    const char *name; /* of the request's element; NULL ends the list */
    /* Returns the status; on success may have written members of the answer, prefix g. */
    uint32_t (*run)(struct call *call, const xmlNode *input, struct text *out);
    const char *twin_class, *twin_method; /* instead of run */
    const struct member *members;         /* NULL: an empty request */
    bool reads_only;
};

#define TWIN(class, method) .name = method, .twin_class = SCHEMA_AMT class, .twin_method = method

enum { SERVICE_TABLES_MAX = 6 };

struct service {
    const char *name; /* the path is a slash, the name and "Service" */
    const char *space;
    const struct service_call *calls[SERVICE_TABLES_MAX]; /* NULL ends the list */
    const char *status; /* name of the answer's first element; NULL: StatusCode */
    uint32_t realms;
    bool always; /* answers also before setup has begun */
};

/* Tables of the service_*.c files; each ends with a call without a name. */
extern const struct service_call access_calls[], asset_calls[], general_calls[], interface_calls[],
    network_calls[], setup_calls[], store_calls[], time_calls[], tls_calls[];

const struct service *service_find(const char *path); /* NULL: no such service */
/* index: of the call among all calls of all services. */
const struct service_call *service_call_find(const struct service *service, const char *name,
                                             unsigned *index);
unsigned service_call_total(void);
/* "Service.Call", NULL behind the last one; the text lives until the next call. */
const char *service_call_name(unsigned index);

/* Order, names, namespaces and types of the children. Not strict: any order, and unknown ones are skipped. */
bool service_check(const xmlNode *element, const char *space, const struct member *members, bool strict);

/* Choice of words; false: another one. words end with NULL. */
bool word_number(const xmlNode *parent, const char *name, const char *const *words, uint32_t *number);
void write_flag(struct text *out, const char *name, bool flag);
void write_number(struct text *out, const char *name, uint32_t number);
void write_text(struct text *out, const char *name, const char *value);
void write_bytes(struct text *out, const char *name, const void *bytes, size_t length);

/* Written by several services. */
uint32_t service_core_version(struct call *call, const xmlNode *input, struct text *out);
uint32_t service_mode(struct call *call, const xmlNode *input, struct text *out);
uint32_t service_host_name(struct call *call, const xmlNode *input, struct text *out);
uint32_t service_vlan(struct call *call, const xmlNode *input, struct text *out);
uint32_t service_interfaces(struct call *call, const xmlNode *input, struct text *out);

#endif
