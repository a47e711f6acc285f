#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/preflight.h"
#include "provisioning/device_certificate.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define FORMER_ADDRESS_MS    5000    /* a computer that is there answers at once */
#define ATTEMPTS_PER_CONTACT 3       /* spec O5: the firmware locks after 10 failures */
#define EMPTY_ACCOUNT        "empty" /* the site's name for admin with the empty password */

static char *hash_list(const struct root_hash *hashes, size_t count)
{
    char *list = text_copy("");

    for (size_t i = 0; i < count; i++) {
        char digits[2 * sizeof(hashes[i].hash) + 1];
        char *longer =
            text_format("%s%s%s %s", list, i ? ", " : "", root_hash_algorithm_name(hashes[i].algorithm),
                        hex_encode(hashes[i].hash, hashes[i].length, digits));

        free(list);
        list = longer;
    }
    return list;
}

static char *root_list(const struct trust *trust)
{
    char *list = text_copy("");

    for (size_t i = 0; i < trust_count(trust); i++) {
        struct provisioning_certificate_facts facts;
        char *longer;

        provisioning_certificate_facts(trust_certificate(trust, i), &facts);
        AUTO(text_free) char *hashes = hash_list(facts.root_hashes, COUNT_OF(facts.root_hashes));
        longer = text_format("%s%s\"%s\" (%s)", list, i ? ", " : "", facts.root_subject, hashes);
        free(list);
        list = longer;
    }
    return list;
}

/* "The thumbprints in the Hello are compared with the root of each configured provisioning certificate."
 * Repeating it is harmless. A job that no Hello began has no thumbprints: then every certificate is tried. */
bool match_root(struct session *session, struct step_report *report, struct error *err)
{
    const struct message_job_offer *offer = &session->offer;
    const struct trust *trust = session->around->trust;
    struct provisioning_certificate_facts facts;

    if (offer->root_hash_count == 0) {
        session->certificate = trust_count(trust) ? trust_certificate(trust, 0) : NULL;
        return step_skipped(report, REASON_NONE, "no Hello told which roots the computer trusts");
    }
    session->certificate = trust_find(trust, offer->root_hashes, offer->root_hash_count);
    if (!session->certificate) {
        AUTO(text_free) char *theirs = hash_list(offer->root_hashes, offer->root_hash_count);
        AUTO(text_free) char *ours = root_list(trust);

        step_done(report, "the computer trusts %s; our roots are %s", theirs, *ours ? ours : "none");
        return error_because(
            err, REASON_NO_COMMON_ROOT,
            "no trusted root in common: the computer trusts %zu, we have %zu (lists in the step's "
            "detail)",
            offer->root_hash_count, trust_count(trust));
    }
    provisioning_certificate_facts(session->certificate, &facts);
    return step_done(report, "%s", facts.root_subject);
}

bool certificate_refused(const struct error *err)
{
    return err->reason >= REASON_CLIENT_CERTIFICATE_REFUSED && err->reason <= REASON_CERTIFICATE_HASH;
}

static enum device_identity identity_expected(const struct session *session)
{
    return session->offer.issuer_count ? IDENTITY_EITHER : IDENTITY_SETUP;
}

struct connection_target target_of(const struct session *session,
                                   const struct provisioning_certificate *certificate,
                                   enum device_identity identity)
{
    const struct message_job_offer *offer = &session->offer;

    return (struct connection_target){
        .address = offer->address,
        .port = offer->port,
        .timeout_ms = session->around->request_timeout_ms,
        .connect_timeout_ms = session->around->connect_timeout_ms,
        .deadline_ms = session->deadline_ms,
        .firmware_version = offer->firmware_version,
        .dns_suffix = offer->domain_suffix,
        .first_stage = offer->profile.first_stage,
        .trust = session->around->trust,
        .certificate = certificate,
        .identity = identity,
        .fqdn = session->fqdn,
        .issuers = offer->issuers,
        .issuer_count = offer->issuer_count,
        .known_certificate = &offer->certificate,
        .resume =
            offer->id.attempt == 1, /* later ones do without, should it be what the device cannot bear */
    };
}

