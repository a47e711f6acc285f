/*
 * campaign.h - many computers, all kinds of jobs, all kinds of faults at random times.
 *
 * The seed decides which fault comes when and, among those at work, whom it strikes, so a campaign can be run
 * again; how far each computer is just then is up to the machine. Afterwards everything goes on undisturbed
 * until no job is open, and the auditor judges.
 */
#ifndef CRASH_CAMPAIGN_H
#define CRASH_CAMPAIGN_H

#include "common/error.h"

struct campaign_choice {
    const char *directory; /* of the site; NULL: "torture" beside the programs */
    unsigned seconds, devices;
    unsigned long seed;
};

/* On true, *failed is how many computers the auditor blames; they are printed. */
bool campaign_run(const struct campaign_choice *choice, size_t *failed, struct error *err) MUST_CHECK;

#endif
