/*
 * mutual.h - mutual TLS: clients show a certificate under a root that the firmware trusts (AMT SDK, "Mutual
 * authentication").
 *
 * Firmware takes a trusted root only while mutual authentication is off, and switches it with a commit. So a
 * change of the root is: off, the new root in, the former out, on. Wherever an attempt ends, either nobody is
 * asked for a certificate, or the root of one that we hold is there.
 */
#ifndef PROVISIONING_MUTUAL_H
#define PROVISIONING_MUTUAL_H

#include "firmware/wsman.h"
#include "provisioning/session.h"

/* Consoles come under this root, or came before the authority changed, and mutual TLS is wanted or in force.
 */
bool mutual_vouches(const struct session *session, const struct stored_certificate *root);

#endif
