/*
 * provisioning_chain.h - what the rules of preflight.h are applied to: read from the certificates of a chain.
 *
 * Pure. DER, leaf first, intermediates in issuing order, root last; order and completeness are findings, no
 * errors.
 */
#ifndef COMMON_PROVISIONING_CHAIN_H
#define COMMON_PROVISIONING_CHAIN_H

#include "preflight.h"

struct provisioning_chain {       /* zero-initialise; ended with provisioning_chain_clear() */
    char *common_name;            /* of the leaf; "" when it has none */
    char *subject, *root_subject; /* as "CN=ps.example.com,O=Example" */
    int64_t root_not_after_s;     /* since 1970 */
    struct preflight_facts facts; /* common_name is borrowed from above */
};

/* Refuses (ERROR_INPUT) what is no certificate, none at all and more than PREFLIGHT_CHAIN_MAX. */
bool provisioning_chain_read(const struct bytes *certificates, size_t count, struct provisioning_chain *chain,
                             struct error *err) MUST_CHECK;
void provisioning_chain_clear(struct provisioning_chain *chain);

#endif
