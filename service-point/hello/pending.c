#include "hello/pending.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BUCKETS   1024
#define AGAIN_MS  15000
#define FORGET_MS 3600000 /* firmware has said Hello again by then, perhaps from another address */
/* Firmware has some 30 roots, a stranger sends 255: on average there is room for so many in each Hello. */
#define HASHES_EACH 40

struct pending {
    TAILQ_ENTRY(pending) by_age;
    TAILQ_ENTRY(pending) by_due; /* while unanswered */
    LIST_ENTRY(pending) same_bucket;
    struct message message;
    bool answered; /* kept for the quiet time only */
    int64_t taken_ms, due_ms;
};

struct pending_hellos {
    size_t most, count, unanswered, hashes;
    int64_t quiet_ms;
    TAILQ_HEAD(, pending) by_age; /* oldest first */
    TAILQ_HEAD(, pending)
    by_due; /* every repetition waits equally long, so putting off is going to the end */
    LIST_HEAD(, pending) buckets[BUCKETS];
};

struct pending_hellos *pending_hellos_new(size_t most, int64_t quiet_ms)
{
    struct pending_hellos *pending = allocate(sizeof(*pending));

    pending->most = most;
    pending->quiet_ms = quiet_ms;
    TAILQ_INIT(&pending->by_age);
    TAILQ_INIT(&pending->by_due);
    return pending;
}

static void settle(struct pending_hellos *pending, struct pending *entry)
{
    if (entry->answered)
        return;
    entry->answered = true;
    TAILQ_REMOVE(&pending->by_due, entry, by_due);
    pending->unanswered--;
}

static void forget(struct pending_hellos *pending, struct pending *entry)
{
    settle(pending, entry);
    TAILQ_REMOVE(&pending->by_age, entry, by_age);
    LIST_REMOVE(entry, same_bucket);
    pending->count--;
    pending->hashes -= entry->message.hello_seen.root_hash_count;
    message_free(&entry->message);
    free(entry);
}

void pending_hellos_free(struct pending_hellos **pending)
{
    if (!*pending)
        return;
    while (!TAILQ_EMPTY(&(*pending)->by_age))
        forget(*pending, TAILQ_FIRST(&(*pending)->by_age));
    free(*pending);
    *pending = NULL;
}

static unsigned bucket_of(const struct uuid *uuid)
{
    unsigned hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < sizeof(uuid->bytes); i++)
        hash = (hash ^ uuid->bytes[i]) * 16777619u;
    return hash % BUCKETS;
}

static struct pending *find(const struct pending_hellos *pending, const struct uuid *uuid)
{
    struct pending *entry;

    LIST_FOREACH(entry, &pending->buckets[bucket_of(uuid)], same_bucket)
    {
        if (uuid_equal(&entry->message.hello_seen.uuid, uuid))
            return entry;
    }
    return NULL;
}

static void forget_old(struct pending_hellos *pending, int64_t now_ms)
{
    struct pending *oldest;

    while ((oldest = TAILQ_FIRST(&pending->by_age)) &&
           now_ms - oldest->taken_ms >= (oldest->answered ? pending->quiet_ms : FORGET_MS))
        forget(pending, oldest);
}

/* Whether somebody had to go for the newcomer. */
static bool make_room(struct pending_hellos *pending, size_t hashes)
{
    bool displaced = false;

    while (pending->count &&
           (pending->count >= pending->most || pending->hashes + hashes > pending->most * HASHES_EACH)) {
        forget(pending, TAILQ_FIRST(&pending->by_age));
        displaced = true;
    }
    return displaced;
}

static void fill(struct message *message, const struct hello_message *hello, const char *address,
                 int64_t seen_at_ms)
{
    struct message_hello_seen *seen = &message->hello_seen;

    message->kind = MESSAGE_HELLO_SEEN;
    seen->uuid = hello->uuid;
    seen->address = text_copy(address);
    seen->retry_count = hello->retry_count;
    seen->credentials_set = hello->credentials_set;
    seen->root_hash_count = hello->root_hash_count;
    seen->root_hashes = allocate(hello->root_hash_count * sizeof(*seen->root_hashes));
    memcpy(seen->root_hashes, hello->root_hashes, hello->root_hash_count * sizeof(*seen->root_hashes));
    seen->seen_at_ms = seen_at_ms;
}

enum pending_result pending_hellos_take(struct pending_hellos *pending, const struct hello_message *hello,
                                        const char *address, uint64_t correlation, int64_t seen_at_ms,
                                        int64_t now_ms)
{
    struct pending *entry = find(pending, &hello->uuid);
    bool displaced;

    if (entry && now_ms - entry->taken_ms < pending->quiet_ms)
        return PENDING_DUPLICATE;
    if (entry)
        forget(pending, entry); /* the newer one says where the computer is now */
    forget_old(pending, now_ms);
    displaced = make_room(pending, hello->root_hash_count);
    entry = allocate(sizeof(*entry));
    fill(&entry->message, hello, address, seen_at_ms);
    entry->message.correlation = correlation;
    entry->taken_ms = entry->due_ms = now_ms;
    TAILQ_INSERT_TAIL(&pending->by_age, entry, by_age);
    TAILQ_INSERT_HEAD(&pending->by_due, entry, by_due);
    LIST_INSERT_HEAD(&pending->buckets[bucket_of(&hello->uuid)], entry, same_bucket);
    pending->count++;
    pending->unanswered++;
    pending->hashes += hello->root_hash_count;
    return displaced ? PENDING_DISPLACED : PENDING_TAKEN;
}

const struct message *pending_hellos_due(struct pending_hellos *pending, int64_t now_ms)
{
    struct pending *entry = TAILQ_FIRST(&pending->by_due);

    if (!entry || entry->due_ms > now_ms)
        return NULL;
    entry->due_ms = now_ms + AGAIN_MS;
    TAILQ_REMOVE(&pending->by_due, entry, by_due);
    TAILQ_INSERT_TAIL(&pending->by_due, entry, by_due);
    return &entry->message;
}

int64_t pending_hellos_due_ms(const struct pending_hellos *pending)
{
    const struct pending *entry = TAILQ_FIRST(&pending->by_due);

    return entry ? entry->due_ms : INT64_MAX;
}

void pending_hellos_hurry(struct pending_hellos *pending, int64_t now_ms)
{
    struct pending *entry;

    TAILQ_FOREACH(entry, &pending->by_due, by_due)
    entry->due_ms = now_ms;
}

bool pending_hellos_answer(struct pending_hellos *pending, const struct uuid *uuid)
{
    struct pending *entry = find(pending, uuid);

    if (!entry || entry->answered)
        return false;
    settle(pending, entry);
    return true;
}

bool pending_hellos_refuse(struct pending_hellos *pending, uint64_t correlation)
{
    struct pending *entry;

    TAILQ_FOREACH(entry, &pending->by_due, by_due)
    {
        if (entry->message.correlation == correlation) {
            settle(pending, entry);
            return true;
        }
    }
    return false;
}

size_t pending_hellos_count(const struct pending_hellos *pending)
{
    return pending->unanswered;
}
