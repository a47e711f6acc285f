#include "computer.h"

#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 64, HELLO_TIMEOUT_S = 10 };

static struct timeval interval(double seconds)
{
    if (seconds < 0)
        seconds = 0;
    return (struct timeval){ .tv_sec = (time_t)seconds,
                             .tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6) };
}

/* ---- ports ---- */

static bool network_there(const struct device *device)
{
    return device->presence == AMT_ON && !device->link_down && device->general.network_enabled &&
           device->general.interface_enabled;
}

static bool tls_port_wanted(const struct computer *computer)
{
    const struct device *device = computer->device;

    if (!network_there(device))
        return false;
    if (device->state == STATE_IN)
        return !computer->window_over;
    return device->state == STATE_POST && device->tls_in_force[TLS_NETWORK].enabled;
}

static bool plain_port_wanted(const struct computer *computer)
{
    const struct device *device = computer->device;
    const struct tls_settings *tls = &device->tls_in_force[TLS_NETWORK];

    return device->state == STATE_POST && network_there(device) && device->generation->plain_port &&
           (!tls->enabled || tls->accept_plain);
}

static void on_tls_accept(struct evconnlistener *listener, evutil_socket_t socket, struct sockaddr *peer,
                          int length, void *context)
{
    (void)listener;
    (void)peer;
    (void)length;
    connection_accept(context, socket, true);
}

static void on_plain_accept(struct evconnlistener *listener, evutil_socket_t socket, struct sockaddr *peer,
                            int length, void *context)
{
    (void)listener;
    (void)peer;
    (void)length;
    connection_accept(context, socket, false);
}

static bool set_port(struct computer *computer, struct evconnlistener **listener, bool wanted, uint16_t port,
                     evconnlistener_cb on_accept, struct error *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = computer->device->address };

    if (!wanted && *listener) {
        evconnlistener_free(*listener);
        *listener = NULL;
    }
    if (!wanted || *listener)
        return true;
    *listener = evconnlistener_new_bind(computer->simulator->base, on_accept, computer,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                        LISTEN_BACKLOG, (struct sockaddr *)&address, sizeof(address));
    if (!*listener)
        return error_set(err, "%s: cannot listen on %s:%u: %s", computer->device->uuid_text,
                         computer->device->address_text, port, strerror(errno));
    if (computer->device->frozen) /* the kernel still takes connections, nobody looks at them */
        evconnlistener_disable(*listener);
    return true;
}

bool computer_open(struct computer *computer, struct error *err)
{
    const struct options *options = &computer->simulator->options;

    return set_port(computer, &computer->tls_listener, tls_port_wanted(computer), options->tls_port,
                    on_tls_accept, err) &&
           set_port(computer, &computer->plain_listener, plain_port_wanted(computer), options->plain_port,
                    on_plain_accept, err);
}

static void close_ports(struct computer *computer)
{
    if (computer->tls_listener)
        evconnlistener_free(computer->tls_listener);
    if (computer->plain_listener)
        evconnlistener_free(computer->plain_listener);
    computer->tls_listener = computer->plain_listener = NULL;
}

void computer_close(struct computer *computer)
{
    close_ports(computer);
    while (computer->connections)
        connection_cut(computer->connections);
}

static void on_restarted(evutil_socket_t socket, short what, void *context)
{
    struct computer *computer = context;
    struct error err = { 0 };

    (void)socket;
    (void)what;
    if (!computer_open(computer, &err))
        fprintf(stderr, "amt-simulator: %s\n", err.message);
    computer_begin_setup(computer);
}

void computer_restart(struct computer *computer)
{
    struct timeval pause = interval(computer->device->switches.restart_ms / 1000.0);

    computer_close(computer);
    computer->device->tls_restarts++;
    computer->window_over = false;
    if (computer->hello_timer)
        event_del(computer->hello_timer);
    if (!computer->restart_timer)
        computer->restart_timer = evtimer_new(computer->simulator->base, on_restarted, computer);
    evtimer_add(computer->restart_timer, &pause);
}

void computer_power_cycle(struct computer *computer)
{
    device_power_loss(computer->device);
    computer_restart(computer);
}

static void listen_or_not(struct computer *computer, bool listen)
{
    struct evconnlistener *const listeners[] = { computer->tls_listener, computer->plain_listener };

    for (size_t i = 0; i < LENGTH(listeners); i++) {
        if (!listeners[i])
            continue;
        if (listen)
            evconnlistener_enable(listeners[i]);
        else
            evconnlistener_disable(listeners[i]);
    }
}

void computer_freeze(struct computer *computer)
{
    computer->device->frozen = true;
    listen_or_not(computer, false);
    connections_freeze(computer, true);
}

