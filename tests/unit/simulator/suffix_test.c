/* Domain check of setup certificates. */
#include "../../simulator/ownership.h"
#include "../../simulator/suffix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    enum suffix_rule rule;
    const char *common_name, *suffix;
    bool accepted;
} cases[] = {
    { SUFFIX_LABELS, "ema.corp.example.com", "example.com", true },
    { SUFFIX_LABELS, "ema.corp.example.com", "lab.example.com", true },
    { SUFFIX_LABELS, "ema.corp.example.com", "LAB.Example.COM", true },
    { SUFFIX_LABELS, "ema.corp.example.com", "example.org", false },
    { SUFFIX_LABELS, "ema.corp.example.com", "badexample.com", false },
    { SUFFIX_LABELS, "ema.corp.example.com", "com", false },
    { SUFFIX_LABELS, "*.example.com", "lab.example.com", true },
    { SUFFIX_LABELS, "a.b.example.uk", "b.example.uk", true },
    { SUFFIX_LABELS, "a.b.example.uk", "x.b.example.uk", true },
    { SUFFIX_LABELS, "a.b.example.uk", "example.uk", false },
    { SUFFIX_LABELS, "srv.example.local", "example.local", false },
    { SUFFIX_LABELS, "srv.example.local", "srv.example.local", true },
    { SUFFIX_LABELS, "", "example.com", false },
    { SUFFIX_LABELS, "srv.example.com", "", false },
    { SUFFIX_EXACT, "srv.example.com", "example.com", true },
    { SUFFIX_EXACT, "srv.lab.example.com", "example.com", false },
    { SUFFIX_EXACT, "localhost", "example.com", false },
};

static void a_name_is_accepted_exactly_as_its_release_and_top_level_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        if (suffix_accepts(cases[i].rule, cases[i].common_name, cases[i].suffix) != cases[i].accepted)
            fail_msg("%s for %s", cases[i].common_name, cases[i].suffix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_accepted_exactly_as_its_release_and_top_level_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
