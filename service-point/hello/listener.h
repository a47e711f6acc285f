/*
 * listener.h - hears Hello messages: one a connection, bounded in size and time, answers nothing (spec O1).
 *
 * Non-blocking and single-threaded: its owner polls listener_fd() for reading and calls listener_turn() when
 * it is ready and when listener_due_ms() has come. A turn does a bounded amount of work, so that no crowd of
 * senders keeps the owner from its other work. When connections_max is reached the oldest connection makes
 * room: it had the most time.
 */
#ifndef HELLO_LISTENER_H
#define HELLO_LISTENER_H

#include "hello/hello_message.h"

struct hello_listener; /* opaque: owns the sockets */

struct hello_listener_settings {
    const char *listen; /* "0.0.0.0:9971", "[::]:9971"; numeric */
    unsigned receive_timeout_ms;
    unsigned connections_max;
};

/* Called for each Hello that was taken; address is the numeric source address, both borrowed. */
typedef void hello_sink(void *context, const struct hello_message *hello, const char *address);

bool hello_listener_open(struct hello_listener **listener, const struct hello_listener_settings *settings,
                         hello_sink *sink, void *context, struct error *err) MUST_CHECK;
int hello_listener_fd(const struct hello_listener *listener);
/* The monotonic time of the next time-out; INT64_MAX when there is none. */
int64_t hello_listener_due_ms(const struct hello_listener *listener);
void hello_listener_turn(struct hello_listener *listener, int64_t now_ms);
/* Reads hello.taken, hello.<reason of dropping> and so on; name is borrowed for ever. False after the last.
 */
bool hello_listener_counter(const struct hello_listener *listener, size_t index, const char **name,
                            uint64_t *value);
/* Numeric address it listens on, with the port the system gave when 0 was asked for. */
const char *hello_listener_address(const struct hello_listener *listener);
void hello_listener_close(struct hello_listener **listener);

#endif
