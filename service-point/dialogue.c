#include "dialogue.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/version.h"
#include "provisioning/sequence.h"

#define MESSAGES_A_TURN  256
#define CONSOLE_PAUSE_MS 5000 /* between two requests for console certificates */

static const char *const counter_names[OWN_COUNTERS] = {
    [HELLO_DUPLICATE] = "hello.duplicate",
    [HELLO_RUNNING_HERE] = "hello.running-here",
    [HELLO_DISPLACED] = "hello.displaced",
    [HELLO_TOO_OFTEN] = "hello.too-often",
    [HELLO_STRANGERS] = "hello.strangers",
    [HELLO_KNOWN_TOLD] = "hello.known-told",
    [QUEUE_MALFORMED] = "queue.malformed",
    [QUEUE_UNEXPECTED] = "queue.unexpected",
    [QUEUE_REFUSED] = "queue.refused",
    [QUEUE_CONNECTIONS] = "queue.connections",
    [JOB_ACCEPTED] = "job.accepted",
    [JOB_DECLINED] = "job.declined",
    [JOB_DONE] = "job.done",
    [JOB_FAILED] = "job.failed",
};

/* ---- what is said to the site ---------------------------------------------------------------------- */

bool dialogue_tell(struct service_point *point, const struct message *message)
{
    return point->registration.welcomed && queue_client_send(point->queue, message);
}

uint64_t dialogue_correlation(struct service_point *point)
{
    return ++point->correlation;
}

static uint32_t free_slots(const struct service_point *point)
{
    size_t taken = session_pool_running(point->sessions) + results_count(point->results);

    if (point->stopping || taken >= (size_t)point->config->point_slots)
        return 0;
    return (uint32_t)((size_t)point->config->point_slots - taken);
}

/* Attempts that nobody else may be given: those that run, and those whose result is not acknowledged. */
static struct attempt_id *running_attempts(const struct service_point *point, size_t *count)
{
    size_t most = session_pool_running(point->sessions) + results_count(point->results);
    struct attempt_id *ids = allocate(most * sizeof(*ids));

    *count = session_pool_ids(point->sessions, ids, most);
    *count += results_ids(point->results, ids + *count, most - *count);
    return ids;
}

static struct provisioning_certificate_info
certificate_info(const struct provisioning_certificate *certificate)
{
    struct provisioning_certificate_facts facts;
    struct provisioning_certificate_info info = { 0 };

    provisioning_certificate_facts(certificate, &facts);
    info.subject = text_copy(facts.subject);
    info.root_subject = text_copy(facts.root_subject);
    memcpy(info.root_hashes, facts.root_hashes, sizeof(info.root_hashes));
    info.root_hash_count = COUNT_OF(info.root_hashes);
    info.not_after_s = facts.not_after_s;
    info.chain_count = facts.chain_length;
    info.chain = allocate(info.chain_count * sizeof(*info.chain));
    for (size_t i = 0; i < info.chain_count; i++)
        bytes_set(&info.chain[i], facts.chain[i].data, facts.chain[i].length);
    return info;
}

static void say_register(struct service_point *point)
{
    const struct config *config = point->config;
    struct message message = { .kind = MESSAGE_REGISTER, .correlation = dialogue_correlation(point) };
    struct message_register *body = &message.reg;

    body->name = text_copy(config->point_name);
    body->software_version = text_copy(PRODUCT_VERSION);
    body->slots = (uint32_t)config->point_slots;
    body->free = free_slots(point);
    body->subnet_count = config->point_subnets.count;
    body->subnets = allocate(body->subnet_count * sizeof(*body->subnets));
    for (size_t i = 0; i < body->subnet_count; i++)
        body->subnets[i] = text_copy(config->point_subnets.items[i]);
    body->certificate_count = trust_count(point->trust);
    body->certificates = allocate(body->certificate_count * sizeof(*body->certificates));
    for (size_t i = 0; i < body->certificate_count; i++)
        body->certificates[i] = certificate_info(trust_certificate(point->trust, i));
    body->running = running_attempts(point, &body->running_count);
    body->process = point->process;
    body->session = ++point->session;
    bytes_set(&body->console_request, console_request(point->console)->data,
              console_request(point->console)->length);
    point->console_asked_ms = point->now_ms;
    body->hears_known = true;
    registration_asked(&point->registration, queue_client_send(point->queue, &message), point->now_ms);
    message_free(&message);
}

