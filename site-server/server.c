#include "server_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/service_manager.h"
#include "common/version.h"
#include "devices/journal.h"
#include "directory_config.h"
#include "jobs/service_point.h"
#include "jobs/site_server.h"
#include "queue/offering.h"
#include "statement.h"

#define QUEUE_HIGH_WATER_MARK  1000 /* messages waiting for each service point and direction */
#define STATEMENT_TIMEOUT_MS   30000
#define DISPATCH_PAUSE_MS      2000  /* after a dispatch that failed */
#define DISPATCH_AT_SOONEST_MS 100   /* a due time in the past must not make the loop spin */
#define DISPATCH_AT_LATEST_MS  60000 /* leases of a site server beside us that died are seen then */
#define LOG_INTERVAL_MS        10000
#define KNOCKS_INTERVAL_MS     1000
#define STOP_MS                2000 /* for what has arrived when it is told to stop */

/* ---- start ---- */

static bool choose_instance(char text[UUID_TEXT_SIZE], struct error *err)
{
    struct uuid uuid;

    if (getrandom(uuid.bytes, sizeof(uuid.bytes), 0) != sizeof(uuid.bytes))
        return error_set(err, ERROR_INTERNAL, "no random number: %s", strerror(errno));
    uuid.bytes[6] = (uuid.bytes[6] & 0x0F) | 0x40; /* RFC 4122 4.4: version 4, variant 1 */
    uuid.bytes[8] = (uuid.bytes[8] & 0x3F) | 0x80;
    uuid_text(&uuid, text);
    return true;
}

/* A turn of many statements takes long when the database is slow, and each of them has a limit of its own. */
static void database_answered(void)
{
    service_manager_alive(clock_monotonic_ms());
}

bool server_configure(struct server *server, const struct config_command *command, struct error *err)
{
    struct config *config = &server->config;

    if (!site_config_read(command, config, err))
        return false;
    log_set_level(config->log_level);
    server->settings = (struct site_settings){
        .name = config->site_name,
        .heartbeat_s = config->queue_heartbeat_s,
        .job = { .lease_s = config->job_lease_s,
                 .deadline_s = config->job_deadline_s,
                 .attempts = config->job_attempts,
                 .retry_delay_s = config->job_retry_delay_s,
                 .retry_delay_max_s = config->job_retry_delay_max_s,
                 .directory_configured = *config->directory_servers != '\0' },
        .hello = { .quiet_s = config->hello_quiet_s, .unknown_max = config->hello_unknown_max },
        .certificate = { .lifetime_s = config->certificate_lifetime_s,
                         .renew_before_s = config->certificate_renew_before_s,
                         .console_lifetime_s = config->certificate_console_lifetime_s,
                         .crl_url = config->crl_url },
        .agent = { .come_back_s = config->agents_come_back_s,
                   .otp_lifetime_s = config->otp_lifetime_s,
                   .imported_only = !config->agents_newcomers },
    };
    server->site = (struct site){ .settings = &server->settings,
                                  .roster = &server->roster,
                                  .counters = &server->counters };
    server->log_broken.interval_ms = LOG_INTERVAL_MS;
    if (!choose_instance(server->instance, err))
        return false;
    if (gethostname(server->host, sizeof(server->host) - 1) != 0)
        server->host[0] = '\0';
    server->database = database_new(&(struct database_options){
        .url = config->database_url,
        .program = site_config_table.program,
        .instance = server->instance,
        .statements = statement_texts,
        .statement_count = STATEMENT_COUNT,
        .channels = SERVER_CHANNELS,
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        .answered = database_answered,
        .meanwhile = server_go_on_without_database,
        .context = server,
    });
    server->site.database = server->database;
    server->started_s = clock_wall_ms() / 1000;
    return true;
}

bool server_catch_signals(struct server *server, struct error *err)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return error_set(err, ERROR_INTERNAL, "cannot block signals: %s", strerror(errno));
    server->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signals < 0)
        return error_set(err, ERROR_INTERNAL, "cannot catch signals: %s", strerror(errno));
    server->signals_caught = true;
    return true;
}

bool server_open_vault(struct server *server, struct error *err)
{
    if (!vault_load(&server->vault, server->config.secret_key_file, err))
        return error_during(err, "secret.key_file");
    server->site.vault = server->vault;
    return true;
}

