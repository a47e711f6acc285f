/*
 * device.h - what the firmware itself says to somebody who has nothing but its address, the password in
 * escrow and the site's issuer.
 *
 * Over the network alone, with the protocol code of the service point, which can be trusted here to read:
 * what it decides is not asked.
 */
#ifndef AUDIT_DEVICE_H
#define AUDIT_DEVICE_H

#include "audit/records.h"

struct device_auditor; /* opaque: TLS contexts, the issuers */

/* issuer_path: PEM, one certificate or several. console_path: PEM of key, certificate and root, as `amtctl ca
 * issue-console` writes it, for computers in mutual TLS; NULL: none. On true the caller owns *auditor. */
bool device_auditor_open(struct device_auditor **auditor, const char *issuer_path, const char *console_path,
                         struct error *err) MUST_CHECK;
void device_auditor_close(struct device_auditor **auditor); /* accepts NULL */

/* Logs in with Digest as admin. The firmware is provisioned, shows the certificate that is active in the
 * database, stores it once, and keeps no other certificate, and no key, that is not in use. */
void device_audit(struct device_auditor *auditor, const struct audited *computer, const char *password,
                  struct findings *findings);

#endif
