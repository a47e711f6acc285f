/*
 * registry.h - the one-time passwords that agents registered (spec I2 to I4): salted hashes, each good for
 * one job.
 *
 * A newer registration replaces the former one. A hash that was registered before is refused, so that a
 * recorded exchange is worth nothing. What ends a password is the end of its job (schema:
 * close_provisioning).
 *
 * The calls run inside the transaction of the caller's turn; each may be repeated. What they refuse is an
 * answer, not a failure.
 */
#ifndef OTP_REGISTRY_H
#define OTP_REGISTRY_H

#include "common/message.h"
#include "database/database.h"

/* *reason: REASON_NONE, or REASON_OTP_USED. *expires_s: from now. */
bool registry_register(struct database *database, const struct message_otp_register *said, int64_t lifetime_s,
                       enum reason_code *reason, uint32_t *expires_s, struct error *err) MUST_CHECK;
/* The firmware began its setup: there is a job now. *reason: REASON_NONE, REASON_OTP_MISSING, or
 * REASON_JOB_UNDER_WAY for a job that does not know of it. */
bool registry_activate(struct database *database, const struct message_activated *said,
                       enum reason_code *reason, struct error *err) MUST_CHECK;

/*
 * Of jobs that provision computers managed in band: a row for each, with job, missing (no password is good),
 * salt, hash, dns_suffix. Others have no row. The caller ends *rows with rows_free().
 */
bool registry_of_jobs(struct database *database, const int64_t *jobs, size_t count, struct rows **rows,
                      struct error *err) MUST_CHECK;

#endif
