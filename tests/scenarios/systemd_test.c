/*
 * systemd_test.c - the packages under a real systemd: the units start, serve a computer with all that is
 * forbidden to them, are restarted when they hang, and stop. Needs root and namespaces; passed over without.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/version.h"
#include "support/expect.h"
#include "support/notices.h"

struct booted {
    struct site *site;
    struct notices *notices;
    struct process *systemd;
    char process[16]; /* of systemd, as we see it; "": it could not be booted here */
};

/* A command inside; the caller frees what it printed. */
static char *inside(const struct booted *booted, const char *command)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(command_run(&result, NULL, SITE_WAIT_MS,
                     (const char *[]){ "/usr/bin/nsenter", "-t", booted->process, "-m", "-p", "-C", "-u",
                                       "-i", "/bin/sh", "-c", command, NULL },
                     &err));
    if (result.exit_status != 0)
        fail_msg("%s: %s%s", command, result.output, result.errors);
    result.output[strcspn(result.output, "\n")] = '\0';
    return TAKE(result.output);
}

static void do_inside(const struct booted *booted, const char *command)
{
    free(inside(booted, command));
}

static char *property(const struct booted *booted, const char *unit, const char *name)
{
    AUTO(text_free) char *command = text_format("systemctl show --value -p %s %s", name, unit);

    return inside(booted, command);
}

static void expect_property(const struct booted *booted, const char *unit, const char *name,
                            const char *wanted)
{
    AUTO(text_free) char *value = property(booted, unit, name);

    if (strcmp(value, wanted) != 0)
        fail_msg("%s of %s is \"%s\" instead of \"%s\"", name, unit, value, wanted);
}

#define skip_unless_booted(booted)                                                                           \
    do {                                                                                                     \
        if (!*(booted)->process)                                                                             \
            skip();                                                                                          \
    } while (0)

/* Type=notify: start returns once the daemon has said that it is ready. */
static void start_units(const struct booted *booted)
{
    AUTO(text_free)
    char *refused =
        inside(booted, "systemctl start amt-site-server amt-service-point >/dev/null 2>&1 ||"
                       " journalctl --no-pager -n 20 -o cat -u amt-site-server -u amt-service-point |"
                       " tr '\\n' ' '");

    if (*refused)
        fail_msg("not started: %s", refused);
}

static void units_start_and_a_computer_is_provisioned_by_them(void **state)
{
    struct booted *booted = *state;
    struct computer computer;

    skip_unless_booted(booted);
    start_units(booted);
    expect_sql(booted->site, "t", "SELECT bool_or(alive) FROM amt.site_server");
    expect_sql(booted->site, "t", "SELECT bool_or(connected) FROM amt.service_point");
    scenario_computer(booted->site, &computer, 0, "16.1", "hello=manual");
    say_hello(booted->site, &computer);
    expect_provisioned(booted->site, &computer);
}

static void limits_and_hardening_are_in_force(void **state)
{
    struct booted *booted = *state;
    AUTO(text_free) char *secrets = NULL;

    skip_unless_booted(booted);
    secrets = inside(
        booted,
        "for unit in amt-site-server amt-service-point; do"
        " egrep '^(NoNewPrivs|Seccomp|CapEff):' /proc/$(systemctl show --value -p MainPID $unit)/status |"
        " tr -s '\\t\\n' '  '; done");
    assert_string_equal(secrets, "CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 "
                                 "CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 ");
    expect_property(booted, "amt-service-point", "TasksMax", "10300");
    expect_property(booted, "amt-service-point", "LimitNOFILE", "131072");
    expect_property(booted, "amt-service-point", "LimitCORE", "0");
}

static void the_status_says_what_they_do(void **state)
{
    struct booted *booted = *state;
    AUTO(text_free) char *server = NULL;
    AUTO(text_free) char *point = NULL;

    skip_unless_booted(booted);
    server = property(booted, "amt-site-server", "StatusText");
    point = property(booted, "amt-service-point", "StatusText");
    assert_non_null(strstr(server, "serving"));
    assert_non_null(strstr(point, "with the site at"));
}

static void restarted_after_hanging(const struct booted *booted, const char *unit)
{
    AUTO(text_free) char *command = text_format("systemctl kill --kill-whom=main -s STOP %s", unit);

    do_inside(booted, command);
    for (int64_t end_ms = clock_monotonic_ms() + SITE_WAIT_MS;;) {
        AUTO(text_free) char *restarts = property(booted, unit, "NRestarts");
        AUTO(text_free) char *active = property(booted, unit, "ActiveState");

        if (strcmp(restarts, "1") == 0 && strcmp(active, "active") == 0)
            return;
        if (clock_monotonic_ms() > end_ms)
            fail_msg("%s is %s after %s restarts", unit, active, restarts);
        wait_a_little(100);
    }
}

static void one_that_hangs_is_restarted_by_the_watchdog(void **state)
{
    struct booted *booted = *state;
    struct computer computer;

    skip_unless_booted(booted);
    restarted_after_hanging(booted, "amt-site-server");
    restarted_after_hanging(booted, "amt-service-point");
    expect_sql(booted->site, "t", "SELECT bool_or(connected) FROM amt.service_point");
    scenario_computer(booted->site, &computer, 1, "16.1", "hello=manual");
    say_hello(booted->site, &computer);
    expect_provisioned(booted->site, &computer);
}

static void they_stop_in_order_and_are_removed(void **state)
{
    static const char *const units[] = { "amt-service-point", "amt-site-server" };
    struct booted *booted = *state;

    skip_unless_booted(booted);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        AUTO(text_free) char *command = text_format("systemctl stop %s", units[i]);

        do_inside(booted, command);
        expect_property(booted, units[i], "ActiveState", "inactive");
        expect_property(booted, units[i], "Result", "success");
    }
    expect_sql(booted->site, "f", "SELECT coalesce(bool_or(alive), false) FROM amt.site_server");
    do_inside(booted, "dpkg -r amt-site-server amt-service-point amt-client-agent >/dev/null 2>&1;"
                      " ! test -e /usr/sbin/amt-site-server");
}

