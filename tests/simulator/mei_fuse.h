/*
 * mei_fuse.h - MEI devices as files of a FUSE mount (mei_device.h); the only place that knows libfuse.
 */
#ifndef SIMULATOR_MEI_FUSE_H
#define SIMULATOR_MEI_FUSE_H

#include "simulator.h"

struct mei_fuse; /* opaque: owns the mount */

/* Computers that are added later are there at once. */
bool mei_fuse_open(struct mei_fuse **fuse, struct simulator *simulator, const char *directory,
                   struct error *err) MUST_CHECK;
void mei_fuse_close(struct mei_fuse **fuse);

#endif
