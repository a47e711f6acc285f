/* Design 2: which service point gets a job. */
#include "tests/unit/unit_test.h"

#include "jobs/dispatcher.h"
#include "jobs/subnet.h"

static void an_address_lies_in_a_subnet_or_not(void **state)
{
    static const struct {
        const char *subnet, *address;
        int match;
    } cases[] = {
        { "10.0.0.0/8", "10.255.0.1", 8 },
        { "10.0.0.0/8", "11.0.0.1", -1 },
        { "10.1.2.128/25", "10.1.2.129", 25 },
        { "10.1.2.128/25", "10.1.2.127", -1 },
        { "10.1.2.3", "10.1.2.3", 32 },
        { "10.1.2.3/32", "10.1.2.4", -1 },
        { "0.0.0.0/0", "192.0.2.1", 0 },
        { "10.1.2.3/8", "10.9.9.9", 8 },
        { "2001:db8::/32", "2001:db8:1::1", 32 },
        { "2001:db8::/33", "2001:db8:8000::1", -1 },
        { "::/0", "10.0.0.1", -1 },
        { "0.0.0.0/0", "::1", -1 },
        { "10.0.0.0/8", "computer.example", -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(subnet_match(cases[i].subnet, cases[i].address), cases[i].match);
}

static void what_is_no_subnet_is_refused(void **state)
{
    static const char *const wrong[] = { "",
                                         "/8",
                                         "10.0.0.0/33",
                                         "10.0.0.0/-1",
                                         "10.0.0.0/",
                                         "10.0.0.0/8x",
                                         "10.0.0/8",
                                         "::/129",
                                         "example.org",
                                         "10.0.0.0/ 8",
                                         "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222/8" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(subnet_valid(wrong[i]));
    assert_true(subnet_valid("10.0.0.0/8"));
    assert_true(subnet_valid("fe80::1"));
}

static const char *const ten[] = { "192.0.2.0/24", "10.0.0.0/8" };
static const char *const ten_one[] = { "10.1.0.0/16" };

static const struct connected_point points[] = {
    { .id = 100 }, /* serves what nobody else serves */
    { .id = 200, .subnets = ten, .subnet_count = 2 },
    { .id = 300, .subnets = ten_one, .subnet_count = 1 },
    { .id = 400 },
};

static void expect(const char *address, int64_t heard_by, const uint32_t *free_slots, int64_t wanted)
{
    struct dispatch_question question = { .address = address, .heard_by = heard_by };
    size_t point = 99;

    assert_int_equal(dispatch_choose(&question, points, free_slots, COUNT_OF(points), &point), DISPATCH_TO);
    assert_int_equal(points[point].id, wanted);
}

static void the_longest_prefix_wins_then_who_heard_it_then_anybody_without_subnets(void **state)
{
    static const uint32_t plenty[] = { 5, 5, 5, 5 };
    static const uint32_t last_freest[] = { 5, 5, 5, 6 };

    (void)state;
    expect("10.1.2.3", 100, plenty, 300);
    expect("10.2.2.3", 100, plenty, 200);
    expect("203.0.113.1", 200, plenty, 200);
    expect("203.0.113.1", 400, plenty, 400);
    expect("203.0.113.1", 300, plenty, 300);
    expect("203.0.113.1", 0, plenty, 100);
    expect("203.0.113.1", 999, last_freest, 400);
    expect("2001:db8::1", 0, last_freest, 400);
}

static void a_job_waits_for_its_service_point_when_that_is_full(void **state)
{
    static const uint32_t full[] = { 5, 5, 0, 5 };
    struct dispatch_question question = { .address = "10.1.2.3", .heard_by = 100 };
    size_t point;

    (void)state;
    assert_int_equal(dispatch_choose(&question, points, full, COUNT_OF(points), &point), DISPATCH_FULL);
    assert_int_equal(dispatch_choose(&question, points, full, 0, &point), DISPATCH_NOBODY);
    question.address = "203.0.113.1";
    question.heard_by = 0;
    assert_int_equal(dispatch_choose(&question, points + 1, full + 1, 2, &point), DISPATCH_NOBODY);
}

static void a_service_point_that_the_computer_does_not_trust_is_none(void **state)
{
    static const struct root_hash a = { 2, 32, { 0xAA } }, b = { 2, 32, { 0xBB } };
    static const uint32_t plenty[] = { 5, 5 };
    const struct connected_point two[] = {
        { .id = 1, .subnets = ten, .subnet_count = 2, .root_hashes = &a, .root_hash_count = 1 },
        { .id = 2, .root_hashes = &b, .root_hash_count = 1 },
    };
    struct dispatch_question question = { .address = "10.1.2.3", .root_hashes = &b, .root_hash_count = 1 };
    size_t point = 99;

    (void)state;
    assert_int_equal(dispatch_choose(&question, two, plenty, 2, &point), DISPATCH_TO);
    assert_int_equal(point, 1);
    question.root_hash_count = 0; /* never said Hello: not known */
    assert_int_equal(dispatch_choose(&question, two, plenty, 2, &point), DISPATCH_TO);
    assert_int_equal(point, 0);
}

static void a_job_is_left_to_another_site_server_whose_service_point_suits_better(void **state)
{
    static const uint32_t plenty[] = { 5, 5, 5 }, ours_full[] = { 5, 0, 5 };
    const struct connected_point three[] = {
        { .id = 1 },
        { .id = 2, .subnets = ten, .subnet_count = 2 },
        { .id = 3, .subnets = ten_one, .subnet_count = 1, .elsewhere = true },
    };
    const struct connected_point equal[] = {
        { .id = 1, .elsewhere = true },
        { .id = 2 },
    };
    struct dispatch_question question = { .address = "10.1.2.3", .heard_by = 1 };
    size_t point = 99;

    (void)state;
    assert_int_equal(dispatch_choose(&question, three, plenty, 3, &point), DISPATCH_ELSEWHERE);
    question.address = "10.2.2.3";
    assert_int_equal(dispatch_choose(&question, three, plenty, 3, &point), DISPATCH_TO);
    assert_int_equal(point, 1);
    assert_int_equal(dispatch_choose(&question, three, ours_full, 3, &point), DISPATCH_FULL);
    question.heard_by = 0;
    assert_int_equal(dispatch_choose(&question, equal, plenty, 2, &point), DISPATCH_TO);
    assert_int_equal(point, 1);
    assert_int_equal(dispatch_choose(&question, equal, ours_full, 2, &point), DISPATCH_ELSEWHERE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_lies_in_a_subnet_or_not),
        cmocka_unit_test(what_is_no_subnet_is_refused),
        cmocka_unit_test(the_longest_prefix_wins_then_who_heard_it_then_anybody_without_subnets),
        cmocka_unit_test(a_job_waits_for_its_service_point_when_that_is_full),
        cmocka_unit_test(a_service_point_that_the_computer_does_not_trust_is_none),
        cmocka_unit_test(a_job_is_left_to_another_site_server_whose_service_point_suits_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
