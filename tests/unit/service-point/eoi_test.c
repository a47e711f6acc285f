/* The calls of AMT's older SOAP interface: what goes out, and how answers are understood. Spec O7. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "common/encoding.h"
#include "eoi_answer.h"
#include "fake_identity.h"
#include "firmware/eoi.h"
#include "firmware/eoi_describe.h"

#define SECURITY CLIENT "SecurityAdministration/2004/01"
#define REALM    "Intel(R) AMT (ID:12345678-9ABC-DEF0-1234-56789ABCDEF0)"

static struct connection *connection;
static char answers[FAKE_REQUESTS_MAX][EOI_ANSWER_SIZE];

static void start(void)
{
    struct connection_target target = { .address = "127.0.0.1", .timeout_ms = 3000, .trust = trust };

    device.identity = &device_identity;
    err = (struct error){ 0 };
    fake_start(&device);
    target.port = device.port;
    assert_true(connection_open(&connection, &target, &err));
}

/* A device that gives these answers in the form of AMT 3.0.5: chunked. */
static void talk_to_device_that_answers(const struct eoi_body *bodies, size_t count)
{
    memset(&device, 0, sizeof(device));
    for (size_t i = 0; i < count; i++)
        device.script[i].text = eoi_answer(answers[i], &bodies[i]);
    start();
}

static void talk_to_device_that_says(const char *http)
{
    memset(&device, 0, sizeof(device));
    device.script[0].text = http;
    start();
}

static void hang_up(void)
{
    connection_close(&connection);
    fake_stop(&device);
}

static void assert_sent(size_t request, const char *part)
{
    if (!strstr(device.requests[request], part))
        fail_msg("request %zu has no %s:\n%s", request, part, device.requests[request]);
}

#define ANSWERED(...)                                                                                        \
    talk_to_device_that_answers((const struct eoi_body[]){ __VA_ARGS__ },                                    \
                                COUNT_OF(((const struct eoi_body[]){ __VA_ARGS__ })))

static void a_request_is_soap_1_1_with_the_year_of_its_operation(void **state)
{
    AUTO(secret_free) struct secret *password = secret_from_text("N3w-Mebx!pw");

    (void)state;
    ANSWERED(NET("SetHostName", "<net:StatusCode>0</net:StatusCode>"), SAI("SetMEBxPassword", DONE));
    assert_true(eoi_host_name_set(connection, "desk-0042", &err));
    assert_true(eoi_mebx_password_set(connection, password, &err));
    hang_up();
    assert_sent(0, "POST /NetworkAdministrationService HTTP/1.1\r\n");
    assert_sent(0, "Content-Type: text/xml; charset=utf-8\r\n");
    assert_sent(0, "SOAPAction: \"" CLIENT "NetworkAdministration/2004/01/SetHostName\"\r\n");
    assert_sent(0, "xmlns:net=\"" CLIENT "NetworkAdministration/2004/01\"");
    assert_sent(0, "<SOAP-ENV:Body><net:SetHostName><net:HostName>desk-0042</net:HostName></net:SetHostName>"
                   "</SOAP-ENV:Body>");
    assert_null(strstr(device.requests[0], "xmlns:sai"));
    assert_null(strstr(device.requests[0], "Transfer-Encoding"));
    assert_sent(1, "POST /SecurityAdministrationService HTTP/1.1\r\n");
    assert_sent(1, "SOAPAction: \"" CLIENT "SecurityAdministration/2006/01/SetMEBxPassword\"\r\n");
    assert_sent(1, "xmlns:sai=\"" SECURITY "\"");
    assert_sent(1, "<sai:SetMEBxPassword><sai:Password>N3w-Mebx!pw</sai:Password></sai:SetMEBxPassword>");
}

static void an_operation_without_arguments_is_an_empty_element(void **state)
{
    (void)state;
    ANSWERED(SAI("CommitChanges", DONE));
    assert_true(eoi_commit(connection, &err));
    hang_up();
    assert_sent(0, "SOAPAction: \"" SECURITY "/CommitChanges\"\r\n");
    assert_sent(0, "<sai:CommitChanges></sai:CommitChanges>");
}

