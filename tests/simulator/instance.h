/*
 * instance.h - one instance of a class, collected in any order and written as the firmware writes it:
 * properties in byte order of their names, arrays as repeated elements, nothing for what has no value.
 */
#ifndef SIMULATOR_INSTANCE_H
#define SIMULATOR_INSTANCE_H

#include "text.h"

#include <stdbool.h>

#define SCHEMA_AMT "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define SCHEMA_CIM "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
#define SCHEMA_IPS "http://intel.com/wbem/wscim/1/ips-schema/1/"

enum { PROPERTIES_MAX = 48 };

struct property {
    const char *name; /* static */
    char *value;      /* owned; markup of an endpoint reference, or plain text */
    bool markup;
    unsigned order; /* of elements of the same name */
};

struct instance {
    struct property items[PROPERTIES_MAX];
    unsigned count;
};

void instance_text(struct instance *instance, const char *name, const char *value); /* NULL value: left out */
void instance_number(struct instance *instance, const char *name, uint32_t value);
void instance_flag(struct instance *instance, const char *name, bool value);
void instance_bytes(struct instance *instance, const char *name, const void *bytes,
                    size_t length); /* base64 */

/* An endpoint reference to an instance of a class; selectors as name, value, ..., NULL. */
void instance_reference(struct instance *instance, const char *name, const char *schema, const char *class,
                        const char *const *selectors);
void reference_write(struct text *out, const char *schema, const char *class, const char *const *selectors);

/* CreationClassName, Name, SystemCreationClassName, SystemName of a service of the firmware. */
void instance_service(struct instance *instance, const char *class, const char *name);

const char *instance_value(const struct instance *instance, const char *name); /* NULL: none */
void instance_write(struct instance *instance, struct text *out, const char *prefix, const char *class);
void instance_release(struct instance *instance);

#endif
