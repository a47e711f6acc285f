/* The first stage's steps over the older SOAP interface, whatever an earlier attempt has left: spec O7. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/encoding.h"
#include "eoi_answer.h"
#include "fake_device.h"
#include "firmware/certificate_request.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define FQDN "pc17.example.com"

static struct identity authority, own, operational;
static struct trust *trust;
static struct fake_device device;
static char answers[FAKE_REQUESTS_MAX][EOI_ANSWER_SIZE];
static struct error err;

static void say_nothing(void *context, struct message *message)
{
    (void)context;
    message_free(message);
}

static int make_identities(void **state)
{
    (void)state;
    authority = pki_make(&(struct certificate_wish){ .common_name = "Site CA", .authority = true });
    own = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    operational = pki_make(
        &(struct certificate_wish){ .common_name = FQDN, .purposes = "serverAuth", .issuer = &authority });
    return trust_load(&trust, NULL, 0, 0, &err) ? 0 : -1;
}

static int free_identities(void **state)
{
    (void)state;
    trust_free(&trust);
    pki_free(&authority);
    pki_free(&own);
    pki_free(&operational);
    return 0;
}

/* A session with a device of that state that gives these answers. */
static struct session *talk(const struct eoi_body *bodies, size_t count, enum provisioning_state found)
{
    static struct session_surroundings around = { .say = say_nothing, .restart_wait_ms = 5000 };
    struct message_job_offer offer = { .id = { 12, 1 }, .deadline_s = 60 };
    struct connection_target target = {
        .address = "127.0.0.1", .timeout_ms = 3000, .trust = trust, .identity = IDENTITY_EITHER, .fqdn = FQDN
    };
    struct session *session;

    memset(&device, 0, sizeof(device));
    err = (struct error){ 0 };
    device.identity = found == PROVISIONING_POST ? &operational : &own;
    for (size_t i = 0; i < count; i++)
        device.script[i].text = eoi_answer(answers[i], &bodies[i]);
    offer.host_name = text_copy("pc17");
    offer.domain = text_copy("example.com");
    offer.admin_password = secret_from_text("Str0ng!Passw0rd");
    offer.issuers = allocate(sizeof(*offer.issuers));
    offer.issuers[0] = pki_der(&authority);
    offer.issuer_count = 1;
    session = session_new(&offer, &around);
    session->stage = &first_stage_eoi;
    session->setup.state = found;
    fake_start(&device);
    target.port = device.port;
    target.issuers = session->offer.issuers;
    target.issuer_count = 1;
    assert_true(connection_open(&session->connection, &target, &err));
    return session;
}

#define TALK(state, ...)                                                                                     \
    talk((const struct eoi_body[]){ __VA_ARGS__ }, COUNT_OF(((const struct eoi_body[]){ __VA_ARGS__ })),     \
         state)

static void hang_up(struct session **session)
{
    session_free(session);
    fake_stop(&device);
}

/* What the steps before the commit gave to the firmware. */
static void use_certificate(struct session *session, const struct identity *identity)
{
    session->credential.certificate = pki_der(identity);
}

/* The step's outcome. */
static enum step_outcome run(step_function *step, struct session *session)
{
    struct step_report report = { .outcome = STEP_DONE };

    if (!step(session, &report, &err))
        fail_msg("%s", err.message);
    text_free(&report.detail);
    return report.outcome;
}

static void assert_sent(size_t request, const char *part)
{
    if (!strstr(device.requests[request], part))
        fail_msg("request %zu has no %s:\n%s", request, part, device.requests[request]);
}

#define TIME_ANSWER "<tim:StatusCode>0</tim:StatusCode>"

