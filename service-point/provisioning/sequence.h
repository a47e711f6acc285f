/*
 * sequence.h - one job at one computer, from the first contact to the last setting: a table of steps for each
 * kind of job. Provisioning is the longest (spec O3 to O9); the others take from its steps what they need.
 */
#ifndef PROVISIONING_SEQUENCE_H
#define PROVISIONING_SEQUENCE_H

#include "provisioning/session.h"

/* Runs every step of the job's kind in order. Each step is reported, in session->result and to the site.
 * False: the first step that failed, named in *err; what was done until then stays done and is found again by
 * the next attempt. */
bool sequence_run(struct session *session, struct error *err) MUST_CHECK;
/* Jobs of this kind set what the profile says. */
bool sequence_applies_profile(const char *kind);

#endif
