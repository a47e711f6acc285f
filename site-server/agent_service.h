/*
 * agent_service.h - the agents' side of the site server: an endpoint of its own, with its gate, its limits
 * and its turn.
 *
 * Any CURVE key may connect, but there are only so many connections, and only so many messages a minute are
 * taken from one key and one address. It shares the loop and the database with the service points' side and
 * is served behind it.
 */
#ifndef SITE_SERVER_AGENT_SERVICE_H
#define SITE_SERVER_AGENT_SERVICE_H

#include "common/log.h"
#include "common/rate_limit.h"
#include "queue/turn.h"

struct agent_service_options { /* borrowed during agent_service_open() */
    const char *endpoint;      /* empty: there is none */
    const struct curve_key_pair *keys;
    size_t batch;
    uint32_t rate_key, rate_address; /* a minute */
    size_t connections;
};

struct agent_service { /* zero-initialise; without endpoint every call below is harmless */
    struct endpoint *endpoint;
    struct gatekeeper *gatekeeper;
    struct turn *turn;
    struct rate_limit *keys, *addresses, *callers;
    size_t connections_most;
    struct log_limit log_broken;
    uint64_t broken_logged;
};

/* The service must stay where it is: its gate and its turn point to it. */
bool agent_service_open(struct agent_service *service, const struct agent_service_options *options,
                        struct error *err) MUST_CHECK;
void agent_service_close(struct agent_service *service);

/* Messages only while serving, the gate once ready. */
void agent_service_watch(struct agent_service *service, bool ready, bool serving, struct watch *messages,
                         struct watch *news, struct watch *gate);
/* To be called in every round, because it reads what libzmq reports; once ready, lets in who waits at the
 * gate. False: the queue itself fails. */
bool agent_service_admit(struct agent_service *service, bool ready, int64_t now_ms,
                         struct error *err) MUST_CHECK;
/* Collects and carries out. False: the queue itself fails; *turned false: the database does, see *why. */
bool agent_service_take_turn(struct agent_service *service, struct site *site, bool *turned,
                             struct error *why, struct error *err) MUST_CHECK;
void agent_service_count(const struct agent_service *service, struct counters *counters,
                         struct gauges *gauges);

#endif
