/*
 * client_agent_test.c - spec chapter 3 through all the real programs: agent, site server, service point, and
 * firmware with both its sides.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/client_agent_story.h"
#include "support/expect.h"

enum { WAIT_MS = 60000 };

static void expect_proven(struct site *site, const struct computer *computer)
{
    expect_provisioned(site, computer);
    expect_sql(site, "in band otp",
               "SELECT management || ' ' || proven_by FROM amt.computer_identity WHERE uuid = '%s'",
               computer->uuid);
}

static void misbehave(struct site *site, const struct computer *computer, const char *words)
{
    struct error err = { 0 };

    must(simulator_control(site->simulator, NULL, &err, "misbehave %s %s", computer->uuid, words));
}

static void behave(struct site *site, const struct computer *computer)
{
    struct error err = { 0 };

    must(simulator_control(site->simulator, NULL, &err, "behave %s", computer->uuid));
}

static void expect_failed_check(struct site *site, const struct computer *computer, const char *reason)
{
    expect_sql(site, reason, "SELECT check_reason_code FROM amt.agent WHERE uuid = '%s'", computer->uuid);
}

/* ---- the way it is meant ---- */

/* Spec I1 to I12; the first generation has no WS-Management during setup and no StartConfigurationEx. */
static void computers_of_every_generation_are_provisioned_by_their_agents(void **state)
{
    struct site *site = *state;
    struct computer *computers = allocate(generation_count * sizeof(*computers));
    struct client_agent *agents = allocate(generation_count * sizeof(*agents));

    for (size_t i = 0; i < generation_count; i++) {
        agent_hand_out(site, &computers[i], &agents[i], (unsigned)i, generations[i], "");
        agent_run(&agents[i]);
    }
    for (size_t i = 0; i < generation_count; i++) {
        expect_proven(site, &computers[i]);
        client_agent_clear(&agents[i]);
    }
    free(computers);
    free(agents);
}

static void once_enrolled_the_agent_needs_no_token_and_keeps_one_secret(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct stat status;

    agent_hand_out(site, &computer, &agent, 20, "16.1", "");
    agent_run(&agent);
    assert_int_equal(access(agent.token_path, F_OK), -1);
    assert_int_equal(stat(agent.key_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    expect_proven(site, &computer);
    agent_run(&agent); /* the site holds it: nothing to be done */
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 2);
    client_agent_clear(&agent);
}

/* Spec I2: the clear password leaves the computer never. */
static bool file_holds(const char *path, const char *text)
{
    AUTO(text_free) char *content = NULL;
    struct error err = { 0 };
    size_t length;

    return file_read(path, &content, &length, &err) && memmem(content, length, text, strlen(text)) != NULL;
}

static void the_one_time_password_is_nowhere_but_in_firmware(void **state)
{
    struct site *site = *state;
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(command_result_clear) struct command_result dump = { 0 };
    AUTO(text_free) char *otp = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    agent_hand_out(site, &computer, &agent, 21, "14.0", "");
    process_signal(site->points[0].process, SIGSTOP); /* so that the password stays there */
    must(client_agent_run(&agent, &result, &err, "provision", "--set", "log.level=debug", NULL));
    otp = state_text(site, &computer, "otp");
    must(command_run(&dump, NULL, WAIT_MS,
                     (const char *[]){ "/usr/bin/pg_dump", "--inserts", "-d", site->database_url, NULL },
                     &err));
    process_signal(site->points[0].process, SIGCONT);
    assert_int_equal(result.exit_status, ENDED_WELL);
    assert_int_equal(dump.exit_status, 0);
    assert_int_equal(strlen(otp), 32);
    expect_proven(site, &computer);
    assert_null(strstr(result.output, otp));
    assert_null(strstr(result.errors, otp));
    assert_non_null(strstr(dump.output, computer.uuid));
    assert_null(strstr(dump.output, otp));
    assert_false(file_holds(site->server_log_path, otp));
    assert_false(file_holds(site->points[0].log_path, otp));
    assert_false(file_holds(agent.schedule_path, otp));
    assert_false(file_holds(agent.key_path, otp));
    client_agent_clear(&agent);
}

static void names_that_an_operator_wants_in_firmware_are_there_before_setup(void **state)
{
    static const char *const settings[] = { "firmware.dns_suffix = site.example.com",
                                            "firmware.host_name = on", NULL };
    struct site *site = *state;
    AUTO(text_free) char *suffix = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    agent_hand_out(site, &computer, &agent, 22, "12.0", "option15=elsewhere.example.org");
    client_agent_clear(&agent);
    must(client_agent_install(&agent, site, &computer, agent_site_token(), settings, &err));
    agent_run(&agent);
    expect_proven(site, &computer); /* by DHCP's suffix alone it would refuse our certificate */
    suffix = state_text(site, &computer, "suffix");
    assert_string_equal(suffix, "site.example.com");
    client_agent_clear(&agent);
}

/* ---- what stands in the way ---- */

static const struct obstacle {
    const char *words, *reason, *status; /* status: of the computer, in SQL */
} obstacles[] = {
    { "amt=absent", "no-amt", "not supported" },
    { "amt=off", "amt-disabled", "not supported" },
    { "state=post", "already-provisioned", "externally provisioned" },
    { "zero-touch=no", "zero-touch-off", "detected" },
    { "link-down=yes", "no-wired-network", "unknown" },
};

static void expect_obstacle(struct site *site, const struct computer *computer, struct client_agent *agent,
                            const struct obstacle *obstacle)
{
    AUTO(text_free)
    char *uuid_setting =
        text_format("host.uuid_file = %s/%s.uuid", site->place.directory, computer->short_name);
    AUTO(text_free) char *uuid_path = text_copy(strchr(uuid_setting, '/'));
    struct error err = { 0 };

    must(file_write(uuid_path, computer->uuid, 0600, &err));
    client_agent_clear(agent);
    must(client_agent_install(agent, site, computer, agent_site_token(),
                              (const char *[]){ uuid_setting, NULL }, &err));
    expect_agent_run(agent, ENDED_WITH_FAILED_CHECK, "provision", NULL);
    expect_failed_check(site, computer, obstacle->reason);
    expect_sql(site, obstacle->status, "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'",
               computer->uuid);
    assert_int_equal(state_number(site, computer, "counters.connections"), 0);
    assert_int_equal(state_number(site, computer, "counters.hellos"), 0);
}

/* Spec I1. */
static void what_stands_in_the_way_is_seen_in_sql(void **state)
{
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(obstacles); i++) {
        struct computer computer;
        struct client_agent agent = { 0 };

        agent_hand_out(site, &computer, &agent, 30 + (unsigned)i, "15.0", obstacles[i].words);
        expect_obstacle(site, &computer, &agent, &obstacles[i]);
        client_agent_clear(&agent);
    }
    /* No Hello told which roots these trust. */
    expect_sql(site, "t",
               "SELECT count(*) > 0 FROM amt_store.trusted_roots t WHERE t.root_hashes <> '{}' AND NOT EXISTS"
               " (SELECT FROM amt_store.hello h WHERE h.uuid = t.uuid)");
}

