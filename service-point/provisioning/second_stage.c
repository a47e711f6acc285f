#include <stdlib.h>
#include <string.h>

#include "common/preflight.h"
#include "provisioning/device_certificate.h"
#include "provisioning/first_stage.h"
#include "provisioning/network.h"
#include "provisioning/steps.h"

/* ---- O8.2: "Each of these set as the profile says." Repeating each is harmless. -------------------- */

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

bool set_ping_response(struct session *session, struct step_report *report, struct error *err)
{
    const bool on = session->offer.profile.ping;
    const struct general_settings_change change = { .ping_response = on ? CHANGE_ON : CHANGE_OFF,
                                                    .rmcp_ping_response = on ? CHANGE_ON : CHANGE_OFF };
    bool changed;

    if (!wsman_general_settings_change(session->connection, &change, &changed, err))
        return false;
    return changed ? step_done(report, "%s", on_off(on)) : step_unchanged(report, "%s", on_off(on));
}

typedef bool switch_get(struct connection *connection, bool *enabled, struct error *err);
typedef bool switch_set(struct connection *connection, bool enabled, struct error *err);

/* A feature that not every firmware has: where it is absent it is off. */
static bool set_switch(struct session *session, switch_get *get, switch_set *set, bool wanted,
                       bool *is_absent, const char *absent, struct step_report *report, struct error *err)
{
    bool found;

    if (!get(session->connection, &found, err)) {
        if (err->code != ERROR_ABSENT)
            return false;
        *is_absent = true;
        return wanted ? step_skipped(report, REASON_UNSUPPORTED, "%s", absent)
                      : step_unchanged(report, "off: %s", absent);
    }
    if (found == wanted)
        return step_unchanged(report, "%s", on_off(found));
    if (!set(session->connection, wanted, err)) {
        if (err->reason != REASON_UNSUPPORTED)
            return false;
        return step_skipped(report, REASON_UNSUPPORTED, "off in MEBx, where alone it can be allowed: %s",
                            err->message);
    }
    return step_done(report, "%s", on_off(wanted));
}

bool set_web_interface(struct session *session, struct step_report *report, struct error *err)
{
    return set_switch(session, wsman_web_interface_get, wsman_web_interface_set,
                      session->offer.profile.web_interface, &session->web_interface_absent,
                      "this firmware has no web interface", report, err);
}

/* Serial over LAN, IDE redirection, and the ports that these and KVM need. */
bool set_redirection(struct session *session, struct step_report *report, struct error *err)
{
    const struct profile *profile = &session->offer.profile;
    const struct redirection wanted = { .serial_over_lan = profile->serial_over_lan,
                                        .ide_redirection = profile->ide_redirection,
                                        .listener = profile->serial_over_lan || profile->ide_redirection ||
                                                    profile->kvm };
    bool changed;

    if (!wsman_redirection_set(session->connection, &wanted, &changed, err)) {
        if (err->code != ERROR_ABSENT)
            return false;
        session->redirection_absent = true;
        return wanted.listener ? step_skipped(report, REASON_UNSUPPORTED, "this firmware has no redirection")
                               : step_unchanged(report, "off: this firmware has no redirection");
    }
    if (!changed)
        report->outcome = STEP_UNCHANGED;
    report->detail =
        text_format("serial over LAN %s, IDE redirection %s, listener %s", on_off(wanted.serial_over_lan),
                    on_off(wanted.ide_redirection), on_off(wanted.listener));
    return true;
}

bool set_kvm(struct session *session, struct step_report *report, struct error *err)
{
    return set_switch(session, wsman_kvm_get, wsman_kvm_set, session->offer.profile.kvm, &session->kvm_absent,
                      "this firmware has no KVM", report, err);
}

static const char *const consent_names[] = {
    [CONSENT_NONE] = "none", [CONSENT_KVM] = "kvm", [CONSENT_ALL] = "all"
};

bool set_user_consent(struct session *session, struct step_report *report, struct error *err)
{
    static const uint32_t values[] = { [CONSENT_NONE] = CONSENT_REQUIRED_NONE,
                                       [CONSENT_KVM] = CONSENT_REQUIRED_KVM,
                                       [CONSENT_ALL] = CONSENT_REQUIRED_ALL };
    const enum user_consent wanted = session->offer.profile.user_consent;
    bool changed;

    if (!wsman_consent_set(session->connection, values[wanted], &changed, err)) {
        if (err->code == ERROR_ABSENT)
            return wanted == CONSENT_NONE
                       ? step_unchanged(report, "none: this firmware does not know it")
                       : step_skipped(report, REASON_UNSUPPORTED, "this firmware does not know user consent");
        if (err->reason == REASON_NOT_PERMITTED)
            return step_skipped(report, REASON_NOT_PERMITTED, "locked in MEBx: %s", err->message);
        return false;
    }
    return changed ? step_done(report, "%s", consent_names[wanted])
                   : step_unchanged(report, "%s", consent_names[wanted]);
}

