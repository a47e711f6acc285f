#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "directory/ldap_session.h"

const struct ldap_values *ldap_entry_values(const struct ldap_entry *entry, const char *attribute)
{
    for (size_t i = 0; i < entry->attribute_count; i++) {
        if (strcasecmp(entry->attributes[i].name, attribute) == 0)
            return &entry->attributes[i];
    }
    return NULL;
}

const char *ldap_entry_text(const struct ldap_entry *entry, const char *attribute)
{
    const struct ldap_values *values = ldap_entry_values(entry, attribute);

    return values && values->count ? (const char *)values->values[0].data : NULL;
}

void ldap_entries_clear(struct ldap_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct ldap_entry *entry = &entries->items[i];

        for (size_t j = 0; j < entry->attribute_count; j++) {
            for (size_t k = 0; k < entry->attributes[j].count; k++)
                bytes_free(&entry->attributes[j].values[k]);
            free(entry->attributes[j].values);
            free(entry->attributes[j].name);
        }
        free(entry->attributes);
        free(entry->dn);
    }
    free(entries->items);
    *entries = (struct ldap_entries){ 0 };
}

char *ldap_filter_escape(const void *value, size_t length)
{
    const unsigned char *bytes = value;
    char *escaped = allocate(3 * length + 1), *at = escaped;

    for (size_t i = 0; i < length; i++) {
        bool plain = bytes[i] > ' ' && bytes[i] < 0x7f && !strchr("*()\\", bytes[i]);

        at += sprintf(at, plain ? "%c" : "\\%02x", bytes[i]);
    }
    return escaped;
}

char *ldap_name_escape(const char *value)
{
    size_t length = strlen(value);
    char *escaped = allocate(3 * length + 1), *at = escaped;

    for (size_t i = 0; i < length; i++) {
        bool edge = (i == 0 && strchr(" #", value[i])) || (i + 1 == length && value[i] == ' ');

        at += sprintf(at, edge || strchr(",+\"\\<>;=", value[i]) ? "\\%02x" : "%c", (unsigned char)value[i]);
    }
    return escaped;
}
