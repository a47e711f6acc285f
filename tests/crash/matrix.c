#include "crash/matrix.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "crash/arena.h"

enum { REACH_MS = 180000, EVENT_MS = 300, SAMPLE_SHIFT = 2 };

/* ---- planning -------------------------------------------------------------------------------------- */

static bool set_hold(struct arena *arena, const struct computer *computer, enum phase phase, unsigned request,
                     struct error *err)
{
    return simulator_control(arena->site->simulator, NULL, err, "hold %s %s %u", computer->uuid,
                             phase == PHASE_BEFORE ? "before" : "after", request);
}

static bool read_count(struct arena *arena, const struct computer *computer, unsigned *requests,
                       struct error *err)
{
    AUTO(json_close) json_object *state = NULL;

    if (!simulator_state(arena->site->simulator, computer->uuid, &state, err))
        return false;
    *requests = (unsigned)json_number_at(state, "requests_since_hold");
    return *requests > 0 ||
           error_set(err, ERROR_INTERNAL, "a clean job sent no request to %s", computer->fqdn);
}

/* Holds that are never reached count the requests. */
static bool run_clean(struct arena *arena, const char *job, unsigned *requests, struct error *err)
{
    if (!arena_prepare(arena, job, err))
        return false;
    for (size_t i = 0; i < arena->count; i++) {
        if (!set_hold(arena, &arena->computers[i], PHASE_BEFORE, UINT32_MAX, err))
            return false;
    }
    if (!arena_begin(arena, job, err) || !arena_settle(arena, err))
        return false;
    for (size_t i = 0; i < arena->count; i++) {
        if (!read_count(arena, &arena->computers[i], &requests[i], err))
            return false;
    }
    return true;
}

static bool count_requests(const struct matrix_choice *choice, const char *job, unsigned *requests,
                           struct error *err)
{
    struct arena arena = { 0 };
    struct computer *computers;
    size_t count = 0;
    bool counted;

    while (choice->generations[count])
        count++;
    computers = allocate(count * sizeof(*computers));
    counted = arena_open(&arena, choice->directory, ARENA_PATIENT, err);
    for (size_t i = 0; counted && i < count; i++)
        computer_plan(&computers[i], arena.site, (unsigned)i, choice->generations[i]);
    counted =
        counted && arena_populate(&arena, computers, count, err) && run_clean(&arena, job, requests, err);
    arena_close(&arena);
    free(computers);
    return counted || error_during(err, "a clean run of %s", job);
}

/* A sample looks at other requests for each phase and fault. */
static bool sampled(const struct matrix_choice *choice, const struct cell *cell)
{
    unsigned shift = (unsigned)cell->fault + SAMPLE_SHIFT * (unsigned)cell->phase;

    return choice->every <= 1 || (cell->request + shift) % choice->every == 0;
}

static void add_cells(const struct matrix_choice *choice, const char *job, const char *generation,
                      unsigned requests, struct cell_list *cells)
{
    struct cell cell = { .job = job, .generation = generation };

    for (cell.fault = 0; cell.fault < FAULT_KINDS; cell.fault++) {
        for (cell.phase = 0; cell.phase < PHASES; cell.phase++) {
            for (cell.request = 1; cell.request <= requests; cell.request++) {
                if (fault_has_phase(cell.fault, cell.phase) && cell_matches(&cell, choice->pattern) &&
                    sampled(choice, &cell))
                    cell_add(cells, &cell);
            }
        }
    }
}

/* Whether the pattern leaves anything of this kind of job; the requests are not known yet. */
static bool job_wanted(const struct matrix_choice *choice, const char *job)
{
    size_t length = strcspn(choice->pattern ? choice->pattern : "", "/");

    return !choice->pattern || strpbrk(choice->pattern, "*?[") != NULL ||
           (length == strlen(job) && strncmp(choice->pattern, job, length) == 0);
}

bool matrix_plan(const struct matrix_choice *choice, struct cell_list *cells, struct error *err)
{
    unsigned requests[32];

    for (size_t i = 0; choice->jobs[i]; i++) {
        if (!job_wanted(choice, choice->jobs[i]))
            continue;
        if (!count_requests(choice, choice->jobs[i], requests, err))
            return false;
        for (size_t g = 0; choice->generations[g]; g++) {
            printf("%s, AMT %s: %u requests\n", choice->jobs[i], choice->generations[g], requests[g]);
            add_cells(choice, choice->jobs[i], choice->generations[g], requests[g], cells);
        }
        fflush(stdout);
    }
    return cells->count > 0 || error_set(err, ERROR_INPUT, "no cell matches \"%s\"", choice->pattern);
}

