#include "agent_service.h"

#include "common/clock.h"

/* What strangers can make wait here: connections, each with so many messages of twice this size (endpoint.c).
 */
#define QUEUE_HIGH_WATER_MARK 4     /* for each agent and direction; an honest one waits for its answers */
#define MESSAGE_MAX           16384 /* an ENROL with all the roots that are read has less than 5,000 bytes */
#define NAMES_MAX             16384 /* keys, and addresses, whose rates are remembered */
#define LOG_INTERVAL_MS       10000

/* A file descriptor is what a connection costs, and this one is counted already; libzmq closes it if it is
 * not admitted. */
static bool admits(void *context, const char *key, const char *address, int64_t now_ms)
{
    struct agent_service *service = context;
    char name[RATE_NAME_SIZE];

    (void)key;
    return endpoint_connections(service->endpoint) <= service->connections_most &&
           rate_limit_passes(service->callers, rate_name_of_address(address, name), now_ms);
}

static bool recognise(void *context, const struct incoming *incoming, const struct site *site,
                      struct exchange *exchange, enum refusal *refusal, struct error *err)
{
    struct agent_service *service = context;
    int64_t now_ms = clock_monotonic_ms();
    char name[RATE_NAME_SIZE];

    (void)site;
    exchange->role = PEER_AGENT;
    *refusal = REFUSAL_TOO_OFTEN;
    if (!rate_limit_passes(service->addresses, rate_name_of_address(incoming->address, name), now_ms) ||
        !rate_limit_passes(service->keys, incoming->peer, now_ms))
        return error_because(err, REASON_TOO_OFTEN, "%s", reason_of(REASON_TOO_OFTEN)->meaning);
    return true;
}

bool agent_service_open(struct agent_service *service, const struct agent_service_options *options,
                        struct error *err)
{
    const struct endpoint_options endpoint = { .address = options->endpoint,
                                               .setting = "agents.endpoint",
                                               .keys = options->keys,
                                               .high_water_mark = QUEUE_HIGH_WATER_MARK,
                                               .message_max = MESSAGE_MAX };
    const struct gate_rule rule = { admits, service };
    const struct door door = { recognise, service };

    if (!*options->endpoint)
        return true;
    service->connections_most = options->connections;
    service->keys = rate_limit_new(options->rate_key, options->rate_key, NAMES_MAX);
    service->addresses = rate_limit_new(options->rate_address, options->rate_address, NAMES_MAX);
    service->callers = rate_limit_new(options->rate_address, options->rate_address, NAMES_MAX);
    service->turn = turn_new(options->batch, &agent_dialogue, &door);
    service->log_broken.interval_ms = LOG_INTERVAL_MS;
    if (!endpoint_prepare(&service->endpoint, err) ||
        !gatekeeper_open(&service->gatekeeper, endpoint_context(service->endpoint), err))
        return false;
    gatekeeper_obey(service->gatekeeper, &rule);
    return endpoint_listen(service->endpoint, &endpoint, err);
}

void agent_service_close(struct agent_service *service)
{
    turn_free(&service->turn);
    gatekeeper_close(&service->gatekeeper);
    endpoint_close(&service->endpoint);
    rate_limit_free(&service->keys);
    rate_limit_free(&service->addresses);
    rate_limit_free(&service->callers);
}

void agent_service_watch(struct agent_service *service, bool ready, bool serving, struct watch *messages,
                         struct watch *news, struct watch *gate)
{
    *messages = *news = *gate = (struct watch){ .descriptor = -1 };
    if (!service->endpoint)
        return;
    endpoint_watch(service->endpoint, messages, news);
    gatekeeper_watch(service->gatekeeper, gate);
    if (!serving)
        messages->socket = NULL;
    if (!ready)
        gate->socket = NULL;
}

/* In every round, because what libzmq reports about connections must be read. */
static void look_at_connections(struct agent_service *service, int64_t now_ms)
{
    uint64_t broken = endpoint_broken_handshakes(service->endpoint);
    int64_t suppressed;

    if (broken == service->broken_logged || !log_limit_passes(&service->log_broken, now_ms, &suppressed))
        return;
    log_warning("agent's connection refused",
                log_text("why", "not a CURVE handshake, or for another server's key"),
                log_number("since_last", (int64_t)(broken - service->broken_logged)));
    service->broken_logged = broken;
}

bool agent_service_admit(struct agent_service *service, bool ready, int64_t now_ms, struct error *err)
{
    if (!service->endpoint)
        return true;
    look_at_connections(service, now_ms);
    return !ready || gatekeeper_answer(service->gatekeeper, now_ms, err);
}

bool agent_service_take_turn(struct agent_service *service, struct site *site, bool *turned,
                             struct error *why, struct error *err)
{
    *turned = true;
    if (!service->endpoint)
        return true;
    if (!turn_collect(service->turn, service->endpoint, site, err))
        return false;
    *turned = turn_run(service->turn, service->endpoint, site, why);
    return true;
}

void agent_service_count(const struct agent_service *service, struct counters *counters,
                         struct gauges *gauges)
{
    struct gate_counts gate;

    if (!service->endpoint)
        return;
    gatekeeper_counts(service->gatekeeper, &gate);
    counters->agents_admitted = gate.admitted;
    counters->agents_turned_away = gate.unknown;
    counters->agents_broken = endpoint_broken_handshakes(service->endpoint) + gate.malformed;
    gauges->agents = endpoint_connections(service->endpoint);
    gauges->messages_held += turn_held(service->turn);
}
