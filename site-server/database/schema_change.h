/*
 * schema_change.h - brings a database to the schema that this program knows.
 */
#ifndef DATABASE_SCHEMA_CHANGE_H
#define DATABASE_SCHEMA_CHANGE_H

#include "common/error.h"

struct database;

/*
 * Applies what is missing, in order, each in its own transaction; several at once wait for each other. Also
 * writes the table of reasons. *applied: how many were.
 */
bool schema_migrate(const char *url, unsigned *applied, struct error *err) MUST_CHECK;
/* The newest version that this program knows. */
int schema_version_needed(void);
/* *missing: the lowest version that this program needs and the database has not; 0: none. */
bool schema_find_missing(struct database *database, int *missing, struct error *err) MUST_CHECK;

#endif
