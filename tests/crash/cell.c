#include "crash/cell.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const char *const fault_names[FAULT_KINDS] = {
    [FAULT_KILL_SERVICE_POINT] = "kill-service-point", [FAULT_KILL_SITE_SERVER] = "kill-site-server",
    [FAULT_KILL_DATABASE] = "kill-database",           [FAULT_CUT_NETWORK] = "cut-network",
    [FAULT_DROP_CONNECTION] = "drop-connection",       [FAULT_RESTART_FIRMWARE] = "restart-firmware",
};

const char *fault_name(enum fault_kind fault)
{
    return fault_names[fault];
}

const char *phase_name(enum phase phase)
{
    static const char *const names[PHASES] = { "before", "after", "answered" };

    return names[phase];
}

bool fault_has_phase(enum fault_kind fault, enum phase phase)
{
    return phase != PHASE_ANSWERED || fault == FAULT_DROP_CONNECTION || fault == FAULT_RESTART_FIRMWARE;
}

char *cell_name(const struct cell *cell)
{
    return text_format("%s/%s/%s/%s/%u", cell->job, cell->generation, fault_name(cell->fault),
                       phase_name(cell->phase), cell->request);
}

bool cell_matches(const struct cell *cell, const char *pattern)
{
    AUTO(text_free) char *name = cell_name(cell);

    return !pattern || fnmatch(pattern, name, 0) == 0;
}

void cell_add(struct cell_list *cells, const struct cell *cell)
{
    cells->items = reallocate(cells->items, cells->count + 1, sizeof(*cells->items));
    cells->items[cells->count++] = *cell;
}

void cell_blame(struct cell *cell, const char *why)
{
    AUTO(text_free) char *before = TAKE(cell->why);

    cell->why = before ? text_format("%s; %s", before, why) : text_copy(why);
}

struct cell *cell_of_computer(struct cell_list *cells, const char *uuid)
{
    for (size_t i = 0; i < cells->count; i++) {
        if (strcmp(cells->items[i].computer.uuid, uuid) == 0)
            return &cells->items[i];
    }
    return NULL;
}

void cells_clear(struct cell_list *cells)
{
    for (size_t i = 0; i < cells->count; i++)
        text_free(&cells->items[i].why);
    free(cells->items);
    *cells = (struct cell_list){ 0 };
}
