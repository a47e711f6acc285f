/*
 * process.h - the programs that a test, the demo or the lab starts, and what they print.
 *
 * A program's standard output and error go to one log file, which stays for the reader and for the
 * search for secrets. Waiting is for an event (a line, an end), never for time. Children are in process
 * groups of their own, so that Ctrl-C reaches only the harness, which then stops them in order; should
 * the harness be killed, the kernel ends them (PR_SET_PDEATHSIG).
 */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <sys/types.h>

#include "common/error.h"

struct process; /* opaque: owns the child and its log file */

/* argv is NULL-terminated, argv[0] a path. The log is appended to. On true the caller owns *process. */
bool process_start(struct process **process, const char *log_path, const char *const *argv,
                   struct error *err) MUST_CHECK;
/* The same as another user (a name of passwd; NULL: as we are), which only root can do. */
bool process_start_as(struct process **process, const char *user, const char *log_path,
                      const char *const *argv, struct error *err) MUST_CHECK;
/* Waits for a line that contains text, beginning behind the line found last. The error of a program
 * that ended instead, or of time running out, quotes the last line of the log. */
bool process_wait_line(struct process *process, const char *text, int timeout_ms,
                       struct error *err) MUST_CHECK;
/* Waits for the end; *status is as waitpid() gives it. */
bool process_wait_end(struct process *process, int timeout_ms, int *status, struct error *err) MUST_CHECK;
bool process_running(struct process *process);
void process_signal(struct process *process, int signal_number);
pid_t process_pid(const struct process *process);
const char *process_log(const struct process *process); /* path; borrowed */
/* SIGTERM, and SIGKILL when that does not end it within 20 s; accepts NULL. False when it did not end with
 * exit status 0, now or before. */
bool process_stop(struct process **process);
/* SIGKILL at once and wait: the crash that a test wants. */
void process_kill(struct process **process);

/* What a command printed. Zero-initialise; ended with command_result_clear(). */
struct command_result {
    int exit_status; /* 128 + signal when one ended it */
    char *output, *errors;
};

/* Runs a command to its end; input may be NULL. False only when it could not be run or did not end in
 * time: its exit status is the caller's to judge. */
bool command_run(struct command_result *result, const char *input, int timeout_ms, const char *const *argv,
                 struct error *err) MUST_CHECK;
void command_result_clear(struct command_result *result);

/* From here on SIGINT, SIGTERM and SIGHUP only make interrupted() true and end every wait with an error. */
void interrupts_catch(void);
bool interrupted(void);
/* Waits at most timeout_ms, or until a signal that interrupts_catch() caught. For bounded polling. */
void wait_a_little(int timeout_ms);

#endif
