/*
 * provision.h - the in-band sequence on the managed computer (spec I1, I2), from policy to ACTIVATED.
 */
#ifndef CLIENT_AGENT_PROVISION_H
#define CLIENT_AGENT_PROVISION_H

#include "dialogue.h"

enum provision_outcome {
    PROVISION_BEGUN,        /* a service point does the rest */
    PROVISION_NOT_WANTED,   /* the site's policy says no, or it is done already */
    PROVISION_CHECK_FAILED, /* the site knows why, *err too */
    PROVISION_FAILED,       /* *err says why */
};

/* dry_run: up to the checks; nothing is registered, reported or written to firmware. */
enum provision_outcome provision(const struct config *config, bool dry_run, struct error *err) MUST_CHECK;

/* What both provisioning and checking begin with: the computer, and what its site wants of it. */
struct meeting {
    struct site *site;
    struct firmware *firmware; /* NULL: no AMT */
    struct computer computer;
    struct message policy; /* of kind POLICY */
};

/* On true the caller ends *meeting with meeting_end(). */
bool meeting_begin(struct meeting *meeting, const struct config *config, struct error *err) MUST_CHECK;
void meeting_end(struct meeting *meeting);

#endif
