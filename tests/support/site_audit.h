/*
 * site_audit.h - the auditor (tests/auditor.c), run on a site.
 */
#ifndef TESTS_SUPPORT_SITE_AUDIT_H
#define TESTS_SUPPORT_SITE_AUDIT_H

#include "support/site.h"

/* *report is what it printed, the caller's; it ends with "N passed, N failed". */
bool site_audit(struct site *site, char **report, struct error *err) MUST_CHECK;

#endif
