#include "support/site.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_TIMEOUT_MS = 120000, READY_TIMEOUT_MS = 180000, WORDS_MAX = 16, ARGUMENTS_MAX = 64 };

#define DNS_SUFFIX      "site.example.com"
#define PATH_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-"

char *site_path(const struct site *site, const char *name)
{
    return workplace_path(&site->place, name);
}

char *site_program(const struct site *site, const char *name)
{
    bool daemon = strncmp(name, "site-server/", 12) == 0 || strncmp(name, "service-point/", 14) == 0;

    return text_format("%s/%s", daemon && site->daemons ? site->daemons : site->programs, name);
}

/* We are OUTPUT/tests/..., the programs are OUTPUT/site-server/... */
static bool find_programs(struct site *site, struct error *err)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *tests = NULL;

    path[length > 0 ? length : 0] = '\0';
    for (char *at = path; (at = strstr(at, "/tests/")); at++)
        tests = at;
    if (!tests)
        return error_set(err, ERROR_INTERNAL, "%s is not in a build directory's tests/; start it from there",
                         path);
    *tests = '\0';
    site->programs = text_copy(path);
    return true;
}

/* ---- commands ---- */

static bool run_program(const struct site *site, char **output, const char *program,
                        const char *const *arguments, struct error *err)
{
    AUTO(text_free) char *path = site_program(site, program);
    AUTO(command_result_clear) struct command_result result = { 0 };
    const char *argv[ARGUMENTS_MAX] = { path };

    for (size_t i = 0; arguments[i] && i + 2 < COUNT_OF(argv); i++)
        argv[i + 1] = arguments[i];
    if (!command_run(&result, NULL, COMMAND_TIMEOUT_MS, argv, err))
        return false;
    if (result.exit_status != 0)
        return error_set(err, ERROR_INTERNAL, "%s %s: exit status %d: %s", program, arguments[0],
                         result.exit_status, result.errors);
    if (output)
        *output = TAKE(result.output);
    return true;
}

bool site_amtctl_result(struct site *site, struct command_result *result, const char *input,
                        const char *const *words, struct error *err)
{
    AUTO(text_free) char *path = site_program(site, "site-server/amtctl");
    const char *argv[ARGUMENTS_MAX] = { path, "--database", site->operator_url, "--key-file",
                                        site->secret_key_path };
    size_t count = 5;

    for (size_t i = 0; words[i] && count + 1 < COUNT_OF(argv); i++)
        argv[count++] = words[i];
    return command_run(result, input, COMMAND_TIMEOUT_MS, argv, err);
}

bool site_amtctl(struct site *site, char **output, struct error *err, const char *word, ...)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    const char *words[WORDS_MAX + 1] = { word };
    va_list arguments;

    va_start(arguments, word);
    for (size_t i = 1; i < WORDS_MAX && (words[i] = va_arg(arguments, const char *)); i++)
        continue;
    va_end(arguments);
    if (!site_amtctl_result(site, &result, NULL, words, err))
        return false;
    if (result.exit_status != 0)
        return error_set(err, ERROR_INTERNAL, "amtctl %s %s: exit status %d: %s%s", word,
                         words[1] ? words[1] : "", result.exit_status, result.errors, result.output);
    if (output)
        *output = TAKE(result.output);
    return true;
}

/* ---- configuration files ---- */

static bool write_config(const char *path, const char *content, const char *const *settings,
                         struct error *err)
{
    AUTO(text_free) char *text = text_copy(content);

    for (size_t i = 0; settings && settings[i]; i++) {
        AUTO(text_free) char *before = TAKE(text);

        text = text_format("%s%s\n", before, settings[i]);
    }
    return file_write(path, text, 0600, err);
}

/* A later setting of a file wins nothing: what a caller sets must not stand in the part that we write. */
static bool write_server_config(struct site *site, const char *path, const char *key_name,
                                const char *endpoint, const struct site_options *options, struct error *err)
{
    AUTO(text_free) char *key = site_path(site, key_name);
    /* Former programs may know no agents, and two servers cannot share an address. */
    bool hears_agents = !site->daemons && endpoint == site->endpoint;
    AUTO(text_free)
    char *agents =
        hears_agents ? text_format("agents.endpoint = %s\n", site->agents_endpoint) : text_copy("");
    AUTO(text_free)
    char *content = text_format("queue.endpoint = %s\n%squeue.key_file = %s\ndatabase.url = %s\n"
                                "secret.key_file = %s\n",
                                endpoint, agents, key, site->server_url, site->secret_key_path);

    return write_config(path, content, options->server_settings, err);
}

