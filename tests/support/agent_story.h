/*
 * agent_story.h - what happens between an agent, its computer and the site, told step by step; a step that
 * goes otherwise ends the test.
 *
 * The agent is the test's own, so that it can say what no honest one says. Its computer's firmware is the
 * simulator's: what the agent would write through the host interface, the test sets.
 */
#ifndef TESTS_SUPPORT_AGENT_STORY_H
#define TESTS_SUPPORT_AGENT_STORY_H

#include "support/agent_peer.h"

/* A token of the site, or of one computer; the caller ends it with secret_free(). */
struct secret *token_make(struct site *site, const char *name, const char *owner);
/* An answer of that kind, or the test ends. */
void expect_agent_answer(struct agent_peer *peer, const struct message *question, enum message_kind kind,
                         struct message *answer);
void agent_says(struct agent_peer *peer, const struct message *question, enum message_kind kind);
void expect_agent_refused(struct agent_peer *peer, const struct message *question, enum reason_code reason);
void expect_policy(struct agent_peer *peer, enum reason_code reason);
/* A computer that nobody imported, before its setup, and the agent that runs on it. */
struct agent_peer *agent_open(struct site *site, struct computer *computer, unsigned index,
                              const char *generation);
/* The same, known to the site by a token of that name. */
struct agent_peer *agent_enrolled(struct site *site, struct computer *computer, unsigned index,
                                  const char *generation, const char *token_name);
void agent_enrols(struct site *site, struct agent_peer *peer, const struct computer *computer,
                  const struct secret *token);
void agent_registers(struct agent_peer *peer, const struct computer *computer, struct one_time_password *otp);
/* SetProvisioningServerOTP and StartConfigurationEx, as the firmware carries them out. */
void begin_setup(struct site *site, const struct computer *computer, const char *otp);
void agent_announces(struct agent_peer *peer, const struct computer *computer);

/* A site whose service point serves the simulated computers' addresses, as a group's setup. */
int agent_story_begin(void **state);

#endif
