/*
 * simulator.h - the simulated computers: amt-simulator's process and its control socket.
 */
#ifndef TESTS_SUPPORT_SIMULATOR_H
#define TESTS_SUPPORT_SIMULATOR_H

#include <json-c/json.h>

#include "support/process.h"

struct simulator; /* opaque: owns the process and the connection to its control socket */

/* argv as for process_start(); socket_path is the one that argv names. Returns when every computer listens.
 */
bool simulator_start(struct simulator **simulator, const char *log_path, const char *socket_path,
                     const char *const *argv, struct error *err) MUST_CHECK;
/* Talks to one that somebody else started, and leaves it running. */
bool simulator_join(struct simulator **simulator, const char *socket_path, struct error *err) MUST_CHECK;
void simulator_stop(struct simulator **simulator); /* accepts NULL */
struct process *simulator_process(struct simulator *simulator);

/* One command line of the control socket. On true *answer (may be NULL) is the caller's, released with
 * json_object_put(). An answer that is not "ok" is an error with the simulator's words. */
bool simulator_control(struct simulator *simulator, json_object **answer, struct error *err,
                       const char *format, ...) PRINTF_LIKE(4, 5) MUST_CHECK;

/* What the firmware of one computer (UUID or address) holds; released with json_object_put(). */
bool simulator_state(struct simulator *simulator, const char *computer, json_object **state,
                     struct error *err) MUST_CHECK;

/* The next thing that happened to a computer, in order, as notice.h of the simulator has it; those before the
 * first call that subscribes are not told. *event is the caller's. ERROR_UNREACHABLE: none came in time. */
bool simulator_watch(struct simulator *simulator, struct error *err) MUST_CHECK;
bool simulator_event(struct simulator *simulator, json_object **event, int timeout_ms,
                     struct error *err) MUST_CHECK;

/* A member of nested objects by a dotted path, "counters.writes"; NULL when it is not there. Borrowed. */
json_object *json_at(json_object *object, const char *path);
const char *json_text_at(json_object *object, const char *path); /* "" when it is not there */
int64_t json_number_at(json_object *object, const char *path);   /* -1 when it is not there */
bool json_true_at(json_object *object, const char *path);
void json_close(json_object **object); /* for AUTO() */

#endif
