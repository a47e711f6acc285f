/*
 * fleet_figures.h - the fleet in figures, for Prometheus: read from the database when somebody scrapes, at
 * most every FLEET_FIGURES_INTERVAL_MS, in one statement with a limit of its own; what amt.health finds is
 * looked at less often. With 200,000 computers and 100,000 waiting jobs each took 0.2 to 0.3 s on two busy
 * cores.
 *
 * They are of the database, not of this site server: each one tells the same, so take max() and not sum().
 */
#ifndef METRICS_FLEET_FIGURES_H
#define METRICS_FLEET_FIGURES_H

#include <stdio.h>

#include "database/database.h"

#define FLEET_FIGURES_INTERVAL_MS   30000
#define HEALTH_FINDINGS_INTERVAL_MS 300000

struct fleet_figures {            /* zero-initialise */
    struct rows *rows, *findings; /* NULL: never read */
    int64_t read_ms, next_ms, findings_next_ms;
    uint64_t failures;
};

/* Outside a transaction. True also when they are young enough; on false the former ones stay. */
bool fleet_figures_read(struct fleet_figures *figures, struct database *database, int64_t now_ms,
                        struct error *err) MUST_CHECK;
/* Nothing but their age and failures before they were read once. */
void fleet_figures_write(const struct fleet_figures *figures, int64_t now_ms, FILE *out);
void fleet_figures_clear(struct fleet_figures *figures);

#endif
