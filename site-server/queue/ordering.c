#include "queue/ordering.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "errand/errand_pool.h"
#include "statement.h"

#define THREADS             4
#define ERRANDS_MOST        512
#define REVOCATIONS_AT_ONCE 32
#define LOOK_INTERVAL_MS    60000              /* for revocations that were not taken the last time */
#define POST_AGAIN_MS       200                /* the pool is full */
#define REFUSED_KEPT_MS     (24 * 3600 * 1000) /* for a job that never asks again */

enum order_state {
    ORDER_NEW,      /* to be posted */
    ORDER_RUNNING,  /* the pool's */
    ORDER_FINISHED, /* back; not recorded yet */
    ORDER_WAITING,  /* for the authority, until ask_ms */
    ORDER_REFUSED,  /* recorded; nobody was there to be told */
};

struct order {
    enum order_state state;
    const struct cmp_issuer *issuer;
    int64_t lifetime_s;

    struct certificate_plan *plan; /* NULL: a revocation */
    struct cmp_exchange *exchange; /* NULL: not begun */
    struct cmp_answer answer;

    int64_t revocation; /* id of its row */
    struct bytes certificate;
    int reason;

    bool well; /* what the errand said, and else why not */
    struct error err;

    bool asked; /* by a service point that waits for the answer */
    struct route route;
    uint64_t correlation;
    struct attempt_id attempt;
    int64_t asked_ms, ask_ms;
};

struct ordering {
    struct ordering_settings settings;
    struct site *site;
    struct endpoint *endpoint;
    struct errand_pool *pool;
    struct order **orders;
    size_t count;
    int64_t look_ms;
    bool begun;
    char trouble[sizeof(
        ((struct error *)NULL)->message)]; /* why the authority could not be asked last; "": it could */
};

/* ---- errands ---- */

static void *begin_errands(const void *settings)
{
    return (void *)settings; /* each transaction has a connection of its own */
}

static void end_errands(void *connections)
{
    (void)connections;
}

static void run_errand(void *connections, void *task)
{
    struct order *order = task;

    (void)connections;
    if (!order->plan) {
        order->well = cmp_revoke(order->issuer, &order->certificate, order->reason, &order->err);
    } else if (order->exchange) {
        order->well = cmp_ask_again(order->exchange, &order->answer, &order->err);
    } else {
        const struct cmp_order wanted = { .request = order->plan->request,
                                          .fqdn = order->plan->fqdn,
                                          .usage = order->plan->usage,
                                          .former = &order->plan->former,
                                          .lifetime_s = order->lifetime_s };

        order->well = cmp_ask(order->issuer, &wanted, &order->exchange, &order->answer, &order->err);
    }
}

static void discard_errand(void *task)
{
    (void)task; /* orders are freed by their owner, once the threads are gone */
}

static const struct errand_kind errands = { "cmp", begin_errands, run_errand, end_errands, discard_errand };

static void order_free(struct order **order)
{
    certificate_plan_free(&(*order)->plan);
    cmp_exchange_free(&(*order)->exchange);
    issued_certificate_clear(&(*order)->answer.issued);
    bytes_free(&(*order)->certificate);
    free(*order);
    *order = NULL;
}

bool ordering_open(struct ordering **ordering, const struct ordering_settings *settings, struct site *site,
                   struct endpoint *endpoint, struct error *err)
{
    AUTO(ordering_close) struct ordering *opening = allocate(sizeof(*opening));

    opening->settings = *settings;
    opening->site = site;
    opening->endpoint = endpoint;
    if (!errand_pool_open(&opening->pool, &errands, settings->issuer, THREADS, ERRANDS_MOST, err))
        return false;
    *ordering = TAKE(opening);
    return true;
}

void ordering_close(struct ordering **ordering)
{
    struct ordering *closing = TAKE(*ordering);

    if (!closing)
        return;
    errand_pool_close(&closing->pool);
    for (size_t i = 0; i < closing->count; i++)
        order_free(&closing->orders[i]);
    free(closing->orders);
    free(closing);
}

static struct order *add(struct ordering *ordering)
{
    struct order *order = allocate(sizeof(*order));