static void the_clock_is_told_with_the_three_times(void **state)
{
    uint32_t device_s = 0;

    (void)state;
    ANSWERED(
        TIM("GetLowAccuracyTimeSynch", "<tim:StatusCode>0</tim:StatusCode><tim:Ta0>1190000000</tim:Ta0>"),
        TIM("SetHighAccuracyTimeSynch", "<tim:StatusCode>0</tim:StatusCode>"));
    assert_true(eoi_time_get(connection, &device_s, &err));
    assert_int_equal(device_s, 1190000000);
    assert_true(eoi_time_set(connection, device_s, 1190003601, &err));
    hang_up();
    assert_sent(1, "<tim:SetHighAccuracyTimeSynch><tim:Ta0>1190000000</tim:Ta0><tim:Tm1>1190003601</tim:Tm1>"
                   "<tim:Tm2>1190003601</tim:Tm2></tim:SetHighAccuracyTimeSynch>");
}

static void the_administrator_is_sent_as_the_octets_of_the_hash(void **state)
{
    AUTO(secret_free) struct secret *password = secret_from_text("P@ssw0rd");
    uint8_t a1[DIGEST_HASH_SIZE];

    (void)state;
    digest_a1("admin", REALM, password, a1);
    ANSWERED(SAI("SetAdminAclEntryEx", DONE));
    assert_true(eoi_admin_set(connection, "admin", a1, &err));
    hang_up();
    assert_sent(0, "SOAPAction: \"" SECURITY "/SetAdminAclEntryEx\"\r\n");
    assert_sent(0, "<sai:EntryEx><sai:Username>admin</sai:Username><sai:DigestPassword>"
                   "4+4xED4xOtBeNIZ678dxSg==</sai:DigestPassword></sai:EntryEx>");
}

