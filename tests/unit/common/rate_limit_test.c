/* How often a key or an address may say something to the agents' endpoint. */
#include "rate_limit.h"
#include "tests/unit/unit_test.h"

#include <stdio.h>

#include "ownership.h"

static unsigned passes(struct rate_limit *limit, const char *name, unsigned tries, int64_t now_ms)
{
    unsigned passed = 0;

    for (unsigned i = 0; i < tries; i++)
        passed += rate_limit_passes(limit, name, now_ms);
    return passed;
}

static void a_name_may_do_as_much_at_once_as_its_bucket_holds(void **state)
{
    AUTO(rate_limit_free) struct rate_limit *limit = rate_limit_new(60, 10, 100);

    (void)state;
    assert_int_equal(passes(limit, "one", 50, 1000), 10);
    assert_int_equal(passes(limit, "other", 50, 1000), 10); /* each has its own */
}

static void an_empty_bucket_fills_with_time(void **state)
{
    AUTO(rate_limit_free) struct rate_limit *limit = rate_limit_new(60, 10, 100);

    (void)state;
    passes(limit, "one", 50, 1000);
    assert_int_equal(passes(limit, "one", 1, 1999), 0);
    assert_int_equal(passes(limit, "one", 5, 2000), 1); /* one a second */
    assert_int_equal(passes(limit, "one", 50, 5000), 3);
    assert_int_equal(passes(limit, "one", 50, 5000 + 86400000), 10); /* and is full at some time */
}

/* What was tried in vain does not put the next token off. */
static void tries_in_vain_cost_nothing(void **state)
{
    AUTO(rate_limit_free) struct rate_limit *limit = rate_limit_new(60, 1, 100);

    (void)state;
    assert_int_equal(passes(limit, "one", 1, 0), 1);
    for (int64_t ms = 1; ms < 1000; ms++)
        assert_int_equal(passes(limit, "one", 1, ms), 0);
    assert_int_equal(passes(limit, "one", 1, 1000), 1);
}

static void a_rate_of_less_than_one_a_second_is_kept(void **state)
{
    AUTO(rate_limit_free) struct rate_limit *limit = rate_limit_new(2, 1, 100);

    (void)state;
    assert_int_equal(passes(limit, "one", 1, 0), 1);
    assert_int_equal(passes(limit, "one", 1, 29000), 0);
    assert_int_equal(passes(limit, "one", 1, 30000), 1);
}

/* Strangers who come under ever new names cannot free one of its limit, because emptier buckets stay. */
static void who_has_nothing_left_is_not_forgotten_for_those_who_came_later(void **state)
{
    AUTO(rate_limit_free) struct rate_limit *limit = rate_limit_new(1, 5, 64);

    (void)state;
    assert_int_equal(passes(limit, "loud", 100, 0), 5);
    for (unsigned i = 0; i < 10000; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%u", i);
        rate_limit_passes(limit, name, 0);
    }
    assert_int_equal(passes(limit, "loud", 100, 0), 0);
}

static void ipv6_addresses_of_one_link_are_one_name(void **state)
{
    char one[RATE_NAME_SIZE], other[RATE_NAME_SIZE], elsewhere[RATE_NAME_SIZE], four[RATE_NAME_SIZE];

    (void)state;
    rate_name_of_address("2001:db8:1:2::17", one);
    rate_name_of_address("2001:db8:1:2:ffff:ffff:ffff:ffff", other);
    rate_name_of_address("2001:db8:1:3::17", elsewhere);
    rate_name_of_address("10.1.2.3", four);
    assert_string_equal(one, other);
    assert_string_not_equal(one, elsewhere);
    assert_string_equal(four, "10.1.2.3");
    assert_string_equal(rate_name_of_address("", one), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_may_do_as_much_at_once_as_its_bucket_holds),
        cmocka_unit_test(an_empty_bucket_fills_with_time),
        cmocka_unit_test(tries_in_vain_cost_nothing),
        cmocka_unit_test(a_rate_of_less_than_one_a_second_is_kept),
        cmocka_unit_test(who_has_nothing_left_is_not_forgotten_for_those_who_came_later),
        cmocka_unit_test(ipv6_addresses_of_one_link_are_one_name),
    };

    return cmocka_run_group_tests_name("rate limit", tests, NULL, NULL);
}
