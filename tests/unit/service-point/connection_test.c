/* The connection to one device: what it answers, when, and how it ends. Spec 11. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "connection_talk.h"

/* ---- answers ---- */

static void a_chunked_answer_is_read(void **state)
{
    struct general_settings settings;

    (void)state;
    device.script[0].text = answer_chunked;
    device.script[1].text = answer_general;
    assert_true(open_it());
    assert_true(get_general(&settings));
    assert_string_equal(settings.host_name, "pc17");
    assert_true(get_general(&settings));
    close_it();
    assert_int_equal(device.connection_count, 1);
    assert_null(strstr(device.requests[1], "chunked"));
}

static void answers_that_are_no_success_are_told_apart(void **state)
{
    static const char garbage[] = "\x01\x02\x03 garbage\r\n\r\nmore of it\r\n";
    static char truncated[4096], html[512], not_soap[512], encoded[512], busy[512];
    const struct {
        const char *text;
        enum error_code code;
        enum reason_code reason;
    } cases[] = {
        { answer_absent, ERROR_ABSENT, REASON_UNSUPPORTED },
        { answer_status, ERROR_UNREACHABLE, REASON_FLASH_WEAR },
        { truncated, ERROR_PROTOCOL, REASON_MALFORMED_REPLY },
        { html, ERROR_UNREACHABLE, REASON_HTTP_ERROR },
        { not_soap, ERROR_PROTOCOL, REASON_MALFORMED_REPLY },
        { encoded, ERROR_UNREACHABLE, REASON_MALFORMED_REPLY },
        { busy, ERROR_UNREACHABLE, REASON_FIRMWARE_BUSY },
        { "HTTP/1.1 200 OK\r\nServer: Apache\r\nContent-Length: 2\r\n\r\nhi", ERROR_REFUSED, REASON_NO_AMT },
        { garbage, ERROR_REFUSED, REASON_NO_AMT },
        { "SSH-2.0-OpenSSH_9.2\r\n", ERROR_REFUSED, REASON_NO_AMT },
    };

    http_make(truncated, sizeof(truncated), "200 OK",
              "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"><a:Body>");
    http_make(html, sizeof(html), "400 Bad Request", "<html>Missing required parameter</html>");
    http_make(not_soap, sizeof(not_soap), "200 OK", "<html/>");
    http_make(busy, sizeof(busy), "503 Service Unavailable", "");
    snprintf(encoded, sizeof(encoded),
             "HTTP/1.1 200 OK\r\n" SERVER "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct general_settings settings;

        prepare(state);
        device.script[0] = (struct fake_answer){ .text = cases[i].text, .ending = FAKE_CLOSES_AFTER };
        assert_true(open_it());
        assert_false(get_general(&settings));
        if (err.reason != cases[i].reason || err.code != cases[i].code)
            fail_msg("case %zu: code %d reason %s: %s", i, err.code, reason_of(err.reason)->name,
                     err.message);
        close_it();
    }
}

static void an_answer_without_end_is_cut_off(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\n" SERVER "Content-Length: 999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" SERVER "Transfer-Encoding: chunked\r\n\r\n7FFFFFF\r\n",
    };

    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct general_settings settings;

        prepare(state);
        device.script[0] = (struct fake_answer){ .text = heads[i], .filler = 8 * CONNECTION_REPLY_MAX_BYTES };
        assert_true(open_it());
        assert_false(get_general(&settings));
        if (err.reason != REASON_REPLY_TOO_LARGE)
            fail_msg("case %zu: %s", i, err.message);
        close_it();
    }
}

/* Before a byte of it came, and before memory is taken for it. */
static void an_answer_that_announces_too_much_is_refused(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\n" SERVER "Content-Length: 1048577\r\n\r\n<a",
        "HTTP/1.1 200 OK\r\n" SERVER "Content-Length: 3333333333\r\n\r\n<a",
    };

    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct general_settings settings;

        prepare(state);
        device.script[0].text = heads[i];
        assert_true(open_it());
        assert_false(get_general(&settings));
        if (err.reason != REASON_REPLY_TOO_LARGE)
            fail_msg("case %zu: %s", i, err.message);
        close_it();
    }
}

static void headers_without_end_are_cut_off(void **state)
{
    struct general_settings settings;

    (void)state;
    device.script[0] = (struct fake_answer){ .text = "HTTP/1.1 200 OK\r\n" SERVER "X: ",
                                             .filler = 8 * CONNECTION_REPLY_MAX_BYTES };
    assert_true(open_it());
    assert_false(get_general(&settings));
    assert_int_not_equal(err.code, ERROR_NONE);
    close_it();
}

/* ---- time ---- */

static void a_device_that_drips_does_not_outlive_the_limit(void **state)
{
    struct general_settings settings;
    int64_t began;

    (void)state;
    target.timeout_ms = 400;
    device.script[0] = (struct fake_answer){ .text = answer_general, .drip_ms = 20 };
    assert_true(open_it());
    began = clock_monotonic_ms();
    assert_false(get_general(&settings));
    assert_int_equal(err.reason, REASON_TIMEOUT);
    assert_true(clock_monotonic_ms() - began < 1500);
    close_it();
}

static void a_device_that_begs_for_handshakes_is_left(void **state)
{
    static const enum fake_manner manners[] = { FAKE_BEGS, FAKE_BEGS_LATER };

    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        int64_t began_ms = clock_monotonic_ms();
        struct general_settings settings;

        prepare(state);
        device.manner = manners[i];
        assert_int_equal(open_it() && get_general(&settings), false);
        assert_true(clock_monotonic_ms() - began_ms < target.timeout_ms + 1000);
        if (err.reason != REASON_TLS_FAILED && err.reason != REASON_CONNECTION_LOST)
            fail_msg("case %zu: %s", i, err.message);
        close_it();
    }
}

