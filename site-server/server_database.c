#include "server_parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/service_manager.h"
#include "common/version.h"
#include "devices/journal.h"
#include "jobs/service_point.h"

#define DATABASE_DELAY_LEAST_MS 250
#define DATABASE_DELAY_MOST_MS  15000
#define LEARN_PAUSE_MS          10000

static void database_went_away(struct server *server, const struct error *why)
{
    int64_t now_ms = clock_monotonic_ms();

    if (!server->database_delay_ms) {
        server->database_lost_ms = now_ms;
        server->counters.database_lost++;
        log_error("database away", log_text("why", why->message),
                  log_text("meanwhile", "messages and jobs wait"));
        server_tell_status(server);
    } else {
        log_debug("database still away", log_text("why", why->message));
    }
    server->database_delay_ms =
        server->database_delay_ms ? 2 * server->database_delay_ms : DATABASE_DELAY_LEAST_MS;
    if (server->database_delay_ms > DATABASE_DELAY_MOST_MS)
        server->database_delay_ms = DATABASE_DELAY_MOST_MS;
    server->database_retry_ms = now_ms + server->database_delay_ms;
}

void server_bear(struct server *server, const char *what, const struct error *err)
{
    if (!server_connected(server)) {
        database_went_away(server, err);
        return;
    }
    database_rollback(server->database);
    log_error("failed", log_text("what", what), log_text("why", err->message));
}

/* Approved, and its session is not with another site server by now. */
static bool stays(const void *context, const char *key)
{
    const struct approved_points *points = context;

    for (size_t i = 0; i < points->count; i++) {
        if (strcmp(points->items[i].key, key) == 0)
            return !points->items[i].elsewhere;
    }
    return false;
}

/* A key that is gone from the table loses its session and what it has said at once (spec 10). */
static bool load_keys(struct server *server, struct error *err)
{
    AUTO(approved_points_clear) struct approved_points points = { 0 };
    const char **keys;

    if (!service_point_approved(server->database, &points, err))
        return false;
    keys = allocate(points.count * sizeof(*keys));
    for (size_t i = 0; i < points.count; i++)
        keys[i] = points.items[i].key;
    gatekeeper_approve(server->gatekeeper, keys, points.count);
    free(keys);
    roster_prune(&server->roster, stays, &points);
    turn_review(server->turn, server->endpoint, server->gatekeeper, &server->site);
    log_debug("keys loaded", log_number("approved", (int64_t)points.count));
    return true;
}

/* What the database told of and was not looked at yet; a failure leaves it for the next time. */
static bool learn(struct server *server, struct error *err)
{
    if ((server->news & CHANNEL_SERVICE_POINT) && !load_keys(server, err))
        return false;
    server->news &= ~(unsigned)CHANNEL_SERVICE_POINT;
    if (!issuing_learn(&server->issuing, server->news, err))
        return false;
    if (server->news & CHANNEL_COMPUTER)
        known_computers_changed(&server->known);
    if (server->news & CHANNEL_JOB)
        server->site.work_waiting = true;
    server->news = 0;
    return true;
}

static bool hear_news(struct server *server, struct error *err)
{
    unsigned channels;

    if (!database_notifications(server->database, &channels, err))
        return false;
    server->news |= channels;
    return true;
}

void server_look_at_news(struct server *server, int64_t now_ms)
{
    struct error err = { 0 };

    if (!hear_news(server, &err)) {
        server_bear(server, "listening to the database", &err);
        return;
    }
    if (server->news && now_ms >= server->learn_ms && !learn(server, &err)) {
        server->learn_ms = now_ms + LEARN_PAUSE_MS;
        server_bear(server, "learning what changed", &err);
    }
}

static void database_came(struct server *server)
{
    server->news |= SERVER_CHANNELS;
    server->learn_ms = 0;
    server->roll_call_ms = clock_monotonic_ms() + server->settings.heartbeat_s * 1000;
    server->alive_ms = 0;
    if (server->database_delay_ms)
        log_info("database back", log_number("away_ms", clock_monotonic_ms() - server->database_lost_ms));
    server->database_delay_ms = 0;
    server_tell_status(server);
}

/* The first approved keys must be there before anybody is let in; then the server is ready. */
static void become_ready(struct server *server)
{
    server->ready = true;
    service_manager_tell("READY=1");
    log_info("ready", log_text("site", server->config.site_name),
             log_text("endpoint", endpoint_address(server->endpoint)),
             log_text("agents", server->agents.endpoint ? endpoint_address(server->agents.endpoint) : "none"),
             log_text("public_key", server->keys.public_key), log_text("version", PRODUCT_VERSION));
}

bool server_open_journal(struct server *server, struct error *err)
{
    if (!*server->config.secret_journal)
        return true;
    if (!journal_open(&server->journal, server->config.secret_journal, err))
        return false;
    journal_attach(server->journal, server->database);
    return true;
}

void server_go_on_without_database(void *context)
{
    struct server *server = context;
    struct error err; /* the next round meets it again */

    service_manager_alive(clock_monotonic_ms());
    exposition_run(server->exposition);
    if (server->ready && !gatekeeper_answer(server->gatekeeper, clock_monotonic_ms(), &err))
        log_debug("the gate failed", log_text("why", err.message));
}

bool server_reach_database(struct server *server, int64_t now_ms, struct error *err)
{
    struct error why = { 0 };
    bool done;

    if (server_connected(server) ||
        (now_ms < server->database_retry_ms && !database_connecting(server->database)))
        return true;
    if (!database_connect(server->database, &done, &why)) {
        if (!server->ready && why.code != ERROR_UNREACHABLE) {
            *err = why;
            return false;
        }
        database_went_away(server, &why);
        return true;
    }
    if (!done)
        return true;
    database_came(server);
    server_look_at_news(server, now_ms);
    if (!server->ready && server_connected(server) && !(server->news & CHANNEL_SERVICE_POINT))
        become_ready(server);
    return true;
}
