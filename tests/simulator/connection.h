/*
 * connection.h - one TCP connection to a computer: HTTP, login, and everything it is told to do wrong.
 */
#ifndef SIMULATOR_CONNECTION_H
#define SIMULATOR_CONNECTION_H

#include "computer.h"

void connection_accept(struct computer *computer, evutil_socket_t socket,
                       bool tls);                   /* takes the socket over */
void connection_cut(struct connection *connection); /* frees it */

/* Requests that wait at the computer's hold go on; or their connections end without an answer, and those
 * that had no effect yet never have one. */
void connections_release(struct computer *computer);
void connections_lose_held(struct computer *computer);
/* What comes right after the answer to a request that waited for it. */
enum parting { PARTING_DROP, PARTING_POWER_LOSS };
void connections_answer(struct computer *computer, enum parting parting);
/* All connections end, whatever they are about. */
void connections_drop(struct computer *computer);
/* Nothing is read or written any more; or again. */
void connections_freeze(struct computer *computer, bool frozen);

#endif
