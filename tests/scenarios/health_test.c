/*
 * health_test.c - amtctl health: says that all is well when it is, and of each thing that is not what to do.
 */
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

/* Level of the finding of that code, "" when there is none. Also: exit status 0 only without findings that
 * count. */
static char *level_of(struct site *site, const char *code)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(json_close) json_object *findings = NULL;
    const char *level = "";
    bool well = true;
    struct error err = { 0 };

    must(site_amtctl_result(site, &result, NULL, (const char *[]){ "health", "--json", NULL }, &err));
    findings = json_tokener_parse(result.output);
    assert_non_null(findings);
    for (size_t i = 0; i < json_object_array_length(findings); i++) {
        json_object *finding = json_object_array_get_idx(findings, i);

        well = well && strcmp(json_text_at(finding, "level"), "note") == 0;
        assert_string_not_equal(json_text_at(finding, "remedy"), "");
        if (strcmp(json_text_at(finding, "code"), code) == 0)
            level = json_text_at(finding, "level");
    }
    assert_int_equal(result.exit_status, well ? 0 : 1);
    return text_copy(level);
}

#define expect_level(site, code, wanted)                                                                     \
    do {                                                                                                     \
        AUTO(text_free) char *level = level_of((site), (code));                                              \
        if (strcmp(level, (wanted)) != 0)                                                                    \
            fail_msg("%s is \"%s\" instead of \"%s\"", (code), level, (wanted));                             \
    } while (0)

static void a_site_at_work_is_well(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *printed = NULL;
    struct error err = { 0 };

    must(site_amtctl(site, &printed, &err, "health", NULL)); /* exit status 0 */
    assert_non_null(strstr(printed, "all is well"));
    expect_level(site, "no-standby", "note"); /* which does not make it ill */
}

static void whoever_may_read_sees_the_same_in_sql(void **state)
{
    AUTO(text_free) char *url = site_url(*state, "reader");
    AUTO(sql_close) struct sql *sql = NULL;
    struct error err = { 0 };
    int64_t notes;

    must(sql_open(&sql, url, &err));
    must(sql_number(sql, &notes, &err, "SELECT count(*) FROM amt.health WHERE code = 'no-standby'"));
    assert_int_equal(notes, 1);
}

