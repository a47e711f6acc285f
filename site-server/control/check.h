/*
 * check.h - `amtctl check`: findings, each with what to do about it.
 */
#ifndef CONTROL_CHECK_H
#define CONTROL_CHECK_H

#include "command.h"
#include "session.h"
#include "table.h"

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_PROBLEM };

struct check {
    struct session *session;
    const struct invocation *invocation;
    struct table *findings;
    size_t problems;
};

/* The remedy is "" where there is nothing to do. */
void check_find(struct check *check, enum level level, const char *subject, const char *remedy,
                const char *format, ...) PRINTF_LIKE(5, 6);

/* The directory of the site server whose configuration file that is. */
void check_directory(struct check *check, const char *config_file);

#endif
