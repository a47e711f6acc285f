#include "support/patroni.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/process.h"
#include "support/sql.h"
#include "support/workplace.h"

enum { HOSTS = 3, FIRST_HOST = 11, ETCD_HOST = 10, START_MS = 60000, COMMAND_MS = 120000 };

#define SAMPLE    "deploy/patroni/patroni.yml"
#define DIRECTORY "/tmp/amt-patroni-%d" /* reachable by the user postgres */
#define USER      "postgres"

struct patroni {
    char *directory;
    char *network; /* "127.77.5" */
    struct process *etcd, *hosts[HOSTS];
    size_t killed;
};

static char *path_of(const struct patroni *patroni, const char *name, size_t host)
{
    return text_format("%s/%s%zu", patroni->directory, name, host + 1);
}

/* ---- configuration ---- */

static bool replace(char **text, const char *from, const char *to, struct error *err)
{
    AUTO(text_free) char *rest = NULL;
    char *at = strstr(*text, from);

    if (!at)
        return error_set(err, ERROR_INTERNAL, "%s does not say \"%s\" any more", SAMPLE, from);
    while (at) {
        size_t before = (size_t)(at - *text);
        char *changed = text_format("%.*s%s%s", (int)before, *text, to, at + strlen(from));

        free(*text);
        *text = changed;
        at = strstr(*text + before + strlen(to), from);
    }
    return true;
}

/* The sample's first host becomes each of ours. The harness has more users than the daemon. */
static bool write_config(const struct patroni *patroni, size_t host, struct error *err)
{
    AUTO(text_free) char *path = path_of(patroni, "patroni.yml", host);
    AUTO(text_free) char *folder = path_of(patroni, "host", host);
    AUTO(text_free) char *name = text_format("name: pg%zu", host + 1);
    AUTO(text_free) char *address = text_format("%s.%zu", patroni->network, FIRST_HOST + host);
    AUTO(text_free) char *etcd = text_format("hosts: %s.%d:2379", patroni->network, ETCD_HOST);
    AUTO(text_free) char *data = text_format("%s/data", folder);
    AUTO(text_free) char *pgpass = text_format("%s/pgpass", folder);
    AUTO(text_free) char *archive = text_format("%s/wal", patroni->directory);
    AUTO(text_free) char *certificate = text_format("%s/server.crt", patroni->directory);
    AUTO(text_free) char *key = text_format("%s/server.key", patroni->directory);
    AUTO(text_free) char *config = NULL;
    const char *const changes[][2] = {
        { "name: pg1", name },
        { "hosts: 10.0.0.11:2379,10.0.0.12:2379,10.0.0.13:2379", etcd },
        { "10.0.0.11", address },
        { "/var/lib/postgresql/15/amt", data },
        { "/var/lib/postgresql/.pgpass-patroni", pgpass },
        { "/var/run/postgresql", folder },
        { "/srv/amt-wal", archive },
        { "/etc/patroni/server.crt", certificate },
        { "/etc/patroni/server.key", key },
        { "hostssl amt         amt-site   10.0.0.0/24      scram-sha-256",
          "hostssl amt all 127.0.0.0/8 trust" },
        { "10.0.0.0/24", "127.0.0.0/8" },
    };

    if (!file_read(SAMPLE, &config, NULL, err))
        return error_during(err, "run this in the project's directory");
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        if (!replace(&config, changes[i][0], changes[i][1], err))
            return false;
    }
    return file_write(path, config, 0644, err);
}

static bool give_to_postgres(const char *path, mode_t mode, struct error *err)
{
    const struct passwd *owner = getpwnam(USER);

    return (owner && chown(path, owner->pw_uid, owner->pw_gid) == 0 && chmod(path, mode) == 0) ||
           error_set(err, ERROR_INTERNAL, "cannot give %s to the user " USER, path);
}

static bool make_folder(const char *path, struct error *err)
{
    return (mkdir(path, 0700) == 0 || error_set(err, ERROR_INTERNAL, "cannot make directory %s", path)) &&
           give_to_postgres(path, 0700, err);
}

