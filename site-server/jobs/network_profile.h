/*
 * network_profile.h - the networks of profiles, from the database into an offer (spec O8.2, O8.4, 5).
 */
#ifndef JOBS_NETWORK_PROFILE_H
#define JOBS_NETWORK_PROFILE_H

#include "common/message.h"
#include "database/database.h"
#include "devices/vault.h"

struct network_profiles { /* zero-initialise; ended with network_profiles_clear() */
    struct rows *networks, *wireless, *wired;
    struct rows *written; /* which passwords computers are known to have */
};

/* names: one parameter, the profiles' names as text[]; computers: one, their UUIDs. */
bool network_profiles_load(struct database *database, struct parameters *names, struct parameters *computers,
                           struct network_profiles *profiles, struct error *err) MUST_CHECK;
void network_profiles_clear(struct network_profiles *profiles);

/* For whom a profile is filled in. */
struct network_owner {
    const struct uuid *uuid;
    const char *fqdn; /* the identity where the profile names no user */
};

/* Fills the parts of profile, whose name is set, that are about networks and KVM sessions. */
bool network_profiles_put(const struct network_profiles *profiles, struct vault *vault,
                          const struct network_owner *owner, struct profile *profile,
                          struct error *err) MUST_CHECK;

#endif
