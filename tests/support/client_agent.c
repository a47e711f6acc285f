#include "support/client_agent.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_TIMEOUT_MS = 120000, WORDS_MAX = 16 };

static char *file_of(const struct site *site, const struct computer *computer, const char *suffix)
{
    AUTO(text_free) char *name = text_format("%s.%s", computer->short_name, suffix);

    return site_path(site, name);
}

static bool write_config(const struct client_agent *agent, const struct site *site,
                         const struct computer *computer, const char *const *settings, struct error *err)
{
    AUTO(text_free)
    char *text =
        text_format("site.endpoint = %s\nsite.public_key = %s\nqueue.key_file = %s\ntoken.file = %s\n"
                    "schedule.file = %s\ndevice.paths = %s.not-there, %s\nhost.fqdn = %s\n",
                    site->agents_endpoint, site->site_key, agent->key_path, agent->token_path,
                    agent->schedule_path, agent->device, agent->device, computer->fqdn);

    for (size_t i = 0; settings && settings[i]; i++) {
        AUTO(text_free) char *before = TAKE(text);

        text = text_format("%s%s\n", before, settings[i]);
    }
    return file_write(agent->config_path, text, 0600, err);
}

bool client_agent_install(struct client_agent *agent, const struct site *site,
                          const struct computer *computer, const char *token, const char *const *settings,
                          struct error *err)
{
    AUTO(client_agent_clear)
    struct client_agent installed = { .program = site_program(site, "client-agent/amt-client-agent"),
                                      .device = text_format("%s/%s", site->devices, computer->uuid),
                                      .config_path = file_of(site, computer, "agent.conf"),
                                      .key_path = file_of(site, computer, "agent.key"),
                                      .token_path = file_of(site, computer, "agent.token"),
                                      .schedule_path = file_of(site, computer, "agent.schedule"),
                                      .log_path = file_of(site, computer, "agent.log") };

    if (!write_config(&installed, site, computer, settings, err) ||
        (token && !file_write(installed.token_path, token, 0600, err)))
        return false;
    *agent = installed;
    installed = (struct client_agent){ 0 };
    return true;
}

void client_agent_clear(struct client_agent *agent)
{
    text_free(&agent->program);
    text_free(&agent->device);
    text_free(&agent->config_path);
    text_free(&agent->key_path);
    text_free(&agent->token_path);
    text_free(&agent->schedule_path);
    text_free(&agent->log_path);
}

bool client_agent_run(const struct client_agent *agent, struct command_result *result, struct error *err,
                      const char *word, ...)
{
    const char *argv[WORDS_MAX] = { agent->program, word };
    size_t count = 2;
    va_list words;

    va_start(words, word);
    while (count + 3 < COUNT_OF(argv) && (argv[count] = va_arg(words, const char *)))
        count++;
    va_end(words);
    argv[count++] = "--config";
    argv[count++] = agent->config_path;
    argv[count] = NULL;
    return command_run(result, NULL, RUN_TIMEOUT_MS, argv, err);
}

bool client_agent_start(const struct client_agent *agent, struct process **process, struct error *err)
{
    return process_start(
        process, agent->log_path,
        (const char *[]){ agent->program, "provision", "--config", agent->config_path, NULL }, err);
}

bool client_agent_token(struct site *site, const char *name, char **token, struct error *err)
{
    AUTO(text_free) char *printed = NULL;

    if (!site_amtctl(site, &printed, err, "token", "create", name, NULL))
        return false;
    printed[strcspn(printed, "\n")] = '\0';
    *token = TAKE(printed);
    return true;
}
