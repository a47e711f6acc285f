/*
 * sequence.h - the provisioning of one computer, from the first contact to the last setting (spec O3 to O9).
 */
#ifndef PROVISIONING_SEQUENCE_H
#define PROVISIONING_SEQUENCE_H

#include "provisioning/session.h"

/* Runs every step in order. Each step is reported, in session->result and to the site. False: the first step
 * that failed, named in *err; what was done until then stays done and is found again by the next attempt. */
bool sequence_run(struct session *session, struct error *err) MUST_CHECK;

#endif
