/*
 * notice.h - what happens to computers, told to those who asked for it on the control socket: a JSON object a
 * line, {"event": "held", "computer": UUID, "request": 17, "phase": "before", "operation": "Class.Method"}.
 */
#ifndef SIMULATOR_NOTICE_H
#define SIMULATOR_NOTICE_H

#include "simulator.h"

struct bufferevent;

/* From now on notices go there too; borrowed until notice_unsubscribe(). */
void notice_subscribe(struct simulator *simulator, struct bufferevent *bufferevent);
void notice_unsubscribe(struct simulator *simulator, const struct bufferevent *bufferevent);
/* Nobody is told any more. */
void notice_close(struct simulator *simulator);
void notice_held(struct simulator *simulator, const struct device *device, enum hold_phase phase,
                 const char *operation);

#endif