static bool write_server_configs(struct site *site, const struct site_options *options, struct error *err)
{
    struct site_options second = *options;

    if (options->second_settings)
        second.server_settings = options->second_settings;
    return write_server_config(site, site->server_config_path, "site-server.key", site->endpoint, options,
                               err) &&
           (!options->second_server ||
            write_server_config(site, site->second.config_path, "site-server-2.key", site->second.endpoint,
                                &second, err));
}

static bool write_point_config(struct site *site, struct site_point *point, const char *key_path,
                               const struct site_options *options, struct error *err)
{
    AUTO(text_free)
    char *content = text_format(
        "point.name = %s\nsite.endpoint = %s%s%s %s\nsite.public_key = %s\nqueue.key_file = %s\n"
        "hello.listen = %s\nprovisioning.certificates = %s\n",
        point->name, site->endpoint, options->second_server ? ", " : "",
        options->second_server ? site->second.endpoint : "", options->second_server ? site->second.key : "",
        site->site_key, key_path, point->hello_address, site->provisioning.path);

    return write_config(point->config_path, content, options->point_settings, err);
}

/* ---- database ---- */

/*
 * PostgreSQL refuses to run as root, so as root the cluster belongs to the user postgres, who may not be
 * able to reach our directory (a checkout under /root); then it is put under /tmp.
 */
static char *cluster_directory(const struct site *site)
{
    AUTO(text_free) char *here = site_path(site, "postgres");
    struct stat status;
    bool reachable = strlen(here) < 80; /* room for the socket's name in sun_path */

    for (char *slash = here + 1; geteuid() == 0 && reachable && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        reachable = stat(here, &status) == 0 && (status.st_mode & S_IXOTH);
        *slash = '/';
    }
    return reachable ? TAKE(here) : text_format("/tmp/amt-postgres-%u", site->place.block);
}

char *site_url(const struct site *site, const char *role)
{
    return text_format("postgresql://%s@/amt?host=%s", role, site->cluster_path);
}

static bool start_cluster(struct site *site, struct error *err)
{
    site->cluster_path = cluster_directory(site);
    directory_remove(site->cluster_path);
    return postgres_start(&site->postgres, site->cluster_path, err);
}

static bool start_database(struct site *site, const struct site_options *options, struct error *err)
{
    if (options->cluster)
        site->cluster_path = text_copy(options->cluster);
    else if (!start_cluster(site, err))
        return false;
    site->database_url = site_url(site, "postgres");
    site->server_url = site_url(site, "site_server");
    site->operator_url = site_url(site, "operator");
    return sql_open(&site->sql, site->database_url, err);
}

/* The schema's group roles get the members that README tells an administrator to make. */
static bool make_roles(struct site *site, struct error *err)
{
    static const char *const statements[] = {
        "CREATE ROLE site_server LOGIN IN ROLE amt_site_server",
        "CREATE ROLE operator LOGIN IN ROLE amt_administrator",
        "CREATE ROLE reader LOGIN IN ROLE amt_reader",
    };

    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        AUTO(text_free) char *nothing = NULL;

        if (!sql_text(site->sql, &nothing, err, statements[i], NULL))
            return false;
    }
    return true;
}

bool site_migrate(struct site *site, struct error *err)
{
    AUTO(text_free) char *setting = text_format("database.url=%s", site->database_url);

    return run_program(
        site, NULL, "site-server/amt-site-server",
        (const char *[]){ "--config", site->server_config_path, "--set", setting, "--migrate", NULL }, err);
}

/* ---- keys and trust ---- */

static bool create_key(struct site *site, const char *program, const char *path, char public_key[41],
                       struct error *err)
{
    AUTO(text_free) char *printed = NULL;

    if (!run_program(site, &printed, program, (const char *[]){ "--create-key", path, NULL }, err))
        return false;
    if (strcspn(printed, "\n") != 40)
        return error_set(err, ERROR_PROTOCOL, "%s --create-key printed \"%s\" instead of a public key",
                         program, printed);
    memcpy(public_key, printed, 40);
    public_key[40] = '\0';
    return true;
}

static bool write_issuer(struct site *site, struct error *err)
{
    AUTO(text_free) char *pem = NULL;

    return site_amtctl(site, NULL, err, "ca", "init", NULL) &&
           site_amtctl(site, &pem, err, "ca", "show", "--pem", NULL) &&
           file_write(site->issuer_path, pem, 0644, err);
}

/* ---- service points ---- */

static bool choose_hello_address(struct site *site, size_t index, const struct site_options *options,
                                 char **address, struct error *err)
{
    uint16_t port = options->hello_port;

    if (!options->hello_host) {
        *address = text_format("127.%u.0.%zu:9971", site->place.block, 2 + index);
        return true;
    }
    if ((index > 0 || port == 0) && !loopback_free_port(options->hello_host, &port, err))
        return false;
    *address = text_format("%s:%u", options->hello_host, port);
    return true;
}

