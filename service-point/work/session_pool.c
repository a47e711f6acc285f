#include "work/session_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/log.h"
#include "provisioning/sequence.h"
#include "work/verdict.h"

#define STACK_BYTES (256 * 1024) /* OpenSSL's handshake and gSOAP's parser use less than 64 KiB of it */

struct running {
    TAILQ_ENTRY(running) next;
    struct session *session;
    struct attempt_id id;
    struct uuid uuid;
    pthread_t thread;
};

struct session_pool {
    const struct session_surroundings *around;
    size_t slots, count;
    TAILQ_HEAD(, running) list;
};

struct session_pool *session_pool_new(const struct session_surroundings *around, size_t slots)
{
    struct session_pool *pool = allocate(sizeof(*pool));

    pool->around = around;
    pool->slots = slots;
    TAILQ_INIT(&pool->list);
    return pool;
}

void session_pool_free(struct session_pool **pool)
{
    free(*pool);
    *pool = NULL;
}

static bool same_attempt(const struct attempt_id *a, const struct attempt_id *b)
{
    return a->job == b->job && a->attempt == b->attempt;
}

static struct running *find(const struct session_pool *pool, const struct attempt_id *id)
{
    struct running *running;

    TAILQ_FOREACH(running, &pool->list, next)
    {
        if (same_attempt(&running->id, id))
            return running;
    }
    return NULL;
}

static void *run(void *argument)
{
    struct session *session = argument;
    struct error err = { 0 };
    bool done = sequence_run(session, &err);
    struct message finished = { .kind = MESSAGE_JOB_FINISHED };

    verdict_record(&session->result, done ? NULL : &err);
    finished.job_finished = session->result;
    memset(&session->result, 0, sizeof(session->result));
    session->around->say(session->around->context, &finished);
    return NULL;
}

static bool start_thread(struct running *running)
{
    pthread_attr_t attributes;
    bool started;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    started = pthread_create(&running->thread, &attributes, run, running->session) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

/* Whoever offers a computer again has given up what runs for it. */
static bool stop_computer(struct session_pool *pool, const struct uuid *uuid)
{
    struct running *running;
    bool found = false;

    TAILQ_FOREACH(running, &pool->list, next)
    {
        if (uuid_equal(&running->uuid, uuid)) {
            session_stop(running->session, REASON_STALE_ATTEMPT);
            found = true;
        }
    }
    return found;
}

bool session_pool_start(struct session_pool *pool, struct message_job_offer *offer, struct error *err)
{
    struct running *running;

    if (pool->count >= pool->slots)
        return error_because(err, REASON_NO_FREE_SLOT, "all %zu slots are taken", pool->slots);
    if (stop_computer(pool, &offer->uuid))
        return error_because(err, REASON_JOB_UNDER_WAY,
                             "an attempt for this computer that the site gave up is still running here, and "
                             "ends now");
    running = allocate(sizeof(*running));
    running->id = offer->id;
    running->uuid = offer->uuid;
    running->session = session_new(offer, pool->around);
    if (!start_thread(running)) {
        *offer = running->session->offer;
        memset(&running->session->offer, 0, sizeof(running->session->offer));
        session_free(&running->session);
        free(running);
        return error_because(err, REASON_NO_FREE_SLOT, "the system gives no thread beyond %zu sessions",
                             pool->count);
    }
    TAILQ_INSERT_TAIL(&pool->list, running, next);
    pool->count++;
    return true;
}

bool session_pool_answer(struct session_pool *pool, struct message *answer)
{
    struct running *running;

    TAILQ_FOREACH(running, &pool->list, next)
    {
        if (session_answer(running->session, answer))
            return true;
    }
    return false;
}

void session_pool_hurry(struct session_pool *pool)
{
    struct running *running;

    TAILQ_FOREACH(running, &pool->list, next)
    {
        session_ask_again(running->session);
    }
}

bool session_pool_stop(struct session_pool *pool, const struct attempt_id *id, enum reason_code reason)
{
    struct running *running;
    bool found = false;

    TAILQ_FOREACH(running, &pool->list, next)
    {
        if (!id || same_attempt(&running->id, id)) {
            session_stop(running->session, reason);
            found = true;
        }
    }
    return found;
}

void session_pool_end(struct session_pool *pool, const struct attempt_id *id)
{
    struct running *running = find(pool, id);

    if (!running)
        return;
    pthread_join(running->thread, NULL);
    session_free(&running->session);
    TAILQ_REMOVE(&pool->list, running, next);
    pool->count--;
    free(running);
}

bool session_pool_has_attempt(const struct session_pool *pool, const struct attempt_id *id)
{
    return find(pool, id) != NULL;
}

bool session_pool_has_computer(const struct session_pool *pool, const struct uuid *uuid)
{
    const struct running *running;

    TAILQ_FOREACH(running, &pool->list, next)
    {
        if (uuid_equal(&running->uuid, uuid))
            return true;
    }
    return false;
}

size_t session_pool_running(const struct session_pool *pool)
{
    return pool->count;
}

size_t session_pool_ids(const struct session_pool *pool, struct attempt_id *ids, size_t count)
{
    const struct running *running;
    size_t copied = 0;

    TAILQ_FOREACH(running, &pool->list, next)
    {
        if (copied == count)
            break;
        ids[copied++] = running->id;
    }
    return copied;
}
