#include "queue/dialogue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "certificates/console.h"
#include "common/log.h"
#include "common/version.h"
#include "devices/history.h"
#include "directory/account.h"
#include "jobs/lease.h"
#include "jobs/result.h"
#include "jobs/rollout.h"
#include "jobs/service_point.h"
#include "queue/ordering.h"

typedef bool handler(struct site *site, const struct group *group, struct error *err);
typedef void settler(struct site *site, struct exchange *exchange, struct session *session, int64_t now_ms);

static handler open_sessions, accept_jobs, record_steps, judge_hellos, answer_accounts, issue_certificates,
    decline_jobs, finish_jobs, extend_leases, hear_heartbeats;
static settler session_opened, job_accepted, hello_judged, account_asked, certificate_wanted, job_declined,
    job_finished, heartbeat_heard;

/* A session before what is said in it, acceptance and steps before the result of an attempt. */
static const struct dialogue_line lines[] = {
    { MESSAGE_REGISTER, PEER_APPROVED | PEER_SERVICE_POINT, open_sessions, session_opened },
    { MESSAGE_JOB_ACCEPT, PEER_SERVICE_POINT, accept_jobs, job_accepted },
    { MESSAGE_STEP_FINISHED, PEER_SERVICE_POINT, record_steps, NULL },
    { MESSAGE_HELLO_SEEN, PEER_SERVICE_POINT, judge_hellos, hello_judged },
    { MESSAGE_ACCOUNT_WANTED, PEER_SERVICE_POINT, answer_accounts, account_asked },
    { MESSAGE_CERTIFICATE_WANTED, PEER_SERVICE_POINT, issue_certificates, certificate_wanted },
    { MESSAGE_JOB_DECLINE, PEER_SERVICE_POINT, decline_jobs, job_declined },
    { MESSAGE_JOB_FINISHED, PEER_SERVICE_POINT, finish_jobs, job_finished },
    { MESSAGE_LEASE_EXTEND, PEER_SERVICE_POINT, extend_leases, NULL },
    { MESSAGE_HEARTBEAT, PEER_SERVICE_POINT, hear_heartbeats, heartbeat_heard },
};

const struct dialogue service_point_dialogue = { "a service point", lines, COUNT_OF(lines) };

static const struct dialogue_line *line_of(const struct dialogue *dialogue, enum message_kind kind)
{
    for (size_t i = 0; i < dialogue->count; i++) {
        if (dialogue->lines[i].kind == kind)
            return &dialogue->lines[i];
    }
    return NULL;
}

bool dialogue_allows(const struct dialogue *dialogue, enum message_kind kind, enum peer_role role)
{
    const struct dialogue_line *line = line_of(dialogue, kind);

    return line && (line->from & role);
}

static void envelope_clear(struct envelope *envelope)
{
    envelope_free(envelope);
}

bool dialogue_admit(const struct dialogue *dialogue, const void *data, size_t length, enum peer_role role,
                    struct message *message, enum refusal *refusal, uint64_t *correlation, struct error *err)
{
    AUTO(envelope_clear) struct envelope envelope = { 0 };
    const struct dialogue_line *line;

    *correlation = 0;
    *refusal = REFUSAL_ENVELOPE;
    if (!envelope_read(data, length, &envelope, err)) {
        err->reason = REASON_MESSAGE_REFUSED;
        return false;
    }
    *correlation = envelope.correlation;
    line = line_of(dialogue, envelope.kind);
    if (!line) {
        *refusal = REFUSAL_NOT_ALLOWED;
        return error_because(err, REASON_MESSAGE_REFUSED, "%s is nothing that %s says",
                             message_kind_name(envelope.kind), dialogue->speaker);
    }
    if (!(line->from & role)) {
        *refusal = REFUSAL_NOT_REGISTERED;
        return error_because(err, REASON_NOT_REGISTERED, "%s needs a session; begin one with REGISTER",
                             message_kind_name(envelope.kind));
    }
    *refusal = REFUSAL_BODY;
    if (!message_read(&envelope, message, err)) {
        err->reason = REASON_MESSAGE_REFUSED;
        return false;
    }
    return true;
}