static bool prepare_point(struct site *site, const struct site_options *options, struct error *err)
{
    size_t index = site->point_count;
    struct site_point *point = &site->points[index];
    AUTO(text_free) char *name = text_format("service-point-%zu", index + 1);
    AUTO(text_free) char *key_name = text_format("%s.key", name);
    AUTO(text_free) char *key_path = site_path(site, key_name);
    AUTO(text_free) char *config_name = text_format("%s.conf", name);
    AUTO(text_free) char *log_name = text_format("%s.log", name);
    char key[41];

    point->config_path = site_path(site, config_name);
    point->log_path = site_path(site, log_name);
    point->name = TAKE(name);
    site->point_count++;
    return create_key(site, "service-point/amt-service-point", key_path, key, err) &&
           choose_hello_address(site, index, options, &point->hello_address, err) &&
           write_point_config(site, point, key_path, options, err) &&
           site_amtctl(site, NULL, err, "service-point", "approve", "--name", point->name, "--", key, NULL);
}

static bool prepare_points(struct site *site, const struct site_options *options, struct error *err)
{
    unsigned count = options->service_points ? options->service_points : 1;

    if (count > SITE_POINTS_MAX)
        return error_set(err, ERROR_INPUT, "%u service points are asked for; at most %d are possible", count,
                         SITE_POINTS_MAX);
    while (site->point_count < count) {
        if (!prepare_point(site, options, err))
            return false;
    }
    return true;
}

bool site_start_point(struct site *site, size_t index, struct error *err)
{
    AUTO(text_free) char *program = site_program(site, "service-point/amt-service-point");
    struct site_point *point = &site->points[index];

    return process_start(&point->process, point->log_path,
                         (const char *[]){ program, "--config", point->config_path, NULL }, err) &&
           process_wait_line(point->process, "event=\"welcome", READY_TIMEOUT_MS, err);
}

static bool start_points(struct site *site, struct error *err)
{
    for (size_t i = 0; i < site->point_count; i++) {
        if (!site_start_point(site, i, err))
            return false;
    }
    return true;
}

/* ---- site server and simulator ---- */

bool site_start_server(struct site *site, struct error *err)
{
    AUTO(text_free) char *program = site_program(site, "site-server/amt-site-server");

    return process_start(&site->server, site->server_log_path,
                         (const char *[]){ program, "--config", site->server_config_path, NULL }, err) &&
           process_wait_line(site->server, "event=\"ready", READY_TIMEOUT_MS, err);
}

bool site_start_second_server(struct site *site, struct error *err)
{
    AUTO(text_free) char *program = site_program(site, "site-server/amt-site-server");
    struct site_server *second = &site->second;

    return process_start(&second->process, second->log_path,
                         (const char *[]){ program, "--config", second->config_path, NULL }, err) &&
           process_wait_line(second->process, "event=\"ready", READY_TIMEOUT_MS, err);
}

bool site_start_simulator(struct site *site, const struct site_options *options, struct error *err)
{
    AUTO(text_free) char *program = site_program(site, "tests/amt-simulator");
    AUTO(text_free) char *fleet = site_path(site, "fleet");
    AUTO(text_free) char *control = site_path(site, "simulator.socket");
    AUTO(text_free) char *log = site_path(site, "simulator.log");
    const char *argv[ARGUMENTS_MAX] = {
        program, "--fleet", fleet, "--control", control, "--hello", site->points[0].hello_address
    };
    size_t count = 7;

    if (options->host_side) {
        text_set(&site->devices, NULL);
        argv[count++] = "--mei";
        argv[count++] = site->devices = site_path(site, "mei");
    }
    for (size_t i = 0; options->simulator_options && options->simulator_options[i]; i++)
        argv[count++] = options->simulator_options[i];
    return file_write(fleet, options->fleet ? options->fleet : "", 0600, err) &&
           simulator_start(&site->simulator, log, control, argv, err);
}

static bool make_certificate(struct site *site, const struct site_options *options, struct error *err)
{
    struct certificate_recipe recipe = options->certificate;
    AUTO(text_free) char *prefix = site_path(site, "provisioning");

    if (!recipe.common_name)
        recipe.common_name = "provisioning." DNS_SUFFIX;
    return certificate_make(&site->provisioning, prefix, &recipe, err);
}

