/* Which of its two interfaces a device is spoken to over in the first stage: spec O4, O7. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "fake_identity.h"
#include "firmware/connection.h"

#define CHALLENGE(server, nonce)                                                                             \
    "HTTP/1.1 401 Unauthorized\r\n"                                                                          \
    "WWW-Authenticate: Digest realm=\"Intel(R) AMT (ID:12345678-9ABC-DEF0-1234-56789ABCDEF0)\", "            \
    "nonce=\"" nonce "\",stale=\"false\",qop=\"auth\"\r\nContent-Type: text/html\r\nServer: " server         \
    "\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhtml"
#define ABSENT(server)                                                                                       \
    "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nServer: " server                                   \
    "\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhtml"
#define ANSWER(server)                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nServer: " server "\r\nContent-Length: 4\r\n\r\nbody"
#define AMT(version) "Intel(R) Active Management Technology " version

/* Logs in to a device that gives these answers, with one account. */
static bool log_in(const char *const *script, enum first_stage wanted, const char *known,
                   struct authentication *login)
{
    struct connection_target target = { .address = "127.0.0.1",
                                        .timeout_ms = 3000,
                                        .first_stage = wanted,
                                        .firmware_version = known,
                                        .trust = trust };
    struct account account = { .username = (char *)"admin", .password = secret_from_text("admin") };
    struct connection *connection = NULL;
    bool passed;

    memset(&device, 0, sizeof(device));
    err = (struct error){ 0 };
    device.identity = &device_identity;
    for (size_t i = 0; script[i]; i++)
        device.script[i] = (struct fake_answer){
            .text = script[i],
            .ending = strncmp(script[i], "HTTP/1.1 200", 12) == 0 ? FAKE_KEEPS : FAKE_CLOSES_AFTER,
        };
    fake_start(&device);
    target.port = device.port;
    passed = connection_open(&connection, &target, &err) &&
             connection_authenticate(connection, &account, 1, 3, login, &err);
    connection_close(&connection);
    fake_stop(&device);
    secret_free(&account.password);
    return passed;
}

static void assert_asked(size_t request, const char *path)
{
    char line[128];

    snprintf(line, sizeof(line), "POST %s HTTP/1.1\r\n", path);
    if (strncmp(device.requests[request], line, strlen(line)) != 0)
        fail_msg("request %zu is not to %s:\n%s", request, path, device.requests[request]);
}

static void firmware_before_6_is_spoken_to_over_eoi(void **state)
{
    static const char *const script[] = { CHALLENGE(AMT("5.2.10"), "n1"), CHALLENGE(AMT("5.2.10"), "n2"),
                                          ANSWER(AMT("5.2.10")), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(login.interface, INTERFACE_EOI);
    assert_true(login.challenged && login.accepted);
    assert_int_equal(device.request_count, 3);
    assert_asked(0, "/wsman");
    assert_asked(1, "/SecurityAdministrationService");
    assert_asked(2, "/SecurityAdministrationService");
    assert_null(strstr(device.requests[1], "Authorization"));
    assert_non_null(strstr(device.requests[1], "SOAPAction: \"http://schemas.intel.com/platform/client/"
                                               "SecurityAdministration/2004/01/GetCoreVersion\"\r\n"));
    assert_non_null(strstr(device.requests[1], "<sai:GetCoreVersion"));
    assert_non_null(strstr(device.requests[2],
                           "nonce=\"n2\", uri=\"/SecurityAdministrationService\", qop=auth, nc=00000001"));
}

static void a_known_release_saves_the_first_question(void **state)
{
    static const char *const script[] = { CHALLENGE(AMT("3.2.1"), "n1"), ANSWER(AMT("3.2.1")), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_AUTO, "3.2.1", &login));
    assert_int_equal(login.interface, INTERFACE_EOI);
    assert_int_equal(device.request_count, 2);
}

