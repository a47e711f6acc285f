/* Spec 4: one documented list of codes, each with a sentence and a remedy. */
#include "common/reason.h"
#include "tests/unit/unit_test.h"

#include <string.h>

static void every_reason_has_a_name_of_its_own_a_meaning_and_a_remedy(void **state)
{
    (void)state;
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        const struct reason *reason = reason_of((enum reason_code)i);
        enum reason_code found = REASON_NONE;

        assert_non_null(reason->name);
        assert_true(strlen(reason->name) > 0);
        assert_true(strlen(reason->meaning) > 0);
        assert_true(strlen(reason->remedy) > 0);
        assert_true(reason_find(reason->name, &found));
        assert_int_equal(found, i);
    }
}

static void a_name_that_is_no_reason_is_not_found(void **state)
{
    enum reason_code found = REASON_NONE;

    (void)state;
    assert_false(reason_find("no-such-reason", &found));
    assert_string_equal(reason_of((enum reason_code)9999)->name, "internal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_name_of_its_own_a_meaning_and_a_remedy),
        cmocka_unit_test(a_name_that_is_no_reason_is_not_found),
    };

    return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
