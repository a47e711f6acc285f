/*
 * in_band_test.c - spec chapter 3 as the site server and the service points live it, the way it is meant; and
 * the policy that agents are told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/agent_story.h"
#include "support/expect.h"

/* ---- the way it is meant ---- */

/* Spec I1 to I12. */
static void a_computer_that_nobody_imported_is_provisioned_by_its_agent(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct one_time_password otp;
    struct computer computer;

    peer = agent_enrolled(site, &computer, 1, "16.1", "first");
    expect_policy(peer, REASON_NONE);
    agent_registers(peer, &computer, &otp);
    expect_sql(site, "registered", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'",
               computer.uuid);
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
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

    peer = agent_open(site, &computer, 2, "15.0");
    must(computers_import(site, &computer, 1, &err));
    token = token_make(site, "moving", NULL);
    agent_enrols(site, peer, &computer, token);
    expect_policy(peer, REASON_MANAGED_OUT_OF_BAND);
    one_time_password_make(&otp);
    registering = agent_register(&computer, &otp);
    expect_agent_refused(peer, &registering, REASON_MANAGED_OUT_OF_BAND);

    must(site_amtctl(site, NULL, &err, "computer", "in-band", computer.uuid, NULL));
    expect_policy(peer, REASON_NONE);
    say_hello(site, &computer);
    expect_sql(site, "discarded managed-in-band",
               "SELECT verdict || ' ' || reason_code FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    agent_registers(peer, &computer, &otp);

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
    struct site *site = *state;
    struct computer computer, rogue;
    struct one_time_password otp;
    struct error err = { 0 };

    peer = agent_enrolled(site, &computer, 42, "16.1", "elsewhere");
    agent_registers(peer, &computer, &otp);
    computer_plan(&rogue, site, 43, "16.1");
    strcpy(rogue.uuid, computer.uuid);
    must(computer_plug_in(site, &rogue, &err, "twin=yes hello=manual"));
    strcpy(rogue.uuid, rogue.address); /* as the simulator tells the two apart */
    say_hello(site, &rogue);
    expect_sql(site, rogue.address, "SELECT address FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, computer.address, "SELECT address FROM amt.computer WHERE uuid = '%s'", computer.uuid);
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
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

    peer = agent_open(site, &computer, 3, "11.8");
    token = token_make(site, "restarts", NULL);
    for (unsigned message = 0; message < 4; message++) {
        assert_true(process_stop(&site->server));
        must(site_start_server(site, &err));
        if (message == 0)
            agent_enrols(site, peer, &computer, token);
        else if (message == 1)
            expect_policy(peer, REASON_NONE);
        else if (message == 2)
            agent_registers(peer, &computer, &otp);
        else
            begin_setup(site, &computer, otp.text), agent_announces(peer, &computer);
    }
    assert_true(process_stop(&site->server));
    must(site_start_server(site, &err));
    expect_provisioned(site, &computer);
}

/* Answers get lost: each message may come again, and the job is the one job. */
static void every_message_may_be_repeated(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering;

    peer = agent_enrolled(site, &computer, 4, "12.0", "repeated");
    agent_enrols(site, peer, &computer, NULL); /* bound by now */
    expect_policy(peer, REASON_NONE);
    expect_policy(peer, REASON_NONE);
    agent_registers(peer, &computer, &otp);
    registering = agent_register(&computer, &otp);
    agent_says(peer, &registering, MESSAGE_OTP_REGISTERED);
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
    agent_announces(peer, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "1", "SELECT count(*) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT count(*) FROM amt.one_time_password WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "1", "SELECT uses FROM amt.enrolment_token WHERE name = 'repeated'");
}

/* The agent was stopped behind OTP_REGISTER: its next run knows no password, and makes another. */
static void a_new_registration_replaces_the_former_one(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password former, otp;

    peer = agent_enrolled(site, &computer, 5, "14.0", "replaced");
    agent_registers(peer, &computer, &former);
    agent_registers(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "replaced used",
               "SELECT string_agg(state, ' ' ORDER BY id) FROM amt.one_time_password WHERE uuid = '%s'",
               computer.uuid);
}

/* Firmware before 6.0 is asked over its older interface. */
static void firmware_of_the_older_interface_tells_its_password_too(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;

    peer = agent_enrolled(site, &computer, 6, "5.2", "older");
    agent_registers(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "otp", "SELECT proven_by FROM amt.computer_identity WHERE uuid = '%s'", computer.uuid);
}

/* ---- policy ---- */

static void the_policy_of_profile_and_computer_is_what_the_agent_is_told(void **state)
{
    const struct message question = { .kind = MESSAGE_POLICY_WANTED };
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(message_free) struct message answer = { 0 };
    AUTO(message_free) struct message without = { 0 };
    AUTO(text_free) char *other = text_format("SHA-256:%064d", 7);
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering;
    struct error err = { 0 };

    peer = agent_enrolled(site, &computer, 7, "16.1", "policy");
    must(site_amtctl(site, NULL, &err, "profile", "in-band", "default", "--provision", "off", NULL));
    expect_policy(peer, REASON_PROVISIONING_OFF);
    one_time_password_make(&otp);
    registering = agent_register(&computer, &otp);
    expect_agent_refused(peer, &registering, REASON_PROVISIONING_OFF);
    must(site_amtctl(site, NULL, &err, "computer", "policy", computer.uuid, "--provision", "on",
                     "--enable-amt", "on", NULL));
    expect_agent_answer(peer, &question, MESSAGE_POLICY, &answer);
    assert_true(answer.policy.provision);
    assert_true(answer.policy.enable_amt);
    assert_int_equal(answer.policy.come_back_s, 14400);
    must(site_amtctl(site, NULL, &err, "profile", "in-band", "default", other, NULL));
    expect_agent_answer(peer, &question, MESSAGE_POLICY,
                        &without); /* none of ours is among those that count */
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
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;

    peer = agent_enrolled(site, &computer, 8, "9.0", "checks");
    agent_says(peer, &failed, MESSAGE_NOTED);
    expect_outcome(site, &computer, "detected", "no-common-root");
    expect_sql(site, "t",
               "SELECT reason LIKE '23 roots, none of them ours; %%' FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    expect_sql(site, "no-common-root", "SELECT check_reason_code FROM amt.agent WHERE uuid = '%s'",
               computer.uuid);
    failed.check_failed =
        (struct message_check_failed){ REASON_NO_HOST_INTERFACE, (char *)"no /dev/mei0", 0 };
    agent_says(peer, &failed, MESSAGE_NOTED);
    expect_outcome(site, &computer, "not supported", "no-host-interface");
    failed.check_failed = (struct message_check_failed){ REASON_BLOCKED, (char *)"so there", 3 };
    agent_says(peer, &failed, MESSAGE_NOTED); /* not for an agent to find */
    expect_sql(site, "activation-failed 3",
               "SELECT check_reason_code || ' ' || check_status FROM amt.agent "
               "WHERE uuid = '%s'",
               computer.uuid);
    agent_registers(peer, &computer, &otp);
    expect_outcome(site, &computer, "not provisioned", "");
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
    };

    return cmocka_run_group_tests_name("in band", tests, agent_story_begin, scenario_end);
}
