/*
 * finding.h - what the auditor holds against a computer, a sentence each.
 */
#ifndef AUDIT_FINDING_H
#define AUDIT_FINDING_H

#include <stddef.h>

#include "common/error.h"

struct finding {
    char *uuid, *sentence;
};

struct findings {
    struct finding *items;
    size_t count;
};

void finding_add(struct findings *findings, const char *uuid, const char *format, ...) PRINTF_LIKE(3, 4);
/* How many this computer has. */
size_t findings_of(const struct findings *findings, const char *uuid);
void findings_clear(struct findings *findings);

#endif
