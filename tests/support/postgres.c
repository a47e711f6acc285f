#include "support/postgres.h"

#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "support/process.h"
#include "support/sql.h"
#include "support/workplace.h"

enum { START_TIMEOUT_MS = 180000 };

#define SUPERUSER "postgres"

struct postgres {
    char *directory, *log_path, *url;
    char *binaries; /* directory of this major version's programs */
    struct process *server;
};

/* NULL when we are not root: then PostgreSQL runs as we are. */
static const char *run_as(void)
{
    return geteuid() == 0 ? SUPERUSER : NULL;
}

static bool find_binaries(struct postgres *postgres, struct error *err)
{
    glob_t found = { 0 };

    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0)
        postgres->binaries = text_copy(found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return postgres->binaries ||
           error_set(err, ERROR_INTERNAL,
                     "no PostgreSQL in /usr/lib/postgresql; install the package postgresql");
}

static bool make_directory(const char *directory, struct error *err)
{
    const struct passwd *owner = run_as() ? getpwnam(SUPERUSER) : NULL;

    if (mkdir(directory, 0700) != 0 || (owner && chown(directory, owner->pw_uid, owner->pw_gid) != 0))
        return error_set(err, ERROR_INTERNAL, "cannot make directory %s: %s", directory, strerror(errno));
    return true;
}

/* A program of the cluster's owner, to its end. */
static bool run_command(const struct postgres *postgres, const char *const *argv, struct error *err)
{
    struct process *process = NULL;
    int status = 0;
    bool ran = process_start_as(&process, run_as(), postgres->log_path, argv, err) &&
               process_wait_end(process, START_TIMEOUT_MS, &status, err);

    process_stop(&process);
    if (ran && status != 0)
        return error_set(err, ERROR_INTERNAL, "%s failed; see %s", argv[0], postgres->log_path);
    return ran;
}

static bool make_cluster(struct postgres *postgres, struct error *err)
{
    AUTO(text_free) char *initdb = text_format("%s/initdb", postgres->binaries);
    AUTO(text_free) char *data = text_format("%s/data", postgres->directory);

    return run_command(postgres,
                       (const char *[]){ initdb, "--no-sync", "-k", "-U", SUPERUSER, "-A", "trust", "-E",
                                         "UTF8", "--locale=C", "-D", data, NULL },
                       err);
}

static bool start_server(struct postgres *postgres, const char *ready, struct error *err)
{
    AUTO(text_free) char *program = text_format("%s/postgres", postgres->binaries);
    AUTO(text_free) char *data = text_format("%s/data", postgres->directory);

    return process_start_as(&postgres->server, run_as(), postgres->log_path,
                            (const char *[]){ program, "-D", data, "-k", postgres->directory, "-c",
                                              "listen_addresses=", "-c", "max_connections=50", NULL },
                            err) &&
           process_wait_line(postgres->server, ready, START_TIMEOUT_MS, err);
}

bool postgres_resume(struct postgres *postgres, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + START_TIMEOUT_MS;

    while (!start_server(postgres, "ready to accept connections", err)) {
        process_kill(&postgres->server);
        if (interrupted() || clock_monotonic_ms() > end_ms)
            return false;
        wait_a_little(100);
    }
    return true;
}

void postgres_kill(struct postgres *postgres)
{
    process_kill(&postgres->server);
}

static bool create_database(const struct postgres *postgres, struct error *err)
{
    AUTO(text_free)
    char *url = text_format("postgresql:///postgres?host=%s&user=" SUPERUSER, postgres->directory);
    AUTO(sql_close) struct sql *sql = NULL;
    AUTO(text_free) char *nothing = NULL;

    return sql_open(&sql, url, err) && sql_text(sql, &nothing, err, "CREATE DATABASE amt", NULL);
}

bool postgres_start(struct postgres **postgres, const char *directory, struct error *err)
{
    AUTO(postgres_stop) struct postgres *starting = allocate(sizeof(*starting));

    starting->directory = text_copy(directory);
    starting->log_path = text_format("%s/log", directory);
    starting->url = text_format("postgresql:///amt?host=%s&user=" SUPERUSER, directory);
    if (!find_binaries(starting, err) || !make_directory(directory, err) || !make_cluster(starting, err) ||
        !postgres_resume(starting, err) || !create_database(starting, err))
        return false;
    *postgres = TAKE(starting);
    return true;
}

static bool copy_cluster(const struct postgres *standby, const struct postgres *primary, struct error *err)
{
    AUTO(text_free) char *program = text_format("%s/pg_basebackup", standby->binaries);
    AUTO(text_free) char *data = text_format("%s/data", standby->directory);
    AUTO(text_free)
    char *source = text_format("host=%s user=" SUPERUSER " application_name=standby", primary->directory);

    return run_command(
        standby,
        (const char *[]){ program, "--checkpoint=fast", "--no-sync", "-R", "-D", data, "-d", source, NULL },
        err);
}

static bool make_synchronous(const struct postgres *primary, struct error *err)
{
    AUTO(sql_close) struct sql *sql = NULL;
    AUTO(text_free) char *nothing = NULL;
    AUTO(text_free) char *neither = NULL;

    return sql_open(&sql, primary->url, err) &&
           sql_text(sql, &nothing, err, "ALTER SYSTEM SET synchronous_standby_names = 'standby'", NULL) &&
           sql_text(sql, &neither, err, "SELECT pg_reload_conf()", NULL) &&
           sql_wait(sql, "SELECT sync_state FROM pg_stat_replication", "sync", START_TIMEOUT_MS, err);
}

