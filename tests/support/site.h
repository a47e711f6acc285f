/*
 * site.h - a whole site under one directory: PostgreSQL, site server, service points, simulated computers.
 *
 * Everything is set up as an operator would do it, through the programs' own commands: keys by
 * --create-key and `amtctl secret init`, schema by --migrate, issuer by `amtctl ca init`, service points
 * by `amtctl service-point approve`. The programs connect to the database in roles of their own, with no
 * more rights than README gives them; the harness reads as superuser.
 */
#ifndef TESTS_SUPPORT_SITE_H
#define TESTS_SUPPORT_SITE_H

#include "support/certificate_maker.h"
#include "support/postgres.h"
#include "support/simulator.h"
#include "support/sql.h"
#include "support/workplace.h"

enum { SITE_POINTS_MAX = 16, SITE_WAIT_MS = 60000 };

struct site_options {        /* zero-initialise: every field has a default */
    const char *name;        /* of the directory, beside the programs; default: "site" */
    const char *directory;   /* default: that one */
    bool exact_directory;    /* fail rather than take DIRECTORY-2 when it is in use */
    const char *hello_host;  /* where the service points listen; default: an address of our own block */
    uint16_t hello_port;     /* of the first service point; 0: 9971 on an own address, else a free one */
    unsigned service_points; /* default 1 */
    const char *const *server_settings; /* "key=value", NULL-terminated */
    const char *const *point_settings;
    const char *const *second_settings; /* of the second server; default: the same */
    bool second_server; /* beside the first one, on the same database, with a key of its own */
    const char
        *daemons; /* a build's output directory whose daemons and amtctl are started; default: our own */
    /* Hosts of a cluster with the empty database "amt" that somebody else runs, as they stand in a connection
     * string, with what follows them there; default: a private cluster. */
    const char *cluster;
    bool without_points; /* approved and configured, not started: site_start_point() does */
    bool without_simulator;
    bool host_side;    /* the computers have MEI devices, in site->devices */
    const char *fleet; /* fleet file's content for the simulator; default: no computers yet */
    const char *const *simulator_options;  /* as typed, NULL-terminated */
    struct certificate_recipe certificate; /* common_name NULL: provisioning.<suffix> */
};

struct site_point {
    char *name, *config_path, *log_path, *hello_address; /* host:port */
    struct process *process;                             /* NULL while it is not running */
};

struct site_server { /* beside the first one */
    char *config_path, *log_path, *endpoint;
    char key[41];
    struct process *process; /* NULL while it is not running */
};

struct site {
    struct workplace place;
    char *programs; /* the build's output directory */
    char *daemons;  /* another build's, of the daemons and amtctl; NULL: ours */
    const char *dns_suffix;
    struct postgres *postgres;
    char *cluster_path;
    char *database_url;              /* as superuser */
    char *server_url, *operator_url; /* in the roles of site server and operator */
    struct provisioning_certificate provisioning;
    char *secret_key_path, *issuer_path, *server_config_path, *server_log_path;
    char *endpoint, *agents_endpoint;
    char site_key[41]; /* Z85, public */
    char *devices;     /* directory: UUID of a computer -> its MEI device; NULL: none */
    struct process *server;
    struct site_server second; /* with second_server */
    struct site_point points[SITE_POINTS_MAX];
    size_t point_count;
    struct simulator *simulator;
    struct sql *sql;
};

/* On true the caller owns *site and ends it with site_stop(). */
bool site_start(struct site **site, const struct site_options *options, struct error *err) MUST_CHECK;
/* Accepts NULL and what is half built; leaves the files. False when a daemon did not end with exit status 0.
 */
bool site_stop(struct site **site);

bool site_start_server(struct site *site, struct error *err) MUST_CHECK;
/* --migrate with the current daemons. */
bool site_migrate(struct site *site, struct error *err) MUST_CHECK;
bool site_start_second_server(struct site *site, struct error *err) MUST_CHECK;
/* Starts point number index and waits until the site server has welcomed it. */
bool site_start_point(struct site *site, size_t index, struct error *err) MUST_CHECK;

/* Takes fleet and simulator_options of the options; returns when every computer listens. */
bool site_start_simulator(struct site *site, const struct site_options *options,
                          struct error *err) MUST_CHECK;

/* amtctl with these words (NULL-terminated), in the operator's role. False when its exit status is not 0;
 * *output (may be NULL) is what it printed on standard output, the caller's. */
bool site_amtctl(struct site *site, char **output, struct error *err, const char *word, ...)
    __attribute__((sentinel)) MUST_CHECK;
/* The same without judging the exit status; input may be NULL. */
bool site_amtctl_result(struct site *site, struct command_result *result, const char *input,
                        const char *const *words, struct error *err) MUST_CHECK;

/* A file under the site's directory; the caller frees. */
char *site_path(const struct site *site, const char *name);
/* Connects to the database as postgres (superuser), site_server, operator or reader; nothing in it that a
 * shell would take for its own. The caller frees. */
char *site_url(const struct site *site, const char *role);
/* A program of the build, "site-server/amtctl"; the caller frees. */
char *site_program(const struct site *site, const char *name);

#endif