void computer_thaw(struct computer *computer)
{
    computer->device->frozen = false;
    connections_freeze(computer, false);
    listen_or_not(computer, true);
}

/* ---- Hello ---- */

static void on_hello_sent(struct bufferevent *bufferevent, void *context)
{
    (void)context;
    bufferevent_free(bufferevent);
}

static void on_hello_event(struct bufferevent *bufferevent, short what, void *context)
{
    struct computer *computer = context;

    if (what & BEV_EVENT_CONNECTED)
        return;
    if (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        computer->device->counters.hellos_failed++;
    bufferevent_free(bufferevent);
}

void computer_send_raw(struct computer *computer, const void *bytes, size_t length)
{
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = computer->device->address };
    struct sockaddr_in to = computer->simulator->hello_server;
    int reuse = 1, sender = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct timeval limit = { .tv_sec = HELLO_TIMEOUT_S };
    struct bufferevent *bufferevent;

    computer->device->counters.hellos++;
    if (sender >= 0)
        setsockopt(sender, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
    if (sender < 0 || bind(sender, (struct sockaddr *)&from, sizeof(from)) < 0) {
        if (sender >= 0)
            close(sender);
        computer->device->counters.hellos_failed++;
        return;
    }
    bufferevent = bufferevent_socket_new(computer->simulator->base, sender, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(bufferevent, NULL, on_hello_sent, on_hello_event, computer);
    bufferevent_set_timeouts(bufferevent, NULL, &limit);
    bufferevent_write(bufferevent, bytes, length);
    bufferevent_enable(bufferevent, EV_WRITE);
    /* On an immediate failure the event callback has been told and has freed the bufferevent. */
    (void)!bufferevent_socket_connect(bufferevent, (struct sockaddr *)&to, sizeof(to));
}

void computer_hello(struct computer *computer)
{
    struct device *device = computer->device;
    const struct hello hello = { .credentials_set = device_credentials_set(device),
                                 .retry = device->retry++,
                                 .uuid = device->uuid,
                                 .hashes = device->hashes,
                                 .hash_count = device->hash_count };
    unsigned char bytes[HELLO_ROOM];

    device->counters.failed_logins_in_contact = 0;
    if (computer->simulator->hello_server.sin_family && !device->frozen)
        computer_send_raw(computer, bytes, hello_encode(&hello, bytes));
}

/* Simulated seconds since setup began. */
static double elapsed_s(const struct computer *computer)
{
    return (monotonic_s() - computer->setup_began) * computer->simulator->options.speed;
}

static double window_s(const struct computer *computer)
{
    return (computer->device->switches.window_h + computer->device->window_extension_h) * 3600.0;
}

static void wait_for_hello(struct computer *computer, double simulated_s)
{
    struct timeval pause = interval(simulated_s / computer->simulator->options.speed);

    evtimer_add(computer->hello_timer, &pause);
}

static void on_hello_due(evutil_socket_t socket, short what, void *context)
{
    struct computer *computer = context;
    double elapsed = elapsed_s(computer), left = window_s(computer) - elapsed;
    double next = hello_interval_s(elapsed);

    (void)socket;
    (void)what;
    if (left > 0) {
        computer_hello(computer);
        wait_for_hello(computer, next < left ? next : left);
    } else if (computer->connections) {
        wait_for_hello(computer, computer->simulator->options.speed); /* the session may end first */
    } else {
        computer->window_over = true;
        close_ports(computer);
    }
}

void computer_begin_setup(struct computer *computer)
{
    const struct simulator *simulator = computer->simulator;
    double spread = simulator->options.spread_s;

    computer->window_over = false;
    if (computer->hello_timer)
        event_del(computer->hello_timer);
    if (computer->device->state != STATE_IN || !network_there(computer->device) ||
        computer->device->hello_mode != HELLO_SCHEDULE || !simulator->hello_server.sin_family)
        return;
    if (!computer->hello_timer)
        computer->hello_timer = evtimer_new(simulator->base, on_hello_due, computer);
    computer->setup_began = monotonic_s();
    wait_for_hello(computer, spread * (double)random() / (double)RAND_MAX);
}

/* ---- life ---- */

struct computer *computer_create(struct simulator *simulator, struct device **device)
{
    struct computer *computer = allocate(sizeof(*computer));

    computer->simulator = simulator;
    computer->device = *device;
    computer->device->computer = computer;
    *device = NULL;
    return computer;
}

void computer_destroy(struct computer **computer)
{
    struct computer *gone = *computer;

    if (!gone)
        return;
    computer_close(gone);
    if (gone->restart_timer)
        event_free(gone->restart_timer);
    if (gone->hello_timer)
        event_free(gone->hello_timer);
    device_destroy(&gone->device);
    free(gone);
    *computer = NULL;
}
