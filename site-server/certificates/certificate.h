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
    int64_t console_lifetime_s;
};

/* Where the authority's revocation list is published; the caller frees; NULL: nowhere. */
char *certificate_list_url(const struct certificate_settings *settings, const struct authority *authority);

/*
 * CERTIFICATE_WANTED of an attempt that this service point runs. The subject comes from the database. The
 * same key in the same job gets the same certificate again. authority NULL: refused with REASON_NO_AUTHORITY.
 * On true the caller ends *der with bytes_free().
 */
bool certificate_issue(struct database *database, const struct authority *authority,
                       const struct certificate_settings *settings, int64_t service_point,
                       const struct message_certificate *wanted, struct bytes *der,
                       struct error *err) MUST_CHECK;

/* What an authority elsewhere has to be asked for, and for whom. */
struct certificate_plan {
    struct attempt_id id; /* that asked first */
    enum certificate_usage usage;
    char *fqdn;
    unsigned char key_fingerprint[32];
    struct certificate_request *request;
    struct bytes former; /* DER: the one in the firmware, when it is of the same authority; else empty */
};

void certificate_plan_free(struct certificate_plan **plan);

/*
 * The same question when the authority is elsewhere: *der gets the certificate that this key got already in
 * this job, or *plan becomes what is to be ordered, recorded in amt.certificate_request. The caller ends
 * either.
 */
bool certificate_ask(struct database *database, const struct authority *authority, int64_t service_point,
                     const struct message_certificate *wanted, struct bytes *der,
                     struct certificate_plan **plan, struct error *err) MUST_CHECK;
/* What came for it, before it is answered. */
bool certificate_record(struct database *database, const struct authority *authority,
                        const struct certificate_settings *settings, const struct certificate_plan *plan,
                        const struct issued_certificate *issued, struct error *err) MUST_CHECK;

struct certificate_progress {
    const char *state;       /* asked, waiting, granted or refused */
    int64_t check_after_s;   /* waiting: when the authority is asked again */
    enum reason_code reason; /* refused: why */
    const char *problem;
};

bool certificate_plan_note(struct database *database, const struct certificate_plan *plan,
                           const struct certificate_progress *progress, struct error *err) MUST_CHECK;

#endif
