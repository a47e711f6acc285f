/*
 * overload_test.c - more than the site can do at once: every computer says Hello again and again, strangers
 * say it far more often, the disk is slow or hangs. Nothing grows, nobody is kept out, everybody gets his
 * turn.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "support/expect.h"
#include "support/hello_flood.h"
#include "support/usage.h"

enum {
    SLOTS = 6,
    STORM = 60,
    ROUNDS = 3,
    OTHER_SUBNET = 300,
    FLOOD_A_SECOND = 2000,
    FLOOD_ADDRESSES = 500,
    GROWTH_KIB = 24 * 1024, /* what a daemon may take in a test: some sessions, not what strangers send */
};

static struct hello_flood *flood; /* ended by its test's tear-down */

struct memory { /* KiB, resident */
    long point, server;
};

static struct memory memory_of(const struct site *site)
{
    return (struct memory){ usage_resident_kib(process_pid(site->points[0].process)),
                            usage_resident_kib(process_pid(site->server)) };
}

/* A sanitizer keeps what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool memory_tells = false;
#else
static const bool memory_tells = true;
#endif

static void expect_memory_flat(const struct site *site, const struct memory *before, const char *what)
{
    struct memory now = memory_of(site);

    print_message("%s: service point %ld to %ld KiB, site server %ld to %ld KiB\n", what, before->point,
                  now.point, before->server, now.server);
    assert_true(!memory_tells || now.point - before->point < GROWTH_KIB);
    assert_true(!memory_tells || now.server - before->server < GROWTH_KIB);
}

static void plug_in(struct site *site, struct computer *computers, unsigned first, unsigned count,
                    const char *misbehaviour)
{
    struct error err = { 0 };

    for (unsigned i = 0; i < count; i++) {
        computer_plan(&computers[i], site, first + i, "16.1");
        must(computer_plug_in(site, &computers[i], &err, "hello=manual"));
        if (misbehaviour)
            must(simulator_control(site->simulator, NULL, &err, "misbehave %s %s", computers[i].uuid,
                                   misbehaviour));
    }
    must(computers_import(site, computers, count, &err));
}

static void all_say_hello(struct site *site, const struct computer *computers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        say_hello(site, &computers[i]);
}

static void expect_all_provisioned(struct site *site, const struct computer *computers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        expect_provisioned(site, &computers[i]);
}

/* For the reader of the log; nothing is asserted of time. */
static void print_query_time(struct site *site, const struct computer *computer, const char *when)
{
    int64_t began_ms = clock_monotonic_ms();
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "computer", "show", computer->uuid, NULL));
    print_message("amtctl computer show, %s: %lld ms\n", when, (long long)(clock_monotonic_ms() - began_ms));
}

static void every_computer_of_a_hello_storm_is_provisioned_once(void **state)
{
    struct site *site = *state;
    struct computer computers[STORM];
    struct memory before;

    plug_in(site, computers, 0, STORM, NULL);
    before = memory_of(site);
    for (unsigned i = 0; i < ROUNDS; i++) {
        all_say_hello(site, computers, STORM);
        print_query_time(site, &computers[0], "in a storm of Hellos");
        expect_sql(site, "t", "SELECT count(*) <= %d FROM amt.job WHERE state = 'leased'", SLOTS);
    }
    expect_all_provisioned(site, computers, STORM);
    expect_sql(site, "0",
               "SELECT count(*) FROM (SELECT FROM amt.job GROUP BY uuid HAVING count(*) > 1) AS twice");
    expect_memory_flat(site, &before, "storm");
}

static int64_t counted(struct site *site, const char *counter)
{
    AUTO(text_free)
    char *value =
        sql_answer(site, "SELECT coalesce((counters->>'%s')::bigint, 0) FROM amt.service_point", counter);

    return strtoll(value, NULL, 10);
}

