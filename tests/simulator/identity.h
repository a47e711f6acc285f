/*
 * identity.h - the certificate with which a computer serves TLS before it has been given one.
 */
#ifndef SIMULATOR_IDENTITY_H
#define SIMULATOR_IDENTITY_H

#include "device.h"

/* Makes the computer's certificate unless it exists; it stays the same until it is forgotten. */
bool identity_make(struct device *device, struct error *err) MUST_CHECK;
EVP_PKEY *identity_key(const struct device *device);          /* borrowed */
STACK_OF(X509) * identity_chain(const struct device *device); /* above the leaf; borrowed; NULL: none */
void identity_forget(struct device *device);
/* Where the firmware lists its own certificate among the stored ones: puts it there, read-only. */
void identity_store(struct device *device);
void identity_release(void); /* what all computers share */

#endif
