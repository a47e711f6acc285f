#include "provisioning/network.h"

#include <stdlib.h>
#include <string.h>

#include "provisioning/client_credential.h"
#include "provisioning/device_certificate.h"
#include "provisioning/first_stage.h"
#include "provisioning/mutual.h"
#include "provisioning/steps.h"

#define NOT_IN_PROFILE "wireless and 802.1X are not part of this profile"

void network_state_free(struct network_state **state)
{
    if (!*state)
        return;
    client_credential_clear(&(*state)->client);
    free(*state);
    *state = NULL;
}

/* ---- what the profile wants ------------------------------------------------------------------------- */

static bool has_part(const struct profile *profile)
{
    return profile->wireless || profile->wired_8021x;
}

/* The EAP settings that apply to this computer: number index, NULL behind the last. */
static const struct eap_settings *wanted_eap(const struct session *session, size_t index)
{
    const struct profile *profile = &session->offer.profile;
    const struct network_state *state = session->network;

    if (profile->wired_8021x && profile->wired_8021x->eap && state->wired.class != WIRED_UNKNOWN &&
        index-- == 0)
        return profile->wired_8021x->eap;
    for (size_t i = 0; profile->wireless && state->has_wireless && i < profile->wireless->count; i++) {
        if (profile->wireless->profiles[i].eap && index-- == 0)
            return profile->wireless->profiles[i].eap;
    }
    return NULL;
}

static bool wants_client(const struct session *session)
{
    const struct eap_settings *eap;

    for (size_t i = 0; (eap = wanted_eap(session, i)); i++) {
        if (eap->protocol == EAP_TLS)
            return true;
    }
    return false;
}

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

static bool wants_root(const struct session *session, const struct bytes *der)
{
    const struct eap_settings *eap;

    for (size_t i = 0; (eap = wanted_eap(session, i)); i++) {
        if (same_bytes(&eap->trusted_root, der))
            return true;
    }
    return false;
}

/* ---- what the firmware has -------------------------------------------------------------------------- */

static bool is_nothing(const char *mac_address)
{
    return strspn(mac_address, "0-:") == strlen(mac_address);
}

/* In order of cost: the list of ports tells most; a port without an address is asked for, which closes the
 * connection where there is none (AMT SDK: AMT_EthernetPortSettings, CIM_WiFiPort). */
static bool detect(struct session *session, struct network_state *state, struct error *err)
{
    struct ethernet_port_list list = { 0 };
    bool maybe_wireless = false;

    if (!wsman_ethernet_ports_list(session->connection, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        const struct ethernet_port *port = &list.ports[i];

        maybe_wireless |= port->wireless || (i > 0 && !is_nothing(port->mac_address));
        state->has_wired |= !port->wireless && i == 0 && !is_nothing(port->mac_address);
    }
    if (!maybe_wireless)
        return true;
    if (wsman_wireless_port_get(session->connection, &state->port, err)) {
        state->has_wireless = state->port.is_real;
        return true;
    }
    return err->code == ERROR_ABSENT;
}

static bool read_wired(struct session *session, struct network_state *state, struct error *err)
{
    return !state->has_wired || wsman_wired_get(session->connection, &state->wired, err) ||
           err->code == ERROR_ABSENT;
}

static bool read_stores(struct session *session, struct error *err)
{
    stored_key_list_free(&session->keys);
    stored_certificate_list_free(&session->certificates);
    return wsman_keys_list(session->connection, &session->keys, err) &&
           wsman_certificates_list(session->connection, &session->certificates, err);
}

static bool any_profile_with_eap(const struct network_state *state)
{
    for (size_t i = 0; i < state->profiles.count; i++) {
        if (state->profiles.profiles[i].has_eap)
            return true;
    }
    return false;
}

/* Firmware that does not tell refuses to delete what is in use; then nothing counts as equal. */
static bool read_uses(struct session *session, struct error *err)
{
    struct network_state *state = session->network;
    bool read = true;

    state->uses.count = 0;
    state->uses_known = true;
    if (any_profile_with_eap(state))
        read = wsman_wireless_uses(session->connection, &state->uses, err);
    if (read && state->wired.enabled)
        read = wsman_wired_uses(session->connection, state->wired.class, &state->uses, err);
    if (!read && err->code == ERROR_ABSENT) {
        state->uses_known = false;
        read = true;
    }
    return read;
}

static bool look(struct session *session, struct error *err)
{
    struct network_state *state = session->network = allocate(sizeof(*session->network));

    if (!detect(session, state, err) || !read_wired(session, state, err) ||
        (state->has_wireless && !wsman_wireless_list(session->connection, &state->profiles, err)) ||
        !read_stores(session, err) || !read_uses(session, err))
        return false;
    state->former = state->uses;
    if (wants_client(session))
        client_credential_find(session, &state->client);
    return true;
}

/* ---- is it as wanted? -------------------------------------------------------------------------------- */

static const char *root_id(const struct session *session, const struct bytes *der)
{
    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (certificate->trusted_root && same_bytes(&certificate->der, der))
            return certificate->id;
    }
    return NULL;
}

