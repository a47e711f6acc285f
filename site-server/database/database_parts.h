/*
 * database_parts.h - what a connection (connection.c) and what is said over it (database.c) share.
 */
#ifndef DATABASE_DATABASE_PARTS_H
#define DATABASE_DATABASE_PARTS_H

#include <libpq-fe.h>

#include "database.h"

#define SENT_MAX 256

struct database {
    PGconn *connection; /* NULL: lost */
    struct dial *dial;  /* NULL: no connection is being made */
    bool warned;        /* by the server, since it was set back */
    char *url, *program, *instance;
    const struct sql_text *statements;
    size_t statement_count;
    unsigned channels, notified; /* bits of enum database_channel */
    int64_t statement_timeout_ms;
    void (*answered)(void);
    void (*meanwhile)(void *context); /* NULL: nothing */
    void *context;
    int64_t commit_ms;          /* when the COMMIT under way was sent; 0: none is */
    const char *sent[SENT_MAX]; /* names of statements in the pipeline, whose ends were not looked at yet */
    size_t sent_count;
    struct database_keeper keeper; /* keep NULL: none */
    char *notes;                   /* of this transaction */
    size_t notes_length;
};

static inline void result_free(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

/* What was sent and not looked at yet is forgotten with the connection. */
void database_disconnect(struct database *database);
/* True: that is the error. */
bool database_not_connected(const struct database *database, struct error *err);
/* Always false: disconnected, in libpq's words. */
bool database_lost(struct database *database, struct error *err);
/* Always false: why the statement failed. Disconnected when another connection is needed. */
bool database_failed(struct database *database, const PGresult *result, const char *statement,
                     struct error *err);
/* Text of ours, without parameters and rows. */
bool database_execute(struct database *database, const char *text, struct error *err) MUST_CHECK;

#endif
