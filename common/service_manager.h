/*
 * service_manager.h - tells systemd that the daemon is ready or stopping (sd_notify(3), the datagram itself).
 */
#ifndef COMMON_SERVICE_MANAGER_H
#define COMMON_SERVICE_MANAGER_H

/* "READY=1", "STOPPING=1", "STATUS=...". Nothing happens when no manager waits for it. */
void service_manager_tell(const char *state);

#endif
