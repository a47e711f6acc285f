/*
 * tls.h - TLS server sessions: contexts shared by all computers of a kind, certificates swapped in per
 * session.
 */
#ifndef SIMULATOR_TLS_H
#define SIMULATOR_TLS_H

#include "device.h"

/* A server session for a connection to this computer in its present state; the caller frees it. */
SSL *tls_session(struct device *device, struct error *err) MUST_CHECK;
/* Chooses the served certificate's subject and issuer as text; NULL: TLS is not served. The caller frees
 * both. */
void tls_served_names(struct device *device, char **subject, char **issuer);
bool tls_wants_client_certificate(const struct device *device);
void tls_release(void);

#endif
