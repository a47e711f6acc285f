/*
 * errand_pool.h - slow work beside the loop: a few threads that ask other servers (directory, CA), a bounded
 * queue before them, and their results brought back to the loop (design 1).
 *
 * A pool is for one kind of errand, so that a server that is down delays nobody but those who need it. A task
 * is plain memory of its kind that has one owner at a time: the loop, the pool, the loop again. Threads know
 * neither the database nor the queue; what must survive a crash is in the database before a task is posted
 * and is found there again by whoever posted it. All calls but those of the kind belong to the loop's thread.
 */
#ifndef ERRAND_ERRAND_POOL_H
#define ERRAND_ERRAND_POOL_H

#include "common/error.h"

struct errand_kind {
    const char *name; /* at most 15 characters: it names the threads */
    /* In each thread, before its first errand; must not wait for a server. Never NULL. */
    void *(*begin)(const void *settings);
    /* In a thread: carries the task out and leaves the result in it. Bounded by time-outs of its own. */
    void (*run)(void *connections, void *task);
    void (*end)(void *connections);
    void (*discard)(void *task); /* of one that nobody collects any more */
};

struct errand_pool; /* opaque: owns threads and tasks */

/* kind and settings are borrowed until the pool is closed. Signals must be blocked already: the threads
 * inherit that. capacity: tasks posted and not yet collected. */
bool errand_pool_open(struct errand_pool **pool, const struct errand_kind *kind, const void *settings,
                      unsigned threads, size_t capacity, struct error *err) MUST_CHECK;
/* Waits for the errands that are being run, discards the others and all results; accepts NULL. */
void errand_pool_close(struct errand_pool **pool);

/* On true the task is the pool's. False: the pool is full, the task stays the caller's, to be tried later. */
bool errand_post(struct errand_pool *pool, void *task) MUST_CHECK;
/* Readable while there are results. */
int errand_descriptor(const struct errand_pool *pool);
/* A finished task, the caller's again; NULL: none is there. In no particular order. */
void *errand_collect(struct errand_pool *pool) MUST_CHECK;
/* One that no thread has begun yet, the caller's again; NULL: there is none. */
void *errand_withdraw(struct errand_pool *pool) MUST_CHECK;
/* Posted and not yet collected. */
size_t errand_count(const struct errand_pool *pool);

#endif
