#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "firmware/status.h"
#include "provisioning/device_certificate.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define RESTART_FIRST_MS     250
#define RESTART_PAUSE_MAX_MS 2000
#define LOST_COMMIT_MS       10000
#define SEED_SIZE            20

int64_t now_s(void)
{
    return clock_wall_ms() / 1000;
}

/* "Clock synchronised with the service point's clock." Repeating it is harmless; it is written only when it
 * is off, because every write wears the flash. */
bool set_clock(struct session *session, struct step_report *report, struct error *err)
{
    int64_t offset_s;
    bool changed;

    if (!session->stage->synchronize_clock(session, &offset_s, &changed, err))
        return false;
    session->clock_synchronized = true;
    if (!changed)
        return step_unchanged(report, "%lld s off", (long long)offset_s);
    return step_done(report, "was %lld s off", (long long)offset_s);
}

/* "Host name and domain from the import." Repeating it is harmless. DNS names are the same in either case of
 * letters. */
bool set_names(struct session *session, struct step_report *report, struct error *err)
{
    const char *host = session->offer.host_name, *domain = session->offer.domain;
    struct general_settings found;

    if (host[0] == '\0' || domain[0] == '\0')
        return error_because(err, REASON_NAME_MISSING, "the job names no host and domain");
    if (!session->stage->read_names(session->connection, &found, err))
        return false;
    memcpy(session->digest_realm, found.digest_realm, sizeof(session->digest_realm));
    if (strcasecmp(found.host_name, host) == 0 && strcasecmp(found.domain_name, domain) == 0)
        return step_unchanged(report, "%s", session->fqdn);
    if (!session->stage->change_names(session->connection, host, domain, err))
        return false;
    return step_done(report, "%s; was \"%s\", \"%s\"", session->fqdn, found.host_name, found.domain_name);
}

static bool seed(struct session *session, struct error *err)
{
    uint8_t octets[SEED_SIZE];
    AUTO(secret_free) struct secret *seed = NULL;

    if (RAND_bytes(octets, sizeof(octets)) != 1)
        return error_set(err, ERROR_INTERNAL, "no random bytes from libcrypto");
    seed = secret_new(octets, sizeof(octets));
    secret_wipe(octets, sizeof(octets));
    return session->stage->seed_random(session->connection, seed, err);
}

/* The commit in setup wants a seed (AMT SDK: CommitChanges), which firmware cannot show: sent again by each
 * attempt until then. Repeating it is harmless. */
bool seed_random(struct session *session, struct step_report *report, struct error *err)
{
    if (session->setup.state == PROVISIONING_POST)
        return step_unchanged(report, "seeded in setup");
    session->staged_on = connection_number(session->connection);
    return seed(session, err);
}

static bool is_own(const struct session *session, const struct stored_certificate *certificate)
{
    return !certificate->trusted_root && !certificate->read_only &&
           device_certificate_serves(&certificate->der, CERTIFICATE_SERVER) &&
           device_certificate_is_current(&certificate->der, session->offer.issuers,
                                         session->offer.issuer_count, session->fqdn);
}

static const struct stored_key *key_of(const struct session *session, const struct bytes *certificate)
{
    for (size_t i = 0; i < session->keys.count; i++) {
        if (device_certificate_has_key(certificate, &session->keys.keys[i].public_key))
            return &session->keys.keys[i];
    }
    return NULL;
}

void use_key(struct session *session, const struct stored_key *key)
{
    memcpy(session->credential.key_id, key->id, sizeof(session->credential.key_id));
    bytes_set(&session->credential.public_key, key->public_key.data, key->public_key.length);
}

static bool same_certificate(const struct bytes *left, const struct bytes *right)
{
    return left->length == right->length && memcmp(left->data, right->data, left->length) == 0;
}

static bool served_fits(const struct session *session)
{
    return device_certificate_is_current(connection_device_certificate(session->connection),
                                         session->offer.issuers, session->offer.issuer_count, session->fqdn);
}

/* The one that a renewal replaces. The site knows it, so that a renewal that went so far that the firmware
 * uses the new one already, and was lost, is not made a second time. */
