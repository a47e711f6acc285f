/*
 * postgres.h - a private PostgreSQL cluster: a directory, a Unix socket in it, no port.
 *
 * PostgreSQL refuses to run as root; started by root it runs as the user postgres, else as we are. Who
 * can reach the socket is trusted. It ends with its parent.
 */
#ifndef TESTS_SUPPORT_POSTGRES_H
#define TESTS_SUPPORT_POSTGRES_H

#include <sys/types.h>

#include "common/error.h"

struct postgres; /* opaque: owns the server process */

/* Makes the directory (absolute, not there yet), a cluster in it and the empty database "amt" in that. */
bool postgres_start(struct postgres **postgres, const char *directory, struct error *err) MUST_CHECK;
void postgres_stop(struct postgres **postgres); /* accepts NULL; the files stay */

/* "postgresql:///amt?host=/directory&user=postgres": the superuser; without blanks, for shell variables. */
const char *postgres_url(const struct postgres *postgres);
pid_t postgres_pid(const struct postgres *postgres); /* of the postmaster */

/* A synchronous standby of it, in a directory that is not there yet; returns when the primary waits for it.
 */
bool postgres_start_standby(struct postgres **standby, const struct postgres *primary, const char *directory,
                            struct error *err) MUST_CHECK;
/* Returns when it takes writes. */
bool postgres_promote(struct postgres *standby, struct error *err) MUST_CHECK;

/*
 * Point-in-time recovery, as PostgreSQL's documentation has it (25.3): from now on completed WAL is archived
 * in the directory, which is not there yet; a base backup goes to another one that is not there either; and
 * the cluster, stopped or running, is replaced by the backup, rolled forward to a named restore point
 * (pg_create_restore_point()) and takes writes again. All three wait for the end.
 */
bool postgres_archive(struct postgres *postgres, const char *directory, struct error *err) MUST_CHECK;
bool postgres_back_up(const struct postgres *postgres, const char *directory, struct error *err) MUST_CHECK;
bool postgres_restore(struct postgres *postgres, const char *backup, const char *archive, const char *point,
                      struct error *err) MUST_CHECK;

/* Takes the database away at once, as a crash does; the files stay. */
bool postgres_halt(struct postgres *postgres, struct error *err) MUST_CHECK;
/* SIGKILL to the postmaster alone; its children notice and end. */
void postgres_kill(struct postgres *postgres);
/* Starts again, as often as it takes: what a killed postmaster left behind may still be ending. */
bool postgres_resume(struct postgres *postgres, struct error *err) MUST_CHECK;

#endif
