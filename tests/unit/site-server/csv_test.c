/* Spec 10: the form of an import file. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/csv.h"

struct text_source {
    const char *text;
    size_t length, step; /* at most step bytes a read, so that records straddle reads */
};

static ssize_t read_text(void *context, char *buffer, size_t size)
{
    struct text_source *source = context;
    size_t part = source->length < source->step ? source->length : source->step;

    part = part < size ? part : size;
    memcpy(buffer, source->text, part);
    source->text += part;
    source->length -= part;
    return (ssize_t)part;
}

/* Records as "line:field|field;", bad ones as "line!problem;". The caller frees. */
static char *outline(const char *text, size_t length, size_t step)
{
    struct text_source source = { text, length, step };
    struct csv_reader reader;
    struct csv_record record;
    struct error err = { 0 };
    enum csv_result result;
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);

    csv_open(&reader, read_text, &source);
    while ((result = csv_next(&reader, &record, &err)) == CSV_RECORD || result == CSV_BAD) {
        fprintf(stream, "%zu%s%s", record.line, result == CSV_BAD ? "!" : ":",
                record.problem ? record.problem : "");
        for (size_t i = 0; result == CSV_RECORD && i < record.field_count; i++)
            fprintf(stream, "%s%s", i ? "|" : "", record.fields[i]);
        fputs(";", stream);
    }
    if (result == CSV_FAILED)
        fputs(err.message, stream);
    csv_close(&reader);
    fclose(stream);
    return out;
}

struct form {
    const char *text, *outline;
};

static void expect_forms(const struct form *forms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t step = 1; step < 40; step += 19) {
            char *got = outline(forms[i].text, strlen(forms[i].text), step);

            assert_string_equal(got, forms[i].outline);
            free(got);
        }
    }
}

static void every_usual_form_of_a_file_is_read(void **state)
{
    static const struct form forms[] = {
        { "", "" },
        { "a,b,c", "1:a|b|c;" },
        { "a,b\nc,d\n", "1:a|b;2:c|d;" },
        { "a,b\r\nc,d\r\n", "1:a|b;2:c|d;" },
        { "a,b\r\nc,d\r", "1:a|b;2:c|d;" },
        { "\xEF\xBB\xBF"
          "a,b",
          "1:a|b;" },
        { "# comment, \"\n\n  \t\r\n  # indented\na", "5:a;" },
        { " a , b c ,\td\t", "1:a|b c|d;" },
        { "a,,c,", "1:a||c|;" },
        { "\"a,b\",\"say \"\"x\"\"\", \" kept \" ,\"\"", "1:a,b|say \"x\"| kept |;" },
        { "a#b,c", "1:a#b|c;" },
    };

    (void)state;
    expect_forms(forms, COUNT_OF(forms));
}

static void a_bad_line_is_named_and_reading_goes_on(void **state)
{
    static const struct form forms[] = {
        { "a\n\"b\nc\n", "1:a;2!a quote is not closed;3:c;" },
        { "\"b", "1!a quote is not closed;" },
        { "\"a\"b,c\nd", "1!text after a closing quote;2:d;" },
        { "a\"b\"\nd", "1!a quote inside an unquoted field;2:d;" },
        { "a\x01\nd", "1!a control character;2:d;" },
        { "a\rb\nd", "1!a control character;2:d;" },
        { "1,2,3,4,5,6,7,8,9\nd", "1!too many fields;2:d;" },
    };

    (void)state;
    expect_forms(forms, COUNT_OF(forms));
}

static void a_nul_character_makes_a_line_bad(void **state)
{
    char *got = outline("a\0b,c\nd", 7, 64);

    (void)state;
    assert_string_equal(got, "1!a NUL character;2:d;");
    free(got);
}

static void a_line_without_end_is_refused_in_bounded_memory(void **state)
{
    size_t length = 3 * CSV_RECORD_BYTES;
    char *text = allocate(length + 1), *got;

    (void)state;
    memset(text, 'x', length);
    memcpy(text + length - 3, "\nab", 3);
    got = outline(text, length, 1000);
    assert_string_equal(got, "1!the line is too long;2:ab;");
    free(got);
    free(text);
}

static void a_utf16_file_is_refused_with_the_remedy(void **state)
{
    char *got = outline("\xFF\xFE"
                        "a\0,\0",
                        6, 64);

    (void)state;
    assert_string_equal(got, "the file is UTF-16; save it as UTF-8 or ASCII");
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_usual_form_of_a_file_is_read),
        cmocka_unit_test(a_bad_line_is_named_and_reading_goes_on),
        cmocka_unit_test(a_nul_character_makes_a_line_bad),
        cmocka_unit_test(a_line_without_end_is_refused_in_bounded_memory),
        cmocka_unit_test(a_utf16_file_is_refused_with_the_remedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
