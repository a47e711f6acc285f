/*
 * trust_context.h - the TLS contexts that struct trust keeps, and what the pre-flight check wants to know.
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

#endif