void exchange_reset(struct exchange *exchange)
{
    message_free(&exchange->answer);
    text_free(&exchange->name);
    certificate_plan_free(&exchange->plan);
    directory_task_clear(&exchange->account);
    if (exchange->said.kind == MESSAGE_REGISTER)
        exchange->service_point = 0;
}

void exchange_clear(struct exchange *exchange)
{
    exchange_reset(exchange);
    message_free(&exchange->said);
    memset(exchange, 0, sizeof(*exchange));
}

struct message *exchange_answer(struct exchange *exchange, enum message_kind kind)
{
    message_free(&exchange->answer);
    exchange->answer.kind = kind;
    exchange->answer.correlation = exchange->said.correlation;
    return &exchange->answer;
}

void exchange_refuse(struct exchange *exchange, enum reason_code reason, const char *text)
{
    struct message *answer = exchange_answer(exchange, MESSAGE_REFUSED);

    answer->refused.reason = reason;
    answer->refused.text = text_copy(text);
}

static bool refused(const struct exchange *exchange)
{
    return exchange->answer.kind == MESSAGE_REFUSED;
}

/*
 * A call for one message failed: true when it refused this message only, which is answered so; false when the
 * transaction is broken.
 */
static bool refuse_alone(struct site *site, struct exchange *exchange, const struct error *err)
{
    if (!database_transaction_usable(site->database))
        return false;
    exchange_refuse(exchange, err->reason ? err->reason : REASON_INTERNAL, err->message);
    return true;
}

bool dialogue_carry_out(const struct dialogue *dialogue, struct site *site, struct exchange *exchanges,
                        size_t count, struct error *err)
{
    struct exchange **items = allocate(count * sizeof(*items));
    bool carried = true;

    for (size_t i = 0; carried && i < dialogue->count; i++) {
        const struct dialogue_line *line = &dialogue->lines[i];
        struct group group = { items, 0 };

        for (size_t j = 0; j < count; j++) {
            if (exchanges[j].said.kind == line->kind && !refused(&exchanges[j]))
                items[group.count++] = &exchanges[j];
        }
        if (group.count && !line->carry_out(site, &group, err))
            carried = error_during(err, "%s", message_kind_name(line->kind));
    }
    free(items);
    return carried;
}

void dialogue_settle(const struct dialogue *dialogue, struct site *site, struct exchange *exchanges,
                     size_t count, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct exchange *exchange = &exchanges[i];
        const struct dialogue_line *line = line_of(dialogue, exchange->said.kind);
        struct session *session =
            exchange->role == PEER_AGENT ? NULL : roster_find(site->roster, exchange->peer);

        if (refused(exchange))
            continue;
        site->counters->messages[exchange->said.kind]++;
        if (session)
            session_heard(session, &exchange->route, now_ms);
        if (line->settle &&
            (session || exchange->role == PEER_AGENT || exchange->said.kind == MESSAGE_REGISTER))
            line->settle(site, exchange, session, now_ms);
    }
}

/* ---- REGISTER ---- */

/* A session without them is worth having: only computers in mutual TLS ask for one. */
static bool answer_console(struct site *site, struct exchange *exchange, struct message_welcome *welcome,
                           struct error *err)
{
    const struct console_holder holder = { exchange->service_point, exchange->name };
    const struct bytes *request = &exchange->said.reg.console_request;

    if (!request->length)
        return true;
    welcome->console_certificates =
        allocate(CONSOLE_CERTIFICATES_MAX * sizeof(*welcome->console_certificates));
    if (console_issue(site->database, site->vault, &site->settings->certificate, &holder, request,
                      welcome->console_certificates, &welcome->console_certificate_count, err))
        return true;
    if (!database_transaction_usable(site->database))
        return false;
    log_warning("no console certificate", log_text("service_point", exchange->name),
                log_text("why", err->message));
    return true;
}

void site_welcome(const struct site *site, struct message_welcome *welcome)
{
    welcome->site = text_copy(site->settings->name);
    welcome->software_version = text_copy(PRODUCT_VERSION);
    welcome->heartbeat_s = (uint32_t)site->settings->heartbeat_s;
    welcome->lease_s = (uint32_t)site->settings->job.lease_s;
    if (site->known)
        known_set_copy(&welcome->known, site->known);
}