static bool open_place(struct site *site, const struct site_options *options, struct error *err)
{
    AUTO(text_free) char *usual = site_program(site, options->name ? options->name : "site");

    if (!workplace_open(&site->place, options->directory ? options->directory : usual,
                        options->exact_directory, err))
        return false;
    /* The path stands in URLs, configuration files and shell variables. */
    if (site->place.directory[strspn(site->place.directory, PATH_CHARACTERS)])
        return error_set(err, ERROR_INPUT,
                         "%s: only letters, digits and / . _ + - may stand in the path; use another",
                         site->place.directory);
    site->daemons = options->daemons ? text_copy(options->daemons) : NULL;
    site->dns_suffix = DNS_SUFFIX;
    site->endpoint = text_format("tcp://127.%u.0.1:5671", site->place.block);
    site->agents_endpoint = text_format("tcp://127.%u.0.1:5672", site->place.block);
    site->secret_key_path = site_path(site, "secret.keys");
    site->issuer_path = site_path(site, "issuer.pem");
    site->server_config_path = site_path(site, "site-server.conf");
    site->server_log_path = site_path(site, "site-server.log");
    site->second =
        (struct site_server){ .config_path = site_path(site, "site-server-2.conf"),
                              .log_path = site_path(site, "site-server-2.log"),
                              .endpoint = text_format("tcp://127.%u.0.1:5673", site->place.block) };
    return true;
}

static bool make_site_keys(struct site *site, const struct site_options *options, struct error *err)
{
    AUTO(text_free) char *key_path = site_path(site, "site-server.key");
    AUTO(text_free) char *second_path = site_path(site, "site-server-2.key");

    return (!options->second_server ||
            create_key(site, "site-server/amt-site-server", second_path, site->second.key, err)) &&
           create_key(site, "site-server/amt-site-server", key_path, site->site_key, err) &&
           run_program(site, NULL, "site-server/amtctl",
                       (const char *[]){ "secret", "init", site->secret_key_path, NULL }, err);
}

bool site_start(struct site **site, const struct site_options *options, struct error *err)
{
    AUTO(site_stop) struct site *starting = allocate(sizeof(*starting));

    if (!find_programs(starting, err) || !open_place(starting, options, err) ||
        !make_certificate(starting, options, err) || !start_database(starting, options, err) ||
        !make_site_keys(starting, options, err) || !write_server_configs(starting, options, err) ||
        !site_migrate(starting, err) || !make_roles(starting, err) || !write_issuer(starting, err) ||
        !prepare_points(starting, options, err) || !site_start_server(starting, err) ||
        (options->second_server && !site_start_second_server(starting, err)) ||
        (!options->without_points && !start_points(starting, err)) ||
        (!options->without_simulator && !site_start_simulator(starting, options, err)))
        return error_during(err, "starting a site in %s",
                            starting->place.directory ? starting->place.directory : "its directory");
    *site = TAKE(starting);
    return true;
}

static void point_clear(struct site_point *point)
{
    text_free(&point->name);
    text_free(&point->config_path);
    text_free(&point->log_path);
    text_free(&point->hello_address);
}

/* In the order in which nobody misses the one that is gone. */
static bool stop_programs(struct site *site)
{
    bool in_order = true;

    simulator_stop(&site->simulator);
    for (size_t i = 0; i < site->point_count; i++)
        in_order &= process_stop(&site->points[i].process);
    in_order &= process_stop(&site->server);
    in_order &= process_stop(&site->second.process);
    sql_close(&site->sql);
    postgres_stop(&site->postgres);
    return in_order;
}

bool site_stop(struct site **site)
{
    struct site *stopping = TAKE(*site);
    bool in_order, own_cluster;

    if (!stopping)
        return true;
    own_cluster = stopping->postgres != NULL;
    in_order = stop_programs(stopping);
    if (own_cluster)
        directory_remove(stopping->cluster_path);
    for (size_t i = 0; i < stopping->point_count; i++)
        point_clear(&stopping->points[i]);
    certificate_clear(&stopping->provisioning);
    workplace_close(&stopping->place);
    text_free(&stopping->cluster_path);
    text_free(&stopping->programs);
    text_free(&stopping->daemons);
    text_free(&stopping->database_url);
    text_free(&stopping->server_url);
    text_free(&stopping->operator_url);
    text_free(&stopping->secret_key_path);
    text_free(&stopping->issuer_path);
    text_free(&stopping->server_config_path);
    text_free(&stopping->server_log_path);
    text_free(&stopping->devices);
    text_free(&stopping->endpoint);
    text_free(&stopping->second.config_path);
    text_free(&stopping->second.log_path);
    text_free(&stopping->second.endpoint);
    text_free(&stopping->agents_endpoint);
    free(stopping);
    return in_order;
}
