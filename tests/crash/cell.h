/*
 * cell.h - one cell of the crash matrix: one computer, of one generation, in one kind of job, with one fault
 * at one of its requests, before or after that took effect in the firmware.
 */
#ifndef CRASH_CELL_H
#define CRASH_CELL_H

#include "support/fleet.h"

enum fault_kind {
    FAULT_KILL_SERVICE_POINT, /* SIGKILL; started again, as systemd would */
    FAULT_KILL_SITE_SERVER,   /* the same */
    FAULT_KILL_DATABASE,      /* SIGKILL of the postmaster; started again */
    FAULT_CUT_NETWORK,        /* the computer's connections freeze until the attempt has given up */
    FAULT_DROP_CONNECTION,    /* the TCP connection ends without an answer */
    FAULT_RESTART_FIRMWARE,   /* what it has not in flash is lost */
    FAULT_KINDS,
};

enum phase {
    PHASE_BEFORE,   /* the request has come, and had no effect yet */
    PHASE_AFTER,    /* it took effect, the answer is on its way */
    PHASE_ANSWERED, /* the answer has left; the same as the next request's "before" but for the computer's own
                     */
    PHASES,
};

struct cell {
    const char *job; /* kind of job, or "unprovision": there and back */
    const char *generation;
    enum fault_kind fault;
    enum phase phase;
    unsigned request; /* counted from 1 */

    struct computer computer;
    bool reached; /* the fault happened */
    bool thawed;
    char *why; /* it failed; owned */
};

struct cell_list {
    struct cell *items;
    size_t count;
};

const char *fault_name(enum fault_kind fault);
const char *phase_name(enum phase phase);
/* Dead programs and cut networks have no third phase. */
bool fault_has_phase(enum fault_kind fault, enum phase phase);
/* "provision/11.8/kill-database/before/17"; the caller frees. */
char *cell_name(const struct cell *cell);
/* As a shell matches names, but * matches / too. NULL matches all. */
bool cell_matches(const struct cell *cell, const char *pattern);

void cell_add(struct cell_list *cells, const struct cell *cell);
/* Adds a reason why it failed. */
void cell_blame(struct cell *cell, const char *why);
struct cell *cell_of_computer(struct cell_list *cells, const char *uuid); /* NULL: none */
void cells_clear(struct cell_list *cells);

#endif
