/* Spec O5: the retry list. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "jobs/candidate.h"

static const char *const accounts[] = { "first", "second" };

/* Newest first: pending that was offered before, pending's elder brothers, an imported one. */
static const struct credential credentials[] = {
    { .id = 9, .kind = CREDENTIAL_MEBX, .state = CREDENTIAL_ACTIVE, .maybe_on_device = true },
    { .id = 8, .kind = CREDENTIAL_ADMIN, .state = CREDENTIAL_PENDING, .maybe_on_device = true },
    { .id = 7, .kind = CREDENTIAL_ADMIN, .state = CREDENTIAL_IMPORTED, .maybe_on_device = true },
    { .id = 5, .kind = CREDENTIAL_ADMIN, .state = CREDENTIAL_ACTIVE, .maybe_on_device = true },
    { .id = 3, .kind = CREDENTIAL_ADMIN, .state = CREDENTIAL_SUPERSEDED, .maybe_on_device = true },
};

static const struct candidate_question full_list = { .credentials = credentials,
                                                     .credential_count = COUNT_OF(credentials),
                                                     .accounts = accounts,
                                                     .account_count = 2 };

/* "a b c (left)" */
static void expect(const struct candidate_question *question, const char *now, size_t left)
{
    struct candidate_answer answer;
    char text[400] = "";

    candidate_choose(question, &answer);
    for (size_t i = 0; i < answer.now_count; i++) {
        if (i)
            strcat(text, " ");
        strcat(text, answer.now[i].reference);
    }
    assert_string_equal(text, now);
    assert_int_equal(answer.left, left);
}

static void a_new_computer_is_tried_with_the_empty_password_then_the_factory_one(void **state)
{
    (void)state;
    expect(&(struct candidate_question){ 0 }, "empty factory", 2);
}

static void the_list_has_the_order_of_the_specification_and_three_go_out_at_once(void **state)
{
    static const char *const first[] = { "empty", "secret:8", "secret:5" };
    static const char *const six[] = { "empty",    "secret:8", "secret:5",
                                       "secret:3", "secret:7", "account:first" };
    struct candidate_question question = full_list;

    (void)state;
    expect(&question, "empty secret:8 secret:5 secret:3", 8); /* the empty one is not always sent */
    question.refused = first;
    question.refused_count = 3;
    expect(&question, "secret:3 secret:7 account:first", 5);
    question.refused = six;
    question.refused_count = 6;
    expect(&question, "account:second factory", 2);
}

static void a_password_that_never_left_the_site_is_not_tried(void **state)
{
    static const struct credential fresh[] = {
        { .id = 1, .kind = CREDENTIAL_ADMIN, .state = CREDENTIAL_PENDING }
    };

    (void)state;
    expect(&(struct candidate_question){ .credentials = fresh, .credential_count = 1 }, "empty factory", 2);
}

static void an_hour_sees_at_most_nine_refusals(void **state)
{
    struct candidate_question question = full_list;

    (void)state;
    question.refusals_in_last_hour = 7;
    expect(&question, "empty secret:8", 8);
    question.refusals_in_last_hour = 9;
    expect(&question, "", 8);
    question.refusals_in_last_hour = 100;
    expect(&question, "", 8);
}

static void nothing_is_left_when_all_was_refused(void **state)
{
    static const char *const all[] = { "empty", "factory" };

    (void)state;
    expect(&(struct candidate_question){ .refused = all, .refused_count = 2 }, "", 0);
}

/* Behind our certificate nothing but what we made opens: no other account's failure is risked there. */
static void a_provisioned_computer_is_tried_with_its_own_passwords_alone(void **state)
{
    static const char *const own[] = { "secret:5", "secret:8", "secret:3" };
    struct candidate_question question = full_list;

    (void)state;
    question.list = CANDIDATES_OWN;
    expect(&question, "secret:5 secret:8 secret:3", 4);
    question.refused = own;
    question.refused_count = 3;
    expect(&question, "secret:7", 1);
    expect(&(struct candidate_question){ .list = CANDIDATES_OWN }, "", 0);
}

/* "If the answer is lost, try new, then old." */
static void a_rotation_tries_the_new_password_first_where_it_was_sent_before(void **state)
{
    struct candidate_question question = full_list;

    (void)state;
    question.list = CANDIDATES_ROTATION;
    expect(&question, "secret:8 secret:5 secret:3", 4);
}

static void what_may_be_in_setup_is_tried_with_the_empty_password_too(void **state)
{
    struct candidate_question question = full_list;

    (void)state;
    question.list = CANDIDATES_OWN;
    question.maybe_in_setup = true;
    expect(&question, "empty secret:5 secret:8 secret:3", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_computer_is_tried_with_the_empty_password_then_the_factory_one),
        cmocka_unit_test(the_list_has_the_order_of_the_specification_and_three_go_out_at_once),
        cmocka_unit_test(a_password_that_never_left_the_site_is_not_tried),
        cmocka_unit_test(an_hour_sees_at_most_nine_refusals),
        cmocka_unit_test(nothing_is_left_when_all_was_refused),
        cmocka_unit_test(a_provisioned_computer_is_tried_with_its_own_passwords_alone),
        cmocka_unit_test(a_rotation_tries_the_new_password_first_where_it_was_sent_before),
        cmocka_unit_test(what_may_be_in_setup_is_tried_with_the_empty_password_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
