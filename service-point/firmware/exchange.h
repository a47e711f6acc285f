/*
 * exchange.h - one HTTP request and its answer over a connection.
 *
 * Private to firmware/: what the SOAP calls stand on.
 */
#ifndef FIRMWARE_EXCHANGE_H
#define FIRMWARE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "firmware/connection.h"
#include "firmware/runtime.h"

struct exchange {
    const char *path;   /* "/wsman" */
    const char *action; /* SOAP 1.1, with this SOAPAction; NULL: SOAP 1.2, which needs none */
    const char *body;   /* borrowed; sent again after a 401 */
    size_t length;
    bool once; /* not to be sent again when it may have been carried out */
};

struct exchange_reply {
    int status; /* of HTTP, never 401 */
    char *body; /* NUL-terminated, "" when there is none; belongs to the connection until its next call */
    size_t length;
};

bool connection_exchange(struct connection *connection, const struct exchange *request,
                         struct exchange_reply *reply, struct error *err) MUST_CHECK;
/* The same for the envelope that was written last to the connection's runtime; the runtime gives it up, and
 * it is wiped. */
bool connection_exchange_written(struct connection *connection, const struct exchange *request,
                                 struct exchange_reply *reply, struct error *err) MUST_CHECK;
/* A reply that was parsed: it may hold a secret, and the parser has made copies. */
void exchange_reply_wipe(struct connection *connection, struct exchange_reply *reply);
/* True for what a SOAP call may be answered with: status 200, and 400 and 500 with an envelope for a fault.
 */
bool exchange_reply_check(const struct connection *connection, const struct exchange_reply *reply,
                          struct error *err) MUST_CHECK;
/* Of the status alone. */
bool exchange_status_check(const struct connection *connection, int status, struct error *err) MUST_CHECK;
struct runtime *connection_runtime(struct connection *connection);

#endif
