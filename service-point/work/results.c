#include "work/results.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define FIRST_PAUSE_MS 2000
#define LAST_PAUSE_MS  60000

struct result {
    TAILQ_ENTRY(result) next;
    struct message message;
    int64_t due_ms, pause_ms;
};

struct results {
    TAILQ_HEAD(list, result) list;
    size_t count;
};

struct results *results_new(void)
{
    struct results *results = allocate(sizeof(*results));

    TAILQ_INIT(&results->list);
    return results;
}

static void forget(struct results *results, struct result *result)
{
    TAILQ_REMOVE(&results->list, result, next);
    results->count--;
    message_free(&result->message);
    free(result);
}

void results_free(struct results **results)
{
    if (!*results)
        return;
    while (!TAILQ_EMPTY(&(*results)->list))
        forget(*results, TAILQ_FIRST(&(*results)->list));
    free(*results);
    *results = NULL;
}

void results_add(struct results *results, struct message *finished, int64_t now_ms)
{
    struct result *result = allocate(sizeof(*result));

    result->message = *finished;
    memset(finished, 0, sizeof(*finished));
    result->due_ms = now_ms;
    result->pause_ms = FIRST_PAUSE_MS;
    TAILQ_INSERT_TAIL(&results->list, result, next);
    results->count++;
}

static bool same_attempt(const struct attempt_id *a, const struct attempt_id *b)
{
    return a->job == b->job && a->attempt == b->attempt;
}

bool results_close(struct results *results, const struct attempt_id *id)
{
    struct result *result;

    TAILQ_FOREACH(result, &results->list, next)
    {
        if (same_attempt(&result->message.job_finished.id, id)) {
            forget(results, result);
            return true;
        }
    }
    return false;
}

const struct attempt_id *results_find(const struct results *results, uint64_t correlation)
{
    const struct result *result;

    TAILQ_FOREACH(result, &results->list, next)
    {
        if (result->message.correlation == correlation)
            return &result->message.job_finished.id;
    }
    return NULL;
}

void results_hurry(struct results *results, int64_t now_ms)
{
    struct result *result;

    TAILQ_FOREACH(result, &results->list, next)
    {
        result->due_ms = now_ms;
        result->pause_ms = FIRST_PAUSE_MS;
    }
}

const struct message *results_due(struct results *results, int64_t now_ms)
{
    struct result *result;

    TAILQ_FOREACH(result, &results->list, next)
    {
        if (result->due_ms <= now_ms) {
            result->due_ms = now_ms + result->pause_ms;
            result->pause_ms = result->pause_ms * 2 < LAST_PAUSE_MS ? result->pause_ms * 2 : LAST_PAUSE_MS;
            return &result->message;
        }
    }
    return NULL;
}

int64_t results_due_ms(const struct results *results)
{
    const struct result *result;
    int64_t due_ms = INT64_MAX;

    TAILQ_FOREACH(result, &results->list, next)
    {
        if (result->due_ms < due_ms)
            due_ms = result->due_ms;
    }
    return due_ms;
}

size_t results_count(const struct results *results)
{
    return results->count;
}

size_t results_ids(const struct results *results, struct attempt_id *ids, size_t count)
{
    const struct result *result;
    size_t copied = 0;

    TAILQ_FOREACH(result, &results->list, next)
    {
        if (copied == count)
            break;
        ids[copied++] = result->message.job_finished.id;
    }
    return copied;
}
