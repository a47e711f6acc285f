#define FUSE_USE_VERSION 312

#include "mei_fuse.h"

#include "mei_session.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/mei.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { FIRST_FILE = FUSE_ROOT_ID + 1 /* number of the first computer's file */ };

struct mei_fuse {
    struct simulator *simulator;
    struct fuse_session *session;
    struct event *readable;
    struct fuse_buf buffer; /* reused from request to request */
    bool mounted;
};

static struct mei_fuse *fuse_of(fuse_req_t request)
{
    return fuse_req_userdata(request);
}

static struct computer *computer_of(struct mei_fuse *fuse, fuse_ino_t file)
{
    size_t index = (size_t)(file - FIRST_FILE);

    return file >= FIRST_FILE && index < fuse->simulator->count ? fuse->simulator->computers[index] : NULL;
}

static struct mei_session *session_of(struct fuse_file_info *open_file)
{
    return (struct mei_session *)(uintptr_t)open_file->fh; /* as mei_open() put it there */
}

static struct stat attributes(fuse_ino_t file)
{
    struct stat status = { .st_ino = file, .st_uid = geteuid(), .st_gid = getegid(), .st_nlink = 1 };

    status.st_mode = file == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0600;
    return status;
}

static void lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    const struct simulator *simulator = fuse_of(request)->simulator;
    struct fuse_entry_param entry = { .attr_timeout = 1, .entry_timeout = 1 };

    for (size_t i = 0; parent == FUSE_ROOT_ID && !entry.ino && i < simulator->count; i++)
        if (!strcmp(simulator->computers[i]->device->uuid_text, name))
            entry.ino = FIRST_FILE + i;
    if (!entry.ino) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    entry.attr = attributes(entry.ino);
    fuse_reply_entry(request, &entry);
}

static void get_attributes(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *open_file)
{
    struct stat status = attributes(file);

    (void)open_file;
    fuse_reply_attr(request, &status, 1);
}

static void read_directory(fuse_req_t request, fuse_ino_t directory, size_t room, off_t from,
                           struct fuse_file_info *open_file)
{
    const struct simulator *simulator = fuse_of(request)->simulator;
    char *entries = allocate(room);
    size_t used = 0;

    (void)directory;
    (void)open_file;
    for (size_t i = (size_t)from; i < simulator->count; i++) {
        struct stat status = attributes(FIRST_FILE + i);
        size_t size = fuse_add_direntry(request, entries + used, room - used,
                                        simulator->computers[i]->device->uuid_text, &status, (off_t)i + 1);

        if (size > room - used)
            break;
        used += size;
    }
    fuse_reply_buf(request, entries, used);
    free(entries);
}

static void open_file(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    struct computer *computer = computer_of(fuse_of(request), file);

    if (!computer) {
        fuse_reply_err(request, EISDIR);
        return;
    }
    info->fh = (uintptr_t)mei_session_open(computer);
    info->direct_io = 1;
    info->nonseekable = 1;
    fuse_reply_open(request, info);
}

static void release(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    struct mei_session *session = session_of(info);

    (void)file;
    mei_session_close(&session);
    fuse_reply_err(request, 0);
}

/* Answers are there at once or never, so that a reader who may wait has nothing to wait for: EAGAIN too. */
static void read_file(fuse_req_t request, fuse_ino_t file, size_t room, off_t offset,
                      struct fuse_file_info *info)
{
    struct mei_session *session = session_of(info);
    const unsigned char *bytes;
    size_t length;
    int failed = mei_session_read(session, &bytes, &length);

    (void)file;
    (void)offset;
    if (failed) {
        fuse_reply_err(request, failed);
        return;
    }
    if (length > room)
        length = room;
    fuse_reply_buf(request, (const char *)bytes, length);
    mei_session_taken(session, length);
}

static void write_file(fuse_req_t request, fuse_ino_t file, const char *bytes, size_t length, off_t offset,
                       struct fuse_file_info *info)
{
    int failed = mei_session_write(session_of(info), bytes, length);

