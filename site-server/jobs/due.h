/*
 * due.h - jobs that may be handed out now, from all lanes in turn.
 *
 * A lane is the jobs of one profile for computers of one subnet (/24 or /64), in the order in which they are
 * due; those that write the profile stand apart from those that do not. One job of each lane comes before the
 * second of any, beginning behind the lane that had its turn last: so thousands that wait in one subnet hold
 * up nobody in another, and a lane whose profile's wave is full costs no more than a look.
 */
#ifndef JOBS_DUE_H
#define JOBS_DUE_H

#include "database/database.h"

struct lane { /* zero-initialise: before the first */
    char *profile, *subnet;
    bool writes;
};
void lane_clear(struct lane *lane);

struct due_jobs; /* opaque: which lanes are looked at next, and how deep */

/* All borrowed until due_jobs_free(). turn: the lane that had its turn last; moves on with due_jobs_took().
 */
struct due_jobs *due_jobs_begin(struct database *database, struct lane *turn);
void due_jobs_free(struct due_jobs **due); /* accepts NULL */

/* Some more, about as many as are wanted if there are so many; rows without an id are no jobs. *last: there
 * are no further ones. The caller ends *rows with rows_free(). */
bool due_jobs_next(struct due_jobs *due, size_t wanted, struct rows **rows, bool *last,
                   struct error *err) MUST_CHECK;
/* A job of that row is handed out: its lane had its turn. */
void due_jobs_took(struct due_jobs *due, const struct rows *rows, size_t row);

#endif
