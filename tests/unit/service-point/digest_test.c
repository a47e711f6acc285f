/* HTTP Digest as AMT asks for it: RFC 2617, spec O4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/digest.h"

static bool parse(const char *header, struct digest_challenge *challenge, struct error *err)
{
    return digest_challenge_parse(header, strlen(header), challenge, err);
}

/* The header's part "name=value", or "" when it is not there. */
static bool has(const char *header, const char *part)
{
    return strstr(header, part) != NULL;
}

static void the_example_of_rfc_2617_3_5_gives_its_response(void **state)
{
    struct digest_challenge challenge;
    AUTO(secret_free) struct secret *password = secret_from_text("Circle Of Life");
    uint8_t a1[DIGEST_HASH_SIZE];
    char header[DIGEST_HEADER_SIZE];
    struct error err = { 0 };
    struct digest_answer answer = { .user = "Mufasa",
                                    .a1 = a1,
                                    .method = "GET",
                                    .uri = "/dir/index.html",
                                    .cnonce = "0a4f113b",
                                    .nonce_count = 1 };

    (void)state;
    assert_true(
        parse("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
              "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
              &challenge, &err));
    digest_a1(answer.user, challenge.realm, password, a1);
    assert_true(digest_authorization(&challenge, &answer, header, &err));
    assert_true(has(header, "response=\"6629fae49393a05397450978507c4ef1\""));
    assert_true(has(header, "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
    assert_true(has(header, "nc=00000001"));
    assert_true(has(header, "qop=auth,"));
    assert_false(has(header, "algorithm"));
}

static void a_device_challenge_is_answered_as_a_device_computes_it(void **state)
{
    struct digest_challenge challenge;
    AUTO(secret_free) struct secret *password = secret_from_text("Str0ng!Passw0rd");
    AUTO(text_free) char *base64 = NULL;
    uint8_t a1[DIGEST_HASH_SIZE];
    char header[DIGEST_HEADER_SIZE], hex[2 * DIGEST_HASH_SIZE + 1];
    struct error err = { 0 };
    struct digest_answer answer = { .user = "admin",
                                    .a1 = a1,
                                    .method = "POST",
                                    .uri = "/wsman",
                                    .cnonce = "0123456789abcdef0123456789abcdef",
                                    .nonce_count = 1 };

    (void)state;
    assert_true(parse("Digest realm=\"Digest:0123456789ABCDEF0123456789ABCDEF\", "
                      "nonce=\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\",stale=\"false\",qop=\"auth\"",
                      &challenge, &err));
    assert_false(challenge.stale);
    digest_a1(answer.user, challenge.realm, password, a1);
    assert_string_equal(hex_encode(a1, sizeof(a1), hex), "f656bf14e3102d2854edf93d395e6792");
    base64 = base64_encode(a1, sizeof(a1));
    assert_string_equal(base64, "9la/FOMQLShU7fk9OV5nkg==");
    assert_true(digest_authorization(&challenge, &answer, header, &err));
    assert_true(has(header, "response=\"5de611c5f3e7eaa1452f51053cab3a13\""));
}

static void auth_int_is_used_only_where_auth_is_not_offered(void **state)
{
    struct digest_challenge challenge;
    uint8_t a1[DIGEST_HASH_SIZE];
    char header[DIGEST_HEADER_SIZE];
    struct error err = { 0 };
    AUTO(secret_free) struct secret *password = secret_from_text("Circle Of Life");
    struct digest_answer answer = { .user = "Mufasa",
                                    .a1 = a1,
                                    .method = "POST",
                                    .uri = "/wsman",
                                    .cnonce = "00",
                                    .nonce_count = 2,
                                    .body = "abc",
                                    .body_length = 3 };

    (void)state;
    assert_true(parse("Digest realm=\"r\",nonce=\"n\",qop=\"auth-int,auth\"", &challenge, &err));
    assert_int_equal(challenge.qop, DIGEST_QOP_AUTH);
    assert_true(parse("Digest realm=\"r\",nonce=\"n\",qop=\"auth-int\"", &challenge, &err));
    assert_int_equal(challenge.qop, DIGEST_QOP_AUTH_INT);
    digest_a1(answer.user, challenge.realm, password, a1);
    assert_true(digest_authorization(&challenge, &answer, header, &err));
    assert_true(has(header, "qop=auth-int, nc=00000002"));
    /* MD5(MD5(Mufasa:r:Circle Of Life):n:00000002:00:auth-int:MD5(POST:/wsman:MD5(abc))) */
    assert_true(has(header, "response=\"dddc69603ad0b26bfbac61707b0cedc0\""));
}

static void challenges_as_devices_write_them_are_understood(void **state)
{
    static const struct {
        const char *header, *realm, *nonce;
        bool stale;
    } cases[] = {
        { "Digest realm=\"Digest:A\",nonce=\"n1\",stale=\"true\",qop=\"auth\"", "Digest:A", "n1", true },
        { "digest REALM = \"a b\" , nonce=n1 ,qop=auth,stale=TRUE", "a b", "n1", true },
        { "Negotiate, Digest realm=\"r\", nonce=\"n\", qop=\"auth\"", "r", "n", false },
        { "Negotiate abcd==, Digest realm=\"r\", nonce=\"n\", qop=\"auth\"", "r", "n", false },
        { "Basic realm=\"x, Digest realm=y\", Digest realm=\"r\", nonce=\"n\", qop=\"auth\", Negotiate", "r",
          "n", false },
        { "Digest realm=\"with \\\"quotes\\\"\", nonce=\"n\", qop=\"auth\"", "with \"quotes\"", "n", false },
        { "Digest realm=\"r\", algorithm=MD5, nonce=\"n\", qop=\"auth, auth-int\", domain=\"/\", x=y", "r",
          "n", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct digest_challenge challenge;
        struct error err = { 0 };

        if (!parse(cases[i].header, &challenge, &err))
            fail_msg("%s: %s", cases[i].header, err.message);
        assert_string_equal(challenge.realm, cases[i].realm);
        assert_string_equal(challenge.nonce, cases[i].nonce);
        assert_int_equal(challenge.stale, cases[i].stale);
    }
}

static void challenges_that_cannot_be_answered_are_refused(void **state)
{
    static const struct {
        const char *header;
        enum error_code code;
    } cases[] = {
        { "", ERROR_ABSENT },
        { "Negotiate", ERROR_ABSENT },
        { "Basic realm=\"r\"", ERROR_ABSENT },
        { ",,, = \" Digest", ERROR_ABSENT },
        { "Digest", ERROR_PROTOCOL },
        { "Digest realm=\"r\", qop=\"auth\"", ERROR_PROTOCOL },
        { "Digest nonce=\"n\", qop=\"auth\"", ERROR_PROTOCOL },
        { "Digest realm=\"r\", nonce=\"\", qop=\"auth\"", ERROR_PROTOCOL },
        { "Digest realm=\"r\", nonce=\"n\"", ERROR_PROTOCOL },
        { "Digest realm=\"r\", nonce=\"n\", qop=\"other\"", ERROR_PROTOCOL },
        { "Digest realm=\"r\", nonce=\"n\", qop=\"\"", ERROR_PROTOCOL },
        { "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5-sess", ERROR_PROTOCOL },
        { "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256", ERROR_PROTOCOL },
        { "Digest realm=\"not ended, nonce=\"n\", qop=\"auth", ERROR_PROTOCOL },
        { "Digest realm=\"r\\", ERROR_PROTOCOL },
    };
    struct digest_challenge challenge;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = { 0 };

        if (parse(cases[i].header, &challenge, &err))
            fail_msg("accepted: %s", cases[i].header);
        if (err.code != cases[i].code)
            fail_msg("%s: %s", cases[i].header, err.message);
    }
}

static void a_value_longer_than_its_bound_is_refused(void **state)
{
    char header[DIGEST_CHALLENGE_MAX_BYTES + 2];
    struct digest_challenge challenge;
    struct error err = { 0 };
    int at = snprintf(header, sizeof(header), "Digest realm=\"r\", qop=\"auth\", nonce=\"");

    (void)state;
    memset(header + at, 'n', DIGEST_NONCE_SIZE);
    strcpy(header + at + DIGEST_NONCE_SIZE, "\"");
    assert_false(parse(header, &challenge, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
    memset(header, ',', sizeof(header));
    assert_false(digest_challenge_parse(header, sizeof(header), &challenge, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

static void a_quote_in_a_user_name_makes_no_header(void **state)
{
    struct digest_challenge challenge = { .realm = "r", .nonce = "n" };
    uint8_t a1[DIGEST_HASH_SIZE] = { 0 };
    struct digest_answer answer = {
        .user = "ad\"min", .a1 = a1, .method = "POST", .uri = "/wsman", .cnonce = "00", .nonce_count = 1
    };
    char header[DIGEST_HEADER_SIZE];
    struct error err = { 0 };

    (void)state;
    assert_false(digest_authorization(&challenge, &answer, header, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_2617_3_5_gives_its_response),
        cmocka_unit_test(a_device_challenge_is_answered_as_a_device_computes_it),
        cmocka_unit_test(auth_int_is_used_only_where_auth_is_not_offered),
        cmocka_unit_test(challenges_as_devices_write_them_are_understood),
        cmocka_unit_test(challenges_that_cannot_be_answered_are_refused),
        cmocka_unit_test(a_value_longer_than_its_bound_is_refused),
        cmocka_unit_test(a_quote_in_a_user_name_makes_no_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
