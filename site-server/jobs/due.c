#include "jobs/due.h"

#include <stdlib.h>
#include <string.h>

#include "statement.h"

#define LANES_LEAST  16 /* looked at in one statement */
#define LANES_MOST   128
#define DEPTH_GROWTH 4 /* how many more of each lane in the next round */

struct due_jobs {
    struct database *database;
    struct lane *turn;
    struct lane first; /* a round begins behind it and ends with it */
    struct lane at;    /* the lane looked at last */
    bool wrapped;      /* past the last of all lanes, on the way to the first one */
    int64_t above;     /* of each lane, looked at in earlier rounds */
    int64_t depth;     /* of each lane, in this round */
    bool found;        /* a job, in this round */
};

void lane_clear(struct lane *lane)
{
    free(lane->profile);
    free(lane->subnet);
    memset(lane, 0, sizeof(*lane));
}

static void lane_set(struct lane *lane, const char *profile, bool writes, const char *subnet)
{
    text_set(&lane->profile, profile);
    text_set(&lane->subnet, subnet);
    lane->writes = writes;
}

static void lane_copy(struct lane *to, const struct lane *from)
{
    lane_set(to, from->profile, from->writes, from->subnet);
}

struct due_jobs *due_jobs_begin(struct database *database, struct lane *turn)
{
    struct due_jobs *due = allocate(sizeof(*due));

    due->database = database;
    due->turn = turn;
    due->depth = 1;
    lane_copy(&due->first, turn);
    lane_copy(&due->at, turn);
    return due;
}

void due_jobs_free(struct due_jobs **due)
{
    if (*due) {
        lane_clear(&(*due)->first);
        lane_clear(&(*due)->at);
        free(*due);
    }
    *due = NULL;
}

/* No lane comes before the empty profile and the network of everything. */
static void add_begin(struct parameters *parameters, const struct lane *lane)
{
    parameters_text(parameters, lane->profile ? lane->profile : "");
    parameters_bool(parameters, lane->writes);
    parameters_text(parameters, lane->subnet ? lane->subnet : "0.0.0.0/0");
}

static void add_end(struct parameters *parameters, const struct due_jobs *due)
{
    parameters_text(parameters, due->wrapped ? due->first.profile : NULL);
    parameters_bool(parameters, due->first.writes);
    parameters_text(parameters, due->wrapped ? due->first.subnet : NULL);
}

/* Remembers the last lane among the rows, and returns how many lanes they are of. */
static int64_t look_over(struct due_jobs *due, const struct rows *rows)
{
    int64_t lanes = 0;

    for (size_t i = 0; i < rows_count(rows); i++) {
        int64_t ordinal = row_number(rows, i, "ordinal");

        due->found |= !row_is_null(rows, i, "id");
        if (ordinal <= lanes)
            continue;
        lanes = ordinal;
        lane_set(&due->at, row_text(rows, i, "lane_profile"), row_bool(rows, i, "lane_writes"),
                 row_text(rows, i, "lane_subnet"));
    }
    return lanes;
}

/* The lanes behind the first one were looked at; then come those before it, then all of them deeper. */
static bool turn_over(struct due_jobs *due)
{
    bool more = true;

    if (due->first.profile && !due->wrapped) {
        due->wrapped = true;
        lane_clear(&due->at);
        return true;
    }
    more = due->found;
    due->found = due->wrapped = false;
    due->above += due->depth;
    due->depth *= DEPTH_GROWTH;
    lane_copy(&due->at, &due->first);
    return more;
}

bool due_jobs_next(struct due_jobs *due, size_t wanted, struct rows **rows, bool *last, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    int64_t lanes = wanted < LANES_LEAST ? LANES_LEAST : wanted > LANES_MOST ? LANES_MOST : (int64_t)wanted;

    add_begin(parameters, &due->at);
    parameters_number(parameters, due->above);
    parameters_number(parameters, due->depth);
    parameters_number(parameters, lanes);
    add_end(parameters, due);
    if (!database_run(due->database, STATEMENT_JOBS_DUE, parameters, rows, err))
        return false;
    *last = look_over(due, *rows) < lanes && !turn_over(due);
    return true;
}

void due_jobs_took(struct due_jobs *due, const struct rows *rows, size_t row)
{
    lane_set(due->turn, row_text(rows, row, "lane_profile"), row_bool(rows, row, "lane_writes"),
             row_text(rows, row, "lane_subnet"));
}
