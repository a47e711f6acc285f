/*
 * mei_session.h - one open descriptor of a computer's MEI device: connect, then a reply for each request.
 *
 * Knows neither FUSE nor sockets; both hand their calls to it and pass its errno on. As the driver: one
 * client for one descriptor, one connection to a client at a time (EBUSY), ENODEV for ever once the engine
 * was reset.
 */
#ifndef SIMULATOR_MEI_SESSION_H
#define SIMULATOR_MEI_SESSION_H

#include "pthi.h"

enum { MEI_GUID_LENGTH = 16 };
struct mei_session; /* opaque */

struct mei_session *mei_session_open(struct computer *computer);
void mei_session_close(struct mei_session **session);

/* 0 or an errno; *message_max and *version as the driver tells them. */
int mei_session_connect(struct mei_session *session, const unsigned char guid[MEI_GUID_LENGTH],
                        uint32_t *message_max, uint8_t *version);
/* 0 or an errno. */
int mei_session_write(struct mei_session *session, const void *bytes, size_t length);
/* 0 or an errno: EAGAIN when there is nothing (yet). *bytes is borrowed until the next write. A reader that
 * takes less than *length gets the rest next time: it says with taken() how much it took. */
int mei_session_read(struct mei_session *session, const unsigned char **bytes, size_t *length);
void mei_session_taken(struct mei_session *session, size_t length);
/* poll(2)'s events that hold now. */
unsigned mei_session_events(const struct mei_session *session);

#endif