/* Rows that the programs write when things go wrong, and what is to be seen of them. */
static void each_thing_that_is_wrong_is_found_until_it_is_mended(void **state)
{
    static const struct {
        const char *code, *level, *harm, *mend;
    } cases[] = {
        { "profile-halted", "problem", "SELECT amt.rollout_halt('default', 'a test')",
          "SELECT amt.rollout_resume('default')" },
        { "leases-overrun", "problem",
          "INSERT INTO amt_store.job (uuid, kind, state, requested_by, leased_until)"
          " SELECT uuid, 'discover', 'leased', 'test', now() - interval '1 hour' FROM amt.computer LIMIT 1",
          "DELETE FROM amt_store.job" },
        { "jobs-overdue", "warning",
          "WITH c AS (UPDATE amt_store.computer SET address = '127.1.1.1' RETURNING uuid)"
          " INSERT INTO amt_store.job (uuid, kind, requested_by, not_before)"
          " SELECT uuid, 'discover', 'test', now() - interval '1 hour' FROM c LIMIT 1",
          "DELETE FROM amt_store.job" },
        { "passwords-pending", "warning",
          "INSERT INTO amt_store.secret (uuid, kind, state, maybe_on_device, key_id, nonce, ciphertext, "
          "created_at)"
          " SELECT uuid, 'admin', 'pending', true, 'k', '\\x000000000000000000000000', "
          "'\\x00000000000000000000000000000000',"
          " now() - interval '1 day' FROM amt.computer LIMIT 1",
          "DELETE FROM amt_store.secret" },
        { "alarms", "problem",
          "INSERT INTO amt_store.alarm (code, uuid, text) SELECT 'identity-not-proven', uuid, 'a test' FROM "
          "amt.computer LIMIT 1",
          "SELECT amt.acknowledge_alarm(id) FROM amt.alarm" },
        { "authority-ends", "warning",
          "UPDATE amt_store.authority SET not_after = now() + interval '60 days'",
          "UPDATE amt_store.authority SET not_after = now() + interval '10 years'" },
        { "authority-ends", "problem", "UPDATE amt_store.authority SET not_after = now() + interval '2 days'",
          "UPDATE amt_store.authority SET not_after = now() + interval '10 years'" },
        { "no-authority", "problem", "UPDATE amt_store.authority SET state = 'retired'",
          "UPDATE amt_store.authority SET state = 'active'" },
        { "provisioning-certificate-ends", "warning",
          "UPDATE amt_store.service_point SET certificates = jsonb_build_array(jsonb_build_object('subject', "
          "'CN=x',"
          " 'not_after', now() + interval '10 days'))",
          "UPDATE amt_store.service_point SET certificates = '[]'" },
        { "revocation-list-ends", "problem",
          "UPDATE amt_store.revocation_list SET next_update = now() - interval '1 minute', this_update = "
          "now() - interval '7 days'",
          "UPDATE amt_store.revocation_list SET next_update = now() + interval '7 days', this_update = "
          "now()" },
        { "agents-silent", "warning",
          "INSERT INTO amt_store.agent (uuid, key, last_seen) SELECT uuid, 'k', now() - interval '31 days' "
          "FROM amt.computer LIMIT 1",
          "DELETE FROM amt_store.agent" },
        { "service-point-knocks", "warning",
          "INSERT INTO amt_store.service_point (key, state, last_seen) VALUES ('x', 'pending', now())",
          "DELETE FROM amt_store.service_point WHERE key = 'x'" },
        { "schema-newer", "warning", "INSERT INTO amt_store.schema_version VALUES (9999, 'later')",
          "DELETE FROM amt_store.schema_version WHERE version = 9999" },
        { "mixed-versions", "warning",
          "INSERT INTO amt_store.site_server SELECT gen_random_uuid(), 'h', 'e', v, now(), now() + interval "
          "'1 hour'"
          " FROM unnest(ARRAY['0.0.1', '0.0.2']) AS v",
          "DELETE FROM amt_store.site_server WHERE host = 'h'" },
        { "site-server-silent", "warning",
          "INSERT INTO amt_store.site_server VALUES (gen_random_uuid(), 'h', 'e', '0.0.1', now(), now() - "
          "interval '1 hour')",
          "DELETE FROM amt_store.site_server WHERE software_version = '0.0.1'" },
    };
    struct site *site = *state;
    struct error err = { 0 };

    assert_true(process_stop(&site->server)); /* it would mend some of it */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        expect_level(site, cases[i].code, "");
        sql_do(site, "%s", cases[i].harm);
        expect_level(site, cases[i].code, cases[i].level);
        sql_do(site, "%s", cases[i].mend);
        expect_level(site, cases[i].code, "");
    }
    must(site_start_server(site, &err));
}

static void what_died_is_missed(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    process_kill(&site->points[0].process);
    expect_sql(site, "f", "SELECT bool_or(connected) FROM amt.service_point");
    expect_level(site, "no-service-point", "problem");
    must(site_start_point(site, 0, &err));
    process_kill(&site->server);
    expect_sql(site, "f", "SELECT bool_or(alive) FROM amt.site_server");
    expect_level(site, "no-site-server", "problem");
    must(site_start_server(site, &err));
    expect_sql(site, "t", "SELECT bool_or(alive) FROM amt.site_server");
    expect_level(site, "no-site-server", "");
}

static void a_database_that_is_away_is_a_finding_too(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    must(postgres_halt(site->postgres, &err));
    expect_level(site, "database", "problem");
    must(postgres_resume(site->postgres, &err));
    expect_level(site, "database", "");
}

static int begin(void **state)
{
    const struct site_options options = {
        .name = "health",
        .server_settings = (const char *const[]){ "queue.heartbeat = 1s", NULL },
    };
    struct computer computer;

    if (scenario_begin(state, &options) != 0)
        return -1;
    scenario_computer(*state, &computer, 0, "16.1", "hello=manual");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_at_work_is_well),
        cmocka_unit_test(whoever_may_read_sees_the_same_in_sql),
        cmocka_unit_test(each_thing_that_is_wrong_is_found_until_it_is_mended),
        cmocka_unit_test(what_died_is_missed),
        cmocka_unit_test(a_database_that_is_away_is_a_finding_too),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