/* The certificates come with WELCOME; jobs under way go on. Within a session, and not again and again where
 * the site has none to give. */
static void renew_console(struct service_point *point, const struct bytes *issuer)
{
    if (point->registration.welcomed && !point->registration.asked_ms &&
        point->now_ms - point->console_asked_ms >= CONSOLE_PAUSE_MS &&
        console_wants(point->console, issuer, clock_wall_ms() / 1000))
        say_register(point);
}

static void add_counter(struct counter **counters, size_t *count, const char *name, uint64_t value)
{
    *counters = reallocate(*counters, *count + 1, sizeof(**counters));
    (*counters)[(*count)++] = (struct counter){ text_copy(name), value };
}

struct counter *dialogue_counters(const struct service_point *point, size_t *count)
{
    struct counter *counters = NULL;
    const char *name;
    uint64_t value;

    *count = 0;
    for (size_t i = 0; point->listener && hello_listener_counter(point->listener, i, &name, &value); i++)
        add_counter(&counters, count, name, value);
    for (size_t i = 0; i < OWN_COUNTERS; i++)
        add_counter(&counters, count, counter_names[i], point->counters[i]);
    return counters;
}

void dialogue_say_heartbeat(struct service_point *point)
{
    struct message message = { .kind = MESSAGE_HEARTBEAT, .correlation = dialogue_correlation(point) };
    const struct pending_count waiting = pending_hellos_count(point->hellos);
    struct message_heartbeat *body = &message.heartbeat;

    renew_console(point, NULL);
    body->free = free_slots(point);
    body->running = running_attempts(point, &body->running_count);
    body->counters = dialogue_counters(point, &body->counter_count);
    add_counter(&body->counters, &body->counter_count, "hello.waiting-known", waiting.known);
    add_counter(&body->counters, &body->counter_count, "hello.waiting-strangers", waiting.strangers);
    if (!dialogue_tell(point, &message))
        registration_lost(&point->registration, point->now_ms);
    message_free(&message);
}

void dialogue_say_what_is_due(struct service_point *point)
{
    const struct message *message;

    while (point->registration.welcomed && (message = results_due(point->results, point->now_ms)) &&
           dialogue_tell(point, message))
        ;
    while (point->registration.welcomed && (message = pending_hellos_due(point->hellos, point->now_ms)) &&
           dialogue_tell(point, message))
        ;
}

bool dialogue_keep_registered(struct service_point *point, struct error *err)
{
    for (;;) {
        switch (registration_next(&point->registration, point->now_ms)) {
        case REGISTRATION_NOTHING:
            return true;
        case REGISTRATION_REGISTER:
            say_register(point);
            break;
        case REGISTRATION_HEARTBEAT:
            dialogue_say_heartbeat(point);
            break;
        case REGISTRATION_RECONNECT:
            point->counters[QUEUE_CONNECTIONS]++;
            if (!queue_client_reconnect(point->queue, err))
                return false;
            log_debug("connecting", log_text("endpoint", queue_client_endpoint(point->queue)));
            break;
        }
    }
}

/* ---- what the site says: anything that is not in the table is counted and dropped ------------------- */

typedef void site_handler(struct service_point *point, struct message *message);

static void log_job(const char *event, const struct message_job_offer *offer, const struct error *why)
{
    char device[UUID_TEXT_SIZE];

    log_info(event, log_number("job", (int64_t)offer->id.job), log_number("attempt", offer->id.attempt),
             log_text("device", uuid_text(&offer->uuid, device)), log_text("address", offer->address),
             log_text("why", why ? why->message : ""));
}

/* With a WELCOME, or with one that was not asked for and says nothing else. */
static void learn_known(struct service_point *point, const struct known_set *known)
{
    if (!known->bits.length)
        return;
    known_set_reader_free(&point->known);
    point->known = known_set_reader_new(known);
    pending_hellos_recognise(point->hellos, point->known);
    point->counters[HELLO_KNOWN_TOLD]++;
    log_debug("known computers told", log_number("bytes", (int64_t)known->bits.length));
}

