/*
 * simulator.h - the process: all computers, one event loop, what the command line said.
 */
#ifndef SIMULATOR_SIMULATOR_H
#define SIMULATOR_SIMULATOR_H

#include "device.h"

#include <event2/event.h>

struct options {
    const char *fleet, *control;
    const char *hello; /* HOST:PORT; NULL: nobody to say Hello to */
    double speed;      /* how much faster than real time the Hello schedule runs */
    double spread_s;   /* first Hellos are spread over so many simulated seconds */
    unsigned key_pool, latency_ms, seed;
    uint16_t tls_port, plain_port;
    const char *mei;   /* directory for the computers' MEI devices; NULL: none */
    uint32_t mei_kind; /* enum mei_device_kind */
};

struct subscriber;

struct simulator {
    struct options options;
    struct event_base *base;
    struct sockaddr_in hello_server; /* family 0: none */
    struct computer **computers;     /* owned */
    size_t count;
    struct subscriber *subscribers; /* of notices; owned by notice.c */
    struct mei_device *mei;         /* owned; NULL: none */
};

struct computer *simulator_find(struct simulator *simulator,
                                const char *id); /* UUID or address; NULL: unknown */
/* Takes the device over; opens its ports. */
bool simulator_add(struct simulator *simulator, struct device **device, struct error *err) MUST_CHECK;
void simulator_release(struct simulator *simulator);

#endif
