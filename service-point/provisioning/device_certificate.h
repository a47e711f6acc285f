/*
 * device_certificate.h - whether a certificate found in firmware is one that this site issued to it, and for
 * which key.
 *
 * Pure. Certificates are X.509, DER; public keys PKCS#1 RSAPublicKey, DER, as AMT lists them. What cannot be
 * parsed is simply not ours.
 */
#ifndef PROVISIONING_DEVICE_CERTIFICATE_H
#define PROVISIONING_DEVICE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/message.h"
#include "common/ownership.h"

/* Signed by one of the issuers, for this name; fqdn NULL: for any. */
bool device_certificate_is_ours(const struct bytes *certificate, const struct bytes *issuers,
                                size_t issuer_count, const char *fqdn);
/* The same of the issuer that issues now: the first of the list. One of a former issuer is good, until a job
 * that may replace it comes. */
bool device_certificate_is_current(const struct bytes *certificate, const struct bytes *issuers,
                                   size_t issuer_count, const char *fqdn);
/* Valid now (seconds since 1970), with more than half of its life to come: worth using again. */
bool device_certificate_is_fresh(const struct bytes *certificate, int64_t now_s);
/* For that purpose by its extended key usage; one without any is for all (RFC 5280 4.2.1.12). */
bool device_certificate_serves(const struct bytes *certificate, enum certificate_usage usage);
/* Ends later than the other one; false when either cannot be parsed. */
bool device_certificate_outlives(const struct bytes *certificate, const struct bytes *other);
bool device_certificate_has_key(const struct bytes *certificate, const struct bytes *public_key);

#endif
