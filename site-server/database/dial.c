#include "dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"

#define TCP_USER_TIMEOUT_MS "10000" /* a host that falls silent later must not hold the caller for long */

struct line {
    PGconn *connection; /* NULL: gave up */
    PostgresPollingStatusType wants;
};

struct dial {
    int epoll; /* of all lines' sockets */
    int64_t end_ms;
    struct line lines[DIAL_HOSTS_MAX];
    size_t count;
    char why[200]; /* what the hosts answered that did not suit */
};

/* One host of a list, as libpq takes them: "a,b" and ports "1,2" or one port for all. */
struct host {
    const char *host, *hostaddr, *port; /* NULL: not given */
};

static void options_free(PQconninfoOption **options)
{
    PQconninfoFree(*options);
    *options = NULL;
}

static const char *option_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword; options++) {
        if (strcmp(options->keyword, keyword) == 0)
            return options->val;
    }
    return NULL;
}

static size_t count_items(const char *list)
{
    size_t count = list ? 1 : 0;

    for (; list && *list; list++)
        count += *list == ',';
    return count;
}

/* Item number index of the list, or the only one; the caller frees. NULL: there is no list. */
static char *item_of(const char *list, size_t index)
{
    if (!list)
        return NULL;
    for (; index && count_items(list) > 1; index--)
        list = strchr(list, ',') + 1;
    return text_format("%.*s", (int)strcspn(list, ","), list);
}

static void note(struct dial *dial, const char *why)
{
    size_t length = strlen(dial->why);

    snprintf(dial->why + length, sizeof(dial->why) - length, "%s%s", length ? "; " : "", why);
    for (char *at = dial->why + length; *at; at++) {
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    }
}

static void hang_up(struct dial *dial, struct line *line, const char *why)
{
    note(dial, why);
    PQfinish(line->connection);
    line->connection = NULL;
}

/* libpq may have opened another socket since; one that was closed has left by itself. */
static void watch(struct dial *dial, struct line *line)
{
    struct epoll_event event = { .events = line->wants == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN };
    int socket = PQsocket(line->connection);

    if (epoll_ctl(dial->epoll, EPOLL_CTL_ADD, socket, &event) != 0 &&
        (errno != EEXIST || epoll_ctl(dial->epoll, EPOLL_CTL_MOD, socket, &event) != 0))
        hang_up(dial, line, strerror(errno));
}

/* What comes after dbname wins over the URL, what comes before is its default. */
static void dial_host(struct dial *dial, const char *url, const char *program, const struct host *host)
{
    const char *keywords[] = { "tcp_user_timeout",
                               "target_session_attrs",
                               "dbname",
                               "application_name",
                               "client_encoding",
                               NULL,
                               NULL,
                               NULL,
                               NULL };
    const char *values[9] = { TCP_USER_TIMEOUT_MS, "read-write", url, program, "UTF8" };
    const struct host *of = host;
    struct line *line = &dial->lines[dial->count++];
    size_t count = 5;

    if (of->host) {
        keywords[count] = "host";
        values[count++] = of->host;
    }
    if (of->hostaddr) {
        keywords[count] = "hostaddr";
        values[count++] = of->hostaddr;
    }
    if (of->port) {
        keywords[count] = "port";
        values[count++] = of->port;
    }
    line->connection = PQconnectStartParams(keywords, values, 1);
    line->wants = PGRES_POLLING_WRITING; /* libpq documentation: as if PQconnectPoll() had said so */
    if (PQstatus(line->connection) == CONNECTION_BAD)
        hang_up(dial, line, PQerrorMessage(line->connection));
    else
        watch(dial, line);
}

static bool dial_hosts(struct dial *dial, const char *url, const char *program, struct error *err)
{
    char *wrong = NULL;
    AUTO(options_free) PQconninfoOption *options = PQconninfoParse(url, &wrong);
    const char *hosts, *addresses, *ports;
    size_t count;

    if (!options) {
        error_set(err, ERROR_INPUT, "database: the connection string is not valid: %s",
                  wrong ? wrong : "no memory");
        PQfreemem(wrong);
        return false;
    }
    hosts = option_of(options, "host");
    addresses = option_of(options, "hostaddr");
    ports = option_of(options, "port");
    count = count_items(addresses ? addresses : hosts);
    if (count > DIAL_HOSTS_MAX)
        return error_set(err, ERROR_INPUT, "database: %zu hosts; at most %d are taken", count,
                         DIAL_HOSTS_MAX);
    for (size_t i = 0; i < count || i == 0; i++) {
        AUTO(text_free) char *host = item_of(hosts, i);
        AUTO(text_free) char *address = item_of(addresses, i);
        AUTO(text_free) char *port = item_of(ports, i);

        dial_host(dial, url, program, &(struct host){ host, address, port });
    }
    return true;
}

bool dial_begin(struct dial **dial, const char *url, const char *program, struct error *err)
{
    AUTO(dial_end) struct dial *dialling = allocate(sizeof(*dialling));

    dialling->end_ms = clock_monotonic_ms() + DIAL_TIMEOUT_MS;
    dialling->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (dialling->epoll < 0)
        return error_set(err, ERROR_INTERNAL, "database: cannot wait for several hosts: %s", strerror(errno));
    if (!dial_hosts(dialling, url, program, err))
        return false;
    *dial = TAKE(dialling);
    return true;
}

void dial_end(struct dial **dial)
{
    struct dial *ending = *dial;

    if (!ending)
        return;
    for (size_t i = 0; i < ending->count; i++)
        PQfinish(ending->lines[i].connection);
    if (ending->epoll >= 0)
        close(ending->epoll);
    free(ending);
    *dial = NULL;
}

int dial_descriptor(const struct dial *dial)
{
    return dial->epoll;
}

static bool anybody_left(const struct dial *dial)
{
    for (size_t i = 0; i < dial->count; i++) {
        if (dial->lines[i].connection)
            return true;
    }
    return false;
}

int64_t dial_due_ms(const struct dial *dial)
{
    return anybody_left(dial) ? dial->end_ms : 0;
}

/* PQconnectPoll() may only be called when the socket is ready for what it wants. */
static bool ready(const struct line *line)
{
    int descriptor = PQsocket(line->connection);
    struct pollfd item = { .fd = descriptor,
                           .events = line->wants == PGRES_POLLING_WRITING ? POLLOUT : POLLIN };

    return poll(&item, 1, 0) > 0;
}

static void go_on(struct dial *dial, struct line *line)
{
    if (!ready(line))
        return;
    line->wants = PQconnectPoll(line->connection);
    if (line->wants == PGRES_POLLING_FAILED)
        hang_up(dial, line, PQerrorMessage(line->connection));
    else if (line->wants != PGRES_POLLING_OK)
        watch(dial, line);
}

enum dial_state dial_continue(struct dial *dial, PGconn **connection, struct error *err)
{
    for (size_t i = 0; i < dial->count; i++) {
        struct line *line = &dial->lines[i];

        if (line->connection)
            go_on(dial, line);
        if (line->connection && line->wants == PGRES_POLLING_OK) {
            *connection = TAKE(line->connection);
            return DIAL_CONNECTED;
        }
    }
    if (anybody_left(dial) && clock_monotonic_ms() < dial->end_ms)
        return DIAL_GOES_ON;
    if (anybody_left(dial))
        note(dial, "a host did not answer in time");
    error_set(err, ERROR_UNREACHABLE, "database: %s", dial->why);
    return DIAL_FAILED;
}
