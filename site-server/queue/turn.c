#include "queue/turn.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"

#define LOG_INTERVAL_MS 10000

struct turn {
    struct exchange *exchanges;
    size_t count, capacity;
    bool ran;  /* the last one had something to carry out, and did */
    bool kept; /* was carried out in vain, because the database is away */
    struct log_limit log_refused[REFUSAL_COUNT], log_lost;
};

struct turn *turn_new(size_t batch)
{
    struct turn *turn = allocate(sizeof(*turn));

    turn->exchanges = allocate(batch * sizeof(*turn->exchanges));
    turn->capacity = batch;
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        turn->log_refused[i].interval_ms = LOG_INTERVAL_MS;
    turn->log_lost.interval_ms = LOG_INTERVAL_MS;
    return turn;
}

static void forget_all(struct turn *turn)
{
    for (size_t i = 0; i < turn->count; i++)
        exchange_clear(&turn->exchanges[i]);
    turn->count = 0;
}

void turn_free(struct turn **turn)
{
    if (*turn) {
        forget_all(*turn);
        free((*turn)->exchanges);
        free(*turn);
    }
    *turn = NULL;
}

size_t turn_held(const struct turn *turn)
{
    return turn->count;
}

bool turn_ran(const struct turn *turn)
{
    return turn->ran;
}

static void answer(struct turn *turn, struct endpoint *endpoint, struct site *site, const struct route *route,
                   const struct message *message)
{
    struct bytes bytes = { 0 };
    struct error err;
    int64_t suppressed;

    message_write(message, &bytes);
    if (endpoint_send(endpoint, route, &bytes, &err))
        return;
    site->counters->answers_lost++;
    if (log_limit_passes(&turn->log_lost, clock_monotonic_ms(), &suppressed))
        log_info("answer lost", log_text("kind", message_kind_name(message->kind)),
                 log_text("why", err.message), log_number("suppressed", suppressed));
}

static void count_refusal(struct turn *turn, struct site *site, enum refusal refusal, const char *peer,
                          const char *address, const char *why)
{
    int64_t suppressed;

    site->counters->refused[refusal]++;
    if (log_limit_passes(&turn->log_refused[refusal], clock_monotonic_ms(), &suppressed))
        log_warning("message refused", log_text("kind", refusal_name(refusal)), log_text("why", why),
                    log_text("peer", peer), log_text("address", address),
                    log_number("suppressed", suppressed));
}

/* False: the peer may not say this, or not so. */
static bool admit(const struct incoming *incoming, const struct gatekeeper *gatekeeper,
                  const struct site *site, struct exchange *exchange, enum refusal *refusal,
                  uint64_t *correlation, struct error *err)
{
    const struct session *session = roster_find(site->roster, incoming->peer);

    *correlation = 0;
    *refusal = REFUSAL_SIZE;
    if (!incoming->whole)
        return error_because(err, REASON_MESSAGE_REFUSED, "not one frame of 1 to %d bytes",
                             MESSAGE_MAX_BYTES);
    *refusal = REFUSAL_NOT_APPROVED;
    if (!gatekeeper_knows(gatekeeper, incoming->peer))
        return error_because(err, REASON_MESSAGE_REFUSED,
                             "this key is not approved any more; see 'amtctl service-point approve'");
    exchange->role = session ? PEER_SERVICE_POINT : PEER_APPROVED;
    if (!dialogue_admit(incoming->data.data, incoming->data.length, exchange->role, &exchange->said, refusal,
                        correlation, err))
        return false;
    exchange->route = incoming->route;
    memcpy(exchange->peer, incoming->peer, sizeof(exchange->peer));
    memcpy(exchange->address, incoming->address, sizeof(exchange->address));
    exchange->service_point = session ? session->id : 0;
    exchange->repeated = session && session->route.length == incoming->route.length &&
                         memcmp(session->route.bytes, incoming->route.bytes, session->route.length) == 0;
    return true;
}

static void take(struct turn *turn, struct endpoint *endpoint, const struct gatekeeper *gatekeeper,
                 struct site *site, const struct incoming *incoming)
{
    struct exchange *exchange = &turn->exchanges[turn->count];
    struct message refused = { .kind = MESSAGE_REFUSED };
    enum refusal refusal;
    struct error err = { 0 };

    if (admit(incoming, gatekeeper, site, exchange, &refusal, &refused.correlation, &err)) {
        turn->count++;
        return;
    }
    memset(exchange, 0, sizeof(*exchange));
    count_refusal(turn, site, refusal, incoming->peer, incoming->address, err.message);
    refused.refused.reason = err.reason;
    refused.refused.text = text_copy(err.message);
    answer(turn, endpoint, site, &incoming->route, &refused);
    message_free(&refused);
}