static const struct bytes *outgoing(const struct session *session)
{
    return session->offer.certificate.length ? &session->offer.certificate
                                             : connection_device_certificate(session->connection);
}

static bool obeys_rule(const struct session *session, const struct bytes *certificate)
{
    bool fresh = device_certificate_is_fresh(certificate, now_s());

    switch (session->credential_rule) {
    case CREDENTIAL_IN_USE:
        return same_certificate(certificate, connection_device_certificate(session->connection)) ||
               (fresh && !served_fits(session));
    case CREDENTIAL_OTHER:
        return fresh && (device_certificate_outlives(certificate, outgoing(session)) ||
                         !device_certificate_is_current(outgoing(session), session->offer.issuers,
                                                        session->offer.issuer_count, NULL));
    default:
        return fresh;
    }
}

/* A certificate of an earlier attempt, with its key, that will do. */
static bool find_credential(struct session *session)
{
    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];
        const struct stored_key *key;

        if (!is_own(session, certificate) || !obeys_rule(session, &certificate->der))
            continue;
        key = key_of(session, &certificate->der);
        if (!key)
            continue;
        use_key(session, key);
        memcpy(session->credential.certificate_id, certificate->id,
               sizeof(session->credential.certificate_id));
        bytes_set(&session->credential.certificate, certificate->der.data, certificate->der.length);
        return true;
    }
    return false;
}

bool key_has_certificate(const struct session *session, const struct stored_key *key)
{
    for (size_t i = 0; i < session->certificates.count; i++) {
        if (device_certificate_has_key(&session->certificates.certificates[i].der, &key->public_key))
            return true;
    }
    return false;
}

/* "Key pair generated in firmware where it can, otherwise made by the service point, sent, and wiped."
 * Repeating it is harmless: a pair of an earlier attempt is used, with its certificate when there is one that
 * fits. */
bool prepare_key_pair(struct session *session, struct step_report *report, struct error *err)
{
    if (!session->stage->list_keys(session->connection, &session->keys, err) ||
        !session->stage->list_certificates(session->connection, &session->certificates, err))
        return false;
    if (find_credential(session))
        return step_unchanged(report, "%s, with its certificate", session->credential.key_id);
    return session->stage->make_key(session, report, err);
}

static bool fetch_certificate(struct session *session, struct error *err)
{
    const struct message question = { .kind = MESSAGE_CERTIFICATE_WANTED,
                                      .certificate_wanted = {
                                          .id = session->offer.id,
                                          .der = session->credential.request,
                                          .firmware_version = session->result.firmware_version,
                                      } };
    struct message answer = { 0 };

    if (!session_ask(session, &question, MESSAGE_CERTIFICATE, &answer, err))
        return false;
    session->credential.certificate = answer.certificate.der;
    answer.certificate.der = (struct bytes){ 0 };
    message_free(&answer);
    if (!device_certificate_has_key(&session->credential.certificate, &session->credential.public_key))
        return error_because(err, REASON_ISSUER_REFUSED,
                             "the authority's certificate for %s is for another key than the one requested",
                             session->fqdn);
    return true;
}

/* The firmware holds it already under some handle: find which. */
static bool find_certificate(struct session *session, struct error *err)
{
    struct stored_certificate_list list = { 0 };
    struct device_credential *credential = &session->credential;
    bool found = false;

    if (!session->stage->list_certificates(session->connection, &list, err))
        return false;
    for (size_t i = 0; i < list.count && !found; i++) {
        found = same_certificate(&list.certificates[i].der, &credential->certificate);
        if (found)
            memcpy(credential->certificate_id, list.certificates[i].id, sizeof(credential->certificate_id));
    }
    stored_certificate_list_free(&list);
    return found ||
           error_because(err, REASON_FIRMWARE_STATUS,
                         "the firmware says that the certificate is there already, but does not list it");
}

/* "Certificate requested, retrieved, stored in firmware." Repeating it is harmless: one that is there is used
 * again. */
