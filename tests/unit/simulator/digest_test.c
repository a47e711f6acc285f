/* HTTP Digest (RFC 2617 3.2) and the lock-out around it. */
#include "../../simulator/encoding.h"
#include "../../simulator/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char realm[] = "Digest:0123456789ABCDEF0123456789ABCDEF";
static const char password[] = "Str0ng!Passw0rd";

static void a1_is_that_of_the_check_values(void **state)
{
    unsigned char a1[DIGEST_A1_LENGTH];
    struct text hex = { 0 }, base64 = { 0 };

    (void)state;
    digest_a1("admin", realm, password, a1);
    hex_append(&hex, a1, sizeof(a1));
    base64_append(&base64, a1, sizeof(a1));
    assert_string_equal(hex.bytes, "f656bf14e3102d2854edf93d395e6792");
    assert_string_equal(base64.bytes, "9la/FOMQLShU7fk9OV5nkg==");
    text_release(&hex);
    text_release(&base64);
}

static void the_response_is_that_of_the_check_values(void **state)
{
    static const char header[] =
        " Digest username=\"admin\", realm=\"Digest:0123456789ABCDEF0123456789ABCDEF\", "
        "nonce=\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\", uri=\"/wsman\", qop=auth, nc=00000001, "
        "cnonce=\"0123456789abcdef0123456789abcdef\", response=\"5de611c5f3e7eaa1452f51053cab3a13\"";
    struct digest_credentials credentials;
    unsigned char a1[DIGEST_A1_LENGTH];
    char response[DIGEST_RESPONSE_ROOM];
    struct error err;

    (void)state;
    assert_true(digest_parse(header, &credentials, &err));
    assert_string_equal(credentials.username, "admin");
    assert_int_equal(credentials.count, 1);
    digest_a1("admin", realm, password, a1);
    digest_response(a1, &credentials, "POST", "", 0, response);
    assert_string_equal(response, credentials.response);
}

static void credentials_without_nc_cnonce_or_qop_are_refused(void **state)
{
    static const char *const bad[] = {
        "Basic YWRtaW46YWRtaW4=",
        "Digest username=\"admin\"",
        "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"/wsman\", "
        "response=\"5de611c5f3e7eaa1452f51053cab3a13\"",
        "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"/wsman\", qop=auth, nc=1, cnonce=\"c\", "
        "response=\"5de611c5f3e7eaa1452f51053cab3a13\"",
        "Digest username=\"a",
        "Digest =",
    };
    struct digest_credentials credentials;
    struct error err;

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(digest_parse(bad[i], &credentials, &err));
}

/* ---- login ---- */

struct client {
    struct login login;
    const char *nonce;
    uint32_t count;
    double now;
    struct nonce_limits limits;
};

static enum login_verdict try_login(struct client *client, const char *guess, const char *qop,
                                    const char *body)
{
    struct login_attempt attempt = { .realm = realm,
                                     .method = "POST",
                                     .path = "/wsman",
                                     .body = body,
                                     .body_length = strlen(body),
                                     .plain_allowed = true,
                                     .integrity_allowed = true,
                                     .limits = client->limits,
                                     .now = client->now };
    struct digest_credentials credentials = { .username = "admin", .uri = "/wsman", .cnonce = "abc" };
    unsigned char right[DIGEST_A1_LENGTH], guessed[DIGEST_A1_LENGTH];

    strcpy(credentials.realm, realm);
    strcpy(credentials.qop, qop);
    strcpy(credentials.nonce, client->nonce);
    credentials.count = client->count;
    digest_a1("admin", realm, password, right);
    digest_a1("admin", realm, guess, guessed);
    digest_response(guessed, &credentials, "POST", body, strlen(body), credentials.response);
    return login_check(&client->login, &attempt, &credentials, right);
}

static void the_right_password_with_a_rising_nc_is_accepted(void **state)
{
    struct client client = { .now = 100 };

    (void)state;
    client.nonce = login_challenge(&client.login, client.now);
    assert_int_equal(strlen(client.nonce), 32);
    client.count = 1;
    assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_ACCEPTED);
    assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_STALE);
    client.count = 7;
    assert_int_equal(try_login(&client, password, "auth-int", "<body/>"), LOGIN_ACCEPTED);
}

static void a_nonce_the_client_made_up_is_stale(void **state)
{
    struct client client = { .nonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", .count = 1 };

    (void)state;
    assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_STALE);
    assert_int_equal(client.login.failures, 0);
}

static void a_nonce_ends_after_its_uses_and_its_time(void **state)
{
    struct client client = { .now = 100, .limits = { .uses = 2, .seconds = 10 } };

    (void)state;
    client.nonce = login_challenge(&client.login, client.now);
    for (client.count = 1; client.count < 3; client.count++)
        assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_ACCEPTED);
    assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_STALE);
    client.nonce = login_challenge(&client.login, client.now);
    client.now = 111;
    assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_STALE);
}

static void ten_failures_lock_for_five_seconds_doubling_to_eighty(void **state)
{
    static const double locks[] = { 5, 10, 20, 40, 80, 80 };
    struct client client = { .now = 1000, .count = 1 };

    (void)state;
    client.nonce = login_challenge(&client.login, client.now);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(try_login(&client, "wrong", "auth", ""), LOGIN_WRONG);
    for (size_t i = 0; i < LENGTH(locks); i++) {
        assert_int_equal(try_login(&client, "wrong", "auth", ""), LOGIN_WRONG);
        client.now += locks[i] - 0.1;
        assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_LOCKED);
        client.now += 0.2;
    }
    assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_ACCEPTED);
    assert_int_equal(client.login.failures, 0);
}

static void an_hour_without_a_failure_forgets_the_earlier_ones(void **state)
{
    struct client client = { .now = 1000, .count = 1 };

    (void)state;
    client.nonce = login_challenge(&client.login, client.now);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(try_login(&client, "wrong", "auth", ""), LOGIN_WRONG);
    client.now += 3601;
    assert_int_equal(try_login(&client, "wrong", "auth", ""), LOGIN_WRONG);
    assert_int_equal(try_login(&client, password, "auth", ""), LOGIN_ACCEPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a1_is_that_of_the_check_values),
        cmocka_unit_test(the_response_is_that_of_the_check_values),
        cmocka_unit_test(credentials_without_nc_cnonce_or_qop_are_refused),
        cmocka_unit_test(the_right_password_with_a_rising_nc_is_accepted),
        cmocka_unit_test(a_nonce_the_client_made_up_is_stale),
        cmocka_unit_test(a_nonce_ends_after_its_uses_and_its_time),
        cmocka_unit_test(ten_failures_lock_for_five_seconds_doubling_to_eighty),
        cmocka_unit_test(an_hour_without_a_failure_forgets_the_earlier_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
