/*
 * certificate_maker.h - provisioning certificates as a public CA would sell them, made on the spot.
 *
 * Root, one intermediate and a leaf with CN provisioning.<suffix>, EKU serverAuth and
 * 2.16.840.1.113741.1.2.3 (AMT SDK, "Remote Configuration certificates"); RSA 2048, SHA-256. What a test
 * wants otherwise is said in the recipe.
 */
#ifndef TESTS_SUPPORT_CERTIFICATE_MAKER_H
#define TESTS_SUPPORT_CERTIFICATE_MAKER_H

#include "common/error.h"

struct certificate_recipe {
    const char *common_name;         /* of the leaf */
    const char *organizational_unit; /* NULL: none */
    bool without_setup_purpose;      /* EKU serverAuth only */
    bool expired;
    unsigned leaf_key_bits; /* 0: 2048 */
};

struct provisioning_certificate {
    char *path;      /* key, leaf, intermediate, root in this order; mode 0600 */
    char *root_path; /* the root alone; its hash is what devices must trust */
    char sha1_hex[41], sha256_hex[65], sha384_hex[97]; /* of the root's DER */
};

/* Writes PREFIX.pem and PREFIX-root.pem; a zero-initialised *made is filled. */
bool certificate_make(struct provisioning_certificate *made, const char *prefix,
                      const struct certificate_recipe *recipe, struct error *err) MUST_CHECK;
void certificate_clear(struct provisioning_certificate *made);

/* A TLS server's certificate from an authority of its own, for a DNS name and a numeric address: writes
 * PREFIX.key (mode 0600), PREFIX.crt and PREFIX-root.pem. */
bool certificate_make_server(const char *prefix, const char *name, const char *address,
                             struct error *err) MUST_CHECK;

/* Does the certificate (base64 of DER) chain to the issuer (PEM file), name the computer in CN, and
 * serve as a TLS server? The error says which of them it does not. */
bool certificate_check_device(const char *der_base64, const char *issuer_path, const char *fqdn,
                              struct error *err) MUST_CHECK;

#endif
