/*
 * metrics_test.c - what the daemons show at /metrics and /health, judged by Prometheus' own tool, and the
 * alerts that are made of it.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

static char *pages[3]; /* "127.x.y.z:port" of both site servers and the service point */

static char *page(const char *address, const char *path)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(text_free) char *url = text_format("http://%s%s", address, path);
    struct error err = { 0 };

    must(command_run(&result, NULL, SITE_WAIT_MS,
                     (const char *[]){ "/usr/bin/curl", "-s", "--max-time", "20", url, NULL }, &err));
    return TAKE(result.output);
}

/* Value of the sample that begins so; -1: there is none. */
static double sample(const char *metrics, const char *name)
{
    AUTO(text_free) char *line = text_format("\n%s ", name);
    const char *found = strstr(metrics, line);

    return found ? strtod(found + strlen(line), NULL) : -1;
}

static void expect_sample(const char *address, const char *name, double wanted)
{
    AUTO(text_free) char *metrics = page(address, "/metrics");
    double value = sample(metrics, name);

    if (value < wanted || value > wanted)
        fail_msg("%s is %g instead of %g", name, value, wanted);
}

static void promtool(const char *const *words, const char *input)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    const char *argv[8] = { "/usr/bin/env", "promtool" };
    struct error err = { 0 };

    for (size_t i = 0; words[i]; i++)
        argv[2 + i] = words[i];
    must(command_run(&result, input, SITE_WAIT_MS, argv, &err));
    if (result.exit_status != 0 || *result.errors)
        fail_msg("promtool %s: %s%s", words[0], result.output, result.errors);
}

/* Before any figure is there, and with all of them. */
static void every_page_is_what_prometheus_reads_and_lints(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 0, "16.1", "hello=manual");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        AUTO(text_free) char *metrics = page(pages[i], "/metrics");
        AUTO(text_free) char *health = page(pages[i], "/health");

        promtool((const char *[]){ "check", "metrics", NULL }, metrics);
        assert_non_null(strstr(health, "status: ok\n"));
    }
}

static void what_happened_is_counted_once_by_whom_it_happened_to(void **state)
{
    AUTO(text_free) char *first = page(pages[0], "/metrics");
    AUTO(text_free) char *second = page(pages[1], "/metrics");
    static const char connect[] = "amt_step_seconds_count{step=\"O3\",amt_major=\"16\"}";
    double counted = sample(first, connect) + sample(second, connect);

    (void)state;
    assert_true(counted > 0); /* -1 of the site server that the service point is not connected to */
    assert_true(sample(first, connect) < 0 || sample(second, connect) < 0);
    expect_sample(pages[2], "amt_point_jobs_total{what=\"done\"}", 1);
    expect_sample(pages[2], "amt_point_hellos_total{what=\"taken\"}", 1);
    expect_sample(pages[2], "amt_point_site_connected", 1);
}

/* They were read up to 30 s ago on the pages above, so on programs that are started anew. */
static void figures_of_the_fleet_are_the_same_on_each_site_server(void **state)
{
    struct site *site = *state;
    struct computer late;
    struct error err = { 0 };

    scenario_computer(site, &late, 1, "16.1", "hello=manual");
    sql_do(site, "SELECT amt.rollout_halt('default', 'a test')");
    sql_do(site, "SELECT amt.request_job('%s', 'provision')", late.uuid);
    assert_true(process_stop(&site->server));
    assert_true(process_stop(&site->second.process));
    must(site_start_server(site, &err));
    must(site_start_second_server(site, &err));
    expect_sql(site, "2", "SELECT count(*) FROM amt.site_server WHERE alive");
    for (size_t i = 0; i < 2; i++) {
        expect_sample(pages[i], "amt_computers{status=\"provisioned\"}", 1);
        expect_sample(pages[i], "amt_computers{status=\"unknown\"}", 1);
        expect_sample(pages[i], "amt_jobs_waiting{kind=\"provision\"}", 1);
        expect_sample(pages[i], "amt_jobs_waiting_by_profile{profile=\"default\"}", 1);
        expect_sample(pages[i], "amt_profiles_halted", 1);
        expect_sample(pages[i], "amt_site_servers", 2);
        expect_sample(pages[i], "amt_health_findings{code=\"profile-halted\"}", 1);
        expect_sample(pages[i], "amt_escrow_pending{kind=\"admin\"}", 0);
    }
}

static void a_service_point_without_site_is_not_healthy(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    process_kill(&site->server);
    process_kill(&site->second.process);
    must(process_wait_line(site->points[0].process, "connection to the site broke", SITE_WAIT_MS, &err));
    for (;;) { /* it may have gone over to the other one before that was killed */
        AUTO(text_free) char *health = page(pages[2], "/health");

        if (strstr(health, "status: no site server"))
            break;
        wait_a_little(50);
    }
    expect_sample(pages[2], "amt_point_site_connected", 0);
    must(site_start_server(site, &err));
    must(site_start_second_server(site, &err));
}

static void alerts_fire_when_they_should_and_not_before(void **state)
{
    (void)state;
    promtool((const char *[]){ "check", "rules", "deploy/prometheus/amt-provisioning.rules.yml", NULL },
             NULL);
    promtool((const char *[]){ "test", "rules", "tests/prometheus/alerts.test.yml", NULL }, NULL);
}

static int begin(void **state)
{
    AUTO(text_free) char *first = NULL;
    AUTO(text_free) char *second = NULL;
    AUTO(text_free) char *point = NULL;
    char **const listen[] = { &first, &second, &point };
    struct error err = { 0 };

    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        uint16_t port = 0;

        must(loopback_free_port("127.0.0.1", &port, &err));
        pages[i] = text_format("127.0.0.1:%u", port);
        *listen[i] = text_format("metrics.listen = %s", pages[i]);
    }
    return scenario_begin(
        state, &(const struct site_options){
                   .name = "metrics",
                   .second_server = true,
                   .server_settings = (const char *const[]){ "queue.heartbeat = 1s", first, NULL },
                   .second_settings = (const char *const[]){ "queue.heartbeat = 1s", second, NULL },
                   .point_settings = (const char *const[]){ point, NULL },
               });
}

static int end(void **state)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        text_free(&pages[i]);
    return scenario_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_is_what_prometheus_reads_and_lints),
        cmocka_unit_test(what_happened_is_counted_once_by_whom_it_happened_to),
        cmocka_unit_test(figures_of_the_fleet_are_the_same_on_each_site_server),
        cmocka_unit_test(a_service_point_without_site_is_not_healthy),
        cmocka_unit_test(alerts_fire_when_they_should_and_not_before),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
