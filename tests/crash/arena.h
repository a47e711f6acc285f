/*
 * arena.h - a site with short waits, many computers in it, and everything that can be done to them.
 */
#ifndef CRASH_ARENA_H
#define CRASH_ARENA_H

#include "crash/cell.h"

enum arena_kind {
    ARENA_PATIENT,   /* time-outs towards the firmware that are never over: requests are held */
    ARENA_IMPATIENT, /* short ones: for faults that the service point only sees by waiting */
    ARENA_CAMPAIGN,  /* two service points, and many attempts: faults do not end */
};

struct arena {
    struct site *site;
    enum arena_kind kind;
    struct computer *computers; /* borrowed */
    size_t count;
};

/* Starts a site in the directory (NULL: "torture" beside the programs). */
bool arena_open(struct arena *arena, const char *directory, enum arena_kind kind,
                struct error *err) MUST_CHECK;
bool arena_close(struct arena *arena); /* false: a program did not end in order */
/* Imports them, plugs them in and begins to listen to what happens to them. */
bool arena_populate(struct arena *arena, struct computer *computers, size_t count,
                    struct error *err) MUST_CHECK;

/* Jobs besides provision are for computers that are provisioned, as this one wants them. */
bool arena_prepare(struct arena *arena, const char *job, struct error *err) MUST_CHECK;
/* All of them begin a job of this kind; unprovision and provision are what they say. mutual-on, mutual-off
 * and mutual-issuer are updates that switch mutual TLS, or bring the root of a new authority. */
bool arena_begin(struct arena *arena, const char *job, struct error *err) MUST_CHECK;
/* Until no job is open; a standstill of two minutes is an error. */
bool arena_settle(struct arena *arena, struct error *err) MUST_CHECK;

/* Every computer whose job waits for its Hello, or that never had a job, says it. */
bool arena_wake(struct arena *arena, struct error *err) MUST_CHECK;
/* Every computer that never had a job says Hello, until each one has its job. */
bool arena_greet(struct arena *arena, struct error *err) MUST_CHECK;

/* Kills and starts again. */
bool arena_kill_point(struct arena *arena, size_t index, struct error *err) MUST_CHECK;
bool arena_kill_server(struct arena *arena, struct error *err) MUST_CHECK;
bool arena_kill_database(struct arena *arena, struct error *err) MUST_CHECK;
/* One line of the simulator's control socket about one computer: "freeze", "lose" ... */
bool arena_tell(struct arena *arena, const char *word, const struct computer *computer,
                struct error *err) MUST_CHECK;

/* Runs the auditor. *report is what it printed, the caller's. */
bool arena_audit(struct arena *arena, char **report, struct error *err) MUST_CHECK;
/* Prints attempts and failed steps of a computer. */
void arena_print_history(struct arena *arena, const char *uuid);

#endif
