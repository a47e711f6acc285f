/*
 * progress.h - a bar on the terminal for long work; nothing at all when the output is not a terminal.
 */
#ifndef CONTROL_PROGRESS_H
#define CONTROL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label;
    uint64_t total;
    int64_t next_ms; /* not drawn more often than a person can see */
    bool shown;
};

/* The label is borrowed. */
void progress_start(struct progress *progress, const char *label, uint64_t total);
void progress_to(struct progress *progress, uint64_t done);
/* Takes the bar away until it is next drawn, so that what is printed stands on a clean line. */
void progress_clear(struct progress *progress);
void progress_end(struct progress *progress);

#endif
