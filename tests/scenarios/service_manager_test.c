/*
 * service_manager_test.c - what the daemons tell systemd: that they are ready, what they do, and, as long as
 * their loops turn, that they live.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"
#include "support/notices.h"

enum { WATCHDOG_MS = 1000 };

static struct notices *notices;

static void expect_notice(struct process *process, const char *beginning, const char *within)
{
    AUTO(text_free) char *text = NULL;
    struct error err = { 0 };

    do {
        text_free(&text);
        must(notices_wait(notices, process_pid(process), beginning, &text, SITE_WAIT_MS, &err));
    } while (within && !strstr(text, within));
}

static void both_daemons_say_that_they_live_what_they_do_and_that_they_stop(void **state)
{
    struct site *site = *state;
    struct site_point *point = &site->points[0];
    struct error err = { 0 };

    expect_notice(site->server, "STATUS=", "serving; 1 service points");
    expect_notice(site->server, "WATCHDOG=1", NULL);
    expect_notice(site->server, "WATCHDOG=1", NULL);
    expect_notice(point->process, "WATCHDOG=1", NULL);
    expect_notice(point->process, "WATCHDOG=1", NULL);
    process_signal(point->process, SIGTERM);
    expect_notice(point->process, "STOPPING=1", NULL);
    assert_true(process_stop(&point->process));
    notices_skip(notices);
    must(site_start_point(site, 0, &err));
    expect_notice(point->process, "READY=1", NULL);
    expect_notice(point->process, "STATUS=", site->endpoint);
}

static pid_t backend_of(struct site *site)
{
    AUTO(text_free)
    char *pid = sql_answer(
        site, "SELECT pid FROM pg_stat_activity WHERE application_name = 'amt-site-server' LIMIT 1");

    return (pid_t)strtol(pid, NULL, 10);
}

/* The database neither answers nor hangs up. Statements have their limit, so the loop does not wait for ever.
 */
static void a_database_that_stands_still_is_left_for_another_connection(void **state)
{
    struct site *site = *state;
    pid_t backend = backend_of(site);

    assert_true(backend > 0);
    assert_int_equal(kill(backend, SIGSTOP), 0);
    expect_notice(site->points[0].process, "WATCHDOG=1", NULL);
    expect_notice(site->server, "STATUS=", "database is away");
    expect_notice(site->server, "STATUS=", "serving");
    expect_notice(site->server, "WATCHDOG=1", NULL);
    assert_int_equal(kill(backend, SIGCONT), 0);
}

static void a_database_that_is_away_is_no_reason_to_be_restarted(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    must(postgres_halt(site->postgres, &err));
    expect_notice(site->server, "STATUS=", "database is away");
    expect_notice(site->server, "WATCHDOG=1", NULL);
    expect_notice(site->server, "WATCHDOG=1", NULL);
    must(postgres_resume(site->postgres, &err));
    expect_notice(site->server, "STATUS=", "serving");
}

/* A start that waits for the database is not one that hangs. */
static void a_start_without_database_asks_for_more_time(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *program = site_program(site, "site-server/amt-site-server");
    struct error err = { 0 };

    assert_true(process_stop(&site->server));
    must(postgres_halt(site->postgres, &err));
    must(process_start(&site->server, site->server_log_path,
                       (const char *[]){ program, "--config", site->server_config_path, NULL }, &err));
    expect_notice(site->server, "EXTEND_TIMEOUT_USEC=1000000", NULL);
    expect_notice(site->server, "EXTEND_TIMEOUT_USEC=1000000", NULL);
    must(postgres_resume(site->postgres, &err));
    expect_notice(site->server, "READY=1", NULL);
    expect_notice(site->server, "WATCHDOG=1", NULL);
}

static int begin(void **state)
{
    struct error err = { 0 };
    const struct site_options options = {
        .name = "service-manager",
        .without_simulator = true,
        .server_settings = (const char *const[]){ "queue.heartbeat = 1s", NULL },
    };

    if (!notices_open(&notices, WATCHDOG_MS, &err))
        return -1;
    return scenario_begin(state, &options);
}

static int end(void **state)
{
    int ended = scenario_end(state);

    notices_close(&notices);
    return ended;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_daemons_say_that_they_live_what_they_do_and_that_they_stop),
        cmocka_unit_test(a_database_that_stands_still_is_left_for_another_connection),
        cmocka_unit_test(a_database_that_is_away_is_no_reason_to_be_restarted),
        cmocka_unit_test(a_start_without_database_asks_for_more_time),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