/* Configuration and keys as an administrator puts them. */
static bool lay_out(struct site *site, const char *etc, struct error *err)
{
    const struct site_point *point = &site->points[0];
    AUTO(text_free) char *server_path = text_format("%s/amt-site-server/site-server.conf", etc);
    AUTO(text_free) char *point_path = text_format("%s/amt-service-point/service-point.conf", etc);
    AUTO(text_free) char *server_key = site_path(site, "site-server.key");
    AUTO(text_free) char *point_key = site_path(site, "service-point-1.key");
    AUTO(text_free)
    char *server =
        text_format("queue.endpoint = %s\ndatabase.url = postgresql://site_server@/amt?host=/srv/database\n"
                    "queue.heartbeat = 1s\n",
                    site->endpoint);
    AUTO(text_free)
    char *service_point =
        text_format("point.name = %s\nsite.endpoint = %s\nsite.public_key = %s\nhello.listen = %s\n"
                    "provisioning.certificates = /etc/amt-service-point/provisioning.pem\n",
                    point->name, site->endpoint, site->site_key, point->hello_address);
    AUTO(text_free)
    char *command =
        text_format("rm -rf %1$s; umask 077; mkdir -p %1$s/amt-site-server %1$s/amt-service-point; cp %2$s "
                    "%1$s/amt-site-server/curve.key;"
                    " cp %3$s %1$s/amt-site-server/secret.keys; cp %4$s %1$s/amt-service-point/curve.key;"
                    " cp %5$s %1$s/amt-service-point/provisioning.pem; umask 022; for unit in "
                    "amt-site-server amt-service-point; do"
                    " mkdir -p %1$s/systemd/system/$unit.service.d;"
                    " printf '[Service]\\nWatchdogSec=3\\nTimeoutAbortSec=1\\n' "
                    ">%1$s/systemd/system/$unit.service.d/watchdog.conf; done",
                    etc, server_key, site->secret_key_path, point_key, site->provisioning.path);
    AUTO(command_result_clear) struct command_result result = { 0 };

    return command_run(&result, NULL, SITE_WAIT_MS, (const char *[]){ "/bin/sh", "-euc", command, NULL },
                       err) &&
           file_write(server_path, server, 0600, err) && file_write(point_path, service_point, 0600, err);
}

static char *package_path(const struct site *site, const char *package)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    must(command_run(&result, NULL, SITE_WAIT_MS,
                     (const char *[]){ "/usr/bin/dpkg", "--print-architecture", NULL }, &err));
    result.output[strcspn(result.output, "\n")] = '\0';
    return text_format("%s/packages/%s_" PRODUCT_VERSION "_%s.deb", site->programs, package, result.output);
}

/* False when it cannot be done on this machine. */
static bool boot(struct booted *booted, const char *etc, struct error *err)
{
    struct site *site = booted->site;
    AUTO(text_free) char *log = site_path(site, "systemd.log");
    AUTO(text_free) char *socket = text_format("%s/.s.PGSQL.5432", site->cluster_path);
    AUTO(text_free) char *server = package_path(site, "amt-site-server");
    AUTO(text_free) char *point = package_path(site, "amt-service-point");
    AUTO(text_free) char *agent = package_path(site, "amt-client-agent");
    AUTO(text_free) char *said = NULL;
    const char *at;

    if (!process_start(&booted->systemd, log,
                       (const char *[]){ "tests/boot-systemd", etc, socket, server, point, agent, NULL },
                       err) ||
        !process_wait_line(booted->systemd, "systemd is process", SITE_WAIT_MS, err) ||
        !file_read(log, &said, NULL, err))
        return false;
    at = strstr(said, "systemd is process ") + strlen("systemd is process ");
    snprintf(booted->process, sizeof(booted->process), "%.*s", (int)strspn(at, "0123456789"), at);
    return notices_wait(booted->notices, (pid_t)atoi(booted->process), "READY=1", NULL, SITE_WAIT_MS, err);
}

static int begin(void **state)
{
    struct booted *booted = allocate(sizeof(*booted));
    AUTO(text_free) char *etc = NULL;
    struct error err = { 0 };

    *state = booted;
    if (scenario_begin((void **)&booted->site, &(const struct site_options){ .name = "systemd" }) != 0)
        return -1;
    if (!process_stop(&booted->site->points[0].process) || !process_stop(&booted->site->server))
        return -1;
    etc = site_path(booted->site, "etc");
    must(lay_out(booted->site, etc, &err));
    must(notices_open(&booted->notices, 0, &err));
    if (boot(booted, etc, &err))
        return 0;
    if (*booted->process)
        return -1;
    print_message("no systemd can be booted here: %s\n", err.message);
    return 0;
}

static int end(void **state)
{
    struct booted *booted = *state;
    int ended;

    if (*booted->process)
        kill((pid_t)atoi(booted->process), SIGKILL);
    if (booted->systemd)
        process_stop(&booted->systemd);
    notices_close(&booted->notices);
    ended = scenario_end((void **)&booted->site);
    free(booted);
    return ended;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_start_and_a_computer_is_provisioned_by_them),
        cmocka_unit_test(limits_and_hardening_are_in_force),
        cmocka_unit_test(the_status_says_what_they_do),
        cmocka_unit_test(one_that_hangs_is_restarted_by_the_watchdog),
        cmocka_unit_test(they_stop_in_order_and_are_removed),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