bool install_certificate(struct session *session, struct step_report *report, struct error *err)
{
    struct device_credential *credential = &session->credential;

    if (credential->certificate.length > 0)
        return step_unchanged(report, "%s", credential->certificate_id);
    if (!session->stage->make_request(session, err) || !fetch_certificate(session, err))
        return false;
    if (!session->stage->add_certificate(session->connection, &credential->certificate,
                                         credential->certificate_id, err) &&
        (err->code != ERROR_CONFLICT || !find_certificate(session, err)))
        return false;
    return step_done(report, "%s", credential->certificate_id);
}

/* "TLS authentication enabled." Repeating it is harmless. Staged until the commit. */
bool switch_tls_on(struct session *session, struct step_report *report, struct error *err)
{
    bool changed;

    if (session->staged_on == 0)
        session->staged_on = connection_number(session->connection);
    if (!session->stage->switch_tls_on(session, &changed, err))
        return false;
    /* An earlier attempt may have ended between the staging and the commit. */
    session->tls_staged = changed || !same_certificate(connection_device_certificate(session->connection),
                                                       &session->credential.certificate);
    if (!session->tls_staged)
        return step_unchanged(report, "on, with %s", session->credential.certificate_id);
    return step_done(report, "with %s, from the commit on", session->credential.certificate_id);
}

bool mutual_in_force(const struct session *session)
{
    return session->setup.state == PROVISIONING_POST && connection_asked_certificate(session->connection);
}

bool answer_lost(const struct error *err)
{
    switch (err->reason) {
    case REASON_CONNECTION_LOST:
    case REASON_TIMEOUT:
    case REASON_HTTP_ERROR:
    case REASON_MALFORMED_REPLY:
    case REASON_REPLY_TOO_LARGE:
        return true;
    default:
        return false;
    }
}

bool firmware_refused(const struct error *err)
{
    return err->code == ERROR_CONFLICT || err->code == ERROR_ABSENT || err->reason == REASON_FIRMWARE_FAULT ||
           status_is_refusal(err) || err->reason == REASON_NOT_PERMITTED || err->reason == REASON_UNSUPPORTED;
}

static bool learn_digest_realm(struct session *session, struct error *err)
{
    struct general_settings found;

    if (*session->digest_realm)
        return true;
    if (!session->stage->read_names(session->connection, &found, err))
        return false;
    memcpy(session->digest_realm, found.digest_realm, sizeof(session->digest_realm));
    return true;
}

static bool log_in(struct session *session, const char *user, const struct secret *password,
                   struct error *err)
{
    connection_use_credential(session->connection, user, password);
    return !session->challenged || session->stage->prove_log_in(session->connection, err);
}

/* Nobody knows which password the firmware has: the new one is tried, then the one before. Two logins, which
 * is far from the lock-out. */
static bool find_out_password(struct session *session, struct error *err)
{
    const struct error lost = *err;

    if (log_in(session, ADMIN_USER, session->offer.admin_password, err))
        return true;
    if (err->reason != REASON_NO_ACCOUNT_ACCEPTED)
        return false;
    if (!log_in(session, session->accepted->username, session->accepted->password, err))
        return error_during(err, "after the answer to the new password was lost");
    session->result.admin_password = PASSWORD_UNTOUCHED;
    return error_because(err, REASON_CONNECTION_LOST, "%s; the firmware still has the former password",
                         lost.message);
}

/* "Random strong password for the AMT Remote Admin Account, stored in AMT." Repeating it is harmless: it is
 * the same password until a job is done. From here on nothing else opens the firmware, so a log-in proves it
 * before the commit, where the firmware asks for one at all. */
bool set_admin_password(struct session *session, struct step_report *report, struct error *err)
{
    uint8_t a1[DIGEST_HASH_SIZE];
    bool set;

    if (session->admin_password_in_use)
        return step_unchanged(report, "the firmware has it from an earlier attempt");
    if (!session->offer.admin_password)
        return error_because(err, REASON_MESSAGE_REFUSED, "the job brings no admin password");
    if (!learn_digest_realm(session, err))
        return false;
    digest_a1(ADMIN_USER, session->digest_realm, session->offer.admin_password, a1);
    session->result.admin_password = PASSWORD_SENT;
    set = session->stage->set_admin(session->connection, ADMIN_USER, a1, err);
    secret_wipe(a1, sizeof(a1));
    if (!set && (!answer_lost(err) || !session->accepted || !find_out_password(session, err)))
        return false;
    if (set && !log_in(session, ADMIN_USER, session->offer.admin_password, err))
        return error_during(err, "after the password was set");
    session->admin_password_in_use = true;
    session->result.admin_password = PASSWORD_SET;
    return step_done(report, session->challenged ? "proven by a log-in" : "set");
}

