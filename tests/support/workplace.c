#include "support/workplace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BLOCK_FIRST = 100, BLOCK_LAST = 250, DIRECTORIES_MAX = 50 };

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)walk;
    return kind == FTW_DP ? rmdir(path) : unlink(path);
}

void directory_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool make_directories(const char *path, struct error *err)
{
    AUTO(text_free) char *part = text_copy(path);

    for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return error_set(err, ERROR_INTERNAL, "cannot make directory %s: %s", part, strerror(errno));
        *slash = '/';
    }
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return error_set(err, ERROR_INTERNAL, "cannot make directory %s: %s", path, strerror(errno));
    return true;
}

/* -1 when somebody else holds it. */
static int lock_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool take_directory(struct workplace *workplace, const char *path, struct error *err)
{
    AUTO(text_free) char *lock = text_format("%s.lock", path);
    AUTO(text_free) char *parent = text_copy(path);

    *strrchr(parent, '/') = '\0';
    if (*parent && !make_directories(parent, err))
        return false;
    workplace->directory_lock = lock_file(lock);
    if (workplace->directory_lock < 0)
        return error_set(err, ERROR_CONFLICT, "%s is in use by another run, or %s cannot be written", path,
                         lock);
    directory_remove(path);
    if (!make_directories(path, err))
        return false;
    workplace->directory = text_copy(path);
    return true;
}

/* The lock is a name of the network namespace that the addresses belong to: it holds for every user and every
 * root directory, and ends with its process. -1 when somebody else holds it. */
static int lock_block(unsigned block)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "amt-loopback-%u", block);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, size) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool take_block(struct workplace *workplace, struct error *err)
{
    const unsigned blocks = BLOCK_LAST - BLOCK_FIRST + 1, first = (unsigned)getpid();

    for (unsigned i = 0; i < blocks; i++) {
        workplace->block = BLOCK_FIRST + (first + i) % blocks;
        workplace->block_lock = lock_block(workplace->block);
        if (workplace->block_lock >= 0)
            return true;
    }
    return error_set(err, ERROR_CONFLICT, "all loopback blocks 127.%d to 127.%d are in use", BLOCK_FIRST,
                     BLOCK_LAST);
}

static char *absolute(const char *path)
{
    AUTO(text_free) char *here = getcwd(NULL, 0);

    return path[0] == '/' ? text_copy(path) : text_format("%s/%s", here ? here : "", path);
}

bool workplace_open(struct workplace *workplace, const char *directory, bool exact, struct error *err)
{
    AUTO(text_free) char *wanted = absolute(directory);
    bool taken = false;

    *workplace = (struct workplace){ .directory_lock = -1, .block_lock = -1 };
    for (unsigned n = 1; !taken && n <= (exact ? 1 : DIRECTORIES_MAX); n++) {
        AUTO(text_free) char *path = n == 1 ? text_copy(wanted) : text_format("%s-%u", wanted, n);

        taken = take_directory(workplace, path, err);
    }
    if (!taken || !take_block(workplace, err)) {
        workplace_close(workplace);
        return false;
    }
    return true;
}

void workplace_close(struct workplace *workplace)
{
    if (workplace->directory && workplace->directory_lock >= 0) {
        AUTO(text_free) char *lock = text_format("%s.lock", workplace->directory);

        unlink(lock);
    }
    if (workplace->directory_lock > 0)
        close(workplace->directory_lock);
    if (workplace->block_lock > 0)
        close(workplace->block_lock);
    text_free(&workplace->directory);
    *workplace = (struct workplace){ 0 };
}

char *workplace_path(const struct workplace *workplace, const char *name)
{
    return text_format("%s/%s", workplace->directory, name);
}

char *workplace_computer_address(const struct workplace *workplace, unsigned index)
{
    return text_format("127.%u.%u.%u", workplace->block, 1 + index / 250, 1 + index % 250);
}

bool loopback_free_port(const char *address, uint16_t *port, struct error *err)
{
    struct sockaddr_in name = { .sin_family = AF_INET };
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = inet_pton(AF_INET, address, &name.sin_addr) == 1 && fd >= 0 &&
                 bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
                 getsockname(fd, (struct sockaddr *)&name, &length) == 0;

    if (fd >= 0)
        close(fd);
    if (!found)
        return error_set(err, ERROR_INTERNAL, "no free port at %s: %s", address, strerror(errno));
    *port = ntohs(name.sin_port);
    return true;
}

bool file_write(const char *path, const char *content, unsigned mode, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    size_t length = strlen(content);
    bool written = fd >= 0 && fchmod(fd, mode) == 0 && write(fd, content, length) == (ssize_t)length;

    if (fd >= 0)
        close(fd);
    return written || error_set(err, ERROR_INTERNAL, "cannot write %s: %s", path, strerror(errno));
}

bool file_read(const char *path, char **content, size_t *length, struct error *err)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t used = 0, got;
    char part[16384];

    if (!file)
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    while ((got = fread(part, 1, sizeof(part), file)) > 0) { /* not by size: /proc has none */
        text = reallocate(text, used + got + 1, 1);
        memcpy(text + used, part, got);
        used += got;
    }
    fclose(file);
    text = text ? text : text_copy("");
    text[used] = '\0';
    *content = text;
    if (length)
        *length = used;
    return true;
}
