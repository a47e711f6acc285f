/*
 * mei.h - one connection to one client of the management engine, through the kernel's MEI driver.
 *
 * Device node and ioctl: Linux, Documentation/driver-api/mei/mei.rst and include/uapi/linux/mei.h. Used by
 * one thread. Every call ends within timeout_ms: an engine that resets is reopened, a client that another
 * program holds is waited for, until that time is up. Where the path is a UNIX socket, an emulated firmware
 * answers there: packets instead of writes and reads, and the connect request as the first packet.
 */
#ifndef CLIENT_AGENT_MEI_H
#define CLIENT_AGENT_MEI_H

#include <stdint.h>

#include "common/error.h"

struct mei; /* opaque: owns the descriptor and a buffer for one message */

struct mei_settings {    /* borrowed until mei_close() */
    const char *path;    /* "/dev/mei0" */
    unsigned timeout_ms; /* for each call */
    const uint8_t *guid; /* HOST_CLIENT_GUID_SIZE bytes: which client of the engine */
    const char *client;  /* what messages call it: "AMT" */
};

/* Errors: REASON_NO_HOST_INTERFACE without driver, REASON_NO_AMT without such a client, ERROR_UNREACHABLE
 * where another try may help. */
bool mei_open(struct mei **mei, const struct mei_settings *settings, struct error *err) MUST_CHECK;
void mei_close(struct mei **mei);

/* One request, one reply; *reply is borrowed until the next call. When it fails with ERROR_UNREACHABLE the
 * engine may have carried the request out or not; the next call connects anew. */
bool mei_exchange(struct mei *mei, const void *request, size_t length, const uint8_t **reply,
                  size_t *reply_length, struct error *err) MUST_CHECK;

#endif
