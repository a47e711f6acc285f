#include "queue/account_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "database/database.h"
#include "directory/account.h"
#include "errand/errand_pool.h"

#define CAPACITY        4096 /* a question more is not answered; it is asked again */
#define DUE_AT_ONCE     32
#define SWEEP_PAUSE_MS  2000
#define LOG_INTERVAL_MS 10000

struct desk_errand {
    struct directory_task task;
    struct account_question question; /* correlation 0: nobody waits for it */
    int64_t posted_ms;                /* monotonic */
    struct desk_errand *after;        /* for the same computer, to be sent when this one is back */
    LIST_ENTRY(desk_errand) others;   /* under way */
};

struct account_desk {
    struct errand_pool *pool;
    LIST_HEAD(, desk_errand) under_way;
    struct desk_errand *unsettled; /* is back, and could not be committed */
    int64_t sweep_ms;
    uint64_t turned_away; /* the pool was full */
    struct log_limit log_failed;
    char trouble[sizeof(((struct error *)NULL)->message)];
};

static void errand_free(struct desk_errand **errand)
{
    struct desk_errand *ending = TAKE(*errand);

    if (!ending)
        return;
    errand_free(&ending->after);
    directory_task_clear(&ending->task);
    free(ending);
}

/* ---- in the threads ---- */

static void *begin(const void *settings)
{
    return directory_worker_new(settings);
}

static void run(void *connections, void *task)
{
    struct desk_errand *errand = task;

    directory_worker_run(connections, &errand->task);
}

static void end(void *connections)
{
    struct directory_worker *worker = connections;

    directory_worker_free(&worker);
}

static void discard(void *task)
{
    struct desk_errand *errand = task;

    errand_free(&errand);
}

static const struct errand_kind directory_errands = { "directory", begin, run, end, discard };

/* ---- the desk ---- */

bool account_desk_open(struct account_desk **desk, const struct directory_settings *settings,
                       unsigned threads, struct error *err)
{
    struct account_desk *opening = allocate(sizeof(*opening));

    LIST_INIT(&opening->under_way);
    opening->log_failed.interval_ms = LOG_INTERVAL_MS;
    if (!errand_pool_open(&opening->pool, &directory_errands, settings, threads, CAPACITY, err)) {
        free(opening);
        return false;
    }
    *desk = opening;
    return true;
}

void account_desk_close(struct account_desk **desk)
{
    struct account_desk *closing = TAKE(*desk);

    if (!closing)
        return;
    errand_free(&closing->unsettled);
    errand_pool_close(&closing->pool); /* discards all that is under way */
    free(closing);
}

/* Names have no UUID. */
static bool same_subject(const struct directory_task *a, const struct directory_task *b)
{
    if (a->work == DIRECTORY_LOOK_UP || b->work == DIRECTORY_LOOK_UP)
        return a->work == b->work && strcmp(a->fqdn, b->fqdn) == 0;
    return uuid_equal(&a->uuid, &b->uuid);
}

static struct desk_errand *find_under_way(struct account_desk *desk, const struct directory_task *task)
{
    struct desk_errand *errand;

    LIST_FOREACH(errand, &desk->under_way, others)
    {
        if (same_subject(&errand->task, task))
            return errand;
    }
    return NULL;
}

static void send_out(struct account_desk *desk, struct desk_errand *errand)
{
    errand->posted_ms = clock_monotonic_ms();
    if (errand_post(desk->pool, errand)) {
        LIST_INSERT_HEAD(&desk->under_way, errand, others);
        return;
    }
    desk->turned_away++;
    errand_free(&errand);
}

static bool same_attempt(const struct directory_task *a, const struct directory_task *b)
{
    return a->work == b->work && a->attempt.job == b->attempt.job && a->attempt.attempt == b->attempt.attempt;
}

