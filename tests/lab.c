/*
 * lab.c - `make lab`: a site without computers, in the foreground until it is interrupted.
 *
 * Any AMT device or simulator can be pointed at it. Environment: LAB_DIR (default build/lab),
 * LAB_HELLO_PORT (default: a free one), LAB_SERVICE_POINTS (default 1), LAB_DIRECTORY=1: with a private
 * Active Directory domain (needs root).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "support/domain.h"
#include "support/site.h"

enum { RESTART_MS = 20000, CHECK_MS = 1000 };

static bool number_from_environment(const char *name, unsigned least, unsigned most, unsigned *number,
                                    struct error *err)
{
    const char *text = getenv(name);
    unsigned long parsed;
    char *end;

    if (!text || !*text)
        return true;
    errno = 0;
    parsed = strtoul(text, &end, 10);
    if (*end || errno || parsed < least || parsed > most)
        return error_set(err, ERROR_INPUT, "%s=%s is not a number from %u to %u", name, text, least, most);
    *number = (unsigned)parsed;
    return true;
}

static bool read_environment(struct site_options *options, struct error *err)
{
    const char *directory = getenv("LAB_DIR");
    unsigned port = 0;

    options->exact_directory = directory && *directory;
    if (options->exact_directory)
        options->directory = directory;
    if (!number_from_environment("LAB_SERVICE_POINTS", 1, SITE_POINTS_MAX, &options->service_points, err) ||
        !number_from_environment("LAB_HELLO_PORT", 1, 65535, &port, err))
        return false;
    options->hello_port = (uint16_t)port;
    return true;
}

/* AMTCTL is a command without options, which works in every shell and without one. The database is reached
 * as superuser: whoever runs the lab owns it. */
static bool write_command(const struct site *site, const char *path, struct error *err)
{
    AUTO(text_free) char *program = site_program(site, "site-server/amtctl");
    AUTO(text_free)
    char *script = text_format("#!/bin/sh\nexec '%s' --database '%s' --key-file '%s' \"$@\"\n", program,
                               site->database_url, site->secret_key_path);

    return file_write(path, script, 0755, err);
}

static bool wants_domain(void)
{
    const char *wish = getenv("LAB_DIRECTORY");

    return wish && *wish && strcmp(wish, "0") != 0;
}

/* The domain, and a profile whose directory users are the members of its group of operators. */
static bool write_default_profile(struct site *site, struct error *err)
{
    AUTO(text_free) char *path = site_path(site, "default.profile");

    return file_write(path, "user " DOMAIN_NETBIOS "\\" DOMAIN_OPERATORS " = network: general-info\n", 0600,
                      err) &&
           site_amtctl(site, NULL, err, "profile", "set", "default", path, NULL);
}

/* Empty without a domain. */
static char *domain_variables(const struct domain *domain)
{
    if (!domain)
        return text_copy("");
    return text_format("KRB5_CONFIG=%s\nAMT_REALM=" DOMAIN_REALM "\nAMT_DOMAIN_CONTROLLER=%s\n"
                       "AMT_DOMAIN_CA_PEM=%s\nAMT_DOMAIN_PASSWORD=" DOMAIN_PASSWORD "\n"
                       "AMT_DOMAIN_MEMBER=alice\nAMT_DOMAIN_OUTSIDER=mallory\n",
                       domain->krb5_config_path, domain->address, domain->authority_path);
}

/* Configuration of an agent but for what is its computer's own: device, key and token. */
static bool write_agent_config(const struct site *site, const char *path, struct error *err)
{
    AUTO(text_free)
    char *text =
        text_format("site.endpoint = %s\nsite.public_key = %s\n", site->agents_endpoint, site->site_key);

    return file_write(path, text, 0644, err);
}

