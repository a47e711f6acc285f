/*
 * point.h - the state of the service point's main thread; for service_point.c, dialogue.c and
 * point_status.c only.
 */
#ifndef POINT_H
#define POINT_H

#include "common/log.h"
#include "common/metrics/exposition.h"
#include "config.h"
#include "firmware/console.h"
#include "firmware/trust.h"
#include "hello/listener.h"
#include "hello/pending.h"
#include "queue/client.h"
#include "queue/registration.h"
#include "work/mailbox.h"
#include "work/results.h"
#include "work/session_pool.h"

enum own_counter {
    HELLO_DUPLICATE,
    HELLO_RUNNING_HERE,
    HELLO_DISPLACED,
    HELLO_TOO_OFTEN,
    HELLO_STRANGERS,
    HELLO_KNOWN_TOLD,
    QUEUE_MALFORMED,
    QUEUE_UNEXPECTED,
    QUEUE_REFUSED,
    QUEUE_CONNECTIONS,
    JOB_ACCEPTED,
    JOB_DECLINED,
    JOB_DONE,
    JOB_FAILED,
    OWN_COUNTERS,
};

struct service_point {
    const struct config *config;
    struct trust *trust;
    struct console *console;
    int64_t console_asked_ms; /* monotonic; when the site was asked last for what it holds; 0: never */
    struct queue_client *queue;
    bool several_sites; /* that the queue can go to */
    struct registration registration;
    int64_t home_ms; /* when the first choice of the site servers is tried again; 0: it is in use */
    bool looking_home;
    uint64_t process, session; /* for REGISTER */
    struct hello_listener *listener;
    struct pending_hellos *hellos;
    struct known_set_reader *known; /* the computers that the site knows; NULL: it did not tell */
    struct mailbox *mailbox;
    struct session_surroundings surroundings;
    struct session_pool *sessions;
    struct results *results;
    struct exposition *exposition; /* NULL: metrics.listen is empty */
    int64_t started_s;             /* since 1970 */
    int signal_fd;
    int64_t now_ms;    /* monotonic; of this turn */
    int64_t status_ms; /* when the service manager may be told of a change again */
    uint64_t correlation;
    uint64_t counters[OWN_COUNTERS];
    struct log_limit malformed_limit, refused_limit;
    bool stopping;
    int64_t stop_at_ms; /* when stopping: the end, whatever is still under way */
};

#endif
