/* Design 3: who knocks, who is approved, and for which subnets. */
#include <stdio.h>
#include <string.h>

#include "jobs/service_point.h"
#include "tests/unit/site-server/jobs_site.h"

static void who_knocks_is_remembered_within_bounds_and_can_be_approved(void **state)
{
    AUTO(approved_points_clear) struct approved_points points = { 0 };
    char keys[100][41];
    struct knocking_point knocks[100];

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < 100; i++) {
            snprintf(keys[i], sizeof(keys[i]), "%040u", round * 100 + i);
            knocks[i] = (struct knocking_point){ keys[i], "192.0.2.7" };
        }
        MUST(service_point_knocked(db, knocks, 100, &error_of_call));
    }
    expect("1000", "SELECT count(*) FROM amt.service_point WHERE state = 'pending'");
    MUST(service_point_approved(db, &points, &error_of_call));
    assert_int_equal(points.count, 2);
    sql("SELECT amt.service_point_approve('%s', 'north')", keys[99]);
    MUST(service_point_approved(db, &points, &error_of_call));
    assert_int_equal(points.count, 3);
    sql("SELECT amt.service_point_remove('north')");
    MUST(service_point_approved(db, &points, &error_of_call));
    assert_int_equal(points.count, 2);
}

/* A service point that is shut out may have called itself by another one's name. */
static void a_name_that_two_service_points_claim_is_refused(void **state)
{
    struct message_register said = { .name = (char *)"north", .software_version = (char *)"1" };
    char *name = NULL;
    int64_t id;

    (void)state;
    MUST(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    MUST(service_point_register(db, KEY_B, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    sql("DO $$ BEGIN PERFORM amt.service_point_remove('north'); RAISE EXCEPTION 'one was removed';"
        " EXCEPTION WHEN SQLSTATE 'AM002' THEN NULL; END $$");
    expect("2", "SELECT count(*) FROM amt.service_point WHERE state = 'approved'");
    sql("SELECT amt.service_point_remove('" KEY_B "')");
    expect("1", "SELECT count(*) FROM amt.service_point WHERE state = 'approved'");
}

static void a_removed_service_point_cannot_register(void **state)
{
    struct message_register said = { .name = (char *)"a", .software_version = (char *)"1" };
    struct error err;
    char *name = NULL;
    int64_t id;

    (void)state;
    sql("SELECT amt.service_point_remove('" KEY_A "')");
    assert_false(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_true(database_transaction_usable(db));
}

/* What a branch office's service point may come by is for who admits it to say, not for itself. */
static void a_service_point_registers_with_no_more_than_its_granted_subnets(void **state)
{
    char *subnets[] = { (char *)"10.1.2.0/24", (char *)"10.9.0.0/16" };
    struct message_register said = {
        .name = (char *)"a", .software_version = (char *)"1", .subnets = subnets, .subnet_count = 2
    };
    struct error err;
    char *name = NULL;
    int64_t id;

    (void)state;
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, '10.1.0.0/16, 10.2.0.0/16')");
    sql("UPDATE amt_store.service_point SET connected_until = NULL WHERE key = '" KEY_A "'");
    assert_false(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &err));
    assert_int_equal(err.reason, REASON_SUBNET_NOT_GRANTED);
    assert_non_null(strstr(err.message, "10.1.0.0/16, 10.2.0.0/16 alone"));
    said.subnet_count = 0; /* any */
    assert_false(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &err));
    assert_int_equal(err.reason, REASON_SUBNET_NOT_GRANTED);
    expect("false", "SELECT connected FROM amt.service_point WHERE public_key = '" KEY_A "'");
    said.subnet_count = 1;
    MUST(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, 'any')");
    said.subnet_count = 2;
    MUST(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    sql("DO $$ BEGIN PERFORM amt.service_point_approve('" KEY_A "', NULL, '10.1.0.0/33'); RAISE 'taken';"
        " EXCEPTION WHEN SQLSTATE 'AM003' THEN NULL; END $$");
}

static void a_hello_from_a_subnet_that_was_not_granted_is_discarded(void **state)
{
    (void)state;
    import(1);
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, '192.0.2.0/24')");
    assert_int_equal(hello(1, &our_root), REASON_SUBNET_NOT_GRANTED);
    expect("0", "SELECT count(*) FROM amt.job");
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, '10.0.0.0/8')");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
}

static void heartbeats_of_a_turn_are_stored_at_once(void **state)
{
    struct counter counters[] = { { (char *)"hello.seen", 12 }, { (char *)"hello.psk", UINT64_MAX } };
    struct heard_point heard[] = { { point_a, 7, 3, counters, 2 }, { point_b, 9, 1, NULL, 0 } };

    (void)state;
    MUST(service_point_heard(db, heard, 2, 45, &error_of_call));
    expect("7|3|12|true", "SELECT free || '|' || running || '|' || (counters ->> 'hello.seen') || '|' || "
                          "connected FROM amt.service_point WHERE name = 'a'");
    expect("9|1|{}",
           "SELECT free || '|' || running || '|' || counters FROM amt.service_point WHERE name = 'b'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(who_knocks_is_remembered_within_bounds_and_can_be_approved),
        WITH_SITE(a_name_that_two_service_points_claim_is_refused),
        WITH_SITE(a_removed_service_point_cannot_register),
        WITH_SITE(a_service_point_registers_with_no_more_than_its_granted_subnets),
        WITH_SITE(a_hello_from_a_subnet_that_was_not_granted_is_discarded),
        WITH_SITE(heartbeats_of_a_turn_are_stored_at_once),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