struct network_certificates network_certificates_of(const struct session *session,
                                                    const struct eap_settings *eap)
{
    struct network_certificates certificates = { NULL, NULL };

    if (!eap)
        return certificates;
    certificates.root = root_id(session, &eap->trusted_root);
    if (eap->protocol == EAP_TLS && *session->network->client.certificate_id)
        certificates.client = session->network->client.certificate_id;
    return certificates;
}

static bool is_among(const char *id, const struct network_certificates *certificates)
{
    return (certificates->root && strcmp(id, certificates->root) == 0) ||
           (certificates->client && strcmp(id, certificates->client) == 0);
}

/* profile NULL: the wired settings. Exactly the wanted certificates must be in use. */
static bool uses_fit(const struct session *session, const char *profile, const struct eap_settings *eap)
{
    const struct network_state *state = session->network;
    struct network_certificates wanted = network_certificates_of(session, eap);
    size_t fitting = 0, wanted_count = eap->protocol == EAP_TLS ? 2 : 1;

    if (!state->uses_known)
        return false;
    for (size_t i = 0; i < state->uses.count; i++) {
        const struct certificate_use *use = &state->uses.uses[i];

        if (profile ? !certificate_use_is_of(use, profile) : !use->wired)
            continue;
        if (!is_among(use->certificate_id, &wanted))
            return false;
        fitting++;
    }
    return fitting == wanted_count;
}

bool network_has_profile(const struct session *session, const struct stored_wireless *stored,
                         const struct wireless_profile *wanted)
{
    if (strcmp(stored->name, wanted->name) != 0 || strcmp(stored->ssid, wanted->ssid) != 0 ||
        stored->priority != wanted->priority || stored->authentication != (unsigned)wanted->authentication ||
        stored->encryption != (unsigned)wanted->encryption || stored->has_eap != (wanted->eap != NULL))
        return false;
    return !wanted->eap ||
           (stored_eap_fits(&stored->eap, wanted->eap) && uses_fit(session, wanted->name, wanted->eap));
}

bool network_wired_fits(const struct session *session, const struct wired_8021x *wanted)
{
    const struct stored_wired *wired = &session->network->wired;

    if (!wanted->eap)
        return !wired->enabled;
    return wired->enabled && !wanted->password_changed && wired->pxe_timeout_s == wanted->pxe_timeout_s &&
           wired->active_in_s0 == wanted->active_in_s0 && stored_eap_fits(&wired->eap, wanted->eap) &&
           uses_fit(session, NULL, wanted->eap);
}

/* ---- certificates that are not needed any more ------------------------------------------------------- */

static bool is_used(const struct certificate_use_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->uses[i].certificate_id, id) == 0)
            return true;
    }
    return false;
}

bool network_needs_certificate(const struct session *session, const struct stored_certificate *certificate)
{
    const struct network_state *state = session->network;

    if (!state)
        return false;
    return is_used(&state->uses, certificate->id) ||
           (certificate->trusted_root && wants_root(session, &certificate->der)) ||
           (wants_client(session) && strcmp(certificate->id, state->client.certificate_id) == 0);
}

/* What networks used, and what an attempt that ended early may have left. A root may vouch for clients of
 * mutual TLS, whose step knows which. */
static bool is_removable(const struct session *session, const struct stored_certificate *certificate)
{
    bool mutual = session->offer.profile.mutual_tls || mutual_in_force(session);

    if (certificate->read_only || (certificate->trusted_root && mutual_vouches(session, certificate)) ||
        strcmp(certificate->id, session->credential.certificate_id) == 0 ||
        network_needs_certificate(session, certificate))
        return false;
    if (is_used(&session->network->former, certificate->id))
        return true;
    if (certificate->trusted_root)
        return !mutual;
    return device_certificate_serves(&certificate->der, CERTIFICATE_CLIENT) &&
           device_certificate_is_ours(&certificate->der, session->offer.issuers, session->offer.issuer_count,
                                      NULL);
}

static bool remove_keys(struct session *session, const struct bytes *certificate, struct error *err)
{
    for (size_t i = 0; i < session->keys.count; i++) {
        const struct stored_key *key = &session->keys.keys[i];

        if (device_certificate_has_key(certificate, &key->public_key) &&
            strcmp(key->id, session->credential.key_id) != 0 &&
            strcmp(key->id, session->network->client.key_id) != 0 &&
            !wsman_key_delete(session->connection, key->id, err) && !firmware_refused(err))
            return false;
    }
    return true;
}

