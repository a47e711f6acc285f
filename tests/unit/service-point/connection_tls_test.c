/* The connection to one device, its handshake: spec O3. */
#include <string.h>

#include "connection_talk.h"

/* ---- TLS ---- */

static void the_whole_chain_is_sent_leaf_first_root_included(void **state)
{
    (void)state;
    device.manner = FAKE_WANTS_CLIENT;
    assert_true(open_it());
    close_it();
    assert_int_equal(device.client_chain_length, 3);
    assert_string_equal(device.client_subject, "/CN=ps.example.com");
}

static void a_refused_certificate_names_the_likely_cause(void **state)
{
    (void)state;
    device.manner = FAKE_REFUSES;
    target.dns_suffix = "other.org";
    assert_false(open_it());
    close_it();
    assert_int_equal(err.reason, REASON_SUFFIX_MISMATCH);
}

static void a_refused_certificate_without_a_likely_cause_says_so(void **state)
{
    (void)state;
    device.manner = FAKE_REFUSES;
    target.dns_suffix = "example.com";
    assert_false(open_it());
    close_it();
    assert_int_equal(err.reason, REASON_CLIENT_CERTIFICATE_REFUSED);
}

static void a_port_where_nobody_listens_is_unreachable(void **state)
{
    (void)state;
    fake_start(&device);
    target.port = device.port;
    fake_stop(&device);
    assert_false(connection_open(&connection, &target, &err));
    assert_int_equal(err.reason, REASON_UNREACHABLE);
}

static void a_name_is_not_an_address(void **state)
{
    (void)state;
    target.address = "localhost";
    assert_false(connection_open(&connection, &target, &err));
    assert_int_equal(err.code, ERROR_INPUT);
}

static void what_does_not_speak_tls_is_no_amt(void **state)
{
    (void)state;
    device.manner = FAKE_PLAIN;
    device.script[0].text = "HTTP/1.0 400 Bad Request\r\n\r\n";
    assert_false(open_it());
    close_it();
    assert_int_equal(err.reason, REASON_NO_AMT);
}

static void what_closes_without_a_word_is_no_amt(void **state)
{
    (void)state;
    device.manner = FAKE_CLOSES;
    assert_false(open_it());
    close_it();
    assert_true(err.reason == REASON_NO_AMT ||
                err.reason == REASON_CONNECTION_LOST); /* the hello may hit a reset */
}

static void an_old_tls_version_is_used_where_it_is_allowed(void **state)
{
    (void)state;
    device.max_version = TLS1_VERSION;
    assert_true(open_it());
    assert_non_null(strstr(connection_tls(connection), "TLSv1 "));
    close_it();
}

static void an_old_tls_version_is_refused_for_firmware_known_to_be_new(void **state)
{
    (void)state;
    device.max_version = TLS1_VERSION;
    target.firmware_version = "12.0.67.1579";
    assert_false(open_it());
    close_it();
    assert_int_equal(err.reason, REASON_TLS_FAILED);
    assert_int_equal(device.connection_count, 1);
}

static void an_old_tls_version_is_refused_by_configuration(void **state)
{
    (void)state;
    device.max_version = TLS1_VERSION;
    target.tls = TLS_ALLOW_MODERN;
    assert_false(open_it());
    close_it();
    assert_int_equal(err.reason, REASON_TLS_FAILED);
}

/* ---- the device's certificate ---- */

static void a_device_certificate_that_changes_in_a_job_is_noticed(void **state)
{
    struct general_settings settings;

    (void)state;
    device.next_identity = &other_identity;
    device.script[0] = (struct fake_answer){ .text = answer_general, .ending = FAKE_CLOSES_AFTER };
    device.script[1].text = answer_general;
    assert_true(open_it());
    assert_int_equal(connection_identity(connection), IDENTITY_SETUP);
    assert_true(get_general(&settings));
    connection_drop(connection);
    assert_false(get_general(&settings));
    assert_int_equal(err.reason, REASON_DEVICE_CERTIFICATE_CHANGED);
    close_it();
    assert_int_equal(device.request_count, 1);
}

