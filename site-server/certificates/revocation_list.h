/*
 * revocation_list.h - the revocation list of an internal authority (RFC 5280 5: version 2, CRL number,
 * reasons).
 */
#ifndef CERTIFICATES_REVOCATION_LIST_H
#define CERTIFICATES_REVOCATION_LIST_H

#include "certificates/authority.h"

struct revoked_certificate {
    const char *serial; /* hexadecimal; borrowed */
    int reason;         /* RFC 5280 5.3.1: 0 to 10, not 7 */
    int64_t revoked_s;  /* since 1970 */
};

struct revocation_list_order {
    int64_t number; /* RFC 5280 5.2.3: larger than any that this authority has signed; from 1 */
    int64_t this_update_s, next_update_s;
    const struct revoked_certificate *revoked;
    size_t revoked_count;
};

/* DER, signed with SHA-256; on true the caller ends *der with bytes_free(). */
bool revocation_list_sign(const struct authority *authority, const struct revocation_list_order *order,
                          struct bytes *der, struct error *err) MUST_CHECK;

#endif
