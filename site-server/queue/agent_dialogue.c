/*
 * agent_dialogue.c - what client agents say (spec 3), a handler for each kind.
 *
 * Nothing of an agent is kept in memory: whose a key is, what its computer is told and which one-time
 * password is registered are looked up for each message, so that a restart of the site server between any two
 * of them is not noticed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agents/policy.h"
#include "common/log.h"
#include "common/version.h"
#include "otp/registry.h"
#include "queue/dialogue.h"

typedef bool agent_handler(struct site *site, struct exchange *exchange, const struct agent *agent,
                           struct error *err);

static bool enrol(struct site *site, const struct group *group, struct error *err);
static bool tell_policies(struct site *site, const struct group *group, struct error *err);
static bool note_checks(struct site *site, const struct group *group, struct error *err);
static bool register_passwords(struct site *site, const struct group *group, struct error *err);
static bool note_activations(struct site *site, const struct group *group, struct error *err);
static void enrolled(struct site *site, struct exchange *exchange, struct session *session, int64_t now_ms);
static void check_noted(struct site *site, struct exchange *exchange, struct session *session,
                        int64_t now_ms);
static void activated(struct site *site, struct exchange *exchange, struct session *session, int64_t now_ms);

static const struct dialogue_line lines[] = {
    { MESSAGE_ENROL, PEER_AGENT, enrol, enrolled },
    { MESSAGE_POLICY_WANTED, PEER_AGENT, tell_policies, NULL },
    { MESSAGE_CHECK_FAILED, PEER_AGENT, note_checks, check_noted },
    { MESSAGE_OTP_REGISTER, PEER_AGENT, register_passwords, NULL },
    { MESSAGE_ACTIVATED, PEER_AGENT, note_activations, activated },
};

const struct dialogue agent_dialogue = { "a client agent", lines, COUNT_OF(lines) };

static void refuse(struct exchange *exchange, enum reason_code reason)
{
    exchange_refuse(exchange, reason, reason_of(reason)->meaning);
}

/* ---- ENROL ---- */

static bool enrol_one(struct site *site, struct exchange *exchange, struct error *err)
{
    const struct enrolment enrolment = { exchange->peer, exchange->address, &exchange->said.enrol,
                                         site->settings->agent.imported_only };
    struct refused refused = { 0 };
    struct message *answer;

    if (!enrolment_carry_out(site->database, &enrolment, &refused, err))
        return false;
    if (refused.reason != REASON_NONE) {
        exchange_refuse(exchange, refused.reason, refused.text);
        return true;
    }
    answer = exchange_answer(exchange, MESSAGE_ENROLLED);
    answer->enrolled.site = text_copy(site->settings->name);
    answer->enrolled.software_version = text_copy(PRODUCT_VERSION);
    return true;
}

static bool enrol(struct site *site, const struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!enrol_one(site, group->items[i], err))
            return false;
    }
    return true;
}

static void enrolled(struct site *site, struct exchange *exchange, struct session *session, int64_t now_ms)
{
    char uuid[UUID_TEXT_SIZE];

    (void)site;
    (void)session;
    (void)now_ms;
    log_debug("agent enrolled", log_text("device", uuid_text(&exchange->said.enrol.uuid, uuid)),
              log_text("address", exchange->address), log_text("version", exchange->said.enrol.agent_version),
              log_text("token", exchange->said.enrol.token ? "shown" : "not needed"));
}

/* ---- what only an agent says whose key is bound ---- */

/* The UUID that a message names must be the one that the key is bound to. */
static bool names_another(const struct exchange *exchange, const struct agent *agent)
{
    switch (exchange->said.kind) {
    case MESSAGE_OTP_REGISTER:
        return !uuid_equal(&exchange->said.otp_register.uuid, &agent->uuid);
    case MESSAGE_ACTIVATED:
        return !uuid_equal(&exchange->said.activated.uuid, &agent->uuid);
    default:
        return false;
    }
}

static bool refuse_other_uuid(struct site *site, struct exchange *exchange, const struct agent *agent,
                              struct error *err)
{
    const struct uuid *named = exchange->said.kind == MESSAGE_ACTIVATED ? &exchange->said.activated.uuid
                                                                        : &exchange->said.otp_register.uuid;
    char uuid[UUID_TEXT_SIZE];
    AUTO(text_free)
    char *text = text_format("the agent of this computer says %s for computer %s",
                             message_kind_name(exchange->said.kind), uuid_text(named, uuid));

