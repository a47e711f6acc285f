/* Spec O1: a Hello reaches the site once, and is not lost while the site is away. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "hello/pending.h"

#define QUIET_MS 5000

static struct hello_message hello_of(uint8_t last)
{
    struct hello_message hello = { .retry_count = 1, .root_hash_count = 1 };

    hello.uuid.bytes[0] = 1;
    hello.uuid.bytes[15] = last;
    hello.root_hashes[0] = (struct root_hash){ .algorithm = 1, .length = 20 };
    return hello;
}

static enum pending_result take(struct pending_hellos *pending, uint8_t last, uint64_t correlation,
                                int64_t now_ms)
{
    const struct hello_message hello = hello_of(last);

    return pending_hellos_take(pending, &hello, "127.0.0.9", correlation, 1700000000000, now_ms);
}

static void a_hello_is_due_at_once_and_again_until_its_verdict(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = pending_hellos_new(10, QUIET_MS);
    const struct hello_message hello = hello_of(1);
    const struct message *message;

    (void)state;
    assert_int_equal(pending_hellos_due_ms(pending), INT64_MAX);
    assert_int_equal(take(pending, 1, 5, 1000), PENDING_TAKEN);
    message = pending_hellos_due(pending, 1000);
    assert_non_null(message);
    assert_int_equal(message->kind, MESSAGE_HELLO_SEEN);
    assert_int_equal(message->correlation, 5);
    assert_string_equal(message->hello_seen.address, "127.0.0.9");
    assert_int_equal(message->hello_seen.root_hash_count, 1);
    assert_null(pending_hellos_due(pending, 1000));
    assert_non_null(pending_hellos_due(pending, pending_hellos_due_ms(pending)));
    assert_true(pending_hellos_answer(pending, &hello.uuid));
    assert_false(pending_hellos_answer(pending, &hello.uuid));
    assert_int_equal(pending_hellos_due_ms(pending), INT64_MAX);
    assert_int_equal(pending_hellos_count(pending), 0);
}

static void the_same_computer_within_the_quiet_time_is_one_hello(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = pending_hellos_new(10, QUIET_MS);
    const struct hello_message hello = hello_of(1);

    (void)state;
    assert_int_equal(take(pending, 1, 1, 0), PENDING_TAKEN);
    assert_int_equal(take(pending, 1, 2, 10), PENDING_DUPLICATE);
    assert_true(pending_hellos_answer(pending, &hello.uuid));
    assert_int_equal(take(pending, 1, 3, QUIET_MS - 1), PENDING_DUPLICATE);
    assert_int_equal(take(pending, 1, 4, QUIET_MS), PENDING_TAKEN);
    assert_int_equal(pending_hellos_due(pending, QUIET_MS)->correlation, 4);
}

static void a_later_hello_replaces_the_one_without_verdict(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = pending_hellos_new(10, QUIET_MS);

    (void)state;
    take(pending, 1, 1, 0);
    take(pending, 1, 2, QUIET_MS);
    assert_int_equal(pending_hellos_count(pending), 1);
    assert_int_equal(pending_hellos_due(pending, QUIET_MS)->correlation, 2);
    assert_null(pending_hellos_due(pending, QUIET_MS));
}

static void a_full_store_forgets_the_oldest(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = pending_hellos_new(3, QUIET_MS);
    const struct hello_message first = hello_of(1), second = hello_of(2);

    (void)state;
    for (uint8_t i = 1; i <= 3; i++)
        assert_int_equal(take(pending, i, i, 0), PENDING_TAKEN);
    assert_int_equal(take(pending, 4, 4, 1), PENDING_DISPLACED);
    assert_int_equal(pending_hellos_count(pending), 3);
    assert_false(pending_hellos_answer(pending, &first.uuid));
    assert_true(pending_hellos_answer(pending, &second.uuid));
}

static void when_the_site_is_back_all_are_due(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = pending_hellos_new(10, QUIET_MS);
    unsigned due = 0;

    (void)state;
    for (uint8_t i = 1; i <= 5; i++)
        take(pending, i, i, 0);
    while (pending_hellos_due(pending, 0))
        due++;
    assert_int_equal(due, 5);
    assert_null(pending_hellos_due(pending, 1));
    pending_hellos_hurry(pending, 1);
    for (due = 0; pending_hellos_due(pending, 1); due++)
        ;
    assert_int_equal(due, 5);
}

static void a_hello_that_the_site_refuses_is_not_said_again(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = pending_hellos_new(10, QUIET_MS);

    (void)state;
    take(pending, 1, 77, 0);
    assert_false(pending_hellos_refuse(pending, 78));
    assert_true(pending_hellos_refuse(pending, 77));
    assert_int_equal(pending_hellos_due_ms(pending), INT64_MAX);
}

static void hellos_with_every_root_there_can_be_do_not_fill_the_memory(void **state)
{
    AUTO(pending_hellos_free) struct pending_hellos *pending = pending_hellos_new(100, QUIET_MS);

    (void)state;
    for (uint8_t i = 0; i < 100; i++) {
        struct hello_message hello = hello_of(i);

        hello.root_hash_count = HELLO_MAX_ROOTS;
        pending_hellos_take(pending, &hello, "127.0.0.9", i + 1, 1700000000000, 0);
    }
    assert_int_equal(pending_hellos_count(pending), 100 * 40 / HELLO_MAX_ROOTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_due_at_once_and_again_until_its_verdict),
        cmocka_unit_test(the_same_computer_within_the_quiet_time_is_one_hello),
        cmocka_unit_test(a_later_hello_replaces_the_one_without_verdict),
        cmocka_unit_test(a_full_store_forgets_the_oldest),
        cmocka_unit_test(when_the_site_is_back_all_are_due),
        cmocka_unit_test(a_hello_that_the_site_refuses_is_not_said_again),
        cmocka_unit_test(hellos_with_every_root_there_can_be_do_not_fill_the_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
