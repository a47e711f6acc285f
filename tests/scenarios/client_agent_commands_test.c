/* client_agent_commands_test.c - amt-client-agent by hand: what each command says, and what it leaves alone.
 */
#include <string.h>
#include <unistd.h>

#include "support/client_agent_story.h"
#include "support/expect.h"

enum { WAIT_MS = 60000 };

static int64_t commands_heard(struct site *site, const struct computer *computer)
{
    return state_number(site, computer, "counters.host_calls");
}

static void a_dry_run_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct client_agent agent = { 0 };

    agent_hand_out(site, &computer, &agent, 60, "16.1", "");
    expect_agent_run(&agent, ENDED_WELL, "provision", "--dry-run");
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 0);
    expect_sql(site, "0", "SELECT count(*) FROM amt.one_time_password WHERE uuid = '%s'", computer.uuid);
    assert_int_equal(access(agent.schedule_path, F_OK), -1);
    client_agent_clear(&agent);
}

static void until_the_site_wants_to_hear_from_it_a_scheduled_run_is_silent(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct client_agent agent = { 0 };
    int64_t heard;

    agent_hand_out(site, &computer, &agent, 61, "16.1", "zero-touch=no");
    expect_agent_run(&agent, ENDED_WITH_FAILED_CHECK, "provision", "--scheduled");
    heard = commands_heard(site, &computer);
    expect_agent_run(&agent, ENDED_WELL, "provision", "--scheduled");
    assert_int_equal(commands_heard(site, &computer), heard);
    expect_agent_run(&agent, ENDED_WITH_FAILED_CHECK, "provision", NULL);
    assert_true(commands_heard(site, &computer) > heard);
    client_agent_clear(&agent);
}

static void status_says_what_firmware_says(void **state)
{
    struct site *site = *state;
    AUTO(command_result_clear) struct command_result people = { 0 };
    AUTO(command_result_clear) struct command_result programs = { 0 };
    AUTO(json_close) json_object *parsed = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    agent_hand_out(site, &computer, &agent, 62, "16.1", "suffix=site.example.com");
    must(client_agent_run(&agent, &people, &err, "status", "--set", "site.public_key=", NULL));
    assert_int_equal(people.exit_status, ENDED_WELL);
    assert_non_null(strstr(people.output, "16.1.25 build 2124"));
    assert_non_null(strstr(people.output, site->provisioning.sha256_hex));
    must(client_agent_run(&agent, &programs, &err, "status", "--json", NULL));
    parsed = json_tokener_parse(programs.output);
    assert_string_equal(json_text_at(parsed, "uuid"), computer.uuid);
    assert_string_equal(json_text_at(parsed, "fqdn"), computer.fqdn);
    assert_string_equal(json_text_at(parsed, "amt.version"), "16.1.25");
    assert_string_equal(json_text_at(parsed, "amt.state"), "not provisioned");
    assert_string_equal(json_text_at(parsed, "amt.control_mode"), "none");
    assert_string_equal(json_text_at(parsed, "amt.dns_suffix"), "site.example.com");
    assert_string_equal(json_text_at(parsed, "amt.wired.address"), computer.address);
    assert_int_equal(access(agent.key_path, F_OK), -1); /* no site was spoken to */
    client_agent_clear(&agent);
}

static void check_says_what_stands_in_the_way_with_and_without_a_site(void **state)
{
    struct site *site = *state;
    AUTO(command_result_clear) struct command_result alone = { 0 };
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(json_close) json_object *parsed = NULL;
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    agent_hand_out(site, &computer, &agent, 63, "16.1", "");
    must(client_agent_run(&agent, &alone, &err, "check", "--set", "site.public_key=", NULL));
    assert_int_equal(alone.exit_status, ENDED_WELL);
    assert_null(strstr(alone.output, "FAILED"));
    computer_set(site, &computer, "zero-touch=no");
    must(client_agent_run(&agent, &result, &err, "check", "--json", NULL));
    assert_int_equal(result.exit_status, ENDED_WITH_FAILED_CHECK);
    parsed = json_tokener_parse(result.output);
    assert_int_equal(json_object_array_length(parsed), 4);
    assert_true(json_true_at(json_object_array_get_idx(parsed, 2), "passed"));
    assert_string_equal(json_text_at(json_object_array_get_idx(parsed, 3), "reason"), "zero-touch-off");
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 0);
    client_agent_clear(&agent);
}