static void welcome(struct service_point *point, struct message *message)
{
    bool known = point->registration.welcomed;
    struct error err = { 0 };

    learn_known(point, &message->welcome.known);
    if (!message->correlation)
        return;
    if (!console_take(point->console, message->welcome.console_certificates,
                      message->welcome.console_certificate_count, &err))
        log_warning("console certificate not taken", log_text("why", err.message));
    registration_welcomed(&point->registration, message->welcome.heartbeat_s, point->now_ms);
    if (known)
        return;
    log_info("welcome", log_text("site", message->welcome.site),
             log_text("endpoint", queue_client_endpoint(point->queue)),
             log_text("software_version", message->welcome.software_version),
             log_number("heartbeat_s", message->welcome.heartbeat_s));
    session_pool_hurry(point->sessions);
    results_hurry(point->results, point->now_ms);
    pending_hellos_hurry(point->hellos, point->now_ms);
}

static void take_hello_verdict(struct service_point *point, struct message *message)
{
    const struct message_hello_verdict *verdict = &message->hello_verdict;
    char device[UUID_TEXT_SIZE];

    if (!pending_hellos_answer(point->hellos, &verdict->uuid, message->correlation))
        return;
    log_debug("hello judged", log_text("device", uuid_text(&verdict->uuid, device)),
              log_text("verdict", verdict->offered ? "offered" : reason_of(verdict->reason)->name),
              log_text("why", verdict->text));
}

static void accept_job(struct service_point *point, const struct message *offer)
{
    const struct message accept = { .kind = MESSAGE_JOB_ACCEPT,
                                    .correlation = offer->correlation,
                                    .job_accept = offer->job_offer.id };

    if (!dialogue_tell(point, &accept))
        log_debug("acceptance not sent; the heartbeat names the job",
                  log_number("job", (int64_t)accept.job_accept.job));
}

static void decline_job(struct service_point *point, const struct message *offer, const struct error *why)
{
    struct message decline = { .kind = MESSAGE_JOB_DECLINE, .correlation = offer->correlation };

    point->counters[JOB_DECLINED]++;
    log_job("job declined", &offer->job_offer, why);
    decline.job_decline.id = offer->job_offer.id;
    decline.job_decline.reason = why->reason;
    decline.job_decline.text = text_copy(why->message);
    if (!dialogue_tell(point, &decline))
        log_debug("refusal not sent; the lease will run out",
                  log_number("job", (int64_t)decline.job_decline.id.job));
    message_free(&decline);
}

/* A computer that a job may lock with mutual TLS is one that we must be able to open; and one that another
 * service point has given the root of a new authority waits until we have a certificate of that, too. */
static bool can_open(struct service_point *point, const struct message_job_offer *offer, struct error *err)
{
    const struct bytes *issuer = offer->issuer_count ? &offer->issuers[0] : NULL;
    AUTO(console_release) struct console_set *set = console_hold(point->console);
    bool mutual = offer->profile.mutual_tls, has_any = console_set_count(set) > 0;

    if ((!mutual && !has_any) || console_set_root(set, issuer))
        return true;
    renew_console(point, issuer);
    if (!mutual || !(has_any || sequence_applies_profile(offer->kind)))
        return true;
    return error_because(err, REASON_NO_CONSOLE_CERTIFICATE,
                         "service point %s has no console certificate of the authority that issues now",
                         point->config->point_name);
}

static void take_offer(struct service_point *point, struct message *message)
{
    const struct attempt_id id = message->job_offer.id;
    struct message named = { .correlation = message->correlation, .job_offer.id = id };
    struct error err = { 0 };

    if (session_pool_has_attempt(point->sessions, &id)) { /* said twice; once is enough */
        accept_job(point, message);
        return;
    }
    if (point->stopping) {
        error_because(&err, REASON_SERVICE_POINT_STOPPING, "service point %s is stopping",
                      point->config->point_name);
        decline_job(point, message, &err);
        return;
    }
    if (free_slots(point) == 0) {
        error_because(&err, REASON_NO_FREE_SLOT, "all %lld slots of service point %s are taken",
                      (long long)point->config->point_slots, point->config->point_name);
        decline_job(point, message, &err);
        return;
    }
    if (!can_open(point, &message->job_offer, &err)) {
        decline_job(point, message, &err);
        return;
    }
    log_job("job accepted", &message->job_offer, NULL);
    if (!session_pool_start(point->sessions, &message->job_offer, &err)) {
        decline_job(point, message, &err);
        return;
    }
    point->counters[JOB_ACCEPTED]++;
    accept_job(point, &named);
}

