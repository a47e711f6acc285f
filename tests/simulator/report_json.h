/*
 * report_json.h - members of a JSON object, of the kinds that a report has.
 */
#ifndef SIMULATOR_REPORT_JSON_H
#define SIMULATOR_REPORT_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void report_add(json_object *object, const char *name, json_object *value);
void report_add_text(json_object *object, const char *name, const char *value);
void report_add_number(json_object *object, const char *name, int64_t value);
void report_add_flag(json_object *object, const char *name, bool value);
/* null where the generation does not have it. */
void report_add_flag_of(json_object *object, const char *name, bool has, bool value);
void report_add_hex(json_object *object, const char *name, const void *bytes, size_t length);
void report_add_base64(json_object *object, const char *name, const void *bytes, size_t length);

#endif
