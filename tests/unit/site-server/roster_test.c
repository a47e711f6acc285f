/* Who is connected, and how many jobs each may be offered (design 2). */
#include <stdio.h>
#include <string.h>

#include "queue/roster.h"
#include "tests/unit/unit_test.h"

#define NOW_MS       1000000
#define HEARTBEAT_MS 15000

static char key_a[] = "0123456789abcdefghijklmnopqrstuvwxyzABCA";
static char key_b[] = "0123456789abcdefghijklmnopqrstuvwxyzABCB";

static struct message_register registration(uint32_t slots, uint32_t free_slots)
{
    return (struct message_register){ .slots = slots, .free = free_slots };
}

static struct session *open_one(struct roster *roster, uint32_t slots, uint32_t free_slots)
{
    struct message_register said = registration(slots, free_slots);

    return roster_open(roster, key_a, &said);
}

static void a_session_is_found_by_its_key(void **state)
{
    struct roster roster = { 0 };
    struct message_register said = registration(4, 4);

    (void)state;
    assert_null(roster_find(&roster, key_a));
    roster_open(&roster, key_b, &said)->id = 2;
    roster_open(&roster, key_a, &said)->id = 1;
    assert_int_equal(roster.count, 2);
    assert_int_equal(roster_find(&roster, key_a)->id, 1);
    assert_int_equal(roster_find(&roster, key_b)->id, 2);
    assert_ptr_equal(roster_open(&roster, key_a, &said), roster_find(&roster, key_a));
    assert_int_equal(roster.count, 2);
    roster_clear(&roster);
    assert_int_equal(roster.count, 0);
}

static bool is_b(const void *context, const char *key)
{
    (void)context;
    return strcmp(key, key_b) == 0;
}

static void a_key_that_is_taken_away_loses_its_session(void **state)
{
    struct roster roster = { 0 };
    struct message_register said = registration(4, 4);

    (void)state;
    roster_open(&roster, key_a, &said);
    roster_open(&roster, key_b, &said);
    roster_prune(&roster, is_b, NULL);
    assert_null(roster_find(&roster, key_a));
    assert_non_null(roster_find(&roster, key_b));
    roster_clear(&roster);
}

static void registering_again_replaces_what_was_said_before(void **state)
{
    struct roster roster = { 0 };
    char *subnets[] = { (char[]){ "192.0.2.0/24" }, (char[]){ "198.51.100.0/24" } };
    struct provisioning_certificate_info certificate = { .root_hash_count = 2 };
    struct message_register said = { .slots = 4,
                                     .free = 4,
                                     .subnets = subnets,
                                     .subnet_count = 2,
                                     .certificates = &certificate,
                                     .certificate_count = 1 };
    struct message_register less = registration(2, 1);
    struct session *session;

    (void)state;
    session = roster_open(&roster, key_a, &said);
    assert_int_equal(session->subnet_count, 2);
    assert_string_equal(session->subnets[1], "198.51.100.0/24");
    assert_int_equal(session->root_count, 2);
    session = roster_open(&roster, key_a, &less);
    assert_int_equal(session->subnet_count, 0);
    assert_int_equal(session->root_count, 0);
    assert_int_equal(session->free, 1);
    roster_clear(&roster);
}

static void three_silent_heartbeats_make_a_service_point_absent(void **state)
{
    struct roster roster = { 0 };
    struct session *session = open_one(&roster, 1, 1);
    const struct route route = { .length = 5 };

    (void)state;
    session_heard(session, &route, NOW_MS);
    assert_true(session_present(session, HEARTBEAT_MS, NOW_MS + 3 * HEARTBEAT_MS - 1));
    assert_false(session_present(session, HEARTBEAT_MS, NOW_MS + 3 * HEARTBEAT_MS));
    session_heard(session, &route, NOW_MS + 4 * HEARTBEAT_MS);
    assert_true(session_present(session, HEARTBEAT_MS, NOW_MS + 4 * HEARTBEAT_MS));
    roster_clear(&roster);
}

static void a_heartbeat_from_before_an_offer_does_not_give_its_slot_back(void **state)
{
    struct roster roster = { 0 };
    struct session *session = open_one(&roster, 10, 10);

    (void)state;
    session_offered(session, NOW_MS);
    session_offered(session, NOW_MS);
    assert_int_equal(session->free, 8);
    session_set_free(session, 10, NOW_MS + 1); /* said before the offers came */
    assert_int_equal(session->free, 8);
    session_accepted(session);
    session_accepted(session);
    session_set_free(session, 8, NOW_MS + 2);
    assert_int_equal(session->free, 8);
    session_finished(session);
    assert_int_equal(session->free, 9);
    roster_clear(&roster);
}

static void an_offer_that_is_never_answered_does_not_hold_its_slot_for_ever(void **state)
{
    struct roster roster = { 0 };
    struct session *session = open_one(&roster, 2, 2);

    (void)state;
    session_offered(session, NOW_MS);
    session_offered(session, NOW_MS);
    session_set_free(session, 2, NOW_MS + HEARTBEAT_MS);
    assert_int_equal(session->free, 0);
    session_set_free(session, 2, NOW_MS + 5 * HEARTBEAT_MS);
    assert_int_equal(session->free, 2);
    roster_clear(&roster);
}

static void one_that_is_full_gets_nothing_until_its_next_heartbeat(void **state)
{
    struct roster roster = { 0 };
    struct session *session = open_one(&roster, 5, 5);

    (void)state;
    session_offered(session, NOW_MS);
    session_declined(session, REASON_NO_FREE_SLOT);
    assert_int_equal(session->free, 0);
    session_set_free(session, 3, NOW_MS + 1);
    assert_int_equal(session->free, 3);
    session_offered(session, NOW_MS + 2);
    session_declined(session, REASON_PROFILE_INVALID);
    assert_int_equal(session->free, 3);
    roster_clear(&roster);
}

static void nobody_has_more_free_slots_than_slots(void **state)
{
    struct roster roster = { 0 };
    struct session *session = open_one(&roster, 3, 99);

    (void)state;
    assert_int_equal(session->free, 3);
    session_set_free(session, 99, NOW_MS);
    session_finished(session); /* a repeated result */
    assert_int_equal(session->free, 3);
    session_accepted(session); /* of an offer that was not ours */
    assert_int_equal(session->unanswered, 0);
    roster_clear(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_found_by_its_key),
        cmocka_unit_test(a_key_that_is_taken_away_loses_its_session),
        cmocka_unit_test(registering_again_replaces_what_was_said_before),
        cmocka_unit_test(three_silent_heartbeats_make_a_service_point_absent),
        cmocka_unit_test(a_heartbeat_from_before_an_offer_does_not_give_its_slot_back),
        cmocka_unit_test(an_offer_that_is_never_answered_does_not_hold_its_slot_for_ever),
        cmocka_unit_test(one_that_is_full_gets_nothing_until_its_next_heartbeat),
        cmocka_unit_test(nobody_has_more_free_slots_than_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