/* ---- O8.3 ----------------------------------------------------------------------------------------- */

/* How well a package that is on in S3 to S5 fits "always on": older firmware has several, and those that only
 * wake on a packet, or stay off after a power loss, are second best (AMT SDK, power packages). */
static int always_on_rank(const struct power_scheme *scheme)
{
    return (strstr(scheme->description, "S4") || strstr(scheme->description, "S5") ? 4 : 0) +
           (strstr(scheme->description, "WoL") ? 0 : 2) + (strstr(scheme->description, "OFF") ? 0 : 1);
}

static const struct power_scheme *choose_scheme(const struct power_scheme_list *list, bool always_on)
{
    const struct power_scheme *chosen = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct power_scheme *scheme = &list->schemes[i];

        if (scheme->sleeping == always_on &&
            (!chosen || (always_on && always_on_rank(scheme) > always_on_rank(chosen))))
            chosen = scheme;
    }
    return chosen;
}

/* "Power package as the profile says." Repeating it is harmless. Chosen by description: numbers differ
 * between generations. */
bool select_power_package(struct session *session, struct step_report *report, struct error *err)
{
    const bool always_on = session->offer.profile.always_on;
    struct power_scheme_list list = { 0 };
    const struct power_scheme *wanted;

    if (!wsman_power_schemes_list(session->connection, &list, err)) {
        if (err->code != ERROR_ABSENT)
            return false;
        return step_skipped(report, REASON_UNSUPPORTED, "this firmware has no power packages");
    }
    wanted = choose_scheme(&list, always_on);
    if (!wanted)
        return step_skipped(report, REASON_UNSUPPORTED, "none of the firmware's %zu power packages is %s",
                            list.count, always_on ? "on in S3 to S5" : "on in S0 alone");
    session_note_setting(session, "power_package", wanted->description);
    if (list.active_known && wanted->active)
        return step_unchanged(report, "%s", wanted->description);
    if (!wsman_power_scheme_set(session->connection, wanted, err))
        return false;
    return step_done(report, "%s", wanted->description);
}

/* ---- O9 ------------------------------------------------------------------------------------------- */

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

static void take_ws_management_names(struct session *session)
{
    struct device_credential *credential = &session->credential;

    *credential->certificate_id = *credential->key_id = '\0';
    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (same_bytes(&certificate->der, &credential->certificate))
            memcpy(credential->certificate_id, certificate->id, sizeof(credential->certificate_id));
    }
    for (size_t i = 0; i < session->keys.count; i++) {
        const struct stored_key *key = &session->keys.keys[i];

        if (device_certificate_has_key(&credential->certificate, &key->public_key))
            memcpy(credential->key_id, key->id, sizeof(credential->key_id));
    }
}

/* Keys and certificates under the names that WS-Management has for them: the interface of the first stage had
 * others. Repeating it is harmless. */
bool list_stored_again(struct session *session, struct step_report *report, struct error *err)
{
    stored_key_list_free(&session->keys);
    stored_certificate_list_free(&session->certificates);
    if (!wsman_keys_list(session->connection, &session->keys, err) ||
        !wsman_certificates_list(session->connection, &session->certificates, err)) {
        if (err->code != ERROR_ABSENT)
            return false;
        take_ws_management_names(session);
        return step_skipped(report, REASON_UNSUPPORTED, "this firmware does not list what it stores");
    }
    take_ws_management_names(session);
    return step_unchanged(report, "%zu keys, %zu certificates", session->keys.count,
                          session->certificates.count);
}

/* Those of clients belong to the networks, whose steps delete them. */
static bool replaced(const struct session *session, const struct stored_certificate *certificate)
{
    return !certificate->trusted_root && !certificate->read_only &&
           device_certificate_serves(&certificate->der, CERTIFICATE_SERVER) &&
           strcmp(certificate->id, session->credential.certificate_id) != 0 &&
           !network_needs_certificate(session, certificate) &&
           device_certificate_is_ours(&certificate->der, session->offer.issuers, session->offer.issuer_count,
                                      NULL);
}

