/*
 * counters.h - what the site server counts since it started, and how Prometheus reads it.
 *
 * The text format is Prometheus' exposition format 0.0.4. Fleet numbers (computers, jobs, failures) are
 * rows, and SQL is the interface to them (spec 9); fleet_figures.h shows the most wanted ones.
 */
#ifndef METRICS_COUNTERS_H
#define METRICS_COUNTERS_H

#include <stdint.h>
#include <stdio.h>

#include "common/message.h"
#include "metrics/step_times.h"

/* Why a message was refused before or instead of being carried out (spec 11). */
enum refusal {
    REFUSAL_SIZE,           /* too large, empty, or of several frames */
    REFUSAL_ENVELOPE,       /* not an envelope, unknown version or kind */
    REFUSAL_NOT_APPROVED,   /* the key was taken away while the connection stood */
    REFUSAL_NOT_ALLOWED,    /* this peer may not say that */
    REFUSAL_NOT_REGISTERED, /* allowed only within a session */
    REFUSAL_BODY,           /* the body breaks its own rules */
    REFUSAL_FAILED,         /* carrying it out failed */
    REFUSAL_TOO_OFTEN,      /* more than this key or address may say */
    REFUSAL_COUNT,
};

const char *refusal_name(enum refusal refusal); /* "not-allowed" */

struct counters {
    uint64_t messages[MESSAGE_KIND_LAST + 1]; /* allowed ones, by kind */
    uint64_t refused[REFUSAL_COUNT];
    uint64_t verdicts[REASON_COUNT]; /* of Hellos; REASON_NONE: offered */
    uint64_t finished[REASON_COUNT]; /* attempts; REASON_NONE: done */
    uint64_t retried[REASON_COUNT];  /* attempts that failed and are repeated, if any are left */
    struct step_times steps;
    uint64_t directory_errands[REASON_COUNT]; /* REASON_NONE: done */
    uint64_t directory_turned_away;           /* questions that there was no room for */
    uint64_t offers, declined, answers_lost;
    uint64_t turns, turns_replayed, turn_microseconds;
    uint64_t database_lost;
    uint64_t agents_admitted, agents_turned_away, agents_broken; /* connections at the agents' gate */
    uint64_t connections_admitted, connections_unknown_key, connections_broken;
};

struct gauges { /* as it is now */
    bool database_connected;
    uint64_t service_points, slots, slots_free;
    uint64_t agents;        /* connections of theirs */
    uint64_t messages_held; /* received, not yet committed: more than none only while the database is away */
    uint64_t directory_under_way; /* errands */
    int64_t started_s;            /* since 1970 */
};

void counters_write(const struct counters *counters, const struct gauges *gauges, FILE *out);

#endif
