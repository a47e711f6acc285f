#include "server_parts.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/service_manager.h"
#include "common/version.h"

#define STUCK_MS 2000 /* a COMMIT takes some milliseconds */

static void count_present(const struct server *server, struct gauges *gauges)
{
    /* While the database is away nobody is listened to, so that nobody can be called silent. */
    int64_t now_ms = server_connected(server) ? clock_monotonic_ms() : server->database_lost_ms;

    for (size_t i = 0; i < server->roster.count; i++) {
        const struct session *session = server->roster.sessions[i];

        if (!session_present(session, server->settings.heartbeat_s * 1000, now_ms))
            continue;
        gauges->service_points++;
        gauges->slots += session->slots;
        gauges->slots_free += session->free;
    }
}

void server_tell_status(const struct server *server)
{
    struct gauges gauges = { 0 };

    count_present(server, &gauges);
    if (server_connected(server))
        service_manager_status("serving; %" PRIu64 " service points, %" PRIu64 " of %" PRIu64 " slots free",
                               gauges.service_points, gauges.slots_free, gauges.slots);
    else
        service_manager_status("the database is away, %s",
                               server->ready ? "jobs wait" : "waiting for it to come");
}

/* Only when somebody asks; while the database is away, or a COMMIT waits, they grow old. */
static void write_figures(struct server *server, FILE *out)
{
    int64_t now_ms = clock_monotonic_ms();
    struct error err = { 0 };

    if (server->ready && server_connected(server) && !database_commit_waits_ms(server->database) &&
        !fleet_figures_read(&server->figures, server->database, now_ms, &err))
        server_bear(server, "reading the figures of the fleet", &err);
    fleet_figures_write(&server->figures, now_ms, out);
}

static void write_metrics(void *context, FILE *out)
{
    struct server *server = context;
    struct gauges gauges = { .database_connected = server_connected(server),
                             .messages_held = turn_held(server->turn),
                             .started_s = server->started_s };
    struct gate_counts gate;

    gatekeeper_counts(server->gatekeeper, &gate);
    server->counters.connections_admitted = gate.admitted;
    server->counters.connections_unknown_key = gate.unknown;
    server->counters.connections_broken = endpoint_broken_handshakes(server->endpoint) + gate.malformed;
    server->counters.directory_turned_away = account_desk_turned_away(server->accounts);
    gauges.directory_under_way = account_desk_count(server->accounts);
    count_present(server, &gauges);
    agent_service_count(&server->agents, &server->counters, &gauges);
    counters_write(&server->counters, &gauges, out);
    write_figures(server, out);
}

static bool write_health(void *context, FILE *out)
{
    const struct server *server = context;
    struct gauges gauges = { 0 };
    bool stuck = database_commit_waits_ms(server->database) >= STUCK_MS;

    count_present(server, &gauges);
    fprintf(out, "status: %s\n",
            !server_connected(server) ? "database away, jobs wait"
            : stuck                   ? "database does not confirm, jobs wait"
                                      : "ok");
    if (stuck)
        fprintf(out, "database: a COMMIT has waited for %" PRId64 " s; is a synchronous standby away?\n",
                database_commit_waits_ms(server->database) / 1000);
    else if (server_connected(server))
        fputs("database: connected\n", out);
    else
        fprintf(out, "database: away for %" PRId64 " s, held messages: %zu\n",
                (clock_monotonic_ms() - server->database_lost_ms) / 1000, turn_held(server->turn));
    fprintf(out, "service points: %" PRIu64 " connected, %" PRIu64 " of %" PRIu64 " slots free\n",
            gauges.service_points, gauges.slots_free, gauges.slots);
    if (server->agents.endpoint)
        fprintf(out, "client agents: %zu connections\n", endpoint_connections(server->agents.endpoint));
    if (server->accounts)
        fprintf(out, "directory: %s%s, errands under way: %zu\n",
                *account_desk_trouble(server->accounts) ? "away, jobs wait: " : "ok",
                account_desk_trouble(server->accounts), account_desk_count(server->accounts));
    fprintf(out, "certificate authority: %s\n", issuing_health(&server->issuing));
    fprintf(out, "version: %s\n", PRODUCT_VERSION);
    return server_connected(server) && !stuck;
}

static const struct bytes *find_list(void *context, const char *name)
{
    const struct server *server = context;

    return publication_list(server->issuing.publication, name);
}

bool server_open_metrics(struct server *server, struct error *err)
{
    const struct exposition_source source = { write_metrics, write_health, find_list, server };

    return exposition_open(&server->exposition, server->config.metrics_listen, &source, err);
}
