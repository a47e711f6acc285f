/* Spec O1: a Hello reaches the site once, is not lost while the site is away, and no stranger keeps it out.
 */
#include "tests/unit/unit_test.h"

#include <string.h>

#include <stdio.h>

#include "hello/pending.h"

enum { QUIET_MS = 5000, WINDOW = 8, WINDOW_STRANGERS = 4, STRANGERS_A_SECOND = 10 };

static struct pending_hellos *room_for(size_t most)
{
    return pending_hellos_new(&(struct pending_settings){ .most = most,
                                                          .most_strangers = most,
                                                          .window = WINDOW,
                                                          .window_strangers = WINDOW_STRANGERS,
                                                          .strangers_per_second = STRANGERS_A_SECOND,
                                                          .quiet_ms = QUIET_MS });
}

static struct hello_message hello_of(uint8_t last)
{
    struct hello_message hello = { .retry_count = 1, .root_hash_count = 1 };

    hello.uuid.bytes[0] = 1;
    hello.uuid.bytes[15] = last;
    hello.root_hashes[0] = (struct root_hash){ .algorithm = 1, .length = 20 };
    return hello;
}

static enum pending_result take_from(struct pending_hellos *pending, uint8_t last, const char *address,
                                     bool known, uint64_t correlation, int64_t now_ms)
{
    const struct hello_message hello = hello_of(last);
    const struct heard_hello heard = { &hello, address, known, correlation, 1700000000000 };

    return pending_hellos_take(pending, &heard, now_ms);
}

/* Of a known computer at an address of its own. */
static enum pending_result take(struct pending_hellos *pending, uint8_t last, uint64_t correlation,
                                int64_t now_ms)
{
    char address[16];

    snprintf(address, sizeof(address), "127.0.0.%u", last);
    return take_from(pending, last, address, true, correlation, now_ms);
}

static enum pending_result take_stranger(struct pending_hellos *pending, uint8_t last, int64_t now_ms)
{
    char address[16];

    snprintf(address, sizeof(address), "127.0.1.%u", last);
    return take_from(pending, last, address, false, 1000u + last, now_ms);
}

static unsigned count_due(struct pending_hellos *pending, int64_t now_ms)
{
    unsigned due = 0;

    while (pending_hellos_due(pending, now_ms))
        due++;
    return due;
}

static void a_hello_is_due_at_once_and_again_until_its_verdict(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(10);
    const struct hello_message hello = hello_of(1);
    const struct message *message;

    (void)state;
    assert_int_equal(pending_hellos_due_ms(pending), INT64_MAX);
    assert_int_equal(take(pending, 1, 5, 1000), PENDING_TAKEN);
    message = pending_hellos_due(pending, 1000);
    assert_non_null(message);
    assert_int_equal(message->kind, MESSAGE_HELLO_SEEN);
    assert_int_equal(message->correlation, 5);
    assert_string_equal(message->hello_seen.address, "127.0.0.1");
    assert_int_equal(message->hello_seen.root_hash_count, 1);
    assert_null(pending_hellos_due(pending, 1000));
    assert_non_null(pending_hellos_due(pending, pending_hellos_due_ms(pending)));
    assert_false(pending_hellos_answer(pending, &hello.uuid, 6));
    assert_true(pending_hellos_answer(pending, &hello.uuid, 5));
    assert_false(pending_hellos_answer(pending, &hello.uuid, 5));
    assert_int_equal(pending_hellos_due_ms(pending), INT64_MAX);
    assert_int_equal(pending_hellos_count(pending).known, 0);
}

static void the_same_computer_within_the_quiet_time_is_one_hello(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(10);
    const struct hello_message hello = hello_of(1);

    (void)state;
    assert_int_equal(take(pending, 1, 1, 0), PENDING_TAKEN);
    assert_int_equal(take(pending, 1, 2, 10), PENDING_DUPLICATE);
    assert_true(pending_hellos_answer(pending, &hello.uuid, 1));
    assert_int_equal(take(pending, 1, 3, QUIET_MS - 1), PENDING_DUPLICATE);
    assert_int_equal(take(pending, 1, 4, QUIET_MS), PENDING_TAKEN);
    assert_int_equal(pending_hellos_due(pending, QUIET_MS)->correlation, 4);
}

static void a_later_hello_replaces_the_one_without_verdict(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(10);

    (void)state;
    take(pending, 1, 1, 0);
    take(pending, 1, 2, QUIET_MS);
    assert_int_equal(pending_hellos_count(pending).known, 1);
    assert_int_equal(pending_hellos_due(pending, QUIET_MS)->correlation, 2);
    assert_null(pending_hellos_due(pending, QUIET_MS));
}