static void a_computer_without_the_device_says_so(void **state)
{
    static const struct obstacle no_device = { "", "no-host-interface", "not supported" };
    struct site *site = *state;
    AUTO(text_free) char *devices = site->devices;
    struct computer computer;
    struct client_agent agent = { 0 };

    agent_hand_out(site, &computer, &agent, 40, "16.1", "");
    site->devices = text_format("%s-that-is-not-there", devices);
    expect_obstacle(site, &computer, &agent, &no_device);
    text_free(&site->devices);
    site->devices = TAKE(devices);
    client_agent_clear(&agent);
}

static void a_root_that_is_not_in_common_is_seen_in_sql(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    computer_plan(&computer, site, 41, "16.1");
    AUTO(text_free)
    char *line = computer_fleet_line(&computer, site->dns_suffix,
                                     "5e1d0000000000000000000000000000000000000000000000000000000075e1",
                                     "state=pre hello=manual");

    must(simulator_control(site->simulator, NULL, &err, "add %s", line));
    must(client_agent_install(&agent, site, &computer, agent_site_token(), NULL, &err));
    expect_agent_run(&agent, ENDED_WITH_FAILED_CHECK, "provision", NULL);
    expect_failed_check(site, &computer, "no-common-root");
    expect_sql(site, "detected no-common-root",
               "SELECT amt_status_name || ' ' || reason_code FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 0);
    client_agent_clear(&agent);
}

static void amt_that_is_switched_off_is_switched_on_where_the_policy_says_so(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *uuid_setting = NULL;
    AUTO(text_free) char *uuid_path = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    agent_hand_out(site, &computer, &agent, 42, "18.0", "amt=off");
    uuid_path = text_format("%s/%s.uuid", site->place.directory, computer.short_name);
    uuid_setting = text_format("host.uuid_file = %s", uuid_path);
    must(file_write(uuid_path, computer.uuid, 0600, &err));
    client_agent_clear(&agent);
    must(client_agent_install(&agent, site, &computer, agent_site_token(),
                              (const char *[]){ uuid_setting, NULL }, &err));
    expect_agent_run(&agent, ENDED_WITH_FAILED_CHECK, "provision", NULL);
    expect_failed_check(site, &computer, "amt-disabled");
    must(site_amtctl(site, NULL, &err, "computer", "policy", computer.uuid, "--enable-amt", "on", NULL));
    agent_run(&agent);
    expect_proven(site, &computer);
    client_agent_clear(&agent);
}

static void what_firmware_refuses_is_told_with_its_status(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct client_agent agent = { 0 };

    agent_hand_out(site, &computer, &agent, 43, "11.8", "");
    misbehave(site, &computer, "host-status at=PTHI.StartConfigurationEx 1");
    expect_agent_run(&agent, ENDED_WITH_ERROR, "provision", NULL);
    expect_sql(site, "activation-failed 1",
               "SELECT check_reason_code || ' ' || check_status FROM amt.agent WHERE uuid = '%s'",
               computer.uuid);
    behave(site, &computer);
    agent_run(&agent);
    expect_proven(site, &computer);
    client_agent_clear(&agent);
}

/* ---- stopped on the way ---- */

/* Killed while firmware takes the password: the site waits for an ACTIVATED that never comes. */
static void an_agent_that_is_killed_before_it_activated_begins_anew(void **state)
{
    struct site *site = *state;
    struct process *process = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    agent_hand_out(site, &computer, &agent, 50, "16.1", "");
    misbehave(site, &computer, "host-stall at=PTHI.SetProvisioningServerOTP");
    must(client_agent_start(&agent, &process, &err));
    expect_sql(site, "registered", "SELECT state FROM amt.one_time_password WHERE uuid = '%s'",
               computer.uuid);
    process_kill(&process);
    behave(site, &computer);
    agent_run(&agent);
    expect_proven(site, &computer);
    expect_sql(site, "replaced,used",
               "SELECT string_agg(state, ',' ORDER BY id) FROM amt.one_time_password WHERE uuid = '%s'",
               computer.uuid);
    client_agent_clear(&agent);
}

/* Killed after firmware began: what is in firmware is what the site has registered. */
static void an_agent_that_was_stopped_after_activating_only_says_so(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *before = NULL;
    AUTO(text_free) char *after = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };

    agent_hand_out(site, &computer, &agent, 51, "9.0", "");
    process_signal(site->points[0].process, SIGSTOP);
    agent_run(&agent);
    before = state_text(site, &computer, "otp");
    agent_run(&agent);
    after = state_text(site, &computer, "otp");
    process_signal(site->points[0].process, SIGCONT);
    assert_string_equal(before, after);
    expect_proven(site, &computer);
    client_agent_clear(&agent);
}