static void a_right_clock_is_set_in_setup_and_left_alone_afterwards(void **state)
{
    struct session *session;
    char right[128];

    (void)state;
    snprintf(right, sizeof(right), TIME_ANSWER "<tim:Ta0>%lld</tim:Ta0>", (long long)clock_wall_ms() / 1000);
    session = TALK(PROVISIONING_IN, TIM("GetLowAccuracyTimeSynch", right),
                   TIM("SetHighAccuracyTimeSynch", TIME_ANSWER));
    assert_int_equal(run(set_clock, session), STEP_DONE);
    hang_up(&session);
    assert_int_equal(device.request_count, 2);
    session = TALK(PROVISIONING_POST, TIM("GetLowAccuracyTimeSynch", right));
    assert_int_equal(run(set_clock, session), STEP_UNCHANGED);
    hang_up(&session);
}

static void a_clock_that_is_off_is_set_at_any_time(void **state)
{
    struct session *session =
        TALK(PROVISIONING_POST, TIM("GetLowAccuracyTimeSynch", TIME_ANSWER "<tim:Ta0>1190000000</tim:Ta0>"),
             TIM("SetHighAccuracyTimeSynch", TIME_ANSWER));

    (void)state;
    assert_int_equal(run(set_clock, session), STEP_DONE);
    hang_up(&session);
    assert_sent(1, "<tim:Ta0>1190000000</tim:Ta0>");
}

#define NAME_ANSWER "<net:StatusCode>0</net:StatusCode>"
#define REALM_TOLD  SAI("GetDigestRealm", DONE "<sai:DigestRealm>Digest:A</sai:DigestRealm>")

static void names_are_written_where_they_differ(void **state)
{
    struct session *session =
        TALK(PROVISIONING_IN, REALM_TOLD, NET("GetHostName", NAME_ANSWER "<net:HostName>old</net:HostName>"),
             NET("GetDomainName", NAME_ANSWER), NET("SetHostName", NAME_ANSWER),
             NET("SetDomainName", NAME_ANSWER));

    (void)state;
    assert_int_equal(run(set_names, session), STEP_DONE);
    assert_string_equal(session->digest_realm, "Digest:A");
    hang_up(&session);
    assert_sent(3, "<net:HostName>pc17</net:HostName>");
    assert_sent(4, "<net:DomainName>example.com</net:DomainName>");
    session =
        TALK(PROVISIONING_IN, REALM_TOLD, NET("GetHostName", NAME_ANSWER "<net:HostName>PC17</net:HostName>"),
             NET("GetDomainName", NAME_ANSWER "<net:DomainName>Example.com</net:DomainName>"));
    assert_int_equal(run(set_names, session), STEP_UNCHANGED);
    hang_up(&session);
}

static void the_generator_is_seeded_in_setup_alone(void **state)
{
    struct session *session = TALK(PROVISIONING_IN, SAI("SetRngKey", DONE));

    (void)state;
    assert_int_equal(run(seed_random, session), STEP_DONE);
    hang_up(&session);
    assert_sent(0, "<sai:Type>20</sai:Type><sai:Length>20</sai:Length>");
    session = TALK(PROVISIONING_POST, SAI("SetRngKey", DONE));
    assert_int_equal(run(seed_random, session), STEP_UNCHANGED);
    hang_up(&session);
    assert_int_equal(device.request_count, 0);
}

#define KEYS(content)         SAI("CertStoreEnumerateKeys", DONE content)
#define CERTIFICATES(content) SAI("CertStoreEnumerateCertificates", DONE content)
#define PUBLIC_KEY(der)                                                                                      \
    SAI("CertStoreGetKey",                                                                                   \
        DONE "<sai:PublicKey><cstr:RSAKeyPair><cstr:DERKey>" der "</cstr:DERKey></cstr:RSAKeyPair>"          \
             "</sai:PublicKey>")
#define LENGTHS                                                                                              \
    SAI("GetPkiCapabilities", DONE "<sai:PkiCaps><sai:SupportedKeyLengths>1024</sai:SupportedKeyLengths>"    \
                                   "<sai:SupportedKeyLengths>1536</sai:SupportedKeyLengths></sai:PkiCaps>")

