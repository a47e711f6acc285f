#include "provisioning/mutual.h"

#include <string.h>

#include "provisioning/first_stage.h"
#include "provisioning/network.h"
#include "provisioning/steps.h"

/* ---- roots ------------------------------------------------------------------------------------------ */

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* Of the authority that issues now, or of the file; NULL: no certificate of ours is under one. */
static const struct bytes *root_wanted(const struct session *session)
{
    const struct message_job_offer *offer = &session->offer;

    return session->consoles
               ? console_set_root(session->consoles, offer->issuer_count ? &offer->issuers[0] : NULL)
               : NULL;
}

static bool is_ours(const struct session *session, const struct stored_certificate *root)
{
    const struct bytes *wanted = root_wanted(session);

    for (size_t i = 0; i < session->offer.issuer_count; i++) {
        if (same_bytes(&root->der, &session->offer.issuers[i]))
            return true;
    }
    return wanted && same_bytes(&root->der, wanted);
}

bool mutual_vouches(const struct session *session, const struct stored_certificate *root)
{
    return (session->offer.profile.mutual_tls || mutual_in_force(session)) && is_ours(session, root);
}

/* wanted NULL: any root of ours counts as former. What networks need stays. */
static bool is_former(const struct session *session, const struct stored_certificate *certificate,
                      const struct bytes *wanted)
{
    return certificate->trusted_root && !certificate->read_only && is_ours(session, certificate) &&
           !(wanted && same_bytes(&certificate->der, wanted)) &&
           !network_needs_certificate(session, certificate);
}

static size_t former_count(const struct session *session, const struct bytes *wanted)
{
    size_t count = 0;

    for (size_t i = 0; i < session->certificates.count; i++)
        count += is_former(session, &session->certificates.certificates[i], wanted);
    return count;
}

/* What firmware still refers to it refuses to delete, which is no failure. */
static bool remove_former(struct session *session, const struct bytes *wanted, size_t *removed,
                          struct error *err)
{
    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (!is_former(session, certificate, wanted))
            continue;
        if (wsman_certificate_delete(session->connection, certificate->id, err))
            ++*removed;
        else if (!firmware_refused(err))
            return false;
    }
    return true;
}

static bool has_root(const struct session *session, const struct bytes *wanted)
{
    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (certificate->trusted_root && same_bytes(&certificate->der, wanted))
            return true;
    }
    return false;
}

static bool add_root(struct session *session, const struct bytes *wanted, struct error *err)
{
    char id[WSMAN_ID_SIZE];

    return has_root(session, wanted) || wsman_trusted_root_add(session->connection, wanted, id, err) ||
           err->code == ERROR_CONFLICT || error_during(err, "trusted root of consoles");
}

/* ---- switching -------------------------------------------------------------------------------------- */

static enum restart_state look_for_mutual(struct session *session, struct error *err)
{
    if (session->setup.state == PROVISIONING_POST && mutual_in_force(session) == session->mutual_staged)
        return RESTARTED;
    error_because(err, REASON_COMMIT_HAD_NO_EFFECT,
                  "the firmware %s for a client certificate after the commit",
                  session->mutual_staged ? "does not ask" : "still asks");
    return NOT_RESTARTED_YET;
}

/* The answer may get lost in the restart, so the next handshake decides. */
static bool commit_mutual(struct session *session, bool on, struct error *err)
{
    bool answered;

    session->mutual_staged = on;
    connection_set_timeout(session->connection, session->around->slow_request_timeout_ms);
    answered = session->stage->commit(session->connection, err);
    connection_set_timeout(session->connection, session->around->request_timeout_ms);
    if (!answered && !answer_lost(err))
        return false;
    return await_restart(session, answered, look_for_mutual, err) ||
           error_during(err, "after mutual TLS was switched %s", on ? "on" : "off");
}

static bool change_setting(struct session *session, const struct tls_setting_change *change, bool *changed,
                           struct error *err)
{
    return wsman_tls_setting_change(session->connection, TLS_SETTING_REMOTE, change, changed, err);
}

static bool switch_off(struct session *session, struct error *err)
{
    const struct tls_setting_change off = { .mutual = CHANGE_OFF,
                                            .trusted_cn = (const char *const[]){ NULL } };
    bool changed;

    return change_setting(session, &off, &changed, err) && commit_mutual(session, false, err);
}

