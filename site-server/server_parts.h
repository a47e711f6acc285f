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
/* While a COMMIT waits: who knocks is let in, and /health says what is the matter. Nothing else may happen
 * before it is known whether what was said so far counts. The context is the server. */
void server_go_on_without_database(void *context);
void server_look_at_news(struct server *server, int64_t now_ms);
/* In one line, to the service manager. */
void server_tell_status(const struct server *server);
/* False: the database is there but does not suit, and never did; waiting would not mend that. */
bool server_reach_database(struct server *server, int64_t now_ms, struct error *err) MUST_CHECK;

#endif
