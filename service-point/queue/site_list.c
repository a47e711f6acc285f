#include "queue/site_list.h"

#include <stdlib.h>
#include <string.h>

void site_list_clear(struct site_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].endpoint);
    free(list->items);
    *list = (struct site_list){ 0 };
}

static bool read_key(struct site_address *address, const char *own_key, const char *common_key,
                     struct error *err)
{
    const char *key = *own_key ? own_key : common_key;

    if (!*key)
        return error_set(
            err, ERROR_INPUT,
            "site.public_key must be set, because %s in site.endpoint has no key of its own; take it "
            "from 'public' in the site server's key file",
            address->endpoint);
    if (!curve_key_valid(key))
        return error_set(
            err, ERROR_INPUT,
            "%s is not a key of 40 Z85 characters; take it from 'public' in the site server's key file",
            *own_key ? "site.endpoint: what follows the address" : "site.public_key");
    memcpy(address->public_key, key, CURVE_KEY_SIZE);
    return true;
}

static bool read_address(struct site_address *address, const char *item, const char *common_key,
                         struct error *err)
{
    size_t length = strcspn(item, " \t");

    address->endpoint = text_format("%.*s", (int)length, item);
    return read_key(address, item + length + strspn(item + length, " \t"), common_key, err);
}

bool site_list_read(struct site_list *list, const struct config_list *endpoints, const char *common_key,
                    struct error *err)
{
    AUTO(site_list_clear) struct site_list reading = { 0 };

    if (!endpoints->count)
        return error_set(err, ERROR_INPUT, "site.endpoint: name at least one site server");
    reading.items = allocate(endpoints->count * sizeof(*reading.items));
    while (reading.count < endpoints->count) {
        struct site_address *address = &reading.items[reading.count];

        if (!read_address(address, endpoints->items[reading.count++], common_key, err))
            return false;
    }
    *list = reading;
    reading = (struct site_list){ 0 };
    return true;
}

/* FNV-1a, and the first half of MurmurHash3's finish: names that differ in one digit must not fall together.
 */
size_t site_list_first(const struct site_list *list, const char *name)
{
    uint64_t hash = 14695981039346656037U;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211U;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdU;
    return (size_t)((hash ^ hash >> 33) % list->count);
}