/* ---- one group ------------------------------------------------------------------------------------- */

struct group {
    struct arena arena;
    struct cell_list *cells; /* all of them are of the group */
    struct computer *computers;
    const char *job;
    enum fault_kind fault; /* of a program; of single computers all share a group, named by the first */
};

static bool strikes_all(enum fault_kind fault)
{
    return fault < FAULT_CUT_NETWORK;
}

static enum fault_kind group_of(enum fault_kind fault)
{
    return strikes_all(fault) ? fault : FAULT_CUT_NETWORK;
}

static const char *group_name(enum fault_kind group)
{
    return strikes_all(group) ? fault_name(group) : "faults of computers";
}

static bool tell_all(struct group *group, const char *word, struct error *err)
{
    for (size_t i = 0; i < group->cells->count; i++) {
        if (!arena_tell(&group->arena, word, &group->cells->items[i].computer, err))
            return false;
    }
    return true;
}

static bool answer_and(struct group *group, const struct cell *cell, const char *fault, struct error *err)
{
    return simulator_control(group->arena.site->simulator, NULL, err, "answer %s %s", cell->computer.uuid,
                             fault);
}

/* The fault of one computer. */
static bool strike_one(struct group *group, struct cell *cell, struct error *err)
{
    switch (cell->fault) {
    case FAULT_CUT_NETWORK:
        return arena_tell(&group->arena, "freeze", &cell->computer, err);
    case FAULT_DROP_CONNECTION:
        return cell->phase == PHASE_ANSWERED ? answer_and(group, cell, "drop", err)
                                             : arena_tell(&group->arena, "lose", &cell->computer, err);
    case FAULT_RESTART_FIRMWARE:
        return cell->phase == PHASE_ANSWERED ? answer_and(group, cell, "power-cycle", err)
                                             : arena_tell(&group->arena, "power-cycle", &cell->computer, err);
    default:
        return true;
    }
}

/* A killed service point's requests end with its connections; those of the others go on. */
static bool strike_all(struct group *group, struct error *err)
{
    switch (group->fault) {
    case FAULT_KILL_SERVICE_POINT:
        process_kill(&group->arena.site->points[0].process);
        return tell_all(group, "lose", err) && site_start_point(group->arena.site, 0, err);
    case FAULT_KILL_SITE_SERVER:
        return arena_kill_server(&group->arena, err) && tell_all(group, "release", err);
    case FAULT_KILL_DATABASE:
        return arena_kill_database(&group->arena, err) && tell_all(group, "release", err);
    default:
        return true;
    }
}

/* The network comes back once the attempt has given up; what was under way is lost. */
static bool thaw_those_given_up(struct group *group, struct error *err)
{
    AUTO(text_free) char *given_up = NULL;
    char *rest, *uuid;

    if (strikes_all(group->fault))
        return true;
    if (!sql_table(group->arena.site->sql, &given_up, err,
                   "SELECT c.uuid FROM amt.computer c JOIN amt.job_attempt a ON a.job = c.last_job"
                   " AND a.attempt = 1 WHERE a.outcome IS NOT NULL"))
        return false;
    rest = given_up;
    while ((uuid = strsep(&rest, "\n")) && *uuid) {
        struct cell *cell = cell_of_computer(group->cells, uuid);

        if (!cell || !cell->reached || cell->thawed || cell->fault != FAULT_CUT_NETWORK)
            continue;
        if (!arena_tell(&group->arena, "lose", &cell->computer, err) ||
            !arena_tell(&group->arena, "thaw", &cell->computer, err))
            return false;
        cell->thawed = true;
    }
    return true;
}