static void a_full_store_forgets_the_oldest(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(3);
    const struct hello_message first = hello_of(1), second = hello_of(2);

    (void)state;
    for (uint8_t i = 1; i <= 3; i++)
        assert_int_equal(take(pending, i, i, 0), PENDING_TAKEN);
    assert_int_equal(take(pending, 4, 4, 1), PENDING_DISPLACED);
    assert_int_equal(pending_hellos_count(pending).known, 3);
    assert_false(pending_hellos_answer(pending, &first.uuid, 1));
    assert_true(pending_hellos_answer(pending, &second.uuid, 2));
}

static void when_the_site_is_back_all_are_due(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(10);

    (void)state;
    for (uint8_t i = 1; i <= 5; i++)
        take(pending, i, i, 0);
    assert_int_equal(count_due(pending, 0), 5);
    assert_int_equal(count_due(pending, 1), 0);
    pending_hellos_hurry(pending, 1);
    assert_int_equal(count_due(pending, 1), 5);
}

static void no_more_than_a_window_is_without_a_verdict_at_the_site(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(100);
    const struct hello_message first = hello_of(1);

    (void)state;
    for (uint8_t i = 1; i <= 50; i++)
        take(pending, i, i, 0);
    assert_int_equal(count_due(pending, 0), WINDOW);
    assert_true(pending_hellos_due_ms(pending) > 0);
    assert_true(pending_hellos_answer(pending, &first.uuid, 1));
    assert_int_equal(pending_hellos_due_ms(pending), 0);
    assert_int_equal(pending_hellos_due(pending, 0)->correlation, WINDOW + 1); /* first come, first told */
    assert_null(pending_hellos_due(pending, 0));
}

static void a_known_computer_is_told_before_strangers_who_came_first(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(100);

    (void)state;
    for (uint8_t i = 1; i <= 50; i++)
        take_stranger(pending, i, 0);
    take(pending, 200, 7, 0);
    assert_int_equal(pending_hellos_due(pending, 0)->correlation, 7);
    assert_int_equal(pending_hellos_due(pending, 0)->correlation, 1001);
}

static void strangers_displace_strangers_only(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(20);

    (void)state;
    for (uint8_t i = 1; i <= 20; i++)
        take(pending, i, i, 0);
    for (uint8_t i = 1; i <= 20; i++)
        assert_int_equal(take_stranger(pending, 100 + i, 0), PENDING_TAKEN);
    assert_int_equal(take_stranger(pending, 200, 0), PENDING_DISPLACED);
    assert_int_equal(pending_hellos_count(pending).known, 20);
    assert_int_equal(pending_hellos_count(pending).strangers, 20);
}

static void strangers_are_told_at_their_pace_whatever_the_site_answers(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(250);
    const int64_t begin_ms = 100000;
    unsigned told = 0;

    (void)state;
    for (uint8_t i = 1; i <= 200; i++)
        take_stranger(pending, i, begin_ms);
    for (int64_t now_ms = begin_ms; now_ms < begin_ms + 3000;) {
        const struct message *message = pending_hellos_due(pending, now_ms);

        told += message != NULL;
        if (message)
            assert_true(pending_hellos_answer(pending, &message->hello_seen.uuid, message->correlation));
        else
            now_ms = pending_hellos_due_ms(pending);
    }
    assert_in_range(told, 3 * STRANGERS_A_SECOND, 4 * STRANGERS_A_SECOND + 1);
}

static void an_address_with_many_uuids_soon_has_no_share_left(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(1000);
    unsigned known = 0, strangers = 0;

    (void)state;
    for (unsigned i = 0; i < 250; i++) {
        known += take_from(pending, (uint8_t)i, "192.0.2.1", true, i, 0) == PENDING_TAKEN;
        strangers += take_from(pending, (uint8_t)i, "192.0.2.1", false, i, 0) == PENDING_TAKEN;
    }
    assert_in_range(known, 1, 50);
    assert_in_range(strangers, 1, 150);
    assert_int_equal(take_from(pending, 251, "192.0.2.2", true, 251, 0), PENDING_TAKEN);
    assert_int_equal(take_from(pending, 252, "192.0.2.3", false, 252, 0), PENDING_TAKEN);
}

