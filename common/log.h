/*
 * log.h - events with typed fields, one line each, on standard error.
 *
 *     log_info("job closed", log_text("job", id), log_number("took_ms", took));
 *     time=2026-01-01T12:00:00.000Z level=info event="job closed" job="..." took_ms=41230
 *
 * Quoting and escaping of what a peer sent happens here and nowhere else. Info tells an operator what
 * happened, debug a developer why. Every line about a job carries "job", about a computer "device".
 * Safe from any thread: a line is one write(2).
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
    const char *name; /* NULL ends the list */
    const char *text; /* NULL: the field is the number */
    int64_t number;
};

/* A NULL text is shown as an empty one. */
struct log_field log_text(const char *name, const char *text);
struct log_field log_number(const char *name, int64_t number);

/* error, warning, info or debug; false: it is none of them, and the level stays. */
bool log_set_level(const char *name);
void log_event(enum log_level level, const char *event, const struct log_field *fields);

#define LOG_FIELDS(...)         ((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_error(event, ...)   log_event(LOG_LEVEL_ERROR, event, LOG_FIELDS(__VA_ARGS__))
#define log_warning(event, ...) log_event(LOG_LEVEL_WARNING, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...)    log_event(LOG_LEVEL_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_debug(event, ...)   log_event(LOG_LEVEL_DEBUG, event, LOG_FIELDS(__VA_ARGS__))

/*
 * At most one line per interval for an event that a stranger can cause at will; the line that gets
 * through says how many were left out. One per kind of event, static; not shared between threads.
 */
struct log_limit {
    int64_t interval_ms;
    int64_t next_ms;
    int64_t suppressed;
};

/* True when a line may be written now; *suppressed is how many were not since the last one. */
bool log_limit_passes(struct log_limit *limit, int64_t now_ms, int64_t *suppressed);

#endif