/* No certificate needs it: those that go are not counted. */
static bool key_needed(const struct session *session, const struct stored_key *key)
{
    bool needed = strcmp(key->id, session->credential.key_id) == 0;

    for (size_t i = 0; i < session->certificates.count && !needed; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        needed = !replaced(session, certificate) &&
                 device_certificate_has_key(&certificate->der, &key->public_key);
    }
    return needed;
}

struct tally {
    size_t deleted, refused;
};

/* What firmware still refers to it refuses to delete, which is no failure of the job. Where it did not
 * answer, or could not be reached, the next attempt deletes. */
static bool count_deletion(struct tally *tally, bool deleted, const struct error *err)
{
    *(deleted ? &tally->deleted : &tally->refused) += 1;
    return deleted || firmware_refused(err);
}

/* Certificates of this site, under whatever name, that the TLS server no longer uses are deleted, and keys
 * without a certificate, so that the firmware's store does not fill up over the years. Repeating it is
 * harmless. */
bool clean_up(struct session *session, struct step_report *report, struct error *err)
{
    struct tally certificates = { 0 }, keys = { 0 };

    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (replaced(session, certificate) &&
            !count_deletion(&certificates,
                            wsman_certificate_delete(session->connection, certificate->id, err), err))
            return false;
    }
    for (size_t i = 0; i < session->keys.count; i++) {
        const struct stored_key *key = &session->keys.keys[i];

        if (!key_needed(session, key) &&
            !count_deletion(&keys, wsman_key_delete(session->connection, key->id, err), err))
            return false;
    }
    if (certificates.deleted + certificates.refused + keys.deleted + keys.refused == 0)
        return step_unchanged(report, "no certificate or key of an earlier time is left");
    return step_done(report, "deleted %zu old certificates and %zu keys; %zu and %zu are still in use",
                     certificates.deleted, keys.deleted, certificates.refused, keys.refused);
}

static bool note_switch(struct session *session, switch_get *get, bool is_absent, const char *name,
                        struct error *err)
{
    bool on = false;

    if (!is_absent && !get(session->connection, &on, err)) {
        if (err->code != ERROR_ABSENT)
            return false;
        is_absent = true;
    }
    session_note_setting(session, name, is_absent ? "absent" : on_off(on));
    return true;
}

static bool note_consent(struct session *session, struct error *err)
{
    struct consent consent = { 0 };
    const char *name = "none";

    if (!wsman_consent_get(session->connection, &consent, err)) {
        if (err->code != ERROR_ABSENT)
            return false;
        name = "absent";
    } else if (consent.required != CONSENT_REQUIRED_NONE) {
        name = consent_names[consent.required == CONSENT_REQUIRED_KVM ? CONSENT_KVM : CONSENT_ALL];
    }
    session_note_setting(session, "user_consent", name);
    return true;
}

static bool note_redirection(struct session *session, struct error *err)
{
    struct redirection redirection = { .listener = false };
    bool is_absent = session->redirection_absent;

    if (!is_absent && !wsman_redirection_get(session->connection, &redirection, err))
        return false;
    session_note_setting(session, "serial_over_lan",
                         is_absent ? "absent" : on_off(redirection.serial_over_lan));
    session_note_setting(session, "ide_redirection",
                         is_absent ? "absent" : on_off(redirection.ide_redirection));
    session_note_setting(session, "redirection_listener",
                         is_absent ? "absent" : on_off(redirection.listener));
    return true;
}

/* "AMT status, ..., firmware version, certificate, settings applied": what the firmware now says, not what
 * was sent. Repeating it is harmless. */
bool read_back(struct session *session, struct step_report *report, struct error *err)
{
    struct general_settings general;

    if (!wsman_general_settings_get(session->connection, &general, err))
        return false;
    session_note_setting(session, "host_name", general.host_name);
    session_note_setting(session, "domain", general.domain_name);
    session_note_setting(session, "ping_response", on_off(general.ping_response));
    session_note_setting(session, "rmcp_ping_response",
                         general.has_rmcp_ping_response ? on_off(general.rmcp_ping_response) : "absent");
    session_note_setting(session, "tls", connection_tls(session->connection));
    session_note_setting(session, "mutual_tls", on_off(mutual_in_force(session)));
    if (!note_redirection(session, err) ||
        !note_switch(session, wsman_web_interface_get, session->web_interface_absent, "web_interface", err) ||
        !note_switch(session, wsman_kvm_get, session->kvm_absent, "kvm", err) || !note_consent(session, err))
        return false;
    return step_done(report, "%zu settings", session->result.setting_count);
}
