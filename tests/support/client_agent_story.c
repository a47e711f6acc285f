#include "support/client_agent_story.h"

#include "support/expect.h"

static char *site_token; /* of all tests */

const char *agent_site_token(void)
{
    return site_token;
}

void agent_hand_out(struct site *site, struct computer *computer, struct client_agent *agent, unsigned index,
                    const char *generation, const char *words)
{
    AUTO(text_free) char *fleet_words = text_format("state=pre hello=manual %s", words);
    struct error err = { 0 };

    computer_plan(computer, site, index, generation);
    must(computer_plug_in(site, computer, &err, fleet_words));
    must(client_agent_install(agent, site, computer, site_token, NULL, &err));
}

void expect_agent_run(const struct client_agent *agent, int status, const char *word, const char *option)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(client_agent_run(agent, &result, &err, word, option, NULL));
    if (result.exit_status != status)
        fail_msg("%s ended with %d, not %d: %s%s", word, result.exit_status, status, result.output,
                 result.errors);
}

void agent_run(const struct client_agent *agent)
{
    expect_agent_run(agent, ENDED_WELL, "provision", NULL);
}

void computer_set(struct site *site, const struct computer *computer, const char *words)
{
    struct error err = { 0 };

    must(simulator_control(site->simulator, NULL, &err, "set %s %s", computer->uuid, words));
}

int agent_scenario_begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "agents.rate_address = 100000",
                                                   NULL };
    struct site_options options = { .server_settings = server_settings, .host_side = true };
    struct error err = { 0 };
    int failed = scenario_begin(state, &options);

    if (failed)
        return failed;
    if (client_agent_token(*state, "roll-out", &site_token, &err))
        return 0;
    print_error("%s\n", err.message);
    return -1;
}

int agent_scenario_end(void **state)
{
    text_free(&site_token);
    return scenario_end(state);
}