    order->issuer = ordering->settings.issuer;
    order->lifetime_s = ordering->site->settings->certificate.lifetime_s;
    ordering->orders = reallocate(ordering->orders, ordering->count + 1, sizeof(*ordering->orders));
    ordering->orders[ordering->count++] = order;
    return order;
}

static void post(struct ordering *ordering, struct order *order, int64_t now_ms)
{
    if (errand_post(ordering->pool, order))
        order->state = ORDER_RUNNING;
    else
        order->ask_ms = now_ms + POST_AGAIN_MS;
}

/* ---- answers ---- */

static void answer(struct ordering *ordering, struct order *order, struct message *message)
{
    struct bytes bytes = { 0 };
    struct error err;

    message->correlation = order->correlation;
    message_write(message, &bytes);
    message_free(message);
    order->asked = false;
    if (endpoint_send(ordering->endpoint, &order->route, &bytes, &err))
        return;
    ordering->site->counters->answers_lost++;
    log_info("answer lost", log_text("kind", "CERTIFICATE"), log_number("job", (int64_t)order->attempt.job),
             log_text("why", err.message));
}

static void answer_refusal(struct ordering *ordering, struct order *order, enum reason_code reason,
                           const char *text)
{
    struct message message = { .kind = MESSAGE_REFUSED };

    if (!order->asked)
        return;
    message.refused.reason = reason;
    message.refused.text = text_copy(text);
    answer(ordering, order, &message);
}

static void answer_certificate(struct ordering *ordering, struct order *order)
{
    struct message message = { .kind = MESSAGE_CERTIFICATE };

    if (!order->asked)
        return;
    message.certificate.id = order->attempt;
    bytes_set(&message.certificate.der, order->answer.issued.der.data, order->answer.issued.der.length);
    answer(ordering, order, &message);
}

/* The job waits then; it is woken when the authority has decided. */
static void refuse_the_impatient(struct ordering *ordering, struct order *order, int64_t now_ms)
{
    AUTO(text_free) char *text = NULL;
    int64_t end_ms = order->asked_ms + ordering->settings.patience_s * 1000;

    if (!order->asked || order->state != ORDER_WAITING || (order->ask_ms <= end_ms && now_ms < end_ms))
        return;
    text = text_format("the authority has not decided about %s; it is asked again in %lld s",
                       order->plan->fqdn, (long long)((order->ask_ms - now_ms) / 1000));
    answer_refusal(ordering, order, REASON_ISSUER_WAITING, text);
}

/* ---- what service points ask for ---- */

static struct order *find(const struct ordering *ordering, const struct certificate_plan *plan)
{
    for (size_t i = 0; i < ordering->count; i++) {
        const struct certificate_plan *known = ordering->orders[i]->plan;

        if (known && known->id.job == plan->id.job && known->usage == plan->usage &&
            strcmp(known->fqdn, plan->fqdn) == 0 &&
            memcmp(known->key_fingerprint, plan->key_fingerprint, sizeof(plan->key_fingerprint)) == 0)
            return ordering->orders[i];
    }
    return NULL;
}

void ordering_take(struct ordering *ordering, struct exchange *exchange, int64_t now_ms)
{
    struct order *order = find(ordering, exchange->plan);

    if (!order) {
        order = add(ordering);
        order->plan = TAKE(exchange->plan);
    }
    if (!order->asked)
        order->asked_ms = now_ms;
    order->asked = true;
    order->route = exchange->route;
    order->correlation = exchange->said.correlation;
    order->attempt = exchange->said.certificate_wanted.id;
    if (order->state == ORDER_REFUSED) {
        order->ask_ms = now_ms; /* told by the next run */
        return;
    }
    if (order->state == ORDER_NEW)
        post(ordering, order, now_ms);
    refuse_the_impatient(ordering, order, now_ms);
}

/* ---- results ---- */

static bool settle_job(struct ordering *ordering, const struct order *order, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    if (order)
        parameters_number(parameters, (int64_t)order->plan->id.job);
    else
        parameters_text(parameters, NULL);
    return database_write(ordering->site->database, STATEMENT_CERTIFICATE_REQUEST_SETTLED, parameters, err);
}

