/*
 * report.h - a computer as JSON: everything a test may want to assert.
 */
#ifndef SIMULATOR_REPORT_H
#define SIMULATOR_REPORT_H

#include "simulator.h"

#include <json-c/json.h>

json_object *report_summary(const struct device *device);
json_object *report_state(struct computer *computer);
json_object *report_counters(const struct device *device);
json_object *report_total_counters(const struct simulator *simulator);

#endif