/* ---- TLS sessions ---- */

static void resume_over_closed_connections(size_t answers)
{
    device.keeps_sessions = true;
    target.resume = true;
    for (size_t i = 0; i < answers; i++)
        device.script[i] = (struct fake_answer){ .text = answer_general, .ending = FAKE_CLOSES_AFTER };
    assert_true(open_it());
}

static void a_tls_session_is_taken_up_again_by_the_next_connection(void **state)
{
    static const enum fake_ending endings[] = { FAKE_CLOSES_AFTER, FAKE_VANISHES_AFTER };
    struct general_settings settings;

    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        uint8_t fingerprint[CONNECTION_FINGERPRINT_SIZE];

        prepare(state);
        resume_over_closed_connections(3);
        device.script[0].ending = endings[i];
        memcpy(fingerprint, connection_fingerprint(connection), sizeof(fingerprint));
        for (unsigned requests = 0; requests < 3; requests++)
            assert_true(get_general(&settings));
        assert_memory_equal(connection_fingerprint(connection), fingerprint, sizeof(fingerprint));
        close_it();
        assert_int_equal(device.connection_count, 3);
        assert_int_equal(device.resumed_count, 2);
    }
}

static void a_tls_session_is_not_offered_unless_asked_for(void **state)
{
    struct general_settings settings;

    (void)state;
    resume_over_closed_connections(2);
    connection_close(&connection);
    target.resume = false;
    assert_true(connection_open(&connection, &target, &err));
    assert_true(get_general(&settings));
    assert_true(get_general(&settings));
    close_it();
    assert_int_equal(device.offered_count, 0);
}

/* The device may have another certificate now, which only a full handshake shows. */
static void a_tls_session_ends_with_what_it_proved(void **state)
{
    AUTO(secret_free) struct secret *password = secret_from_text("N3w.Password");
    struct general_settings settings;

    (void)state;
    resume_over_closed_connections(3);
    connection_drop(connection);
    assert_true(get_general(&settings));
    connection_expect(connection, IDENTITY_EITHER);
    assert_true(get_general(&settings));
    close_it();
    assert_int_equal(device.connection_count, 3);
    assert_int_equal(device.offered_count, 0);

    prepare(state);
    device.keeps_sessions = target.resume = true;
    device.script[0] = (struct fake_answer){ .text = CHALLENGE("n1", "false"), .ending = FAKE_CLOSES_AFTER };
    device.script[1].text = answer_general;
    device.script[2].text = answer_general;
    assert_true(open_it());
    assert_false(get_general(&settings)); /* no credential yet */
    connection_use_credential(connection, "admin", password);
    assert_true(get_general(&settings)); /* AMT may take a known session for one that is logged in */
    close_it();
    assert_int_equal(device.offered_count, 0);
}

static void a_session_is_judged_again_by_the_rules_in_force(void **state)
{
    AUTO(bytes_free) struct bytes issuer_der = pki_der(&authority);
    struct general_settings settings;

    (void)state;
    target.identity = IDENTITY_EITHER;
    target.fqdn = "pc17.example.com";
    target.issuers = &issuer_der;
    target.issuer_count = 1;
    device.identity = &operational;
    resume_over_closed_connections(2);
    assert_true(get_general(&settings));
    connection_expect(connection, IDENTITY_OPERATIONAL); /* as it was found to be: goes on */
    assert_true(get_general(&settings));
    assert_int_equal(connection_identity(connection), IDENTITY_OPERATIONAL);
    close_it();
    assert_int_equal(device.resumed_count, 1);
}

static void a_device_that_cannot_bear_a_known_session_gets_a_full_handshake(void **state)
{
    struct general_settings settings;

    (void)state;
    resume_over_closed_connections(2);
    device.chokes_on_sessions = true;
    assert_true(get_general(&settings));
    assert_true(get_general(&settings));
    close_it();
    assert_int_equal(device.offered_count, 1);
    assert_int_equal(device.resumed_count, 0);
    assert_int_equal(device.request_count, 2);
}

