/*
 * fresh_database.h - a PostgreSQL of a group's own with the schema in it, and files beside it; what goes
 * wrong ends the group.
 */
#ifndef TESTS_UNIT_SITE_SERVER_FRESH_DATABASE_H
#define TESTS_UNIT_SITE_SERVER_FRESH_DATABASE_H

#include "database/database.h"
#include "support/postgres.h"

struct fresh_database { /* zero-initialise */
    char directory[32];
    struct postgres *postgres;
};

/* False: *err says why, and nothing is left. */
bool fresh_database_start(struct fresh_database *fresh, struct error *err) MUST_CHECK;
void fresh_database_stop(struct fresh_database *fresh); /* accepts one that was not started */

const char *fresh_database_url(const struct fresh_database *fresh); /* as superuser */
/* With the rights of amt_site_server and no others; the caller frees. */
char *fresh_database_server_url(const struct fresh_database *fresh);
/* Of a file beside it; the caller frees. */
char *fresh_database_path(const struct fresh_database *fresh, const char *name);

#endif
