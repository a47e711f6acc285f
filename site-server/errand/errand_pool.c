#include "errand/errand_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#define STACK_BYTES (512 * 1024)

struct errand {
    STAILQ_ENTRY(errand) next;
    void *task;
};

STAILQ_HEAD(errand_list, errand);

struct errand_pool {
    const struct errand_kind *kind;
    const void *settings;
    size_t capacity, count; /* of the loop's thread only */
    int event_fd;           /* readable while there are results */
    pthread_t *threads;
    unsigned thread_count;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t posted;
    struct errand_list waiting, finished;
    bool closing;
};

/* NULL: the pool is being closed. */
static struct errand *wait_for_errand(struct errand_pool *pool)
{
    struct errand *errand = NULL;

    pthread_mutex_lock(&pool->lock);
    while (!pool->closing && STAILQ_EMPTY(&pool->waiting))
        pthread_cond_wait(&pool->posted, &pool->lock);
    if (!pool->closing) {
        errand = STAILQ_FIRST(&pool->waiting);
        STAILQ_REMOVE_HEAD(&pool->waiting, next);
    }
    pthread_mutex_unlock(&pool->lock);
    return errand;
}

static void bring_back(struct errand_pool *pool, struct errand *errand)
{
    const uint64_t one = 1;
    ssize_t written;

    pthread_mutex_lock(&pool->lock);
    STAILQ_INSERT_TAIL(&pool->finished, errand, next);
    pthread_mutex_unlock(&pool->lock);
    written = write(pool->event_fd, &one, sizeof(one));
    (void)written; /* fails only when the counter is full, and then the descriptor is readable already */
}

static void *work(void *argument)
{
    struct errand_pool *pool = argument;
    void *connections = pool->kind->begin(pool->settings);
    struct errand *errand;

    while ((errand = wait_for_errand(pool))) {
        pool->kind->run(connections, errand->task);
        bring_back(pool, errand);
    }
    pool->kind->end(connections);
    return NULL;
}

static bool start_threads(struct errand_pool *pool, unsigned threads, struct error *err)
{
    pthread_attr_t attributes;
    int failed = 0;

    pool->threads = allocate(threads * sizeof(*pool->threads));
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (!failed && pool->thread_count < threads) {
        pthread_t *thread = &pool->threads[pool->thread_count];

        failed = pthread_create(thread, &attributes, work, pool);
        if (failed)
            break;
        pthread_setname_np(*thread, pool->kind->name);
        pool->thread_count++;
    }
    pthread_attr_destroy(&attributes);
    return !failed || error_set(err, ERROR_INTERNAL, "cannot start a thread for %s errands: %s",
                                pool->kind->name, strerror(failed));
}

bool errand_pool_open(struct errand_pool **pool, const struct errand_kind *kind, const void *settings,
                      unsigned threads, size_t capacity, struct error *err)
{
    AUTO(errand_pool_close) struct errand_pool *opening = allocate(sizeof(*opening));

    opening->kind = kind;
    opening->settings = settings;
    opening->capacity = capacity;
    STAILQ_INIT(&opening->waiting);
    STAILQ_INIT(&opening->finished);
    pthread_mutex_init(&opening->lock, NULL);
    pthread_cond_init(&opening->posted, NULL);
    opening->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (opening->event_fd < 0)
        return error_set(err, ERROR_INTERNAL, "no event descriptor for %s errands: %s", kind->name,
                         strerror(errno));
    if (!start_threads(opening, threads, err))
        return false;
    *pool = TAKE(opening);
    return true;
}

static void discard_all(struct errand_pool *pool, struct errand_list *list)
{
    struct errand *errand;

    while ((errand = STAILQ_FIRST(list))) {
        STAILQ_REMOVE_HEAD(list, next);
        pool->kind->discard(errand->task);
        free(errand);
    }
}

void errand_pool_close(struct errand_pool **pool)
{
    struct errand_pool *closing = TAKE(*pool);

    if (!closing)
        return;
    pthread_mutex_lock(&closing->lock);
    closing->closing = true;
    pthread_cond_broadcast(&closing->posted);
    pthread_mutex_unlock(&closing->lock);
    for (unsigned i = 0; i < closing->thread_count; i++)
        pthread_join(closing->threads[i], NULL);
    discard_all(closing, &closing->waiting);
    discard_all(closing, &closing->finished);
    pthread_cond_destroy(&closing->posted);
    pthread_mutex_destroy(&closing->lock);
    if (closing->event_fd >= 0)
        close(closing->event_fd);
    free(closing->threads);
    free(closing);
}

bool errand_post(struct errand_pool *pool, void *task)
{
    struct errand *errand;

    if (pool->count >= pool->capacity)
        return false;
    pool->count++;
    errand = allocate(sizeof(*errand));
    errand->task = task;
    pthread_mutex_lock(&pool->lock);
    STAILQ_INSERT_TAIL(&pool->waiting, errand, next);
    pthread_cond_signal(&pool->posted);
    pthread_mutex_unlock(&pool->lock);
    return true;
}

int errand_descriptor(const struct errand_pool *pool)
{
    return pool->event_fd;
}

void *errand_collect(struct errand_pool *pool)
{
    struct errand *errand;
    uint64_t count;
    void *task;

    pthread_mutex_lock(&pool->lock);
    errand = STAILQ_FIRST(&pool->finished);
    if (errand) {
        STAILQ_REMOVE_HEAD(&pool->finished, next);
    } else {
        ssize_t got =
            read(pool->event_fd, &count, sizeof(count)); /* under the lock: no result is overlooked */

        (void)got; /* nothing to read is fine */
    }
    pthread_mutex_unlock(&pool->lock);
    if (!errand)
        return NULL;
    pool->count--;
    task = errand->task;
    free(errand);
    return task;
}

void *errand_withdraw(struct errand_pool *pool)
{
    struct errand *errand;
    void *task;

    pthread_mutex_lock(&pool->lock);
    errand = STAILQ_FIRST(&pool->waiting);
    if (errand)
        STAILQ_REMOVE_HEAD(&pool->waiting, next);
    pthread_mutex_unlock(&pool->lock);
    if (!errand)
        return NULL;
    pool->count--;
    task = errand->task;
    free(errand);
    return task;
}

size_t errand_count(const struct errand_pool *pool)
{
    return pool->count;
}
