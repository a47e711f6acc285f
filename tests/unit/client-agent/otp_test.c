/* Spec I2: the one-time password and what of it leaves the computer. */
#include <openssl/sha.h>
#include <string.h>

#include "otp.h"
#include "tests/unit/unit_test.h"

static void the_password_is_what_amt_takes_and_base32(void **state)
{
    struct otp otp = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(otp_make(&otp, &err));
    assert_int_equal(secret_length(otp.text), 32);
    assert_int_equal(strspn(secret_reveal(otp.text), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 32);
    otp_clear(&otp);
    assert_null(otp.text);
}

static void the_hash_is_over_salt_and_password(void **state)
{
    unsigned char both[OTP_SALT_SIZE + 32], digest[SHA256_DIGEST_LENGTH];
    struct otp otp = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(otp_make(&otp, &err));
    memcpy(both, otp.salt, OTP_SALT_SIZE);
    memcpy(both + OTP_SALT_SIZE, secret_reveal(otp.text), 32);
    SHA256(both, sizeof(both), digest);
    assert_memory_equal(otp.hash, digest, sizeof(digest));
    otp_clear(&otp);
}

static void no_two_are_alike(void **state)
{
    struct otp one = { 0 }, other = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(otp_make(&one, &err) && otp_make(&other, &err));
    assert_false(secret_equal(one.text, other.text));
    assert_memory_not_equal(one.salt, other.salt, sizeof(one.salt));
    otp_clear(&one);
    otp_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_is_what_amt_takes_and_base32),
        cmocka_unit_test(the_hash_is_over_salt_and_password),
        cmocka_unit_test(no_two_are_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