static bool record_certificate(struct ordering *ordering, const struct order *order, struct error *err)
{
    struct database *database = ordering->site->database;
    const struct certificate_progress refused = { "refused", 0, order->err.reason, order->err.message };
    const struct certificate_progress waiting = { "waiting", order->answer.check_after_s, REASON_NONE, NULL };

    if (!order->well)
        return certificate_plan_note(database, order->plan, &refused, err) &&
               settle_job(ordering, order, err);
    if (!order->answer.granted)
        return certificate_plan_note(database, order->plan, &waiting, err);
    return certificate_record(database, cmp_issuer_authority(order->issuer),
                              &ordering->site->settings->certificate, order->plan, &order->answer.issued,
                              err) &&
           settle_job(ordering, order, err);
}

static bool record_revocation(struct ordering *ordering, const struct order *order, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, order->revocation);
    parameters_text(parameters, order->well ? NULL : reason_of(order->err.reason)->name);
    parameters_text(parameters, order->well ? NULL : order->err.message);
    return database_write(ordering->site->database, STATEMENT_REVOCATION_TOLD, parameters, err);
}

static bool record(struct ordering *ordering, const struct order *order, struct error *err)
{
    struct database *database = ordering->site->database;

    if (database_begin(database, err) &&
        (order->plan ? record_certificate(ordering, order, err) : record_revocation(ordering, order, err)) &&
        database_commit(database, err))
        return true;
    database_rollback(database);
    return false;
}

static void log_result(const struct order *order)
{
    if (!order->plan && order->well)
        log_info("certificate revoked by its authority", log_number("revocation", order->revocation));
    else if (!order->plan)
        log_warning("revocation not taken", log_number("revocation", order->revocation),
                    log_text("reason", reason_of(order->err.reason)->name),
                    log_text("why", order->err.message));
    else if (!order->well)
        log_warning("certificate refused", log_number("job", (int64_t)order->plan->id.job),
                    log_text("name", order->plan->fqdn),
                    log_text("reason", reason_of(order->err.reason)->name),
                    log_text("why", order->err.message));
    else if (order->answer.granted)
        log_info("certificate granted", log_number("job", (int64_t)order->plan->id.job),
                 log_text("name", order->plan->fqdn), log_text("serial", order->answer.issued.serial));
    else
        log_info("certificate authority waits", log_number("job", (int64_t)order->plan->id.job),
                 log_text("name", order->plan->fqdn), log_number("ask_again_s", order->answer.check_after_s));
}

/* A refusal is an answer. */
static void note_trouble(struct ordering *ordering, const struct order *order)
{
    bool away = !order->well && (order->err.reason == REASON_ISSUER_UNREACHABLE ||
                                 order->err.reason == REASON_ISSUER_DISTRUST);

    snprintf(ordering->trouble, sizeof(ordering->trouble), "%s", away ? order->err.message : "");
}

/* True: the order has come to its end. */
static bool conclude(struct ordering *ordering, struct order *order, int64_t now_ms)
{
    log_result(order);
    note_trouble(ordering, order);
    if (!order->plan)
        return true;
    ordering->site->work_waiting = true; /* a job may have been woken */
    if (!order->well) {
        order->state = ORDER_REFUSED;
        order->ask_ms = now_ms + REFUSED_KEPT_MS;
        if (!order->asked)
            return false;
        answer_refusal(ordering, order, order->err.reason, order->err.message);
        return true;
    }
    if (order->answer.granted) {
        answer_certificate(ordering, order);
        return true;
    }
    order->state = ORDER_WAITING;
    order->ask_ms = now_ms + order->answer.check_after_s * 1000;
    refuse_the_impatient(ordering, order, now_ms);
    return false;
}

static void drop(struct ordering *ordering, size_t index)
{
    order_free(&ordering->orders[index]);
    ordering->orders[index] = ordering->orders[--ordering->count];
}

/* Each in a transaction of its own: one that the database does not take, however often, must not hold up the
 * others. */