static void the_seed_is_sent_with_its_type_and_length(void **state)
{
    AUTO(secret_free) struct secret *seed = secret_new("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);

    (void)state;
    ANSWERED(SAI("SetRngKey", DONE));
    assert_true(eoi_random_seed(connection, seed, &err));
    hang_up();
    assert_sent(0, "<sai:SetRngKey><sai:Key><sai:Type>20</sai:Type><sai:Length>16</sai:Length>"
                   "<sai:Data>AAECAwQFBgcICQoLDA0ODw==</sai:Data></sai:Key></sai:SetRngKey>");
}

static void a_key_pair_is_in_the_namespace_of_the_store(void **state)
{
    AUTO(secret_free) struct secret *key = secret_new("\x30\x82\x02\x5d", 4);
    struct stored_key stored = { .id = "" };
    char id[WSMAN_ID_SIZE];

    (void)state;
    ANSWERED(SAI("CertStoreAddKey", DONE "<sai:KeyPairHandle>7</sai:KeyPairHandle>"),
             SAI("CertStoreGetKey",
                 DONE "<sai:PublicKey><cstr:RSAKeyPair><cstr:DERKey>AAEC</cstr:DERKey></cstr:RSAKeyPair>"
                      "</sai:PublicKey>"),
             SAI("CertStoreRemoveKey", DONE));
    assert_true(eoi_key_add(connection, key, id, &err));
    assert_true(eoi_key_get(connection, id, &stored, &err));
    assert_int_equal(stored.public_key.length, 3);
    assert_true(eoi_key_delete(connection, stored.id, &err));
    stored_key_clear(&stored);
    hang_up();
    assert_sent(0, "SOAPAction: \"" CLIENT "SecurityAdministration/2006/01/CertStoreAddKey\"\r\n");
    assert_sent(0, "xmlns:cstr=\"" CLIENT "CertStore/2006/01\"");
    assert_sent(0, "<sai:CertStoreAddKey><sai:KeyPair><cstr:RSAKeyPair><cstr:DERKey>MIICXQ==</cstr:DERKey>"
                   "</cstr:RSAKeyPair></sai:KeyPair></sai:CertStoreAddKey>");
    assert_sent(1, "<sai:CertStoreGetKey><sai:KeyPairHandle>7</sai:KeyPairHandle></sai:CertStoreGetKey>");
    assert_sent(2, "<sai:KeyPairHandle>7</sai:KeyPairHandle>");
}

static void certificates_are_listed_by_their_handles(void **state)
{
    struct stored_certificate_list list;
    struct bytes der = { (unsigned char *)"\0\1\2", 3 };
    char id[WSMAN_ID_SIZE];

    (void)state;
    ANSWERED(SAI("CertStoreEnumerateCertificates",
                 DONE "<sai:CertHandles>2</sai:CertHandles><sai:CertHandles>5</sai:CertHandles>"),
             SAI("CertStoreGetCertificate",
                 DONE "<sai:Certificate><sai:X509cert>AAEC</sai:X509cert></sai:Certificate>"),
             SAI("CertStoreGetCertificate",
                 DONE "<sai:Certificate><sai:X509cert>AAECAw==</sai:X509cert></sai:Certificate>"),
             SAI("CertStoreAddCertificate", "<sai:StatusCode>2058</sai:StatusCode>"));
    assert_true(eoi_certificates_list(connection, &list, &err));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.certificates[1].id, "5");
    assert_int_equal(list.certificates[1].der.length, 4);
    stored_certificate_list_free(&list);
    assert_false(eoi_certificate_add(connection, &der, id, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    hang_up();
    assert_sent(2, "<sai:CertHandle>5</sai:CertHandle>");
    assert_sent(3, "<sai:Certificate><sai:X509cert>AAEC</sai:X509cert></sai:Certificate>");
}

static void an_empty_store_is_no_failure(void **state)
{
    struct stored_key_list keys;

    (void)state;
    ANSWERED(SAI("CertStoreEnumerateKeys", DONE));
    assert_true(eoi_keys_list(connection, &keys, &err));
    assert_int_equal(keys.count, 0);
    stored_key_list_free(&keys);
    hang_up();
}

static void the_longest_key_that_the_firmware_supports_is_chosen(void **state)
{
#define LENGTHS(content) SAI("GetPkiCapabilities", DONE "<sai:PkiCaps>" content "</sai:PkiCaps>")
#define LENGTH(bits)     "<sai:SupportedKeyLengths>" bits "</sai:SupportedKeyLengths>"
    unsigned bits = 0;

    (void)state;
    ANSWERED(LENGTHS("<sai:CrlStoreSize>1424</sai:CrlStoreSize>" LENGTH("1024") LENGTH("1536") LENGTH("2048")
                         LENGTH("4096")),
             LENGTHS(LENGTH("1536") LENGTH("1024")), LENGTHS(LENGTH("512")));
    assert_true(eoi_key_bits(connection, 2048, &bits, &err));
    assert_int_equal(bits, 2048);
    assert_true(eoi_key_bits(connection, 2048, &bits, &err));
    assert_int_equal(bits, 1536);
    assert_false(eoi_key_bits(connection, 2048, &bits, &err));
    assert_int_equal(err.reason, REASON_UNSUPPORTED);
    hang_up();
}

static void tls_options_name_both_interfaces(void **state)
{
    struct eoi_tls_options options;
    struct tls_credential credential;

    (void)state;
    ANSWERED(SAI("GetTlsOptions", DONE),
             SAI("GetTlsOptions",
                 DONE "<sai:TlsOptions><sai:Interface>LocalHostInterface</sai:Interface>"
                      "<sai:TlsAuthentication>MutualAuth</sai:TlsAuthentication></sai:TlsOptions>"),
             SAI("SetTlsOptions", DONE), SAI("GetTLSCredentials", DONE),
             SAI("GetTLSCredentials", DONE "<sai:CertHandle>0</sai:CertHandle>"),
             SAI("SetTLSCredentials", DONE));
    assert_true(eoi_tls_options_get(connection, &options, &err));
    assert_true(options.network == EOI_TLS_OFF && options.local == EOI_TLS_OFF);
    assert_true(eoi_tls_options_get(connection, &options, &err));
    assert_true(options.network == EOI_TLS_OFF && options.local == EOI_TLS_MUTUAL);
    options = (struct eoi_tls_options){ EOI_TLS_SERVER, EOI_TLS_OFF };
    assert_true(eoi_tls_options_set(connection, &options, &err));
    assert_true(eoi_tls_credential_get(connection, &credential, &err));
    assert_false(credential.present);
    assert_true(eoi_tls_credential_get(connection, &credential, &err));
    assert_true(credential.present);
    assert_string_equal(credential.certificate_id, "0");
    assert_true(eoi_tls_credential_set(connection, "3", &err));
    hang_up();
    assert_sent(2,
                "<sai:SetTlsOptions><sai:TlsOptions><sai:Interface>NetworkInterface</sai:Interface>"
                "<sai:TlsAuthentication>ServerAuth</sai:TlsAuthentication></sai:TlsOptions>"
                "<sai:TlsOptions><sai:Interface>LocalHostInterface</sai:Interface>"
                "<sai:TlsAuthentication>NoAuth</sai:TlsAuthentication></sai:TlsOptions></sai:SetTlsOptions>");
    assert_sent(5, "<sai:SetTLSCredentials><sai:CertHandle>3</sai:CertHandle></sai:SetTLSCredentials>");
}

static void the_state_is_read_with_the_one_time_password_in_setup_alone(void **state)
{
    struct setup_service setup = { 0 };

    (void)state;
    ANSWERED(STATE("ProvisioningStatePost"), STATE("ProvisioningStateIn"),
             SAI("GetProvisioningServerOTP", DONE "<sai:OTP>WnE3LUxtMjlYdy5rAAAAAAAAAAA=</sai:OTP>"),
             STATE("ProvisioningStateIn"),
             SAI("GetProvisioningServerOTP", "<sai:StatusCode>16</sai:StatusCode>"),
             STATE("ProvisioningStateNone"));
    assert_true(eoi_setup_get(connection, &setup, &err));
    assert_int_equal(setup.state, PROVISIONING_POST);
    assert_true(eoi_setup_get(connection, &setup, &err));
    assert_int_equal(setup.state, PROVISIONING_IN);
    assert_non_null(setup.otp);
    assert_string_equal(secret_reveal(setup.otp), "Zq7-Lm29Xw.k");
    setup_service_clear(&setup);
    assert_true(eoi_setup_get(connection, &setup, &err));
    assert_null(setup.otp);
    assert_false(eoi_setup_get(connection, &setup, &err));
    assert_int_equal(err.reason, REASON_MALFORMED_REPLY);
    hang_up();
    assert_sent(0, "POST /GeneralInfoService HTTP/1.1\r\n");
}

static void realm_and_names_are_read_together(void **state)
{
    struct general_settings settings;

    (void)state;
    ANSWERED(SAI("GetDigestRealm", DONE "<sai:DigestRealm>" REALM "</sai:DigestRealm>"),
             NET("GetHostName", "<net:StatusCode>0</net:StatusCode><net:HostName>pc17</net:HostName>"),
             NET("GetDomainName", "<net:StatusCode>0</net:StatusCode><net:DomainName/>"));
    assert_true(eoi_general_settings_get(connection, &settings, &err));
    hang_up();
    assert_string_equal(settings.digest_realm, REALM);
    assert_string_equal(settings.host_name, "pc17");
    assert_string_equal(settings.domain_name, "");
}

static void the_uuid_is_taken_from_the_realm(void **state)
{
    static const char *const without[] = {
        "",
        "Digest:0123456789ABCDEF0123456789ABCDEF",
        "Intel(R) AMT (ID:",
        "Intel(R) AMT (ID:12345678-9ABC-DEF0-1234-56789ABCDEF0",
        "Intel(R) AMT (ID:12345678)",
        "Intel(R) AMT (ID:12345678-9ABC-DEF0-1234-56789ABCDEF0) ",
    };
    char text[UUID_TEXT_SIZE];
    struct uuid uuid;

    (void)state;
    assert_true(eoi_realm_uuid(REALM, &uuid));
    assert_string_equal(uuid_text(&uuid, text), "12345678-9abc-def0-1234-56789abcdef0");
    for (size_t i = 0; i < COUNT_OF(without); i++)
        assert_false(eoi_realm_uuid(without[i], &uuid));
}

static void the_uuid_is_taken_from_the_inventory_where_the_realm_has_none(void **state)
{
    struct eoi_body bodies[] = {
        SAI("GetDigestRealm",
            DONE "<sai:DigestRealm>Digest:0123456789ABCDEF0123456789ABCDEF</sai:DigestRealm>"),
        { "hwa", "HardwareAsset", "GetAssetData", NULL },
    };
    uint8_t table[4 + 4 * 65 + 16] = { 1 };
    struct uuid expected, uuid;
    char content[2048];

    (void)state;
    assert_true(uuid_parse("7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90", &expected));
    uuid_to_smbios(&expected, table + sizeof(table) - 16);
    AUTO(text_free) char *encoded = base64_encode(table, sizeof(table));
    snprintf(content, sizeof(content),
             "<hwa:Status>0</hwa:Status><hwa:Count>1</hwa:Count><hwa:AssetData><hwa:AssetData>"
             "<hwa:AssetType>3</hwa:AssetType><hwa:AssetSize>%zu</hwa:AssetSize>"
             "<hwa:AssetData>%s</hwa:AssetData></hwa:AssetData></hwa:AssetData>",
             sizeof(table), encoded);
    bodies[1].content = content;
    talk_to_device_that_answers(bodies, COUNT_OF(bodies));
    assert_true(eoi_uuid(connection, &uuid, &err));
    assert_true(uuid_equal(&uuid, &expected));
    hang_up();
    assert_sent(1, "POST /HardwareAssetService HTTP/1.1\r\n");
    assert_sent(1, "<hwa:GetAssetData><hwa:AssetType>3</hwa:AssetType></hwa:GetAssetData>");
}

static void a_refused_operation_names_itself_and_its_status(void **state)
{
    (void)state;
    ANSWERED(SAI("CommitChanges", "<sai:StatusCode>2057</sai:StatusCode>"));
    assert_false(eoi_commit(connection, &err));
    hang_up();
    assert_int_equal(err.reason, REASON_DATA_MISSING);
    assert_string_equal(err.message, "SecurityAdministration.CommitChanges returned 2057 (DATA_MISSING): "
                                     "something that the commit needs is not set");
}

#define FAULT(code)                                                                                          \
    "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><S:Fault>"                    \
    "<faultcode>S:" code "</faultcode><faultstring>unknown operation</faultstring></S:Fault></S:Body>"       \
    "</S:Envelope>"

static void what_stands_before_the_service_is_told_apart(void **state)
{
    static const struct {
        const char *status, *body;
        enum error_code code;
        enum reason_code reason;
    } cases[] = {
        { "404 Not Found", "<html/>", ERROR_ABSENT, REASON_UNSUPPORTED },
        { "403 Forbidden", "<html/>", ERROR_REFUSED, REASON_NOT_PERMITTED },
        { "405 Method Not Allowed", "<html/>", ERROR_UNREACHABLE, REASON_HTTP_ERROR },
        { "503 Service Unavailable", "<html/>", ERROR_UNREACHABLE, REASON_FIRMWARE_BUSY },
        { "500 Internal Server Error", "<html/>", ERROR_UNREACHABLE, REASON_HTTP_ERROR },
        { "500 Internal Server Error", FAULT("Client"), ERROR_ABSENT, REASON_UNSUPPORTED },
        { "500 Internal Server Error", FAULT("Server"), ERROR_UNREACHABLE, REASON_FIRMWARE_FAULT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(answers[0], sizeof(answers[0]),
                 "HTTP/1.1 %s\r\nServer: Intel(R) Active Management Technology 3.2.1\r\n"
                 "Content-Type: text/xml\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 cases[i].status, strlen(cases[i].body), cases[i].body);
        talk_to_device_that_says(answers[0]);
        device.script[0].ending = FAKE_CLOSES_AFTER;
        assert_false(eoi_commit(connection, &err));
        hang_up();
        assert_int_equal(err.reason, cases[i].reason);
        assert_int_equal(err.code, cases[i].code);
        assert_non_null(strstr(err.message, "SecurityAdministration.CommitChanges"));
    }
}

/* AMT SDK: the new time is reckoned from the old one, which a Set that got through has moved already. */
static void the_clock_is_set_once_alone(void **state)
{
    uint32_t device_s;

    (void)state;
    ANSWERED(
        TIM("GetLowAccuracyTimeSynch", "<tim:StatusCode>0</tim:StatusCode><tim:Ta0>1190000000</tim:Ta0>"));
    assert_true(eoi_time_get(connection, &device_s, &err));
    assert_false(eoi_time_set(connection, device_s, 1190003601, &err));
    assert_int_equal(err.reason, REASON_CONNECTION_LOST);
    hang_up();
    assert_int_equal(device.request_count, 2);
}

static void a_commit_is_sent_once_alone(void **state)
{
    char version[WSMAN_ADDRESS_SIZE];

    (void)state;
    ANSWERED(SAI("GetCoreVersion", DONE "<sai:Version>3.2.1</sai:Version>"));
    assert_true(eoi_firmware_version(connection, version, &err));
    assert_string_equal(version, "3.2.1");
    assert_false(eoi_commit(connection, &err));
    assert_int_equal(err.reason, REASON_CONNECTION_LOST);
    hang_up();
    assert_int_equal(device.request_count, 2);
}

#define WRAP(content)                                                                                        \
    "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:sai=\"" SECURITY                \
    "\"><S:Body>" content "</S:Body></S:Envelope>"

static void answers_are_described(void **state)
{
    static const char fault[] = FAULT("Client.Authentication");
    static const char answer[] = WRAP("<sai:GetCoreVersionResponse>" DONE "<sai:Version>3.2.1</sai:Version>"
                                      "<sai:Newer/></sai:GetCoreVersionResponse>");
    char *description = NULL;

    (void)state;
    assert_true(eoi_describe(answer, sizeof(answer) - 1, &description, &err));
    assert_string_equal(description,
                        "SecurityAdministration.GetCoreVersion\n  StatusCode=0\n  Version=3.2.1\n");
    text_free(&description);
    assert_true(eoi_describe(fault, sizeof(fault) - 1, &description, &err));
    assert_non_null(strstr(description, "understood as unsupported"));
    text_free(&description);
}

static void hostile_xml_is_refused(void **state)
{
    static char deep[8192];
    const char *cases[] = {
        "",
        "<",
        "no xml at all",
        "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"><a:Body/></a:Envelope>",
        WRAP(""),
        WRAP("text"),
        WRAP("<sai:GetCoreVersion/>"),
        WRAP("<sai:Response/>"),
        WRAP("<x:GetCoreVersionResponse xmlns:x=\"urn:x\"/>"),
        WRAP(
            "<sai:GetCoreVersionResponse><sai:StatusCode>four</sai:StatusCode></sai:GetCoreVersionResponse>"),
        WRAP("<sai:GetCoreVersionResponse><sai:StatusCode>0</sai:StatusCode>"),
        WRAP("<sai:GetCoreVersionResponse><sai:StatusCode>99999999999</sai:StatusCode>"
             "</sai:GetCoreVersionResponse>"),
        deep,
    };

    (void)state;
    for (size_t i = 0; i + 4 < sizeof(deep); i += 3)
        memcpy(deep + i, "<a>", 3);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error refused = { 0 };
        char *description = NULL;

        if (eoi_describe(cases[i], strlen(cases[i]), &description, &refused))
            fail_msg("case %zu was understood: %s", i, description);
        assert_int_not_equal(refused.code, ERROR_NONE);
    }
}

static void an_answer_without_a_status_is_not_valid(void **state)
{
    (void)state;
    ANSWERED(SAI("CommitChanges", ""), SAI("GetHostName", DONE));
    assert_false(eoi_commit(connection, &err));
    assert_int_equal(err.reason, REASON_MALFORMED_REPLY);
    assert_false(eoi_commit(connection, &err)); /* the answer to something else */
    assert_int_equal(err.reason, REASON_MALFORMED_REPLY);
    hang_up();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_soap_1_1_with_the_year_of_its_operation),
        cmocka_unit_test(an_operation_without_arguments_is_an_empty_element),
        cmocka_unit_test(the_clock_is_told_with_the_three_times),
        cmocka_unit_test(the_administrator_is_sent_as_the_octets_of_the_hash),
        cmocka_unit_test(the_seed_is_sent_with_its_type_and_length),
        cmocka_unit_test(a_key_pair_is_in_the_namespace_of_the_store),
        cmocka_unit_test(certificates_are_listed_by_their_handles),
        cmocka_unit_test(an_empty_store_is_no_failure),
        cmocka_unit_test(the_longest_key_that_the_firmware_supports_is_chosen),
        cmocka_unit_test(tls_options_name_both_interfaces),
        cmocka_unit_test(the_state_is_read_with_the_one_time_password_in_setup_alone),
        cmocka_unit_test(realm_and_names_are_read_together),
        cmocka_unit_test(the_uuid_is_taken_from_the_realm),
        cmocka_unit_test(the_uuid_is_taken_from_the_inventory_where_the_realm_has_none),
        cmocka_unit_test(a_refused_operation_names_itself_and_its_status),
        cmocka_unit_test(what_stands_before_the_service_is_told_apart),
        cmocka_unit_test(the_clock_is_set_once_alone),
        cmocka_unit_test(a_commit_is_sent_once_alone),
        cmocka_unit_test(answers_are_described),
        cmocka_unit_test(hostile_xml_is_refused),
        cmocka_unit_test(an_answer_without_a_status_is_not_valid),
    };

    return cmocka_run_group_tests(tests, make_identity, free_identity);
}
