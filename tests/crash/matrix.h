/*
 * matrix.h - the crash matrix: each fault before and after each request of each kind of job.
 *
 * Cells with the same job and the same dying program are a group and share a site, a computer each: every
 * computer stops at a request of its own, all wait for each other, then the program dies under all of them.
 * Faults of single computers are one group for each job: each happens as soon as its computer stops. Then
 * everything goes on, until no job is open, and the auditor judges.
 */
#ifndef CRASH_MATRIX_H
#define CRASH_MATRIX_H

#include "crash/cell.h"

struct matrix_choice {
    const char *directory;          /* of the sites; NULL: "torture" beside the programs */
    const char *const *jobs;        /* NULL-terminated */
    const char *const *generations; /* NULL-terminated */
    const char *pattern;            /* of cell names; NULL: all */
    unsigned every;                 /* 1: every request; 5: every fifth, another one for each phase */
};

/* Runs clean jobs to count their requests, then adds the chosen cells. */
bool matrix_plan(const struct matrix_choice *choice, struct cell_list *cells, struct error *err) MUST_CHECK;
/* Runs them all, in groups, and prints each that fails. False: the trial itself could not be held. */
bool matrix_run(const struct matrix_choice *choice, struct cell_list *cells, struct error *err) MUST_CHECK;
size_t matrix_failed(const struct cell_list *cells);
/* Fault by phase: passed and failed for each kind of job. */
void matrix_print(const struct matrix_choice *choice, const struct cell_list *cells);

#endif