bool server_open_queue(struct server *server, struct error *err)
{
    const struct endpoint_options options = { .address = server->config.queue_endpoint,
                                              .keys = &server->keys,
                                              .high_water_mark = QUEUE_HIGH_WATER_MARK };
    struct door door;

    if (!curve_key_read(server->config.queue_key_file, &server->keys, err))
        return error_during(err, "queue.key_file");
    if (!endpoint_prepare(&server->endpoint, err) ||
        !gatekeeper_open(&server->gatekeeper, endpoint_context(server->endpoint), err) ||
        !endpoint_listen(server->endpoint, &options, err))
        return false;
    door = service_point_door(server->gatekeeper);
    server->turn = turn_new((size_t)server->config.job_batch, &service_point_dialogue, &door);
    server->offering =
        (struct offering){ .site = &server->site, .vault = server->vault, .endpoint = server->endpoint };
    return true;
}

bool server_open_issuing(struct server *server, struct error *err)
{
    return issuing_open(&server->issuing, &server->config, &server->site, server->vault, server->endpoint,
                        err);
}

/* ---- the directory ---- */

bool server_read_directory(struct server *server, struct error *err)
{
    const struct config *config = &server->config;

    if (*config->directory_servers && *config->directory_keytab)
        directory_use_keytab(config->directory_keytab);
    return directory_password_read(config, &server->directory_password, err);
}

bool server_open_directory(struct server *server, struct error *err)
{
    const struct config *config = &server->config;

    if (!*config->directory_servers)
        return true;
    directory_settings_of(config, server->directory_password, &server->directory);
    if (!directory_keytab_check(config, err) ||
        !account_desk_open(&server->accounts, &server->directory, (unsigned)config->directory_connections,
                           err))
        return false;
    server->site.accounts = server->accounts;
    return true;
}

bool server_open_agents(struct server *server, struct error *err)
{
    const struct config *config = &server->config;
    const struct agent_service_options options = { .endpoint = config->agents_endpoint,
                                                   .keys = &server->keys,
                                                   .batch = (size_t)config->job_batch,
                                                   .rate_key = (uint32_t)config->agents_rate_key,
                                                   .rate_address = (uint32_t)config->agents_rate_address,
                                                   .connections = (size_t)config->agents_connections };

    return agent_service_open(&server->agents, &options, err);
}

/* ---- handing out ---- */

static void hand_out(struct server *server, int64_t now_ms)
{
    int64_t next_due_ms = -1;
    struct error err = { 0 };
    bool more = false;

    if (!offering_make(&server->offering, now_ms, &next_due_ms, &more, &err)) {
        server->dispatch_ms = server->due_ms = now_ms + DISPATCH_PAUSE_MS;
        server_bear(server, "handing out jobs", &err);
        return;
    }
    server->site.work_waiting = more;
    if (next_due_ms < 0 || next_due_ms > DISPATCH_AT_LATEST_MS)
        next_due_ms = DISPATCH_AT_LATEST_MS;
    server->due_ms =
        now_ms + (next_due_ms > DISPATCH_AT_SOONEST_MS && !more ? next_due_ms : DISPATCH_AT_SOONEST_MS);
}

static void dispatch(struct server *server, int64_t now_ms)
{
    bool due = now_ms >= server->due_ms;

    /* When all are full, their next result or heartbeat brings us back. */
    if (now_ms >= server->dispatch_ms &&
        (due || (server->site.work_waiting && offering_useful(&server->site, now_ms))))
        hand_out(server, now_ms);
}

static void look_after_certificates(struct server *server, const struct watch *watch, int64_t now_ms)
{
    struct error err = { 0 };

    if (!issuing_run(&server->issuing, watch->ready, now_ms, &err))
        server_bear(server, "looking after certificates", &err);
}

/* ---- what strangers and the silent leave behind ---- */

static bool store_knocks(struct server *server, const struct knock *knocks, size_t count, struct error *err)
{
    struct knocking_point points[KNOCKS_MAX];

    for (size_t i = 0; i < count; i++)
        points[i] = (struct knocking_point){ knocks[i].key, knocks[i].address };
    return database_begin(server->database, err) &&
           service_point_knocked(server->database, points, count, err) &&
           database_commit(server->database, err);
}

static void record_knocks(struct server *server, int64_t now_ms)
{
    struct knock knocks[KNOCKS_MAX];
    struct error err = { 0 };
    size_t count;

    count = gatekeeper_knocks(server->gatekeeper, knocks);
    server->knocks_waiting = count && now_ms < server->knocks_ms;
    if (!count || server->knocks_waiting)
        return;
    server->knocks_ms = now_ms + KNOCKS_INTERVAL_MS;
    if (store_knocks(server, knocks, count, &err))
        gatekeeper_recorded(server->gatekeeper);
    else
        server_bear(server, "recording unknown keys", &err);
}

