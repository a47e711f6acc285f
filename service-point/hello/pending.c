#include "hello/pending.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/rate_limit.h"

#define BUCKETS   4096
#define AGAIN_MS  30000
#define FORGET_MS 3600000 /* firmware has said Hello again by then, perhaps from another address */
/* Firmware has some 30 roots, a stranger sends 255: on average there is room for so many in each Hello. */
#define HASHES_EACH      40
#define OF_ONE_COMPUTER  4
#define ADDRESSES        16384 /* whose share is remembered */
#define KNOWN_A_MINUTE   30    /* of one address; firmware says Hello once a minute at most */
#define STRANGERS_BURST  100   /* of one address: a whole subnet that nobody imported, behind one /64 */
#define STRANGER_SECONDS 1     /* of the strangers' pace that may be made up for */

enum lane_kind { KNOWN, STRANGERS, LANES };

struct pending {
    TAILQ_ENTRY(pending) by_age;
    TAILQ_ENTRY(pending) in_line; /* while unanswered: of its lane's fresh or said ones */
    LIST_ENTRY(pending) same_bucket;
    struct message message;
    enum { FRESH, SAID, ANSWERED } state; /* answered: kept for the quiet time only */
    enum lane_kind lane;
    int64_t taken_ms, due_ms;
};

TAILQ_HEAD(pending_list, pending);

struct lane {
    size_t most, window;
    size_t count, hashes, fresh_count, said_count;
    struct pending_list by_age; /* oldest first */
    struct pending_list fresh;  /* never said; oldest first */
    struct pending_list said;   /* every repetition waits equally long, so putting off is going to the end */
    struct rate_limit *addresses;
};

struct pending_hellos {
    struct lane lanes[LANES];
    int64_t quiet_ms;
    int64_t stranger_interval_us, stranger_next_us; /* when the next one may be told */
    LIST_HEAD(, pending) buckets[BUCKETS];
};

static void lane_open(struct lane *lane, size_t most, size_t window)
{
    lane->most = most;
    lane->window = window;
    TAILQ_INIT(&lane->by_age);
    TAILQ_INIT(&lane->fresh);
    TAILQ_INIT(&lane->said);
}

struct pending_hellos *pending_hellos_new(const struct pending_settings *settings)
{
    struct pending_hellos *pending = allocate(sizeof(*pending));

    lane_open(&pending->lanes[KNOWN], settings->most, settings->window);
    lane_open(&pending->lanes[STRANGERS], settings->most_strangers, settings->window_strangers);
    pending->lanes[KNOWN].addresses = rate_limit_new(KNOWN_A_MINUTE, KNOWN_A_MINUTE, ADDRESSES);
    pending->lanes[STRANGERS].addresses = rate_limit_new(STRANGERS_BURST, STRANGERS_BURST, ADDRESSES);
    pending->quiet_ms = settings->quiet_ms;
    pending->stranger_interval_us = 1000000 / settings->strangers_per_second;
    return pending;
}

/* Out of the line that it waits in. */
static void leave_line(struct pending_hellos *pending, struct pending *entry)
{
    struct lane *lane = &pending->lanes[entry->lane];

    if (entry->state == FRESH) {
        TAILQ_REMOVE(&lane->fresh, entry, in_line);
        lane->fresh_count--;
    } else if (entry->state == SAID) {
        TAILQ_REMOVE(&lane->said, entry, in_line);
        lane->said_count--;
    }
}

static void settle(struct pending_hellos *pending, struct pending *entry)
{
    leave_line(pending, entry);
    entry->state = ANSWERED;
}

static void leave_lane(struct pending_hellos *pending, struct pending *entry)
{
    struct lane *lane = &pending->lanes[entry->lane];

    leave_line(pending, entry);
    TAILQ_REMOVE(&lane->by_age, entry, by_age);
    lane->count--;
    lane->hashes -= entry->message.hello_seen.root_hash_count;
}

static void forget(struct pending_hellos *pending, struct pending *entry)
{
    leave_lane(pending, entry);
    LIST_REMOVE(entry, same_bucket);
    message_free(&entry->message);
    free(entry);
}

void pending_hellos_free(struct pending_hellos **pending)
{
    if (!*pending)
        return;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &(*pending)->lanes[i];

        while (!TAILQ_EMPTY(&lane->by_age))
            forget(*pending, TAILQ_FIRST(&lane->by_age));
        rate_limit_free(&lane->addresses);
    }
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

