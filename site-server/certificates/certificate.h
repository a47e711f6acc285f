/*
 * certificate.h - certificates of computers: issued for an attempt, recorded before they are answered.
 */
#ifndef CERTIFICATES_CERTIFICATE_H
#define CERTIFICATES_CERTIFICATE_H

#include "certificates/authority.h"
#include "common/message.h"

struct certificate_settings {
    int64_t lifetime_s, renew_before_s;
    const char *crl_url; /* of the directory with the revocation lists; "": none; borrowed */
};

/*
 * CERTIFICATE_WANTED of an attempt that this service point runs. The subject comes from the database. The
 * same key in the same job gets the same certificate again. authority NULL: refused with REASON_NO_AUTHORITY.
 * On true the caller ends *der with bytes_free().
 */
bool certificate_issue(struct database *database, const struct authority *authority,
                       const struct certificate_settings *settings, int64_t service_point,
                       const struct message_certificate *wanted, struct bytes *der,
                       struct error *err) MUST_CHECK;

#endif
