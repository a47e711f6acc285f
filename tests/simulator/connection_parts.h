/*
 * connection_parts.h - what a connection is made of: for the files that bear its name.
 *
 * connection.c has its life and its events, connection_answer.c what goes out, connection_login.c who asks,
 * connection_request.c what is done and what is done wrong, connection_hold.c requests that wait.
 */
#ifndef SIMULATOR_CONNECTION_PARTS_H
#define SIMULATOR_CONNECTION_PARTS_H

#include "connection.h"
#include "http.h"
#include "service.h"
#include "wsman.h"

#include <event2/bufferevent.h>

enum { IDLE_LIMIT_S = 120 };

enum connection_state {
    CONNECTION_READING,
    CONNECTION_REFUSING, /* waits for the client's hello, to answer it with an alert */
    CONNECTION_WORKING,  /* a request is being looked at; more bytes now are pipelining */
    CONNECTION_ANSWERING,
    CONNECTION_STALLED,
    CONNECTION_HELD, /* a request waits at the computer's hold */
};

struct connection {
    struct computer *computer;
    struct bufferevent *bufferevent;
    SSL *session; /* owned by the bufferevent; NULL: plain */
    enum connection_state state;
    bool handshaken;
    bool logged_in;       /* the firmware's login cache: one identity per connection */
    uint32_t acl_version; /* of that login */
    struct identity identity;
    unsigned failed_logins;
    struct http_request request; /* while working */
    bool old_interface;          /* of that request */
    struct text negotiated;      /* for the answer to that request; empty: none */
    struct event *timer;
    struct text dripping; /* what is left of an answer sent byte by byte */
    size_t dripped;
    unsigned drip_ms;
    bool close_after;
    enum after_answer after;
    bool power_fails;       /* after the answer */
    bool resumed;           /* the request has waited before its effect */
    struct answer withheld; /* of a request that waits after its effect */
    struct connection *next;
};

static inline struct device *device_of(const struct connection *connection)
{
    return connection->computer->device;
}

/* Ends without an answer what a request did; the firmware restarts all the same where it was to. */
void connection_lose(struct connection *connection);
void connection_reset(struct connection *connection);
void connection_wait_ms(struct connection *connection, unsigned ms, event_callback_fn callback);

/* Takes the text over. */
void connection_send(struct connection *connection, struct text *answer);
void connection_answer_html(struct connection *connection, unsigned status, const char *extra,
                            const char *body);
void connection_answer_bad_request(struct connection *connection);
void connection_answer_unauthorized(struct connection *connection, bool stale);
void connection_answer_soap(struct connection *connection, struct answer *answer);

/* Answers itself unless the request may go on. */
bool connection_check_login(struct connection *connection);

/* A whole request has come. */
void connection_begin(struct connection *connection);
/* What is at its path; NULL: WS-Management. Again, when it has waited. */
void connection_work(struct connection *connection, const struct service *service);
/* Stops here until the control socket says go on. */
void connection_hold(struct connection *connection, enum hold_phase phase, const char *operation);

#endif
