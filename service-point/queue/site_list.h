/*
 * site_list.h - the site servers that a service point may connect to, as its configuration names them.
 *
 * Pure. Each has an endpoint and a public key; several with one key are site servers that share a key file.
 */
#ifndef QUEUE_SITE_LIST_H
#define QUEUE_SITE_LIST_H

#include "common/config_table.h"
#include "common/curve_key.h"

struct site_address {
    char *endpoint;                  /* "tcp://192.0.2.1:5671"; owned */
    char public_key[CURVE_KEY_SIZE]; /* Z85 */
};

struct site_list { /* zero-initialise */
    struct site_address *items;
    size_t count;
};

/*
 * Items are "ENDPOINT" or "ENDPOINT KEY"; the first form takes common_key (may be ""). False (ERROR_INPUT)
 * when the list is empty or a key is missing or none; the message names the configuration key.
 */
bool site_list_read(struct site_list *list, const struct config_list *endpoints, const char *common_key,
                    struct error *err) MUST_CHECK;
void site_list_clear(struct site_list *list);

/* Where a service point of this name begins, so that many spread over the list, each always the same way. */
size_t site_list_first(const struct site_list *list, const char *name);

#endif
