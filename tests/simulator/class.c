#include "class.h"

#include "encoding.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct class *const tables[] = {
    setup_classes,       general_classes,  acl_classes,   key_classes,      crl_classes,   tls_classes,
    redirection_classes, kerberos_classes, power_classes, wireless_classes, wired_classes, inventory_classes,
};

const struct class *class_find(const char *uri)
{
    const char *name = class_of(uri);

    for (size_t i = 0; i < LENGTH(tables); i++)
        for (const struct class *class = tables[i]; class->name; class ++)
            if (!strcmp(class->name, name) && !strncmp(uri, class->schema, strlen(class->schema)) &&
                strlen(uri) == strlen(class->schema) + strlen(name))
                return class;
    return NULL;
}

const struct method *class_method(const struct class *class, const char *name)
{
    for (const struct method *method = class->methods; method && method->name; method++)
        if (!strcmp(method->name, name))
            return method;
    return NULL;
}

unsigned class_count(const struct class *class, const struct device *device)
{
    return class->count ? class->count(device) : 1;
}

bool identity_may(const struct identity *identity, uint32_t realms)
{
    if (identity->administrator)
        return true;
    if ((identity->realms & MAY(REALM_ADMINISTRATION)) && realms != MAY(REALM_AUDIT_LOG))
        return true;
    return (identity->realms & realms) != 0;
}

void refuse(struct call *call, enum amt_status status)
{
    call->fault = (struct fault){ .kind = FAULT_INTERNAL_ERROR, .status = (uint32_t)status };
}

void refuse_with(struct call *call, enum fault_kind kind)
{
    call->fault = (struct fault){ .kind = kind };
}

/* ---- schema ---- */

static bool number_valid(const char *text, unsigned long limit)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    return isdigit((unsigned char)*text) && !*end && number <= limit;
}

static bool base64_valid(const char *text)
{
    unsigned char *bytes;
    size_t length;

    if (!base64_decode(text, &bytes, &length))
        return false;
    free(bytes);
    return true;
}

static bool text_valid(const char *text, enum value_type type)
{
    unsigned char bytes[512];
    size_t length;

    switch (type) {
    case TYPE_NUMBER:
        return number_valid(text, UINT32_MAX);
    case TYPE_SHORT:
        return number_valid(text, UINT16_MAX);
    case TYPE_BYTE:
        return number_valid(text, UINT8_MAX);
    case TYPE_FLAG:
        return !strcmp(text, "true") || !strcmp(text, "false") || !strcmp(text, "1") || !strcmp(text, "0");
    case TYPE_BASE64:
        return base64_valid(text);
    case TYPE_HEX:
        return hex_decode(text, bytes, sizeof(bytes), &length);
    default:
        return true;
    }
}

bool value_valid(const xmlNode *node, enum value_type type)
{
    struct reference reference;
    char *text;
    bool valid;

    if (type == TYPE_REFERENCE) {
        if (!reference_parse(node, &reference))
            return false;
        reference_release(&reference);
        return true;
    }
    if (type == TYPE_EMBEDDED || type == TYPE_DATETIME)
        return node_first(node) != NULL;
    if (node_first(node))
        return false;
    text = node_text(node);
    valid = text_valid(text, type);
    free(text);
    return valid;
}

static bool child_valid(const xmlNode *node, const char *space, const struct parameter *parameters,
                        unsigned *counts)
{
    for (unsigned i = 0; parameters && parameters[i].name; i++) {
        if (!node_is(node, space, parameters[i].name))
            continue;
        counts[i]++;
        return (counts[i] == 1 || (parameters[i].flags & LIST)) && value_valid(node, parameters[i].type);
    }
    return false;
}

bool schema_check(const xmlNode *element, const char *space, const struct parameter *parameters)
{
    unsigned counts[64] = { 0 };

    for (const xmlNode *node = node_first(element); node; node = node_next(node))
        if (!child_valid(node, space, parameters, counts))
            return false;
    for (unsigned i = 0; parameters && parameters[i].name; i++)
        if ((parameters[i].flags & REQUIRED) && !counts[i])
            return false;
    return true;
}

/* ---- values ---- */

const xmlNode *value_node(const xmlNode *parent, const char *name)
{
    const xmlNode *node = parent ? node_first(parent) : NULL;

    while (node && strcmp((const char *)node->name, name))
        node = node_next(node);
    return node;
}

bool value_number(const xmlNode *parent, const char *name, uint32_t *number)
{
    const xmlNode *node = value_node(parent, name);
    char *text;

    if (!node)
        return false;
    text = node_text(node);
    *number = (uint32_t)strtoul(text, NULL, 10);
    free(text);
    return true;
}

bool value_flag(const xmlNode *parent, const char *name, bool *flag)
{
    const xmlNode *node = value_node(parent, name);
    char *text;

    if (!node)
        return false;
    text = node_text(node);
    *flag = *text == 't' || *text == '1';
    free(text);
    return true;
}

char *value_text(const xmlNode *parent, const char *name)
{
    const xmlNode *node = value_node(parent, name);

    return node ? node_text(node) : NULL;
}

bool value_bytes(const xmlNode *parent, const char *name, unsigned char **bytes, size_t *length)
{
    char *text = value_text(parent, name);
    bool found = text && base64_decode(text, bytes, length);

    free(text);
    return found;
}

unsigned value_numbers(const xmlNode *parent, const char *name, uint32_t *numbers, unsigned max)
{
    unsigned count = 0;

    for (const xmlNode *node = node_first(parent); node; node = node_next(node)) {
        char *text;

        if (strcmp((const char *)node->name, name))
            continue;
        text = node_text(node);
        if (count < max)
            numbers[count] = (uint32_t)strtoul(text, NULL, 10);
        count++;
        free(text);
    }
    return count;
}

bool value_reference(const xmlNode *parent, const char *name, struct reference *reference)
{
    const xmlNode *node = value_node(parent, name);

    return node && reference_parse(node, reference);
}

int64_t handle_of(const char *instance_id, const char *prefix)
{
    size_t length = strlen(prefix);

    if (!instance_id || strncmp(instance_id, prefix, length) ||
        !number_valid(instance_id + length, INT32_MAX))
        return NO_HANDLE;
    return strtol(instance_id + length, NULL, 10);
}

/* AMT SDK "Valid user names and passwords": upper, lower, digit, special; blank and _ are allowed but not
 * special. */
bool password_strong(const char *password, size_t shortest, size_t longest)
{
    bool upper = false, lower = false, digit = false, special = false;
    size_t length = strlen(password);

    if (length < shortest || length > longest)
        return false;
    for (; *password; password++) {
        unsigned char letter = (unsigned char)*password;

        if (letter < 32 || letter > 126 || strchr("\",:", letter))
            return false;
        upper |= isupper(letter) != 0;
        lower |= islower(letter) != 0;
        digit |= isdigit(letter) != 0;
        special |= ispunct(letter) && letter != '_';
    }
    return upper && lower && digit && special;
}
