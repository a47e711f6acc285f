/*
 * renewal.h - the site server requests by itself that certificates are renewed before they end (spec 8).
 */
#ifndef JOBS_RENEWAL_H
#define JOBS_RENEWAL_H

#include "database/database.h"

#define RENEWALS_AT_ONCE                                                                                     \
    100 /* a fleet that was provisioned in one night must not be renewed in one second                       \
         */

/* A job for each certificate that is due, RENEWALS_AT_ONCE at most. *more: there may be further ones. */
bool renewal_request(struct database *database, size_t *requested, bool *more, struct error *err) MUST_CHECK;

#endif
