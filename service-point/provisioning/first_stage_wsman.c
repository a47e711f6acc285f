#include <string.h>

#include "firmware/certificate_request.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define KEY_BITS          2048
#define CLOCK_TOLERANCE_S 1 /* AMT tells whole seconds; more than one off and it is set */

/* Written only when it is off or was never set, because every write wears the flash. */
static bool synchronize_clock(struct session *session, int64_t *offset_s, bool *changed, struct error *err)
{
    return wsman_time_synchronize(session->connection, now_s, CLOCK_TOLERANCE_S, offset_s, changed, err);
}

static bool change_names(struct connection *connection, const char *host, const char *domain,
                         struct error *err)
{
    const struct general_settings_change change = { .host_name = host, .domain_name = domain };
    bool changed;

    return wsman_general_settings_change(connection, &change, &changed, err);
}

static bool made_here(const struct error *err)
{
    return err->code == ERROR_ABSENT || err->reason == REASON_UNSUPPORTED;
}

/* For firmware that makes no keys: "made by the service point, sent, and wiped". */
static bool send_own_key(struct session *session, struct error *err)
{
    struct device_credential *credential = &session->credential;
    AUTO(secret_free) struct secret *private_key = NULL;
    struct stored_key stored = { 0 };

    bytes_free(&credential->request);
    if (!certificate_request_with_key(KEY_BITS, session->fqdn, CERTIFICATE_SERVER, &private_key,
                                      &credential->request, err) ||
        !wsman_key_add(session->connection, private_key, credential->key_id, err) ||
        !wsman_key_get(session->connection, credential->key_id, &stored, err))
        return false;
    use_key(session, &stored);
    stored_key_clear(&stored);
    return true;
}

static bool generate_when_ready(struct session *session, char *id, struct error *err)
{
    while (!wsman_key_generate(session->connection, KEY_BITS, id, err)) {
        if (!busy_wait(session, err))
            return false;
    }
    return true;
}

static bool generate_key(struct session *session, struct error *err)
{
    struct stored_key stored = { 0 };
    char id[WSMAN_ID_SIZE];
    bool generated;

    connection_set_timeout(session->connection, session->around->slow_request_timeout_ms);
    generated = generate_when_ready(session, id, err);
    connection_set_timeout(session->connection, session->around->request_timeout_ms);
    if (!generated || !wsman_key_get(session->connection, id, &stored, err))
        return false;
    use_key(session, &stored);
    stored_key_clear(&stored);
    return true;
}

static const struct stored_key *find_orphan_key(const struct session *session)
{
    for (size_t i = 0; i < session->keys.count; i++) {
        if (!key_has_certificate(session, &session->keys.keys[i]))
            return &session->keys.keys[i];
    }
    return NULL;
}

static bool make_key(struct session *session, struct step_report *report, struct error *err)
{
    const struct stored_key *orphan = find_orphan_key(session);

    if (orphan) {
        use_key(session, orphan);
        return step_unchanged(report, "%s, of an earlier attempt", session->credential.key_id);
    }
    if (generate_key(session, err))
        return step_done(report, "%s, generated in firmware", session->credential.key_id);
    if (!made_here(err) || !send_own_key(session, err))
        return false;
    return step_done(report, "%s, made by the service point: this firmware generates none",
                     session->credential.key_id);
}

/* Firmware signs with its key, so that the authority sees proof of possession. */
static bool make_request(struct session *session, struct error *err)
{
    struct device_credential *credential = &session->credential;
    struct bytes unsigned_request = { 0 };
    bool made;

    if (credential->request.length > 0)
        return true;
    if (!certificate_request_unsigned(&credential->public_key, session->fqdn, CERTIFICATE_SERVER,
                                      &unsigned_request, err))
        return false;
    made = wsman_key_sign_request(session->connection, credential->key_id, SIGN_SHA256_RSA, &unsigned_request,
                                  &credential->request, err);
    bytes_free(&unsigned_request);
    return made || (made_here(err) && send_own_key(session, err));
}

static bool point_to_certificate(struct session *session, bool *changed, struct error *err)
{
    const char *wanted = session->credential.certificate_id;
    struct tls_credential found = { 0 };

    if (!wsman_tls_credential_get(session->connection, &found, err))
        return false;
    *changed = !found.present || strcmp(found.certificate_id, wanted) != 0;
    if (!*changed)
        return true;
    if (found.present)
        return wsman_tls_credential_replace(session->connection, wanted, err);
    return wsman_tls_credential_create(session->connection, wanted, err) ||
           (err->code == ERROR_CONFLICT && wsman_tls_credential_replace(session->connection, wanted, err));
}

/* For the network interface alone: with the local one enabled too, firmware in setup takes the commit and
 * ignores it. Plain ports stay closed. Mutual authentication has a step of its own; what of it an earlier
 * attempt left waiting for the commit is taken back. */
static bool switch_on(struct session *session, bool *changed, struct error *err)
{
    const struct tls_setting_change change = { .enabled = CHANGE_ON,
                                               .mutual = mutual_in_force(session) ? CHANGE_NONE : CHANGE_OFF,
                                               .accept_plain = CHANGE_OFF };
    bool pointed, set;

    if (!point_to_certificate(session, &pointed, err) ||
        !wsman_tls_setting_change(session->connection, TLS_SETTING_REMOTE, &change, &set, err))
        return false;
    *changed = pointed || set;
    return true;
}

static bool prove_log_in(struct connection *connection, struct error *err)
{
    bool is_default;

    return wsman_admin_is_default(connection, &is_default, err);
}

const struct stage_calls first_stage_wsman = {
    .name = "WS-Management",
    .read_setup = wsman_setup_get,
    .read_uuid = wsman_setup_uuid,
    .read_version = wsman_firmware_version,
    .synchronize_clock = synchronize_clock,
    .read_names = wsman_general_settings_get,
    .change_names = change_names,
    .list_keys = wsman_keys_list,
    .list_certificates = wsman_certificates_list,
    .make_key = make_key,
    .make_request = make_request,
    .add_certificate = wsman_certificate_add,
    .switch_tls_on = switch_on,
    .set_admin = wsman_admin_set,
    .prove_log_in = prove_log_in,
    .set_mebx_password = wsman_setup_set_mebx_password,
    .mebx_is_factory = wsman_admin_is_default,
    .commit = wsman_setup_commit,
};
