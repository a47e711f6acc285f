/*
 * server.h - the site server: everything that is open, and the loop that serves until it is told to stop.
 *
 * One thread. Each round waits once, for messages, knocks at the gate, notifications of the database,
 * signals, the metrics' readers and what is due; then the turn (queue/turn.h), then what can be handed out is
 * offered. While the database is away messages wait in the queue, the gate and /health go on.
 */
#ifndef SITE_SERVER_SERVER_H
#define SITE_SERVER_SERVER_H

#include "agent_service.h"
#include "common/curve_key.h"
#include "common/log.h"
#include "common/metrics/exposition.h"
#include "config.h"
#include "issuing.h"
#include "metrics/fleet_figures.h"
#include "queue/known_computers.h"
#include "queue/offering.h"
#include "queue/turn.h"

struct server { /* zero-initialise */
    struct config config;
    struct site_settings settings;
    int signals; /* signalfd; valid once signals_caught */
    bool signals_caught, stopping;

    struct vault *vault;
    struct journal *journal; /* NULL: none is configured */
    struct directory_settings directory;
    struct secret *directory_password; /* NULL: a keytab is used, or no directory */
    struct account_desk *accounts;     /* NULL: no directory is configured */
    struct database *database;
    int64_t database_retry_ms, database_delay_ms, database_lost_ms;

    struct curve_key_pair keys;
    struct endpoint *endpoint;
    struct gatekeeper *gatekeeper;
    struct exposition *exposition;
    struct issuing issuing;
    struct agent_service agents;

    struct turn *turn;
    struct roster roster;
    struct known_computers known;
    struct counters counters;
    struct fleet_figures figures;
    struct site site;
    struct offering offering;
    struct log_limit log_broken;
    uint64_t broken_logged; /* handshakes */
    bool ready;
    int64_t started_s;             /* since 1970 */
    char instance[UUID_TEXT_SIZE]; /* which of the site servers on the database this one is */
    char host[256];
    unsigned news; /* bits of enum database_channel: told, not looked at yet */
    /* Monotonic times: what is not to be done before, or is due then. */
    int64_t due_ms, dispatch_ms; /* a dispatch; none before, after one failed */
    int64_t learn_ms;            /* looking at the news again, after that failed */
    int64_t knocks_ms;           /* storing unknown keys */
    bool knocks_waiting;
    int64_t roll_call_ms; /* looking for silent service points */
    int64_t alive_ms;     /* telling the other site servers that this one is there */
};

/* The steps of the start, in the order of main(). */
bool server_configure(struct server *server, const struct config_command *command,
                      struct error *err) MUST_CHECK;
bool server_catch_signals(struct server *server, struct error *err) MUST_CHECK; /* before the first thread */
bool server_open_vault(struct server *server, struct error *err) MUST_CHECK;
/* As the user that writes it. */
bool server_open_journal(struct server *server, struct error *err) MUST_CHECK;
bool server_open_queue(struct server *server,
                       struct error *err) MUST_CHECK; /* gate first, then the endpoint */
/* After the queue, through which an authority elsewhere is answered for. */
bool server_open_issuing(struct server *server, struct error *err) MUST_CHECK;
bool server_open_agents(struct server *server, struct error *err) MUST_CHECK; /* the same for agents */
bool server_open_metrics(struct server *server, struct error *err) MUST_CHECK;
/* The directory's password, or where its keytab is: before the first thread, because of the environment. */
bool server_read_directory(struct server *server, struct error *err) MUST_CHECK;
bool server_open_directory(struct server *server, struct error *err) MUST_CHECK;
/* Until SIGTERM or SIGINT, which let it answer what has arrived. Waits for a database that is away; a schema
 * that does not fit ends it. */
bool server_run(struct server *server, struct error *err) MUST_CHECK;
/* In reverse order; accepts what was never opened. */
void server_close(struct server *server);

#endif