static void call_roll(struct server *server, int64_t now_ms)
{
    int64_t heartbeat_ms = server->settings.heartbeat_s * 1000;

    if (now_ms < server->roll_call_ms || !server_connected(server))
        return;
    server->roll_call_ms = now_ms + heartbeat_ms;
    for (size_t i = 0; i < server->roster.count; i++) {
        struct session *session = server->roster.sessions[i];
        bool silent = !session_present(session, heartbeat_ms, now_ms);

        if (silent && !session->silent)
            log_warning("service point silent", log_text("service_point", session->name),
                        log_number("heard_ms_ago", now_ms - session->heard_ms),
                        log_text("consequence", "it gets no jobs until it is heard again"));
        session->silent = silent;
    }
    server_tell_status(server);
}

static void say_alive(struct server *server, int64_t now_ms)
{
    const struct site_server_facts facts = { server->host, endpoint_address(server->endpoint),
                                             PRODUCT_VERSION };
    struct error err = { 0 };

    if (now_ms < server->alive_ms)
        return;
    server->alive_ms = now_ms + server->settings.heartbeat_s * 1000;
    if (!site_server_heard(server->database, &facts, SILENT_HEARTBEATS * server->settings.heartbeat_s, &err))
        server_bear(server, "telling the other site servers that this one is there", &err);
}

/* ---- the loop ---- */

enum {
    WATCH_MESSAGES,
    WATCH_CONNECTIONS,
    WATCH_GATE,
    WATCH_AGENTS, /* messages, connections and gate of theirs */
    WATCH_SIGNALS = WATCH_AGENTS + 3,
    WATCH_DATABASE,
    WATCH_METRICS,
    WATCH_ORDERS,
    WATCH_DIRECTORY,
    WATCHES
};

static long wait_ms(const struct server *server)
{
    int64_t next_ms = database_connecting(server->database) ? database_connect_due_ms(server->database)
                                                            : server->database_retry_ms;
    int64_t now_ms = clock_monotonic_ms();
    long metrics_ms = exposition_timeout_ms(server->exposition);

    if (server_connected(server)) {
        next_ms = server->due_ms < server->roll_call_ms ? server->due_ms : server->roll_call_ms;
        if (server->alive_ms < next_ms)
            next_ms = server->alive_ms;
        if (server->accounts && account_desk_due_ms(server->accounts) < next_ms)
            next_ms = account_desk_due_ms(server->accounts);
        if (server->knocks_waiting && server->knocks_ms < next_ms)
            next_ms = server->knocks_ms;
        if (server->news && server->learn_ms < next_ms)
            next_ms = server->learn_ms;
        if (known_computers_due_ms(&server->known) < next_ms)
            next_ms = known_computers_due_ms(&server->known);
        if (issuing_due_ms(&server->issuing) < next_ms)
            next_ms = issuing_due_ms(&server->issuing);
    }
    if (service_manager_due_ms() < next_ms)
        next_ms = service_manager_due_ms();
    next_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    return metrics_ms >= 0 && metrics_ms < next_ms ? metrics_ms : (long)next_ms;
}

static bool wait_for_something(struct server *server, struct watch *watches, struct error *err)
{
    endpoint_watch(server->endpoint, &watches[WATCH_MESSAGES], &watches[WATCH_CONNECTIONS]);
    if (!server_connected(server) || !server->ready)
        watches[WATCH_MESSAGES].socket = NULL; /* they wait in the queue */
    gatekeeper_watch(server->gatekeeper, &watches[WATCH_GATE]);
    if (!server->ready)
        watches[WATCH_GATE].socket = NULL; /* who knocks waits until the approved keys are known */
    agent_service_watch(&server->agents, server->ready, server->ready && server_connected(server),
                        &watches[WATCH_AGENTS], &watches[WATCH_AGENTS + 1], &watches[WATCH_AGENTS + 2]);
    watches[WATCH_SIGNALS].descriptor = server->signals;
    watches[WATCH_DATABASE].descriptor = database_descriptor(server->database);
    watches[WATCH_METRICS].descriptor = exposition_descriptor(server->exposition);
    watches[WATCH_ORDERS].descriptor = -1; /* results wait for the database */
    if (server_connected(server) && server->ready)
        watches[WATCH_ORDERS].descriptor = issuing_descriptor(&server->issuing, clock_monotonic_ms());
    watches[WATCH_DIRECTORY].descriptor =
        server->accounts && server_connected(server) ? account_desk_descriptor(server->accounts) : -1;
    return watch_wait(watches, WATCHES, wait_ms(server), err);
}

static void take_signals(struct server *server)
{
    struct signalfd_siginfo info;

    while (read(server->signals, &info, sizeof(info)) == sizeof(info)) {
        if (!server->stopping)
            log_info("stopping", log_text("signal", strsignal((int)info.ssi_signo)));
        server->stopping = true;
    }
}

