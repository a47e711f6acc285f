#include "point_status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/metrics/prometheus.h"
#include "common/service_manager.h"
#include "common/version.h"
#include "dialogue.h"

#define STATUS_PAUSE_MS 1000

/* ---- the service manager --------------------------------------------------------------------------- */

void point_tell_status(struct service_point *point)
{
    if (point->now_ms < point->status_ms)
        return;
    point->status_ms = point->now_ms + STATUS_PAUSE_MS;
    service_manager_status("%s %s; %zu of %" PRId64 " slots taken, %zu results to be told%s",
                           point->registration.welcomed ? "with the site at" : "no site server at",
                           queue_client_endpoint(point->queue), session_pool_running(point->sessions),
                           point->config->point_slots, results_count(point->results),
                           point->stopping ? "; stopping" : "");
}

/* ---- /metrics ---------------------------------------------------------------------------------------- */

/* A counter's name is FAMILY.WHAT; it becomes a label of its family. */
static const struct {
    const char *family, *metric, *help;
} families[] = {
    { "hello", "amt_point_hellos_total", "Hellos and their connections, by what became of them." },
    { "queue", "amt_point_queue_total", "What happened on the connection to the site." },
    { "job", "amt_point_jobs_total", "Offered jobs, by what became of them here." },
};

static void write_family(const struct counter *counters, size_t count, size_t family, FILE *out)
{
    size_t length = strlen(families[family].family);

    metric_head(out, families[family].metric, "counter", families[family].help);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(counters[i].name, families[family].family, length) == 0 &&
            counters[i].name[length] == '.')
            metric_labelled(out, families[family].metric, "what", counters[i].name + length + 1,
                            (int64_t)counters[i].value);
    }
}

static void write_counters(const struct service_point *point, FILE *out)
{
    size_t count;
    struct counter *counters = dialogue_counters(point, &count);

    for (size_t i = 0; i < COUNT_OF(families); i++)
        write_family(counters, count, i, out);
    for (size_t i = 0; i < count; i++)
        free(counters[i].name);
    free(counters);
}

static void write_certificates(const struct service_point *point, FILE *out)
{
    struct provisioning_certificate_facts facts;

    metric_head(out, "amt_point_certificate_expiry_timestamp_seconds", "gauge",
                "When a provisioning certificate's chain ends, seconds since 1970, by its file.");
    for (size_t i = 0; i < trust_count(point->trust); i++) {
        provisioning_certificate_facts(trust_certificate(point->trust, i), &facts);
        metric_labelled(out, "amt_point_certificate_expiry_timestamp_seconds", "file", facts.path,
                        facts.not_after_s);
    }
}

static void write_metrics(void *context, FILE *out)
{
    const struct service_point *point = context;
    const struct pending_count waiting = pending_hellos_count(point->hellos);

    write_counters(point, out);
    metric_single(out, "amt_point_site_connected", "gauge",
                  "1 while a site server has welcomed this service point.", point->registration.welcomed);
    metric_single(out, "amt_point_slots", "gauge", "Sessions that can run at once.",
                  point->config->point_slots);
    metric_single(out, "amt_point_sessions", "gauge", "Sessions under way.",
                  (int64_t)session_pool_running(point->sessions));
    metric_single(out, "amt_point_results_held", "gauge", "Results that the site has not acknowledged yet.",
                  (int64_t)results_count(point->results));
    metric_head(out, "amt_point_hellos_held", "gauge",
                "Hellos that the site has not judged yet: of computers that it knows, of strangers.");
    metric_labelled(out, "amt_point_hellos_held", "lane", "known", (int64_t)waiting.known);
    metric_labelled(out, "amt_point_hellos_held", "lane", "strangers", (int64_t)waiting.strangers);
    write_certificates(point, out);
    metric_head(out, "amt_build_info", "gauge", "1; the label says which version runs.");
    metric_labelled(out, "amt_build_info", "version", PRODUCT_VERSION, 1);
    metric_single(out, "process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.",
                  point->started_s);
}

/* ---- /health ----------------------------------------------------------------------------------------- */

static bool write_health(void *context, FILE *out)
{
    const struct service_point *point = context;
    const struct pending_count waiting = pending_hellos_count(point->hellos);
    bool well = point->registration.welcomed && !point->stopping;

    fprintf(out, "status: %s\n",
            well              ? "ok"
            : point->stopping ? "stopping"
                              : "no site server; sessions go on, results wait");
    fprintf(out, "site: %s %s\n", point->registration.welcomed ? "connected to" : "trying",
            queue_client_endpoint(point->queue));
    fprintf(out, "sessions: %zu of %" PRId64 " slots\n", session_pool_running(point->sessions),
            point->config->point_slots);
    fprintf(out, "results held: %zu\n", results_count(point->results));
    fprintf(out, "hellos held: %zu of known computers, %zu of strangers\n", waiting.known, waiting.strangers);
    fprintf(out, "hello: %s\n", point->listener ? hello_listener_address(point->listener) : "closed");
    fprintf(out, "provisioning certificates: %zu\n", trust_count(point->trust));
    fprintf(out, "version: %s\n", PRODUCT_VERSION);
    return well;
}

bool point_open_metrics(struct service_point *point, struct error *err)
{
    const struct exposition_source source = { write_metrics, write_health, NULL, point };

    point->started_s = clock_wall_ms() / 1000;
    return exposition_open(&point->exposition, point->config->metrics_listen, &source, err);
}
