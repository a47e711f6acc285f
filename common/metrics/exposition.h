/*
 * exposition.h - /metrics for Prometheus, /health for people and load balancers, /crl/NAME.crl for whoever
 * checks certificates, over HTTP.
 *
 * Runs within the caller's loop: wait for exposition_descriptor(), then exposition_run(). Reads nothing
 * but GET of these paths; meant for loopback or a management network.
 */
#ifndef COMMON_METRICS_EXPOSITION_H
#define COMMON_METRICS_EXPOSITION_H

#include <stdio.h>

#include "common/error.h"

struct exposition; /* opaque: owns the listening socket and its connections */

struct exposition_source {
    void (*write_metrics)(void *context, FILE *out);
    bool (*write_health)(void *context, FILE *out); /* false: answered with 503 */
    /* The revocation list (DER, RFC 5280) of that name; NULL: there is none. Borrowed for the moment. The
     * function may be NULL: there are no lists. */
    const struct bytes *(*find_list)(void *context, const char *name);
    void *context; /* borrowed until exposition_close() */
};

/* listen: ADDRESS:PORT, IPv6 in brackets; NULL or empty: none, *exposition becomes NULL. */
bool exposition_open(struct exposition **exposition, const char *listen,
                     const struct exposition_source *source, struct error *err) MUST_CHECK;
void exposition_close(struct exposition **exposition);

/* These accept NULL: there is nothing to wait for then. */
int exposition_descriptor(const struct exposition *exposition); /* -1: none */
/* Milliseconds until exposition_run() is due even if nothing came; -1: never. */
long exposition_timeout_ms(const struct exposition *exposition);
void exposition_run(struct exposition *exposition);

#endif
