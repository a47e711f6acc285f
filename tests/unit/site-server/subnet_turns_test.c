/* Subnets take turns, so that one where many computers wait does not hold up another. */
#include "tests/unit/site-server/jobs_site.h"

/* Computers first to last, in the subnet 10.0.<subnet>.0/24, say Hello. */
static void wait_in_subnet(unsigned subnet, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        import(i);
        assert_int_equal(hello(i, &our_root), REASON_NONE);
        sql("UPDATE amt_store.computer SET address = '10.0.%u.%u' WHERE uuid = '%s'", subnet, i % 250,
            text_of(i));
    }
}

static void hand_out(unsigned free_slots, size_t wanted)
{
    const struct connected_point point = {
        .id = point_a, .free = free_slots, .root_hashes = &our_root, .root_hash_count = 1
    };
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    MUST(job_dispatch(db, vault, &settings, &dispatched, &point, 1, &offers, &error_of_call));
    assert_int_equal(offers.count, wanted);
}

static void expect_handed_out_in(unsigned subnet, const char *wanted)
{
    expect(wanted, "SELECT count(*) FROM amt_store.job WHERE state = 'leased' AND address <<= '10.0.%u.0/24'",
           subnet);
}

static void a_subnet_where_many_wait_does_not_hold_up_another(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 60);
    wait_in_subnet(2, 61, 65);
    sql("UPDATE amt_store.job SET not_before = now() - interval '1 hour' WHERE subnet = '10.0.1.0/24'");
    hand_out(10, 10);
    expect_handed_out_in(1, "5");
    expect_handed_out_in(2, "5");
    hand_out(100, 55);
}

static void subnets_take_turns_when_slots_become_free_one_by_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        wait_in_subnet(i + 1, 1 + 10 * i, 10 + 10 * i);
    for (unsigned i = 0; i < 6; i++)
        hand_out(1, 1);
    for (unsigned i = 0; i < 3; i++)
        expect_handed_out_in(i + 1, "2");
}

static void within_a_subnet_the_one_that_was_due_first_comes_first(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 40);
    sql("UPDATE amt_store.job SET not_before = now() - interval '1 s' * id");
    hand_out(30, 30);
    expect("true",
           "SELECT min(id) FILTER (WHERE state = 'leased') > max(id) FILTER (WHERE state = 'waiting') "
           "FROM amt_store.job");
    hand_out(30, 10);
}

static void a_profile_that_is_halted_is_passed_over_and_others_go_on(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 20);
    sql("SELECT amt.profile_set('other', '{}')");
    sql("SELECT amt.set_profile_of('%s', 'other')", text_of(7));
    sql("SELECT amt.rollout_halt('default')");
    hand_out(100, 1);
    expect(text_of(7), "SELECT uuid FROM amt_store.job WHERE state = 'leased'");
    sql("SELECT amt.rollout_resume('default')");
    hand_out(100, 19);
}

/* Finer than a lane: the same subnet is open for one half and closed for the other. */
static void a_limit_for_each_small_subnet_holds_within_a_lane(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 40);
    sql("SELECT amt.rollout_set('default', '{\"per_subnet\": 3, \"subnet_bits\": 28}')");
    hand_out(100, 9); /* 0 to 15, 16 to 31, 32 to 47 */
    hand_out(100, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_subnet_where_many_wait_does_not_hold_up_another),
        WITH_SITE(subnets_take_turns_when_slots_become_free_one_by_one),
        WITH_SITE(within_a_subnet_the_one_that_was_due_first_comes_first),
        WITH_SITE(a_profile_that_is_halted_is_passed_over_and_others_go_on),
        WITH_SITE(a_limit_for_each_small_subnet_holds_within_a_lane),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