static void wrappings_that_were_not_asked_for_are_refused(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\n" SERVER "Content-Type: multipart/related; boundary=x; type=\"text/xml\"\r\n"
        "Content-Length: 40\r\n\r\n--x\r\nContent-Type: text/xml\r\n\r\n<a:Envelope/>",
        "HTTP/1.1 200 OK\r\n" SERVER "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01",
        "\x1f\x8b\x08\x01\x01\x01\x01\x01\x02\x03\x01\x01",
    };

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct general_settings settings;

        prepare(state);
        device.script[0] = (struct fake_answer){ .text = answers[i], .ending = FAKE_CLOSES_AFTER };
        assert_true(open_it());
        assert_false(get_general(&settings));
        if (err.reason != REASON_MALFORMED_REPLY)
            fail_msg("case %zu: %s", i, err.message);
        close_it();
    }
}

static void a_silent_device_is_a_time_out(void **state)
{
    struct general_settings settings;

    (void)state;
    target.timeout_ms = 200;
    device.script[0] = (struct fake_answer){ .text = answer_general, .silent_ms = 2000 };
    assert_true(open_it());
    assert_false(get_general(&settings));
    assert_int_equal(err.reason, REASON_TIMEOUT);
    close_it();
}

static void the_jobs_deadline_is_the_last_word(void **state)
{
    struct general_settings settings;

    (void)state;
    target.deadline_ms = clock_monotonic_ms() + 300;
    device.script[0] = (struct fake_answer){ .text = answer_general, .silent_ms = 3000 };
    assert_true(open_it());
    assert_false(get_general(&settings));
    assert_int_equal(err.reason, REASON_TIME_UP);
    assert_false(get_general(&settings));
    assert_int_equal(err.reason, REASON_TIME_UP);
    close_it();
}

/* ---- connections that end ---- */

static void a_kept_connection_that_was_closed_meanwhile_is_opened_again(void **state)
{
    struct general_settings settings;

    (void)state;
    device.script[0] = (struct fake_answer){ .text = answer_general, .ending = FAKE_CLOSES_AFTER };
    device.script[1].text = answer_committed;
    assert_true(open_it());
    assert_true(get_general(&settings));
    poll(NULL, 0, 50);
    assert_true(wsman_setup_commit(connection, &err));
    close_it();
    assert_int_equal(device.request_count, 2);
    assert_int_equal(device.connection_count, 2);
}

static void a_request_that_met_a_closing_connection_is_repeated_once(void **state)
{
    struct general_settings settings;

    (void)state;
    device.script[0].text = answer_general;
    device.script[1] = (struct fake_answer){ .text = "", .ending = FAKE_CLOSES_AFTER };
    device.script[2].text = answer_general;
    assert_true(open_it());
    assert_true(get_general(&settings));
    assert_true(get_general(&settings));
    close_it();
    assert_int_equal(device.request_count, 3);
}

static void a_call_that_may_have_been_carried_out_is_never_repeated(void **state)
{
    static const enum fake_ending endings[] = { FAKE_CLOSES_AFTER, FAKE_RESETS_AFTER, FAKE_VANISHES_AFTER };

    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        struct general_settings settings;

        prepare(state);
        device.manner = FAKE_WANTS_CLIENT;
        device.script[0].text = answer_general;
        device.script[1] = (struct fake_answer){ .text = "", .ending = endings[i] };
        device.script[2].text = answer_committed;
        assert_true(open_it());
        assert_true(get_general(&settings));
        assert_false(wsman_setup_commit(connection, &err));
        assert_int_equal(err.reason, REASON_CONNECTION_LOST);
        close_it();
        assert_int_equal(device.request_count, 2);
    }
}

static void an_answer_that_breaks_off_is_a_lost_connection(void **state)
{
    struct general_settings settings;

    (void)state;
    device.script[0].text = answer_general;
    device.script[1] =
        (struct fake_answer){ .text = "HTTP/1.1 200 OK\r\n" SERVER "Content-Length: 500\r\n\r\n<a:Env",
                              .ending = FAKE_RESETS_AFTER };
    device.script[2].text = answer_general;
    assert_true(open_it());
    assert_true(get_general(&settings));
    assert_false(get_general(&settings));
    assert_int_equal(err.reason, REASON_CONNECTION_LOST);
    close_it();
    assert_int_equal(device.request_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_chunked_answer_is_read),
        TEST(answers_that_are_no_success_are_told_apart),
        TEST(an_answer_without_end_is_cut_off),
        TEST(an_answer_that_announces_too_much_is_refused),
        TEST(headers_without_end_are_cut_off),
        TEST(a_device_that_drips_does_not_outlive_the_limit),
        TEST(a_device_that_begs_for_handshakes_is_left),
        TEST(wrappings_that_were_not_asked_for_are_refused),
        TEST(a_silent_device_is_a_time_out),
        TEST(the_jobs_deadline_is_the_last_word),
        TEST(a_kept_connection_that_was_closed_meanwhile_is_opened_again),
        TEST(a_request_that_met_a_closing_connection_is_repeated_once),
        TEST(a_call_that_may_have_been_carried_out_is_never_repeated),
        TEST(an_answer_that_breaks_off_is_a_lost_connection),
    };

    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
