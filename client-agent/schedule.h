/*
 * schedule.h - when the site wants to hear from this computer next, kept over restarts.
 */
#ifndef CLIENT_AGENT_SCHEDULE_H
#define CLIENT_AGENT_SCHEDULE_H

#include <stdint.h>

#include "common/error.h"

/* False only while the time that was noted since this boot has not come. What cannot be read or lies further
 * ahead than a site can wish counts as due. */
bool schedule_due(const char *path);
/* From now, in seconds. A failure is logged: then the next run is only earlier than wished. */
void schedule_note(const char *path, uint32_t come_back_s);

#endif