bool postgres_start_standby(struct postgres **standby, const struct postgres *primary, const char *directory,
                            struct error *err)
{
    AUTO(postgres_stop) struct postgres *starting = allocate(sizeof(*starting));

    starting->directory = text_copy(directory);
    starting->log_path = text_format("%s/log", directory);
    starting->url = text_format("postgresql:///amt?host=%s&user=" SUPERUSER, directory);
    if (!find_binaries(starting, err) || !make_directory(directory, err) ||
        !copy_cluster(starting, primary, err) ||
        !start_server(starting, "ready to accept read-only connections", err) ||
        !make_synchronous(primary, err))
        return false;
    *standby = TAKE(starting);
    return true;
}

bool postgres_promote(struct postgres *standby, struct error *err)
{
    AUTO(sql_close) struct sql *sql = NULL;
    AUTO(text_free) char *promoted = NULL;

    return sql_open(&sql, standby->url, err) && sql_text(sql, &promoted, err, "SELECT pg_promote()", NULL) &&
           sql_wait(sql, "SELECT pg_is_in_recovery()", "f", START_TIMEOUT_MS, err);
}

/* SIGINT: disconnects the clients and ends. SIGQUIT: without a checkpoint. */
static bool end_server(struct postgres *postgres, int signal_number, struct error *err)
{
    int status;
    bool ended;

    process_signal(postgres->server, signal_number);
    ended = process_wait_end(postgres->server, START_TIMEOUT_MS, &status, err);
    process_stop(&postgres->server);
    return ended;
}

/* Each setting "NAME = 'VALUE'", in force after the next start. */
static bool alter(const struct postgres *postgres, const char *setting, struct error *err)
{
    AUTO(sql_close) struct sql *sql = NULL;
    AUTO(text_free) char *statement = text_format("ALTER SYSTEM SET %s", setting);
    AUTO(text_free) char *nothing = NULL;

    return sql_open(&sql, postgres->url, err) && sql_text(sql, &nothing, err, statement, NULL);
}

bool postgres_archive(struct postgres *postgres, const char *directory, struct error *err)
{
    AUTO(text_free)
    char *command =
        text_format("archive_command = 'test ! -f %s/%%f && cp %%p %s/%%f'", directory, directory);

    return make_directory(directory, err) && alter(postgres, "archive_mode = 'on'", err) &&
           alter(postgres, command, err) && end_server(postgres, SIGINT, err) &&
           postgres_resume(postgres, err);
}

bool postgres_back_up(const struct postgres *postgres, const char *directory, struct error *err)
{
    AUTO(text_free) char *program = text_format("%s/pg_basebackup", postgres->binaries);
    AUTO(text_free) char *source = text_format("host=%s user=" SUPERUSER, postgres->directory);

    return make_directory(directory, err) &&
           run_command(postgres,
                       (const char *[]){ program, "--checkpoint=fast", "--no-sync", "-D", directory, "-d",
                                         source, NULL },
                       err);
}

/* What the guide tells an operator to write. */
static bool ask_for_recovery(const struct postgres *postgres, const char *data, const char *archive,
                             const char *point, struct error *err)
{
    AUTO(text_free) char *settings_path = text_format("%s/postgresql.auto.conf", data);
    AUTO(text_free) char *signal_path = text_format("%s/recovery.signal", data);
    AUTO(text_free) char *former = NULL;
    AUTO(text_free) char *settings = NULL;

    if (!file_read(settings_path, &former, NULL, err))
        return false;
    settings = text_format("%srestore_command = 'cp %s/%%f %%p'\nrecovery_target_name = '%s'\n"
                           "recovery_target_action = 'promote'\n",
                           former, archive, point);
    return file_write(settings_path, settings, 0600, err) &&
           run_command(postgres, (const char *[]){ "/usr/bin/touch", signal_path, NULL }, err);
}

bool postgres_restore(struct postgres *postgres, const char *backup, const char *archive, const char *point,
                      struct error *err)
{
    AUTO(text_free) char *data = text_format("%s/data", postgres->directory);
    AUTO(sql_close) struct sql *sql = NULL;

    if (postgres->server && !end_server(postgres, SIGINT, err))
        return false;
    directory_remove(data);
    return run_command(postgres, (const char *[]){ "/bin/cp", "-a", backup, data, NULL }, err) &&
           ask_for_recovery(postgres, data, archive, point, err) &&
           start_server(postgres, "ready to accept connections", err) && sql_open(&sql, postgres->url, err) &&
           sql_wait(sql, "SELECT pg_is_in_recovery()", "f", START_TIMEOUT_MS, err);
}

bool postgres_halt(struct postgres *postgres, struct error *err)
{
    return end_server(postgres, SIGQUIT, err);
}

void postgres_stop(struct postgres **postgres)
{
    struct postgres *stopping = TAKE(*postgres);
    struct error unused;

    if (!stopping)
        return;
    if (stopping->server && !end_server(stopping, SIGINT, &unused))
        process_kill(&stopping->server);
    text_free(&stopping->directory);
    text_free(&stopping->log_path);
    text_free(&stopping->url);
    text_free(&stopping->binaries);
    free(stopping);
}

const char *postgres_url(const struct postgres *postgres)
{
    return postgres->url;
}

pid_t postgres_pid(const struct postgres *postgres)
{
    return process_pid(postgres->server);
}
