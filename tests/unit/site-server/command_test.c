/* Spec 10: what a person types. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "control/command.h"

#define WORDS_MAX 16

/* The words of a line, as a shell would give them. */
struct words {
    char text[256];
    char *list[WORDS_MAX];
    int count;
};

static enum parsed parse(struct words *words, const char *line, struct invocation *invocation,
                         struct error *err)
{
    char *rest = words->text, *word;

    words->count = 0;
    strcpy(words->text, line);
    while ((word = strsep(&rest, " ")) != NULL)
        words->list[words->count++] = word;
    words->list[words->count] = NULL;
    return invocation_parse(words->count, words->list, invocation, err);
}

static void global_options_may_stand_anywhere(void **state)
{
    static const char *const lines[] = {
        "amtctl --database d --json computer show x",
        "amtctl computer --json show --database=d x",
        "amtctl computer show x --json --database d",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct invocation invocation;
        struct error err = { 0 };
        struct words words;

        assert_int_equal(parse(&words, lines[i], &invocation, &err), PARSED_COMMAND);
        assert_string_equal(invocation.command->noun, "computer");
        assert_string_equal(invocation.command->verb, "show");
        assert_string_equal(invocation.options[OPTION_DATABASE], "d");
        assert_non_null(invocation.options[OPTION_JSON]);
        assert_int_equal(invocation.argument_count, 1);
        assert_string_equal(invocation.arguments[0], "x");
    }
}

static void an_option_that_repeats_keeps_every_value(void **state)
{
    struct invocation invocation;
    struct error err = { 0 };
    struct words words;

    (void)state;
    assert_int_equal(parse(&words, "amtctl check --certificate a --certificate b", &invocation, &err),
                     PARSED_COMMAND);
    assert_int_equal(invocation.certificate_count, 2);
    assert_string_equal(invocation.certificates[1], "b");
}

static void a_wrong_command_line_is_refused_with_the_remedy(void **state)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        { "amtctl", "no command is given; see 'amtctl --help'" },
        { "amtctl frob", "unknown command 'frob'" },
        { "amtctl job", "'job' needs a verb; see 'amtctl job --help'" },
        { "amtctl job frob", "unknown command 'job frob'" },
        { "amtctl import", "an argument is missing; write: amtctl import FILE" },
        { "amtctl import a b", "too many arguments" },
        { "amtctl computer list --why x", "has no option --why" },
        { "amtctl --frob", "unknown option '--frob'" },
        { "amtctl computer list --limit", "option --limit needs a value" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct invocation invocation;
        struct error err = { 0 };
        struct words words;

        assert_int_equal(parse(&words, cases[i].line, &invocation, &err), PARSED_WRONG);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].line, err.message, cases[i].reason);
    }
}

static void help_is_there_for_all_for_a_noun_and_for_a_command(void **state)
{
    static const char *const lines[] = { "amtctl --help",     "amtctl -h",           "amtctl help",
                                         "amtctl job --help", "amtctl help job",     "amtctl job show --help",
                                         "amtctl import -h",  "amtctl help job show" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct invocation invocation;
        struct error err = { 0 };
        struct words words;

        assert_int_equal(parse(&words, lines[i], &invocation, &err), PARSED_HELP);
    }
}

static void every_command_can_be_found_and_says_what_it_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        struct invocation invocation;
        struct error err = { 0 };
        struct words words;
        char line[128];

        snprintf(line, sizeof(line), "amtctl %s%s%s --help", commands[i].noun, commands[i].verb ? " " : "",
                 commands[i].verb ? commands[i].verb : "");
        assert_int_equal(parse(&words, line, &invocation, &err), PARSED_HELP);
        assert_ptr_equal(invocation.command, &commands[i]);
        assert_true(strlen(commands[i].summary) > 10);
        assert_non_null(commands[i].run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(global_options_may_stand_anywhere),
        cmocka_unit_test(an_option_that_repeats_keeps_every_value),
        cmocka_unit_test(a_wrong_command_line_is_refused_with_the_remedy),
        cmocka_unit_test(help_is_there_for_all_for_a_noun_and_for_a_command),
        cmocka_unit_test(every_command_can_be_found_and_says_what_it_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
