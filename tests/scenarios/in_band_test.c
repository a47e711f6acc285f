/*
 * in_band_test.c - spec chapter 3 as the site server and the service points live it: enrolment, policy,
 * one-time passwords, and the proof that the firmware is the agent's computer's.
 *
 * The agent is the test's own, so that it can say what no honest one says. Its computer's firmware is the
 * simulator's: what the agent would write through the host interface, the test sets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "support/agent_peer.h"
#include "support/expect.h"

/* A token of the site, or of one computer; the caller ends it with secret_free(). */
static struct secret *make_token(struct site *site, const char *name, const char *owner)
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

/* An answer of that kind, or the test ends. */
static void expect_answer(struct agent_peer *peer, const struct message *question, enum message_kind kind,
                          struct message *answer)
{
    struct error err = { 0 };

    must(agent_peer_ask(peer, question, answer, &err));
    if (answer->kind != kind)
        fail_msg("%s was answered %s: %s", message_kind_name(question->kind), message_kind_name(answer->kind),
                 answer->kind == MESSAGE_REFUSED ? answer->refused.text : "");
}

static void say(struct agent_peer *peer, const struct message *question, enum message_kind kind)
{
    AUTO(message_free) struct message answer = { 0 };

    expect_answer(peer, question, kind, &answer);
}

static void expect_refused(struct agent_peer *peer, const struct message *question, enum reason_code reason)
{
    AUTO(message_free) struct message answer = { 0 };

    expect_answer(peer, question, MESSAGE_REFUSED, &answer);
    assert_string_equal(reason_of(answer.refused.reason)->name, reason_of(reason)->name);
}

static void expect_policy(struct agent_peer *peer, enum reason_code reason)
{
    const struct message question = { .kind = MESSAGE_POLICY_WANTED };
    AUTO(message_free) struct message answer = { 0 };

    expect_answer(peer, &question, MESSAGE_POLICY, &answer);
    assert_string_equal(reason_of(answer.policy.reason)->name, reason_of(reason)->name);
    assert_true(answer.policy.provision == (reason == REASON_NONE));
    assert_int_equal(answer.policy.root_hash_count > 0, reason == REASON_NONE);
}

/* A computer that nobody imported, before its setup, and the agent that runs on it. */
static struct agent_peer *open_agent(struct site *site, struct computer *computer, unsigned index,
                                     const char *generation)
{
    struct agent_peer *peer = NULL;
    struct error err = { 0 };

    computer_plan(computer, site, index, generation);
    must(computer_plug_in(site, computer, &err, "state=pre hello=manual"));
    must(agent_peer_open(&peer, site, NULL, &err));
    return peer;
}

static void enrol(struct site *site, struct agent_peer *peer, const struct computer *computer,
                  const struct secret *token)
{
    struct message message = agent_enrol(site, computer, token, SETUP_PRE);

    say(peer, &message, MESSAGE_ENROLLED);
}

static void register_password(struct agent_peer *peer, const struct computer *computer,
                              struct one_time_password *otp)
{
    struct message message;

    one_time_password_make(otp);
    message = agent_register(computer, otp);
    say(peer, &message, MESSAGE_OTP_REGISTERED);
}

/* SetProvisioningServerOTP and StartConfigurationEx, as the firmware carries them out. */
static void begin_setup(struct site *site, const struct computer *computer, const char *otp)
{
    struct error err = { 0 };

    must(simulator_control(site->simulator, NULL, &err, "set %s otp=%s state=in", computer->uuid, otp));
}

static void announce(struct agent_peer *peer, const struct computer *computer)
{
    struct message message = agent_activated(computer);

    say(peer, &message, MESSAGE_NOTED);
}

static void expect_nothing_written(struct site *site, const struct computer *computer)
{
    assert_int_equal(state_number(site, computer, "counters.writes"), 0);
}

/* A password of people's own choice, which must not reach a stranger even in pieces. */
#define ACCOUNT_PASSWORD "Pe0ple-choose-this"

static void add_secret_account(struct site *site)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    const char *const words[] = { "account", "add", "field", "--password-file", "-", NULL };
    struct error err = { 0 };

    must(site_amtctl_result(site, &result, ACCOUNT_PASSWORD "\n", words, &err));
    if (result.exit_status != 0)
        fail_msg("amtctl account add: %s", result.errors);
}

