/*
 * point_status.h - what a service point shows of itself: to the service manager in one line, at /metrics and
 * /health.
 */
#ifndef POINT_STATUS_H
#define POINT_STATUS_H

#include "point.h"

/* Once a second at most: sessions change often, and a person reads it now and then. */
void point_tell_status(struct service_point *point);
/* metrics.listen; the page runs in the main thread's turn. */
bool point_open_metrics(struct service_point *point, struct error *err) MUST_CHECK;

#endif