static bool open_with(struct session *session, const struct provisioning_certificate *certificate,
                      enum device_identity identity, struct error *err)
{
    const struct connection_target target = target_of(session, certificate, identity);

    return connection_open(&session->connection, &target, err);
}

static size_t console_count(const struct session *session)
{
    return session->consoles ? console_set_count(session->consoles) : 0;
}

/* A computer in mutual TLS lets in who has a certificate of an authority that it trusts: of several
 * authorities it may trust any. One that asks for none does not mind. Only with a certificate at hand. */
static bool open_as_console(struct session *session, struct connection_target *target, struct error *err)
{
    for (size_t i = 0; i < console_count(session); i++) {
        target->certificate = console_set_certificate(session->consoles, i);
        if (connection_open(&session->connection, target, err))
            return true;
        if (err->reason != REASON_CONSOLE_CERTIFICATE_REFUSED)
            return false;
    }
    return false;
}

/* Anybody can say Hello in the name of a computer, and would be tried with its former passwords: a Digest
 * answer to a challenge that the computer itself gave opens the computer. One that shows our certificate
 * where it was last is provisioned, and says no Hello. Nothing is said to it but the handshake. Repeating it
 * is harmless. */
bool look_at_former_address(struct session *session, struct step_report *report, struct error *err)
{
    const struct message_job_offer *offer = &session->offer;
    struct connection_target target = target_of(session, NULL, IDENTITY_OPERATIONAL);
    struct error absent = { 0 };

    target.address = offer->former_address;
    target.timeout_ms = target.connect_timeout_ms = FORMER_ADDRESS_MS;
    if (console_count(session) ? !open_as_console(session, &target, &absent)
                               : !connection_open(&session->connection, &target, &absent))
        return step_done(report, "the computer is not at %s any more: %s", offer->former_address,
                         absent.message);
    connection_close(&session->connection);
    return error_because(err, REASON_FALSE_HELLO,
                         "its Hello came from %s, but at %s it shows the certificate that this site issued",
                         offer->address, offer->former_address);
}

/* A computer that said Hello has AMT: what answers so strangely may be something else for now, or it in
 * trouble. */
static bool said_hello(const struct session *session, struct error *err)
{
    const struct error cause = *err;

    return error_because(err, REASON_TLS_FAILED, "%s; the computer said Hello from %s", cause.message,
                         session->offer.address);
}

/* A computer that an earlier attempt left in mutual TLS refuses what setup wants to see. */
static bool open_left_in_mutual(struct session *session, const struct error *refusal)
{
    struct connection_target target = target_of(session, NULL, identity_expected(session));
    struct error ignored = { 0 };

    return session->offer.issuer_count > 0 &&
           (certificate_refused(refusal) || refusal->reason == REASON_TLS_FAILED) &&
           open_as_console(session, &target, &ignored);
}

/* "The service point opens TLS to the computer, port 16993, the computer being the TLS server." Repeating it
 * is harmless. A computer that shows the certificate of an earlier attempt is as welcome as one in setup. */
bool connect_to_firmware(struct session *session, struct step_report *report, struct error *err)
{
    const struct trust *trust = session->around->trust;
    size_t tries = session->offer.root_hash_count == 0 && trust_count(trust) ? trust_count(trust) : 1;
    bool open = open_with(session, session->certificate, identity_expected(session), err);

    for (size_t i = 1; !open && i < tries && certificate_refused(err); i++) {
        session->certificate = trust_certificate(trust, i);
        open = open_with(session, session->certificate, identity_expected(session), err);
    }
    if (!open && !open_left_in_mutual(session, err))
        return err->reason == REASON_NO_AMT && session->offer.root_hash_count > 0 ? said_hello(session, err)
                                                                                  : false;
    if (connection_identity(session->connection) == IDENTITY_SETUP)
        bytes_set(&session->result.device_fingerprint, connection_fingerprint(session->connection),
                  CONNECTION_FINGERPRINT_SIZE);
    return step_done(report, "%s, %s", connection_tls(session->connection),
                     connection_identity(session->connection) == IDENTITY_SETUP
                         ? "a certificate of the computer's own"
                         : "the certificate that this site issued");
}