static void a_key_without_a_certificate_makes_room_for_a_new_one(void **state)
{
    struct session *session =
        TALK(PROVISIONING_IN, KEYS("<sai:KeyPairHandles>4</sai:KeyPairHandles>"), PUBLIC_KEY("AAEC"),
             CERTIFICATES(""), SAI("CertStoreRemoveKey", DONE), LENGTHS,
             SAI("CertStoreAddKey", DONE "<sai:KeyPairHandle>4</sai:KeyPairHandle>"), PUBLIC_KEY("AwQF"));

    (void)state;
    assert_int_equal(run(prepare_key_pair, session), STEP_DONE);
    assert_string_equal(session->credential.key_id, "4");
    assert_memory_equal(session->credential.public_key.data, "\3\4\5", 3);
    assert_true(session->credential.request.length > 300 && session->credential.request.length < 800);
    hang_up(&session);
    assert_int_equal(device.request_count, 7);
    assert_sent(3, "<sai:CertStoreRemoveKey><sai:KeyPairHandle>4</sai:KeyPairHandle>");
}

static void a_key_that_the_firmware_keeps_is_no_failure(void **state)
{
    struct session *session =
        TALK(PROVISIONING_IN, KEYS("<sai:KeyPairHandles>4</sai:KeyPairHandles>"), PUBLIC_KEY("AAEC"),
             CERTIFICATES(""), SAI("CertStoreRemoveKey", "<sai:StatusCode>16</sai:StatusCode>"), LENGTHS,
             SAI("CertStoreAddKey", DONE "<sai:KeyPairHandle>5</sai:KeyPairHandle>"), PUBLIC_KEY("AwQF"));

    (void)state;
    assert_int_equal(run(prepare_key_pair, session), STEP_DONE);
    assert_string_equal(session->credential.key_id, "5");
    hang_up(&session);
}

static char *public_key_of(const struct identity *identity)
{
    unsigned char *der = NULL;
    int length = i2d_PublicKey(identity->key, &der);
    char *text = base64_encode(der, (size_t)length);

    OPENSSL_free(der);
    return text;
}

static void the_certificate_of_an_earlier_attempt_is_used_again(void **state)
{
    AUTO(bytes_free) struct bytes der = pki_der(&operational);
    AUTO(text_free) char *certificate = base64_encode(der.data, der.length);
    AUTO(text_free) char *key = public_key_of(&operational);
    AUTO(text_free)
    char *key_told = text_format(DONE "<sai:PublicKey><cstr:RSAKeyPair><cstr:DERKey>%s</cstr:DERKey>"
                                      "</cstr:RSAKeyPair></sai:PublicKey>",
                                 key);
    AUTO(text_free)
    char *certificate_told =
        text_format(DONE "<sai:Certificate><sai:X509cert>%s</sai:X509cert></sai:Certificate>", certificate);
    struct session *session =
        TALK(PROVISIONING_IN, KEYS("<sai:KeyPairHandles>4</sai:KeyPairHandles>"),
             { "sai", "SecurityAdministration", "CertStoreGetKey", key_told },
             CERTIFICATES("<sai:CertHandles>9</sai:CertHandles>"),
             { "sai", "SecurityAdministration", "CertStoreGetCertificate", certificate_told },
             SAI("GetTLSCredentials", DONE "<sai:CertHandle>9</sai:CertHandle>"),
             SAI("GetTlsOptions", DONE "<sai:TlsOptions><sai:Interface>NetworkInterface</sai:Interface>"
                                       "<sai:TlsAuthentication>ServerAuth</sai:TlsAuthentication>"
                                       "</sai:TlsOptions>"));

    (void)state;
    assert_int_equal(run(prepare_key_pair, session), STEP_UNCHANGED);
    assert_int_equal(run(install_certificate, session), STEP_UNCHANGED);
    /* Staged then, but not committed: the firmware still shows its own certificate. */
    assert_int_equal(run(switch_tls_on, session), STEP_DONE);
    assert_true(session->tls_staged);
    assert_string_equal(session->credential.key_id, "4");
    assert_string_equal(session->credential.certificate_id, "9");
    assert_int_equal(session->credential.certificate.length, der.length);
    assert_int_equal(session->result.certificate.length, 0);
    hang_up(&session);
    assert_int_equal(device.request_count, 6);
}