    (void)file;
    (void)offset;
    if (failed)
        fuse_reply_err(request, failed);
    else
        fuse_reply_write(request, length);
}

static void control(fuse_req_t request, fuse_ino_t file, unsigned command, void *argument,
                    struct fuse_file_info *info, unsigned flags, const void *in, size_t in_length,
                    size_t out_length)
{
    struct mei_connect_client_data data;
    uint32_t message_max = 0;
    uint8_t version = 0;
    int failed;

    (void)file;
    (void)argument;
    (void)flags;
    if (command != IOCTL_MEI_CONNECT_CLIENT || in_length != sizeof(data) || out_length < sizeof(data)) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    memcpy(&data, in, sizeof(data));
    failed = mei_session_connect(session_of(info), (const unsigned char *)&data, &message_max, &version);
    if (failed) {
        fuse_reply_err(request, failed);
        return;
    }
    data.out_client_properties.max_msg_length = message_max;
    data.out_client_properties.protocol_version = version;
    fuse_reply_ioctl(request, 0, &data, sizeof(data));
}

static void poll_file(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info,
                      struct fuse_pollhandle *handle)
{
    (void)file;
    if (handle)
        fuse_pollhandle_destroy(handle); /* nothing comes later that a poller would have to be told */
    fuse_reply_poll(request, mei_session_events(session_of(info)));
}

static const struct fuse_lowlevel_ops operations = { .lookup = lookup,
                                                     .getattr = get_attributes,
                                                     .readdir = read_directory,
                                                     .open = open_file,
                                                     .release = release,
                                                     .read = read_file,
                                                     .write = write_file,
                                                     .ioctl = control,
                                                     .poll = poll_file };

static void on_request(evutil_socket_t fd, short what, void *context)
{
    struct mei_fuse *fuse = context;
    int got;

    (void)fd;
    (void)what;
    while ((got = fuse_session_receive_buf(fuse->session, &fuse->buffer)) > 0)
        fuse_session_process_buf(fuse->session, &fuse->buffer);
    if (got == -ENODEV) /* unmounted by somebody else */
        event_del(fuse->readable);
}

static bool mount_at(struct mei_fuse *fuse, const char *directory, struct error *err)
{
    /* auto_unmount: whatever becomes of us, no dead mount stays behind. */
    const char *options = geteuid() == 0 ? "auto_unmount,allow_other,default_permissions,fsname=amt-simulator"
                                         : "auto_unmount,fsname=amt-simulator";
    struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);

    if (!fuse_opt_add_arg(&arguments, "amt-simulator") && !fuse_opt_add_arg(&arguments, "-o") &&
        !fuse_opt_add_arg(&arguments, options))
        fuse->session = fuse_session_new(&arguments, &operations, sizeof(operations), fuse);
    fuse_opt_free_args(&arguments);
    if (!fuse->session || fuse_session_mount(fuse->session, directory))
        return error_set(err, "%s: FUSE cannot be mounted there", directory);
    fuse->mounted = true;
    return true;
}

bool mei_fuse_open(struct mei_fuse **fuse, struct simulator *simulator, const char *directory,
                   struct error *err)
{
    struct mei_fuse *opening = allocate(sizeof(*opening));
    int fd;

    opening->simulator = simulator;
    if (!mount_at(opening, directory, err)) {
        mei_fuse_close(&opening);
        return false;
    }
    fd = fuse_session_fd(opening->session);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    opening->readable = event_new(simulator->base, fd, EV_READ | EV_PERSIST, on_request, opening);
    event_add(opening->readable, NULL);
    *fuse = opening;
    return true;
}

void mei_fuse_close(struct mei_fuse **fuse)
{
    struct mei_fuse *closing = *fuse;

    if (!closing)
        return;
    if (closing->readable)
        event_free(closing->readable);
    if (closing->mounted)
        fuse_session_unmount(closing->session);
    if (closing->session)
        fuse_session_destroy(closing->session);
    free(closing->buffer.mem);
    free(closing);
    *fuse = NULL;
}