/* ---- the operational certificate ---- */

static void an_operational_device_is_known_by_issuer_and_name(void **state)
{
    static const struct {
        enum device_identity wanted;
        const struct identity *shown;
        const char *fqdn;
        bool accepted;
        enum device_identity found;
    } cases[] = {
        { IDENTITY_OPERATIONAL, &operational, "pc17.example.com", true, IDENTITY_OPERATIONAL },
        { IDENTITY_OPERATIONAL, &operational, "pc18.example.com", false, IDENTITY_SETUP },
        { IDENTITY_OPERATIONAL, &operational, "", false, IDENTITY_SETUP }, /* no name is not any name */
        { IDENTITY_OPERATIONAL, &device_identity, "pc17.example.com", false, IDENTITY_SETUP },
        { IDENTITY_EITHER, &operational, "pc17.example.com", true, IDENTITY_OPERATIONAL },
        { IDENTITY_EITHER, &operational, "pc18.example.com", true, IDENTITY_SETUP },
        { IDENTITY_EITHER, &device_identity, "pc17.example.com", true, IDENTITY_SETUP },
        { IDENTITY_SETUP, &operational, "pc17.example.com", true, IDENTITY_SETUP },
    };
    AUTO(bytes_free) struct bytes issuer_der = pki_der(&authority);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        prepare(state);
        device.identity = cases[i].shown;
        target.identity = cases[i].wanted;
        target.fqdn = cases[i].fqdn;
        target.issuers = &issuer_der;
        target.issuer_count = 1;
        assert_int_equal(open_it(), cases[i].accepted);
        if (cases[i].accepted)
            assert_int_equal(connection_identity(connection), cases[i].found);
        else
            assert_int_equal(err.reason, REASON_DEVICE_CERTIFICATE_WRONG);
        close_it();
    }
}

/* Of a renamed computer: the very certificate counts, not just any for the name that it had. */
static void a_renamed_device_is_known_by_the_certificate_that_was_issued_to_it(void **state)
{
    const struct identity *known[] = { &operational, &device_identity, &authority };
    AUTO(bytes_free) struct bytes issuer_der = pki_der(&authority);

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        AUTO(bytes_free) struct bytes known_der = pki_der(known[i]);

        prepare(state);
        device.identity =
            i == 1 ? &device_identity : &operational; /* 1: known, but of nobody that we trust */
        target.identity = IDENTITY_OPERATIONAL;
        target.fqdn = "renamed.example.com";
        target.issuers = &issuer_der;
        target.issuer_count = 1;
        target.known_certificate = &known_der;
        assert_int_equal(open_it(), i == 0);
        close_it();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_whole_chain_is_sent_leaf_first_root_included),
        TEST(a_refused_certificate_names_the_likely_cause),
        TEST(a_refused_certificate_without_a_likely_cause_says_so),
        TEST(a_port_where_nobody_listens_is_unreachable),
        TEST(a_name_is_not_an_address),
        TEST(what_does_not_speak_tls_is_no_amt),
        TEST(what_closes_without_a_word_is_no_amt),
        TEST(an_old_tls_version_is_used_where_it_is_allowed),
        TEST(an_old_tls_version_is_refused_for_firmware_known_to_be_new),
        TEST(an_old_tls_version_is_refused_by_configuration),
        TEST(a_device_certificate_that_changes_in_a_job_is_noticed),
        TEST(a_tls_session_is_taken_up_again_by_the_next_connection),
        TEST(a_tls_session_is_not_offered_unless_asked_for),
        TEST(a_tls_session_ends_with_what_it_proved),
        TEST(a_session_is_judged_again_by_the_rules_in_force),
        TEST(a_device_that_cannot_bear_a_known_session_gets_a_full_handshake),
        TEST(an_operational_device_is_known_by_issuer_and_name),
        TEST(a_renamed_device_is_known_by_the_certificate_that_was_issued_to_it),
    };

    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
