/*
 * site_server.h - the site servers that share a database: each says that it is there.
 *
 * Who one is follows from its connection (database_options.instance). A later chore that only one of them may
 * do belongs beside lease_reap() and renewal_request(): as statements that are safe by themselves, or under
 * pg_advisory_xact_lock() as a schema change is.
 */
#ifndef JOBS_SITE_SERVER_H
#define JOBS_SITE_SERVER_H

#include "database/database.h"

struct site_server_facts { /* for people; borrowed */
    const char *host, *endpoint, *software_version;
};

/* Alive for so many seconds more. Also forgets those that died long ago. */
bool site_server_heard(struct database *database, const struct site_server_facts *facts, int64_t alive_s,
                       struct error *err) MUST_CHECK;
/* It ends in order, and others need not wait for it to fall silent. */
bool site_server_stopped(struct database *database, struct error *err) MUST_CHECK;

#endif
