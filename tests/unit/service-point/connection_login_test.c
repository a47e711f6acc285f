/* The connection to one device, the log-in: spec O4, O5. */
#include <string.h>

#include "connection_talk.h"

static struct account accounts[3];

static void accounts_make(void)
{
    accounts[0] = (struct account){ (char *)"empty", (char *)"admin", secret_from_text("") };
    accounts[1] = (struct account){ (char *)"known", (char *)"admin", secret_from_text("Str0ng!Passw0rd") };
    accounts[2] = (struct account){ (char *)"default", (char *)"admin", secret_from_text("admin") };
}

static void accounts_free(void)
{
    for (size_t i = 0; i < COUNT_OF(accounts); i++)
        secret_free(&accounts[i].password);
}

static bool log_in(unsigned attempts_max, struct authentication *login)
{
    bool accepted;

    accounts_make();
    accepted = connection_authenticate(connection, accounts, COUNT_OF(accounts), attempts_max, login, &err);
    accounts_free();
    return accepted;
}

static void a_session_without_a_challenge_is_accepted(void **state)
{
    struct authentication login;

    (void)state;
    device.script[0].text = answer_general;
    assert_true(open_it());
    assert_true(log_in(3, &login));
    assert_false(login.challenged);
    assert_int_equal(login.refused, 0);
    assert_string_equal(connection_firmware_version(connection), "15.0.23.1706");
    close_it();
    assert_null(strstr(device.requests[0], "Authorization"));
    assert_null(strstr(device.requests[0], "Accept-Encoding"));
    assert_non_null(strstr(device.requests[0], "POST /wsman HTTP/1.1\r\n"));
    assert_non_null(strstr(device.requests[0], "Content-Type: application/soap+xml; charset=utf-8\r\n"));
}

static void the_accounts_are_tried_in_their_order(void **state)
{
    struct authentication login;
    struct general_settings settings;

    (void)state;
    device.script[0] = (struct fake_answer){ .text = CHALLENGE("n1", "false"), .ending = FAKE_CLOSES_AFTER };
    device.script[1] = (struct fake_answer){ .text = CHALLENGE("n2", "false"), .ending = FAKE_CLOSES_AFTER };
    device.script[2].text = answer_general;
    device.script[3].text = answer_general;
    assert_true(open_it());
    assert_true(log_in(3, &login));
    assert_true(login.challenged && login.accepted);
    assert_int_equal(login.accepted_index, 1);
    assert_int_equal(login.refused, 1);
    assert_string_equal(connection_digest_realm(connection), REALM);
    assert_true(get_general(&settings));
    close_it();
    assert_int_equal(device.request_count, 4);
    assert_null(strstr(device.requests[0], "Authorization"));
    assert_non_null(strstr(device.requests[1], "nonce=\"n1\""));
    assert_non_null(strstr(device.requests[2], "nonce=\"n2\", uri=\"/wsman\", qop=auth, nc=00000001"));
    assert_non_null(strstr(device.requests[3], "nonce=\"n2\", uri=\"/wsman\", qop=auth, nc=00000002"));
}

/* Its admin has the password of MEBx: the empty one would be a failed log-in for nothing. */
static void firmware_before_6_is_not_sent_the_empty_password(void **state)
{
    struct authentication login;

    (void)state;
    target.firmware_version = "5.2.40";
    device.max_version = TLS1_VERSION;
    device.script[0] = (struct fake_answer){ .text = CHALLENGE_OF_5, .ending = FAKE_CLOSES_AFTER };
    device.script[1] = (struct fake_answer){ .text = CHALLENGE_OF_5, .ending = FAKE_CLOSES_AFTER };
    assert_true(open_it());
    assert_false(log_in(1, &login));
    assert_int_equal(err.reason, REASON_MORE_ACCOUNTS);
    assert_int_equal(login.refused, 2);
    close_it();
    assert_int_equal(device.request_count, 2);
}

static void refuse_everybody(void)
{
    for (size_t i = 0; i < 6; i++)
        device.script[i] =
            (struct fake_answer){ .text = CHALLENGE("n", "false"), .ending = FAKE_CLOSES_AFTER };
}

/* The first request has no credentials, so there is one more than accounts. */
static void expect_refused(unsigned tried, enum reason_code reason)
{
    struct authentication login;

    assert_true(open_it());
    assert_false(log_in(tried, &login));
    assert_int_equal(err.reason, reason);
    assert_int_equal(login.refused, tried);
    close_it();
    assert_int_equal(device.request_count, tried + 1);
}

static void no_more_accounts_are_tried_than_allowed(void **state)
{
    (void)state;
    refuse_everybody();
    expect_refused(2, REASON_MORE_ACCOUNTS);
}

static void a_list_that_is_refused_to_its_end_is_no_account_accepted(void **state)
{
    (void)state;
    refuse_everybody();
    expect_refused(3, REASON_NO_ACCOUNT_ACCEPTED);
}

static void a_nonce_that_expires_in_mid_session_is_renewed_once(void **state)
{
    AUTO(secret_free) struct secret *password = secret_from_text("Str0ng!Passw0rd");
    struct general_settings settings;

    (void)state;
    device.script[0] = (struct fake_answer){ .text = CHALLENGE("n1", "false"), .ending = FAKE_CLOSES_AFTER };
    device.script[1].text = answer_general;
    device.script[2] = (struct fake_answer){ .text = CHALLENGE("n2", "false"), .ending = FAKE_CLOSES_AFTER };
    device.script[3].text = answer_general;
    assert_true(open_it());
    connection_use_credential(connection, "admin", password);
    assert_true(get_general(&settings));
    assert_true(get_general(&settings));
    close_it();
    assert_int_equal(device.request_count, 4);
    assert_non_null(strstr(device.requests[3], "nonce=\"n2\""));
}

static void a_second_refusal_of_a_fresh_nonce_ends_it(void **state)
{
    AUTO(secret_free) struct secret *password = secret_from_text("wrong");
    struct general_settings settings;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        device.script[i] =
            (struct fake_answer){ .text = CHALLENGE("n", "false"), .ending = FAKE_CLOSES_AFTER };
    assert_true(open_it());
    connection_use_credential(connection, "admin", password);
    assert_false(get_general(&settings));
    assert_int_equal(err.reason, REASON_NO_ACCOUNT_ACCEPTED);
    assert_null(strstr(err.message, "wrong"));
    close_it();
    assert_int_equal(device.request_count, 2);
}

static void stale_for_ever_does_not_go_on_for_ever(void **state)
{
    AUTO(secret_free) struct secret *password = secret_from_text("x");
    struct general_settings settings;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        device.script[i] =
            (struct fake_answer){ .text = CHALLENGE("n", "true"), .ending = FAKE_CLOSES_AFTER };
    assert_true(open_it());
    connection_use_credential(connection, "admin", password);
    assert_false(get_general(&settings));
    close_it();
    assert_int_equal(device.request_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_without_a_challenge_is_accepted),
        TEST(the_accounts_are_tried_in_their_order),
        TEST(no_more_accounts_are_tried_than_allowed),
        TEST(firmware_before_6_is_not_sent_the_empty_password),
        TEST(a_list_that_is_refused_to_its_end_is_no_account_accepted),
        TEST(a_nonce_that_expires_in_mid_session_is_renewed_once),
        TEST(a_second_refusal_of_a_fresh_nonce_ends_it),
        TEST(stale_for_ever_does_not_go_on_for_ever),
    };

    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