void account_desk_ask(struct account_desk *desk, struct directory_task *task,
                      const struct account_question *question)
{
    struct desk_errand *busy = find_under_way(desk, task);
    struct desk_errand *errand;

    if (busy && same_attempt(&busy->task, task)) { /* asked again: answered once */
        busy->question = *question;
        directory_task_clear(task);
        return;
    }
    errand = allocate(sizeof(*errand));
    errand->task = *task;
    errand->question = *question;
    memset(task, 0, sizeof(*task));
    if (!busy) {
        send_out(desk, errand);
        return;
    }
    errand_free(&busy->after); /* of an older attempt */
    busy->after = errand;
}

void account_desk_hurry(struct account_desk *desk)
{
    desk->sweep_ms = 0;
}

int account_desk_descriptor(const struct account_desk *desk)
{
    return errand_descriptor(desk->pool);
}

int64_t account_desk_due_ms(const struct account_desk *desk)
{
    return desk->sweep_ms;
}

const char *account_desk_trouble(const struct account_desk *desk)
{
    return desk ? desk->trouble : "";
}

uint64_t account_desk_turned_away(const struct account_desk *desk)
{
    return desk ? desk->turned_away : 0;
}

size_t account_desk_count(const struct account_desk *desk)
{
    return desk ? errand_count(desk->pool) : 0;
}

/* ---- what comes back ---- */

static void make_answer(struct desk_errand *errand, struct message *answer)
{
    struct directory_task *task = &errand->task;

    answer->correlation = errand->question.correlation;
    if (task->done) {
        answer->kind = MESSAGE_ACCOUNT;
        answer->account.id = task->attempt;
        answer->account.configured = true;
        answer->account.kerberos = TAKE(task->kerberos);
        return;
    }
    answer->kind = MESSAGE_REFUSED;
    answer->refused.reason = task->err.reason ? task->err.reason : REASON_INTERNAL;
    answer->refused.text = text_copy(task->err.message);
}

static void answer_errand(struct endpoint *endpoint, struct desk_errand *errand)
{
    struct message answer = { 0 };
    struct bytes bytes = { 0 };
    struct error err;

    if (!errand->question.correlation)
        return;
    make_answer(errand, &answer);
    message_write(&answer, &bytes);
    if (!endpoint_send(endpoint, &errand->question.route, &bytes, &err))
        log_info("answer lost", log_text("kind", message_kind_name(answer.kind)),
                 log_text("why", err.message)); /* the service point asks again */
    message_free(&answer);
}

static void note_trouble(struct account_desk *desk, const struct directory_task *task)
{
    bool away = !task->done && (task->err.reason == REASON_DIRECTORY_UNREACHABLE ||
                                task->err.reason == REASON_DIRECTORY_LOGIN);

    snprintf(desk->trouble, sizeof(desk->trouble), "%s", away ? task->err.message : "");
}

static void log_errand(struct account_desk *desk, const struct desk_errand *errand)
{
    const struct directory_task *task = &errand->task;
    int64_t took_ms = clock_monotonic_ms() - errand->posted_ms, suppressed;
    char device[UUID_TEXT_SIZE] = "";

    if (task->work != DIRECTORY_LOOK_UP)
        uuid_text(&task->uuid, device);
    if (task->done && task->work == DIRECTORY_LOOK_UP)
        log_info("directory name looked up", log_text("name", task->fqdn), log_number("took_ms", took_ms));
    else if (task->done)
        log_info(task->work == DIRECTORY_KEEP ? "directory object kept" : "directory object removed",
                 log_text("device", device), log_text("dn", task->found.dn),
                 log_text("changes", task->found.changes), log_number("took_ms", took_ms));
    else if (log_limit_passes(&desk->log_failed, clock_monotonic_ms(), &suppressed))
        log_warning("directory errand failed", log_text("device", device), log_text("name", task->fqdn),
                    log_text("reason", reason_of(task->err.reason)->name), log_text("why", task->err.message),
                    log_number("suppressed", suppressed));
}

static bool commit(struct database *database, const struct desk_errand *errand, struct error *err)
{
    if (database_begin(database, err) && account_settle(database, &errand->task, err) &&
        database_commit(database, err))
        return true;
    database_rollback(database);
    return false;
}

