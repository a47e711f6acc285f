/*
 * connection.h - one TCP connection to a computer: HTTP, login, and everything it is told to do wrong.
 */
#ifndef SIMULATOR_CONNECTION_H
#define SIMULATOR_CONNECTION_H

#include "computer.h"

void connection_accept(struct computer *computer, evutil_socket_t socket,
                       bool tls);                   /* takes the socket over */
void connection_cut(struct connection *connection); /* frees it */

#endif
