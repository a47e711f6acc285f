/*
 * negotiate.h - a client that logs in by Negotiate (RFC 4559) for a service name of its own choice.
 *
 * curl asks for a ticket to HTTP/host; AMT before 6.0 takes only names with a port in them.
 */
#ifndef TESTS_SUPPORT_NEGOTIATE_H
#define TESTS_SUPPORT_NEGOTIATE_H

#include "common/error.h"

struct negotiation; /* opaque: one login */

/* With the tickets of a credential cache file; service: HTTP/host:port@REALM. *token is what goes behind
 * "Authorization: Negotiate ", the caller's. */
bool negotiation_begin(struct negotiation **negotiation, const char *cache_path, const char *service,
                       char **token, struct error *err) MUST_CHECK;
/* Whether the other side proves, with the token that it answered, that it has the service's key. */
bool negotiation_finish(struct negotiation *negotiation, const char *token, struct error *err) MUST_CHECK;
void negotiation_free(struct negotiation **negotiation); /* accepts NULL */

#endif
