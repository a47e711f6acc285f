/* What commands print, for people and as JSON. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/table.h"

static const struct column columns[] = {
    { "name", "NAME", COLUMN_TEXT },
    { "computers", "COMPUTERS", COLUMN_NUMBER },
    { "blocked", "BLOCKED", COLUMN_BOOLEAN },
    { "subnets", NULL, COLUMN_JSON },
    { "subnet_text", "SUBNETS", COLUMN_PRINTED },
    { "note", "NOTE", COLUMN_TEXT },
};

static struct table *sample(void)
{
    static const char *const cells[] = {
        "a",           "7",
        "t",           "[\"10.0.0.0/8\"]",
        "10.0.0.0/8",  "plain", /* the first row */
        "longer-name", NULL,
        "f",           NULL,
        NULL,          "two\nlines \x1b[31m\"q\\\"",
    };
    struct table *table = table_new(columns, COUNT_OF(columns));

    for (size_t i = 0; i < COUNT_OF(cells); i++)
        table_add(table, cells[i]);
    return table;
}

static char *printed(const struct table *table, enum table_shape shape, bool json)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (json ? table_print_json : table_print_text)(table, shape, out);
    fclose(out);
    return text;
}

static void expect_printed(const struct table *table, enum table_shape shape, bool json, const char *expected)
{
    char *text = printed(table, shape, json);

    assert_string_equal(text, expected);
    free(text);
}

static void a_list_is_aligned_and_free_of_control_characters(void **state)
{
    AUTO(table_free) struct table *table = sample();

    (void)state;
    assert_int_equal(table_rows(table), 2);
    expect_printed(table, SHAPE_LIST, false,
                   "NAME         COMPUTERS  BLOCKED  SUBNETS     NOTE\n"
                   "a                    7  yes      10.0.0.0/8  plain\n"
                   "longer-name             no                   two?lines ?[31m\"q\\\"\n");
}

static void a_list_in_json_has_every_column_typed(void **state)
{
    AUTO(table_free) struct table *table = sample();

    (void)state;
    expect_printed(table, SHAPE_LIST, true,
                   "[\n"
                   " {\"name\": \"a\", \"computers\": 7, \"blocked\": true, \"subnets\": [\"10.0.0.0/8\"], "
                   "\"note\": \"plain\"},\n"
                   " {\"name\": \"longer-name\", \"computers\": null, \"blocked\": false, \"subnets\": null, "
                   "\"note\": \"two\\nlines \\u001b[31m\\\"q\\\\\\\"\"}\n"
                   "]\n");
}

static void a_record_has_a_line_per_column(void **state)
{
    AUTO(table_free) struct table *table = sample();

    (void)state;
    expect_printed(table, SHAPE_RECORD, false,
                   "NAME       a\n"
                   "COMPUTERS  7\n"
                   "BLOCKED    yes\n"
                   "SUBNETS    10.0.0.0/8\n"
                   "NOTE       plain\n");
}

static void an_empty_table_is_still_valid(void **state)
{
    AUTO(table_free) struct table *table = table_new(columns, COUNT_OF(columns));

    (void)state;
    expect_printed(table, SHAPE_LIST, false, "NAME  COMPUTERS  BLOCKED  SUBNETS  NOTE\n");
    expect_printed(table, SHAPE_LIST, true, "[]\n");
    expect_printed(table, SHAPE_RECORD, true, "null\n");
}

static void letters_beyond_ascii_take_one_place(void **state)
{
    static const struct column two[] = { { "a", "A", COLUMN_TEXT }, { "b", "B", COLUMN_TEXT } };
    AUTO(table_free) struct table *table = table_new(two, COUNT_OF(two));

    (void)state;
    table_add(table, "\xC3\xA4\xC3\xB6");
    table_add(table, "x");
    table_add(table, "ab");
    table_add(table, "\xC2\x9B");
    expect_printed(table, SHAPE_LIST, false, "A   B\n\xC3\xA4\xC3\xB6  x\nab  ?\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_aligned_and_free_of_control_characters),
        cmocka_unit_test(a_list_in_json_has_every_column_typed),
        cmocka_unit_test(a_record_has_a_line_per_column),
        cmocka_unit_test(an_empty_table_is_still_valid),
        cmocka_unit_test(letters_beyond_ascii_take_one_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
