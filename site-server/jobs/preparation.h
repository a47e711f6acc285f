/*
 * preparation.h - everything of a JOB_OFFER, with its secrets in escrow before it goes out (spec 6.1).
 */
#ifndef JOBS_PREPARATION_H
#define JOBS_PREPARATION_H

#include "devices/vault.h"
#include "jobs/job.h"

struct preparation {
    /* given; the job is locked by the caller */
    int64_t job, failures;
    char *kind;
    bool repeated; /* an attempt went before */
    struct uuid uuid;
    char *address, *former_address; /* NULL: none */
    char *fqdn, *firmware_version, *profile;
    struct bytes certificate; /* DER, of ours, that the firmware uses; empty: none */
    struct root_hash *root_hashes;
    size_t root_hash_count;
    char **refused; /* references, in this job */
    size_t refused_count;
    size_t refusals_in_last_hour;
    int64_t hour_over_s; /* when one of them leaves the hour */

    /* made: an offer, or why there is none */
    enum reason_code reason; /* REASON_NONE: the offer is complete but for the number of its attempt */
    char *why;
    int64_t delay_s; /* -1: by the retry policy */
    struct message offer;
    char *accounts_offered;            /* references, separated by blanks */
    int64_t admin_secret, mebx_secret; /* 0: none */
    bool admin_was_maybe, mebx_was_maybe;
};

void preparation_clear(struct preparation *preparation);

/* New passwords are written as pending here; that they may be on the device, when the job is leased. */
bool preparation_run(struct database *database, struct vault *vault, const struct job_settings *settings,
                     struct preparation *items, size_t count, struct error *err) MUST_CHECK;

#endif