/* The profile's names, and that of our certificate, without which we would lock ourselves out; no name: any.
 */
struct trusted_names {
    const char *names[TLS_TRUSTED_CN_MAX];
    size_t count;
};

static void collect_names(const struct session *session, const struct provisioning_certificate *own,
                          struct trusted_names *names)
{
    const struct profile *profile = &session->offer.profile;
    struct provisioning_certificate_facts facts;

    names->count = 0;
    if (profile->trusted_name_count == 0)
        return;
    provisioning_certificate_facts(own, &facts);
    names->names[names->count++] = facts.common_name;
    for (size_t i = 0; i < profile->trusted_name_count && names->count < TLS_TRUSTED_CN_MAX; i++) {
        if (strcmp(profile->trusted_names[i], facts.common_name) != 0)
            names->names[names->count++] = profile->trusted_names[i];
    }
}

static bool switch_on(struct session *session, const struct provisioning_certificate *own,
                      const struct tls_setting_change *on, struct error *err)
{
    bool changed;

    if (!change_setting(session, on, &changed, err))
        return false;
    connection_present(session->connection, own);
    return commit_mutual(session, true, err);
}

/* ---- who is let in no more -------------------------------------------------------------------------- */

/* Firmware that keeps no list, or has no room for it, is none the worse for it. */
static bool sync_revoked(struct session *session, bool *changed, struct error *err)
{
    const struct message_job_offer *offer = &session->offer;
    bool same;

    *changed = false;
    if (!wsman_revocations_are(session->connection, offer->revoked_consoles, offer->revoked_console_count,
                               &same, err))
        return firmware_refused(err);
    if (same)
        return true;
    *changed = wsman_revocations_set(session->connection, offer->revoked_consoles,
                                     offer->revoked_console_count, err);
    return *changed || firmware_refused(err);
}

/* ---- the step --------------------------------------------------------------------------------------- */

static bool want_mutual(struct session *session, struct step_report *report, struct error *err)
{
    const struct bytes *root = root_wanted(session);
    const struct provisioning_certificate *own = root ? console_set_find(session->consoles, root) : NULL;
    bool in_force = mutual_in_force(session), settled, changed = false, revoked;
    struct trusted_names names;
    size_t removed = 0;

    if (!own)
        return error_because(err, REASON_NO_CONSOLE_CERTIFICATE,
                             "no console certificate of the authority that issues now");
    collect_names(session, own, &names);
    const struct tls_setting_change on = { .mutual = CHANGE_ON,
                                           .trusted_cn = names.names,
                                           .trusted_cn_count = names.count };

    settled = in_force && has_root(session, root) && former_count(session, root) == 0;
    if (!sync_revoked(session, &revoked, err))
        return false;
    if (settled) {
        if (!change_setting(session, &on, &changed, err))
            return false;
        return changed || revoked
                   ? step_done(report, "%s changed", changed ? "trusted names" : "revoked certificates")
                   : step_unchanged(report, "on");
    }
    if (in_force && !switch_off(session, err))
        return false;
    if (!add_root(session, root, err) || !remove_former(session, root, &removed, err) ||
        !switch_on(session, own, &on, err))
        return false;
    return step_done(report, "on%s", removed ? "; roots of former authorities removed" : "");
}

static bool want_none(struct session *session, struct step_report *report, struct error *err)
{
    bool in_force = mutual_in_force(session);
    size_t removed = 0;

    if (!in_force && former_count(session, NULL) == 0)
        return step_unchanged(report, "off");
    if ((in_force && !switch_off(session, err)) || !remove_former(session, NULL, &removed, err))
        return false;
    return in_force || removed ? step_done(report, "off; %zu roots of consoles removed", removed)
                               : step_unchanged(report, "off; the roots of consoles are still in use");
}

/* "TLS mode (server, mutual)" of the profile. Repeating it is harmless: what is in force shows in the
 * handshake. */
bool set_mutual_tls(struct session *session, struct step_report *report, struct error *err)
{
    return session->offer.profile.mutual_tls ? want_mutual(session, report, err)
                                             : want_none(session, report, err);
}
