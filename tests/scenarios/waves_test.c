/*
 * waves_test.c - provisioning in waves: a profile goes to few computers at a time, and halts by itself when
 * these fail, before it breaks a whole fleet. On two site servers, which share the limits.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

enum { FLEET = 30, OTHER_SUBNET = 300 };

struct fleet {
    struct site *site;
    struct computer computers[FLEET];
};

/* Half of them in another subnet. */
static void plug_in_fleet(struct fleet *fleet, struct site *site, unsigned first, const char *profile,
                          const char *misbehaviour)
{
    struct error err = { 0 };

    fleet->site = site;
    for (unsigned i = 0; i < FLEET; i++) {
        computer_plan(&fleet->computers[i], site, first + (i % 2 ? OTHER_SUBNET : 0) + i, "16.1");
        must(computer_plug_in(site, &fleet->computers[i], &err, "hello=manual"));
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s %s", fleet->computers[i].uuid,
                               misbehaviour));
    }
    must(computers_import(site, fleet->computers, FLEET, &err));
    sql_do(site, "SELECT amt.profile_set('%s', '{\"serial_over_lan\": false}')", profile);
    for (unsigned i = 0; i < FLEET; i++)
        sql_do(site, "SELECT amt.set_profile_of('%s', '%s')", fleet->computers[i].uuid, profile);
}

static void all_say_hello(struct fleet *fleet)
{
    for (unsigned i = 0; i < FLEET; i++)
        say_hello(fleet->site, &fleet->computers[i]);
    expect_sql(fleet->site, "t",
               "SELECT count(*) = %d FROM amt.job WHERE uuid IN (SELECT uuid FROM amt.hello)"
               " AND fqdn IN ('%s', '%s')",
               2, fleet->computers[0].fqdn, fleet->computers[FLEET - 1].fqdn);
}

static void expect_all_provisioned(struct fleet *fleet)
{
    struct error err = { 0 };

    for (unsigned i = 0; i < FLEET; i++) {
        expect_outcome(fleet->site, &fleet->computers[i], "provisioned", "");
        must(proof_check_escrow(fleet->site, &fleet->computers[i], &err));
    }
}

static unsigned count_touched(struct fleet *fleet)
{
    unsigned touched = 0;

    for (unsigned i = 0; i < FLEET; i++) {
        AUTO(json_close) json_object *state = NULL;
        struct error err = { 0 };

        must(simulator_state(fleet->site->simulator, fleet->computers[i].uuid, &state, &err));
        touched += !json_true_at(state, "admin_is_default");
    }
    return touched;
}

static void a_wrong_profile_halts_by_itself_and_goes_on_by_command(void **state)
{
    struct site *site = *state;
    struct computer innocent;
    struct fleet fleet;
    struct error err = { 0 };
    unsigned touched;

    plug_in_fleet(&fleet, site, 0, "wrong", "return at=AMT_RedirectionService.RequestStateChange 1");
    must(site_amtctl(site, NULL, &err, "rollout", "set", "wrong", "wave_size=4", "failures_one_reason=5",
                     "judged_last=10", NULL));
    all_say_hello(&fleet);
    expect_sql(
        site, "halted,site server,t",
        "SELECT concat_ws(',', state, halted_by, worst_count >= 5) FROM amt.rollout WHERE profile = 'wrong'");
    expect_sql(site, "0", "SELECT under_way FROM amt.rollout WHERE profile = 'wrong'");
    touched = count_touched(&fleet);
    assert_in_range(touched, 5, 5 + 4); /* those that halted it, and what was under way beside them */
    expect_sql(site, "t", "SELECT waiting >= %d FROM amt.rollout WHERE profile = 'wrong'", FLEET - 9);
    scenario_computer(site, &innocent, 900, "16.1", "hello=manual"); /* of another profile */
    say_hello(site, &innocent);
    expect_provisioned(site, &innocent);
    expect_sql(site, "t",
               "SELECT bool_and(attempt = 0) FROM amt.job WHERE state = 'waiting' AND started_at IS NULL");

    for (unsigned i = 0; i < FLEET; i++)
        must(simulator_control(site->simulator, NULL, &err, "behave %s", fleet.computers[i].uuid));
    must(site_amtctl(site, NULL, &err, "job", "request", "provision", "--profile", "wrong", NULL));
    must(site_amtctl(site, NULL, &err, "rollout", "resume", "wrong", NULL));
    expect_all_provisioned(&fleet);
    expect_sql(site, "rollout set, rollout halted, rollout resumed",
               "SELECT string_agg(what, ', ' ORDER BY id) FROM amt.audit WHERE what LIKE 'rollout %%' AND "
               "detail LIKE 'wrong%%'");
}