static void start_flood(struct site *site)
{
    struct error err = { 0 };

    must(hello_flood_start(&flood,
                           &(struct hello_flood_options){ .target = site->points[0].hello_address,
                                                          .block = site->place.block,
                                                          .per_second = FLOOD_A_SECOND,
                                                          .addresses = FLOOD_ADDRESSES,
                                                          .silent = 20 },
                           &err));
    expect_sql(site, "t", "SELECT (counters->>'hello.strangers')::bigint > %lld FROM amt.service_point",
               (long long)counted(site, "hello.strangers") + FLOOD_A_SECOND);
}

/* Of those that it knows one Hello is enough; whoever is imported meanwhile says it again, as firmware does.
 */
static void strangers_who_flood_keep_no_computer_out(void **state)
{
    struct site *site = *state;
    struct computer known[12], imported[4];
    struct hello_flood_count said;
    struct memory before;
    int64_t told = counted(site, "hello.known-told");

    plug_in(site, known, 1000, COUNT_OF(known), NULL);
    expect_sql(site, "t", "SELECT (counters->>'hello.known-told')::bigint > %lld FROM amt.service_point",
               (long long)told);
    start_flood(site);
    before = memory_of(site);
    all_say_hello(site, known, COUNT_OF(known));
    plug_in(site, imported, 1100, COUNT_OF(imported), NULL);
    for (unsigned i = 0; i < COUNT_OF(imported); i++)
        say_hello_until(site, &imported[i], "t", "SELECT count(*) > 0 FROM amt.job WHERE uuid = '%s'",
                        imported[i].uuid);
    print_query_time(site, &known[0], "in a flood of strangers");
    expect_all_provisioned(site, known, COUNT_OF(known));
    expect_all_provisioned(site, imported, COUNT_OF(imported));
    said = hello_flood_count(flood);
    expect_sql(site, "t", "SELECT sum(count) BETWEEN 1 AND %llu FROM amt.unknown_hello",
               (unsigned long long)said.said / 4);
    expect_sql(site, "t",
               "SELECT (counters->>'hello.displaced')::bigint + (counters->>'hello.too-often')::bigint > 0 "
               "AND (counters->>'hello.waiting-strangers')::bigint <= 2000 FROM amt.service_point");
    expect_memory_flat(site, &before, "flood");
}

static int stop_flood(void **state)
{
    (void)state;
    hello_flood_stop(&flood);
    return 0;
}

/* A Hello of this computer, but from another address. */
static void say_hello_in_the_name_of(struct site *site, const struct computer *computer)
{
    AUTO(text_free) char *host = text_copy(site->points[0].hello_address);
    struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
    char *colon = strrchr(host, ':');
    uint8_t hello[HELLO_BYTES];
    struct uuid uuid;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *colon = '\0';
    to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    from.sin_addr.s_addr = htonl(127u << 24 | site->place.block << 16 | 209 << 8 | 66);
    assert_int_equal(inet_pton(AF_INET, host, &to.sin_addr), 1);
    assert_true(uuid_parse(computer->uuid, &uuid));
    hello_bytes(hello, &uuid);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(fd, hello, sizeof(hello), MSG_NOSIGNAL), sizeof(hello));
    close(fd);
}

static void a_hello_in_a_computers_name_does_not_silence_it(void **state)
{
    struct site *site = *state;
    struct computer computer;

    plug_in(site, &computer, 1200, 1, NULL);
    say_hello_in_the_name_of(site, &computer);
    expect_sql(site, "no-common-root", "SELECT reason_code FROM amt.hello WHERE uuid = '%s'", computer.uuid);
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
}

static void a_subnet_with_many_jobs_does_not_starve_another(void **state)
{
    struct site *site = *state;
    struct computer many[40], few[3];
    AUTO(text_free) char *left = NULL;

    plug_in(site, many, 2000, COUNT_OF(many), "slow 30");
    plug_in(site, few, 2000 + OTHER_SUBNET, COUNT_OF(few), "slow 30");
    all_say_hello(site, many, COUNT_OF(many));
    expect_sql(site, "t", "SELECT count(*) > %d FROM amt.job WHERE state = 'waiting'",
               (int)COUNT_OF(many) - 2 * SLOTS);
    all_say_hello(site, few, COUNT_OF(few));
    expect_sql(site, "3",
               "SELECT count(*) FROM amt.computer WHERE amt_status = 3 AND uuid IN ('%s', '%s', '%s')",
               few[0].uuid, few[1].uuid, few[2].uuid);
    left = sql_answer(site, "SELECT count(*) FROM amt.job WHERE state = 'waiting'");
    assert_true(strtol(left, NULL, 10) > 0);
    expect_all_provisioned(site, many, COUNT_OF(many));
}

