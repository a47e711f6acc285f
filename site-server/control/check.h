/*
 * check.h - `amtctl check`: findings, each with what to do about it, gathered by one file for each subject.
 */
#ifndef CONTROL_CHECK_H
#define CONTROL_CHECK_H

#include <stdint.h>

#include "session.h"
#include "table.h"

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_PROBLEM };

struct check {
    struct session *session; /* its database is open for what asks it */
    const struct invocation *invocation;
    struct table *findings;
    size_t problems;
};

/* The remedy is "" where there is nothing to do. */
void check_find(struct check *check, enum level level, const char *subject, const char *remedy,
                const char *format, ...) PRINTF_LIKE(5, 6);
/* False: it could not be asked, which is a finding about the subject. */
bool check_rows(struct check *check, int statement, const char *subject, struct rows **rows) MUST_CHECK;
/* How long it is valid: at least EXPIRY_DAYS are well. */
void check_expiry(struct check *check, const char *subject, const char *remedy, const char *name,
                  int64_t left_s);

void check_access(struct check *check);
void check_authorities(struct check *check);
void check_provisioning(struct check *check);
/* The directory of the site server whose configuration file that is. */
void check_directory(struct check *check, const char *config_file);

#endif
