/*
 * certificate_file.h - looks at a provisioning certificate file before firmware does (spec O3).
 *
 * The file holds the private key, the leaf, the intermediates and the root, in this order. The rules are
 * those of AMT SDK, "Remote Configuration": purpose, order, validity, key size, signature hash.
 */
#ifndef CONTROL_CERTIFICATE_FILE_H
#define CONTROL_CERTIFICATE_FILE_H

#include <stdint.h>

#include "common/error.h"

struct certificate_file { /* zero-initialise; ended with certificate_file_clear() */
    char *subject, *root_subject;
    char root_hash[65];  /* SHA-256 of the root, lower-case hexadecimal: what computers must trust */
    int64_t not_after_s; /* earliest of the chain, since 1970 */
    char *weakness;      /* what only some firmware takes: SHA-1, small keys; NULL: none */
};

/* The error says which rule the file breaks. */
bool certificate_file_read(const char *path, int64_t now_s, struct certificate_file *certificate,
                           struct error *err) MUST_CHECK;
void certificate_file_clear(struct certificate_file *certificate);

#endif
