/*
 * request.h - a PKCS#10 request (RFC 2986) as a computer's firmware, or the service point for it, makes one.
 */
#ifndef CERTIFICATES_REQUEST_H
#define CERTIFICATES_REQUEST_H

#include "common/error.h"
#include "common/message.h"

struct certificate_request; /* opaque */

/*
 * Refuses (REASON_ISSUER_REFUSED) what is no request, is not signed by its own key, has a key that is not RSA
 * or too small: 2048 bits, for firmware before 7.0 (which makes no larger one) 1024. firmware_version may be
 * NULL. Nothing may follow the request.
 */
bool request_read(struct certificate_request **request, const struct bytes *der, const char *firmware_version,
                  struct error *err) MUST_CHECK;
void request_free(struct certificate_request **request);

/*
 * Whether it asks for nothing but a certificate for this name and usage: CN and SAN are the name, in either
 * case of letters, and there is no other name in it. An authority that is shown the request believes what
 * stands in it.
 */
bool request_asks_for(const struct certificate_request *request, const char *fqdn,
                      enum certificate_usage usage, struct error *err) MUST_CHECK;

/* SHA-256 of the SubjectPublicKeyInfo. */
void request_key_fingerprint(const struct certificate_request *request, unsigned char fingerprint[32]);
/* EVP_PKEY and X509_REQ, borrowed; for the files that issue. */
void *request_key(const struct certificate_request *request);
void *request_handle(const struct certificate_request *request);

#endif
