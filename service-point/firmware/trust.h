/*
 * trust.h - the provisioning certificates of this service point, and which of them a computer trusts.
 *
 * Loaded once at start, checked, then never changed: all sessions share it without locks. One SSL_CTX per
 * certificate and TLS policy lives in here, so a session costs no context of its own.
 */
#ifndef FIRMWARE_TRUST_H
#define FIRMWARE_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/message.h"

struct trust;                    /* opaque: every certificate and every TLS context */
struct provisioning_certificate; /* opaque, owned by its struct trust: leaf, intermediates, root, key */

/* One certificate: PEM, leaf first, intermediates in issuing order, root last (spec O3.3). */
struct trust_source {
    const char *certificate_path;
    const char *key_path; /* 0600; NULL: the key stands in certificate_path, which must be 0600 then */
};

/* What the process needs to know of a certificate; the texts are borrowed from the struct trust. */
struct provisioning_certificate_facts {
    const char *path, *subject, *root_subject; /* subjects as "CN=ps.example.com,O=Example" */
    const char *common_name;                   /* of the leaf: what firmware compares with its DNS suffix */
    struct root_hash root_hashes[3];           /* SHA-1, SHA-256, SHA-384 of the root's DER, in this order */
    int64_t not_after_s;       /* of the certificate of the chain that ends first; since 1970 */
    const struct bytes *chain; /* DER, leaf first, root last */
    size_t chain_length;
};

/* now_s: seconds since 1970, for validity. Order, completeness, validity, purpose and key are checked here,
 * so that a mistake stops the start and not the first job; the error names file, reason and remedy. With
 * count 0 the result holds no certificate: enough for provisioned computers, none is found for a Hello.
 * On true the caller owns *trust and ends it with trust_free(), after every connection that uses it. */
bool trust_load(struct trust **trust, const struct trust_source *sources, size_t count, int64_t now_s,
                struct error *err) MUST_CHECK;
void trust_free(struct trust **trust);

size_t trust_count(const struct trust *trust);
/* Borrowed until trust_free(). */
const struct provisioning_certificate *trust_certificate(const struct trust *trust, size_t index);
/* The first of our certificates whose root is among the computer's hashes; NULL when there is none. */
const struct provisioning_certificate *trust_find(const struct trust *trust, const struct root_hash *hashes,
                                                  size_t count);
void provisioning_certificate_facts(const struct provisioning_certificate *certificate,
                                    struct provisioning_certificate_facts *facts);

#endif
