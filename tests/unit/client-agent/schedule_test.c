/* The site says when it wants to hear from a computer again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ownership.h"
#include "schedule.h"
#include "tests/unit/unit_test.h"

static char *path;

static void write_note(const char *content)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void until_the_time_that_the_site_named_nothing_is_due(void **state)
{
    (void)state;
    assert_true(schedule_due(path)); /* never heard of a site */
    schedule_note(path, 3600);
    assert_false(schedule_due(path));
    schedule_note(path, 0);
    assert_true(schedule_due(path));
}

static void after_a_boot_it_is_due_at_once(void **state)
{
    (void)state;
    schedule_note(path, 3600);
    assert_false(schedule_due(path));
    {
        AUTO(text_free) char *content = NULL;
        FILE *file = fopen(path, "r");
        long long next = 0;

        assert_int_equal(fscanf(file, "%lld", &next), 1);
        fclose(file);
        content = text_format("%lld 00000000-0000-0000-0000-000000000000\n", next);
        write_note(content);
    }
    assert_true(schedule_due(path));
}

static void a_note_that_no_site_can_have_wished_does_not_silence_the_agent(void **state)
{
    (void)state;
    write_note("");
    assert_true(schedule_due(path));
    write_note("tomorrow");
    assert_true(schedule_due(path));
    schedule_note(path, 40 * 86400u); /* as if the clock had been set back */
    assert_true(schedule_due(path));
}

static int begin(void **state)
{
    (void)state;
    path = text_format("%s.note", program_invocation_name);
    unlink(path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    text_free(&path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_the_time_that_the_site_named_nothing_is_due),
        cmocka_unit_test(after_a_boot_it_is_due_at_once),
        cmocka_unit_test(a_note_that_no_site_can_have_wished_does_not_silence_the_agent),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
