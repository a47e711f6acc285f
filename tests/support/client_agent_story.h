/*
 * client_agent_story.h - a site whose computers have their host side, and amt-client-agent on each; a step
 * that goes otherwise ends the test.
 */
#ifndef TESTS_SUPPORT_CLIENT_AGENT_STORY_H
#define TESTS_SUPPORT_CLIENT_AGENT_STORY_H

#include "support/client_agent.h"

/* Exit statuses of the agent. */
enum { ENDED_WELL = 0, ENDED_WITH_ERROR = 1, ENDED_WITH_FAILED_CHECK = 2 };

/* A group fixture's work; it leaves a struct site in *state. */
int agent_scenario_begin(void **state);
int agent_scenario_end(void **state);
/* A token of that site; borrowed. */
const char *agent_site_token(void);

/* A computer that nobody imported, before its setup, with the agent on it. */
void agent_hand_out(struct site *site, struct computer *computer, struct client_agent *agent, unsigned index,
                    const char *generation, const char *words);
/* option NULL: none. */
void expect_agent_run(const struct client_agent *agent, int status, const char *word, const char *option);
void agent_run(const struct client_agent *agent);
/* Settings of the simulated computer, in the words of a fleet file. */
void computer_set(struct site *site, const struct computer *computer, const char *words);

#endif
