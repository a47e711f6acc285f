#include "mei_device.h"

#include "mei_fuse.h"
#include "mei_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct mei_device {
    struct mei_fuse *fuse;
    struct mei_sockets *sockets; /* one of both */
};

bool mei_device_open(struct mei_device **device, struct simulator *simulator, const char *directory,
                     enum mei_device_kind kind, struct error *err)
{
    struct mei_device *opening = allocate(sizeof(*opening));
    struct error no_fuse = { 0 };
    bool opened = true;

    if (mkdir(directory, 0755) && errno != EEXIST) {
        opened = error_set(err, "%s: %s", directory, strerror(errno));
    } else if (kind == MEI_DEVICE_SOCKET || !mei_fuse_open(&opening->fuse, simulator, directory, &no_fuse)) {
        opened = kind == MEI_DEVICE_FUSE ? error_set(err, "%s", no_fuse.message)
                                         : mei_sockets_open(&opening->sockets, simulator, directory, err);
    }
    if (opened)
        *device = opening;
    else
        free(opening);
    return opened;
}

bool mei_device_add(struct mei_device *device, struct computer *computer, struct error *err)
{
    return !device->sockets || mei_sockets_add(device->sockets, computer, err);
}

void mei_device_close(struct mei_device **device)
{
    if (!*device)
        return;
    mei_fuse_close(&(*device)->fuse);
    mei_sockets_close(&(*device)->sockets);
    free(*device);
    *device = NULL;
}