bool network_remove_certificates(struct session *session, size_t *removed, struct error *err)
{
    size_t gone = 0;

    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (!is_removable(session, certificate))
            continue;
        if (wsman_certificate_delete(session->connection, certificate->id, err)) {
            if (!remove_keys(session, &certificate->der, err))
                return false;
            gone++;
        } else if (!firmware_refused(err)) {
            return false;
        }
    }
    *removed += gone;
    return gone == 0 || read_stores(session, err);
}

/* ---- steps ------------------------------------------------------------------------------------------- */

static bool is_kept(const struct session *session, const struct stored_wireless *stored)
{
    const struct wireless_settings *wireless = session->offer.profile.wireless;

    if (stored->priority == 0 || !*stored->id) /* the host user's, or none that can be named */
        return true;
    for (size_t i = 0; i < wireless->count; i++) {
        if (network_has_profile(session, stored, &wireless->profiles[i]))
            return true;
    }
    return false;
}

/* One that firmware is connected with it does not delete: it is written over later, or stays. */
static bool remove_profiles(struct session *session, size_t *removed, struct error *err)
{
    struct stored_wireless_list *list = &session->network->profiles;
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        bool keep = is_kept(session, &list->profiles[i]);

        if (!keep && !wsman_wireless_delete(session->connection, list->profiles[i].id, err)) {
            if (!firmware_refused(err))
                return false;
            keep = true;
        }
        if (keep)
            list->profiles[kept++] = list->profiles[i];
        else
            ++*removed;
    }
    list->count = kept;
    return true;
}

static bool switch_wired_off(struct session *session, bool *switched, struct error *err)
{
    const struct wired_8021x *wanted = session->offer.profile.wired_8021x;
    struct stored_wired *wired = &session->network->wired;
    static const struct network_certificates none;

    *switched = wanted && !wanted->eap && wired->enabled;
    if (!*switched)
        return true;
    if (!wsman_wired_set(session->connection, wired->class, wanted, &none, err))
        return false;
    wired->enabled = false;
    return true;
}

/* "Existing wireless profiles deleted, certificates used only by wireless or 802.1X deleted, wireless
 * capability detected." Repeating it is harmless: profiles that are as wanted stay. */
bool remove_former_network(struct session *session, struct step_report *report, struct error *err)
{
    size_t profiles = 0, certificates = 0;
    bool switched_off;

    if (!has_part(&session->offer.profile))
        return step_skipped(report, REASON_NONE, NOT_IN_PROFILE);
    if (!look(session, err) ||
        (session->offer.profile.wireless && !remove_profiles(session, &profiles, err)) ||
        !switch_wired_off(session, &switched_off, err) ||
        ((profiles || switched_off) && !read_uses(session, err)) ||
        !network_remove_certificates(session, &certificates, err))
        return false;
    if (profiles == 0 && certificates == 0 && !switched_off)
        return step_unchanged(report, "nothing to remove; %s",
                              session->network->has_wireless ? "wireless is there" : "no wireless interface");
    return step_done(report, "%zu wireless profiles and %zu certificates removed%s", profiles, certificates,
                     switched_off ? ", wired 802.1X switched off" : "");
}

static bool add_roots(struct session *session, size_t *added, struct error *err)
{
    const struct eap_settings *eap;

    for (size_t i = 0; (eap = wanted_eap(session, i)); i++) {
        char id[WSMAN_ID_SIZE];

        if (root_id(session, &eap->trusted_root))
            continue;
        if (!wsman_trusted_root_add(session->connection, &eap->trusted_root, id, err))
            return error_during(err, "trusted root of the RADIUS server");
        ++*added;
        if (!read_stores(session, err))
            return false;
    }
    return true;
}

/* Trusted roots of the RADIUS servers and, for EAP-TLS, a key pair made in firmware with a certificate of
 * this site. Repeating it is harmless: what is there is used again. */
bool prepare_network_credentials(struct session *session, struct step_report *report, struct error *err)
{
    struct network_state *state = session->network;
    size_t roots = 0;
    bool made = false;

    if (!has_part(&session->offer.profile))
        return step_skipped(report, REASON_NONE, NOT_IN_PROFILE);
    if (!wanted_eap(session, 0))
        return step_skipped(report, REASON_NONE, "nothing of the profile needs them on this computer");
    if (!add_roots(session, &roots, err))
        return false;
    if (wants_client(session) && !*state->client.certificate_id) {
        if (!client_credential_make(session, &state->client, err) || !read_stores(session, err))
            return error_during(err, "client certificate");
        made = true;
    }
    if (!made && roots == 0)
        return step_unchanged(report, "%s%s", "trusted roots are there",
                              *state->client.certificate_id ? ", client certificate too" : "");
    return step_done(report, "%zu trusted roots added; %s%s", roots,
                     made                            ? "client certificate made: "
                     : *state->client.certificate_id ? "client certificate as it was: "
                                                     : "no client certificate",
                     state->client.certificate_id);
}