static bool open_session(struct site *site, struct exchange *exchange, struct error *err)
{
    const struct message_register *said = &exchange->said.reg;
    int64_t connected_s = SILENT_HEARTBEATS * site->settings->heartbeat_s;
    struct message_welcome *welcome;
    size_t taken_back = 0;

    if (!service_point_register(site->database, exchange->peer, exchange->address, said, connected_s,
                                &exchange->service_point, &exchange->name, err))
        return refuse_alone(site, exchange, err);
    /* Over the same connection it is the same process, and offers may be on their way to it. */
    if (!exchange->repeated &&
        !lease_release_others(site->database, &site->settings->job, exchange->service_point, said->running,
                              said->running_count, &taken_back, err))
        return false;
    if (!exchange->repeated && taken_back && !job_announce(site->database, err))
        return false;
    welcome = &exchange_answer(exchange, MESSAGE_WELCOME)->welcome;
    site_welcome(site, welcome);
    return answer_console(site, exchange, welcome, err);
}

static bool open_sessions(struct site *site, const struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!open_session(site, group->items[i], err))
            return false;
    }
    return true;
}

static void session_opened(struct site *site, struct exchange *exchange, struct session *session,
                           int64_t now_ms)
{
    const struct message_register *said = &exchange->said.reg;

    if (!exchange->repeated || !session)
        log_info("service point registered", log_text("service_point", exchange->name),
                 log_text("calls_itself", said->name), log_text("address", exchange->address),
                 log_text("version", said->software_version), log_number("slots", said->slots),
                 log_number("running", (int64_t)said->running_count));
    session = roster_open(site->roster, exchange->peer, said);
    session->id = exchange->service_point;
    text_set(&session->name, exchange->name);
    session_heard(session, &exchange->route, now_ms);
    site->work_waiting = true;
}

/* ---- jobs under way ---- */

static void held_by(struct held_attempt *held, const struct exchange *exchange, struct attempt_id id)
{
    held->service_point = exchange->service_point;
    held->id = id;
}

/* An acceptance of an attempt that is over changes nothing; its result will be refused. */
static bool accept_jobs(struct site *site, const struct group *group, struct error *err)
{
    struct held_attempt *held = allocate(group->count * sizeof(*held));
    bool accepted;

    for (size_t i = 0; i < group->count; i++)
        held_by(&held[i], group->items[i], group->items[i]->said.job_accept);
    accepted = lease_hold(site->database, &site->settings->job, held, group->count, err);
    free(held);
    return accepted;
}

static void job_accepted(struct site *site, struct exchange *exchange, struct session *session,
                         int64_t now_ms)
{
    (void)site;
    (void)now_ms;
    session_accepted(session);
    log_debug("job accepted", log_number("job", (int64_t)exchange->said.job_accept.job),
              log_number("attempt", exchange->said.job_accept.attempt),
              log_text("service_point", session->name));
}

static bool record_steps(struct site *site, const struct group *group, struct error *err)
{
    struct steps_of_attempt *reports = allocate(group->count * sizeof(*reports));
    bool recorded;

    for (size_t i = 0; i < group->count; i++) {
        const struct message_step_finished *said = &group->items[i]->said.step_finished;

        reports[i] = (struct steps_of_attempt){ group->items[i]->service_point, said->id, said->steps,
                                                said->step_count };
    }
    recorded = history_record_steps(site->database, reports, group->count, NULL, err);
    free(reports);
    return recorded;
}

static bool decline_jobs(struct site *site, const struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        struct exchange *exchange = group->items[i];

        if (!result_decline(site->database, &site->settings->job, exchange->service_point,
                            &exchange->said.job_decline, err) &&
            !refuse_alone(site, exchange, err))
            return false;
    }
    return job_announce(site->database, err);
}

static void job_declined(struct site *site, struct exchange *exchange, struct session *session,
                         int64_t now_ms)
{
    const struct message_job_decline *declined = &exchange->said.job_decline;

    (void)now_ms;
    session_declined(session, declined->reason);
    site->counters->declined++;
    site->work_waiting = true;
    log_info("job declined", log_number("job", (int64_t)declined->id.job),
             log_number("attempt", declined->id.attempt), log_text("service_point", session->name),
             log_text("reason", reason_of(declined->reason)->name), log_text("text", declined->text));
}

