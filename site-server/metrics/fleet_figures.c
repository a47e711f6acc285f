#include "metrics/fleet_figures.h"

#include <string.h>

#include "common/metrics/prometheus.h"
#include "statement.h"

/* In the order of fleet_figures.sql, whose rows have these names. */
static const struct {
    const char *name, *label, *help;
} figures_known[] = {
    { "amt_computers", "status", "Computers by status." },
    { "amt_jobs_waiting", "kind", "Waiting jobs by kind." },
    { "amt_jobs_waiting_by_profile", "profile",
      "Waiting jobs by their computers' profile; those of all but the 50 profiles with most: empty." },
    { "amt_jobs_due", NULL, "Waiting jobs that could be begun now." },
    { "amt_jobs_retrying", "reason", "Waiting jobs whose last attempt failed, by reason." },
    { "amt_oldest_due_job_seconds", NULL, "How long the oldest of these could have been begun." },
    { "amt_leases", "state",
      "Jobs that a service point works on: active, or expired and not yet taken back." },
    { "amt_escrow_pending", "kind", "Passwords handed out that are not yet known to be in the firmware." },
    { "amt_profiles_halted", NULL, "Profiles that are halted." },
    { "amt_alarms_unacknowledged", "code", "Alarms that nobody acknowledged." },
    { "amt_expiry_timestamp_seconds", "what",
      "When the first certificate of a kind, or revocation list, ends; seconds since 1970." },
    { "amt_site_servers", NULL, "Site servers heard within three heartbeats, as the database has it." },
    { "amt_service_points_connected", NULL, "Service points connected to any site server." },
};
static const char of_database[] = "Of the database: each site server tells the same, do not add them up.";

/* One statement in a transaction of its own, with the limit. */
static bool read_rows(struct database *database, int statement, struct rows **former, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_begin(database, err) ||
        !database_run(database, STATEMENT_FLEET_FIGURES_LIMIT, NULL, NULL, err) ||
        !database_run(database, statement, NULL, &rows, err) || !database_commit(database, err))
        return false;
    rows_free(former);
    *former = TAKE(rows);
    return true;
}

bool fleet_figures_read(struct fleet_figures *figures, struct database *database, int64_t now_ms,
                        struct error *err)
{
    bool read = true;

    if (now_ms >= figures->next_ms) {
        figures->next_ms = now_ms + FLEET_FIGURES_INTERVAL_MS;
        read = read_rows(database, STATEMENT_FLEET_FIGURES, &figures->rows, err);
        figures->read_ms = read ? now_ms : figures->read_ms;
    }
    if (read && now_ms >= figures->findings_next_ms) {
        figures->findings_next_ms = now_ms + HEALTH_FINDINGS_INTERVAL_MS;
        read = read_rows(database, STATEMENT_HEALTH_FINDINGS, &figures->findings, err);
    }
    figures->failures += !read;
    return read;
}

static void write_figure(const struct rows *rows, const char *name, const char *label, FILE *out)
{
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (strcmp(row_text(rows, i, "figure"), name) != 0)
            continue;
        if (label)
            metric_labelled(out, name, label, row_text(rows, i, "label"), row_number(rows, i, "value"));
        else
            fprintf(out, "%s %lld\n", name, (long long)row_number(rows, i, "value"));
    }
}

void fleet_figures_write(const struct fleet_figures *figures, int64_t now_ms, FILE *out)
{
    char help[256];

    metric_single(out, "amt_fleet_read_failures_total", "counter",
                  "How often the figures of the fleet could not be read.", (int64_t)figures->failures);
    if (!figures->rows)
        return;
    metric_single(out, "amt_fleet_age_seconds", "gauge", "Age of the figures of the fleet below.",
                  (now_ms - figures->read_ms) / 1000);
    for (size_t i = 0; i < COUNT_OF(figures_known); i++) {
        snprintf(help, sizeof(help), "%s %s", figures_known[i].help, of_database);
        metric_head(out, figures_known[i].name, "gauge", help);
        write_figure(figures->rows, figures_known[i].name, figures_known[i].label, out);
    }
    if (!figures->findings)
        return;
    snprintf(help, sizeof(help), "Findings of amt.health that are problems or warnings. %s", of_database);
    metric_head(out, "amt_health_findings", "gauge", help);
    write_figure(figures->findings, "amt_health_findings", "code", out);
}

void fleet_figures_clear(struct fleet_figures *figures)
{
    rows_free(&figures->rows);
    rows_free(&figures->findings);
}
