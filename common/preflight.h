/*
 * preflight.h - why firmware would refuse a provisioning certificate: its own rules, applied beforehand.
 *
 * Pure. Firmware that dislikes a certificate ends the handshake with an alert that says nothing; the
 * operator gets the likely cause from here (spec O3.4).
 */
#ifndef COMMON_PREFLIGHT_H
#define COMMON_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define PREFLIGHT_CHAIN_MAX 8

struct preflight_facts {
    const char *common_name;    /* of the leaf; "" when it has none */
    bool has_server_purpose;    /* EKU serverAuth */
    bool has_setup_purpose;     /* EKU 2.16.840.1.113741.1.2.3 */
    bool has_setup_unit;        /* OU "Intel(R) Client Setup Certificate" */
    bool ordered;               /* leaf first, each issued by the next */
    bool complete;              /* the last one is a self-signed root */
    size_t chain_length;        /* root included */
    int64_t not_before_s;       /* the latest of the chain, since 1970 */
    int64_t not_after_s;        /* the earliest of the chain */
    unsigned rsa_bits_smallest; /* 0: a key that is not RSA is in the chain */
    bool sha1_signature;        /* some certificate of the chain is signed with SHA-1 or MD5 */
};

/* 0.0: not known. */
struct firmware_release {
    unsigned major, minor;
};

/* "15.0.23.1706" gives 15.0; anything else, NULL too, gives 0.0. */
struct firmware_release firmware_release_parse(const char *version);

/* True when nothing speaks against it. False: err->reason is the likely cause and the message says what was
 * compared with what. suffix: the computer's DNS suffix, NULL or "" when not known: then only the other
 * rules are applied. */
bool preflight_check(const struct preflight_facts *facts, const char *suffix, struct firmware_release release,
                     int64_t now_s, struct error *err) MUST_CHECK;

/* The domain that a certificate's CN stands for, by the rule of that release: a pointer into common_name. */
const char *preflight_domain(const char *common_name, struct firmware_release release);

#endif