/* The most at once, by the steps' own times: within the lease, so that nothing is counted that was not so. */
static void expect_at_once(struct fleet *fleet, const char *profile, const char *subnet, const char *wanted)
{
    expect_sql(
        fleet->site, wanted,
        "WITH run AS (SELECT s.job, min(s.started_at) AS began, max(s.finished_at) AS ended, "
        "network(set_masklen("
        "c.address::inet, 24)) AS subnet FROM amt.job_step s JOIN amt.job j ON j.id = s.job JOIN "
        "amt.computer c "
        "USING (uuid) WHERE c.profile = '%s' GROUP BY s.job, s.attempt, 4) SELECT max((SELECT count(*) FROM "
        "run o WHERE o.began <= r.began AND o.ended > r.began AND %s))::text FROM run r",
        profile, subnet);
}

static void waves_are_no_larger_than_they_may_be_on_both_site_servers_together(void **state)
{
    struct site *site = *state;
    struct fleet fleet;
    struct error err = { 0 };

    plug_in_fleet(&fleet, site, 1000, "careful", "slow 10");
    must(site_amtctl(site, NULL, &err, "rollout", "set", "careful", "wave_size=5", "per_subnet=3", NULL));
    all_say_hello(&fleet);
    expect_all_provisioned(&fleet);
    expect_at_once(&fleet, "careful", "true", "5");
    expect_at_once(&fleet, "careful", "o.subnet = r.subnet", "3");
    expect_sql(site, "2",
               "SELECT count(DISTINCT service_point) FROM amt.job JOIN amt.computer USING (uuid) WHERE "
               "profile = 'careful'");
}

static void an_operator_halts_and_resumes(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "rollout", "halt", "default", "--why", "weekend", NULL));
    expect_sql(
        site, "halted,operator,weekend",
        "SELECT concat_ws(',', state, halted_by, halted_why) FROM amt.rollout WHERE profile = 'default'");
    scenario_computer(site, &computer, 2000, "16.1", "hello=manual");
    say_hello_until(site, &computer, "waiting", "SELECT state FROM amt.job WHERE uuid = '%s'", computer.uuid);
    sql_do(site, "SELECT amt.cancel_job(id) FROM amt.job WHERE uuid = '%s'", computer.uuid);
    sql_do(site, "SELECT amt.request_job('%s', 'discover')", computer.uuid); /* writes nothing */
    expect_sql(site, "done", "SELECT state FROM amt.job WHERE uuid = '%s' AND kind = 'discover'",
               computer.uuid);
    sql_do(site, "SELECT amt.request_job('%s', 'provision')", computer.uuid);
    expect_sql(site, "1", "SELECT waiting FROM amt.rollout WHERE profile = 'default'");
    must(site_amtctl(site, NULL, &err, "rollout", "resume", "default", NULL));
    expect_provisioned(site, &computer);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "job.attempts = 50", "queue.heartbeat = 1s", NULL };
    static const char *const point_settings[] = { "point.subnets = 127.0.0.0/8", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .point_settings = point_settings,
                                    .second_server = true,
                                    .service_points = 2 };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_profile_halts_by_itself_and_goes_on_by_command),
        cmocka_unit_test(waves_are_no_larger_than_they_may_be_on_both_site_servers_together),
        cmocka_unit_test(an_operator_halts_and_resumes),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