static bool finish_jobs(struct site *site, const struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        struct exchange *exchange = group->items[i];
        struct message_job_closed closed = { 0 };

        if (result_finish(site->database, &site->settings->job, exchange->service_point,
                          &exchange->said.job_finished, &closed, err))
            exchange_answer(exchange, MESSAGE_JOB_CLOSED)->job_closed = closed;
        else if (!refuse_alone(site, exchange, err))
            return false;
    }
    return rollout_announce(site->database, err);
}

static void job_finished(struct site *site, struct exchange *exchange, struct session *session,
                         int64_t now_ms)
{
    const struct message_job_finished *finished = &exchange->said.job_finished;
    const struct message_job_closed *closed = &exchange->answer.job_closed;

    (void)now_ms;
    session_finished(session);
    site->work_waiting = true;
    if (!closed->accepted) {
        log_info("result refused", log_number("job", (int64_t)finished->id.job),
                 log_number("attempt", finished->id.attempt), log_text("service_point", session->name),
                 log_text("reason", reason_of(closed->reason)->name), log_text("text", closed->text));
        return;
    }
    step_times_add(&site->counters->steps, finished->firmware_version, finished->steps, finished->step_count);
    if (finished->done) {
        site->counters->finished[REASON_NONE]++;
        if (site->accounts)
            account_desk_hurry(site->accounts);
        log_info("job done", log_number("job", (int64_t)finished->id.job),
                 log_number("attempt", finished->id.attempt), log_text("service_point", session->name));
        return;
    }
    site->counters->finished[finished->reason ? finished->reason : REASON_INTERNAL]++;
    if (reason_of(finished->reason)->retry == RETRY_LATER)
        site->counters->retried[finished->reason]++;
    log_info("attempt failed", log_number("job", (int64_t)finished->id.job),
             log_number("attempt", finished->id.attempt), log_text("service_point", session->name),
             log_text("reason", reason_of(finished->reason)->name), log_text("text", finished->text));
}

/* Both kinds name attempts that their service point runs. */
static const struct attempt_id *running_of(const struct message *said, size_t *count)
{
    if (said->kind == MESSAGE_HEARTBEAT) {
        *count = said->heartbeat.running_count;
        return said->heartbeat.running;
    }
    *count = said->lease_extend.running_count;
    return said->lease_extend.running;
}

static bool extend_leases(struct site *site, const struct group *group, struct error *err)
{
    struct held_attempt *held = NULL;
    size_t count = 0;
    bool extended;

    for (size_t i = 0; i < group->count; i++) {
        size_t running_count;
        const struct attempt_id *running = running_of(&group->items[i]->said, &running_count);

        held = reallocate(held, count + running_count, sizeof(*held));
        for (size_t j = 0; j < running_count; j++)
            held_by(&held[count++], group->items[i], running[j]);
    }
    extended = !count || lease_hold(site->database, &site->settings->job, held, count, err);
    free(held);
    return extended;
}

/* ---- HEARTBEAT ---- */

/* Of several from one service point the last counts. */
static void hear(struct heard_point *heard, size_t *count, const struct exchange *exchange)
{
    const struct message_heartbeat *said = &exchange->said.heartbeat;
    size_t place = 0;

    while (place < *count && heard[place].id != exchange->service_point)
        place++;
    if (place == *count)
        ++*count;
    heard[place] = (struct heard_point){ .id = exchange->service_point,
                                         .free = said->free,
                                         .running = (uint32_t)said->running_count,
                                         .counters = said->counters,
                                         .counter_count = said->counter_count };
}

static bool hear_heartbeats(struct site *site, const struct group *group, struct error *err)
{
    struct heard_point *heard = allocate(group->count * sizeof(*heard));
    size_t count = 0;
    bool stored;

    for (size_t i = 0; i < group->count; i++)
        hear(heard, &count, group->items[i]);
    stored = service_point_heard(site->database, heard, count,
                                 SILENT_HEARTBEATS * site->settings->heartbeat_s, err);
    free(heard);
    return stored && extend_leases(site, group, err);
}

static void heartbeat_heard(struct site *site, struct exchange *exchange, struct session *session,
                            int64_t now_ms)
{
    bool was_full = !session->free;

    session_set_free(session, exchange->said.heartbeat.free, now_ms);
    if (was_full && session->free)
        site->work_waiting = true;
}

