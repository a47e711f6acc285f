/*
 * service_point.h - service points as the database knows them: who may connect, who is there.
 */
#ifndef JOBS_SERVICE_POINT_H
#define JOBS_SERVICE_POINT_H

#include "common/message.h"
#include "database/database.h"

struct approved_point {
    int64_t id;
    char *key;      /* CURVE public key, Z85 */
    char *name;     /* given by an operator, else what it calls itself, else the key's beginning */
    bool elsewhere; /* it has, or had last, its session with another site server */
};

struct approved_points { /* zero-initialise */
    struct approved_point *items;
    size_t count;
};

void approved_points_clear(struct approved_points *points);
bool service_point_approved(struct database *database, struct approved_points *points,
                            struct error *err) MUST_CHECK;

struct knocking_point {
    const char *key, *address; /* address NULL or "": not known */
};

/* Unknown keys that were refused at the door; the oldest leave when there are too many. */
bool service_point_knocked(struct database *database, const struct knocking_point *knocks, size_t count,
                           struct error *err) MUST_CHECK;

/*
 * REGISTER. connected_s: for how long it counts as connected without a heartbeat. Jobs that waited for a
 * service point are due at once. ERROR_REFUSED when its key is not approved (any more), or when it has begun
 * a later session with another site server. The caller ends *name.
 */
bool service_point_register(struct database *database, const char *key, const char *address,
                            const struct message_register *said, int64_t connected_s, int64_t *id,
                            char **name, struct error *err) MUST_CHECK;

struct point_elsewhere { /* connected to another site server; free slots as that one heard last */
    int64_t id;
    uint32_t free;
    char **subnets;
    size_t subnet_count;
    struct root_hash *root_hashes;
    size_t root_hash_count;
};

struct points_elsewhere { /* zero-initialise */
    struct point_elsewhere *items;
    size_t count;
};

bool service_points_elsewhere(struct database *database, struct points_elsewhere *points,
                              struct error *err) MUST_CHECK;
void points_elsewhere_clear(struct points_elsewhere *points);

struct heard_point {
    int64_t id;
    uint32_t free, running;
    const struct counter *counters; /* NULL: keep what is known */
    size_t counter_count;
};

/* Heartbeats of a turn. */
bool service_point_heard(struct database *database, const struct heard_point *heard, size_t count,
                         int64_t connected_s, struct error *err) MUST_CHECK;

#endif
