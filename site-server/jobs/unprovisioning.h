/*
 * unprovisioning.h - what is known of a computer that was to be unprovisioned and is not reached any more.
 */
#ifndef JOBS_UNPROVISIONING_H
#define JOBS_UNPROVISIONING_H

#include "common/message.h"
#include "database/database.h"

/*
 * Firmware that closes its ports once it is unprovisioned cannot be asked whether it is, when the attempt
 * that did it was not able to tell. Done it is when an earlier attempt saw it done, whose result came too
 * late; or when one had begun and did not live to see the end, and now the address answers that the port is
 * closed: AMT in operation takes it from the operating system, also while the computer sleeps. reason: why
 * this attempt of an unprovision job failed.
 */
bool unprovisioning_proved(struct database *database, const struct attempt_id *id, enum reason_code reason,
                           bool *done, struct error *err) MUST_CHECK;

#endif
