/* Spec 6.5: passwords and user names that the firmware takes. */
#include "common/password.h"
#include "tests/unit/unit_test.h"

#include <string.h>

static void every_generated_password_obeys_the_rules_and_differs(void **state)
{
    struct secret *previous = NULL;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct secret *password = password_generate();
        struct error err = { 0 };

        assert_true(password_check(password, &err));
        assert_int_equal(secret_length(password), 20);
        if (previous)
            assert_false(secret_equal(password, previous));
        secret_free(&previous);
        previous = password;
    }
    secret_free(&previous);
}

static void a_password_that_breaks_a_rule_is_refused_without_being_shown(void **state)
{
    static const struct {
        const char *password, *reason;
    } cases[] = {
        { "Ab1!", "4 characters" },      { "Ab1!567890123456789012345678901234567", "37 characters" },
        { "abcdef1!", "upper-case" },    { "ABCDEF1!", "lower-case" },
        { "Abcdefg!", "digit" },         { "Abcdefg1", "special" },
        { "Abcdefg1_", "special" },      { "Abcdef1!,", "','" },
        { "Abcdef1!:", "':'" },          { "Abcdef1!\"", "'\"'" },
        { "Abcdef1!\xc3\xa4", "ASCII" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct secret *password = secret_from_text(cases[i].password);
        struct error err = { 0 };

        assert_false(password_check(password, &err));
        assert_non_null(strstr(err.message, cases[i].reason));
        assert_null(strstr(err.message, cases[i].password));
        secret_free(&password);
    }
}

static void user_names_follow_the_firmwares_rules(void **state)
{
    static const char *const wrong[] = {
        "",    "seventeen.letters", "with space", "a:b", "a,b", "$$uns", "admin", "Admin", "a(b", "a&b",
        "a<b", "Administrator"
    };
    struct error err = { 0 };

    (void)state;
    assert_true(user_name_check("operator", &err));
    assert_true(user_name_check("sixteen.letters.", &err));
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(user_name_check(wrong[i], &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_generated_password_obeys_the_rules_and_differs),
        cmocka_unit_test(a_password_that_breaks_a_rule_is_refused_without_being_shown),
        cmocka_unit_test(user_names_follow_the_firmwares_rules),
    };

    return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
