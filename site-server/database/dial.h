/*
 * dial.h - makes a connection to the writable PostgreSQL server among several hosts, without blocking.
 *
 * All hosts of the connection string are dialled at once and the first that is a writable primary is taken,
 * so that a host which drops packets costs nothing while another one answers. Names are resolved by libpq,
 * which blocks as long as the resolver does: addresses do not.
 */
#ifndef DATABASE_DIAL_H
#define DATABASE_DIAL_H

#include <libpq-fe.h>
#include <stdint.h>

#include "common/error.h"

#define DIAL_HOSTS_MAX  16
#define DIAL_TIMEOUT_MS 4000 /* a host that does not answer by then is away */

struct dial; /* opaque: owns the connections that are being made */

enum dial_state { DIAL_GOES_ON, DIAL_CONNECTED, DIAL_FAILED };

/* url as of libpq; program is the application_name. Both borrowed. */
bool dial_begin(struct dial **dial, const char *url, const char *program, struct error *err) MUST_CHECK;
void dial_end(struct dial **dial); /* accepts NULL */

/* For poll(): readable when dial_continue() has something to do. */
int dial_descriptor(const struct dial *dial);
/* Monotonic: when to call it at the latest. */
int64_t dial_due_ms(const struct dial *dial);
/* Never blocks. DIAL_CONNECTED: the caller owns *connection. DIAL_FAILED: *err says what each host answered.
 */
enum dial_state dial_continue(struct dial *dial, PGconn **connection, struct error *err) MUST_CHECK;

#endif