/* In every round, because what libzmq reports must be read before it fills up. */
static void look_at_connections(struct server *server, int64_t now_ms)
{
    uint64_t broken = endpoint_broken_handshakes(server->endpoint);
    int64_t suppressed;

    if (broken == server->broken_logged || !log_limit_passes(&server->log_broken, now_ms, &suppressed))
        return;
    log_warning("connection refused", log_text("why", "not a CURVE handshake, or for another server's key"),
                log_number("since_last", (int64_t)(broken - server->broken_logged)));
    server->broken_logged = broken;
}

/* False: the queue itself fails. */
static bool take_turn(struct server *server, struct error *err)
{
    struct error why = { 0 };

    if (!turn_collect(server->turn, server->endpoint, &server->site, err))
        return false;
    if (!turn_run(server->turn, server->endpoint, &server->site, &why))
        server_bear(server, "carrying out messages", &why);
    return true;
}

static void visit_directory(struct server *server, int64_t now_ms)
{
    struct error err = { 0 };

    if (server->accounts && !account_desk_run(server->accounts, server->database, server->endpoint,
                                              &server->counters, now_ms, &err))
        server_bear(server, "what the directory answered", &err);
}

static bool take_agents_turn(struct server *server, struct error *err)
{
    struct error why = { 0 };
    bool turned;

    if (!agent_service_take_turn(&server->agents, &server->site, &turned, &why, err))
        return false;
    if (!turned)
        server_bear(server, "carrying out agents' messages", &why);
    return true;
}

static void tell_known_computers(struct server *server, int64_t now_ms)
{
    struct error err = { 0 };

    if (!known_computers_run(&server->known, &server->site, server->endpoint, now_ms, &err))
        server_bear(server, "reading which computers are known", &err);
}

static void look_after_jobs(struct server *server)
{
    int64_t now_ms = clock_monotonic_ms();

    server_look_at_news(server, now_ms);
    if (server_connected(server))
        tell_known_computers(server, now_ms);
    if (server_connected(server))
        visit_directory(server, now_ms);
    if (server_connected(server))
        dispatch(server, now_ms);
    if (server_connected(server))
        record_knocks(server, now_ms);
    if (server_connected(server))
        say_alive(server, now_ms);
}

static bool round_once(struct server *server, struct error *err)
{
    struct watch watches[WATCHES] = { 0 };
    int64_t now_ms;

    if (!wait_for_something(server, watches, err))
        return false;
    now_ms = clock_monotonic_ms();
    service_manager_alive(now_ms);
    take_signals(server);
    exposition_run(server->exposition);
    look_at_connections(server, now_ms);
    if ((server->ready && !gatekeeper_answer(server->gatekeeper, now_ms, err)) ||
        !agent_service_admit(&server->agents, server->ready, now_ms, err))
        return false;
    call_roll(server, now_ms);
    if (!server_reach_database(server, now_ms, err))
        return false;
    if (!server->ready || !server_connected(server))
        return true;
    if (!take_turn(server, err) || (server_connected(server) && !take_agents_turn(server, err)))
        return false;
    if (server_connected(server))
        look_after_certificates(server, &watches[WATCH_ORDERS], now_ms);
    if (server_connected(server))
        look_after_jobs(server);
    return true;
}

/* What has arrived is answered, so that nobody has to say it again elsewhere; whoever goes on talking is not
 * waited for. The service points take what they run to another site server, or wait for this one to come
 * back. */
static bool end_in_order(struct server *server, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + STOP_MS;
    struct error why = { 0 };

    do {
        if (!server->ready || !server_connected(server))
            return true;
        if (!take_turn(server, err))
            return false;
    } while (turn_ran(server->turn) && clock_monotonic_ms() < end_ms);
    if (server_connected(server) && !site_server_stopped(server->database, &why))
        server_bear(server, "telling the other site servers that this one stops", &why);
    return true;
}

bool server_run(struct server *server, struct error *err)
{
    while (!server->stopping) {
        if (!round_once(server, err))
            return false;
    }
    return end_in_order(server, err);
}

void server_close(struct server *server)
{
    service_manager_tell("STOPPING=1");
    turn_free(&server->turn);
    offering_clear(&server->offering);
    account_desk_close(&server->accounts);
    secret_free(&server->directory_password);
    exposition_close(&server->exposition);
    issuing_close(&server->issuing);
    agent_service_close(&server->agents);
    gatekeeper_close(&server->gatekeeper);
    endpoint_close(&server->endpoint);
    curve_key_clear(&server->keys);
    roster_clear(&server->roster);
    fleet_figures_clear(&server->figures);
    known_computers_clear(&server->known);
    database_close(&server->database);
    journal_close(&server->journal);
    vault_free(&server->vault);
    if (server->signals_caught)
        close(server->signals);
    site_config_clear(&server->config);
    memset(server, 0, sizeof(*server));
}