static void take_answer(struct service_point *point, struct message *message)
{
    if (!session_pool_answer(point->sessions, message))
        log_debug("answer that nobody waits for", log_text("kind", message_kind_name(message->kind)));
}

static void take_job_closed(struct service_point *point, struct message *message)
{
    const struct message_job_closed *closed = &message->job_closed;
    enum reason_code reason = closed->reason != REASON_NONE ? closed->reason : REASON_CANCELLED;

    if (!results_close(point->results, &closed->id)) {
        session_pool_stop(point->sessions, &closed->id, reason); /* cancelled, or given to somebody else */
        return;
    }
    if (!closed->accepted)
        log_warning("result refused", log_number("job", (int64_t)closed->id.job),
                    log_number("attempt", closed->id.attempt),
                    log_text("reason", reason_of(closed->reason)->name), log_text("why", closed->text));
}

static void log_refusal(struct service_point *point, const struct message_refused *refused)
{
    int64_t suppressed;

    if (log_limit_passes(&point->refused_limit, point->now_ms, &suppressed))
        log_warning("the site refused a message", log_text("reason", reason_of(refused->reason)->name),
                    log_text("why", refused->text), log_number("not_shown", suppressed));
}

static void take_refusal(struct service_point *point, struct message *message)
{
    const struct message_refused *refused = &message->refused;
    const struct attempt_id *result;

    point->counters[QUEUE_REFUSED]++;
    if (refused->reason == REASON_NOT_REGISTERED) { /* whatever was said is said again after WELCOME */
        log_refusal(point, refused);
        registration_lost(&point->registration, point->now_ms);
        return;
    }
    if (session_pool_answer(point->sessions, message))
        return;
    log_refusal(point, refused);
    if (reason_of(refused->reason)->retry == RETRY_LATER)
        return; /* whatever it was is said again */
    result = results_find(point->results, message->correlation);
    if (result) {
        const struct attempt_id id = *result;

        results_close(point->results, &id);
    } else if (!pending_hellos_refuse(point->hellos, message->correlation)) {
        registration_lost(&point->registration, point->now_ms);
    }
}

static const struct {
    enum message_kind kind;
    site_handler *handle;
} dialogue[] = {
    { MESSAGE_WELCOME, welcome },         { MESSAGE_HELLO_VERDICT, take_hello_verdict },
    { MESSAGE_JOB_OFFER, take_offer },    { MESSAGE_ACCOUNT, take_answer },
    { MESSAGE_CERTIFICATE, take_answer }, { MESSAGE_JOB_CLOSED, take_job_closed },
    { MESSAGE_REFUSED, take_refusal },
};

static void handle(struct service_point *point, struct message *message)
{
    registration_heard(&point->registration, point->now_ms);
    for (size_t i = 0; i < COUNT_OF(dialogue); i++) {
        if (dialogue[i].kind == message->kind) {
            dialogue[i].handle(point, message);
            return;
        }
    }
    point->counters[QUEUE_UNEXPECTED]++;
}

void dialogue_hear(struct service_point *point)
{
    for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
        struct message message = { 0 };
        struct error err = { 0 };
        int64_t suppressed;

        switch (queue_client_receive(point->queue, &message, &err)) {
        case RECEIVED_NOTHING:
            return;
        case RECEIVED_MESSAGE:
            handle(point, &message);
            message_free(&message);
            break;
        case RECEIVED_MALFORMED:
            point->counters[QUEUE_MALFORMED]++;
            if (log_limit_passes(&point->malformed_limit, point->now_ms, &suppressed))
                log_warning("malformed message dropped", log_text("why", err.message),
                            log_number("not_shown", suppressed));
            break;
        }
    }
}
