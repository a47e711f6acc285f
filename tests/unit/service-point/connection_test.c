/* The connection to one device: spec O3, O4, O5, spec 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "fake_device.h"
#include "firmware/wsman.h"

#define SERVER "Server: Intel(R) Active Management Technology 15.0.23.1706\r\n"
#define REALM  "Digest:0123456789ABCDEF0123456789ABCDEF"
#define CHALLENGE(nonce, stale)                                                                              \
    "HTTP/1.1 401 Unauthorized\r\n"                                                                          \
    "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"" nonce "\",stale=\"" stale                       \
    "\",qop=\"auth\"\r\n" SERVER                                                                             \
    "Content-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhtml"
#define CHALLENGE_OF_5                                                                                       \
    "HTTP/1.1 401 Unauthorized\r\n"                                                                          \
    "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"n\",stale=\"false\",qop=\"auth\"\r\n"             \
    "Server: Intel(R) Active Management Technology 5.2.40\r\n"                                               \
    "Content-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhtml"
#define ENVELOPE(namespaces, body)                                                                           \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope "                                                 \
    "xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\""                                                    \
    " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" " namespaces "><a:Header>"                \
    "<b:Action a:mustUnderstand=\"true\">x</b:Action></a:Header><a:Body>" body "</a:Body></a:Envelope>"
#define GENERAL                                                                                              \
    ENVELOPE("xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings\"",                   \
             "<g:AMT_GeneralSettings><g:DigestRealm>" REALM "</g:DigestRealm><g:HostName>pc17</g:HostName>"  \
             "<g:NewThing><g:Inner/></g:NewThing></g:AMT_GeneralSettings>")
#define COMMITTED                                                                                            \
    ENVELOPE("xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/AMT_SetupAndConfigurationService\"",      \
             "<g:CommitChanges_OUTPUT><g:ReturnValue>0</g:ReturnValue></g:CommitChanges_OUTPUT>")
#define FAULT(subcode, detail)                                                                               \
    ENVELOPE("xmlns:e=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"",                                   \
             "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>" subcode                      \
             "</a:Value></a:Subcode></a:Code><a:Reason><a:Text xml:lang=\"en-US\">Because.</a:Text>"         \
             "</a:Reason><a:Detail>" detail "</a:Detail></a:Fault>")

static struct identity root, issuer, leaf, authority, device_identity, other_identity, operational;
static struct trust *trust;
static char directory[] = "/tmp/connection_test.XXXXXX";
static char answer_general[4096], answer_committed[4096], answer_absent[4096], answer_status[4096],
    answer_chunked[8192];

static void http_make(char *out, size_t size, const char *status, const char *body)
{
    snprintf(out, size,
             "HTTP/1.1 %s\r\n" SERVER
             "Content-Type: application/soap+xml; charset=UTF-8\r\nContent-Length: %zu\r\n%s\r\n%s",
             status, strlen(body), strncmp(status, "200", 3) == 0 ? "" : "Connection: close\r\n", body);
}

/* Four-digit sizes, chunks that end inside a tag, as devices send them. */
static void chunked_make(char *out, size_t size, const char *body)
{
    int at =
        snprintf(out, size,
                 "HTTP/1.1 200 OK\r\n" SERVER
                 "Content-Type: application/soap+xml; charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n");

    for (size_t sent = 0, total = strlen(body), chunk; sent < total; sent += chunk) {
        chunk = total - sent < 0x3B ? total - sent : 0x3B;
        at += snprintf(out + at, size - (size_t)at, "%04zX\r\n%.*s\r\n", chunk, (int)chunk, body + sent);
    }
    snprintf(out + at, size - (size_t)at, "0\r\n\r\n");
}