/* What is here of one computer. */
struct of_computer {
    struct pending *here; /* from the same address; NULL: none */
    struct pending *oldest;
    size_t count;
};

static struct of_computer find(const struct pending_hellos *pending, const struct uuid *uuid,
                               const char *address)
{
    struct of_computer found = { 0 };
    struct pending *entry;

    /* The newest come first. */
    LIST_FOREACH(entry, &pending->buckets[bucket_of(uuid)], same_bucket)
    {
        const struct message_hello_seen *seen = &entry->message.hello_seen;

        if (!uuid_equal(&seen->uuid, uuid))
            continue;
        if (strcmp(seen->address, address) == 0)
            found.here = entry;
        found.oldest = entry;
        found.count++;
    }
    return found;
}

static void forget_old(struct pending_hellos *pending, struct lane *lane, int64_t now_ms)
{
    struct pending *oldest;

    while ((oldest = TAILQ_FIRST(&lane->by_age)) &&
           now_ms - oldest->taken_ms >= (oldest->state == ANSWERED ? pending->quiet_ms : FORGET_MS))
        forget(pending, oldest);
}

/* Whether one had to go for the newcomer that the site did not hear of. */
static bool make_room(struct pending_hellos *pending, struct lane *lane, size_t hashes)
{
    bool displaced = false;

    while (lane->count && (lane->count >= lane->most || lane->hashes + hashes > lane->most * HASHES_EACH)) {
        displaced |= TAILQ_FIRST(&lane->by_age)->state == FRESH;
        forget(pending, TAILQ_FIRST(&lane->by_age));
    }
    return displaced;
}

static void fill(struct message *message, const struct heard_hello *heard)
{
    const struct hello_message *hello = heard->hello;
    struct message_hello_seen *seen = &message->hello_seen;

    message->kind = MESSAGE_HELLO_SEEN;
    message->correlation = heard->correlation;
    seen->uuid = hello->uuid;
    seen->address = text_copy(heard->address);
    seen->retry_count = hello->retry_count;
    seen->credentials_set = hello->credentials_set;
    seen->root_hash_count = hello->root_hash_count;
    seen->root_hashes = allocate(hello->root_hash_count * sizeof(*seen->root_hashes));
    memcpy(seen->root_hashes, hello->root_hashes, hello->root_hash_count * sizeof(*seen->root_hashes));
    seen->seen_at_ms = heard->seen_at_ms;
}

static bool address_passes(struct pending_hellos *pending, enum lane_kind kind, const char *address,
                           int64_t now_ms)
{
    char name[RATE_NAME_SIZE];

    /* A known computer has its address for itself; strangers behind one /64 may be one. */
    return rate_limit_passes(pending->lanes[kind].addresses,
                             kind == KNOWN ? address : rate_name_of_address(address, name), now_ms);
}

static void enter_lane(struct pending_hellos *pending, enum lane_kind kind, struct pending *entry)
{
    struct lane *lane = &pending->lanes[kind];

    entry->lane = kind;
    entry->state = FRESH;
    TAILQ_INSERT_TAIL(&lane->by_age, entry, by_age);
    TAILQ_INSERT_TAIL(&lane->fresh, entry, in_line);
    lane->count++;
    lane->fresh_count++;
    lane->hashes += entry->message.hello_seen.root_hash_count;
}

static void add(struct pending_hellos *pending, enum lane_kind kind, const struct heard_hello *heard,
                int64_t now_ms)
{
    struct pending *entry = allocate(sizeof(*entry));

    fill(&entry->message, heard);
    entry->taken_ms = entry->due_ms = now_ms;
    enter_lane(pending, kind, entry);
    LIST_INSERT_HEAD(&pending->buckets[bucket_of(&heard->hello->uuid)], entry, same_bucket);
}

enum pending_result pending_hellos_take(struct pending_hellos *pending, const struct heard_hello *heard,
                                        int64_t now_ms)
{
    struct of_computer found = find(pending, &heard->hello->uuid, heard->address);
    enum lane_kind kind = heard->known ? KNOWN : STRANGERS;
    bool displaced;

    if (found.here && now_ms - found.here->taken_ms < pending->quiet_ms && found.here->lane == kind)
        return PENDING_DUPLICATE;
    if (!address_passes(pending, kind, heard->address, now_ms))
        return PENDING_TOO_OFTEN;
    if (found.here)
        forget(pending, found.here); /* the newer one counts */
    else if (found.count >= OF_ONE_COMPUTER)
        forget(pending, found.oldest);
    forget_old(pending, &pending->lanes[kind], now_ms);
    displaced = make_room(pending, &pending->lanes[kind], heard->hello->root_hash_count);
    add(pending, kind, heard, now_ms);
    return displaced ? PENDING_DISPLACED : PENDING_TAKEN;
}

