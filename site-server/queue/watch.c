#include "queue/watch.h"

#include <assert.h>
#include <errno.h>
#include <zmq.h>

#define WATCHES_MAX 16

bool watch_wait(struct watch *watches, size_t count, long timeout_ms, struct error *err)
{
    zmq_pollitem_t items[WATCHES_MAX];
    size_t index[WATCHES_MAX], used = 0;

    assert(count <= WATCHES_MAX);
    for (size_t i = 0; i < count; i++) {
        watches[i].ready = false;
        if (!watches[i].socket && watches[i].descriptor < 0)
            continue;
        items[used] = (zmq_pollitem_t){ .socket = watches[i].socket,
                                        .fd = watches[i].descriptor,
                                        .events = ZMQ_POLLIN };
        index[used++] = i;
    }
    if (zmq_poll(items, (int)used, timeout_ms) < 0) {
        if (zmq_errno() == EINTR)
            return true;
        return error_set(err, ERROR_INTERNAL, "cannot wait for the queue: %s", zmq_strerror(zmq_errno()));
    }
    for (size_t i = 0; i < used; i++)
        watches[index[i]].ready = items[i].revents != 0; /* an error is found by whoever reads */
    return true;
}
