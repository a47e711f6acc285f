#include "dialogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/private_file.h"
#include "common/version.h"

#define VERSION_CHARACTERS "0123456789."
#define NAME_CHARACTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

/* The site refuses a message with a name that is none; then it is better not told. */
static char *name_or_nothing(const char *name)
{
    if (!name || !*name || name[strspn(name, NAME_CHARACTERS)])
        return NULL;
    return text_copy(name);
}

static char *amt_version(const struct computer *computer)
{
    const char *version = computer->has_amt ? host_version_of(&computer->facts.versions, "AMT") : "";
    size_t length = strspn(version, VERSION_CHARACTERS);

    return length ? text_format("%.*s", (int)length, version) : NULL;
}

static struct wired_address wired_copy(const struct computer *computer)
{
    return (struct wired_address){ .address = text_copy(computer->wired.address),
                                   .prefix_bits = computer->wired.prefix_bits };
}

/* ---- ENROL ---- */

static bool read_token(const char *path, struct secret **token, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    size_t length;

    if (!*path || (access(path, F_OK) != 0 && errno == ENOENT))
        return true;
    if (!private_file_read(path, &content, err))
        return error_during(err, "token.file");
    length = strcspn(secret_reveal(content), " \t\r\n");
    if (length == 0)
        return error_set(err, ERROR_INPUT, "token.file: %s is empty", path);
    *token = secret_new(secret_reveal(content), length);
    return true;
}

/* The algorithms that the dialogue knows are those that AMT has ever checked certificates with. */
static void put_active_roots(struct message_enrol *enrol, const struct firmware_facts *facts)
{
    enrol->root_hashes = allocate(facts->hash_count * sizeof(*enrol->root_hashes));
    for (size_t i = 0; i < facts->hash_count; i++) {
        const struct host_hash *hash = &facts->hashes[i];
        struct root_hash *root = &enrol->root_hashes[enrol->root_hash_count];

        if (!hash->active || hash->length == 0 || root_hash_length(hash->algorithm) != hash->length)
            continue;
        root->algorithm = hash->algorithm;
        root->length = (uint8_t)hash->length;
        memcpy(root->hash, hash->digest, hash->length);
        enrol->root_hash_count++;
    }
}

static void put_firmware(struct message_enrol *enrol, const struct firmware_facts *facts)
{
    put_active_roots(enrol, facts);
    enrol->dns_suffix = name_or_nothing(facts->dns_suffix);
    enrol->mac_known = facts->has_wired;
    memcpy(enrol->mac, facts->wired.mac, sizeof(enrol->mac));
    if (facts->state <= HOST_STATE_POST)
        enrol->setup_state = (enum setup_state)facts->state;
    if (facts->has_control_mode && facts->control_mode <= CONTROL_ADMIN)
        enrol->control_mode = (enum control_mode)facts->control_mode;
}

static struct message enrol_message(const struct computer *computer)
{
    struct message message = { .kind = MESSAGE_ENROL };
    struct message_enrol *enrol = &message.enrol;

    enrol->uuid = computer->uuid;
    enrol->agent_version = text_copy(PRODUCT_VERSION);
    enrol->fqdn = name_or_nothing(computer->fqdn);
    enrol->amt_version = amt_version(computer);
    enrol->wired = wired_copy(computer);
    enrol->setup_state = SETUP_UNKNOWN;
    enrol->control_mode = CONTROL_UNKNOWN;
    enrol->amt_disabled = computer->amt_switched_off;
    if (computer->has_amt)
        put_firmware(enrol, &computer->facts);
    return message;
}

static void delete_token(const char *path)
{
    if (unlink(path) != 0)
        log_warning("the enrolment token was used and cannot be deleted", log_text("file", path),
                    log_text("why", strerror(errno)));
}

bool dialogue_enrol(struct site *site, const struct computer *computer, const char *token_file,
                    struct error *err)
{
    AUTO(message_free) struct message question = enrol_message(computer);
    AUTO(message_free) struct message answer = { 0 };

    if (!read_token(token_file, &question.enrol.token, err) ||
        !site_ask(site, &question, MESSAGE_ENROLLED, &answer, err))
        return false;
    if (question.enrol.token) {
        delete_token(token_file);
        log_info("enrolled", log_text("site", answer.enrolled.site));
    }
    return true;
}

/* ---- the rest ---- */

bool dialogue_policy(struct site *site, struct message *policy, struct error *err)
{
    const struct message question = { .kind = MESSAGE_POLICY_WANTED };

    return site_ask(site, &question, MESSAGE_POLICY, policy, err);
}

bool dialogue_check_failed(struct site *site, const struct error *why, uint32_t firmware_status,
                           struct error *err)
{
    AUTO(message_free)
    struct message question = { .kind = MESSAGE_CHECK_FAILED,
                                .check_failed = { .reason = why->reason ? why->reason : REASON_INTERNAL,
                                                  .text = text_copy(why->message),
                                                  .firmware_status = firmware_status } };
    AUTO(message_free) struct message answer = { 0 };

    return site_ask(site, &question, MESSAGE_NOTED, &answer, err);
}

bool dialogue_register_otp(struct site *site, const struct computer *computer, const struct otp *otp,
                           uint32_t *expires_s, struct error *err)
{
    AUTO(message_free) struct message question = { .kind = MESSAGE_OTP_REGISTER };
    AUTO(message_free) struct message answer = { 0 };

    question.otp_register.uuid = computer->uuid;
    question.otp_register.fqdn = name_or_nothing(computer->fqdn);
    question.otp_register.amt_version = amt_version(computer);
    question.otp_register.wired = wired_copy(computer);
    bytes_set(&question.otp_register.salt, otp->salt, sizeof(otp->salt));
    bytes_set(&question.otp_register.hash, otp->hash, sizeof(otp->hash));
    if (!site_ask(site, &question, MESSAGE_OTP_REGISTERED, &answer, err))
        return false;
    *expires_s = answer.otp_registered.expires_s;
    return true;
}

bool dialogue_activated(struct site *site, const struct computer *computer, struct error *err)
{
    AUTO(message_free) struct message question = { .kind = MESSAGE_ACTIVATED };
    AUTO(message_free) struct message answer = { 0 };

    question.activated.uuid = computer->uuid;
    question.activated.wired = wired_copy(computer);
    return site_ask(site, &question, MESSAGE_NOTED, &answer, err);
}