    refuse(exchange, REASON_KEY_OF_ANOTHER);
    return alarm_raise(site->database, REASON_KEY_OF_ANOTHER, &agent->uuid, exchange->address, text, err);
}

static bool for_each_bound(struct site *site, const struct group *group, agent_handler *handle,
                           struct error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        AUTO(agent_clear) struct agent agent = { 0 };
        struct exchange *exchange = group->items[i];
        bool bound;

        if (!agent_find(site->database, exchange->peer, &agent, &bound, err))
            return false;
        if (!bound) {
            refuse(exchange, REASON_NOT_ENROLLED);
            continue;
        }
        if (!(names_another(exchange, &agent) ? refuse_other_uuid(site, exchange, &agent, err)
                                              : handle(site, exchange, &agent, err)))
            return false;
    }
    return true;
}

static bool tell_policy(struct site *site, struct exchange *exchange, const struct agent *agent,
                        struct error *err)
{
    (void)err;
    policy_tell(agent, (uint32_t)site->settings->agent.come_back_s,
                &exchange_answer(exchange, MESSAGE_POLICY)->policy);
    return true;
}

static bool tell_policies(struct site *site, const struct group *group, struct error *err)
{
    return for_each_bound(site, group, tell_policy, err);
}

static bool note_check(struct site *site, struct exchange *exchange, const struct agent *agent,
                       struct error *err)
{
    exchange_answer(exchange, MESSAGE_NOTED);
    return check_record(site->database, agent, &exchange->said.check_failed, err);
}

static bool note_checks(struct site *site, const struct group *group, struct error *err)
{
    return for_each_bound(site, group, note_check, err);
}

static void check_noted(struct site *site, struct exchange *exchange, struct session *session, int64_t now_ms)
{
    (void)site;
    (void)session;
    (void)now_ms;
    log_info("agent's check failed", log_text("address", exchange->address),
             log_text("reason", reason_of(exchange->said.check_failed.reason)->name),
             log_text("text", exchange->said.check_failed.text));
}

/* A policy that changed since the agent asked holds as well. */
static bool register_password(struct site *site, struct exchange *exchange, const struct agent *agent,
                              struct error *err)
{
    const struct message_otp_register *said = &exchange->said.otp_register;
    enum reason_code reason = policy_judge(&agent->facts);
    uint32_t expires_s = 0;

    if (!said->wired.address)
        reason = REASON_NO_WIRED_NETWORK;
    if (reason == REASON_NONE &&
        !registry_register(site->database, said, site->settings->agent.otp_lifetime_s, &reason, &expires_s,
                           err))
        return false;
    if (reason != REASON_NONE)
        refuse(exchange, reason);
    else
        exchange_answer(exchange, MESSAGE_OTP_REGISTERED)->otp_registered.expires_s = expires_s;
    return true;
}

static bool register_passwords(struct site *site, const struct group *group, struct error *err)
{
    return for_each_bound(site, group, register_password, err);
}

/* Said once more while its job runs it is a repetition, which the registry recognises. */
static bool note_activation(struct site *site, struct exchange *exchange, const struct agent *agent,
                            struct error *err)
{
    struct policy_facts facts = agent->facts;
    enum reason_code reason;

    facts.job_leased = false;
    reason = policy_judge(&facts);
    if (reason == REASON_HELD_BY_SITE) /* provisioned since; the answer to the first one got lost */
        reason = REASON_OTP_MISSING;
    if (reason == REASON_NONE && !registry_activate(site->database, &exchange->said.activated, &reason, err))
        return false;
    if (reason != REASON_NONE)
        refuse(exchange, reason);
    else
        exchange_answer(exchange, MESSAGE_NOTED);
    return true;
}

static bool note_activations(struct site *site, const struct group *group, struct error *err)
{
    return for_each_bound(site, group, note_activation, err);
}

static void activated(struct site *site, struct exchange *exchange, struct session *session, int64_t now_ms)
{
    char uuid[UUID_TEXT_SIZE];

    (void)session;
    (void)now_ms;
    site->work_waiting = true;
    log_info("computer in setup", log_text("device", uuid_text(&exchange->said.activated.uuid, uuid)),
             log_text("address", exchange->said.activated.wired.address), log_text("told_by", "its agent"));
}
