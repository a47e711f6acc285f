/*
 * account.h - the accounts of computers in the directory as the database has them: what an attempt needs, and
 * what came of it (spec O6, 7).
 *
 * The account's password is a secret of its own. A new one is committed as pending before it goes to the
 * directory, and active once it is there; a pending one is used again, because the directory may have it from
 * a try that nobody heard the end of. So the database holds the directory's password at every instant.
 *
 * All calls run inside the caller's transaction.
 */
#ifndef DIRECTORY_ACCOUNT_H
#define DIRECTORY_ACCOUNT_H

#include "database/database.h"
#include "devices/vault.h"
#include "directory/directory_errand.h"

/* On true *task is filled for DIRECTORY_KEEP, the caller's to clear. REASON_STALE_ATTEMPT: the attempt is not
 * that service point's, or over. */
bool account_want(struct database *database, struct vault *vault, int64_t service_point,
                  const struct message_account_wanted *wanted, struct directory_task *task,
                  struct error *err) MUST_CHECK;
/* Objects that are to be removed and due for it, at most count. The caller clears them. */
bool account_unwanted(struct database *database, struct directory_task *tasks, size_t *count,
                      struct error *err) MUST_CHECK;
/* Names of users and groups that are to be looked up, the same. */
bool account_names_due(struct database *database, struct directory_task *tasks, size_t *count,
                       struct error *err) MUST_CHECK;
/* What came of the task, well or not. */
bool account_settle(struct database *database, const struct directory_task *task,
                    struct error *err) MUST_CHECK;

#endif