const struct provisioning_certificate *certificate_for(const struct session *session)
{
    const struct message_job_offer *offer = &session->offer;
    const struct trust *trust = session->around->trust;

    if (offer->root_hash_count > 0)
        return trust_find(trust, offer->root_hashes, offer->root_hash_count);
    return trust_count(trust) > 0 ? trust_certificate(trust, 0) : NULL;
}

/* For a look at any computer: in setup it asks for a certificate that it trusts, otherwise for none, so that
 * it is no failure to have none. Repeating it is harmless. */
bool choose_own_certificate(struct session *session, struct step_report *report, struct error *err)
{
    struct provisioning_certificate_facts facts;

    (void)err;
    session->certificate = certificate_for(session);
    if (!session->certificate)
        return step_skipped(report, REASON_NO_COMMON_ROOT, "none of ours is from a root that it trusts");
    provisioning_certificate_facts(session->certificate, &facts);
    return step_done(report, "%s", facts.root_subject);
}

/* *err: what became of the certificate for setup; consoles: of a console's, if there is one. Always false. */
static bool refused_operational(const struct session *session, const struct error *consoles,
                                struct error *err)
{
    const struct error cause = *err;

    if (!certificate_refused(err) && err->reason != REASON_TLS_FAILED)
        return false;
    if (console_count(session) == 0)
        return error_because(
            err, cause.reason,
            "%s; if it is in mutual TLS, this service point needs a console certificate for it",
            cause.message);
    *err = *consoles;
    if (!console_set_root(session->consoles, &session->offer.issuers[0]))
        return error_because(err, REASON_NO_CONSOLE_CERTIFICATE,
                             "%s; there is none yet of the authority that issues now", consoles->message);
    return false;
}

/* What is provisioned by this site shows the certificate that this site issued, or nothing is said to it. A
 * console's certificate opens it when it is in mutual TLS. That for setup is presented for the sake of a
 * computer in setup, which would hide behind a failed handshake otherwise. Repeating it is harmless. */
bool connect_operational(struct session *session, struct step_report *report, struct error *err)
{
    struct connection_target target = target_of(session, NULL, IDENTITY_OPERATIONAL);
    struct error refusal = { 0 };

    if (session->offer.issuer_count == 0)
        return error_because(err, REASON_NO_AUTHORITY, "the job names no authority of device certificates");
    if (!open_as_console(session, &target, &refusal)) {
        if (console_count(session) && refusal.reason != REASON_CONSOLE_CERTIFICATE_REFUSED) {
            *err = refusal;
            return false;
        }
        if (!open_with(session, certificate_for(session), IDENTITY_OPERATIONAL, err))
            return refused_operational(session, &refusal, err);
    }
    return step_done(report, "%s, the certificate that this site issued",
                     connection_tls(session->connection));
}

/* The same; but an earlier attempt may have done its work without being able to tell. Then the computer is in
 * setup again, and is met as a provision job would meet it. */
bool connect_to_unprovision(struct session *session, struct step_report *report, struct error *err)
{
    if (connect_operational(session, report, err))
        return true;
    if (session->offer.id.attempt == 1)
        return false;
    if (err->reason == REASON_UNREACHABLE)
        return unprovision_found_closed(session, err);
    if (err->reason != REASON_DEVICE_CERTIFICATE_WRONG)
        return false;
    if (!open_with(session, certificate_for(session), IDENTITY_EITHER, err))
        return false;
    session->wants_provisioned = false;
    return step_done(report, "%s, a certificate of the computer's own", connection_tls(session->connection));
}

static void note_refused(struct message_job_finished *result, const struct account *candidates, size_t count)
{
    result->accounts_refused = reallocate(result->accounts_refused, result->accounts_refused_count + count,
                                          sizeof(*result->accounts_refused));
    for (size_t i = 0; i < count; i++)
        result->accounts_refused[result->accounts_refused_count++] = text_copy(candidates[i].reference);
}

/* "When Digest fails, the next user name and password is tried ... at most 3 attempts per contact." Each
 * refused attempt counts towards the firmware's lock-out, which is why the site hears of it and leaves it out
 * next time. */
