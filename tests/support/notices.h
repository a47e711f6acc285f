/*
 * notices.h - the other end of sd_notify(3): what daemons tell the manager that started them.
 */
#ifndef TESTS_SUPPORT_NOTICES_H
#define TESTS_SUPPORT_NOTICES_H

#include <sys/types.h>

#include "common/error.h"

struct notices; /* opaque: owns the socket */

/* From here on programs that are started find the socket, and this period, in their environment. */
bool notices_open(struct notices **notices, int watchdog_ms, struct error *err) MUST_CHECK;
void notices_close(struct notices **notices); /* accepts NULL */

/* Waits until this process says something that begins so. What others say meanwhile, and what it says before,
 * is passed over. On true the caller frees *text, which may be NULL. */
bool notices_wait(struct notices *notices, pid_t process, const char *beginning, char **text, int timeout_ms,
                  struct error *err) MUST_CHECK;
/* Passes over what is there. */
void notices_skip(struct notices *notices);

#endif
