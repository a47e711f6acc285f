/*
 * session.h - what a command works with: the options in force, the database, the secret keys.
 *
 * The database is opened before a command that names its role runs, the keys when they are first needed. A
 * transaction that a command leaves open, because something failed in it, ends undone with the session.
 */
#ifndef CONTROL_SESSION_H
#define CONTROL_SESSION_H

#include "command.h"
#include "control_statement.h"
#include "database/database.h"
#include "devices/vault.h"
#include "table.h"

#define DEFAULT_KEY_FILE "/etc/amt-site-server/secret.keys"

struct session {
    const char *database_url; /* borrowed from argv or the environment; "" is libpq's own defaults */
    const char *key_file;
    bool json;
    struct database *database; /* NULL until opened */
    struct vault *vault;
};

void session_begin(struct session *session, const struct invocation *invocation);
void session_end(struct session *session);

/* Opens the database; role NULL asks for none. The error names the role that is missing, and how to get it.
 */
bool session_open(struct session *session, const char *role, struct error *err) MUST_CHECK;
bool session_vault(struct session *session, struct vault **vault, struct error *err) MUST_CHECK;
/* Whether the user holds the role; *user, when not NULL, gets its name, which the caller frees. */
bool session_role(struct session *session, const char *role, bool *held, char **user,
                  struct error *err) MUST_CHECK;

/* Runs a statement whose rows do not matter, and ends its parameters. */
bool session_do(struct session *session, int statement, struct parameters **parameters,
                struct error *err) MUST_CHECK;
/* Runs a statement, ends its parameters, and takes the rows as a table: each column's key is a column of the
 * rows. */
bool session_table(struct session *session, int statement, struct parameters **parameters,
                   const struct column *columns, size_t column_count, struct table **table,
                   struct error *err) MUST_CHECK;
struct table *table_from_rows(const struct rows *rows, const struct column *columns, size_t column_count);
/* The same, printed as the options say. */
bool session_show(struct session *session, int statement, struct parameters **parameters,
                  const struct column *columns, size_t column_count, struct error *err) MUST_CHECK;

/* Key, nonce and ciphertext as three parameters; NULL gives three NULLs. */
void parameters_sealed(struct parameters *parameters, const struct sealed *sealed);

/* A decimal number within limits; the error calls it what. */
bool number_read(const char *text, const char *what, int64_t least, int64_t most, int64_t *number,
                 struct error *err) MUST_CHECK;

#endif
