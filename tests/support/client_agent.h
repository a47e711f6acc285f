/*
 * client_agent.h - amt-client-agent as it is installed on one simulated computer.
 *
 * The site must have been started with host_side (site.h).
 */
#ifndef TESTS_SUPPORT_CLIENT_AGENT_H
#define TESTS_SUPPORT_CLIENT_AGENT_H

#include "support/fleet.h"

struct client_agent {
    char *program, *device;
    char *config_path, *key_path, *token_path, *schedule_path, *log_path;
};

/* Writes its configuration, with settings ("key = value", NULL-terminated; NULL: none) added, and the token
 * (NULL: none). On true the caller ends *agent with client_agent_clear(). */
bool client_agent_install(struct client_agent *agent, const struct site *site,
                          const struct computer *computer, const char *token, const char *const *settings,
                          struct error *err) MUST_CHECK;
void client_agent_clear(struct client_agent *agent);

/* Runs it to its end with these words (NULL-terminated); its exit status is the caller's to judge. */
bool client_agent_run(const struct client_agent *agent, struct command_result *result, struct error *err,
                      const char *word, ...) __attribute__((sentinel)) MUST_CHECK;
/* `provision`, in the background. */
bool client_agent_start(const struct client_agent *agent, struct process **process,
                        struct error *err) MUST_CHECK;

/* A token of `amtctl token create NAME`; the caller frees. */
bool client_agent_token(struct site *site, const char *name, char **token, struct error *err) MUST_CHECK;

#endif