static void tls_is_switched_on_for_the_network_alone(void **state)
{
    struct session *session =
        TALK(PROVISIONING_IN, SAI("GetTLSCredentials", DONE), SAI("SetTLSCredentials", DONE),
             SAI("GetTlsOptions", DONE), SAI("SetTlsOptions", DONE));

    (void)state;
    strcpy(session->credential.certificate_id, "9");
    assert_int_equal(run(switch_tls_on, session), STEP_DONE);
    hang_up(&session);
    assert_sent(1, "<sai:CertHandle>9</sai:CertHandle>");
    assert_sent(3, "<sai:Interface>NetworkInterface</sai:Interface>"
                   "<sai:TlsAuthentication>ServerAuth</sai:TlsAuthentication>");
    assert_sent(3, "<sai:Interface>LocalHostInterface</sai:Interface>"
                   "<sai:TlsAuthentication>NoAuth</sai:TlsAuthentication>");
}

static void a_new_password_is_proven_where_one_is_asked_for(void **state)
{
    struct session *session = TALK(PROVISIONING_IN, SAI("SetAdminAclEntryEx", DONE),
                                   SAI("GetCoreVersion", DONE "<sai:Version>3.2.1</sai:Version>"));

    (void)state;
    session->challenged = true;
    strcpy(session->digest_realm, "Digest:0123456789ABCDEF0123456789ABCDEF");
    assert_int_equal(run(set_admin_password, session), STEP_DONE);
    assert_true(session->admin_password_in_use);
    assert_int_equal(session->result.admin_password, PASSWORD_SET);
    hang_up(&session);
    assert_sent(0, "<sai:DigestPassword>9la/FOMQLShU7fk9OV5nkg==</sai:DigestPassword>");
}

/* What waits for the commit reads as if it were in effect: an attempt that ended before its commit cannot be
 * told from one that ended after it. */
static void the_commit_is_repeated_on_provisioned_firmware(void **state)
{
    struct session *session =
        TALK(PROVISIONING_POST, SAI("CommitChanges", DONE), STATE("ProvisioningStatePost"));

    (void)state;
    use_certificate(session, &operational);
    assert_int_equal(run(commit, session), STEP_DONE);
    hang_up(&session);
    assert_int_equal(device.request_count, 2);
}

static void after_the_commit_the_computer_must_show_our_certificate(void **state)
{
    struct session *session =
        TALK(PROVISIONING_IN, SAI("CommitChanges", DONE), STATE("ProvisioningStatePost"));

    (void)state;
    use_certificate(session, &operational);
    device.next_identity = &operational;
    device.script[0].ending = FAKE_CLOSES_AFTER;
    assert_int_equal(run(commit, session), STEP_DONE);
    assert_int_equal(connection_identity(session->connection), IDENTITY_OPERATIONAL);
    hang_up(&session);
    assert_int_equal(device.connection_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_clock_is_set_in_setup_and_left_alone_afterwards),
        cmocka_unit_test(a_clock_that_is_off_is_set_at_any_time),
        cmocka_unit_test(names_are_written_where_they_differ),
        cmocka_unit_test(the_generator_is_seeded_in_setup_alone),
        cmocka_unit_test(a_key_without_a_certificate_makes_room_for_a_new_one),
        cmocka_unit_test(a_key_that_the_firmware_keeps_is_no_failure),
        cmocka_unit_test(the_certificate_of_an_earlier_attempt_is_used_again),
        cmocka_unit_test(tls_is_switched_on_for_the_network_alone),
        cmocka_unit_test(a_new_password_is_proven_where_one_is_asked_for),
        cmocka_unit_test(the_commit_is_repeated_on_provisioned_firmware),
        cmocka_unit_test(after_the_commit_the_computer_must_show_our_certificate),
    };

    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
