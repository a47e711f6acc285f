#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool check_private(const char *path, const struct stat *status, struct error *err)
{
    if (!S_ISREG(status->st_mode))
        return error_set(err, ERROR_INPUT, "%s is not a file", path);
    if (status->st_mode & 077)
        return error_set(err, ERROR_INPUT, "%s can be read by others (mode %04o); run: chmod 600 %s", path,
                         (unsigned)status->st_mode & 07777, path);
    if (status->st_uid != geteuid() && status->st_uid != 0 &&
        geteuid() != 0) /* root reads for whom it becomes */
        return error_set(err, ERROR_INPUT, "%s belongs to user %u; it must belong to the one that reads it",
                         path, (unsigned)status->st_uid);
    if (status->st_size > PRIVATE_FILE_MAX_BYTES)
        return error_set(err, ERROR_INPUT, "%s has %lld bytes; at most %d are taken", path,
                         (long long)status->st_size, PRIVATE_FILE_MAX_BYTES);
    return true;
}

bool private_file_read(const char *path, struct secret **content, struct error *err)
{
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    char buffer[PRIVATE_FILE_MAX_BYTES];
    size_t length = 0;

    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    if (!check_private(path, &status, err))
        return false;
    for (;;) {
        ssize_t got = read(fd, buffer + length, sizeof(buffer) - length);

        if (got < 0) {
            secret_wipe(buffer, length);
            return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
        }
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *content = secret_new(buffer, length);
    secret_wipe(buffer, length);
    return true;
}

static bool write_whole(int fd, const struct secret *content)
{
    size_t done = 0;

    while (done < secret_length(content)) {
        ssize_t written = write(fd, secret_reveal(content) + done, secret_length(content) - done);

        if (written < 0)
            return false;
        done += (size_t)written;
    }
    return fsync(fd) == 0;
}

static int folder_open(const char *path)
{
    AUTO(text_free) char *name = text_copy(path); /* dirname() takes it apart */

    return open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* fsync(2): the name of a file that was made or renamed is on disk when its folder is. */
static bool folder_sync(const char *path)
{
    AUTO(fd_close) int fd = folder_open(path);

    return fd >= 0 && fsync(fd) == 0;
}

/* The folder, because the file itself is another one after each replacement. */
bool private_file_hold(const char *path, int *held, struct error *err)
{
    AUTO(fd_close) int fd = folder_open(path);

    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        return error_set(err, ERROR_INPUT, "cannot lock the folder of %s: %s", path, strerror(errno));
    *held = fd;
    fd = -1;
    return true;
}

void private_file_release(int *held)
{
    fd_close(held);
}

/* What could not be read again must not be written. */
static bool check_size(const char *path, const struct secret *content, struct error *err)
{
    if (secret_length(content) <= PRIVATE_FILE_MAX_BYTES)
        return true;
    return error_set(err, ERROR_INPUT, "%s would have %zu bytes; at most %d are taken", path,
                     secret_length(content), PRIVATE_FILE_MAX_BYTES);
}

bool private_file_create(const char *path, const struct secret *content, struct error *err)
{
    AUTO(fd_close) int fd = -1;

    if (!check_size(path, content, err))
        return false;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_CONFLICT, "%s is there already; move it away first if it may be lost",
                         path);
    if (fd < 0)
        return error_set(err, ERROR_INPUT, "cannot make %s: %s", path, strerror(errno));
    if (!write_whole(fd, content) || !folder_sync(path)) {
        error_set(err, ERROR_INTERNAL, "cannot write %s: %s", path, strerror(errno));
        unlink(path);
        return false;
    }
    return true;
}

bool private_file_replace(const char *path, const struct secret *content, struct error *err)
{
    AUTO(text_free) char *temporary = text_format("%s.XXXXXX", path);
    AUTO(fd_close) int fd = -1;
    struct stat status;

    if (!check_size(path, content, err))
        return false;
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, "cannot make %s: %s", temporary, strerror(errno));
    if ((stat(path, &status) == 0 && fchown(fd, status.st_uid, status.st_gid) != 0) ||
        !write_whole(fd, content) || rename(temporary, path) != 0) {
        error_set(err, ERROR_INTERNAL, "cannot replace %s: %s", path, strerror(errno));
        unlink(temporary);
        return false;
    }
    if (!folder_sync(path))
        return error_set(err, ERROR_INTERNAL, "%s was replaced, but may be lost with the power: %s", path,
                         strerror(errno));
    return true;
}
