/*
 * directory_story.h - a site with a domain of its own, and what its directory holds; what goes otherwise ends
 * the test.
 */
#ifndef TESTS_SUPPORT_DIRECTORY_STORY_H
#define TESTS_SUPPORT_DIRECTORY_STORY_H

#include "support/domain.h"
#include "support/job_story.h"

/* Of the group that runs. */
extern struct directory_site {
    struct domain *domain;
} directory_site;

/* A group fixture's work: a domain, and a site that keeps its objects there. */
int directory_scenario_begin(void **state);
int directory_scenario_end(void **state);
/* Waits until the computer's last job is so: "provision done", "update waiting directory-unreachable". */
void expect_directory_job(struct site *site, const struct computer *computer, const char *wanted);
/* Planned, plugged in, imported, provisioned. */
void directory_provision(struct site *site, struct computer *computer, unsigned index,
                         const char *generation);
/* What a search with that filter finds, as LDIF. */
void expect_in_directory(const char *wanted, const char *attributes, const char *filter, ...)
    PRINTF_LIKE(3, 4);
/* As an administrator of the domain; LDIF. */
void directory_change(const char *format, ...) PRINTF_LIKE(1, 2);
/* The caller frees. */
char *directory_dn(struct site *site, const struct computer *computer);
/* The directory, the database and the firmware agree on the key's version. */
void expect_key_version(struct site *site, const struct computer *computer, int64_t version);
int64_t directory_key_version(struct site *site, const struct computer *computer);

#endif