static void firmware_that_serves_no_wsman_in_setup_is_spoken_to_over_eoi(void **state)
{
    static const char *const script[] = { ABSENT(AMT("3.2.1")), CHALLENGE(AMT("3.2.1"), "n1"),
                                          ANSWER(AMT("3.2.1")), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(login.interface, INTERFACE_EOI);
}

static void firmware_from_6_on_is_asked_once(void **state)
{
    static const char *const script[] = { CHALLENGE(AMT("6.2.61"), "n1"), ANSWER(AMT("6.2.61")), NULL };
    static const char *const without_number[] = { CHALLENGE("AMT", "n1"), ANSWER("AMT"), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(login.interface, INTERFACE_WSMAN);
    assert_int_equal(device.request_count, 2);
    assert_true(log_in(without_number, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(login.interface, INTERFACE_WSMAN);
    assert_int_equal(device.request_count, 2);
}

static void an_update_of_the_firmware_is_noticed(void **state)
{
    static const char *const script[] = { CHALLENGE(AMT("6.2.61"), "n1"), CHALLENGE(AMT("6.2.61"), "n2"),
                                          ANSWER(AMT("6.2.61")), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_AUTO, "5.2.10", &login));
    assert_int_equal(login.interface, INTERFACE_WSMAN);
    assert_asked(0, "/SecurityAdministrationService");
    assert_asked(2, "/wsman");
}

/* AMT SDK: WsmanOnlyMode closes the older interface. */
static void old_firmware_without_eoi_is_spoken_to_over_wsman(void **state)
{
    static const char *const script[] = { CHALLENGE(AMT("5.2.10"), "n1"), ABSENT(AMT("5.2.10")),
                                          CHALLENGE(AMT("5.2.10"), "n2"), ANSWER(AMT("5.2.10")), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(login.interface, INTERFACE_WSMAN);
    assert_non_null(strstr(device.requests[3], "nonce=\"n2\", uri=\"/wsman\""));
}

static void the_profile_may_choose(void **state)
{
    static const char *const script[] = { CHALLENGE(AMT("8.1.40"), "n1"), ANSWER(AMT("8.1.40")), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_EOI, NULL, &login));
    assert_int_equal(login.interface, INTERFACE_EOI);
    assert_asked(0, "/SecurityAdministrationService");
    assert_true(log_in(script, FIRST_STAGE_WSMAN, "5.2.10", &login));
    assert_int_equal(login.interface, INTERFACE_WSMAN);
    assert_asked(0, "/wsman");
}

static void eoi_asked_of_firmware_without_it_is_refused(void **state)
{
    static const char *const script[] = { ABSENT(AMT("9.0.31")), NULL };
    static const char *const closed[] = { ABSENT(AMT("5.2.10")), NULL };
    struct authentication login;

    (void)state;
    assert_false(log_in(script, FIRST_STAGE_EOI, NULL, &login));
    assert_int_equal(err.reason, REASON_UNSUPPORTED);
    assert_non_null(strstr(err.message, "AMT 9.0"));
    assert_non_null(strstr(err.message, "set first_stage to auto"));
    assert_false(log_in(closed, FIRST_STAGE_EOI, NULL, &login));
    assert_int_equal(err.reason, REASON_UNSUPPORTED);
    assert_int_equal(device.request_count, 1);
}

static void firmware_without_ws_management_is_refused(void **state)
{
    static const char *const script[] = { ABSENT(AMT("2.1.3")), NULL };
    struct authentication login;

    (void)state;
    assert_false(log_in(script, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(err.reason, REASON_UNSUPPORTED);
    assert_non_null(strstr(err.message, "AMT 2.1"));
}

static void a_session_without_a_challenge_has_an_interface_too(void **state)
{
    static const char *const script[] = { ANSWER(AMT("5.2.10")), ANSWER(AMT("5.2.10")), NULL };
    struct authentication login;

    (void)state;
    assert_true(log_in(script, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(login.interface, INTERFACE_EOI);
    assert_false(login.challenged);
}

static void a_web_server_with_neither_is_no_verdict_about_the_computer(void **state)
{
    static const char *const script[] = { ABSENT("AMT"), ABSENT("AMT"), NULL };
    struct authentication login;

    (void)state;
    assert_false(log_in(script, FIRST_STAGE_AUTO, NULL, &login));
    assert_int_equal(err.reason, REASON_HTTP_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firmware_before_6_is_spoken_to_over_eoi),
        cmocka_unit_test(a_known_release_saves_the_first_question),
        cmocka_unit_test(firmware_that_serves_no_wsman_in_setup_is_spoken_to_over_eoi),
        cmocka_unit_test(firmware_from_6_on_is_asked_once),
        cmocka_unit_test(an_update_of_the_firmware_is_noticed),
        cmocka_unit_test(old_firmware_without_eoi_is_spoken_to_over_wsman),
        cmocka_unit_test(the_profile_may_choose),
        cmocka_unit_test(eoi_asked_of_firmware_without_it_is_refused),
        cmocka_unit_test(firmware_without_ws_management_is_refused),
        cmocka_unit_test(a_session_without_a_challenge_has_an_interface_too),
        cmocka_unit_test(a_web_server_with_neither_is_no_verdict_about_the_computer),
    };

    return cmocka_run_group_tests(tests, make_identity, free_identity);
}
