/* The log: what a peer sent cannot break a line; a flood writes one line an interval. */
#include "common/log.h"
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ownership.h"

/* Runs with standard error in a pipe and returns what was written. */
static size_t captured(void (*write_lines)(void), char *text, size_t size)
{
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t length;

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    write_lines();
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    length = read(ends[0], text, size - 1);
    close(ends[0]);
    assert_true(length >= 0);
    text[length] = '\0';
    return (size_t)length;
}

static void hostile_line(void)
{
    log_info("seen", log_text("from", "a\"b\\c\nlevel=error\x7f"), log_number("n", -5));
    log_debug("not shown", log_number("n", 1));
}

static void quotes_line_breaks_and_control_characters_are_escaped(void **state)
{
    char text[4096];

    (void)state;
    captured(hostile_line, text, sizeof(text));
    assert_non_null(
        strstr(text, "level=info event=\"seen\" from=\"a\\\"b\\\\c\\x0alevel=error\\x7f\" n=-5\n"));
    assert_null(strstr(text, "not shown"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void line_for_a_terminal(void)
{
    log_info("seen", log_text("from", "\xC3\xBC \x1B[2J \302\2332J \xFF"));
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    char text[4096];

    (void)state;
    captured(line_for_a_terminal, text, sizeof(text));
    assert_non_null(strstr(text, "from=\"\xC3\xBC \\x1b[2J \\xc2\\x9b2J \\xff\"\n"));
}

static void long_line(void)
{
    char *longer = malloc(10001);

    memset(longer, 'x', 10000);
    longer[10000] = '\0';
    log_info("long", log_text("text", longer));
    free(longer);
}

static void a_line_that_is_too_long_is_cut_and_still_ends(void **state)
{
    char text[8192];
    size_t length;

    (void)state;
    length = captured(long_line, text, sizeof(text));
    assert_in_range(length, 1000, 2048);
    assert_int_equal(text[length - 1], '\n');
}

static void a_flood_writes_one_line_an_interval_and_says_how_many_it_left_out(void **state)
{
    struct log_limit limit = { .interval_ms = 1000 };
    int64_t suppressed = -1;

    (void)state;
    assert_true(log_limit_passes(&limit, 5000, &suppressed));
    assert_int_equal(suppressed, 0);
    for (int i = 0; i < 100; i++)
        assert_false(log_limit_passes(&limit, 5999, &suppressed));
    assert_true(log_limit_passes(&limit, 6000, &suppressed));
    assert_int_equal(suppressed, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_line_breaks_and_control_characters_are_escaped),
        cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_still_ends),
        cmocka_unit_test(a_flood_writes_one_line_an_interval_and_says_how_many_it_left_out),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