static bool only_looks(const char *action, size_t length)
{
    static const char *const looks[] = { "/transfer/Get", "/enumeration/Enumerate", "/enumeration/Pull",
                                         "/AMT_SetupAndConfigurationService/GetUuid" };

    for (size_t i = 0; i < COUNT_OF(looks); i++) {
        size_t tail = strlen(looks[i]);

        if (length >= tail && memcmp(action + length - tail, looks[i], tail) == 0)
            return true;
    }
    return false;
}

/* Of all that the rogue received (DSP0226: the action of every request). */
static void expect_only_questions(const char *path)
{
    static const char opening[] = "<wsa:Action>";
    AUTO(text_free) char *said = NULL;
    struct error err = { 0 };

    must(file_read(path, &said, NULL, &err));
    assert_non_null(strstr(said, opening)); /* it was asked at all */
    for (char *at = said; (at = strstr(at, opening)); at++) {
        char *action = at + strlen(opening);
        size_t length = strcspn(action, "<");

        if (!only_looks(action, length))
            fail_msg("the rogue was sent %.*s; see %s", (int)length, action, path);
    }
}

static void expect_not_in(const char *text, const char *secret, const char *what, const char *path)
{
    AUTO(text_free) char *encoded = base64_encode(secret, strlen(secret));

    if (strstr(text, secret) || strstr(text, encoded))
        fail_msg("%s was sent to the rogue; see %s", what, path);
}

static void expect_no_secret(struct site *site, const struct computer *computer,
                             const struct one_time_password *otp, const char *path)
{
    AUTO(text_free) char *said = NULL;
    AUTO(text_free) char *admin = NULL;
    struct error err = { 0 };

    must(file_read(path, &said, NULL, &err));
    must(site_amtctl(site, &admin, &err, "secret", "show", computer->uuid, "admin", NULL));
    admin[strcspn(admin, "\n")] = '\0';
    assert_true(strlen(admin) >= 8);
    expect_not_in(said, admin, "the new admin password", path);
    expect_not_in(said, otp->text, "the one-time password", path);
    expect_not_in(said, ACCOUNT_PASSWORD, "the password of an account", path);
}

/* The number of the computer's job, borrowed until the next call. */
static const char *sql_number_of(struct site *site, const char *uuid)
{
    static char number[24];
    AUTO(text_free) char *answer = sql_answer(site, "SELECT max(id) FROM amt.job WHERE uuid = '%s'", uuid);

    snprintf(number, sizeof(number), "%s", answer);
    return number;
}

/* ---- the way it is meant ---- */

/* Spec I1 to I12. */
static void a_computer_that_nobody_imported_is_provisioned_by_its_agent(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct one_time_password otp;
    struct computer computer;

    peer = open_agent(site, &computer, 1, "16.1");
    token = make_token(site, "first", NULL);
    enrol(site, peer, &computer, token);
    expect_policy(peer, REASON_NONE);
    register_password(peer, &computer, &otp);
    expect_sql(site, "registered", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'",
               computer.uuid);
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "used", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "in band otp",
               "SELECT management || ' ' || proven_by FROM amt.computer_identity WHERE uuid = '%s'",
               computer.uuid);
    expect_sql(site, "done",
               "SELECT outcome FROM amt.job_step WHERE number = 'I4' AND job IN (SELECT id FROM amt.job "
               "WHERE uuid = '%s')",
               computer.uuid);
    expect_sql(site, "agent", "SELECT requested_by FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1 good", "SELECT uses || ' ' || state FROM amt.enrolment_token WHERE name = 'first'");
}

