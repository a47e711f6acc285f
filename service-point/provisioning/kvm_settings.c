#include "provisioning/steps.h"

/* "KVM, user consent": what the person at the computer must allow for KVM, how long a session lives, and no
 * port without TLS. Repeating it is harmless. */
bool set_kvm_settings(struct session *session, struct step_report *report, struct error *err)
{
    const struct profile *profile = &session->offer.profile;
    const struct kvm_settings_change change = { .consent = profile->user_consent != CONSENT_NONE,
                                                .consent_timeout_s = profile->kvm_consent_timeout_s,
                                                .session_timeout_min = profile->kvm_session_timeout_min };
    const char *consent = change.consent ? "with consent" : "without consent";
    bool changed;

    if (session->kvm_absent || !profile->kvm)
        return step_skipped(report, session->kvm_absent ? REASON_UNSUPPORTED : REASON_NONE,
                            session->kvm_absent ? "this firmware has no KVM" : "KVM is off");
    if (!wsman_kvm_settings_change(session->connection, &change, &changed, err)) {
        if (err->code == ERROR_ABSENT)
            return step_skipped(report, REASON_UNSUPPORTED, "this firmware has no settings for KVM");
        if (err->reason == REASON_NOT_PERMITTED)
            return step_skipped(report, REASON_NOT_PERMITTED, "locked in MEBx: %s", err->message);
        return false;
    }
    return changed ? step_done(report, "%s, port 5900 off", consent)
                   : step_unchanged(report, "%s, port 5900 off", consent);
}
