/*
 * preparation_parts.h - what the offers of a turn are made of (preparation.c), and the profile in each
 * (preparation_profile.c).
 */
#ifndef JOBS_PREPARATION_PARTS_H
#define JOBS_PREPARATION_PARTS_H

#include "devices/credential.h"
#include "jobs/kind.h"
#include "jobs/network_profile.h"
#include "preparation.h"

/* What all offers of a turn share. */
struct offer_source {
    struct vault *vault;
    const struct job_settings *settings;
    struct rows *accounts, *profiles, *users, *issuers, *written, *passwords, *revoked;
    struct network_profiles networks;
    const char **account_names;
    struct credential_list credentials;
};

/* The profile's row. */
size_t preparation_find_profile(const struct offer_source *site, const char *name);
/* The profile's secrets go to jobs that write them only. Networks are not among it. */
bool preparation_put_profile(struct preparation *item, const struct job_kind *kind,
                             const struct offer_source *site, size_t row, struct error *err) MUST_CHECK;

#endif
