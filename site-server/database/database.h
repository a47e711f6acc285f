/*
 * database.h - one connection to PostgreSQL: prepared statements, transactions, notifications.
 *
 * Only this folder sees libpq. Blocking, but for database_connect(); one connection for one thread. A
 * statement is a file of an SQL folder (embedded by embed-sql); all of the set are prepared when the
 * connection opens, so a typing error stops the start. Parameters travel beside the text, never pasted into
 * it.
 *
 * Failures: ERROR_UNREACHABLE when the connection is lost or the server is not the writable primary (run
 * database_connect() later; a commit that fails so has an unknown outcome: it may be lost, done, or done
 * without its synchronous standby knowing), ERROR_CONFLICT for what may succeed when repeated and for a
 * function's "state forbids this" (AM002), ERROR_ABSENT (AM001), ERROR_INPUT (AM003, values out of range),
 * ERROR_REFUSED when the role lacks a right, else ERROR_INTERNAL. Messages read "STATEMENT: what is wrong;
 * what to do".
 */
#ifndef DATABASE_DATABASE_H
#define DATABASE_DATABASE_H

#include <stdint.h>

#include "common/error.h"
#include "database/parameters.h"
#include "database/row.h"
#include "database/sql_text.h"

struct database; /* opaque: owns the connection */

enum database_channel {                            /* bits: what NOTIFY tells */
                        CHANNEL_JOB = 1,           /* a job was requested or cancelled */
                        CHANNEL_SERVICE_POINT = 2, /* keys of service points changed */
                        CHANNEL_AUTHORITY = 4,     /* another certificate authority was set */
                        CHANNEL_REVOCATION = 8,    /* a certificate was revoked, or a list made */
                        CHANNEL_COMPUTER = 16,     /* computers came or went */
};

struct database_options {
    const char *url;     /* libpq connection string or URI; "" means libpq's defaults; copied */
    const char *program; /* application_name; copied */
    /* All prepared; borrowed for good, e.g. statement_texts. None: the schema's version does not matter
     * either. */
    const struct sql_text *statements;
    size_t statement_count;
    const char *instance; /* UUID of this site server, which statements refer to; NULL: none; copied */
    unsigned channels;    /* bits of enum database_channel to listen on */
    int64_t statement_timeout_ms; /* 0: none */
    /* Called after each answer of the server: a turn of many statements may take long, and is not stuck as
     * long as these end. NULL: nobody wants to know. */
    void (*answered)(void);
    /* Called several times a second while a COMMIT waits, for a synchronous standby may take its time: for
     * what needs no database. NULL: nothing. */
    void (*meanwhile)(void *context);
    void *context; /* borrowed for good */
};

/* Without a connection; the caller ends it with database_close(). */
struct database *database_new(const struct database_options *options);
/*
 * Goes on connecting, or begins to: never waits for a host, see dial.h. *done: the connection is there. Call
 * it again when the descriptor is readable, and at the latest at database_connect_due_ms() (monotonic).
 * False: this try failed, with ERROR_UNREACHABLE when a later one may succeed.
 */
bool database_connect(struct database *database, bool *done, struct error *err) MUST_CHECK;
bool database_connecting(const struct database *database);
int64_t database_connect_due_ms(const struct database *database);

/* The same, waiting for it. Refuses a schema that is older than the program, and says what to run. */
bool database_open(struct database **database, const struct database_options *options,
                   struct error *err) MUST_CHECK;
void database_close(struct database **database);

bool database_connected(const struct database *database);
/* How long the COMMIT under way has waited; 0: none is. For meanwhile(). */
int64_t database_commit_waits_ms(const struct database *database);
/* One try, a few seconds at most: DIAL_TIMEOUT_MS. Afterwards every channel counts as notified: something may
 * have been missed. */
bool database_reconnect(struct database *database, struct error *err) MUST_CHECK;

bool database_begin(struct database *database, struct error *err) MUST_CHECK;
/* Also false when an earlier statement broke the transaction. */
bool database_commit(struct database *database, struct error *err) MUST_CHECK;
void database_rollback(struct database *database); /* harmless outside a transaction and without connection */
/*
 * Notes are what has to be on other storage before their transaction is committed: database_commit() hands
 * them to the keeper as one text, lines that each end with a newline. When keep() fails nothing is committed,
 * and the connection is given up as if the database had gone: nothing may be answered before both have it.
 * Notes of a transaction that ends otherwise are forgotten. Without a keeper there are none.
 */
struct database_keeper {
    bool (*keep)(void *context, const char *notes, size_t length, struct error *err);
    void *context;
};
void database_keep_notes(struct database *database, const struct database_keeper *keeper); /* copied */
bool database_keeps_notes(const struct database *database);
void database_note(struct database *database, const char *line);

/*
 * After a function of jobs/, devices/ or certificates/ failed: true when it was a refusal (err->reason says
 * which) that wrote nothing, so that the transaction can go on; false when it must be rolled back.
 */
bool database_transaction_usable(const struct database *database);

/*
 * Runs a prepared statement. parameters NULL: it has none; rows NULL: its rows do not matter. On true the
 * caller ends *rows with rows_free().
 */
bool database_run(struct database *database, int statement, struct parameters *parameters, struct rows **rows,
                  struct error *err) MUST_CHECK;

/*
 * As database_run() for a statement whose rows do not matter, inside a transaction: it is sent along without
 * waiting for its end, so that a turn of many writes costs few round trips. Statements keep their order. What
 * goes wrong is told by the next call that waits, at the latest by database_commit().
 */
bool database_write(struct database *database, int statement, struct parameters *parameters,
                    struct error *err) MUST_CHECK;

/* Runs a statement that is not of the set, once. */
bool database_run_once(struct database *database, const struct sql_text *statement,
                       struct parameters *parameters, struct rows **rows, struct error *err) MUST_CHECK;
/* Runs a text of several statements, as a migration is. */
bool database_run_script(struct database *database, const struct sql_text *script,
                         struct error *err) MUST_CHECK;

/* For poll(): readable when a notification may be there, or when database_connect() has something to do; -1:
 * neither. */
int database_descriptor(const struct database *database);
/*
 * Takes in what was notified since the last call; call it when the descriptor is readable and after each
 * transaction (a notification may arrive together with a result). What this connection notified itself of
 * jobs is left out. Never blocks.
 */
bool database_notifications(struct database *database, unsigned *channels, struct error *err) MUST_CHECK;

#endif
