/*
 * registration.h - the service point's session with its site: when to say REGISTER, when HEARTBEAT, when to
 * connect anew.
 *
 * Pure: the clock is a parameter, what is to be said is told to the caller. A site with nothing to say is
 * silent; after three heartbeats it is asked with a REGISTER, and only when that stays unanswered the
 * connection is made anew: to the next site server, if there are several. A connection that breaks, or cannot
 * be made, is given up at once when there is another site server to go to.
 */
#ifndef QUEUE_REGISTRATION_H
#define QUEUE_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

struct registration { /* begin with registration_begin() */
    bool welcomed;
    bool several; /* site servers; the caller's */
    int64_t heartbeat_ms;
    int64_t connected_ms; /* when the connection was made, or made anew */
    int64_t give_up_ms;   /* of a connection over which no REGISTER can be sent */
    int64_t asked_ms;     /* when the unanswered REGISTER was sent; 0: none is under way */
    int64_t heard_ms;     /* the site's last word */
    int64_t next_ms;      /* of the next REGISTER or HEARTBEAT */
};

enum registration_action {
    REGISTRATION_NOTHING,
    REGISTRATION_REGISTER,
    REGISTRATION_HEARTBEAT,
    REGISTRATION_RECONNECT, /* a new connection; a REGISTER follows by itself */
};

void registration_begin(struct registration *registration, int64_t now_ms);
/* What is to be done now; ask again until there is nothing. */
enum registration_action registration_next(struct registration *registration, int64_t now_ms);
int64_t registration_due_ms(const struct registration *registration);

/* The REGISTER was handed to the network, or could not be. */
void registration_asked(struct registration *registration, bool sent, int64_t now_ms);
/* The connection broke, or could not be made. */
void registration_broke(struct registration *registration, int64_t now_ms);
/* The caller connected to another site server by itself. */
void registration_moved(struct registration *registration, int64_t now_ms);
/* Any message of the site. */
void registration_heard(struct registration *registration, int64_t now_ms);
void registration_welcomed(struct registration *registration, uint32_t heartbeat_s, int64_t now_ms);
/* The site says that it does not know us (REFUSED, not-registered). */
void registration_lost(struct registration *registration, int64_t now_ms);

#endif
