/*
 * check.h - can this computer be set up? Pure: what was found against what the site wants (spec I1).
 */
#ifndef CLIENT_AGENT_CHECK_H
#define CLIENT_AGENT_CHECK_H

#include "computer.h"

enum check {
    CHECK_POLICY,
    CHECK_INTERFACE,
    CHECK_STATE,
    CHECK_ZERO_TOUCH,
    CHECK_ROOTS,
    CHECK_NETWORK,
    CHECK_COUNT
};

/* "the firmware trusts the site's certificate": what is true when the check passes. */
const char *check_meaning(enum check check);
/* policy may be NULL: then nothing is known of the site's wishes and roots, and CHECK_ROOTS wants any active
 * one. The error says why it did not pass, with the reason that the site shows. */
bool check_run(enum check check, const struct computer *computer, const struct message_policy *policy,
               struct error *err) MUST_CHECK;
/* All of them, in their order, until one fails; each relies on those before it. */
bool check_all(const struct computer *computer, const struct message_policy *policy,
               struct error *err) MUST_CHECK;

#endif