/* Spec 3: no root but for the device, which is then somebody's. */
static void as_another_user_the_agent_may_do_no_more_than_he(void **state)
{
    struct site *site = *state;
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    if (geteuid() != 0)
        return; /* only root can become somebody else */
    agent_hand_out(site, &computer, &agent, 64, "16.1", "");
    must(client_agent_run(&agent, &result, &err, "status", "--set", "process.user=nobody", NULL));
    assert_int_equal(result.exit_status, ENDED_WITH_FAILED_CHECK);
    assert_non_null(strstr(result.output, "may not be opened by this user"));
    client_agent_clear(&agent);
}

static void check_says_that_the_site_does_not_want_it(void **state)
{
    struct site *site = *state;
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct computer computer;
    struct client_agent agent = { 0 };
    struct error err = { 0 };

    agent_hand_out(site, &computer, &agent, 65, "16.1", "");
    expect_agent_run(&agent, ENDED_WELL, "provision", "--dry-run"); /* makes it known */
    must(site_amtctl(site, NULL, &err, "computer", "policy", computer.uuid, "--provision", "off", NULL));
    must(client_agent_run(&agent, &result, &err, "check", NULL));
    assert_int_equal(result.exit_status, ENDED_WITH_FAILED_CHECK);
    assert_non_null(strstr(result.output, "FAILED  the site wants it provisioned"));
    agent_run(&agent);
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 0);
    client_agent_clear(&agent);
}

static void what_is_mistyped_is_named(void **state)
{
    static const struct {
        const char *words[4], *named;
    } cases[] = {
        { { NULL }, "no command given" },
        { { "frobnicate" }, "frobnicate" },
        { { "status", "--dry-run" }, "--dry-run" },
        { { "provision", "--json" }, "--json" },
        { { "status", "--set", "site.colour=red" }, "site.colour" },
        { { "provision", "--set", "site.public_key=short" }, "site.public_key" },
        { { "status", "--set", "log.level=loud" }, "loud" },
        { { "provision", "--migrate" }, "--migrate" },
    };
    struct site *site = *state;
    AUTO(text_free) char *program = site_program(site, "client-agent/amt-client-agent");
    AUTO(text_free) char *uuid_path = site_path(site, "mistyped.uuid");
    AUTO(text_free) char *uuid = text_format("host.uuid_file=%s", uuid_path);
    AUTO(text_free) char *device = text_format("device.paths=%s.not-there", uuid_path);
    struct error err = { 0 };

    must(file_write(uuid_path, "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90", 0600, &err));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(command_result_clear) struct command_result result = { 0 };
        const char *argv[12] = { program };
        size_t count = 1;

        for (size_t word = 0; word < 4 && cases[i].words[word]; word++)
            argv[count++] = cases[i].words[word];
        for (size_t word = 0; cases[i].words[0] && word < 4; word++)
            argv[count++] = (const char *[]){ "--set", uuid, "--set", device }[word];
        must(command_run(&result, NULL, WAIT_MS, argv, &err));
        assert_int_equal(result.exit_status, ENDED_WITH_ERROR);
        if (!strstr(result.errors, cases[i].named))
            fail_msg("\"%s\" is not in: %s", cases[i].named, result.errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(until_the_site_wants_to_hear_from_it_a_scheduled_run_is_silent),
        cmocka_unit_test(status_says_what_firmware_says),
        cmocka_unit_test(check_says_what_stands_in_the_way_with_and_without_a_site),
        cmocka_unit_test(as_another_user_the_agent_may_do_no_more_than_he),
        cmocka_unit_test(check_says_that_the_site_does_not_want_it),
        cmocka_unit_test(what_is_mistyped_is_named),
    };

    return cmocka_run_group_tests(tests, agent_scenario_begin, agent_scenario_end);
}
