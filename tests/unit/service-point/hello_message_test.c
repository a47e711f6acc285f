/* Spec O1: the Hello message. The examples are those of the AMT SDK's layout, with hashes of the texts "AMT
 * TEST ROOT A" to C. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "hello/hello_message.h"

static const uint8_t pki_hello[] = {
    0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x00, 0x52, 0x1c, 0x3a, 0x7f, 0x04, 0x9b, 0x6d,
    0x4e, 0xa1, 0xc8, 0x0d, 0x5e, 0x2f, 0x6b, 0x7a, 0x90, 0x03, 0x01, 0x14, 0x1d, 0x0d, 0x30,
    0x4c, 0xd6, 0x37, 0xcf, 0xf3, 0x35, 0x09, 0x60, 0x97, 0x37, 0x41, 0x80, 0x46, 0xad, 0x99,
    0xd4, 0x5b, 0x01, 0x14, 0x91, 0x99, 0x5d, 0x2e, 0xe5, 0xa6, 0x46, 0xff, 0x08, 0x36, 0x14,
    0x4c, 0x0a, 0x31, 0xce, 0x48, 0x82, 0xeb, 0x0e, 0x5f, 0x02, 0x20, 0x92, 0xec, 0xf5, 0x29,
    0xaa, 0x2e, 0x2a, 0x89, 0x5e, 0x71, 0xa5, 0xd3, 0xf3, 0xde, 0x76, 0xd6, 0x85, 0xa7, 0xbb,
    0xb3, 0x69, 0x13, 0xa8, 0x57, 0xe1, 0x7a, 0x48, 0x64, 0xa2, 0xb9, 0xbb, 0x36,
};
static const uint8_t psk_hello[] = {
    0x01, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x52, 0x1c, 0x3a, 0x7f, 0x04, 0x9b, 0x6d, 0x4e,
    0xa1, 0xc8, 0x0d, 0x5e, 0x2f, 0x6b, 0x7a, 0x90, 0x41, 0x42, 0x31, 0x32, 0x43, 0x44, 0x33, 0x34,
};

static void a_pki_hello_is_read_whole(void **state)
{
    struct hello_message hello = { 0 };
    char uuid[UUID_TEXT_SIZE];

    (void)state;
    assert_int_equal(hello_parse(pki_hello, sizeof(pki_hello), &hello), HELLO_TAKEN);
    assert_false(hello.credentials_set);
    assert_int_equal(hello.retry_count, 2);
    assert_string_equal(uuid_text(&hello.uuid, uuid), "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90");
    assert_int_equal(hello.root_hash_count, 3);
    assert_int_equal(hello.root_hashes[0].algorithm, 1);
    assert_memory_equal(hello.root_hashes[0].hash, pki_hello + 0x1b, 20);
    assert_int_equal(hello.root_hashes[2].algorithm, 2);
    assert_int_equal(hello.root_hashes[2].length, 32);
    assert_memory_equal(hello.root_hashes[2].hash, pki_hello + 0x47, 32);
}

static void bytes_after_the_last_hash_are_ignored(void **state)
{
    uint8_t longer[sizeof(pki_hello) + 7] = { 0 };
    struct hello_message hello = { 0 };

    (void)state;
    memcpy(longer, pki_hello, sizeof(pki_hello));
    assert_int_equal(hello_parse(longer, sizeof(longer), &hello), HELLO_TAKEN);
    assert_int_equal(hello.root_hash_count, 3);
}

static void a_hello_that_ends_early_is_too_short_wherever_it_ends(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof(pki_hello); length++) {
        struct hello_message hello = { 0 };
        uint8_t *exact = malloc(length ? length : 1); /* a read behind its end is found by the sanitizer */

        memcpy(exact, pki_hello, length);
        assert_int_equal(hello_parse(exact, length, &hello), HELLO_TOO_SHORT);
        free(exact);
    }
}

