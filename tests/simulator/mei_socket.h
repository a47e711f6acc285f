/*
 * mei_socket.h - MEI devices as SOCK_SEQPACKET sockets (mei_device.h).
 */
#ifndef SIMULATOR_MEI_SOCKET_H
#define SIMULATOR_MEI_SOCKET_H

#include "simulator.h"

struct mei_sockets; /* opaque: owns the sockets and their connections */

bool mei_sockets_open(struct mei_sockets **sockets, struct simulator *simulator, const char *directory,
                      struct error *err) MUST_CHECK;
bool mei_sockets_add(struct mei_sockets *sockets, struct computer *computer, struct error *err) MUST_CHECK;
void mei_sockets_close(struct mei_sockets **sockets);

#endif