static bool run(const char *const *argv, struct error *err)
{
    AUTO(command_result_clear) struct command_result result = { 0 };

    if (!command_run(&result, NULL, COMMAND_MS, argv, err))
        return false;
    return result.exit_status == 0 || error_set(err, ERROR_INTERNAL, "%s: exit status %d: %.150s%.150s",
                                                argv[0], result.exit_status, result.errors, result.output);
}

static bool make_certificate(const struct patroni *patroni, struct error *err)
{
    AUTO(text_free) char *certificate = text_format("%s/server.crt", patroni->directory);
    AUTO(text_free) char *key = text_format("%s/server.key", patroni->directory);

    return run((const char *[]){ "/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                                 "/CN=database", "-keyout", key, "-out", certificate, NULL },
               err) &&
           give_to_postgres(certificate, 0644, err) && give_to_postgres(key, 0600, err);
}

static bool make_files(struct patroni *patroni, struct error *err)
{
    AUTO(text_free) char *archive = text_format("%s/wal", patroni->directory);

    if (!make_certificate(patroni, err) || !make_folder(archive, err))
        return false;
    for (size_t i = 0; i < HOSTS; i++) {
        AUTO(text_free) char *folder = path_of(patroni, "host", i);

        if (!make_folder(folder, err) || !write_config(patroni, i, err))
            return false;
    }
    return true;
}

/* ---- processes ---- */

static bool start_etcd(struct patroni *patroni, struct error *err)
{
    AUTO(text_free) char *log = text_format("%s/etcd.log", patroni->directory);
    AUTO(text_free) char *data = text_format("%s/etcd", patroni->directory);
    AUTO(text_free) char *client = text_format("http://%s.%d:2379", patroni->network, ETCD_HOST);
    AUTO(text_free) char *peer = text_format("http://%s.%d:2380", patroni->network, ETCD_HOST);
    AUTO(text_free) char *cluster = text_format("etcd=%s", peer);

    return process_start(&patroni->etcd, log,
                         (const char *[]){ "/usr/bin/etcd", "--name", "etcd", "--data-dir", data,
                                           "--listen-client-urls", client, "--advertise-client-urls", client,
                                           "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                                           "--initial-cluster", cluster, NULL },
                         err) &&
           process_wait_line(patroni->etcd, "ready to serve client requests", START_MS, err);
}

static bool start_host(struct patroni *patroni, size_t host, struct error *err)
{
    AUTO(text_free) char *log = path_of(patroni, "patroni.log.", host);
    AUTO(text_free) char *config = path_of(patroni, "patroni.yml", host);

    /* What is ours of libpq: the password of one user, and certificates at home. */
    return process_start_as(&patroni->hosts[host], USER, log,
                            (const char *[]){ "/usr/bin/env", "-u", "PGPASSWORD", "HOME=/nonexistent",
                                              "/usr/bin/patroni", config, NULL },
                            err);
}

static bool connect_to_primary(const struct patroni *patroni, struct sql **sql, struct error *err)
{
    AUTO(text_free) char *hosts = patroni_hosts(patroni);
    AUTO(text_free) char *url = text_format("postgresql://postgres@/postgres?host=%s", hosts);

    return sql_open(sql, url, err);
}

static bool wait_for_standbys(struct patroni *patroni, struct error *err)
{
    AUTO(sql_close) struct sql *sql = NULL;

    return connect_to_primary(patroni, &sql, err) &&
           sql_wait(sql,
                    "SELECT count(*) = 2 AND bool_or(sync_state = 'sync') FROM pg_stat_replication"
                    " WHERE state = 'streaming'",
                    "t", START_MS, err);
}

static bool start_all(struct patroni *patroni, struct error *err)
{
    AUTO(sql_close) struct sql *sql = NULL;
    AUTO(text_free) char *nothing = NULL;

    if (!start_etcd(patroni, err) || !start_host(patroni, 0, err) ||
        !process_wait_line(patroni->hosts[0], "the leader with the lock", START_MS, err))
        return false;
    for (size_t i = 1; i < HOSTS; i++) {
        if (!start_host(patroni, i, err) ||
            !process_wait_line(patroni->hosts[i], "a secondary, and following", START_MS, err))
            return false;
    }
    return wait_for_standbys(patroni, err) && connect_to_primary(patroni, &sql, err) &&
           sql_text(sql, &nothing, err, "CREATE DATABASE amt", NULL);
}

bool patroni_start(struct patroni **patroni, struct error *err)
{
    AUTO(patroni_stop) struct patroni *starting = allocate(sizeof(*starting));

    starting->directory = text_format(DIRECTORY, (int)getpid());
    starting->network = text_format("127.77.%d", (int)getpid() % 250);
    directory_remove(starting->directory);
    setenv("PATRONI_SUPERUSER_PASSWORD", "superuser-of-a-trial", 1);
    setenv("PATRONI_REPLICATION_PASSWORD", "replication-of-a-trial", 1);
    setenv("PGPASSWORD", "superuser-of-a-trial", 1);
    if (access("/usr/bin/patroni", X_OK) != 0 || access("/usr/bin/etcd", X_OK) != 0)
        return error_set(err, ERROR_INTERNAL,
                         "there is no patroni or etcd; install the packages patroni and etcd-server");
    if (mkdir(starting->directory, 0755) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot make directory %s", starting->directory);
    if (!make_files(starting, err) || !start_all(starting, err))
        return error_during(err, "starting Patroni in %s", starting->directory);
    *patroni = TAKE(starting);
    return true;
}

void patroni_stop(struct patroni **patroni)
{
    struct patroni *stopping = TAKE(*patroni);

    if (!stopping)
        return;
    for (size_t i = 0; i < HOSTS; i++)
        process_stop(&stopping->hosts[i]);
    process_stop(&stopping->etcd);
    if (!getenv("PATRONI_KEEP"))
        directory_remove(stopping->directory);
    text_free(&stopping->directory);
    text_free(&stopping->network);
    free(stopping);
}

char *patroni_hosts(const struct patroni *patroni)
{
    return text_format("%s.%d,%s.%d,%s.%d&target_session_attrs=read-write", patroni->network, FIRST_HOST,
                       patroni->network, FIRST_HOST + 1, patroni->network, FIRST_HOST + 2);
}

/* ---- what happens to it ---- */

static bool find_primary(const struct patroni *patroni, size_t *host, struct error *err)
{
    AUTO(sql_close) struct sql *sql = NULL;
    AUTO(text_free) char *address = NULL;
    const char *last;

    if (!connect_to_primary(patroni, &sql, err) ||
        !sql_text(sql, &address, err, "SELECT host(inet_server_addr())", NULL))
        return false;
    last = strrchr(address, '.');
    *host = last ? strtoul(last + 1, NULL, 10) - FIRST_HOST : HOSTS;
    return *host < HOSTS || error_set(err, ERROR_INTERNAL, "the primary says that it is at %s", address);
}

static bool kill_postmaster(const struct patroni *patroni, size_t host, struct error *err)
{
    AUTO(text_free) char *folder = path_of(patroni, "host", host);
    AUTO(text_free) char *path = text_format("%s/data/postmaster.pid", folder);
    AUTO(text_free) char *content = NULL;
    long pid;

    if (!file_read(path, &content, NULL, err))
        return false;
    pid = strtol(content, NULL, 10);
    return (pid > 1 && kill((pid_t)pid, SIGKILL) == 0) ||
           error_set(err, ERROR_INTERNAL, "%s: no process to kill", path);
}

bool patroni_kill_primary(struct patroni *patroni, struct error *err)
{
    if (!find_primary(patroni, &patroni->killed, err))
        return false;
    process_kill(&patroni->hosts[patroni->killed]); /* first, or it would start PostgreSQL again */
    return kill_postmaster(patroni, patroni->killed, err);
}

bool patroni_start_again(struct patroni *patroni, struct error *err)
{
    return start_host(patroni, patroni->killed, err) &&
           process_wait_line(patroni->hosts[patroni->killed], "a secondary, and following", START_MS, err) &&
           wait_for_standbys(patroni, err);
}

bool patroni_switch_over(struct patroni *patroni, struct error *err)
{
    AUTO(text_free) char *config = path_of(patroni, "patroni.yml", 0);

    return run((const char *[]){ "/usr/bin/patronictl", "-c", config, "switchover", "--force", NULL }, err);
}