static void a_psk_hello_is_known_for_what_it_is(void **state)
{
    struct hello_message hello = { 0 };
    char uuid[UUID_TEXT_SIZE];

    (void)state;
    assert_int_equal(hello_parse(psk_hello, sizeof(psk_hello), &hello), HELLO_PSK);
    assert_string_equal(uuid_text(&hello.uuid, uuid), "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90");
}

static void a_hello_that_breaks_a_rule_is_refused_for_that_reason(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        enum hello_result result;
    } cases[] = {
        { 0x02, 1, HELLO_WRONG_VERSION },        { 0x02, 4, HELLO_WRONG_VERSION },
        { 0x03, 3, HELLO_WRONG_VERSION },        { 0x00, 2, HELLO_BAD_CREDENTIALS_WORD },
        { 0x01, 1, HELLO_BAD_CREDENTIALS_WORD }, { 0x19, 0, HELLO_UNKNOWN_ALGORITHM },
        { 0x19, 4, HELLO_UNKNOWN_ALGORITHM },    { 0x45, 255, HELLO_UNKNOWN_ALGORITHM },
        { 0x1a, 19, HELLO_BAD_HASH_LENGTH },     { 0x46, 20, HELLO_BAD_HASH_LENGTH },
        { 0x46, 255, HELLO_BAD_HASH_LENGTH },    { 0x18, 4, HELLO_TOO_SHORT },
        { 0x18, 255, HELLO_TOO_SHORT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t changed[sizeof(pki_hello)];
        struct hello_message hello = { 0 };

        memcpy(changed, pki_hello, sizeof(changed));
        changed[cases[i].at] = cases[i].value;
        assert_int_equal(hello_parse(changed, sizeof(changed), &hello), cases[i].result);
        assert_non_null(hello_result_meaning(cases[i].result));
    }
}

static void a_placeholder_uuid_is_no_identity(void **state)
{
    static const uint8_t unfinished[16] = { 0x00, 0x02, 0x00, 0x03, 0x00, 0x04, 0x00, 0x05,
                                            0x00, 0x06, 0x00, 0x07, 0x00, 0x08, 0x00, 0x09 };
    uint8_t changed[sizeof(pki_hello)];
    struct hello_message hello = { 0 };

    (void)state;
    memcpy(changed, pki_hello, sizeof(changed));
    memset(changed + 8, 0x00, 16);
    assert_int_equal(hello_parse(changed, sizeof(changed), &hello), HELLO_DUMMY_UUID);
    memset(changed + 8, 0xFF, 16);
    assert_int_equal(hello_parse(changed, sizeof(changed), &hello), HELLO_DUMMY_UUID);
    memcpy(changed + 8, unfinished, 16);
    assert_int_equal(hello_parse(changed, sizeof(changed), &hello), HELLO_DUMMY_UUID);
}

static void any_number_of_hashes_is_taken(void **state)
{
    static const size_t counts[] = { 0, 23, 24, 255 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        uint8_t bytes[25 + 255 * 50];
        struct hello_message hello = { 0 };
        size_t length = 25;

        memcpy(bytes, pki_hello, 25);
        bytes[24] = (uint8_t)counts[i];
        for (size_t h = 0; h < counts[i]; h++, length += 50) {
            bytes[length] = 3;
            bytes[length + 1] = 48;
            memset(bytes + length + 2, (int)h, 48);
        }
        assert_true(length <= HELLO_MAX_BYTES);
        assert_int_equal(hello_parse(bytes, length, &hello), HELLO_TAKEN);
        assert_int_equal(hello.root_hash_count, counts[i]);
        if (counts[i])
            assert_int_equal(hello.root_hashes[counts[i] - 1].hash[47], (uint8_t)(counts[i] - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pki_hello_is_read_whole),
        cmocka_unit_test(bytes_after_the_last_hash_are_ignored),
        cmocka_unit_test(a_hello_that_ends_early_is_too_short_wherever_it_ends),
        cmocka_unit_test(a_psk_hello_is_known_for_what_it_is),
        cmocka_unit_test(a_hello_that_breaks_a_rule_is_refused_for_that_reason),
        cmocka_unit_test(a_placeholder_uuid_is_no_identity),
        cmocka_unit_test(any_number_of_hashes_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