static int make_identities(void **state)
{
    const struct identity *chain[] = { &leaf, &issuer, &root, NULL };
    char chain_path[64], key_path[64];
    struct trust_source source = { chain_path, key_path };
    struct error err = { 0 };

    (void)state;
    root = pki_make(&(struct certificate_wish){ .common_name = "Root", .authority = true });
    issuer =
        pki_make(&(struct certificate_wish){ .common_name = "Issuer", .authority = true, .issuer = &root });
    leaf = pki_make(&(struct certificate_wish){ .common_name = "ps.example.com",
                                                .purposes = "serverAuth,2.16.840.1.113741.1.2.3",
                                                .issuer = &issuer });
    authority = pki_make(&(struct certificate_wish){ .common_name = "Site CA", .authority = true });
    device_identity = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    other_identity = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    operational = pki_make(&(struct certificate_wish){
        .common_name = "pc17.example.com", .purposes = "serverAuth", .issuer = &authority });
    if (!mkdtemp(directory))
        return -1;
    snprintf(chain_path, sizeof(chain_path), "%s/chain.pem", directory);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", directory);
    pki_write(chain_path, chain, NULL);
    pki_write(key_path, NULL, leaf.key);
    http_make(answer_general, sizeof(answer_general), "200 OK", GENERAL);
    http_make(answer_committed, sizeof(answer_committed), "200 OK", COMMITTED);
    http_make(answer_absent, sizeof(answer_absent), "400 Bad Request", FAULT("b:DestinationUnreachable", ""));
    http_make(answer_status, sizeof(answer_status), "400 Bad Request",
              FAULT("e:InternalError", "AMT-STATUS 38"));
    chunked_make(answer_chunked, sizeof(answer_chunked), GENERAL);
    if (!trust_load(&trust, &source, 1, (int64_t)time(NULL), &err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    unlink(chain_path);
    unlink(key_path);
    rmdir(directory);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    trust_free(&trust);
    pki_free(&root);
    pki_free(&issuer);
    pki_free(&leaf);
    pki_free(&authority);
    pki_free(&device_identity);
    pki_free(&other_identity);
    pki_free(&operational);
    return 0;
}

static struct fake_device device;
static struct connection *connection;
static struct connection_target target;
static struct error err;

static int prepare(void **state)
{
    (void)state;
    memset(&device, 0, sizeof(device));
    device.identity = &device_identity;
    err = (struct error){ 0 };
    target = (struct connection_target){
        .address = "127.0.0.1", .timeout_ms = 3000, .trust = trust, .certificate = trust_certificate(trust, 0)
    };
    return 0;
}

static bool open_it(void)
{
    fake_start(&device);
    target.port = device.port;
    return connection_open(&connection, &target, &err);
}

static void close_it(void)
{
    connection_close(&connection);
    fake_stop(&device);
}

static bool get_general(struct general_settings *settings)
{
    return wsman_general_settings_get(connection, settings, &err);
}

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

/* ---- authentication ---- */

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

static void no_more_accounts_are_tried_than_allowed(void **state)
{
    struct authentication login;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        device.script[i] =
            (struct fake_answer){ .text = CHALLENGE("n", "false"), .ending = FAKE_CLOSES_AFTER };
    assert_true(open_it());
    assert_false(log_in(2, &login));
    assert_int_equal(err.reason, REASON_MORE_ACCOUNTS);
    assert_int_equal(login.refused, 2);
    close_it();
    assert_int_equal(device.request_count, 3);
}

static void a_list_that_is_refused_to_its_end_is_no_account_accepted(void **state)
{
    struct authentication login;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        device.script[i] =
            (struct fake_answer){ .text = CHALLENGE("n", "false"), .ending = FAKE_CLOSES_AFTER };
    assert_true(open_it());
    assert_false(log_in(3, &login));
    assert_int_equal(err.reason, REASON_NO_ACCOUNT_ACCEPTED);
    assert_int_equal(login.refused, 3);
    close_it();
    assert_int_equal(device.request_count, 4);
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
#define TEST(name) cmocka_unit_test_setup(name, prepare)
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
        TEST(a_session_without_a_challenge_is_accepted),
        TEST(the_accounts_are_tried_in_their_order),
        TEST(no_more_accounts_are_tried_than_allowed),
        TEST(firmware_before_6_is_not_sent_the_empty_password),
        TEST(a_list_that_is_refused_to_its_end_is_no_account_accepted),
        TEST(a_nonce_that_expires_in_mid_session_is_renewed_once),
        TEST(a_second_refusal_of_a_fresh_nonce_ends_it),
        TEST(stale_for_ever_does_not_go_on_for_ever),
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
