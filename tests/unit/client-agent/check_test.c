/* Spec I1: what must be so before a computer may be set up, and what is said when it is not. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tests/unit/unit_test.h"

enum { ROOT_LENGTH = 32 };

static char wired_address[] = "10.1.2.3";

static struct computer fit_computer(void)
{
    struct computer computer = { .has_uuid = true, .has_amt = true, .wired = { .address = wired_address } };
    struct firmware_facts *facts = &computer.facts;

    facts->major = 16;
    facts->state = HOST_STATE_PRE;
    facts->has_zero_touch = facts->zero_touch = true;
    facts->has_wired = facts->wired.link_up = true;
    facts->hash_count = 2;
    facts->hashes[0] = (struct host_hash){ .algorithm = 1, .length = 20, .active = true };
    facts->hashes[1] = (struct host_hash){ .algorithm = 2, .length = ROOT_LENGTH, .active = true };
    memset(facts->hashes[1].digest, 0x92, ROOT_LENGTH);
    return computer;
}

static struct root_hash known_root(void)
{
    struct root_hash root = { .algorithm = 2, .length = ROOT_LENGTH };

    memset(root.hash, 0x92, ROOT_LENGTH);
    return root;
}

static void expect_failure(const struct computer *computer, struct root_hash root, enum reason_code reason)
{
    const struct message_policy policy = { .provision = true, .root_hashes = &root, .root_hash_count = 1 };
    struct error err = { 0 };

    assert_false(check_all(computer, &policy, &err));
    assert_string_equal(reason_of(err.reason)->name, reason_of(reason)->name);
    assert_string_not_equal(err.message, "");
}

static void a_computer_in_factory_state_with_our_root_and_a_cable_passes(void **state)
{
    struct computer computer = fit_computer();
    struct root_hash root = known_root();
    const struct message_policy policy = { .provision = true, .root_hashes = &root, .root_hash_count = 1 };
    struct error err = { 0 };

    (void)state;
    assert_true(check_all(&computer, &policy, &err));
    computer.facts.state = HOST_STATE_IN; /* an earlier run was stopped */
    assert_true(check_all(&computer, &policy, &err));
    computer.facts.has_zero_touch = computer.facts.zero_touch = false; /* not known to this release */
    assert_true(check_all(&computer, &policy, &err));
}

static void without_amt_the_reason_is_that_of_the_device(void **state)
{
    struct computer computer = { .has_uuid = true };

    (void)state;
    error_because(&computer.why_not, REASON_NO_HOST_INTERFACE, "there is no /dev/mei0");
    expect_failure(&computer, known_root(), REASON_NO_HOST_INTERFACE);
}

static void a_provisioned_computer_is_left_alone(void **state)
{
    struct computer computer = fit_computer();

    (void)state;
    computer.facts.state = HOST_STATE_POST;
    expect_failure(&computer, known_root(), REASON_ALREADY_PROVISIONED);
}

static void remote_configuration_that_is_off_is_named(void **state)
{
    struct computer computer = fit_computer();

    (void)state;
    computer.facts.zero_touch = false;
    expect_failure(&computer, known_root(), REASON_ZERO_TOUCH_OFF);
}

static void only_an_active_root_of_the_same_algorithm_counts(void **state)
{
    struct computer computer = fit_computer();
    struct root_hash root = known_root();

    (void)state;
    root.hash[31] ^= 1;
    expect_failure(&computer, root, REASON_NO_COMMON_ROOT);
    root = known_root();
    root.algorithm = 3;
    expect_failure(&computer, root, REASON_NO_COMMON_ROOT);
    root = known_root();
    root.length = 20;
    expect_failure(&computer, root, REASON_NO_COMMON_ROOT);
    computer.facts.hashes[1].active = false;
    expect_failure(&computer, known_root(), REASON_NO_COMMON_ROOT);
}

static void a_cable_without_an_address_is_no_network(void **state)
{
    struct computer computer = fit_computer();

    (void)state;
    computer.wired.address = NULL;
    expect_failure(&computer, known_root(), REASON_NO_WIRED_NETWORK);
    computer.facts.wired.link_up = false;
    expect_failure(&computer, known_root(), REASON_NO_WIRED_NETWORK);
}

static void without_a_site_any_active_root_will_do(void **state)
{
    struct computer computer = fit_computer();
    struct error err = { 0 };

    (void)state;
    assert_true(check_all(&computer, NULL, &err));
    computer.facts.hash_count = 0;
    assert_false(check_all(&computer, NULL, &err));
    assert_int_equal(err.reason, REASON_NO_COMMON_ROOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_in_factory_state_with_our_root_and_a_cable_passes),
        cmocka_unit_test(without_amt_the_reason_is_that_of_the_device),
        cmocka_unit_test(a_provisioned_computer_is_left_alone),
        cmocka_unit_test(remote_configuration_that_is_off_is_named),
        cmocka_unit_test(only_an_active_root_of_the_same_algorithm_counts),
        cmocka_unit_test(a_cable_without_an_address_is_no_network),
        cmocka_unit_test(without_a_site_any_active_root_will_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
