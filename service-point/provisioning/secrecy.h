/*
 * secrecy.h - no secret of a job leaves it in words.
 *
 * What firmware says may stand in a step's detail, a reason and a log line, and firmware may quote what it
 * was sent, also long after. Every text that a session gives away passes here first (spec 6.3).
 */
#ifndef PROVISIONING_SECRECY_H
#define PROVISIONING_SECRECY_H

#include "common/message.h"

/* Blots out, in place, every password and passphrase of the offer. Those of fewer than 8 characters are none
 * that AMT takes for its own: the factory's "admin" is no secret. text may be NULL. */
void secrecy_keep(const struct message_job_offer *offer, char *text);

#endif
