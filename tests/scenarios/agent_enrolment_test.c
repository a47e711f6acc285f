/* agent_enrolment_test.c - spec 3, "Agents authenticate": tokens, and keys that are bound to computers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/agent_story.h"
#include "support/expect.h"

static void a_token_that_is_not_good_enrols_nobody(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *expired = NULL;
    AUTO(secret_free) struct secret *revoked = NULL;
    AUTO(secret_free) struct secret *unknown = secret_from_text("0123456789abcdef0123456789abcdef");
    struct site *site = *state;
    struct computer computer;
    struct message message;
    struct error err = { 0 };

    peer = agent_open(site, &computer, 10, "16.1");
    expired = token_make(site, "expired", NULL);
    revoked = token_make(site, "revoked", NULL);
    sql_do(site, "UPDATE amt_store.enrolment_token SET expires_at = now() WHERE name = 'expired'");
    must(site_amtctl(site, NULL, &err, "token", "revoke", "revoked", NULL));
    message = agent_enrol(site, &computer, NULL, SETUP_PRE);
    expect_agent_refused(peer, &message, REASON_TOKEN_MISSING);
    message.enrol.token = unknown;
    expect_agent_refused(peer, &message, REASON_TOKEN_UNKNOWN);
    message.enrol.token = expired;
    expect_agent_refused(peer, &message, REASON_TOKEN_EXPIRED);
    message.enrol.token = revoked;
    expect_agent_refused(peer, &message, REASON_TOKEN_REVOKED);
    expect_sql(site, "0 0",
               "SELECT (SELECT count(*) FROM amt.computer WHERE uuid = '%s') || ' ' || "
               "(SELECT count(*) FROM amt.agent WHERE uuid = '%s')",
               computer.uuid, computer.uuid);
}

static void a_token_of_one_computer_enrols_no_other(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(agent_peer_close) struct agent_peer *other = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer, second;
    struct message message;

    peer = agent_open(site, &computer, 11, "16.1");
    other = agent_open(site, &second, 12, "16.1");
    token = token_make(site, "one computer", computer.uuid);
    message = agent_enrol(site, &second, token, SETUP_PRE);
    expect_agent_refused(other, &message, REASON_TOKEN_OF_ANOTHER);
    agent_enrols(site, peer, &computer, token);
    expect_agent_refused(other, &message, REASON_TOKEN_OF_ANOTHER);
    expect_sql(site, "0", "SELECT count(*) FROM amt.agent WHERE uuid = '%s'", second.uuid);
}

static void another_key_for_a_bound_uuid_is_refused_until_an_operator_unbinds_it(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(agent_peer_close) struct agent_peer *other = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct message message;
    struct message wanted = { .kind = MESSAGE_POLICY_WANTED };
    struct error err = { 0 };

    peer = agent_open(site, &computer, 13, "16.1");
    token = token_make(site, "keys", NULL);
    agent_enrols(site, peer, &computer, token);
    must(agent_peer_open(&other, site, NULL, &err));
    message = agent_enrol(site, &computer, token, SETUP_PRE);
    expect_agent_refused(other, &message, REASON_BOUND_TO_ANOTHER_KEY);
    expect_agent_refused(other, &message, REASON_BOUND_TO_ANOTHER_KEY);
    expect_agent_refused(other, &wanted, REASON_NOT_ENROLLED);
    expect_sql(site, "bound-to-another-key 2",
               "SELECT code || ' ' || count FROM amt.alarm WHERE uuid = '%s' AND acknowledged_at IS NULL",
               computer.uuid);
    must(site_amtctl(site, NULL, &err, "computer", "unbind", computer.uuid, NULL));
    expect_agent_refused(peer, &wanted, REASON_NOT_ENROLLED);
    message.enrol.token = NULL;
    expect_agent_refused(other, &message, REASON_TOKEN_MISSING); /* unbound is not open to all */
    agent_enrols(site, other, &computer, token);
    expect_policy(other, REASON_NONE);
}

/* Spec I10: a name is one computer's; one without a name is known, but not provisioned. */
static void an_agent_names_its_computer_where_nobody_else_did(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(agent_peer_close) struct agent_peer *other = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer, second;
    struct message message;

    peer = agent_open(site, &computer, 17, "16.1");
    other = agent_open(site, &second, 18, "16.1");
    token = token_make(site, "names", NULL);
    agent_enrols(site, peer, &computer, token);
    message = agent_enrol(site, &second, token, SETUP_PRE);
    message.enrol.fqdn = computer.fqdn;
    expect_agent_refused(other, &message, REASON_NAME_TAKEN);
    message.enrol.fqdn = NULL;
    agent_says(other, &message, MESSAGE_ENROLLED);
    expect_sql(site, second.uuid, "SELECT fqdn FROM amt.computer WHERE uuid = '%s'", second.uuid);
    expect_policy(other, REASON_NAME_MISSING);
    message.enrol.fqdn = second.fqdn;
    agent_says(other, &message, MESSAGE_ENROLLED);
    expect_sql(site, second.fqdn, "SELECT fqdn FROM amt.computer WHERE uuid = '%s'", second.uuid);
    expect_policy(other, REASON_NONE);
    message.enrol.fqdn =
        (char *)"renamed.site.example.com"; /* by somebody on the computer: no operator's word */
    agent_says(other, &message, MESSAGE_ENROLLED);
    expect_sql(site, second.fqdn, "SELECT fqdn FROM amt.computer WHERE uuid = '%s'", second.uuid);
}

