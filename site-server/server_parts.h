/*
 * server_parts.h - what the files of the site server's loop share; for server*.c only.
 */
#ifndef SERVER_PARTS_H
#define SERVER_PARTS_H

#include "server.h"

#define SERVER_CHANNELS                                                                                      \
    (CHANNEL_JOB | CHANNEL_SERVICE_POINT | CHANNEL_AUTHORITY | CHANNEL_REVOCATION | CHANNEL_COMPUTER)

static inline bool server_connected(const struct server *server)
{
    return database_connected(server->database);
}

/* What failed was asked of the database: either it is gone, or this one thing does not work now. */
void server_bear(struct server *server, const char *what, const struct error *err);
void server_look_at_news(struct server *server, int64_t now_ms);
/* False: the database is there but does not suit, and never did; waiting would not mend that. */
bool server_reach_database(struct server *server, int64_t now_ms, struct error *err) MUST_CHECK;

#endif