static bool write_environment(const struct site *site, const struct domain *domain, struct error *err)
{
    AUTO(text_free) char *path = site_path(site, "env");
    AUTO(text_free) char *command = site_path(site, "amtctl");
    AUTO(text_free) char *directory = domain_variables(domain);
    AUTO(text_free) char *agent = site_program(site, "client-agent/amt-client-agent");
    AUTO(text_free) char *agent_config = site_path(site, "client-agent.conf");
    AUTO(text_free) char *addresses = NULL;
    AUTO(text_free) char *text = NULL;
    size_t length = 0;
    FILE *list = open_memstream(&addresses, &length);

    for (size_t i = 0; i < site->point_count; i++)
        fprintf(list, "%s%s", i ? "," : "", site->points[i].hello_address);
    fclose(list);
    text = text_format("AMT_DATABASE_URL=%s\nAMT_HELLO_ADDRESS=%s\nAMT_HELLO_ADDRESSES=%s\n"
                       "AMT_PROVISIONING_ROOT_PEM=%s\nAMT_DNS_SUFFIX=%s\nAMT_ISSUER_PEM=%s\n"
                       "AMT_SECRET_KEY_FILE=%s\nAMT_SITE_CONFIG=%s\nAMTCTL=%s\nAMT_AGENTS_ENDPOINT=%s\n"
                       "AMT_SITE_PUBLIC_KEY='%s'\nAMT_CLIENT_AGENT=%s\nAMT_CLIENT_AGENT_CONF=%s\n%s",
                       site->database_url, site->points[0].hello_address, addresses,
                       site->provisioning.root_path, site->dns_suffix, site->issuer_path,
                       site->secret_key_path, site->server_config_path, command, site->agents_endpoint,
                       site->site_key, agent, agent_config, directory);
    return write_command(site, command, err) && write_agent_config(site, agent_config, err) &&
           file_write(path, text, 0644, err);
}

/* As a service manager would, but late enough for somebody to look what the others do meanwhile. */
static void wait_before_restart(const char *name, const char *log_path)
{
    int64_t due_ms = clock_monotonic_ms() + RESTART_MS;

    printf("%s ended, see %s; it is started again in %d s\n", name, log_path, RESTART_MS / 1000);
    fflush(stdout);
    while (!interrupted() && clock_monotonic_ms() < due_ms)
        wait_a_little(CHECK_MS);
}

static bool tell_back(const char *name)
{
    printf("%s is back\n", name);
    return fflush(stdout) == 0;
}

static bool keep_server(struct site *site, struct error *err)
{
    if (process_running(site->server))
        return true;
    wait_before_restart("the site server", site->server_log_path);
    process_kill(&site->server);
    return interrupted() || (site_start_server(site, err) && tell_back("the site server"));
}

static bool keep_point(struct site *site, size_t index, struct error *err)
{
    struct site_point *point = &site->points[index];

    if (process_running(point->process))
        return true;
    wait_before_restart(point->name, point->log_path);
    process_kill(&point->process);
    /* It waits to be welcomed. */
    return interrupted() ||
           (keep_server(site, err) && site_start_point(site, index, err) && tell_back(point->name));
}

/* Until Ctrl-C, or until a program of the site does not start again. */
static bool stay(struct site *site, struct error *err)
{
    while (!interrupted()) {
        if (!keep_server(site, err))
            return false;
        for (size_t i = 0; i < site->point_count; i++) {
            if (!keep_point(site, i, err))
                return false;
        }
        wait_a_little(CHECK_MS);
    }
    return true;
}

int main(void)
{
    AUTO(domain_stop) struct domain *domain = NULL;
    AUTO(site_stop) struct site *site = NULL;
    struct site_options options = { .name = "lab", .hello_host = "127.0.0.1", .without_simulator = true };
    const char *settings[COUNT_OF(domain->settings) + 1] = { NULL };
    struct error err = { 0 };
    bool done;

    interrupts_catch();
    done = read_environment(&options, &err) &&
           (!wants_domain() || domain_start_beside(&domain, "lab-domain", &err));
    settings[0] = "queue.heartbeat = 3s"; /* so that a silent daemon is noticed before it is started again */
    for (size_t i = 0; domain && i + 1 < COUNT_OF(domain->settings); i++)
        settings[i + 1] = domain->settings[i];
    options.server_settings = settings;
    done = done && site_start(&site, &options, &err) && (!domain || write_default_profile(site, &err)) &&
           write_environment(site, domain, &err);
    if (done) {
        printf("Hello messages go to %s; shell variables are in %s/env; Ctrl-C ends the lab\nlab ready\n",
               site->points[0].hello_address, site->place.directory);
        fflush(stdout);
        done = stay(site, &err);
    }
    if (!done && !interrupted())
        fprintf(stderr, "lab: %s\n", err.message);
    return done || interrupted() ? EXIT_SUCCESS : EXIT_FAILURE;
}