/* What an operator types about it; the last command of the test shuts the alarm up. */
static void an_operator_sees_tokens_agents_and_alarms(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(agent_peer_close) struct agent_peer *thief = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    AUTO(text_free) char *tokens = NULL;
    AUTO(text_free) char *agents = NULL;
    AUTO(text_free) char *alarms = NULL;
    AUTO(text_free) char *summary = NULL;
    AUTO(text_free) char *shown = NULL;
    AUTO(text_free) char *number = NULL;
    struct site *site = *state;
    struct computer computer;
    struct message message;
    struct error err = { 0 };

    peer = agent_open(site, &computer, 19, "16.1");
    token = token_make(site, "seen", NULL);
    agent_enrols(site, peer, &computer, token);
    must(agent_peer_open(&thief, site, NULL, &err));
    message = agent_enrol(site, &computer, token, SETUP_PRE);
    expect_agent_refused(thief, &message, REASON_BOUND_TO_ANOTHER_KEY);
    must(site_amtctl(site, &tokens, &err, "token", "list", NULL));
    assert_non_null(strstr(tokens, "seen"));
    assert_null(strstr(tokens, secret_reveal(token)));
    must(site_amtctl(site, &agents, &err, "agent", "list", "--search", computer.fqdn, NULL));
    assert_non_null(strstr(agents, computer.address));
    must(site_amtctl(site, &shown, &err, "computer", "show", computer.uuid, NULL));
    assert_non_null(strstr(shown, agent_peer_key(peer)));
    must(site_amtctl(site, &alarms, &err, "alarm", "list", NULL));
    assert_non_null(strstr(alarms, "bound-to-another-key"));
    assert_non_null(strstr(alarms, agent_peer_key(thief)));
    must(site_amtctl(site, &summary, &err, "summary", NULL));
    assert_non_null(strstr(summary, "alarms"));
    number = sql_answer(site, "SELECT id FROM amt.alarm WHERE uuid = '%s'", computer.uuid);
    must(site_amtctl(site, NULL, &err, "alarm", "acknowledge", number, NULL));
    expect_sql(site, "operator", "SELECT acknowledged_by FROM amt.alarm WHERE uuid = '%s'", computer.uuid);
    expect_agent_refused(thief, &message, REASON_BOUND_TO_ANOTHER_KEY);
    expect_sql(site, "2", "SELECT count(*) FROM amt.alarm WHERE uuid = '%s'", computer.uuid);
}

/* A disk image that carries an agent's key, or an agent that lies. */
static void a_bound_key_cannot_speak_for_another_computer(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(agent_peer_close) struct agent_peer *owner = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer, second;
    struct one_time_password otp;
    struct message message;

    peer = agent_open(site, &computer, 14, "16.1");
    owner = agent_open(site, &second, 15, "16.1");
    token = token_make(site, "liars", NULL);
    agent_enrols(site, peer, &computer, token);
    agent_enrols(site, owner, &second, token);
    message = agent_enrol(site, &second, token, SETUP_PRE);
    expect_agent_refused(peer, &message, REASON_KEY_OF_ANOTHER);
    one_time_password_make(&otp);
    message = agent_register(&second, &otp);
    expect_agent_refused(peer, &message, REASON_KEY_OF_ANOTHER);
    message = agent_activated(&second);
    expect_agent_refused(peer, &message, REASON_KEY_OF_ANOTHER);
    expect_sql(site, "0 0",
               "SELECT (SELECT count(*) FROM amt.one_time_password WHERE uuid = '%s') || ' ' || "
               "(SELECT count(*) FROM amt.job WHERE uuid = '%s')",
               second.uuid, second.uuid);
    expect_sql(site, "3", "SELECT count FROM amt.alarm WHERE uuid = '%s' AND code = 'key-of-another'",
               computer.uuid);
}

static void a_stranger_is_heard_enrol_and_nothing_else(void **state)
{
    struct message failed = { .kind = MESSAGE_CHECK_FAILED,
                              .check_failed = { REASON_NO_AMT, (char *)"x", 0 } };
    struct message wanted = { .kind = MESSAGE_POLICY_WANTED };
    struct message heartbeat = { .kind = MESSAGE_HEARTBEAT };
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message message;

    peer = agent_open(site, &computer, 16, "16.1");
    expect_agent_refused(peer, &wanted, REASON_NOT_ENROLLED);
    expect_agent_refused(peer, &failed, REASON_NOT_ENROLLED);
    one_time_password_make(&otp);
    message = agent_register(&computer, &otp);
    expect_agent_refused(peer, &message, REASON_NOT_ENROLLED);
    message = agent_activated(&computer);
    expect_agent_refused(peer, &message, REASON_NOT_ENROLLED);
    expect_agent_refused(peer, &heartbeat, REASON_MESSAGE_REFUSED); /* a service point's */
    expect_sql(site, "0", "SELECT count(*) FROM amt.computer WHERE uuid = '%s'", computer.uuid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_that_is_not_good_enrols_nobody),
        cmocka_unit_test(a_token_of_one_computer_enrols_no_other),
        cmocka_unit_test(another_key_for_a_bound_uuid_is_refused_until_an_operator_unbinds_it),
        cmocka_unit_test(an_agent_names_its_computer_where_nobody_else_did),
        cmocka_unit_test(an_operator_sees_tokens_agents_and_alarms),
        cmocka_unit_test(a_bound_key_cannot_speak_for_another_computer),
        cmocka_unit_test(a_stranger_is_heard_enrol_and_nothing_else),
    };

    return cmocka_run_group_tests_name("agent enrolment", tests, agent_story_begin, scenario_end);
}
