/*
 * service_manager.h - what systemd is told (sd_notify(3), the datagrams themselves): ready, stopping, what
 * the daemon does, and that its loop turns.
 *
 * For the thread of the loop. Nothing happens when no manager waits for it.
 */
#ifndef COMMON_SERVICE_MANAGER_H
#define COMMON_SERVICE_MANAGER_H

#include <stdint.h>

#include "ownership.h"

/* "READY=1", "STOPPING=1". */
void service_manager_tell(const char *state);
/* What `systemctl status` shows; told only when it differs from what was told last. One line. */
void service_manager_status(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * A sign of life, for WatchdogSec= (WATCHDOG_USEC in the environment): call it in each turn of the loop, and
 * wherever the loop waits legitimately for something that has a limit of its own. Said twice within the
 * manager's time; before READY=1 it asks for as much more time to start.
 */
void service_manager_alive(int64_t now_ms);
/* Monotonic time until which the loop may wait for other things; INT64_MAX: nobody watches. */
int64_t service_manager_due_ms(void);

#endif