static bool finish(struct ordering *ordering, int64_t now_ms, struct error *err)
{
    for (size_t i = 0; i < ordering->count;) {
        struct order *order = ordering->orders[i];
        struct error why;

        if (order->state != ORDER_FINISHED) {
            i++;
            continue;
        }
        if (!record(ordering, order, &why)) {
            if (!database_connected(ordering->site->database)) {
                *err = why;
                return false;
            }
            order->well = false;
            error_because(&order->err, REASON_INTERNAL, "what the authority answered cannot be recorded: %s",
                          why.message);
        }
        if (conclude(ordering, order, now_ms))
            drop(ordering, i);
        else
            i++;
    }
    return true;
}

/* ---- what is due ---- */

static bool is_known(const struct ordering *ordering, int64_t revocation)
{
    for (size_t i = 0; i < ordering->count; i++) {
        if (!ordering->orders[i]->plan && ordering->orders[i]->revocation == revocation)
            return true;
    }
    return false;
}

static bool look_for_revocations(struct ordering *ordering, int64_t now_ms, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_number(parameters, REVOCATIONS_AT_ONCE);
    if (!database_run(ordering->site->database, STATEMENT_REVOCATIONS_DUE, parameters, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++) {
        int64_t id = row_number(rows, i, "id");
        const unsigned char *data;
        struct order *order;
        size_t length;

        if (is_known(ordering, id))
            continue;
        order = add(ordering);
        order->revocation = id;
        order->reason = (int)row_number(rows, i, "reason");
        data = row_bytes(rows, i, "certificate", &length);
        bytes_set(&order->certificate, data, length);
        post(ordering, order, now_ms);
    }
    ordering->look_ms =
        rows_count(rows) == REVOCATIONS_AT_ONCE ? now_ms + POST_AGAIN_MS : now_ms + LOOK_INTERVAL_MS;
    return true;
}

/* Jobs that waited for the orders of a process that is gone ask again. */
static bool begin(struct ordering *ordering, struct error *err)
{
    if (ordering->begun)
        return true;
    if (!database_begin(ordering->site->database, err) || !settle_job(ordering, NULL, err) ||
        !database_commit(ordering->site->database, err)) {
        database_rollback(ordering->site->database);
        return false;
    }
    ordering->begun = true;
    ordering->site->work_waiting = true;
    return true;
}

static void ask_what_is_due(struct ordering *ordering, int64_t now_ms)
{
    for (size_t i = 0; i < ordering->count;) {
        struct order *order = ordering->orders[i];

        if (order->state == ORDER_REFUSED && (order->asked || now_ms >= order->ask_ms)) {
            answer_refusal(ordering, order, order->err.reason, order->err.message);
            drop(ordering, i);
            continue;
        }
        if ((order->state == ORDER_NEW || order->state == ORDER_WAITING) && now_ms >= order->ask_ms)
            post(ordering, order, now_ms);
        refuse_the_impatient(ordering, order, now_ms);
        i++;
    }
}

const char *ordering_trouble(const struct ordering *ordering)
{
    return ordering && *ordering->trouble ? ordering->trouble : NULL;
}

void ordering_look(struct ordering *ordering)
{
    ordering->look_ms = 0;
}

int ordering_descriptor(const struct ordering *ordering)
{
    return ordering ? errand_descriptor(ordering->pool) : -1;
}

int64_t ordering_due_ms(const struct ordering *ordering)
{
    int64_t due_ms = ordering->look_ms;

    for (size_t i = 0; i < ordering->count; i++) {
        const struct order *order = ordering->orders[i];

        if (order->state != ORDER_RUNNING && order->ask_ms < due_ms)
            due_ms = order->ask_ms;
    }
    return due_ms;
}

bool ordering_run(struct ordering *ordering, int64_t now_ms, struct error *err)
{
    struct order *back;

    while ((back = errand_collect(ordering->pool)))
        back->state = ORDER_FINISHED;
    if (!begin(ordering, err) || !finish(ordering, now_ms, err))
        return false;
    if (now_ms >= ordering->look_ms && !look_for_revocations(ordering, now_ms, err))
        return false;
    ask_what_is_due(ordering, now_ms);
    return true;
}
