/* Hello messages: AMT Implementation and Reference Guide, "Setup mode Hello messages". */
#include "../../simulator/encoding.h"
#include "../../simulator/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

static void set_digest(struct root_hash *hash, uint8_t algorithm, const char *text)
{
    *hash = (struct root_hash){ .algorithm = algorithm, .active = true };
    EVP_Digest(text, strlen(text), hash->digest, NULL, algorithm == HASH_SHA1 ? EVP_sha1() : EVP_sha256(),
               NULL);
}

static void example_hashes(struct root_hash hashes[3])
{
    set_digest(&hashes[0], HASH_SHA1, "AMT TEST ROOT A");
    set_digest(&hashes[1], HASH_SHA1, "AMT TEST ROOT B");
    set_digest(&hashes[2], HASH_SHA256, "AMT TEST ROOT C");
}

static void a_hello_with_three_hashes_is_the_worked_example(void **state)
{
    static const char expected[] = "0000030002000000521c3a7f049b6d4ea1c80d5e2f6b7a9003"
                                   "01141d0d304cd637cff33509609737418046ad99d45b"
                                   "011491995d2ee5a646ff0836144c0a31ce4882eb0e5f"
                                   "022092ecf529aa2e2a895e71a5d3f3de76d685a7bbb36913a857e17a4864a2b9bb36";
    char digits[sizeof(expected)];
    unsigned char uuid[UUID_LENGTH], bytes[HELLO_ROOM], wanted[HELLO_ROOM];
    struct root_hash hashes[3];
    size_t length, wanted_length, count = 0;

    (void)state;
    for (const char *from = expected; *from; from++)
        if (*from != ' ')
            digits[count++] = *from;
    digits[count] = '\0';
    assert_true(hex_decode(digits, wanted, sizeof(wanted), &wanted_length));
    assert_true(uuid_parse("7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90", uuid));
    example_hashes(hashes);
    length =
        hello_encode(&(struct hello){ .retry = 2, .uuid = uuid, .hashes = hashes, .hash_count = 3 }, bytes);
    assert_int_equal(length, 103);
    assert_int_equal(wanted_length, 103);
    assert_memory_equal(bytes, wanted, length);
}

static void an_inactive_hash_is_not_sent(void **state)
{
    unsigned char uuid[UUID_LENGTH] = { 0 }, bytes[HELLO_ROOM];
    struct root_hash hashes[3];

    (void)state;
    example_hashes(hashes);
    hashes[1].active = false;
    assert_int_equal(hello_encode(&(struct hello){ .uuid = uuid, .hashes = hashes, .hash_count = 3 }, bytes),
                     25 + 22 + 34);
    assert_int_equal(bytes[24], 2);
}

static void a_hello_carries_at_most_23_hashes(void **state)
{
    unsigned char uuid[UUID_LENGTH] = { 0 }, bytes[HELLO_ROOM];
    struct root_hash hashes[40];

    (void)state;
    for (size_t i = 0; i < LENGTH(hashes); i++)
        set_digest(&hashes[i], HASH_SHA256, "AMT TEST ROOT C");
    assert_int_equal(
        hello_encode(&(struct hello){ .uuid = uuid, .hashes = hashes, .hash_count = LENGTH(hashes) }, bytes),
        25 + 23 * 34);
    assert_int_equal(bytes[24], 23);
}

static void about_forty_hellos_are_sent_in_a_day(void **state)
{
    double elapsed = 0;
    unsigned messages = 0;

    (void)state;
    for (; elapsed < 24 * 3600; elapsed += hello_interval_s(elapsed))
        messages++;
    assert_in_range(messages, 38, 42);
    assert_int_equal(hello_interval_s(0), 60);
    assert_int_equal(hello_interval_s(300), 300);
    assert_int_equal(hello_interval_s(3600), 3600);
}

static void a_uuid_reads_back_as_it_was_written(void **state)
{
    unsigned char uuid[UUID_LENGTH];
    char text[UUID_TEXT_ROOM];

    (void)state;
    assert_true(uuid_parse("00112233-4455-6677-8899-AABBCCDDEEFF", uuid));
    assert_memory_equal(uuid, "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
                        UUID_LENGTH);
    uuid_format(uuid, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    assert_false(uuid_parse("00112233-4455-6677-8899-aabbccddeef", uuid));
    assert_false(uuid_parse("00112233-4455-6677-8899-aabbccddeegf", uuid));
    assert_false(uuid_parse("001122334-455-6677-8899-aabbccddeeff", uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_with_three_hashes_is_the_worked_example),
        cmocka_unit_test(an_inactive_hash_is_not_sent),
        cmocka_unit_test(a_hello_carries_at_most_23_hashes),
        cmocka_unit_test(about_forty_hellos_are_sent_in_a_day),
        cmocka_unit_test(a_uuid_reads_back_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
