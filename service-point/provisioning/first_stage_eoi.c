#include <string.h>

#include "firmware/certificate_request.h"
#include "firmware/eoi.h"
#include "firmware/status.h"
#include "provisioning/device_certificate.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define KEY_BITS_MOST     2048
#define CLOCK_TOLERANCE_S 1 /* AMT tells whole seconds */

/* Where GeneralInfo is not served WS-Management tells the state as well, if firmware in setup serves that. */
static bool read_setup(struct connection *connection, struct setup_service *setup, struct error *err)
{
    return eoi_setup_get(connection, setup, err) ||
           (err->code == ERROR_ABSENT && wsman_setup_get(connection, setup, err));
}

/* The call was answered, but not with a UUID. */
static bool tells_no_uuid(const struct error *err)
{
    return err->code == ERROR_ABSENT || err->reason == REASON_MALFORMED_REPLY ||
           err->reason == REASON_NOT_PERMITTED || status_is_refusal(err) ||
           err->reason == REASON_FIRMWARE_FAULT || err->reason == REASON_HTTP_ERROR;
}

static bool read_uuid(struct connection *connection, struct uuid *uuid, struct error *err)
{
    if (eoi_uuid(connection, uuid, err))
        return true;
    if (!tells_no_uuid(err))
        return false;
    if (wsman_setup_uuid(connection, uuid, err))
        return true;
    if (!tells_no_uuid(err))
        return false;
    return error_because(err, REASON_UNSUPPORTED,
                         "the firmware tells its UUID neither in its Digest realm nor in its hardware "
                         "inventory nor over WS-Management: update it");
}

/* This interface does not tell whether the clock was ever set, which the commit in setup wants. */
static bool synchronize_clock(struct session *session, int64_t *offset_s, bool *changed, struct error *err)
{
    bool must_be_set = session->setup.state != PROVISIONING_POST;
    uint32_t device_s, ours_s;

    if (!eoi_time_get(session->connection, &device_s, err))
        return false;
    ours_s = (uint32_t)now_s();
    *offset_s = (int64_t)device_s - (int64_t)ours_s;
    *changed = must_be_set || *offset_s < -CLOCK_TOLERANCE_S || *offset_s > CLOCK_TOLERANCE_S;
    return !*changed || eoi_time_set(session->connection, device_s, ours_s, err);
}

static bool change_names(struct connection *connection, const char *host, const char *domain,
                         struct error *err)
{
    return eoi_host_name_set(connection, host, err) && eoi_domain_name_set(connection, domain, err);
}

/* The private part of such a key is in firmware alone, and this interface has no call that would make a
 * request with our subject from it: it only takes room. What firmware keeps nevertheless is no failure. */
static bool remove_orphan_keys(struct session *session, struct error *err)
{
    for (size_t i = 0; i < session->keys.count; i++) {
        const struct stored_key *key = &session->keys.keys[i];
        bool in_use =
            device_certificate_has_key(connection_device_certificate(session->connection), &key->public_key);

        if (in_use || key_has_certificate(session, key) || eoi_key_delete(session->connection, key->id, err))
            continue;
        if (err->reason != REASON_NOT_PERMITTED && !status_is_refusal(err))
            return false;
    }
    return true;
}

/* "Made by the service point, sent, and wiped": no call of this interface makes a key in the store. */
static bool send_key(struct session *session, unsigned bits, struct error *err)
{
    struct device_credential *credential = &session->credential;
    AUTO(secret_free) struct secret *private_key = NULL;
    struct stored_key stored = { 0 };

    if (!certificate_request_with_key(bits, session->fqdn, CERTIFICATE_SERVER, &private_key,
                                      &credential->request, err) ||
        !eoi_key_add(session->connection, private_key, credential->key_id, err) ||
        !eoi_key_get(session->connection, credential->key_id, &stored, err))
        return false;
    use_key(session, &stored);
    stored_key_clear(&stored);
    return true;
}

static bool make_key(struct session *session, struct step_report *report, struct error *err)
{
    unsigned bits;

    if (!remove_orphan_keys(session, err) || !eoi_key_bits(session->connection, KEY_BITS_MOST, &bits, err) ||
        !send_key(session, bits, err))
        return false;
    return step_done(report, "%s, RSA of %u bits, made by the service point", session->credential.key_id,
                     bits);
}

/* It came with the key. */
static bool make_request(struct session *session, struct error *err)
{
    (void)session;
    (void)err;
    return true;
}

static bool choose_certificate(struct session *session, bool *changed, struct error *err)
{
    const char *wanted = session->credential.certificate_id;
    struct tls_credential found = { 0 };

    if (!eoi_tls_credential_get(session->connection, &found, err))
        return false;
    *changed = !found.present || strcmp(found.certificate_id, wanted) != 0;
    return !*changed || eoi_tls_credential_set(session->connection, wanted, err);
}

/* The local interface stays as it is, and mutual authentication that is in force. */
static bool switch_on(struct session *session, bool *changed, struct error *err)
{
    struct eoi_tls_options options;
    bool chosen, set;

    if (!choose_certificate(session, &chosen, err) ||
        !eoi_tls_options_get(session->connection, &options, err))
        return false;
    set =
        options.network != EOI_TLS_SERVER && !(options.network == EOI_TLS_MUTUAL && mutual_in_force(session));
    options.network = EOI_TLS_SERVER;
    if (set && !eoi_tls_options_set(session->connection, &options, err))
        return false;
    *changed = chosen || set;
    return true;
}

static bool prove_log_in(struct connection *connection, struct error *err)
{
    char version[WSMAN_ADDRESS_SIZE];

    return eoi_firmware_version(connection, version, err);
}

const struct stage_calls first_stage_eoi = {
    .name = "EOI",
    .commits_always = true,
    .read_setup = read_setup,
    .read_uuid = read_uuid,
    .read_version = eoi_firmware_version,
    .synchronize_clock = synchronize_clock,
    .read_names = eoi_general_settings_get,
    .change_names = change_names,
    .seed_random = eoi_random_seed,
    .list_keys = eoi_keys_list,
    .list_certificates = eoi_certificates_list,
    .make_key = make_key,
    .make_request = make_request,
    .add_certificate = eoi_certificate_add,
    .switch_tls_on = switch_on,
    .set_admin = eoi_admin_set,
    .prove_log_in = prove_log_in,
    .set_mebx_password = eoi_mebx_password_set,
    .mebx_is_factory = eoi_mebx_is_factory,
    .commit = eoi_commit,
};
