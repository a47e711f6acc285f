/* Spec 5: a profile as a text file. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/profile_file.h"
#include "control/realm.h"

static void an_empty_file_is_the_profile_of_all_defaults(void **state)
{
    struct profile_file profile;
    struct error err = { 0 };

    (void)state;
    assert_true(profile_file_read("", &profile, &err));
    for (unsigned i = 0; i < SETTING_COUNT; i++)
        assert_int_equal(profile.settings[i], 0);
    assert_int_equal(profile.user_count, 0);
    profile_file_clear(&profile);
}

static void every_setting_is_read(void **state)
{
    static const char text[] = "\xEF\xBB\xBF# comment\r\n"
                               "Ping = OFF\r\n"
                               "web interface=off\n"
                               "  serial over lan  =  off  \n"
                               "ide redirection = no\n"
                               "kvm = false\n"
                               "\n"
                               "user consent = all\n"
                               "power = s0\n"
                               "mebx_password = shared\n"
                               "first stage = wsman\n"
                               "tls = mutual\n"
                               "Trusted Names = helpdesk.example.com ,alice\n"
                               "user helpdesk = redirection, RemoteControl,13\n"
                               "user S-1-5-21-1-2-3-1110 = both: all";
    static const unsigned expected[SETTING_COUNT] = { 1, 1, 1, 1, 1, 2, 1, 2, 2, 1 };
    struct profile_file profile;
    struct error err = { 0 };

    (void)state;
    if (!profile_file_read(text, &profile, &err))
        fail_msg("%s", err.message);
    for (unsigned i = 0; i < SETTING_COUNT; i++)
        assert_int_equal(profile.settings[i], expected[i]);
    assert_int_equal(profile.trusted_name_count, 2);
    assert_string_equal(profile.trusted_names[0], "helpdesk.example.com");
    assert_string_equal(profile.trusted_names[1], "alice");
    assert_int_equal(profile.user_count, 2);
    assert_string_equal(profile.users[0].name, "helpdesk");
    assert_int_equal(profile.users[0].access, ACCESS_NETWORK);
    assert_int_equal(profile.users[0].realms, 1u << 2 | 1u << 5 | 1u << 13);
    assert_string_equal(profile.users[1].sid, "S-1-5-21-1-2-3-1110");
    assert_int_equal(profile.users[1].access, ACCESS_BOTH);
    assert_int_equal(profile.users[1].realms, 0x3FFFFC);
    profile_file_clear(&profile);
}

static void a_printed_profile_reads_back_as_the_same(void **state)
{
    struct profile_file profile, again;
    struct error err = { 0 };
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_true(profile_file_read("kvm = off\nmebx password = random\ntrusted names = x, y z\nuser a = "
                                  "local: acl\nuser S-1-5-32-544 = eit",
                                  &profile, &err));
    profile_file_print(&profile, "trial", out);
    fclose(out);
    if (!profile_file_read(text, &again, &err))
        fail_msg("%s in:\n%s", err.message, text);
    assert_memory_equal(profile.settings, again.settings, sizeof(profile.settings));
    assert_int_equal(again.trusted_name_count, 2);
    assert_string_equal(again.trusted_names[1], "y z");
    assert_int_equal(again.user_count, 2);
    assert_string_equal(again.users[0].name, "a");
    assert_int_equal(again.users[0].access, ACCESS_LOCAL);
    assert_int_equal(again.users[1].realms, 1u << 15);
    free(text);
    profile_file_clear(&profile);
    profile_file_clear(&again);
}

static void a_wrong_line_is_refused_with_number_and_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "ping = on\nkwm = on", "line 2: unknown setting 'kwm'" },
        { "ping", "line 1: 'ping' has no '='" },
        { "ping = maybe", "ping: 'maybe' is not one of on, off" },
        { "user consent = yes", "is not one of none, kvm, all" },
        { "ping = on\nping = off", "line 2: 'ping' is there twice" },
        { "user a = redirection\nuser a = eit", "line 2: user 'a' is there twice" },
        { "user a = redirection, flying", "unknown realm 'flying'" },
        { "user a = 1", "unknown realm '1'" },
        { "user a = 25", "unknown realm '25'" },
        { "user a = ", "a realm is missing" },
        { "user a = eit,", "a realm is missing" },
        { "user a = orbit: eit", "unknown access 'orbit'" },
        { "user admin = all", "reserved by the firmware" },
        { "user seventeen-letters = all", "AMT takes 1 to 16" },
        { "user $$x = all", "begins with $$" },
        { "user a:b = all", "character that AMT does not take" },
        { "user S-1-5 = all", "has 0 sub-authorities" },
        { "user S-1-5-21-1-2-3-4-5-6 = all", "has 7 sub-authorities" },
        { "user S-1-5-x = all", "no number in range" },
        { "user S-1-5-4294967296 = all", "no number in range" },
        { "user a=eit\nuser b=eit\nuser c=eit\nuser d=eit\nuser e=eit\nuser f=eit\nuser g=eit\nuser h=eit",
          "line 8: more than 7 users" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct profile_file profile;
        struct error err = { 0 };

        if (profile_file_read(cases[i].text, &profile, &err))
            fail_msg("taken: %s", cases[i].text);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.message, cases[i].reason);
    }
}

static void realms_are_printed_in_the_form_they_are_read(void **state)
{
    uint32_t set = 0;
    struct error err = { 0 };
    char *text;

    (void)state;
    assert_true(realm_set_parse("ALL, local_system", &set, &err));
    text = realm_set_text(set);
    assert_true(realm_set_parse(text, &set, &err));
    assert_int_equal(set, 0x3FFFFC | 1u << 24);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_the_profile_of_all_defaults),
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(a_printed_profile_reads_back_as_the_same),
        cmocka_unit_test(a_wrong_line_is_refused_with_number_and_reason),
        cmocka_unit_test(realms_are_printed_in_the_form_they_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
