/*
 * request_maker.h - PKCS#10 requests that the firmware makes by itself (RFC 2986).
 */
#ifndef SIMULATOR_REQUEST_MAKER_H
#define SIMULATOR_REQUEST_MAKER_H

#include "text.h"

#include <openssl/evp.h>
#include <stdbool.h>

/* subject: "CN=host.example.com,O=..."; usage: an extended key usage, NULL: none. Writes base64 of the DER;
 * signed with SHA-1. False: subject or usage is none. */
bool request_make(EVP_PKEY *key, const char *subject, const char *usage, struct text *out);

#endif