static void a_setup_with_a_password_that_the_site_does_not_know_is_begun_anew(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct client_agent agent = { 0 };

    agent_hand_out(site, &computer, &agent, 52, "7.1", "");
    computer_set(site, &computer, "otp=SomebodyElsesPassword state=in");
    agent_run(&agent);
    expect_proven(site, &computer);
    client_agent_clear(&agent);
}

static void a_site_that_is_away_is_waited_for(void **state)
{
    struct site *site = *state;
    struct process *process = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };
    int status = -1;

    agent_hand_out(site, &computer, &agent, 53, "6.2", "");
    process_kill(&site->server);
    must(client_agent_start(&agent, &process, &err));
    must(site_start_server(site, &err));
    must(process_wait_end(process, WAIT_MS, &status, &err));
    assert_int_equal(status, 0);
    process_stop(&process);
    expect_proven(site, &computer);
    client_agent_clear(&agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computers_of_every_generation_are_provisioned_by_their_agents),
        cmocka_unit_test(once_enrolled_the_agent_needs_no_token_and_keeps_one_secret),
        cmocka_unit_test(the_one_time_password_is_nowhere_but_in_firmware),
        cmocka_unit_test(names_that_an_operator_wants_in_firmware_are_there_before_setup),
        cmocka_unit_test(what_stands_in_the_way_is_seen_in_sql),
        cmocka_unit_test(a_computer_without_the_device_says_so),
        cmocka_unit_test(a_root_that_is_not_in_common_is_seen_in_sql),
        cmocka_unit_test(amt_that_is_switched_off_is_switched_on_where_the_policy_says_so),
        cmocka_unit_test(what_firmware_refuses_is_told_with_its_status),
        cmocka_unit_test(an_agent_that_is_killed_before_it_activated_begins_anew),
        cmocka_unit_test(an_agent_that_was_stopped_after_activating_only_says_so),
        cmocka_unit_test(a_setup_with_a_password_that_the_site_does_not_know_is_begun_anew),
        cmocka_unit_test(a_site_that_is_away_is_waited_for),
    };

    return cmocka_run_group_tests(tests, agent_scenario_begin, agent_scenario_end);
}
