/*
 * trust.h - whom a computer lets in by certificate: the setup server, and clients in mutual authentication.
 *
 * Setup rules: AMT Implementation and Reference Guide, "Acquiring an Intel vPro certificate" and "Remote
 * setup and configuration flow".
 */
#ifndef SIMULATOR_TRUST_H
#define SIMULATOR_TRUST_H

#include "device.h"

/* The chain as it was sent, leaf first. On true *name is the leaf's common name, owned by the caller. */
bool trust_setup_chain(const struct device *device, STACK_OF(X509) * chain, char **name,
                       struct error *err) MUST_CHECK;
bool trust_client_chain(struct device *device, STACK_OF(X509) * chain, struct error *err) MUST_CHECK;

#endif
