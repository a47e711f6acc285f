/*
 * standby.h - a site whose database has a synchronous standby, which can take over.
 */
#ifndef TESTS_SUPPORT_STANDBY_H
#define TESTS_SUPPORT_STANDBY_H

#include "support/site.h"

struct standby { /* zero-initialise */
    struct postgres *postgres;
    char *directory;
};

/* Makes the standby, and starts the site servers again with both hosts in their connection string, as an
 * operator would write it. */
bool standby_add(struct standby *standby, struct site *site, struct error *err) MUST_CHECK;
/* The primary is dead: the standby takes writes, is the site's database from now on, and the site's own
 * questions go to it. */
bool standby_take_over(struct standby *standby, struct site *site, struct error *err) MUST_CHECK;
void standby_stop(struct standby *standby); /* of one that did not take over; harmless otherwise */

#endif
