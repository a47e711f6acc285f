/*
 * job_story.h - jobs of all kinds for provisioned computers, and what they leave in the firmware; what goes
 * otherwise ends the test.
 */
#ifndef TESTS_SUPPORT_JOB_STORY_H
#define TESTS_SUPPORT_JOB_STORY_H

#include "support/expect.h"

#define EVERYTHING_ON                                                                                        \
    "ping = on\nweb interface = on\nserial over lan = on\nide redirection = on\nkvm = on\n"                  \
    "user consent = none\npower = always-on\nmebx password = random\n"                                       \
    "user console = redirection, remote-control\nuser helpdesk = general-info\n"
#define EVERYTHING_OFF                                                                                       \
    "ping = off\nweb interface = off\nserial over lan = off\nide redirection = off\nkvm = off\n"             \
    "user consent = all\npower = s0\nmebx password = random\nuser auditor = audit-log\n"

#define WITHOUT_NETWORKS EVERYTHING_OFF "[wireless]\n[wired 802.1x]\nenabled = off\n"

/* A group fixture's work: a site that tries again soon, and whose firmware restarts soon. */
int job_scenario_begin(void **state);

/* A profile from the text of its file and of its passwords' (NULL: none). */
void profile_write(struct site *site, const char *name, const char *content, const char *passwords);
/* Planned, plugged in, imported, provisioned; profile NULL: the default one. */
void computer_provision(struct site *site, struct computer *computer, unsigned index, const char *generation,
                        const char *words, const char *profile);
void request_job(struct site *site, const struct computer *computer, const char *kind);
/* Requests it and waits until it ended as wanted. */
#define run_job(site, computer, kind, wanted)                                                                \
    run_job_at(__FILE__, __LINE__, (site), (computer), (kind), (wanted))
void run_job_at(const char *file, int line, struct site *site, const struct computer *computer,
                const char *kind, const char *wanted);

int64_t computer_writes(struct site *site, const struct computer *computer);
/* Names of the steps of the last job that changed something, in order. */
#define expect_changes(site, computer, wanted)                                                               \
    expect_sql((site), (wanted),                                                                             \
               "SELECT coalesce(string_agg(name, ', ' ORDER BY sequence), '') FROM amt.job_step WHERE "      \
               "number >= 'O6'"                                                                              \
               " AND outcome = 'done' AND name <> 'read back' AND job = (SELECT last_job FROM amt.computer"  \
               " WHERE uuid = '%s')",                                                                        \
               (computer)->uuid)

/* Of a list in the simulator's state, by dotted path. */
size_t state_length(struct site *site, const struct computer *computer, const char *list);
/* What a job could leave behind in the firmware, in words; the caller frees. */
char *computer_inventory(struct site *site, const struct computer *computer);
/* Of a Digest user, hexadecimal; "": there is none. The caller frees. */
char *computer_digest(struct site *site, const struct computer *computer, const char *user);

#endif
