/* What a message says goes to a database, a log and a terminal: it is text, whatever a peer sent. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "common/error.h"
#include "common/utf8.h"

static void expect_text(const char *text)
{
    size_t length;

    for (; *text; text += length) {
        length = utf8_sequence((const unsigned char *)text);
        if (!length)
            fail_msg("no text: %s", text);
    }
}

/* Some length puts the end into the middle of a character. */
static void a_message_that_is_cut_ends_with_a_whole_character(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 4; shift++) {
        char longer[600] = "";
        struct error err = { 0 };

        memset(longer, 'x', shift);
        while (strlen(longer) + 4 < sizeof(longer))
            strcat(longer, "\xE2\x82\xAC");
        error_set(&err, ERROR_PROTOCOL, "%s", longer);
        expect_text(err.message);
        error_because(&err, REASON_FIRMWARE_FAULT, "%s", longer);
        expect_text(err.message);
        error_during(&err, "while \xC3\xBC");
        expect_text(err.message);
        error_during(&err, "%s", longer);
        expect_text(err.message);
    }
}

static void bytes_that_are_no_text_are_shown_as_question_marks(void **state)
{
    static const struct {
        const char *said, *shown;
    } cases[] = {
        { "plain", "plain" },           { "\xC3\xBC", "\xC3\xBC" }, { "a\xFFz", "a?z" },
        { "half \xE2\x82", "half ??" }, { "\x1B[2J", "?[2J" }, /* clears a terminal */
        { "\302\2332J", "??2J" },                              /* so does this one */
        { "\xC2\xA0", "\xC2\xA0" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = { 0 };

        error_set(&err, ERROR_PROTOCOL, "%s", cases[i].said);
        assert_string_equal(err.message, cases[i].shown);
    }
}

static void a_text_is_cut_between_two_characters(void **state)
{
    static const char text[] = "a\xE2\x82\xACz";

    (void)state;
    assert_int_equal(utf8_cut(text, 100), 5);
    assert_int_equal(utf8_cut(text, 4), 4);
    assert_int_equal(utf8_cut(text, 3), 1);
    assert_int_equal(utf8_cut(text, 2), 1);
    assert_int_equal(utf8_cut(text, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_is_cut_ends_with_a_whole_character),
        cmocka_unit_test(bytes_that_are_no_text_are_shown_as_question_marks),
        cmocka_unit_test(a_text_is_cut_between_two_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