static bool hear(struct group *group, struct error *err)
{
    AUTO(json_close) json_object *event = NULL;
    struct error nothing = { 0 };
    struct cell *cell;

    if (!simulator_event(group->arena.site->simulator, &event, EVENT_MS, &nothing))
        return nothing.code == ERROR_UNREACHABLE && !interrupted() ? true : (*err = nothing, false);
    cell = cell_of_computer(group->cells, json_text_at(event, "computer"));
    if (!cell)
        return error_set(err, ERROR_PROTOCOL, "the simulator tells of a computer that is not ours");
    cell->reached = true;
    return strike_one(group, cell, err);
}

/* Held, frozen for good or ended without ever coming to the request. */
static bool all_settled(struct group *group, bool *settled, struct error *err)
{
    AUTO(text_free) char *open = NULL;
    size_t held = 0;
    int64_t count;

    for (size_t i = 0; i < group->cells->count; i++) {
        const struct cell *cell = &group->cells->items[i];

        held += strikes_all(group->fault) && cell->reached;
    }
    if (!sql_number(group->arena.site->sql, &count, err,
                    "SELECT count(*) FROM amt.job WHERE state IN ('waiting', 'leased')"))
        return false;
    *settled = (size_t)count <= held;
    return true;
}

static bool await_faults(struct group *group, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + REACH_MS + (int64_t)group->cells->count * 1000;
    int64_t look_ms = 0;
    bool settled = false;

    while (!settled) {
        if (!hear(group, err))
            return false;
        if (clock_monotonic_ms() < look_ms)
            continue;
        look_ms = clock_monotonic_ms() + EVENT_MS;
        if (!thaw_those_given_up(group, err) || !all_settled(group, &settled, err))
            return false;
        if (clock_monotonic_ms() > end_ms)
            return error_set(err, ERROR_UNREACHABLE, "computers neither stop at their requests nor end");
    }
    return true;
}

static bool set_holds(struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->cells->count; i++) {
        const struct cell *cell = &group->cells->items[i];

        if (!set_hold(&group->arena, &cell->computer, cell->phase, cell->request, err))
            return false;
    }
    return true;
}

/* There and back: what is unprovisioned is provisioned again. */
static bool come_back(struct group *group, struct error *err)
{
    return strcmp(group->job, "unprovision") != 0 ||
           (arena_begin(&group->arena, "provision", err) && arena_settle(&group->arena, err));
}

static void blame(struct group *group, char *report)
{
    char *line;

    while ((line = strsep(&report, "\n")) && *line) {
        char *uuid = line + strlen("FAILED "), *sentence;
        struct cell *cell;

        if (strncmp(line, "FAILED ", strlen("FAILED ")) != 0 || !(sentence = strchr(uuid, ' ')))
            continue;
        *sentence++ = '\0';
        if ((cell = cell_of_computer(group->cells, uuid)))
            cell_blame(cell, sentence);
    }
}

static bool judge(struct group *group, struct error *err)
{
    AUTO(text_free) char *report = NULL;

    if (!arena_audit(&group->arena, &report, err))
        return false;
    blame(group, report);
    for (size_t i = 0; i < group->cells->count; i++) {
        struct cell *cell = &group->cells->items[i];

        if (!cell->reached)
            cell_blame(cell, "the job ended before this request");
    }
    return true;
}

static void print_failures(struct group *group)
{
    for (size_t i = 0; i < group->cells->count; i++) {
        const struct cell *cell = &group->cells->items[i];
        AUTO(text_free) char *name = cell_name(cell);

        if (!cell->why)
            continue;
        printf("FAILED %s: %s\n", name, cell->why);
        arena_print_history(&group->arena, cell->computer.uuid);
    }
}

static bool populate(struct group *group, struct error *err)
{
    group->computers = allocate(group->cells->count * sizeof(*group->computers));
    for (size_t i = 0; i < group->cells->count; i++) {
        struct cell *cell = &group->cells->items[i];

        computer_plan(&cell->computer, group->arena.site, (unsigned)i, cell->generation);
        group->computers[i] = cell->computer;
    }
    return arena_populate(&group->arena, group->computers, group->cells->count, err);
}

static bool settle(struct group *group)
{
    struct error err = { 0 };

    if (arena_settle(&group->arena, &err) && come_back(group, &err))
        return true;
    printf("%s, %s: %s\n", group->job, group_name(group->fault), err.message);
    return !interrupted();
}

