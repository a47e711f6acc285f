/*
 * profile_networks.h - the networks of a profile between its text form and the database.
 */
#ifndef CONTROL_PROFILE_NETWORKS_H
#define CONTROL_PROFILE_NETWORKS_H

#include "profile_network.h"
#include "profile_passwords.h"
#include "session.h"

/* Adds the sections of the profile of that name. */
bool profile_networks_read(struct session *session, const char *profile, struct profile_network *network,
                           struct error *err) MUST_CHECK;
/* Makes the profile's networks what the sections say; passwords that are not given stay. Within the caller's
 * transaction, after the profile itself. */
bool profile_networks_write(struct session *session, const char *profile,
                            const struct profile_network *network, const struct profile_passwords *passwords,
                            struct error *err) MUST_CHECK;

#endif