/* So that the site can tell whether an attempt whose result was lost had set it. Not every firmware says. */
static bool ask_about_mebx(struct session *session, struct error *err)
{
    struct error problem = { 0 };
    bool is_factory;

    if (session->stage->mebx_is_factory(session->connection, &is_factory, &problem)) {
        session->result.mebx_found = is_factory ? MEBX_FACTORY : MEBX_CHANGED;
        return true;
    }
    if (firmware_refused(&problem))
        return true;
    *err = problem;
    return false;
}

/* "MEBx password set if the version allows ...; 'not permitted' is no failure." Repeating it is harmless.
 * Newest firmware refuses the commit without it. */
bool set_mebx_password(struct session *session, struct step_report *report, struct error *err)
{
    if (!session->offer.mebx_password)
        return step_skipped(report, REASON_NONE, "none is to be set");
    session->result.mebx_password = PASSWORD_SENT;
    if (!session->stage->set_mebx_password(session->connection, session->offer.mebx_password, err)) {
        const struct error refusal = *err;

        if (refusal.reason != REASON_NOT_PERMITTED)
            return false;
        session->result.mebx_password = PASSWORD_NOT_PERMITTED;
        if (!ask_about_mebx(session, err))
            return error_during(err, "after the firmware refused a MEBx password");
        return step_skipped(report, REASON_NOT_PERMITTED, "%s", refusal.message);
    }
    session->result.mebx_password = PASSWORD_SET;
    return step_done(report, "set");
}

/* What firmware shows while it restarts its network and TLS stack. A refused password is not among it: each
 * try of one counts towards the lock-out. */
static bool may_be_restarting(const struct error *err)
{
    switch (err->reason) {
    case REASON_UNREACHABLE:
    case REASON_CONNECTION_LOST:
    case REASON_TIMEOUT:
    case REASON_TLS_FAILED:
    case REASON_NO_AMT:
    case REASON_HTTP_ERROR:
    case REASON_FIRMWARE_BUSY:
    case REASON_CLIENT_CERTIFICATE_REFUSED:
    case REASON_CONSOLE_CERTIFICATE_REFUSED:
        return true;
    default:
        return false;
    }
}

static bool read_provisioning_state(struct session *session, struct error *err)
{
    struct setup_service setup = { 0 };

    if (!session->stage->read_setup(session->connection, &setup, err))
        return false;
    session->setup.state = setup.state;
    setup_service_clear(&setup);
    return true;
}

/* The firmware may still answer as in setup for a moment, with the certificate that it showed then. */
static enum restart_state look_after_restart(struct session *session, struct error *err)
{
    if (session->setup.state == PROVISIONING_POST &&
        connection_identity(session->connection) == IDENTITY_OPERATIONAL &&
        same_certificate(connection_device_certificate(session->connection),
                         &session->credential.certificate))
        return RESTARTED;
    if (session->setup.state == PROVISIONING_POST &&
        connection_identity(session->connection) == IDENTITY_OPERATIONAL)
        error_because(err, REASON_COMMIT_HAD_NO_EFFECT,
                      "the firmware still shows the certificate that it was to replace");
    else if (session->setup.state == PROVISIONING_POST)
        error_because(err, REASON_DEVICE_CERTIFICATE_WRONG,
                      "the firmware is provisioned, but does not show the certificate that it was given");
    else
        error_because(err, REASON_COMMIT_HAD_NO_EFFECT, "the firmware is still in setup after the commit");
    return NOT_RESTARTED_YET;
}