/* False: the database is gone. A result that it does not take is a failure of the errand. */
static bool settle(struct account_desk *desk, struct database *database, struct desk_errand *errand,
                   struct error *err)
{
    if (commit(database, errand, err))
        return true;
    if (!database_connected(database)) {
        desk->unsettled = errand;
        return false;
    }
    errand->task.done = false;
    errand->task.err = *err;
    return true;
}

static struct desk_errand *take_back(struct account_desk *desk)
{
    struct desk_errand *errand = TAKE(desk->unsettled);

    if (errand)
        return errand;
    errand = errand_collect(desk->pool);
    if (errand)
        LIST_REMOVE(errand, others);
    return errand;
}

static void answer_unreachable(struct endpoint *endpoint, struct counters *counters,
                               struct desk_errand *errand, const struct error *why)
{
    if (errand->after)
        answer_unreachable(endpoint, counters, errand->after, why);
    errand->task.done = false;
    errand->task.err = *why;
    counters->directory_errands[why->reason]++;
    answer_errand(endpoint, errand);
}

/*
 * When no controller answers, whoever waits for one is told so at once: one after the other would find out by
 * a time-out of his own, and thousands of jobs would keep their slots meanwhile from those that need no
 * directory. They come again, by retry policy or with the next sweep.
 */
static void send_home(struct account_desk *desk, struct endpoint *endpoint, struct counters *counters,
                      const struct error *why)
{
    struct desk_errand *errand;

    while ((errand = errand_withdraw(desk->pool))) {
        LIST_REMOVE(errand, others);
        answer_unreachable(endpoint, counters, errand, why);
        errand_free(&errand);
    }
}

static bool take_results(struct account_desk *desk, struct database *database, struct endpoint *endpoint,
                         struct counters *counters, struct error *err)
{
    struct desk_errand *errand;

    while ((errand = take_back(desk))) {
        struct desk_errand *after;

        if (!settle(desk, database, errand, err))
            return false;
        counters->directory_errands[errand->task.done ? REASON_NONE : errand->task.err.reason]++;
        note_trouble(desk, &errand->task);
        log_errand(desk, errand);
        answer_errand(endpoint, errand);
        if (!errand->task.done && errand->task.err.reason == REASON_DIRECTORY_UNREACHABLE)
            send_home(desk, endpoint, counters, &errand->task.err);
        after = TAKE(errand->after);
        errand_free(&errand);
        if (after)
            send_out(desk, after);
    }
    return true;
}

/* ---- what is due by itself: objects to be removed, names to be looked up ---- */

typedef bool due_function(struct database *database, struct directory_task *tasks, size_t *count,
                          struct error *err);

static bool find_due(struct database *database, due_function *find, struct directory_task *tasks,
                     size_t *count, struct error *err)
{
    if (database_begin(database, err) && find(database, tasks, count, err) && database_commit(database, err))
        return true;
    database_rollback(database);
    return false;
}

static bool send_due(struct account_desk *desk, struct database *database, due_function *find,
                     struct error *err)
{
    static const struct account_question nobody;
    struct directory_task tasks[DUE_AT_ONCE];
    size_t count = COUNT_OF(tasks);

    if (!find_due(database, find, tasks, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (find_under_way(desk, &tasks[i]))
            directory_task_clear(&tasks[i]);
        else
            account_desk_ask(desk, &tasks[i], &nobody);
    }
    return true;
}

static bool sweep(struct account_desk *desk, struct database *database, int64_t now_ms, struct error *err)
{
    if (now_ms < desk->sweep_ms)
        return true;
    desk->sweep_ms = now_ms + SWEEP_PAUSE_MS;
    return send_due(desk, database, account_unwanted, err) &&
           send_due(desk, database, account_names_due, err);
}

bool account_desk_run(struct account_desk *desk, struct database *database, struct endpoint *endpoint,
                      struct counters *counters, int64_t now_ms, struct error *err)
{
    return take_results(desk, database, endpoint, counters, err) && sweep(desk, database, now_ms, err);
}
