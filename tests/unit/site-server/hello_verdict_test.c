/* Spec O2, O3: what becomes of a Hello. */
#include "tests/unit/unit_test.h"

#include "devices/device.h"

#define QUIET_S 300

/* Imported, never seen, one of our roots in its firmware. */
static const struct hello_facts fresh = { .known = true,
                                          .subnet_granted = true,
                                          .auto_reprovision = true,
                                          .root_in_common = true,
                                          .status = STATUS_UNKNOWN };

static void expect(struct hello_facts facts, enum reason_code verdict, enum amt_status after)
{
    enum reason_code judged = device_judge_hello(&facts, QUIET_S);

    assert_string_equal(reason_of(judged)->name, reason_of(verdict)->name);
    assert_int_equal(device_status_after_hello(&facts, judged), after);
}

#define FACTS(...)                                                                                           \
    __extension__({                                                                                          \
        struct hello_facts facts_ = fresh;                                                                   \
        __VA_ARGS__;                                                                                         \
        facts_;                                                                                              \
    })

static void a_known_computer_is_offered(void **state)
{
    (void)state;
    expect(fresh, REASON_NONE, STATUS_NOT_PROVISIONED);
    expect(FACTS(facts_.job_waiting = true), REASON_NONE, STATUS_NOT_PROVISIONED);
}

static void hellos_are_discarded_with_their_reason(void **state)
{
    (void)state;
    expect((struct hello_facts){ 0 }, REASON_UNKNOWN_COMPUTER, STATUS_KEEP);
    expect(FACTS(facts_.subnet_granted = false), REASON_SUBNET_NOT_GRANTED, STATUS_KEEP);
    expect(FACTS(facts_.blocked = true), REASON_BLOCKED, STATUS_KEEP);
    expect(FACTS(facts_.managed_in_band = true), REASON_MANAGED_IN_BAND, STATUS_KEEP);
    expect(FACTS(facts_.job_leased = true), REASON_JOB_UNDER_WAY, STATUS_KEEP);
}

static void no_common_root_means_detected(void **state)
{
    (void)state;
    expect(FACTS(facts_.root_in_common = false), REASON_NO_COMMON_ROOT, STATUS_DETECTED);
    expect(FACTS(facts_.root_in_common = false; facts_.job_leased = true), REASON_JOB_UNDER_WAY, STATUS_KEEP);
}

static void a_late_hello_is_discarded_within_the_quiet_time_only(void **state)
{
    struct hello_facts provisioned = FACTS(facts_.status = STATUS_PROVISIONED; facts_.ever_provisioned = true;
                                           facts_.provisioned_ago_s = QUIET_S - 1);

    (void)state;
    expect(provisioned, REASON_JUST_PROVISIONED, STATUS_KEEP);
    provisioned.provisioned_ago_s = QUIET_S;
    expect(provisioned, REASON_NONE, STATUS_NOT_PROVISIONED);
}

static void reprovisioning_can_be_switched_off(void **state)
{
    struct hello_facts lost = FACTS(facts_.status = STATUS_PROVISIONED; facts_.ever_provisioned = true;
                                    facts_.provisioned_ago_s = 86400; facts_.auto_reprovision = false);

    (void)state;
    expect(lost, REASON_REPROVISIONING_OFF, STATUS_NOT_PROVISIONED);
    lost.status = STATUS_NOT_PROVISIONED; /* the next Hello finds it so */
    expect(lost, REASON_REPROVISIONING_OFF, STATUS_NOT_PROVISIONED);
    lost.job_waiting = true; /* an operator asked for it */
    expect(lost, REASON_NONE, STATUS_NOT_PROVISIONED);
    expect(FACTS(facts_.auto_reprovision = false), REASON_NONE, STATUS_NOT_PROVISIONED);
}

static void what_an_operator_unprovisioned_stays_so_until_provision_is_requested(void **state)
{
    struct hello_facts unprovisioned =
        FACTS(facts_.status = STATUS_NOT_PROVISIONED; facts_.ever_provisioned = true;
              facts_.provisioned_ago_s = 86400; facts_.unprovisioned = true);

    (void)state;
    expect(unprovisioned, REASON_UNPROVISIONED, STATUS_NOT_PROVISIONED);
    unprovisioned.job_leased = true;
    expect(unprovisioned, REASON_JOB_UNDER_WAY, STATUS_KEEP);
    unprovisioned.job_leased = false;
    unprovisioned.job_waiting = true;
    expect(unprovisioned, REASON_NONE, STATUS_NOT_PROVISIONED);
}

static void what_was_tried_in_vain_stays_detected_until_a_job_says_better(void **state)
{
    (void)state;
    expect(FACTS(facts_.status = STATUS_DETECTED; facts_.reason = REASON_NO_ACCOUNT_ACCEPTED), REASON_NONE,
           STATUS_KEEP);
    expect(FACTS(facts_.status = STATUS_DETECTED; facts_.reason = REASON_NO_COMMON_ROOT), REASON_NONE,
           STATUS_NOT_PROVISIONED);
}

static void a_computer_that_refused_every_account_is_left_alone_until_something_new_comes(void **state)
{
    struct hello_facts exhausted =
        FACTS(facts_.status = STATUS_DETECTED; facts_.reason = REASON_NO_ACCOUNT_ACCEPTED;
              facts_.accounts_exhausted = true);

    (void)state;
    expect(exhausted, REASON_NO_ACCOUNT_ACCEPTED, STATUS_KEEP);
    exhausted.job_waiting = true; /* an operator asked for it */
    expect(exhausted, REASON_NONE, STATUS_KEEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_computer_is_offered),
        cmocka_unit_test(hellos_are_discarded_with_their_reason),
        cmocka_unit_test(no_common_root_means_detected),
        cmocka_unit_test(a_late_hello_is_discarded_within_the_quiet_time_only),
        cmocka_unit_test(reprovisioning_can_be_switched_off),
        cmocka_unit_test(a_computer_that_refused_every_account_is_left_alone_until_something_new_comes),
        cmocka_unit_test(what_an_operator_unprovisioned_stays_so_until_provision_is_requested),
        cmocka_unit_test(what_was_tried_in_vain_stays_detected_until_a_job_says_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
