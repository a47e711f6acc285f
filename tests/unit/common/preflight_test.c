/* Why firmware would refuse a provisioning certificate: spec O3.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "preflight.h"

#define NOW 1700000000

static const struct preflight_facts good = { .common_name = "ps.corp.example.com",
                                             .has_server_purpose = true,
                                             .has_setup_purpose = true,
                                             .ordered = true,
                                             .complete = true,
                                             .chain_length = 3,
                                             .not_before_s = NOW - 1000,
                                             .not_after_s = NOW + 1000,
                                             .rsa_bits_smallest = 2048 };

static void the_domain_of_a_name_follows_the_release(void **state)
{
    static const struct {
        const char *common_name;
        struct firmware_release release;
        const char *suffix;
        bool covered;
    } cases[] = {
        { "ema.corp.example.com", { 12, 0 }, "example.com", true },
        { "ema.corp.example.com", { 12, 0 }, "lab.example.com", true },
        { "ema.corp.example.com", { 12, 0 }, "LAB.Example.COM.", true },
        { "ema.corp.example.com", { 12, 0 }, "example.org", false },
        { "ema.corp.example.com", { 12, 0 }, "badexample.com", false },
        { "ema.corp.example.com", { 12, 0 }, "com", false },
        { "a.b.example.uk", { 11, 8 }, "b.example.uk", true },
        { "a.b.example.uk", { 11, 8 }, "example.uk", false },
        { "ps.example.test", { 15, 0 }, "ps.example.test", true },
        { "ps.example.test", { 15, 0 }, "example.test", false },
        { "*.example.com", { 11, 0 }, "example.com", true },
        { "ps.example.com", { 3, 0 }, "example.com", true },
        { "ps.example.com", { 3, 0 }, "lab.example.com", false },
        { "ps.corp.example.com", { 3, 0 }, "example.com", false },
        { "ps.corp.example.com", { 3, 2 }, "example.com", true },
        { "localhost", { 0, 0 }, "localhost", true },
        { "ps.corp.example.com", { 0, 0 }, "", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct preflight_facts facts = good;
        struct error err = { 0 };

        facts.common_name = cases[i].common_name;
        if (preflight_check(&facts, cases[i].suffix, cases[i].release, NOW, &err) != cases[i].covered)
            fail_msg("%s against %s on %u.%u: %s", cases[i].common_name, cases[i].suffix,
                     cases[i].release.major, cases[i].release.minor, err.message);
        assert_int_equal(err.reason, cases[i].covered ? REASON_NONE : REASON_SUFFIX_MISMATCH);
    }
}

static struct preflight_facts expired, early, no_purpose, no_server, unit, shuffled, rootless, short_key,
    sha1, elliptic;

static void facts_prepare(void)
{
    expired = early = no_purpose = no_server = unit = shuffled = rootless = short_key = sha1 = elliptic =
        good;
    expired.not_after_s = NOW - 1;
    early.not_before_s = NOW + 1;
    no_purpose.has_setup_purpose = false;
    no_server.has_server_purpose = false;
    unit.has_setup_purpose = false;
    unit.has_setup_unit = true;
    shuffled.ordered = false;
    rootless.complete = false;
    short_key.rsa_bits_smallest = 1024;
    sha1.sha1_signature = true;
    elliptic.rsa_bits_smallest = 0;
}

static void each_rule_of_the_firmware_has_its_reason(void **state)
{
    static const struct {
        const struct preflight_facts *facts;
        unsigned major;
        enum reason_code reason;
    } cases[] = {
        { &good, 0, REASON_NONE },
        { &good, 18, REASON_NONE },
        { &expired, 12, REASON_CERTIFICATE_EXPIRED },
        { &early, 12, REASON_CERTIFICATE_EXPIRED },
        { &no_purpose, 12, REASON_CERTIFICATE_PURPOSE },
        { &no_server, 12, REASON_CERTIFICATE_PURPOSE },
        { &unit, 12, REASON_NONE },
        { &shuffled, 12, REASON_CERTIFICATE_ORDER },
        { &rootless, 12, REASON_CERTIFICATE_ORDER },
        { &short_key, 11, REASON_NONE },
        { &short_key, 16, REASON_CERTIFICATE_KEY_SIZE },
        { &elliptic, 11, REASON_CERTIFICATE_KEY_SIZE },
        { &sha1, 11, REASON_NONE },
        { &sha1, 16, REASON_CERTIFICATE_HASH },
    };

    (void)state;
    facts_prepare();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = { 0 };

        assert_int_equal(preflight_check(cases[i].facts, "example.com",
                                         (struct firmware_release){ cases[i].major, 0 }, NOW, &err),
                         cases[i].reason == REASON_NONE);
        assert_int_equal(err.reason, cases[i].reason);
    }
}

static void a_version_is_read_or_unknown(void **state)
{
    (void)state;
    assert_int_equal(firmware_release_parse("15.0.23.1706").major, 15);
    assert_int_equal(firmware_release_parse("3.2.1").minor, 2);
    assert_int_equal(firmware_release_parse(NULL).major, 0);
    assert_int_equal(firmware_release_parse("").major, 0);
    assert_int_equal(firmware_release_parse("AMT").major, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_domain_of_a_name_follows_the_release),
        cmocka_unit_test(each_rule_of_the_firmware_has_its_reason),
        cmocka_unit_test(a_version_is_read_or_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