static void a_hello_in_a_computers_name_does_not_pass_for_its_own(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(10);

    (void)state;
    assert_int_equal(take_from(pending, 1, "192.0.2.66", true, 1, 0), PENDING_TAKEN);
    assert_int_equal(take_from(pending, 1, "192.0.2.1", true, 2, 1), PENDING_TAKEN);
    assert_int_equal(take_from(pending, 1, "192.0.2.1", true, 3, 2), PENDING_DUPLICATE);
    assert_int_equal(count_due(pending, 2), 2);
}

static void hellos_in_one_computers_name_displace_no_other(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(10);
    char address[16];

    (void)state;
    for (uint8_t i = 2; i <= 6; i++)
        take(pending, i, i, 0);
    for (unsigned i = 1; i <= 200; i++) {
        snprintf(address, sizeof(address), "192.0.2.%u", i);
        assert_int_equal(take_from(pending, 1, address, true, 100 + i, 0), PENDING_TAKEN);
    }
    assert_int_equal(pending_hellos_count(pending).known, 5 + 4);
}

static void strangers_that_the_site_came_to_know_are_told_before_the_others(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(100);
    AUTO(known_set_reader_free) struct known_set_reader *reader = NULL;
    AUTO(known_set_clear) struct known_set known = { 0 };
    const struct hello_message hello = hello_of(40);
    struct error err;

    (void)state;
    for (uint8_t i = 1; i <= 50; i++)
        take_stranger(pending, i, 0);
    assert_true(known_set_make(&known, &hello.uuid, 1, &err));
    reader = known_set_reader_new(&known);
    pending_hellos_recognise(pending, reader);
    assert_int_equal(pending_hellos_count(pending).known, 1);
    assert_int_equal(pending_hellos_count(pending).strangers, 49);
    assert_int_equal(pending_hellos_due(pending, 0)->correlation, 1040);
    assert_true(pending_hellos_answer(pending, &hello.uuid, 1040));
}

static void a_computer_that_the_site_came_to_know_is_told_at_once(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(100);

    (void)state;
    for (uint8_t i = 1; i <= 50; i++)
        take_stranger(pending, i, 0);
    assert_int_equal(take_from(pending, 50, "127.0.1.50", true, 7, 1), PENDING_TAKEN);
    assert_int_equal(pending_hellos_due(pending, 1)->correlation, 7);
    assert_int_equal(pending_hellos_count(pending).strangers, 49);
}

static void a_hello_that_the_site_refuses_is_not_said_again(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(10);

    (void)state;
    take(pending, 1, 77, 0);
    assert_non_null(pending_hellos_due(pending, 0));
    assert_false(pending_hellos_refuse(pending, 78));
    assert_true(pending_hellos_refuse(pending, 77));
    assert_int_equal(pending_hellos_due_ms(pending), INT64_MAX);
}

static void hellos_with_every_root_there_can_be_do_not_fill_the_memory(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = room_for(100);

    (void)state;
    for (uint8_t i = 0; i < 100; i++) {
        struct hello_message hello = hello_of(i);
        char address[16];
        const struct heard_hello heard = { &hello, address, true, i + 1u, 1700000000000 };

        hello.root_hash_count = HELLO_MAX_ROOTS;
        snprintf(address, sizeof(address), "127.0.0.%u", i);
        pending_hellos_take(pending, &heard, 0);
    }
    assert_int_equal(pending_hellos_count(pending).known, 100 * 40 / HELLO_MAX_ROOTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_due_at_once_and_again_until_its_verdict),
        cmocka_unit_test(the_same_computer_within_the_quiet_time_is_one_hello),
        cmocka_unit_test(a_later_hello_replaces_the_one_without_verdict),
        cmocka_unit_test(a_full_store_forgets_the_oldest),
        cmocka_unit_test(when_the_site_is_back_all_are_due),
        cmocka_unit_test(no_more_than_a_window_is_without_a_verdict_at_the_site),
        cmocka_unit_test(a_known_computer_is_told_before_strangers_who_came_first),
        cmocka_unit_test(strangers_displace_strangers_only),
        cmocka_unit_test(strangers_are_told_at_their_pace_whatever_the_site_answers),
        cmocka_unit_test(an_address_with_many_uuids_soon_has_no_share_left),
        cmocka_unit_test(a_hello_in_a_computers_name_does_not_pass_for_its_own),
        cmocka_unit_test(hellos_in_one_computers_name_displace_no_other),
        cmocka_unit_test(strangers_that_the_site_came_to_know_are_told_before_the_others),
        cmocka_unit_test(a_computer_that_the_site_came_to_know_is_told_at_once),
        cmocka_unit_test(a_hello_that_the_site_refuses_is_not_said_again),
        cmocka_unit_test(hellos_with_every_root_there_can_be_do_not_fill_the_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
