/*
 * status.h - what firmware and system say of themselves, for people and for programs.
 */
#ifndef CLIENT_AGENT_STATUS_H
#define CLIENT_AGENT_STATUS_H

#include <stdio.h>

#include "check.h"

void status_print(const struct computer *computer, FILE *out);
/* One JSON object; README describes its members. */
void status_print_json(const struct computer *computer, FILE *out);

/* One line a check; policy may be NULL (check.h). False when one did not pass: *err is that of the first. */
bool status_print_checks(const struct computer *computer, const struct message_policy *policy, FILE *out,
                         struct error *err) MUST_CHECK;
bool status_print_checks_json(const struct computer *computer, const struct message_policy *policy, FILE *out,
                              struct error *err) MUST_CHECK;

#endif
