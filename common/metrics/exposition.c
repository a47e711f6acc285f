#include "common/metrics/exposition.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX   64
#define CONNECTION_IDLE_S 10

struct exposition {
    struct MHD_Daemon *daemon;
    struct exposition_source source;
    bool running; /* a page is being made: who makes it may wait, and what it waits in may run us again */
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
                               char *text, size_t length)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result queued;

    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return respond(connection, status, "text/plain; charset=utf-8", text_copy(text), strlen(text));
}

static enum MHD_Result respond_written(struct exposition *exposition, struct MHD_Connection *connection,
                                       bool metrics)
{
    unsigned status = MHD_HTTP_OK;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return MHD_NO;
    if (metrics)
        exposition->source.write_metrics(exposition->source.context, out);
    else if (!exposition->source.write_health(exposition->source.context, out))
        status = MHD_HTTP_SERVICE_UNAVAILABLE;
    fclose(out);
    return respond(connection, status,
                   metrics ? "text/plain; version=0.0.4; charset=utf-8" : "text/plain; charset=utf-8", text,
                   length);
}

/* RFC 5280 4.2.1.13 wants one DER encoded list, RFC 2585 4.2 names its type. */
static enum MHD_Result respond_list(struct exposition *exposition, struct MHD_Connection *connection,
                                    const char *file)
{
    size_t length = strlen(file);
    AUTO(text_free)
    char *name = length > 4 && strcmp(file + length - 4, ".crl") == 0
                     ? text_format("%.*s", (int)length - 4, file)
                     : NULL;
    const struct bytes *list = name ? exposition->source.find_list(exposition->source.context, name) : NULL;
    struct bytes copy = { 0 };

    if (!list)
        return respond_text(connection, MHD_HTTP_NOT_FOUND, "there is no such revocation list\n");
    bytes_set(&copy, list->data, list->length);
    return respond(connection, MHD_HTTP_OK, "application/pkix-crl", (char *)copy.data, copy.length);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_length, void **state)
{
    static int seen;
    bool lists = ((struct exposition *)context)->source.find_list;

    (void)version;
    (void)upload;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
    if (!*state) { /* libmicrohttpd calls first with the header alone */
        *state = &seen;
        return MHD_YES;
    }
    *upload_length = 0;
    if (strcmp(url, "/metrics") == 0)
        return respond_written(context, connection, true);
    if (strcmp(url, "/health") == 0)
        return respond_written(context, connection, false);
    if (lists && strncmp(url, "/crl/", 5) == 0)
        return respond_list(context, connection, url + 5);
    return respond_text(connection, MHD_HTTP_NOT_FOUND,
                        lists ? "there are /metrics, /health and /crl/NAME.crl\n"
                              : "there are /metrics and /health\n");
}

static void addresses_free(struct addrinfo **addresses)
{
    if (*addresses)
        freeaddrinfo(*addresses);
    *addresses = NULL;
}

static bool resolve(const char *listen, struct addrinfo **address, struct error *err)
{
    AUTO(text_free) char *copy = text_copy(listen);
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_STREAM };
    char *host = copy, *port = strrchr(copy, ':');
    int failed;

    if (!port)
        return error_set(err, ERROR_INPUT, "metrics.listen: '%s' is not ADDRESS:PORT", listen);
    *port++ = '\0';
    if (*host == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        host++;
    }
    failed = getaddrinfo(*host ? host : NULL, port, &hints, address);
    if (failed)
        return error_set(err, ERROR_INPUT, "metrics.listen: '%s': %s", listen, gai_strerror(failed));
    return true;
}

bool exposition_open(struct exposition **exposition, const char *listen,
                     const struct exposition_source *source, struct error *err)
{
    AUTO(exposition_close) struct exposition *opening = NULL;
    AUTO(addresses_free) struct addrinfo *address = NULL;
    unsigned flags = MHD_USE_EPOLL;

    if (!listen || !*listen) {
        *exposition = NULL;
        return true;
    }
    if (!resolve(listen, &address, err))
        return false;
    opening = allocate(sizeof(*opening));
    opening->source = *source;
    if (address->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    opening->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer, opening, MHD_OPTION_SOCK_ADDR,
                                       address->ai_addr, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                                       MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_IDLE_S, MHD_OPTION_END);
    if (!opening->daemon)
        return error_set(err, ERROR_INPUT, "metrics.listen: cannot listen on %s: %s", listen,
                         strerror(errno));
    *exposition = TAKE(opening);
    return true;
}

void exposition_close(struct exposition **exposition)
{
    struct exposition *closing = *exposition;

    if (!closing)
        return;
    if (closing->daemon)
        MHD_stop_daemon(closing->daemon);
    free(closing);
    *exposition = NULL;
}

int exposition_descriptor(const struct exposition *exposition)
{
    const union MHD_DaemonInfo *info;

    if (!exposition)
        return -1;
    info = MHD_get_daemon_info(exposition->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

long exposition_timeout_ms(const struct exposition *exposition)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    if (!exposition || MHD_get_timeout(exposition->daemon, &timeout_ms) != MHD_YES)
        return -1;
    return timeout_ms > LONG_MAX ? LONG_MAX : (long)timeout_ms;
}

void exposition_run(struct exposition *exposition)
{
    if (!exposition || exposition->running)
        return;
    exposition->running = true;
    MHD_run(exposition->daemon);
    exposition->running = false;
}
