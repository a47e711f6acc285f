/* base64 (RFC 4648 section 10) and hexadecimal. */
#include "common/encoding.h"
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *plain, *encoded;
} vectors[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
};

static void the_test_vectors_of_the_rfc_pass_in_both_directions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        char *encoded = base64_encode(vectors[i].plain, strlen(vectors[i].plain));
        struct bytes decoded = { 0 };

        assert_string_equal(encoded, vectors[i].encoded);
        assert_true(base64_decode(encoded, &decoded));
        assert_int_equal(decoded.length, strlen(vectors[i].plain));
        assert_memory_equal(decoded.data, vectors[i].plain, decoded.length);
        bytes_free(&decoded);
        free(encoded);
    }
}

static void line_breaks_inside_base64_are_skipped(void **state)
{
    struct bytes decoded = { 0 };

    (void)state;
    assert_true(base64_decode("Zm9v\r\nYmFy\n", &decoded));
    assert_int_equal(decoded.length, 6);
    assert_memory_equal(decoded.data, "foobar", 6);
    bytes_free(&decoded);
}

static void what_is_not_base64_is_refused(void **state)
{
    static const char *const wrong[] = { "Z",    "Zg",    "Zg=",  "Zg===",   "Z===",
                                         "====", "Zm9v=", "Zm9*", "Zg==Zg==" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct bytes decoded = { 0 };

        assert_false(base64_decode(wrong[i], &decoded));
        assert_null(decoded.data);
    }
}

static void hexadecimal_is_taken_only_in_the_expected_length(void **state)
{
    unsigned char bytes[3];
    char text[7];

    (void)state;
    assert_true(hex_decode("00aBfF", bytes, 3));
    assert_string_equal(hex_encode(bytes, 3, text), "00abff");
    assert_false(hex_decode("00aBf", bytes, 3));
    assert_false(hex_decode("00aBfF00", bytes, 3));
    assert_false(hex_decode("00aBfg", bytes, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_vectors_of_the_rfc_pass_in_both_directions),
        cmocka_unit_test(line_breaks_inside_base64_are_skipped),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(hexadecimal_is_taken_only_in_the_expected_length),
    };

    return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
