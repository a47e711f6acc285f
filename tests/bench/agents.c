#include "agents.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/clock.h"
#include "support/agent_peer.h"

enum { SOURCES = 250 };

struct load {
    const struct agents_work *work;
    struct secret *token;
    void *context;
    double *took_ms;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock;
    struct error err; /* the first failure; guarded by lock */
};

static bool ask(struct agent_peer *peer, const struct message *question, enum message_kind wanted,
                struct error *err)
{
    AUTO(message_free) struct message answer = { 0 };

    if (!agent_peer_ask(peer, question, &answer, err))
        return false;
    return answer.kind == wanted ||
           error_set(err, ERROR_REFUSED, "%s was answered %s: %s", message_kind_name(question->kind),
                     message_kind_name(answer.kind),
                     answer.kind == MESSAGE_REFUSED ? answer.refused.text : "");
}

/* Spec I1, I2, up to the moment when it would write into its firmware. */
static bool live(struct load *load, size_t index, struct error *err)
{
    const struct message wanted = { .kind = MESSAGE_POLICY_WANTED };
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    const struct site *site = load->work->site;
    AUTO(text_free) char *source = text_format("127.%u.200.%zu", site->place.block, 1 + index % SOURCES);
    struct one_time_password otp;
    struct message enrolling, registering;
    struct computer computer;

    computer_plan(&computer, site, (unsigned)(AGENTS_FIRST + index), "16.1");
    one_time_password_make(&otp);
    enrolling = agent_enrol(site, &computer, load->token, SETUP_PRE);
    registering = agent_register(&computer, &otp);
    return agent_peer_open_in(&peer, site, source, load->context, err) &&
           ask(peer, &enrolling, MESSAGE_ENROLLED, err) && ask(peer, &wanted, MESSAGE_POLICY, err) &&
           ask(peer, &registering, MESSAGE_OTP_REGISTERED, err);
}

static void note_failure(struct load *load, size_t index, const struct error *err)
{
    pthread_mutex_lock(&load->lock);
    if (!atomic_exchange(&load->failed, true)) {
        load->err = *err;
        error_during(&load->err, "agent %zu", index);
    }
    pthread_mutex_unlock(&load->lock);
}

static void *work_on(void *context)
{
    struct load *load = context;
    size_t index;

    while (!atomic_load(&load->failed) && (index = atomic_fetch_add(&load->next, 1)) < load->work->count) {
        int64_t began_ms = clock_monotonic_ms();
        struct error err = { 0 };

        if (!live(load, index, &err))
            note_failure(load, index, &err);
        load->took_ms[index] = (double)(clock_monotonic_ms() - began_ms);
    }
    return NULL;
}

static int compare_times(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void summarize(const struct load *load, struct agents_result *result)
{
    size_t count = load->work->count;

    qsort(load->took_ms, count, sizeof(*load->took_ms), compare_times);
    result->median_ms = load->took_ms[count / 2];
    result->percentile_99_ms = load->took_ms[count * 99 / 100];
    result->longest_ms = load->took_ms[count - 1];
}

static bool run_threads(struct load *load, struct error *err)
{
    pthread_t *threads = allocate(load->work->at_once * sizeof(*threads));
    size_t started = 0;

    while (started < load->work->at_once && pthread_create(&threads[started], NULL, work_on, load) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    if (!started)
        return error_set(err, ERROR_INTERNAL, "cannot start a thread");
    if (atomic_load(&load->failed)) {
        *err = load->err;
        return false;
    }
    return true;
}

static bool make_token(struct load *load, struct error *err)
{
    AUTO(text_free) char *printed = NULL;

    if (!site_amtctl(load->work->site, &printed, err, "token", "create", "bench", NULL))
        return false;
    printed[strcspn(printed, "\n")] = '\0';
    load->token = secret_from_text(printed);
    return true;
}

static bool check_rows(const struct agents_work *work, struct error *err)
{
    int64_t registered;

    if (!sql_number(work->site->sql, &registered, err,
                    "SELECT count(*) FROM amt.one_time_password WHERE state = 'registered'"))
        return false;
    return registered == (int64_t)work->count ||
           error_set(err, ERROR_INTERNAL, "%" PRId64 " of %zu agents have a registered password", registered,
                     work->count);
}

bool agents_run(const struct agents_work *work, struct agents_result *result, struct error *err)
{
    struct load load = { .work = work,
                         .context = zmq_ctx_new(),
                         .took_ms = allocate(work->count * sizeof(double)),
                         .lock = PTHREAD_MUTEX_INITIALIZER };
    int64_t began_ms;
    bool done;

    done = make_token(&load, err);
    began_ms = clock_monotonic_ms();
    done = done && run_threads(&load, err);
    if (done) {
        result->seconds = (double)(clock_monotonic_ms() - began_ms) / 1000;
        summarize(&load, result);
        done = check_rows(work, err);
    }
    zmq_ctx_term(load.context);
    secret_free(&load.token);
    free(load.took_ms);
    return done;
}
