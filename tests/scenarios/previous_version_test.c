/*
 * previous_version_test.c - an upgrade one by one (design 2): programs from before the dialogue's last change
 * and today's work together, whichever is the older, and the schema changes while the old ones are at work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/expect.h"

enum { FLEET = 24 };

struct fleet {
    struct site *site;
    struct computer computers[FLEET];
};

/* All generations, slowed down so that there is a middle of the run. */
static void plug_in_fleet(struct fleet *fleet, struct site *site, unsigned first)
{
    struct error err = { 0 };

    fleet->site = site;
    for (unsigned i = 0; i < FLEET; i++) {
        computer_plan(&fleet->computers[i], site, first + i, generations[i % generation_count]);
        must(computer_plug_in(site, &fleet->computers[i], &err, "hello=manual"));
        must(
            simulator_control(site->simulator, NULL, &err, "misbehave %s slow 60", fleet->computers[i].uuid));
    }
    must(computers_import(site, fleet->computers, FLEET, &err));
}

/* All are at work when this returns. */
static void set_to_work(struct fleet *fleet, struct site *site, unsigned first)
{
    plug_in_fleet(fleet, site, first);
    for (unsigned i = 0; i < FLEET; i++)
        say_hello(site, &fleet->computers[i]);
    expect_sql(site, "t",
               "SELECT count(*) = %d AND bool_and(started_at IS NOT NULL) FROM amt.job WHERE uuid >= '%s'",
               FLEET, fleet->computers[0].uuid);
}

static void expect_all_provisioned(struct fleet *fleet)
{
    for (unsigned i = 0; i < FLEET; i++)
        expect_provisioned(fleet->site, &fleet->computers[i]);
}

static void restart_server(struct site *site)
{
    struct error err = { 0 };

    assert_true(process_stop(&site->server));
    must(site_start_server(site, &err));
}

static void restart_point(struct site *site)
{
    struct error err = { 0 };

    assert_true(process_stop(&site->points[0].process));
    must(site_start_point(site, 0, &err));
}

static void the_schema_changes_while_the_old_site_server_is_at_work(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *before = NULL;
    struct fleet fleet;
    struct error err = { 0 };

    if (!site)
        skip();
    before = sql_answer(site, "SELECT count(*) FROM amt.schema_version");
    set_to_work(&fleet, site, 0);
    text_free(&site->daemons); /* from here on, what is started is today's */
    must(site_migrate(site, &err));
    expect_sql(site, "t", "SELECT count(*) >= %s FROM amt.schema_version", before);
    expect_all_provisioned(&fleet);
    expect_sql(site, "1", "SELECT max(attempt) FROM amt.job");
}

static void an_old_service_point_works_with_todays_site_server(void **state)
{
    struct site *site = *state;
    struct fleet fleet;

    if (!site)
        skip();
    set_to_work(&fleet, site, 100);
    restart_server(site);
    expect_all_provisioned(&fleet);
    set_to_work(&fleet, site, 200);
    expect_all_provisioned(&fleet);
}

/* From before mutual TLS it has no certificate that such a computer would let in, and leaves it as it is. */
static void an_old_service_point_switches_mutual_tls_on_or_says_why_not(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    if (!site)
        skip();
    computer_plan(&computer, site, 101, generations[1]);
    sql_do(site, "SELECT amt.profile_set('mutual', '{\"tls\": \"mutual\"}')");
    sql_do(site, "SELECT amt.set_profile_of('%s', 'mutual')", computer.uuid);
    must(site_amtctl(site, NULL, &err, "job", "request", "update", computer.uuid, NULL));
    expect_sql(
        site, "t",
        "SELECT state = 'done' OR (state = 'failed' AND reason_code = 'profile-invalid' AND reason LIKE "
        "'%%mutual TLS%%') FROM amt.job WHERE uuid = '%s' AND kind = 'update'",
        computer.uuid);
    sql_do(site, "SELECT amt.set_profile_of('%s', 'default')", computer.uuid);
    must(site_amtctl(site, NULL, &err, "job", "request", "update", computer.uuid, NULL));
    expect_outcome(site, &computer, "provisioned", "");
}

static void todays_service_point_works_with_an_old_site_server(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *old = NULL;
    struct fleet fleet;

    if (!site)
        skip();
    old = text_format("%s/tests/previous/build", site->programs);
    restart_point(site);
    site->daemons = TAKE(old);
    restart_server(site);
    set_to_work(&fleet, site, 300);
    expect_all_provisioned(&fleet);
    text_free(&site->daemons);
    restart_server(site);
}

/* Spec 6.1. */
static void every_password_is_known_afterwards(void **state)
{
    static const unsigned firsts[] = { 0, 100, 200, 300 };
    struct site *site = *state;
    struct error err = { 0 };

    if (!site)
        skip();
    for (size_t i = 0; i < COUNT_OF(firsts) * FLEET; i++) {
        struct computer computer;

        computer_plan(&computer, site, firsts[i / FLEET] + (unsigned)(i % FLEET),
                      generations[i % FLEET % generation_count]);
        must(proof_check_escrow(site, &computer, &err));
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "queue.heartbeat = 1s", NULL };
    AUTO(text_free) char *self = realpath(program_invocation_name, NULL);
    AUTO(text_free) char *daemons = NULL;
    AUTO(text_free) char *server = NULL;
    struct site_options options = { .server_settings = server_settings };

    if (!self)
        return -1;
    *strrchr(self, '/') = '\0';
    daemons = text_format("%s/../previous/build", self);
    server = text_format("%s/site-server/amt-site-server", daemons);
    if (access(server, X_OK) != 0) {
        print_message(
            "there are no programs from before the dialogue's last change; see %s/../previous/why\n", self);
        return 0; /* *state stays NULL */
    }
    options.daemons = daemons;
    return scenario_begin(state, &options);
}

static int end(void **state)
{
    return *state ? scenario_end(state) : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_changes_while_the_old_site_server_is_at_work),
        cmocka_unit_test(an_old_service_point_works_with_todays_site_server),
        cmocka_unit_test(an_old_service_point_switches_mutual_tls_on_or_says_why_not),
        cmocka_unit_test(todays_service_point_works_with_an_old_site_server),
        cmocka_unit_test(every_password_is_known_afterwards),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