/* Each commit waits 100 ms for the disk (PostgreSQL: commit_delay). */
static void on_a_slow_disk_a_storm_takes_longer_and_nothing_is_lost(void **state)
{
    struct site *site = *state;
    struct computer computers[20];
    struct memory before;

    plug_in(site, computers, 3000, COUNT_OF(computers), NULL);
    sql_do(site, "ALTER SYSTEM SET commit_delay = 100000");
    sql_do(site, "ALTER SYSTEM SET commit_siblings = 0");
    sql_do(site, "SELECT pg_reload_conf()");
    before = memory_of(site);
    all_say_hello(site, computers, COUNT_OF(computers));
    print_query_time(site, &computers[0], "on a slow disk");
    expect_all_provisioned(site, computers, COUNT_OF(computers));
    expect_memory_flat(site, &before, "slow disk");
    sql_do(site, "ALTER SYSTEM RESET ALL");
    sql_do(site, "SELECT pg_reload_conf()");
}

/* The standby that every commit waits for stands still: to the site server the disk hangs. */
static void while_the_disk_hangs_all_waits_and_then_goes_on(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *directory = text_format("%s-standby", site->cluster_path);
    AUTO(postgres_stop) struct postgres *standby = NULL;
    AUTO(sql_close) struct sql *there = NULL;
    AUTO(text_free) char *nothing = NULL;
    AUTO(text_free) char *neither = NULL;
    struct computer computers[20];
    struct error err = { 0 };
    struct memory before;

    directory_remove(directory);
    plug_in(site, computers, 3100, COUNT_OF(computers), NULL);
    must(postgres_start_standby(&standby, site->postgres, directory, &err));
    must(sql_open(&there, postgres_url(standby), &err));
    sql_do(site, "ALTER SYSTEM SET synchronous_commit = 'remote_apply'");
    sql_do(site, "SELECT pg_reload_conf()");
    must(sql_text(there, &nothing, &err, "SELECT pg_wal_replay_pause()", NULL));
    must(sql_wait(there, "SELECT pg_get_wal_replay_pause_state()", "paused", SITE_WAIT_MS, &err));
    before = memory_of(site);
    all_say_hello(site, computers, COUNT_OF(computers));
    expect_sql(
        site, "t",
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'site_server' AND wait_event = 'SyncRep'");
    all_say_hello(site, computers, COUNT_OF(computers));
    print_query_time(site, &computers[0], "while the disk hangs");
    must(sql_text(there, &neither, &err, "SELECT pg_wal_replay_resume()", NULL));
    expect_all_provisioned(site, computers, COUNT_OF(computers));
    expect_memory_flat(site, &before, "hanging disk");
    sql_do(site, "ALTER SYSTEM RESET ALL");
    sql_do(site, "SELECT pg_reload_conf()");
    sql_close(&there);
    postgres_stop(&standby);
    directory_remove(directory);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "queue.heartbeat = 1s", NULL };
    AUTO(text_free) char *slots = text_format("point.slots = %d", SLOTS);
    const char *point_settings[] = { slots, NULL };

    return scenario_begin(state, &(struct site_options){ .server_settings = server_settings,
                                                         .point_settings = point_settings });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_computer_of_a_hello_storm_is_provisioned_once),
        cmocka_unit_test_teardown(strangers_who_flood_keep_no_computer_out, stop_flood),
        cmocka_unit_test(a_hello_in_a_computers_name_does_not_silence_it),
        cmocka_unit_test(a_subnet_with_many_jobs_does_not_starve_another),
        cmocka_unit_test(on_a_slow_disk_a_storm_takes_longer_and_nothing_is_lost),
        cmocka_unit_test(while_the_disk_hangs_all_waits_and_then_goes_on),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
