/*
 * service_point.h - the service point's main thread: one poll over queue, Hello listener, sessions and
 * signals.
 *
 * Holds no state that outlives the process: what was offered and not finished is taken back by the site
 * server.
 */
#ifndef SERVICE_POINT_H
#define SERVICE_POINT_H

#include "config.h"

struct service_point; /* opaque */

/* Opens everything that needs privileges: keys, certificates, ports. config is borrowed until
 * service_point_close(). */
bool service_point_open(struct service_point **point, const struct config *config,
                        struct error *err) MUST_CHECK;
/* Until SIGTERM or SIGINT: then jobs under way are handed back at their next step. */
bool service_point_serve(struct service_point *point, struct error *err) MUST_CHECK;
void service_point_close(struct service_point **point);

#endif
