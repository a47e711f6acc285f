/* Design 2: REGISTER on start, after a refusal, and when the site is silent for three heartbeats. */
#include "tests/unit/unit_test.h"

#include "queue/registration.h"

#define HEARTBEAT_S  10
#define HEARTBEAT_MS (HEARTBEAT_S * 1000)
#define ANSWER_MS    5000
#define CONNECT_MS   5000

static struct registration welcomed_at(int64_t now_ms)
{
    struct registration registration;

    registration_begin(&registration, now_ms);
    assert_int_equal(registration_next(&registration, now_ms), REGISTRATION_REGISTER);
    registration_asked(&registration, true, now_ms);
    registration_welcomed(&registration, HEARTBEAT_S, now_ms);
    return registration;
}

static void it_registers_at_once_and_then_waits(void **state)
{
    struct registration registration;

    (void)state;
    registration_begin(&registration, 1000);
    assert_int_equal(registration_next(&registration, 1000), REGISTRATION_REGISTER);
    registration_asked(&registration, true, 1000);
    assert_int_equal(registration_next(&registration, 1001), REGISTRATION_NOTHING);
    assert_int_equal(registration_due_ms(&registration), 1000 + ANSWER_MS);
}

static void without_a_connection_it_tries_soon_again_and_then_connects_anew(void **state)
{
    struct registration registration;

    (void)state;
    registration_begin(&registration, 1000);
    assert_int_equal(registration_next(&registration, 1000), REGISTRATION_REGISTER);
    registration_asked(&registration, false, 1000);
    assert_int_equal(registration_next(&registration, 1000), REGISTRATION_NOTHING);
    assert_int_equal(registration_next(&registration, registration_due_ms(&registration)),
                     REGISTRATION_REGISTER);
    assert_int_equal(registration_next(&registration, 1000 + CONNECT_MS), REGISTRATION_RECONNECT);
    assert_int_equal(registration_next(&registration, 1000 + CONNECT_MS), REGISTRATION_REGISTER);
}

static void an_unanswered_register_makes_a_new_connection(void **state)
{
    struct registration registration;

    (void)state;
    registration_begin(&registration, 1000);
    registration_asked(&registration, true, 1000);
    assert_int_equal(registration_next(&registration, 1000 + ANSWER_MS), REGISTRATION_RECONNECT);
    assert_int_equal(registration_next(&registration, 1000 + ANSWER_MS), REGISTRATION_REGISTER);
}

static void it_says_a_heartbeat_when_one_is_due_and_only_then(void **state)
{
    struct registration registration = welcomed_at(1000);

    (void)state;
    assert_int_equal(registration_due_ms(&registration), 1000 + HEARTBEAT_MS);
    assert_int_equal(registration_next(&registration, 1000 + HEARTBEAT_MS - 1), REGISTRATION_NOTHING);
    assert_int_equal(registration_next(&registration, 1000 + HEARTBEAT_MS), REGISTRATION_HEARTBEAT);
    assert_int_equal(registration_next(&registration, 1000 + HEARTBEAT_MS), REGISTRATION_NOTHING);
}

static void a_silent_site_is_asked_before_the_connection_is_given_up(void **state)
{
    struct registration registration = welcomed_at(1000);
    int64_t now_ms = 1000 + 3 * HEARTBEAT_MS;

    (void)state;
    assert_int_equal(registration_next(&registration, now_ms), REGISTRATION_REGISTER);
    registration_asked(&registration, true, now_ms);
    assert_true(registration.welcomed);
    assert_int_equal(registration_next(&registration, now_ms + ANSWER_MS), REGISTRATION_RECONNECT);
    assert_false(registration.welcomed);
}

static void a_site_that_speaks_is_not_asked(void **state)
{
    struct registration registration = welcomed_at(1000);
    int64_t now_ms = 1000 + 3 * HEARTBEAT_MS;

    (void)state;
    registration_heard(&registration, now_ms - 1);
    assert_int_equal(registration_next(&registration, now_ms), REGISTRATION_HEARTBEAT);
    assert_int_equal(registration_next(&registration, now_ms), REGISTRATION_NOTHING);
}

static void a_site_that_forgot_us_is_told_again_after_a_breath(void **state)
{
    struct registration registration = welcomed_at(1000);

    (void)state;
    registration_lost(&registration, 2000);
    assert_false(registration.welcomed);
    assert_int_equal(registration_next(&registration, 2000), REGISTRATION_NOTHING);
    assert_int_equal(registration_next(&registration, 3000), REGISTRATION_REGISTER);
}

static void a_broken_connection_moves_to_the_next_site_server(void **state)
{
    struct registration registration = welcomed_at(1000);

    (void)state;
    registration.several = true;
    registration_broke(&registration, 9000);
    assert_false(registration.welcomed);
    assert_int_equal(registration_next(&registration, 9000), REGISTRATION_RECONNECT);
    assert_int_equal(registration_next(&registration, 9000), REGISTRATION_REGISTER);
}

static void when_no_site_server_is_there_they_are_tried_in_turn_with_pauses(void **state)
{
    struct registration registration = welcomed_at(1000);

    (void)state;
    registration.several = true;
    registration_broke(&registration, 9000);
    assert_int_equal(registration_next(&registration, 9000), REGISTRATION_RECONNECT);
    registration_broke(&registration, 9001);
    assert_int_equal(registration_next(&registration, 9001), REGISTRATION_NOTHING);
    assert_int_equal(registration_next(&registration, 9500), REGISTRATION_RECONNECT);
}

static void a_broken_connection_to_the_only_site_server_is_left_to_mend(void **state)
{
    struct registration registration = welcomed_at(1000);
    int64_t soon_ms;

    (void)state;
    registration_broke(&registration, 9000);
    assert_int_equal(registration_next(&registration, 9000), REGISTRATION_NOTHING);
    soon_ms = registration_due_ms(&registration);
    assert_in_range(soon_ms, 9001, 9999);
    assert_int_equal(registration_next(&registration, soon_ms), REGISTRATION_REGISTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_registers_at_once_and_then_waits),
        cmocka_unit_test(without_a_connection_it_tries_soon_again_and_then_connects_anew),
        cmocka_unit_test(an_unanswered_register_makes_a_new_connection),
        cmocka_unit_test(it_says_a_heartbeat_when_one_is_due_and_only_then),
        cmocka_unit_test(a_silent_site_is_asked_before_the_connection_is_given_up),
        cmocka_unit_test(a_site_that_speaks_is_not_asked),
        cmocka_unit_test(a_site_that_forgot_us_is_told_again_after_a_breath),
        cmocka_unit_test(a_broken_connection_moves_to_the_next_site_server),
        cmocka_unit_test(when_no_site_server_is_there_they_are_tried_in_turn_with_pauses),
        cmocka_unit_test(a_broken_connection_to_the_only_site_server_is_left_to_mend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
