#include "support/hello_flood.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

enum {
    SILENT_MOST = 3000, /* at once: each takes a descriptor here and one at the service point */
    TICK_MS = 2,
    FIRST_NET = 210, /* of the third byte: behind the computers and the agents of the benchmarks */
    HOSTS_A_NET = 250,
};

struct hello_flood {
    struct sockaddr_in target;
    struct hello_flood_options options;
    int silent[SILENT_MOST]; /* a ring; -1: none */
    size_t silent_next;
    atomic_bool stopping;
    atomic_uint_least64_t said, silent_count, failed;
    pthread_t thread;
    uint64_t turn;
};

static void put_number(uint8_t *at, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

void hello_bytes(uint8_t out[HELLO_BYTES], const struct uuid *uuid)
{
    memset(out, 0, HELLO_BYTES);
    put_number(out, 1, 2);
    put_number(out + 2, 3, 2);
    uuid_to_smbios(uuid, out + 8);
    out[24] = 1;  /* hashes */
    out[25] = 2;  /* SHA-256 */
    out[26] = 32; /* bytes */
    memset(out + 27, 0xa5, 32);
}

static struct sockaddr_in next_source(struct hello_flood *flood)
{
    unsigned place = (unsigned)(flood->turn % flood->options.addresses);
    uint32_t address = 127u << 24 | flood->options.block << 16 | (FIRST_NET + place / HOSTS_A_NET) << 8 |
                       (1 + place % HOSTS_A_NET);

    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
}

/* -1: it was not taken, as when the backlog is full. */
static int dial(struct hello_flood *flood)
{
    const int on = 1;
    struct sockaddr_in source = next_source(flood);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&source, sizeof(source)) == 0 &&
        (connect(fd, (struct sockaddr *)&flood->target, sizeof(flood->target)) == 0 || errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

static void keep_silent(struct hello_flood *flood, int fd)
{
    int *place = &flood->silent[flood->silent_next++ % SILENT_MOST];

    if (*place >= 0)
        close(*place);
    *place = fd;
    atomic_fetch_add(&flood->silent_count, 1);
}

static void say_one(struct hello_flood *flood)
{
    uint8_t hello[HELLO_BYTES];
    struct uuid uuid;
    int fd = dial(flood);
    bool said;

    if (fd >= 0 && flood->turn % 100 < flood->options.silent) {
        keep_silent(flood, fd);
        return;
    }
    said = fd >= 0 && getrandom(uuid.bytes, sizeof(uuid.bytes), 0) == sizeof(uuid.bytes);
    if (said) {
        hello_bytes(hello, &uuid);
        said = send(fd, hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello);
    }
    atomic_fetch_add(said ? &flood->said : &flood->failed, 1);
    if (fd >= 0)
        close(fd);
}

/* Waiting for the clock is what a flood does: nothing is to be seen of the service point from here. */
static void *run(void *context)
{
    struct hello_flood *flood = context;
    int64_t began_ms = clock_monotonic_ms();

    while (!atomic_load(&flood->stopping)) {
        uint64_t due = (uint64_t)(clock_monotonic_ms() - began_ms) * flood->options.per_second / 1000;

        while (flood->turn < due && !atomic_load(&flood->stopping)) {
            say_one(flood);
            flood->turn++;
        }
        usleep(TICK_MS * 1000);
    }
    return NULL;
}

static bool read_target(struct hello_flood *flood, const char *target, struct error *err)
{
    AUTO(text_free) char *host = text_copy(target);
    char *colon = strrchr(host, ':');

    if (!colon)
        return error_set(err, ERROR_INPUT, "hello flood: \"%s\" is not HOST:PORT", target);
    *colon = '\0';
    flood->target = (struct sockaddr_in){ .sin_family = AF_INET,
                                          .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)) };
    return inet_pton(AF_INET, host, &flood->target.sin_addr) == 1 ||
           error_set(err, ERROR_INPUT, "hello flood: \"%s\" is not an IPv4 address", host);
}

bool hello_flood_start(struct hello_flood **flood, const struct hello_flood_options *options,
                       struct error *err)
{
    struct hello_flood *starting = allocate(sizeof(*starting));

    starting->options = *options;
    for (size_t i = 0; i < SILENT_MOST; i++)
        starting->silent[i] = -1;
    if (!read_target(starting, options->target, err)) {
        free(starting);
        return false;
    }
    starting->options.target = NULL;
    if (pthread_create(&starting->thread, NULL, run, starting) != 0) {
        free(starting);
        return error_set(err, ERROR_INTERNAL, "hello flood: no thread");
    }
    *flood = starting;
    return true;
}

struct hello_flood_count hello_flood_count(struct hello_flood *flood)
{
    return (struct hello_flood_count){ atomic_load(&flood->said), atomic_load(&flood->silent_count),
                                       atomic_load(&flood->failed) };
}

void hello_flood_stop(struct hello_flood **flood)
{
    struct hello_flood *stopping = TAKE(*flood);

    if (!stopping)
        return;
    atomic_store(&stopping->stopping, true);
    pthread_join(stopping->thread, NULL);
    for (size_t i = 0; i < SILENT_MOST; i++) {
        if (stopping->silent[i] >= 0)
            close(stopping->silent[i]);
    }
    free(stopping);
}