bool turn_collect(struct turn *turn, struct endpoint *endpoint, const struct gatekeeper *gatekeeper,
                  struct site *site, struct error *err)
{
    if (turn->kept)
        return true;
    /* Refused ones count too: a peer that says nothing else must not keep the loop here. */
    for (size_t taken = 0; taken < turn->capacity && turn->count < turn->capacity; taken++) {
        enum endpoint_event event = ENDPOINT_NOTHING;
        struct incoming incoming = { 0 };

        if (!endpoint_receive(endpoint, &event, &incoming, err))
            return false;
        if (event == ENDPOINT_NOTHING)
            break;
        take(turn, endpoint, gatekeeper, site, &incoming);
        incoming_clear(&incoming);
    }
    return true;
}

static void answer_and_forget(struct turn *turn, struct endpoint *endpoint, struct site *site,
                              struct exchange *exchange)
{
    if (exchange->answer.kind == MESSAGE_REFUSED)
        count_refusal(turn, site, REFUSAL_FAILED, exchange->peer, exchange->address,
                      exchange->answer.refused.text);
    if (exchange->answer.kind)
        answer(turn, endpoint, site, &exchange->route, &exchange->answer);
    exchange_clear(exchange);
}

void turn_review(struct turn *turn, struct endpoint *endpoint, const struct gatekeeper *gatekeeper,
                 struct site *site)
{
    size_t kept = 0;

    for (size_t i = 0; i < turn->count; i++) {
        struct exchange *exchange = &turn->exchanges[i];

        if (gatekeeper_knows(gatekeeper, exchange->peer)) {
            turn->exchanges[kept++] = *exchange;
            continue;
        }
        count_refusal(turn, site, REFUSAL_NOT_APPROVED, exchange->peer, exchange->address,
                      "approval removed");
        exchange_refuse(exchange, REASON_MESSAGE_REFUSED, "this key is not approved any more");
        answer(turn, endpoint, site, &exchange->route, &exchange->answer);
        exchange_clear(exchange);
    }
    memset(turn->exchanges + kept, 0, (turn->count - kept) * sizeof(*turn->exchanges));
    turn->count = kept;
}

static bool transact(struct site *site, struct exchange *exchanges, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        exchange_reset(&exchanges[i]);
    if (database_begin(site->database, err) && dialogue_carry_out(site, exchanges, count, err) &&
        database_commit(site->database, err))
        return true;
    database_rollback(site->database);
    return false;
}

/* What the database says about itself is for our log; the peer only learns what concerns it. */
static void refuse_failed(struct turn *turn, struct endpoint *endpoint, struct site *site,
                          struct exchange *exchange, const struct error *err)
{
    count_refusal(turn, site, REFUSAL_FAILED, exchange->peer, exchange->address, err->message);
    exchange_refuse(exchange, err->reason ? err->reason : REASON_INTERNAL,
                    err->reason ? err->message : "failed at the site server; its log says why");
    answer(turn, endpoint, site, &exchange->route, &exchange->answer);
    exchange_clear(exchange);
}

/* Each alone. What is not reached because the database is lost stays in the batch. */
static bool replay(struct turn *turn, struct endpoint *endpoint, struct site *site, struct error *err)
{
    size_t done = 0;

    site->counters->turns_replayed++;
    for (; done < turn->count; done++) {
        struct exchange *exchange = &turn->exchanges[done];

        if (transact(site, exchange, 1, err)) {
            dialogue_settle(site, exchange, 1, clock_monotonic_ms());
            answer_and_forget(turn, endpoint, site, exchange);
        } else if (database_connected(site->database)) {
            refuse_failed(turn, endpoint, site, exchange, err);
        } else {
            break;
        }
    }
    turn->count -= done;
    memmove(turn->exchanges, turn->exchanges + done, turn->count * sizeof(*turn->exchanges));
    memset(turn->exchanges + turn->count, 0, done * sizeof(*turn->exchanges));
    return turn->count == 0;
}

static uint64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

bool turn_run(struct turn *turn, struct endpoint *endpoint, struct site *site, struct error *err)
{
    uint64_t began_us = monotonic_us();
    bool run = true;

    turn->ran = turn->count > 0;
    if (!turn->count)
        return true;
    site->counters->turns++;
    if (transact(site, turn->exchanges, turn->count, err)) {
        dialogue_settle(site, turn->exchanges, turn->count, clock_monotonic_ms());
        for (size_t i = 0; i < turn->count; i++)
            answer_and_forget(turn, endpoint, site, &turn->exchanges[i]);
        turn->count = 0;
    } else if (database_connected(site->database)) {
        log_debug("turn replayed", log_number("messages", (int64_t)turn->count),
                  log_text("why", err->message));
        run = replay(turn, endpoint, site, err);
    } else {
        run = false;
    }
    turn->kept = !run;
    turn->ran = run;
    site->counters->turn_microseconds += monotonic_us() - began_us;
    return run;
}