/* The one of the lane that may be said next, or may when its time has come. */
static struct pending *next_of(const struct lane *lane, int64_t now_ms)
{
    struct pending *again = TAILQ_FIRST(&lane->said), *fresh = TAILQ_FIRST(&lane->fresh);

    if (again && again->due_ms <= now_ms)
        return again;
    return fresh && lane->said_count < lane->window ? fresh : again;
}

static int64_t lane_due_ms(const struct pending_hellos *pending, const struct lane *lane, int64_t now_ms)
{
    const struct pending *next = next_of(lane, now_ms);
    int64_t paced_ms = (pending->stranger_next_us + 999) / 1000;

    if (!next)
        return INT64_MAX;
    return lane == &pending->lanes[STRANGERS] && paced_ms > next->due_ms ? paced_ms : next->due_ms;
}

static void keep_pace(struct pending_hellos *pending, int64_t now_ms)
{
    int64_t earliest_us = (now_ms - STRANGER_SECONDS * 1000) * 1000;

    if (pending->stranger_next_us < earliest_us)
        pending->stranger_next_us = earliest_us;
    pending->stranger_next_us += pending->stranger_interval_us;
}

const struct message *pending_hellos_due(struct pending_hellos *pending, int64_t now_ms)
{
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &pending->lanes[i];
        struct pending *next = next_of(lane, now_ms);

        if (lane_due_ms(pending, lane, now_ms) > now_ms)
            continue;
        if (i == STRANGERS)
            keep_pace(pending, now_ms);
        leave_line(pending, next);
        next->state = SAID;
        next->due_ms = now_ms + AGAIN_MS;
        TAILQ_INSERT_TAIL(&lane->said, next, in_line);
        lane->said_count++;
        return &next->message;
    }
    return NULL;
}

int64_t pending_hellos_due_ms(const struct pending_hellos *pending)
{
    int64_t due_ms = INT64_MAX;

    for (size_t i = 0; i < LANES; i++) {
        int64_t of_lane_ms = lane_due_ms(pending, &pending->lanes[i], INT64_MIN);

        due_ms = of_lane_ms < due_ms ? of_lane_ms : due_ms;
    }
    return due_ms;
}

void pending_hellos_recognise(struct pending_hellos *pending, struct known_set_reader *known)
{
    struct pending *entry = TAILQ_FIRST(&pending->lanes[STRANGERS].fresh), *next;

    for (; entry; entry = next) {
        next = TAILQ_NEXT(entry, in_line);
        if (!known_set_recognises(known, &entry->message.hello_seen.uuid))
            continue;
        leave_lane(pending, entry);
        make_room(pending, &pending->lanes[KNOWN], entry->message.hello_seen.root_hash_count);
        enter_lane(pending, KNOWN, entry);
    }
}

void pending_hellos_hurry(struct pending_hellos *pending, int64_t now_ms)
{
    struct pending *entry;

    for (size_t i = 0; i < LANES; i++) {
        TAILQ_FOREACH(entry, &pending->lanes[i].said, in_line)
        entry->due_ms = now_ms;
    }
}

bool pending_hellos_answer(struct pending_hellos *pending, const struct uuid *uuid, uint64_t correlation)
{
    struct pending *entry;

    LIST_FOREACH(entry, &pending->buckets[bucket_of(uuid)], same_bucket)
    {
        if (entry->message.correlation == correlation && uuid_equal(&entry->message.hello_seen.uuid, uuid) &&
            entry->state != ANSWERED) {
            settle(pending, entry);
            return true;
        }
    }
    return false;
}

bool pending_hellos_refuse(struct pending_hellos *pending, uint64_t correlation)
{
    struct pending *entry;

    for (size_t i = 0; i < LANES; i++) {
        TAILQ_FOREACH(entry, &pending->lanes[i].said, in_line)
        {
            if (entry->message.correlation == correlation) {
                settle(pending, entry);
                return true;
            }
        }
    }
    return false;
}

struct pending_count pending_hellos_count(const struct pending_hellos *pending)
{
    const struct lane *known = &pending->lanes[KNOWN], *strangers = &pending->lanes[STRANGERS];

    return (struct pending_count){ known->fresh_count + known->said_count,
                                   strangers->fresh_count + strangers->said_count };
}