/* ---- Hello ---- */

static bool judge_hellos(struct site *site, const struct group *group, struct error *err)
{
    struct hello *hellos = allocate(group->count * sizeof(*hellos));
    struct message_hello_verdict *verdicts = allocate(group->count * sizeof(*verdicts));
    bool judged, offered = false;

    for (size_t i = 0; i < group->count; i++)
        hellos[i] = (struct hello){ group->items[i]->service_point, &group->items[i]->said.hello_seen };
    judged = device_hellos(site->database, &site->settings->hello, &site->strangers, hellos, group->count,
                           verdicts, err);
    for (size_t i = 0; judged && i < group->count; i++) {
        exchange_answer(group->items[i], MESSAGE_HELLO_VERDICT)->hello_verdict = verdicts[i];
        offered |= verdicts[i].offered;
    }
    free(verdicts);
    free(hellos);
    return judged && (!offered || job_announce(site->database, err));
}

static void hello_judged(struct site *site, struct exchange *exchange, struct session *session,
                         int64_t now_ms)
{
    const struct message_hello_verdict *verdict = &exchange->answer.hello_verdict;
    char uuid[UUID_TEXT_SIZE];

    (void)now_ms;
    site->counters->verdicts[verdict->offered ? REASON_NONE : verdict->reason]++;
    uuid_text(&verdict->uuid, uuid);
    if (verdict->offered) {
        site->work_waiting = true;
        log_info("hello heard", log_text("device", uuid),
                 log_text("address", exchange->said.hello_seen.address),
                 log_text("service_point", session->name));
        return;
    }
    log_debug("hello discarded", log_text("device", uuid),
              log_text("address", exchange->said.hello_seen.address),
              log_text("service_point", session->name), log_text("reason", reason_of(verdict->reason)->name));
}

/* ---- what a job asks for ---- */

/* Spec 7: without a directory the step is skipped. */
static void answer_without_directory(struct exchange *exchange)
{
    struct message *answer = exchange_answer(exchange, MESSAGE_ACCOUNT);

    answer->account.id = exchange->said.account_wanted.id;
    answer->account.configured = false;
}

/* The account's password is committed with this turn; the directory hears of it after that. */
static bool answer_accounts(struct site *site, const struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        struct exchange *exchange = group->items[i];

        if (!site->accounts)
            answer_without_directory(exchange);
        else if (!account_want(site->database, site->vault, exchange->service_point,
                               &exchange->said.account_wanted, &exchange->account, err) &&
                 !refuse_alone(site, exchange, err))
            return false;
    }
    return true;
}

static void account_asked(struct site *site, struct exchange *exchange, struct session *session,
                          int64_t now_ms)
{
    const struct account_question question = { exchange->route, exchange->said.correlation };

    (void)session;
    (void)now_ms;
    if (site->accounts)
        account_desk_ask(site->accounts, &exchange->account, &question);
}

/* One that has to be ordered elsewhere is answered later (queue/ordering.h). */
static bool find_certificate(struct site *site, struct exchange *exchange, struct bytes *der,
                             struct error *err)
{
    const struct message_certificate *wanted = &exchange->said.certificate_wanted;

    if (site->ordering)
        return certificate_ask(site->database, site->authority, exchange->service_point, wanted, der,
                               &exchange->plan, err);
    return certificate_issue(site->database, site->authority, &site->settings->certificate,
                             exchange->service_point, wanted, der, err);
}

static bool issue_certificates(struct site *site, const struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        struct exchange *exchange = group->items[i];
        struct bytes der = { 0 };

        if (!find_certificate(site, exchange, &der, err)) {
            if (!refuse_alone(site, exchange, err))
                return false;
        } else if (der.length) {
            struct message *answer = exchange_answer(exchange, MESSAGE_CERTIFICATE);

            answer->certificate.id = exchange->said.certificate_wanted.id;
            answer->certificate.der = der;
        }
    }
    return true;
}

static void certificate_wanted(struct site *site, struct exchange *exchange, struct session *session,
                               int64_t now_ms)
{
    (void)session;
    if (exchange->plan)
        ordering_take(site->ordering, exchange, now_ms);
}
