/*
 * dialogue.h - what is said to the site server, and what happens at each thing it says.
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include "point.h"

/* False: there is no session with the site, or its queue is full. */
bool dialogue_tell(struct service_point *point, const struct message *message) MUST_CHECK;
uint64_t dialogue_correlation(struct service_point *point);
/* Says REGISTER and HEARTBEAT when they are due and makes the connection anew when the site is gone. */
bool dialogue_keep_registered(struct service_point *point, struct error *err) MUST_CHECK;
/* Of hearing, queue and jobs, since the start; the caller frees the array and each name. */
struct counter *dialogue_counters(const struct service_point *point, size_t *count);
/* The site hears at once how many slots are free. */
void dialogue_say_heartbeat(struct service_point *point);
/* Results and Hellos that are due, for the first time or again. */
void dialogue_say_what_is_due(struct service_point *point);
/* Handles a bounded number of the messages that are there. */
void dialogue_hear(struct service_point *point);

#endif
