#include "support/agent_story.h"

#include <string.h>

#include "support/expect.h"

struct secret *token_make(struct site *site, const char *name, const char *owner)
{
    AUTO(text_free) char *printed = NULL;
    struct secret *token;
    struct error err = { 0 };

    if (owner)
        must(site_amtctl(site, &printed, &err, "token", "create", name, "--computer", owner, NULL));
    else
        must(site_amtctl(site, &printed, &err, "token", "create", name, NULL));
    printed[strcspn(printed, "\n")] = '\0';
    assert_int_equal(strlen(printed), 64);
    token = secret_from_text(printed);
    return token;
}

void expect_agent_answer(struct agent_peer *peer, const struct message *question, enum message_kind kind,
                         struct message *answer)
{
    struct error err = { 0 };

    must(agent_peer_ask(peer, question, answer, &err));
    if (answer->kind != kind)
        fail_msg("%s was answered %s: %s", message_kind_name(question->kind), message_kind_name(answer->kind),
                 answer->kind == MESSAGE_REFUSED ? answer->refused.text : "");
}

void agent_says(struct agent_peer *peer, const struct message *question, enum message_kind kind)
{
    AUTO(message_free) struct message answer = { 0 };

    expect_agent_answer(peer, question, kind, &answer);
}

void expect_agent_refused(struct agent_peer *peer, const struct message *question, enum reason_code reason)
{
    AUTO(message_free) struct message answer = { 0 };

    expect_agent_answer(peer, question, MESSAGE_REFUSED, &answer);
    assert_string_equal(reason_of(answer.refused.reason)->name, reason_of(reason)->name);
}

void expect_policy(struct agent_peer *peer, enum reason_code reason)
{
    const struct message question = { .kind = MESSAGE_POLICY_WANTED };
    AUTO(message_free) struct message answer = { 0 };

    expect_agent_answer(peer, &question, MESSAGE_POLICY, &answer);
    assert_string_equal(reason_of(answer.policy.reason)->name, reason_of(reason)->name);
    assert_true(answer.policy.provision == (reason == REASON_NONE));
    assert_int_equal(answer.policy.root_hash_count > 0, reason == REASON_NONE);
}

struct agent_peer *agent_open(struct site *site, struct computer *computer, unsigned index,
                              const char *generation)
{
    struct agent_peer *peer = NULL;
    struct error err = { 0 };

    computer_plan(computer, site, index, generation);
    must(computer_plug_in(site, computer, &err, "state=pre hello=manual"));
    must(agent_peer_open(&peer, site, NULL, &err));
    return peer;
}

void agent_enrols(struct site *site, struct agent_peer *peer, const struct computer *computer,
                  const struct secret *token)
{
    struct message message = agent_enrol(site, computer, token, SETUP_PRE);

    agent_says(peer, &message, MESSAGE_ENROLLED);
}

struct agent_peer *agent_enrolled(struct site *site, struct computer *computer, unsigned index,
                                  const char *generation, const char *token_name)
{
    struct agent_peer *peer = agent_open(site, computer, index, generation);
    AUTO(secret_free) struct secret *token = token_make(site, token_name, NULL);

    agent_enrols(site, peer, computer, token);
    return peer;
}

void agent_registers(struct agent_peer *peer, const struct computer *computer, struct one_time_password *otp)
{
    struct message message;

    one_time_password_make(otp);
    message = agent_register(computer, otp);
    agent_says(peer, &message, MESSAGE_OTP_REGISTERED);
}

void begin_setup(struct site *site, const struct computer *computer, const char *otp)
{
    struct error err = { 0 };

    must(simulator_control(site->simulator, NULL, &err, "set %s otp=%s state=in", computer->uuid, otp));
}

void agent_announces(struct agent_peer *peer, const struct computer *computer)
{
    struct message message = agent_activated(computer);

    agent_says(peer, &message, MESSAGE_NOTED);
}

int agent_story_begin(void **state)
{
    static const char *const server_settings[] = { "job.attempts = 3", "job.retry_delay = 5s",
                                                   "log.level = debug", NULL };
    static const char *const point_settings[] = { "point.subnets = 127.0.0.0/8", NULL };
    const struct site_options options = { .server_settings = server_settings,
                                          .point_settings = point_settings };

    return scenario_begin(state, &options);
}
