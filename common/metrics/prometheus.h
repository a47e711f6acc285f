/*
 * prometheus.h - Prometheus' text exposition format 0.0.4: a head for each metric, then its samples.
 */
#ifndef COMMON_METRICS_PROMETHEUS_H
#define COMMON_METRICS_PROMETHEUS_H

#include <stdint.h>
#include <stdio.h>

/* type: "counter", "gauge" or "histogram"; a metric has one head, and its samples follow it. */
void metric_head(FILE *out, const char *name, const char *type, const char *help);
/* A sample with one label; whatever stands in value is escaped. */
void metric_labelled(FILE *out, const char *name, const char *label, const char *value, int64_t number);
/* Head and its only sample, without a label. */
void metric_single(FILE *out, const char *name, const char *type, const char *help, int64_t number);
/* A label's value with its quotes. */
void metric_quoted(FILE *out, const char *value);

#endif
