/*
 * network.h - what the steps of spec O8.4 share: the networks' state in firmware, and which certificates they
 * need.
 *
 * Order, from what firmware allows: a certificate cannot be deleted while 802.1X or a wireless profile refers
 * to it. So former profiles go first, then certificates that nothing refers to, then new certificates come,
 * then what refers to them. The wired settings are changed in one piece, never switched off in between: our
 * own connection may run over them.
 */
#ifndef PROVISIONING_NETWORK_H
#define PROVISIONING_NETWORK_H

#include "firmware/wsman_network.h"
#include "provisioning/session.h"

struct network_state {
    bool has_wired, has_wireless;
    struct wireless_port port;
    struct stored_wireless_list profiles; /* as found, or after the removal of former ones */
    struct stored_wired wired;            /* class WIRED_UNKNOWN: the firmware has no wired 802.1X */
    struct certificate_use_list uses;     /* as found, later as it is */
    struct certificate_use_list former;   /* as found */
    bool uses_known;
    struct device_credential client;
};

void network_state_free(struct network_state **state);

/* Ids of what these settings need, as far as the firmware has it. Borrowed from the session. */
struct network_certificates network_certificates_of(const struct session *session,
                                                    const struct eap_settings *eap);
/* Whether the firmware holds this profile as it is wanted. Passphrase and password cannot be compared. */
bool network_has_profile(const struct session *session, const struct stored_wireless *stored,
                         const struct wireless_profile *wanted);
/* Whether the wired settings are as wanted, but for the password. */
bool network_wired_fits(const struct session *session, const struct wired_8021x *wanted);

/* Something refers to it, or the profile wants it. False too when the profile has no part for networks. */
bool network_needs_certificate(const struct session *session, const struct stored_certificate *certificate);
/* Deletes, with its key, what networks used and nothing needs any more. What firmware still refers to it
 * refuses to delete, which is no failure. Adds to *removed. */
bool network_remove_certificates(struct session *session, size_t *removed, struct error *err) MUST_CHECK;

#endif
