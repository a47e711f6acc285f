/*
 * certificate_request.h - PKCS#10 requests for the device's TLS certificate (RFC 2986).
 */
#ifndef FIRMWARE_CERTIFICATE_REQUEST_H
#define FIRMWARE_CERTIFICATE_REQUEST_H

#include "common/error.h"
#include "common/message.h"
#include "common/ownership.h"
#include "common/secret.h"

/* A complete request for public_key (PKCS#1 RSAPublicKey, DER) with CN and SAN fqdn and the EKU of that
 * usage, whose signature is void: firmware signs it (AMT SDK: GeneratePKCS10RequestEx). On true the caller
 * frees *request.
 */
bool certificate_request_unsigned(const struct bytes *public_key, const char *fqdn,
                                  enum certificate_usage usage, struct bytes *request,
                                  struct error *err) MUST_CHECK;

/* For firmware that cannot make keys: an RSA key of that many bits and the request signed with it. *key is
 * PKCS#1 RSAPrivateKey, DER, what wsman_key_add() takes. */
bool certificate_request_with_key(unsigned bits, const char *fqdn, enum certificate_usage usage,
                                  struct secret **key, struct bytes *request, struct error *err) MUST_CHECK;

/* For this service point itself: key is an EVP_PKEY with its private part. The site chooses the name and what
 * the certificate is for. */
bool certificate_request_of_console(void *key, const char *name, struct bytes *request,
                                    struct error *err) MUST_CHECK;

#endif