static bool hold_trial(struct group *group, struct error *err)
{
    if (!populate(group, err) || !arena_prepare(&group->arena, group->job, err) || !set_holds(group, err) ||
        !arena_begin(&group->arena, group->job, err) || !await_faults(group, err) || !strike_all(group, err))
        return false;
    /* What stands still is for the auditor to blame. */
    return settle(group) ? judge(group, err) : error_set(err, ERROR_INTERNAL, "interrupted");
}

static bool run_group(const struct matrix_choice *choice, struct cell_list *cells, struct error *err)
{
    struct group group = { .cells = cells,
                           .job = cells->items[0].job,
                           .fault = group_of(cells->items[0].fault) };
    enum arena_kind kind = strikes_all(group.fault) ? ARENA_PATIENT : ARENA_IMPATIENT;
    int64_t began_ms = clock_monotonic_ms();
    bool held = arena_open(&group.arena, choice->directory, kind, err) && hold_trial(&group, err);

    if (held) {
        print_failures(&group);
        printf("%s, %s: %zu cells, %zu failed, %.1f s\n", group.job, group_name(group.fault), cells->count,
               matrix_failed(cells), (double)(clock_monotonic_ms() - began_ms) / 1000);
        fflush(stdout);
    }
    if (!arena_close(&group.arena) && held)
        held = error_set(err, ERROR_INTERNAL, "a program did not end with exit status 0");
    free(group.computers);
    return held || error_during(err, "%s, %s", group.job, group_name(group.fault));
}

/* ---- all of them ----------------------------------------------------------------------------------- */

/* Cells of a group are next to none of each other: they are gathered, run, and their verdicts put back. */
static bool gather_and_run(const struct matrix_choice *choice, struct cell_list *cells, const char *job,
                           enum fault_kind fault, struct error *err)
{
    struct cell_list group = { 0 };
    size_t next = 0;
    bool held = true;

    for (size_t i = 0; i < cells->count; i++) {
        if (strcmp(cells->items[i].job, job) == 0 && group_of(cells->items[i].fault) == fault)
            cell_add(&group, &cells->items[i]);
    }
    if (group.count)
        held = run_group(choice, &group, err);
    for (size_t i = 0; i < cells->count; i++) {
        if (strcmp(cells->items[i].job, job) == 0 && group_of(cells->items[i].fault) == fault)
            cells->items[i] = group.items[next++];
    }
    free(group.items); /* the reasons have moved */
    return held;
}

bool matrix_run(const struct matrix_choice *choice, struct cell_list *cells, struct error *err)
{
    for (size_t i = 0; choice->jobs[i]; i++) {
        for (enum fault_kind fault = 0; fault < FAULT_KINDS; fault++) {
            if (group_of(fault) == fault && !gather_and_run(choice, cells, choice->jobs[i], fault, err))
                return false;
        }
    }
    return true;
}

size_t matrix_failed(const struct cell_list *cells)
{
    size_t failed = 0;

    for (size_t i = 0; i < cells->count; i++)
        failed += cells->items[i].why != NULL;
    return failed;
}

static void print_field(const struct cell_list *cells, const char *job, enum fault_kind fault,
                        enum phase phase)
{
    char text[32];
    size_t passed = 0, failed = 0;

    for (size_t i = 0; i < cells->count; i++) {
        const struct cell *cell = &cells->items[i];

        if (strcmp(cell->job, job) == 0 && cell->fault == fault && cell->phase == phase)
            *(cell->why ? &failed : &passed) += 1;
    }
    snprintf(text, sizeof(text), "%zu/%zu", passed, failed);
    printf("  %18s", text);
}

void matrix_print(const struct matrix_choice *choice, const struct cell_list *cells)
{
    printf("\n%-20s %-9s", "passed/failed", "");
    for (size_t i = 0; choice->jobs[i]; i++)
        printf("  %18s", choice->jobs[i]);
    putchar('\n');
    for (enum fault_kind fault = 0; fault < FAULT_KINDS; fault++) {
        for (enum phase phase = 0; phase < PHASES && fault_has_phase(fault, phase); phase++) {
            printf("%-20s %-9s", fault_name(fault), phase_name(phase));
            for (size_t i = 0; choice->jobs[i]; i++)
                print_field(cells, choice->jobs[i], fault, phase);
            putchar('\n');
        }
    }
}
