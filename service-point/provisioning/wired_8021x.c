#include "provisioning/network.h"
#include "provisioning/steps.h"

static const char *const protocol_names[] = {
    [EAP_TLS] = "EAP-TLS", [EAP_TTLS_MSCHAPV2] = "TTLS/MSCHAPv2", [EAP_PEAP_MSCHAPV2] = "PEAP/MSCHAPv2"
};

static const char *describe(const struct wired_8021x *wanted)
{
    return wanted->eap ? protocol_names[wanted->eap->protocol] : "off";
}

/* The former certificates are free only now. */
static bool write_wired(struct session *session, const struct wired_8021x *wanted, size_t *removed,
                        struct error *err)
{
    struct network_state *state = session->network;
    const struct network_certificates certificates = network_certificates_of(session, wanted->eap);

    if (!wsman_wired_set(session->connection, state->wired.class, wanted, &certificates, err))
        return false;
    state->wired.enabled = wanted->eap != NULL;
    state->uses.count = 0;
    for (size_t i = 0; i < state->former.count; i++) {
        if (!state->former.uses[i].wired)
            state->uses.uses[state->uses.count++] = state->former.uses[i];
    }
    return network_remove_certificates(session, removed, err);
}

/* "The wired 802.1X profile written", through whichever class the firmware has. Repeating it is harmless. */
bool set_wired_8021x(struct session *session, struct step_report *report, struct error *err)
{
    const struct wired_8021x *wanted = session->offer.profile.wired_8021x;
    const struct network_state *state = session->network;
    const char *class;
    size_t removed = 0;

    if (!wanted)
        return step_skipped(report, REASON_NONE, "wired 802.1X is not part of this profile");
    if (state->wired.class == WIRED_UNKNOWN)
        return wanted->eap
                   ? step_skipped(report, REASON_UNSUPPORTED,
                                  state->has_wired ? "this firmware has no 802.1X for the wired network"
                                                   : "this computer has no wired interface")
                   : step_unchanged(report, "off: there is none");
    class = state->wired.class == WIRED_PROFILE ? "AMT_8021XProfile" : "IPS_IEEE8021xSettings";
    session_note_setting(session, "wired_8021x", describe(wanted));
    if (network_wired_fits(session, wanted))
        return step_unchanged(report, "%s", describe(wanted));
    if (!write_wired(session, wanted, &removed, err))
        return false;
    session_note_network(session, NULL, wanted->password_version);
    return step_done(report, "%s, through %s; %zu certificates removed", describe(wanted), class, removed);
}
