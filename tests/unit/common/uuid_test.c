/* The UUID that names a computer: text form, SMBIOS order, placeholders. */
#include "common/uuid.h"
#include "tests/unit/unit_test.h"

#include <string.h>

static void text_is_read_in_either_case_and_written_in_lower_case(void **state)
{
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];

    (void)state;
    assert_true(uuid_parse("7F3A1C52-9b04-4e6d-A1C8-0d5e2f6b7a90", &uuid));
    assert_string_equal(uuid_text(&uuid, text), "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90");
    assert_true(uuid_parse("{7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90}", &uuid));
}

static void what_is_not_a_uuid_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "7f3a1c52",
        "7f3a1c529b044e6da1c80d5e2f6b7a90",
        "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a9",
        "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a901",
        "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a9g",
        "{7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90",
        "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90}",
        " 7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90",
    };
    struct uuid uuid;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(uuid_parse(wrong[i], &uuid));
}

static void smbios_order_swaps_the_first_three_groups(void **state)
{
    static const uint8_t wire[16] = { 0x52, 0x1c, 0x3a, 0x7f, 0x04, 0x9b, 0x6d, 0x4e,
                                      0xa1, 0xc8, 0x0d, 0x5e, 0x2f, 0x6b, 0x7a, 0x90 };
    uint8_t again[16];
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];

    (void)state;
    uuid_from_smbios(wire, &uuid);
    assert_string_equal(uuid_text(&uuid, text), "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90");
    uuid_to_smbios(&uuid, again);
    assert_memory_equal(again, wire, sizeof(wire));
}

static void placeholders_are_no_identity(void **state)
{
    static const char *const dummies[] = { "00000000-0000-0000-0000-000000000000",
                                           "ffffffff-ffff-ffff-ffff-ffffffffffff",
                                           "03000200-0400-0500-0006-000700080009" };
    struct uuid uuid;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(uuid_parse(dummies[i], &uuid));
        assert_true(uuid_is_dummy(&uuid));
    }
    assert_true(uuid_parse("7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90", &uuid));
    assert_false(uuid_is_dummy(&uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read_in_either_case_and_written_in_lower_case),
        cmocka_unit_test(what_is_not_a_uuid_is_refused),
        cmocka_unit_test(smbios_order_swaps_the_first_three_groups),
        cmocka_unit_test(placeholders_are_no_identity),
    };

    return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