static enum restart_state look_anew(struct session *session, restart_look *look, struct error *err)
{
    connection_drop(session->connection);
    if (!read_provisioning_state(session, err))
        return may_be_restarting(err) ? NOT_RESTARTED_YET : RESTART_FAILED;
    return look(session, err);
}

bool await_restart(struct session *session, bool answered, restart_look *look, struct error *err)
{
    int64_t began_ms = clock_monotonic_ms(), pause_ms = RESTART_FIRST_MS, waited_ms;
    enum restart_state state;

    do {
        if (!session_wait(session, pause_ms, err))
            return false;
        state = look_anew(session, look, err);
        pause_ms = pause_ms * 2 < RESTART_PAUSE_MAX_MS ? pause_ms * 2 : RESTART_PAUSE_MAX_MS;
        waited_ms = clock_monotonic_ms() - began_ms;
        if (state == NOT_RESTARTED_YET && !answered && waited_ms >= LOST_COMMIT_MS &&
            err->reason == REASON_COMMIT_HAD_NO_EFFECT)
            return false;
    } while (state == NOT_RESTARTED_YET && waited_ms < session->around->restart_wait_ms);
    return state == RESTARTED;
}

/* Not before the firmware uses it: what the site takes for the one in use is what the next attempt trusts. */
static void note_certificate(struct session *session)
{
    const struct bytes *certificate = &session->credential.certificate;

    bytes_set(&session->result.certificate, certificate->data, certificate->length);
}

/* Where it cannot be seen, the first attempt at a computer that was provisioned before staged what it knows
 * of. */
static bool commit_may_be_due(const struct session *session)
{
    return session->setup.state != PROVISIONING_POST || session->tls_staged ||
           (session->stage->commits_always &&
            !(session->wants_provisioned && session->offer.id.attempt == 1));
}

/* Firmware that restarted between two requests has lost what waits for the commit, and goes into operation
 * without TLS, where nobody reaches it. So on another connection everything is looked at again; what is still
 * there is not written. */
static bool stage_again(struct session *session, struct error *err)
{
    bool changed;

    if (!session->tls_staged || connection_number(session->connection) == session->staged_on)
        return true;
    if (session->setup.state != PROVISIONING_POST && session->stage->seed_random && !seed(session, err))
        return false;
    return session->stage->switch_tls_on(session, &changed, err);
}

/* Without the seed firmware does not commit. That it is not there now is no fault of the profile when it was
 * sent over a connection that ended since. */
static bool commit_refused(const struct session *session, size_t opened, struct error *err)
{
    const struct error refusal = *err;

    if (err->reason != REASON_DATA_MISSING || connection_number(session->connection) == opened)
        return false;
    return error_because(err, REASON_CONNECTION_LOST, "%s, after a new connection: it may have restarted",
                         refusal.message);
}

/* "Settings committed; the firmware state becomes post-provisioning (operational)." Repeating it is harmless.
 * The answer may get lost in the restart, so the state decides; from here on the computer must show our
 * certificate. */
bool commit(struct session *session, struct step_report *report, struct error *err)
{
    size_t opened;
    bool answered;

    if (!commit_may_be_due(session)) {
        note_certificate(session);
        return step_unchanged(report, "provisioned");
    }
    if (!stage_again(session, err))
        return error_during(err, "before the commit");
    opened = connection_number(session->connection);
    connection_set_timeout(session->connection, session->around->slow_request_timeout_ms);
    answered = session->stage->commit(session->connection, err);
    connection_set_timeout(session->connection, session->around->request_timeout_ms);
    if (!answered) {
        if (!answer_lost(err))
            return commit_refused(session, opened, err);
        step_done(report, "the answer was lost: %s", err->message);
    }
    if (session->admin_password_in_use)
        connection_use_credential(session->connection, ADMIN_USER, session->offer.admin_password);
    connection_expect(session->connection, IDENTITY_EITHER);
    if (!await_restart(session, answered, look_after_restart, err))
        return error_during(err, "after the commit");
    connection_expect(session->connection, IDENTITY_OPERATIONAL);
    note_certificate(session);
    return step_done(report, "provisioned; %s", connection_tls(session->connection));
}
