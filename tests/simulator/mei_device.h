/*
 * mei_device.h - the computers' MEI devices: DIRECTORY/UUID for each, as the host on it would see /dev/mei0.
 *
 * Files of a FUSE mount, which take the driver's own ioctl, read, write and poll; or, where FUSE cannot be
 * had, SOCK_SEQPACKET sockets: the first packet is the client's GUID, answered by u32 errno, u32 longest
 * message, u8 version and three reserved bytes (integers little-endian); from then on a packet is a message.
 */
#ifndef SIMULATOR_MEI_DEVICE_H
#define SIMULATOR_MEI_DEVICE_H

#include "simulator.h"

struct mei_device; /* opaque: owns the mount or the sockets, and what is open on them */

enum mei_device_kind { MEI_DEVICE_AUTO, MEI_DEVICE_FUSE, MEI_DEVICE_SOCKET };

/* Makes the directory. AUTO takes FUSE where it can be mounted. */
bool mei_device_open(struct mei_device **device, struct simulator *simulator, const char *directory,
                     enum mei_device_kind kind, struct error *err) MUST_CHECK;
/* For a computer that was added later. */
bool mei_device_add(struct mei_device *device, struct computer *computer, struct error *err) MUST_CHECK;
void mei_device_close(struct mei_device **device);

#endif
