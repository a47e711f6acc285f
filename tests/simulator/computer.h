/*
 * computer.h - the network of one device: its ports, its restarts, its Hellos.
 */
#ifndef SIMULATOR_COMPUTER_H
#define SIMULATOR_COMPUTER_H

#include "simulator.h"

struct connection;

struct computer {
    struct device *device; /* owned */
    struct simulator *simulator;
    struct evconnlistener *tls_listener, *plain_listener; /* NULL: port closed */
    struct connection *connections;
    struct event *restart_timer, *hello_timer; /* NULL until first needed */
    double setup_began;                        /* seconds, monotonic */
    bool window_over;
    bool host_connected; /* somebody on the computer itself talks to AMT */
};

struct computer *computer_create(struct simulator *simulator,
                                 struct device **device); /* takes the device over */
void computer_destroy(struct computer **computer);
/* Opens and closes ports as the device's state wants them. */
bool computer_open(struct computer *computer, struct error *err) MUST_CHECK;
/* Cuts all connections, closes all ports, opens them again after the device's restart time. */
void computer_restart(struct computer *computer);
void computer_close(struct computer *computer); /* for good */
/* The power fails and comes back: what is not in flash is lost (device_power_loss()), then it restarts. */
void computer_power_cycle(struct computer *computer);
/* Connections neither send nor receive, new ones are not answered, Hellos do not leave; and all of it again.
 */
void computer_freeze(struct computer *computer);
void computer_thaw(struct computer *computer);
/* The device has entered setup (or not): starts or stops the Hello schedule. */
void computer_begin_setup(struct computer *computer);

void computer_hello(struct computer *computer);
void computer_send_raw(struct computer *computer, const void *bytes, size_t length);

#endif
