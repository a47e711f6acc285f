/* Fleet lines and misbehaviours: what people write by hand. */
#include "../../simulator/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define NAME "uuid=7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90 address=127.1.2.3 "

static void a_computer_is_made_from_its_line(void **state)
{
    struct device *device = NULL;
    struct error err = { 0 };

    (void)state;
    assert_true(fleet_line(NAME "generation=11.8 suffix=example.com mebx-password=S3cret!pass state=post "
                                "admin-password=P@ssw0rd nonce-uses=3 hash=sha1:"
                                "1d0d304cd637cff33509609737418046ad99d45b,inactive",
                           &device, &err));
    assert_string_equal(device->generation->firmware, "11.8.50.3425");
    assert_string_equal(device->suffix, "example.com");
    assert_int_equal(device->state, STATE_POST);
    assert_false(device->mebx_is_default);
    assert_int_equal(device->switches.nonce.uses, 3);
    assert_int_equal(device->hash_count, 1);
    assert_false(device->hashes[0].active);
    device_destroy(&device);
}

static void a_bad_line_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        { "", "no key=value" },
        { "address=127.1.2.3 generation=11.8", "uuid= is missing" },
        { "uuid=1 address=127.1.2.3 generation=11.8", "not a UUID" },
        { "uuid=7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90 address=10.1.2.3 generation=11.8", "loopback" },
        { NAME "generation=10.5", "none of 3.2.1, 5.2, 6.2, 7.1" },
        { NAME "generation=11.8 colour=red", "no setting" },
        { NAME "generation=11.8 hash=sha256:00", "32 bytes" },
        { NAME "generation=15.0 hash=sha1:1d0d304cd637cff33509609737418046ad99d45b", "knows no hashes" },
        { NAME "generation=11.8 state=done", "none of: pre in post" },
        { NAME "generation=11.8 word", "not key=value" },
        { NAME "generation=11.8 alert=12", "not a number from 40 to 80" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct device *device = NULL;
        struct error err = { 0 };

        assert_false(fleet_line(cases[i].line, &device, &err));
        if (!strstr(err.message, cases[i].reason))
            fail_msg("%s: %s", cases[i].line, err.message);
    }
}

static void a_misbehaviour_comes_at_its_request_and_no_more_often_than_told(void **state)
{
    static const char *const words[] = { "drop-before", "2", "times=2" };
    struct misbehaviour *list = NULL;
    struct error err;
    unsigned due = 0;

    (void)state;
    assert_true(misbehaviour_add(&list, words, 3, &err));
    for (unsigned request = 1; request <= 5; request++) {
        misbehaviour_count_request(list);
        if (misbehaviour_due(list, MISBEHAVIOUR_DROP_BEFORE, "AMT_GeneralSettings.Get"))
            due |= 1u << request;
    }
    assert_int_equal(due, 1u << 2 | 1u << 3);
    misbehaviour_clear(&list);
}

static void a_misbehaviour_can_name_its_operation(void **state)
{
    static const char *const words[] = { "return", "at=AMT_GeneralSettings.Put", "36" };
    struct misbehaviour *list = NULL;
    const struct misbehaviour *due;
    struct error err;

    (void)state;
    assert_true(misbehaviour_add(&list, words, 3, &err));
    misbehaviour_count_request(list);
    assert_null(misbehaviour_due(list, MISBEHAVIOUR_RETURN, "AMT_GeneralSettings.Get"));
    due = misbehaviour_due(list, MISBEHAVIOUR_RETURN, "AMT_GeneralSettings.Put");
    assert_non_null(due);
    assert_int_equal(due->value, 36);
    assert_null(misbehaviour_due(list, MISBEHAVIOUR_RETURN, "AMT_GeneralSettings.Put"));
    misbehaviour_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_is_made_from_its_line),
        cmocka_unit_test(a_bad_line_is_refused_with_the_reason),
        cmocka_unit_test(a_misbehaviour_comes_at_its_request_and_no_more_often_than_told),
        cmocka_unit_test(a_misbehaviour_can_name_its_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
