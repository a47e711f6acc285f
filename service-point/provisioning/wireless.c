#include <stdlib.h>
#include <string.h>

#include "firmware/status.h"
#include "provisioning/client_credential.h"
#include "provisioning/device_certificate.h"
#include "provisioning/network.h"
#include "provisioning/steps.h"

struct tally {
    size_t written, kept, left_out;
    char *unsupported; /* names of those left out; NULL: none */
};

static void tally_clear(struct tally *tally)
{
    free(tally->unsupported);
}

static const struct stored_wireless *find_stored(const struct network_state *state, const char *name)
{
    for (size_t i = 0; i < state->profiles.count; i++) {
        if (state->profiles.profiles[i].priority != 0 && strcmp(state->profiles.profiles[i].name, name) == 0)
            return &state->profiles.profiles[i];
    }
    return NULL;
}

static void leave_out(struct tally *tally, const char *name)
{
    char *longer = tally->unsupported ? text_format("%s, %s", tally->unsupported, name) : text_copy(name);

    free(tally->unsupported);
    tally->unsupported = longer;
    tally->left_out++;
}

/* Firmware that does not know an authentication says so, or calls the parameter wrong. */
static bool not_known_to_firmware(const struct wireless_profile *profile, const struct error *err)
{
    return err->reason == REASON_UNSUPPORTED ||
           (profile->authentication == WIRELESS_WPA3_SAE && status_is_refusal(err));
}

static bool write_profile(struct session *session, const struct wireless_profile *profile,
                          struct tally *tally, struct error *err)
{
    const struct network_certificates certificates = network_certificates_of(session, profile->eap);
    const struct stored_wireless *stored = find_stored(session->network, profile->name);
    bool written;

    if (stored && !profile->password_changed && network_has_profile(session, stored, profile)) {
        tally->kept++;
        return true;
    }
    written = stored ? wsman_wireless_replace(session->connection, stored->id, profile, &certificates, err)
                     : wsman_wireless_add(session->connection, profile, &certificates, err);
    if (written) {
        session_note_network(session, profile->name, profile->password_version);
        tally->written++;
        return true;
    }
    if (!not_known_to_firmware(profile, err))
        return error_during(err, "wireless profile %s", profile->name);
    leave_out(tally, profile->name);
    return true;
}

static bool switch_port_on(struct session *session, bool *changed, struct error *err)
{
    *changed = session->network->port.state != WIRELESS_PORT_ON;
    return !*changed || wsman_wireless_port_set(session->connection, WIRELESS_PORT_ON, err);
}

static bool synchronize(struct session *session, const char **given_name, bool *changed, struct error *err)
{
    static const char *const names[] = { [SYNCHRONIZE_LEAVE] = "as it was",
                                         [SYNCHRONIZE_OFF] = "off",
                                         [SYNCHRONIZE_USER] = "user profiles",
                                         [SYNCHRONIZE_ALL] = "all profiles" };
    enum wireless_synchronization wanted = session->offer.profile.wireless->synchronization, given = wanted;

    *changed = false;
    if (wanted != SYNCHRONIZE_LEAVE &&
        !wsman_wireless_synchronize(session->connection, wanted, &given, changed, err))
        return error_during(err, "synchronisation with the host");
    *given_name = names[given];
    return true;
}

static void note(struct session *session, const struct tally *tally)
{
    AUTO(text_free) char *text = text_format("%zu profiles", tally->written + tally->kept);

    session_note_setting(session, "wireless", text);
}

/* For the site server's books: the certificate for 802.1X that is in the firmware now. */
static void report_client_certificate(struct session *session)
{
    struct message_job_finished *result = &session->result;
    const struct device_credential *client = &session->network->client;

    result->client_certificate_known = true;
    bytes_set(&result->client_certificate, client->certificate.data, client->certificate.length);
    for (size_t i = 0; i < session->certificates.count && !result->client_certificate.length; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (network_needs_certificate(session, certificate) && !certificate->trusted_root &&
            device_certificate_is_ours(&certificate->der, session->offer.issuers, session->offer.issuer_count,
                                       session->fqdn))
            bytes_set(&result->client_certificate, certificate->der.data, certificate->der.length);
    }
}

static bool write_wireless(struct session *session, struct step_report *report, struct error *err)
{
    const struct wireless_settings *wireless = session->offer.profile.wireless;
    AUTO(tally_clear) struct tally tally = { 0 };
    bool port_changed = false, synchronization_changed;
    const char *synchronization = "";

    for (size_t i = 0; i < wireless->count; i++) {
        if (!write_profile(session, &wireless->profiles[i], &tally, err))
            return false;
    }
    if ((tally.written + tally.kept > 0 && !switch_port_on(session, &port_changed, err)) ||
        !synchronize(session, &synchronization, &synchronization_changed, err))
        return false;
    note(session, &tally);
    if (tally.left_out > 0 && tally.left_out == wireless->count)
        return step_skipped(report, REASON_UNSUPPORTED, "this firmware cannot do what %s asks for",
                            tally.unsupported);
    if (tally.written == 0 && tally.left_out == 0 && !port_changed && !synchronization_changed)
        return step_unchanged(report, "%zu profiles", tally.kept);
    return step_done(report, "%zu profiles written, %zu as they were; synchronisation %s%s%s", tally.written,
                     tally.kept, synchronization,
                     tally.left_out ? "; left out, unknown to this firmware: " : "",
                     tally.left_out ? tally.unsupported : "");
}

/* "Then the profile's wireless profiles written." Repeating it is harmless. */
bool set_wireless(struct session *session, struct step_report *report, struct error *err)
{
    const struct wireless_settings *wireless = session->offer.profile.wireless;

    if (session->network)
        report_client_certificate(session);
    if (!wireless)
        return step_skipped(report, REASON_NONE, "wireless is not part of this profile");
    if (!session->network->has_wireless)
        return wireless->count
                   ? step_skipped(report, REASON_UNSUPPORTED, "this computer has no wireless interface")
                   : step_unchanged(report, "this computer has no wireless interface");
    return write_wireless(session, report, err);
}