bool authenticate(struct session *session, struct step_report *report, struct error *err)
{
    const struct account *candidates = session->offer.accounts;
    size_t count = session->offer.account_count;
    struct authentication outcome = { 0 };
    const struct account *accepted;
    bool passed;

    /* Only firmware in setup takes the empty password; behind our certificate it would be a failure for
     * nothing. */
    if (count > 0 && connection_identity(session->connection) == IDENTITY_OPERATIONAL &&
        strcmp(candidates[0].reference, EMPTY_ACCOUNT) == 0) {
        candidates++;
        count--;
    }
    passed =
        connection_authenticate(session->connection, candidates, count, ATTEMPTS_PER_CONTACT, &outcome, err);
    note_refused(&session->result, candidates, outcome.refused);
    if (!passed)
        return false;
    session->challenged = outcome.challenged;
    session->stage = outcome.interface == INTERFACE_EOI ? &first_stage_eoi : &first_stage_wsman;
    if (!outcome.accepted)
        return step_done(report, "the firmware asks for no password in this session");
    accepted = session->accepted = &candidates[outcome.accepted_index];
    text_set(&session->result.account_used, accepted->reference);
    if (strcmp(accepted->username, ADMIN_USER) == 0 && session->offer.admin_password &&
        secret_equal(accepted->password, session->offer.admin_password)) {
        session->admin_password_in_use = true;
        session->result.admin_password = PASSWORD_SET;
    }
    return step_done(report, "account %s, after %zu refused", accepted->reference, outcome.refused);
}

/* The UUID that firmware tells must be the one that the job is for, before anything is written (spec 11).
 * Repeating it is harmless. */
bool check_identity(struct session *session, struct step_report *report, struct error *err)
{
    char expected[UUID_TEXT_SIZE], found[UUID_TEXT_SIZE];
    struct uuid uuid;

    if (!session->stage->read_uuid(session->connection, &uuid, err))
        return false;
    uuid_text(&session->offer.uuid, expected);
    uuid_text(&uuid, found);
    if (!uuid_equal(&uuid, &session->offer.uuid))
        return error_because(err, REASON_WRONG_UUID, "at %s answers computer %s, not %s",
                             session->offer.address, found, expected);
    return step_done(report, "%s", found);
}

static bool learn_version(struct session *session, struct error *err)
{
    const char *told = connection_firmware_version(session->connection);
    char version[WSMAN_ADDRESS_SIZE];

    if (firmware_release_parse(told).major == 0) {
        if (!session->stage->read_version(session->connection, version, err))
            return false;
        told = version;
    }
    text_set(&session->result.firmware_version, told);
    return true;
}

/* Its certificate says so; under another name when the computer was renamed since. */
static bool provisioned_by_us(const struct session *session)
{
    return connection_identity(session->connection) == IDENTITY_OPERATIONAL ||
           device_certificate_is_ours(connection_device_certificate(session->connection),
                                      session->offer.issuers, session->offer.issuer_count, NULL);
}

/* Before anything is written: what the computer is to be locked with, we must be able to open. */
static bool profile_can_be_applied(const struct session *session, struct error *err)
{
    const struct message_job_offer *offer = &session->offer;

    if (!offer->profile.mutual_tls ||
        (session->consoles &&
         console_set_root(session->consoles, offer->issuer_count ? &offer->issuers[0] : NULL)))
        return true;
    return error_because(
        err, REASON_NO_CONSOLE_CERTIFICATE,
        "profile %s wants mutual TLS, and this service point has no console certificate of the "
        "authority that issues now",
        offer->profile.name);
}

static const char *const state_names[] = {
    [PROVISIONING_PRE] = "not in setup", [PROVISIONING_IN] = "in setup", [PROVISIONING_POST] = "provisioned"
};

/* Steps begin by reading the firmware's state (spec 6, O2: provisioned by somebody else is not ours to
 * change). Repeating it is harmless. */
bool read_state(struct session *session, struct step_report *report, struct error *err)
{
    if (!session->stage->read_setup(session->connection, &session->setup, err) ||
        !learn_version(session, err))
        return false;
    if (session->setup.state == PROVISIONING_POST && !provisioned_by_us(session))
        return error_because(
            err, REASON_ALREADY_PROVISIONED,
            "the firmware is provisioned and shows a certificate that this site did not issue");
    if (session->setup.state != PROVISIONING_POST && session->wants_provisioned)
        return error_because(err, REASON_NOT_PROVISIONED, "the firmware is %s",
                             state_names[session->setup.state]);
    if (session->applies_profile && !profile_can_be_applied(session, err))
        return false;
    return step_done(report, "%s, AMT %s, over %s", state_names[session->setup.state],
                     session->result.firmware_version, session->stage->name);
}

