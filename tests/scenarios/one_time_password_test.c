/*
 * one_time_password_test.c - spec I2 to I5: the proof that the firmware is the agent's computer's, and what
 * those get who have none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "support/agent_story.h"
#include "support/expect.h"

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

/* Spec I4: "Mismatch or none: nothing has been written, job failed, alarm in SQL." */
static void firmware_with_another_password_is_left_as_it_is(void **state)
{
    static const char *const held[] = { "not-the-one-that-was-registered", "" };
    struct site *site = *state;
    AUTO(secret_free) struct secret *token = token_make(site, "mismatch", NULL);

    for (unsigned i = 0; i < COUNT_OF(held); i++) {
        AUTO(agent_peer_close) struct agent_peer *peer = NULL;
        struct computer computer;
        struct one_time_password otp;

        peer = agent_open(site, &computer, 20 + i, i ? "12.0" : "16.1");
        agent_enrols(site, peer, &computer, token);
        agent_registers(peer, &computer, &otp);
        begin_setup(site, &computer, held[i]);
        agent_announces(peer, &computer);
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
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message message;

    peer = agent_enrolled(site, &computer, 22, "16.1", "expiry");
    agent_registers(peer, &computer, &otp);
    sql_do(site, "UPDATE amt_store.one_time_password SET expires_at = now() WHERE uuid = '%s'",
           computer.uuid);
    begin_setup(site, &computer, otp.text);
    message = agent_activated(&computer);
    expect_agent_refused(peer, &message, REASON_OTP_MISSING);
    message = agent_register(&computer, &otp); /* said again it is no newer */
    expect_agent_refused(peer, &message, REASON_OTP_USED);
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
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct error err = { 0 };

    peer = agent_enrolled(site, &computer, 27, "16.1", "too late");
    agent_registers(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    assert_true(process_stop(&site->points[0].process));
    agent_announces(peer, &computer);
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
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;

    peer = agent_enrolled(site, &computer, 28, "16.1", "many");
    for (unsigned i = 0; i < 30; i++)
        agent_registers(peer, &computer, &otp);
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

    peer = agent_open(site, &computer, 23, "16.1");
    token = token_make(site, "replay", NULL);
    agent_enrols(site, peer, &computer, token);
    agent_registers(peer, &computer, &otp);
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
    expect_provisioned(site, &computer);
    before = state_text(site, &computer, "counters.connections");
    agent_enrols(site, peer, &computer, token);
    registering = agent_register(&computer, &otp);
    expect_agent_refused(peer, &registering, REASON_OTP_USED);
    activated = agent_activated(&computer);
    expect_agent_refused(peer, &activated, REASON_OTP_MISSING);
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

    peer = agent_open(site, &computer, 24, "16.1");
    other = agent_open(site, &second, 25, "16.1");
    token = token_make(site, "others", NULL);
    agent_enrols(site, peer, &computer, token);
    agent_enrols(site, other, &second, token);
    agent_registers(peer, &computer, &otp);
    agent_registers(other, &second, &others);
    begin_setup(site, &computer, others.text);
    agent_announces(peer, &computer);
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
    AUTO(secret_free) struct secret *token = token_make(site, "rogues", NULL);
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
        agent_enrols(site, peer, &computer, token);
        agent_registers(peer, &computer, &otp);
        agent_announces(peer, &computer);
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
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message registering, activated;
    struct error err = { 0 };

    peer = agent_enrolled(site, &computer, 40, "16.1", "subnets");
    one_time_password_make(&otp);
    registering = agent_register(&computer, &otp);
    registering.otp_register.wired = (struct wired_address){ (char *)"10.1.2.17", 24 };
    agent_says(peer, &registering, MESSAGE_OTP_REGISTERED);
    begin_setup(site, &computer, otp.text);
    activated = agent_activated(&computer);
    activated.activated.wired = (struct wired_address){ NULL, 0 }; /* where OTP_REGISTER said */
    agent_says(peer, &activated, MESSAGE_NOTED);
    expect_sql(site, "waiting no-service-point",
               "SELECT state || ' ' || reason_code FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(site, "t",
               "SELECT reason LIKE 'no service point serves 10.1.2.0/24; %%' FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    registering = agent_register(&computer, &otp);
    must(site_amtctl(site, NULL, &err, "job", "cancel", sql_number_of(site, computer.uuid), NULL));
    expect_sql(site, "used", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'", computer.uuid);
    agent_registers(peer, &computer, &otp); /* the agent comes back, the cable is in another subnet now */
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
    expect_provisioned(site, &computer);
}

/* What an agent says of its subnet is for people; the jobs of others do not hang on it. */
static void a_prefix_that_fits_no_address_keeps_nobody_waiting(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct message activated;

    peer = agent_enrolled(site, &computer, 41, "16.1", "prefix");
    agent_registers(peer, &computer, &otp);
    sql_do(site, "UPDATE amt_store.agent SET wired_prefix_bits = 64 WHERE uuid = '%s'", computer.uuid);
    begin_setup(site, &computer, otp.text);
    activated = agent_activated(&computer);
    activated.activated.wired = (struct wired_address){ NULL, 0 };
    agent_says(peer, &activated, MESSAGE_NOTED);
    expect_provisioned(site, &computer);
}

static void a_job_that_waits_ends_when_the_agent_registers_anew(void **state)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    struct site *site = *state;
    struct computer computer;
    struct one_time_password otp;
    struct error err = { 0 };

    peer = agent_enrolled(site, &computer, 26, "16.1", "anew");
    agent_registers(peer, &computer, &otp);
    must(simulator_control(site->simulator, NULL, &err, "misbehave %s refuse-tls", computer.uuid));
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
    expect_sql(site, "waiting tls-failed",
               "SELECT state || ' ' || coalesce(reason_code, '') FROM amt.job WHERE uuid = '%s'",
               computer.uuid);
    agent_registers(peer, &computer, &otp);
    expect_sql(site, "cancelled", "SELECT state FROM amt.job WHERE uuid = '%s'", computer.uuid);
    must(simulator_control(site->simulator, NULL, &err, "behave %s", computer.uuid));
    begin_setup(site, &computer, otp.text);
    agent_announces(peer, &computer);
    expect_provisioned(site, &computer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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

    return cmocka_run_group_tests_name("one-time passwords", tests, agent_story_begin, scenario_end);
}
