/*
 * trust_context.h - the TLS contexts that struct trust keeps, what the pre-flight check wants to know, and
 * certificates of consoles, which are made of the same parts.
 *
 * Private to firmware/: OpenSSL's types stay in this folder.
 */
#ifndef FIRMWARE_TRUST_CONTEXT_H
#define FIRMWARE_TRUST_CONTEXT_H

#include <openssl/ssl.h>

#include "common/preflight.h"
#include "firmware/trust.h"

enum tls_policy {
    TLS_POLICY_MODERN, /* 1.1 and 1.2 */
    TLS_POLICY_LEGACY, /* 1.0 too, servers without secure renegotiation, SHA-1 suites */
    TLS_POLICY_COUNT,
};

/* Borrowed from the trust. certificate NULL: a context that presents none. */
SSL_CTX *trust_context(const struct trust *trust, const struct provisioning_certificate *certificate,
                       enum tls_policy policy);
/* common_name is borrowed from the certificate. */
const struct preflight_facts *
provisioning_certificate_preflight(const struct provisioning_certificate *certificate);

/* For console.c. One that a site issued for this key; the caller ends it. */
bool console_certificate_make(struct provisioning_certificate **certificate, const struct bytes *der,
                              EVP_PKEY *key, struct error *err) MUST_CHECK;
/* PEM: key, leaf, intermediates, root. Usage, order and validity are checked. */
bool console_certificate_load(struct provisioning_certificate **certificate, const char *path, int64_t now_s,
                              struct error *err) MUST_CHECK;
void provisioning_certificate_free(struct provisioning_certificate **certificate);
/* The last one of the chain bears the issuer's signature; a root bears its own. */
bool provisioning_certificate_issued_by(const struct provisioning_certificate *certificate,
                                        const struct bytes *issuer);
bool provisioning_certificate_is_console(const struct provisioning_certificate *certificate);

#endif