/* What a job that only looks brings home: version and status. Repeating it is harmless. */
bool look_at_state(struct session *session, struct step_report *report, struct error *err)
{
    if (!session->stage->read_setup(session->connection, &session->setup, err) ||
        !learn_version(session, err))
        return false;
    if (session->setup.state != PROVISIONING_POST)
        session->result.amt_status = STATUS_NOT_PROVISIONED;
    else
        session->result.amt_status =
            provisioned_by_us(session) ? STATUS_PROVISIONED : STATUS_EXTERNALLY_PROVISIONED;
    return step_done(report, "%s%s, AMT %s", state_names[session->setup.state],
                     session->result.amt_status == STATUS_EXTERNALLY_PROVISIONED ? ", not by this site" : "",
                     session->result.firmware_version);
}

static bool hash_salted(const struct bytes *salt, const struct secret *otp,
                        unsigned char hash[EVP_MAX_MD_SIZE], unsigned *length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(context, salt->data, salt->length) == 1 &&
                  EVP_DigestUpdate(context, secret_reveal(otp), secret_length(otp)) == 1 &&
                  EVP_DigestFinal_ex(context, hash, length) == 1;

    EVP_MD_CTX_free(context);
    return hashed;
}

/* "The service point gets salt and hash with the job and compares them, in constant time, with the OTP that
 * it reads from firmware over the TLS session. Mismatch or none: nothing has been written." Repeating it is
 * harmless. */
bool compare_one_time_password(struct session *session, struct step_report *report, struct error *err)
{
    const struct message_job_offer *offer = &session->offer;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (offer->otp_hash.length == 0)
        return step_skipped(report, REASON_NONE, "out of band: none is expected");
    /* Under this computer's name: what this site issued for another one proves nothing here. */
    if (session->setup.state == PROVISIONING_POST &&
        connection_identity(session->connection) == IDENTITY_OPERATIONAL)
        return step_skipped(report, REASON_NONE,
                            "the computer shows the certificate of an earlier attempt, which compared it");
    if (!session->setup.otp)
        return error_because(err, REASON_IDENTITY_NOT_PROVEN, "the firmware holds no one-time password");
    if (!hash_salted(&offer->otp_salt, session->setup.otp, hash, &length))
        return error_because(err, REASON_INTERNAL, "SHA-256 is not available");
    if (length != offer->otp_hash.length || CRYPTO_memcmp(hash, offer->otp_hash.data, length) != 0)
        return error_because(err, REASON_IDENTITY_NOT_PROVEN,
                             "the firmware's one-time password is not the one that was registered");
    return step_done(report, "as registered");
}

/* "The service point asks the site server to create the computer's account in Active Directory." Repeating it
 * is harmless: a second run repairs (spec 7). */
bool join_directory(struct session *session, struct step_report *report, struct error *err)
{
    const struct message question = {
        .kind = MESSAGE_ACCOUNT_WANTED,
        .account_wanted = { session->offer.id, session->result.firmware_version },
    };
    struct message answer = { 0 };
    bool configured;

    if (!session->offer.directory_configured)
        return step_skipped(report, REASON_NO_DIRECTORY, "no directory configured");
    if (!session_ask(session, &question, MESSAGE_ACCOUNT, &answer, err))
        return false;
    configured = answer.account.configured;
    if (answer.account.kerberos) {
        kerberos_account_free(&session->offer.kerberos);
        session->offer.kerberos = TAKE(answer.account.kerberos);
    }
    message_free(&answer);
    if (!configured)
        return step_skipped(report, REASON_NO_DIRECTORY, "no directory configured");
    if (!session->offer.kerberos)
        return step_done(report, "the site server keeps it");
    return step_done(report, "realm %s, key version %u", session->offer.kerberos->realm,
                     session->offer.kerberos->key_version);
}
