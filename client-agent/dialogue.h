/*
 * dialogue.h - what the agent says to its site, message by message (proto/provisioning.proto, "policy").
 *
 * A refusal is an error with the site's reason: REASON_NOT_ENROLLED asks to begin again with
 * dialogue_enrol().
 */
#ifndef CLIENT_AGENT_DIALOGUE_H
#define CLIENT_AGENT_DIALOGUE_H

#include "computer.h"
#include "otp.h"
#include "site.h"

/* With the token of token_file, where there is such a file; it is deleted once the site has enrolled us. */
bool dialogue_enrol(struct site *site, const struct computer *computer, const char *token_file,
                    struct error *err) MUST_CHECK;
/* On true the caller ends *policy, which holds a message of kind POLICY, with message_free(). */
bool dialogue_policy(struct site *site, struct message *policy, struct error *err) MUST_CHECK;
/* why is for the operator; firmware_status: the AMT_STATUS behind it, 0: none. */
bool dialogue_check_failed(struct site *site, const struct error *why, uint32_t firmware_status,
                           struct error *err) MUST_CHECK;
/* Salt and hash only. *expires_s: how long ACTIVATED may take, in seconds. */
bool dialogue_register_otp(struct site *site, const struct computer *computer, const struct otp *otp,
                           uint32_t *expires_s, struct error *err) MUST_CHECK;
/* The firmware is in setup and waits for a service point. */
bool dialogue_activated(struct site *site, const struct computer *computer, struct error *err) MUST_CHECK;

#endif