/* Spec I5, I10: an imported computer waits for its Hello until an operator leaves it to its agent. */
static void an_operator_moves_a_computer_between_its_agent_and_its_hellos(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering;
    struct error err = { 0 };

    peer = open_agent(site, &computer, 2, "15.0");
    must(computers_import(site, &computer, 1, &err));
    token = make_token(site, "moving", NULL);
    enrol(site, peer, &computer, token);
    expect_policy(peer, REASON_MANAGED_OUT_OF_BAND);
    one_time_password_make(&otp);
    registering = agent_register(&computer, &otp);
    expect_refused(peer, &registering, REASON_MANAGED_OUT_OF_BAND);

    must(site_amtctl(site, NULL, &err, "computer", "in-band", computer.uuid, NULL));
    expect_policy(peer, REASON_NONE);
    say_hello(site, &computer);
    expect_sql(site, "discarded managed-in-band",
               "SELECT verdict || ' ' || reason_code FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    register_password(peer, &computer, &otp);

    must(site_amtctl(site, NULL, &err, "computer", "out-of-band", computer.uuid, NULL));
    expect_policy(peer, REASON_MANAGED_OUT_OF_BAND);
    expect_sql(site, "replaced", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'", computer.uuid);
    say_hello_until(site, &computer, "provisioned",
                    "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    expect_provisioned(site, &computer);
    expect_sql(site, "out of band import",
               "SELECT management || ' ' || proven_by FROM amt.computer_identity WHERE uuid = '%s'",
               computer.uuid);
}

/* Spec I5: anybody can say Hello in the computer's name; its agent alone says where it is. */
static void a_hello_from_elsewhere_does_not_move_a_computer_that_is_managed_in_band(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer, rogue;
    struct one_time_password otp;
    struct error err = { 0 };

    peer = open_agent(site, &computer, 42, "16.1");
    token = make_token(site, "elsewhere", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &otp);
    computer_plan(&rogue, site, 43, "16.1");
    strcpy(rogue.uuid, computer.uuid);
    must(computer_plug_in(site, &rogue, &err, "twin=yes hello=manual"));
    strcpy(rogue.uuid, rogue.address); /* as the simulator tells the two apart */
    say_hello(site, &rogue);
    expect_sql(site, rogue.address, "SELECT address FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, computer.address, "SELECT address FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_sql(site, "otp", "SELECT proven_by FROM amt.computer_identity WHERE uuid = '%s'", computer.uuid);
    assert_int_equal(state_number(site, &rogue, "counters.connections"), 0);
}

/* Spec I3: nothing of the dialogue lives in the site server. */
static void a_restart_of_the_site_between_any_two_messages_is_not_noticed(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct error err = { 0 };

    peer = open_agent(site, &computer, 3, "11.8");
    token = make_token(site, "restarts", NULL);
    for (unsigned message = 0; message < 4; message++) {
        assert_true(process_stop(&site->server));
        must(site_start_server(site, &err));
        if (message == 0)
            enrol(site, peer, &computer, token);
        else if (message == 1)
            expect_policy(peer, REASON_NONE);
        else if (message == 2)
            register_password(peer, &computer, &otp);
        else
            begin_setup(site, &computer, otp.text), announce(peer, &computer);
    }
    assert_true(process_stop(&site->server));
    must(site_start_server(site, &err));
    expect_provisioned(site, &computer);
}

/* Answers get lost: each message may come again, and the job is the one job. */
static void every_message_may_be_repeated(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering;

    peer = open_agent(site, &computer, 4, "12.0");
    token = make_token(site, "repeated", NULL);
    enrol(site, peer, &computer, token);
    enrol(site, peer, &computer, NULL); /* bound by now */
    expect_policy(peer, REASON_NONE);
    expect_policy(peer, REASON_NONE);
    register_password(peer, &computer, &otp);
    registering = agent_register(&computer, &otp);
    say(peer, &registering, MESSAGE_OTP_REGISTERED);
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    announce(peer, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "1", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT count(*) FROM amt.one_time_password WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT uses FROM amt.enrolment_token WHERE name = 'repeated'");
}

/* The agent was stopped behind OTP_REGISTER: its next run knows no password, and makes another. */
static void a_new_registration_replaces_the_former_one(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password former, otp;

    peer = open_agent(site, &computer, 5, "14.0");
    token = make_token(site, "replaced", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &former);
    register_password(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "replaced used",
               "SELECT string_agg(state, ' ' ORDER BY id) FROM amt.one_time_password WHERE uuid = '%s'",
               computer.uuid);
}

/* Firmware before 6.0 is asked over its older interface. */
static void firmware_of_the_older_interface_tells_its_password_too(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;

    peer = open_agent(site, &computer, 6, "5.2");
    token = make_token(site, "older", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "otp", "SELECT proven_by FROM amt.computer_identity WHERE uuid = '%s'", computer.uuid);
}

/* ---- policy ---- */

static void the_policy_of_profile_and_computer_is_what_the_agent_is_told(void **state)
{
    const struct message question = { .kind = MESSAGE_POLICY_WANTED };
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    AUTO(message_free) struct message answer = { 0 };
    AUTO(message_free) struct message without = { 0 };
    AUTO(text_free) char *other = text_format("SHA-256:%064d", 7);
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering;
    struct error err = { 0 };

    peer = open_agent(site, &computer, 7, "16.1");
    token = make_token(site, "policy", NULL);
    enrol(site, peer, &computer, token);
    must(site_amtctl(site, NULL, &err, "profile", "in-band", "default", "--provision", "off", NULL));
    expect_policy(peer, REASON_PROVISIONING_OFF);
    one_time_password_make(&otp);
    registering = agent_register(&computer, &otp);
    expect_refused(peer, &registering, REASON_PROVISIONING_OFF);
    must(site_amtctl(site, NULL, &err, "computer", "policy", computer.uuid, "--provision", "on",
                     "--enable-amt", "on", NULL));
    expect_answer(peer, &question, MESSAGE_POLICY, &answer);
    assert_true(answer.policy.provision);
    assert_true(answer.policy.enable_amt);
    assert_int_equal(answer.policy.come_back_s, 14400);
    must(site_amtctl(site, NULL, &err, "profile", "in-band", "default", other, NULL));
    expect_answer(peer, &question, MESSAGE_POLICY, &without); /* none of ours is among those that count */
    assert_false(without.policy.provision);
    assert_int_equal(without.policy.reason, REASON_NO_SERVICE_POINT);
    must(site_amtctl(site, NULL, &err, "profile", "in-band", "default", NULL));
    must(site_amtctl(site, NULL, &err, "computer", "block", computer.uuid, NULL));
    expect_policy(peer, REASON_BLOCKED);
}

/* Spec I1: "A check that fails is reported to the site server and shown in SQL, with the reason." */
static void a_check_that_fails_is_shown_with_the_computer(void **state)
{
    struct message failed = { .kind = MESSAGE_CHECK_FAILED,
                              .check_failed = { REASON_NO_COMMON_ROOT, (char *)"23 roots, none of them ours",
                                                0 } };
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;

    peer = open_agent(site, &computer, 8, "9.0");
    token = make_token(site, "checks", NULL);
    enrol(site, peer, &computer, token);
    say(peer, &failed, MESSAGE_NOTED);
    expect_outcome(site, &computer, "detected", "no-common-root");
    expect_sql(site, "t",
               "SELECT reason LIKE '23 roots, none of them ours; %%' FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    expect_sql(site, "no-common-root", "SELECT check_reason_code FROM amt.agent WHERE uuid = '%s'",
               computer.uuid);
    failed.check_failed =
        (struct message_check_failed){ REASON_NO_HOST_INTERFACE, (char *)"no /dev/mei0", 0 };
    say(peer, &failed, MESSAGE_NOTED);
    expect_outcome(site, &computer, "not supported", "no-host-interface");
    failed.check_failed = (struct message_check_failed){ REASON_BLOCKED, (char *)"so there", 3 };
    say(peer, &failed, MESSAGE_NOTED); /* not for an agent to find */
    expect_sql(site, "activation-failed 3",
               "SELECT check_reason_code || ' ' || check_status FROM amt.agent "
               "WHERE uuid = '%s'",
               computer.uuid);
    register_password(peer, &computer, &otp);
    expect_outcome(site, &computer, "not provisioned", "");
}

/* ---- tokens and keys ---- */

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

    peer = open_agent(site, &computer, 10, "16.1");
    expired = make_token(site, "expired", NULL);
    revoked = make_token(site, "revoked", NULL);
    sql_do(site, "UPDATE amt_store.enrolment_token SET expires_at = now() WHERE name = 'expired'");
    must(site_amtctl(site, NULL, &err, "token", "revoke", "revoked", NULL));
    message = agent_enrol(site, &computer, NULL, SETUP_PRE);
    expect_refused(peer, &message, REASON_TOKEN_MISSING);
    message.enrol.token = unknown;
    expect_refused(peer, &message, REASON_TOKEN_UNKNOWN);
    message.enrol.token = expired;
    expect_refused(peer, &message, REASON_TOKEN_EXPIRED);
    message.enrol.token = revoked;
    expect_refused(peer, &message, REASON_TOKEN_REVOKED);
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

    peer = open_agent(site, &computer, 11, "16.1");
    other = open_agent(site, &second, 12, "16.1");
    token = make_token(site, "one computer", computer.uuid);
    message = agent_enrol(site, &second, token, SETUP_PRE);
    expect_refused(other, &message, REASON_TOKEN_OF_ANOTHER);
    enrol(site, peer, &computer, token);
    expect_refused(other, &message, REASON_TOKEN_OF_ANOTHER);
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

    peer = open_agent(site, &computer, 13, "16.1");
    token = make_token(site, "keys", NULL);
    enrol(site, peer, &computer, token);
    must(agent_peer_open(&other, site, NULL, &err));
    message = agent_enrol(site, &computer, token, SETUP_PRE);
    expect_refused(other, &message, REASON_BOUND_TO_ANOTHER_KEY);
    expect_refused(other, &message, REASON_BOUND_TO_ANOTHER_KEY);
    expect_refused(other, &wanted, REASON_NOT_ENROLLED);
    expect_sql(site, "bound-to-another-key 2",
               "SELECT code || ' ' || count FROM amt.alarm WHERE uuid = '%s' AND acknowledged_at IS NULL",
               computer.uuid);
    must(site_amtctl(site, NULL, &err, "computer", "unbind", computer.uuid, NULL));
    expect_refused(peer, &wanted, REASON_NOT_ENROLLED);
    message.enrol.token = NULL;
    expect_refused(other, &message, REASON_TOKEN_MISSING); /* unbound is not open to all */
    enrol(site, other, &computer, token);
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

    peer = open_agent(site, &computer, 17, "16.1");
    other = open_agent(site, &second, 18, "16.1");
    token = make_token(site, "names", NULL);
    enrol(site, peer, &computer, token);
    message = agent_enrol(site, &second, token, SETUP_PRE);
    message.enrol.fqdn = computer.fqdn;
    expect_refused(other, &message, REASON_NAME_TAKEN);
    message.enrol.fqdn = NULL;
    say(other, &message, MESSAGE_ENROLLED);
    expect_sql(site, second.uuid, "SELECT fqdn FROM amt.computer WHERE uuid = '%s'", second.uuid);
    expect_policy(other, REASON_NAME_MISSING);
    message.enrol.fqdn = second.fqdn;
    say(other, &message, MESSAGE_ENROLLED);
    expect_sql(site, second.fqdn, "SELECT fqdn FROM amt.computer WHERE uuid = '%s'", second.uuid);
    expect_policy(other, REASON_NONE);
    message.enrol.fqdn =
        (char *)"renamed.site.example.com"; /* by somebody on the computer: no operator's word */
    say(other, &message, MESSAGE_ENROLLED);
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

    peer = open_agent(site, &computer, 19, "16.1");
    token = make_token(site, "seen", NULL);
    enrol(site, peer, &computer, token);
    must(agent_peer_open(&thief, site, NULL, &err));
    message = agent_enrol(site, &computer, token, SETUP_PRE);
    expect_refused(thief, &message, REASON_BOUND_TO_ANOTHER_KEY);
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
    expect_refused(thief, &message, REASON_BOUND_TO_ANOTHER_KEY);
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

    peer = open_agent(site, &computer, 14, "16.1");
    owner = open_agent(site, &second, 15, "16.1");
    token = make_token(site, "liars", NULL);
    enrol(site, peer, &computer, token);
    enrol(site, owner, &second, token);
    message = agent_enrol(site, &second, token, SETUP_PRE);
    expect_refused(peer, &message, REASON_KEY_OF_ANOTHER);
    one_time_password_make(&otp);
    message = agent_register(&second, &otp);
    expect_refused(peer, &message, REASON_KEY_OF_ANOTHER);
    message = agent_activated(&second);
    expect_refused(peer, &message, REASON_KEY_OF_ANOTHER);
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

    peer = open_agent(site, &computer, 16, "16.1");
    expect_refused(peer, &wanted, REASON_NOT_ENROLLED);
    expect_refused(peer, &failed, REASON_NOT_ENROLLED);
    one_time_password_make(&otp);
    message = agent_register(&computer, &otp);
    expect_refused(peer, &message, REASON_NOT_ENROLLED);
    message = agent_activated(&computer);
    expect_refused(peer, &message, REASON_NOT_ENROLLED);
    expect_refused(peer, &heartbeat, REASON_MESSAGE_REFUSED); /* a service point's */
    expect_sql(site, "0", "SELECT count(*) FROM amt.computer WHERE uuid = '%s'", computer.uuid);
}

/* ---- one-time passwords ---- */

/* Spec I4: "Mismatch or none: nothing has been written, job failed, alarm in SQL." */
static void firmware_with_another_password_is_left_as_it_is(void **state)
{
    static const char *const held[] = { "not-the-one-that-was-registered", "" };
    struct site *site = *state;
    AUTO(secret_free) struct secret *token = make_token(site, "mismatch", NULL);

    for (unsigned i = 0; i < COUNT_OF(held); i++) {
        AUTO(agent_peer_close) struct agent_peer *peer = NULL;
        struct computer computer;
        struct one_time_password otp;

        peer = open_agent(site, &computer, 20 + i, i ? "12.0" : "16.1");
        enrol(site, peer, &computer, token);
        register_password(peer, &computer, &otp);
        begin_setup(site, &computer, held[i]);
        announce(peer, &computer);
        expect_outcome(site, &computer, "detected", "identity-not-proven");
        expect_nothing_written(site, &computer);
        expect_sql(site, "failed 1", "SELECT state || ' ' || attempt FROM amt.job WHERE uuid = '%s'",
                   computer.uuid);
        expect_sql(site, "refused", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'",
                   computer.uuid);
        expect_sql(site, "identity-not-proven 1",
                   "SELECT code || ' ' || count FROM amt.alarm WHERE uuid = '%s' AND acknowledged_at IS NULL",
                   computer.uuid);
        expect_sql(site, "t", "SELECT proven_by IS NULL FROM amt.computer_identity WHERE uuid = '%s'",
                   computer.uuid);
    }
}

static void an_expired_password_begins_nothing(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message message;

    peer = open_agent(site, &computer, 22, "16.1");
    token = make_token(site, "expiry", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &otp);
    sql_do(site, "UPDATE amt_store.one_time_password SET expires_at = now() WHERE uuid = '%s'",
           computer.uuid);
    begin_setup(site, &computer, otp.text);
    message = agent_activated(&computer);
    expect_refused(peer, &message, REASON_OTP_MISSING);
    message = agent_register(&computer, &otp); /* said again it is no newer */
    expect_refused(peer, &message, REASON_OTP_USED);
    expect_sql(site, "expired 0",
               "SELECT state || ' ' || (SELECT count(*) FROM amt.job j WHERE j.uuid = o.uuid) "
               "FROM amt.one_time_password o WHERE uuid = '%s'",
               computer.uuid);
    assert_int_equal(state_number(site, &computer, "counters.connections"), 0);
}

/* The computer was in nobody's subnet until its password was good no more. */
static void a_job_whose_password_expired_ends_before_the_firmware_is_asked(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct error err = { 0 };

    peer = open_agent(site, &computer, 27, "16.1");
    token = make_token(site, "too late", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    assert_true(process_stop(&site->points[0].process));
    announce(peer, &computer);
    expect_sql(site, "waiting", "SELECT state FROM amt.job WHERE uuid = '%s'", computer.uuid);
    sql_do(site, "UPDATE amt_store.one_time_password SET expires_at = now() WHERE uuid = '%s'",
           computer.uuid);
    must(site_start_point(site, 0, &err));
    expect_outcome(site, &computer, "not provisioned", "otp-missing");
    assert_int_equal(state_number(site, &computer, "counters.connections"), 0);
}

static void former_passwords_of_a_computer_are_forgotten_after_a_while(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;

    peer = open_agent(site, &computer, 28, "16.1");
    token = make_token(site, "many", NULL);
    enrol(site, peer, &computer, token);
    for (unsigned i = 0; i < 30; i++)
        register_password(peer, &computer, &otp);
    expect_sql(
        site, "20 1",
        "SELECT count(*) || ' ' || count(*) FILTER (WHERE state = 'registered') FROM amt.one_time_password "
        "WHERE uuid = '%s'",
        computer.uuid);
}

/* Everything that was said once is said again, by the agent's own key: nothing comes of it. */
static void a_recorded_exchange_is_worth_nothing(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    AUTO(text_free) char *before = NULL;
    AUTO(text_free) char *after = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering, activated;

    peer = open_agent(site, &computer, 23, "16.1");
    token = make_token(site, "replay", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_provisioned(site, &computer);
    before = state_text(site, &computer, "counters.connections");
    enrol(site, peer, &computer, token);
    registering = agent_register(&computer, &otp);
    expect_refused(peer, &registering, REASON_OTP_USED);
    activated = agent_activated(&computer);
    expect_refused(peer, &activated, REASON_OTP_MISSING);
    expect_sql(site, "1 provisioned",
               "SELECT (SELECT count(*) FROM amt.job j WHERE j.uuid = c.uuid) || ' ' || "
               "amt_status_name FROM amt.computer c WHERE uuid = '%s'",
               computer.uuid);
    after = state_text(site, &computer, "counters.connections");
    assert_string_equal(before, after);
}

/* Spec I3: the hash is the computer's that registered it. */
static void a_password_of_another_computer_proves_nothing(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(agent_peer_close) struct agent_peer *other = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer, second;
    struct one_time_password otp, others;

    peer = open_agent(site, &computer, 24, "16.1");
    other = open_agent(site, &second, 25, "16.1");
    token = make_token(site, "others", NULL);
    enrol(site, peer, &computer, token);
    enrol(site, other, &second, token);
    register_password(peer, &computer, &otp);
    register_password(other, &second, &others);
    begin_setup(site, &computer, others.text);
    announce(peer, &computer);
    expect_outcome(site, &computer, "detected", "identity-not-proven");
    expect_nothing_written(site, &computer);
}

/*
 * Spec I4, with the eyes of whoever answers at the computer's address: it has the UUID, takes our
 * provisioning certificate and every password, or refuses them; it does not know the one-time password.
 */
static void a_rogue_device_at_the_computers_address_is_told_nothing(void **state)
{
    static const struct {
        const char *words, *reason;
    } rogues[] = {
        { "challenge=no", "identity-not-proven" },
        { "challenge=yes", "identity-not-proven" },
        { "challenge=yes admin-password=Wr0ng!Word", "no-account-accepted" },
    };
    struct site *site = *state;
    AUTO(secret_free) struct secret *token = make_token(site, "rogues", NULL);
    struct error err = { 0 };

    add_secret_account(site);
    for (unsigned i = 0; i < COUNT_OF(rogues); i++) {
        AUTO(agent_peer_close) struct agent_peer *peer = NULL;
        AUTO(text_free) char *name = text_format("rogue-%u.transcript", i);
        AUTO(text_free) char *transcript = site_path(site, name);
        AUTO(text_free)
        char *words = text_format("state=in hello=manual transcript=%s %s", transcript, rogues[i].words);
        struct computer computer;
        struct one_time_password otp;

        computer_plan(&computer, site, 30 + i, "16.1");
        must(computer_plug_in(site, &computer, &err, words)); /* the rogue; the computer itself is nowhere */
        must(agent_peer_open(&peer, site, NULL, &err));
        enrol(site, peer, &computer, token);
        register_password(peer, &computer, &otp);
        announce(peer, &computer);
        expect_outcome(site, &computer, "detected", rogues[i].reason);
        expect_nothing_written(site, &computer);
        expect_only_questions(transcript);
        expect_no_secret(site, &computer, &otp, transcript);
        expect_sql(site, "t", "SELECT proven_by IS NULL FROM amt.computer_identity WHERE uuid = '%s'",
                   computer.uuid);
    }
}

/* Spec I3: "a service point that serves the computer's subnet". */
static void a_job_waits_for_a_service_point_that_serves_the_wired_address(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering, activated;
    struct error err = { 0 };

    peer = open_agent(site, &computer, 40, "16.1");
    token = make_token(site, "subnets", NULL);
    enrol(site, peer, &computer, token);
    one_time_password_make(&otp);
    registering = agent_register(&computer, &otp);
    registering.otp_register.wired = (struct wired_address){ (char *)"10.1.2.17", 24 };
    say(peer, &registering, MESSAGE_OTP_REGISTERED);
    begin_setup(site, &computer, otp.text);
    activated = agent_activated(&computer);
    activated.activated.wired = (struct wired_address){ NULL, 0 }; /* where OTP_REGISTER said */
    say(peer, &activated, MESSAGE_NOTED);
    expect_sql(site, "waiting no-service-point",
               "SELECT state || ' ' || reason_code FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "t",
               "SELECT reason LIKE 'no service point serves 10.1.2.0/24; %%' FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    registering = agent_register(&computer, &otp);
    must(site_amtctl(site, NULL, &err, "job", "cancel", sql_number_of(site, computer.uuid), NULL));
    expect_sql(site, "used", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'", computer.uuid);
    register_password(peer, &computer, &otp); /* the agent comes back, the cable is in another subnet now */
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_provisioned(site, &computer);
}

/* What an agent says of its subnet is for people; the jobs of others do not hang on it. */
static void a_prefix_that_fits_no_address_keeps_nobody_waiting(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message activated;

    peer = open_agent(site, &computer, 41, "16.1");
    token = make_token(site, "prefix", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &otp);
    sql_do(site, "UPDATE amt_store.agent SET wired_prefix_bits = 64 WHERE uuid = '%s'", computer.uuid);
    begin_setup(site, &computer, otp.text);
    activated = agent_activated(&computer);
    activated.activated.wired = (struct wired_address){ NULL, 0 };
    say(peer, &activated, MESSAGE_NOTED);
    expect_provisioned(site, &computer);
}

static void a_job_that_waits_ends_when_the_agent_registers_anew(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct error err = { 0 };

    peer = open_agent(site, &computer, 26, "16.1");
    token = make_token(site, "anew", NULL);
    enrol(site, peer, &computer, token);
    register_password(peer, &computer, &otp);
    must(simulator_control(site->simulator, NULL, &err, "misbehave %s refuse-tls", computer.uuid));
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_sql(site, "waiting tls-failed",
               "SELECT state || ' ' || coalesce(reason_code, '') FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    register_password(peer, &computer, &otp);
    expect_sql(site, "cancelled", "SELECT state FROM amt.job WHERE uuid = '%s'", computer.uuid);
    must(simulator_control(site->simulator, NULL, &err, "behave %s", computer.uuid));
    begin_setup(site, &computer, otp.text);
    announce(peer, &computer);
    expect_provisioned(site, &computer);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.attempts = 3", "job.retry_delay = 5s",
                                                   "log.level = debug", NULL };
    static const char *const point_settings[] = { "point.subnets = 127.0.0.0/8", NULL };
    const struct site_options options = { .server_settings = server_settings,
                                          .point_settings = point_settings };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_that_nobody_imported_is_provisioned_by_its_agent),
        cmocka_unit_test(an_operator_moves_a_computer_between_its_agent_and_its_hellos),
        cmocka_unit_test(a_hello_from_elsewhere_does_not_move_a_computer_that_is_managed_in_band),
        cmocka_unit_test(a_restart_of_the_site_between_any_two_messages_is_not_noticed),
        cmocka_unit_test(every_message_may_be_repeated),
        cmocka_unit_test(a_new_registration_replaces_the_former_one),
        cmocka_unit_test(firmware_of_the_older_interface_tells_its_password_too),
        cmocka_unit_test(the_policy_of_profile_and_computer_is_what_the_agent_is_told),
        cmocka_unit_test(a_check_that_fails_is_shown_with_the_computer),
        cmocka_unit_test(a_token_that_is_not_good_enrols_nobody),
        cmocka_unit_test(a_token_of_one_computer_enrols_no_other),
        cmocka_unit_test(another_key_for_a_bound_uuid_is_refused_until_an_operator_unbinds_it),
        cmocka_unit_test(an_agent_names_its_computer_where_nobody_else_did),
        cmocka_unit_test(an_operator_sees_tokens_agents_and_alarms),
        cmocka_unit_test(a_bound_key_cannot_speak_for_another_computer),
        cmocka_unit_test(a_stranger_is_heard_enrol_and_nothing_else),
        cmocka_unit_test(firmware_with_another_password_is_left_as_it_is),
        cmocka_unit_test(an_expired_password_begins_nothing),
        cmocka_unit_test(a_job_whose_password_expired_ends_before_the_firmware_is_asked),
        cmocka_unit_test(former_passwords_of_a_computer_are_forgotten_after_a_while),
        cmocka_unit_test(a_recorded_exchange_is_worth_nothing),
        cmocka_unit_test(a_password_of_another_computer_proves_nothing),
        cmocka_unit_test(a_rogue_device_at_the_computers_address_is_told_nothing),
        cmocka_unit_test(a_job_waits_for_a_service_point_that_serves_the_wired_address),
        cmocka_unit_test(a_prefix_that_fits_no_address_keeps_nobody_waiting),
        cmocka_unit_test(a_job_that_waits_ends_when_the_agent_registers_anew),
    };

    return cmocka_run_group_tests_name("in band", tests, begin, scenario_end);
}
