/*
 * watch.h - waits for libzmq sockets and descriptors at once: the one place where the site server sleeps.
 */
#ifndef QUEUE_WATCH_H
#define QUEUE_WATCH_H

#include "common/error.h"

struct watch {
    void *socket;   /* a libzmq socket, borrowed; NULL: the descriptor counts */
    int descriptor; /* less than 0 and no socket: not waited for */
    bool ready;     /* set by watch_wait(): there is something to read */
};

/* At most timeout_ms, -1 for as long as it takes. A signal that interrupts ends the wait with nothing ready.
 */
bool watch_wait(struct watch *watches, size_t count, long timeout_ms, struct error *err) MUST_CHECK;

#endif
