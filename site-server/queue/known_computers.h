/*
 * known_computers.h - tells the service points which computers the site knows, so that Hellos of these come
 * before those of strangers (service-point/hello/pending.h).
 *
 * Read from the database when computers came or went, not more often than that costs a twentieth of the time;
 * each session is told with its WELCOME, and again when it changed. In memory only.
 */
#ifndef QUEUE_KNOWN_COMPUTERS_H
#define QUEUE_KNOWN_COMPUTERS_H

#include "queue/dialogue.h"

struct known_computers { /* zero-initialise */
    struct known_set set;
    bool changed;
    int64_t next_ms; /* monotonic: not to be read before */
};

void known_computers_clear(struct known_computers *known);
/* Computers came or went. */
void known_computers_changed(struct known_computers *known);
/* INT64_MAX: nothing is to be done. */
int64_t known_computers_due_ms(const struct known_computers *known);
/* Reads and tells them when that is due. False: they could not be read; it is tried again later. */
bool known_computers_run(struct known_computers *known, struct site *site, struct endpoint *endpoint,
                         int64_t now_ms, struct error *err) MUST_CHECK;

#endif
