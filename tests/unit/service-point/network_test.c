/* Spec O8.2 to O8.4: what goes out for wireless, 802.1X, Kerberos and KVM settings, and how answers are
 * understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "firmware/status.h"
#include "firmware/wsman_kerberos.h"
#include "firmware/wsman_network.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"
#include "wsman_talk.h"

#define AMT                           "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define CIM                           "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
#define IPS                           "http://intel.com/wbem/wscim/1/ips-schema/1/"
#define BODY(base, class, properties) "<g:" class " xmlns:g=\"" base class "\">" properties "</g:" class ">"
#define RETURNED(base, class, method, value)                                                                 \
    "<g:" method "_OUTPUT xmlns:g=\"" base class "\"><g:ReturnValue>" value "</g:ReturnValue></g:" method    \
                                                 "_OUTPUT>"
#define ABSENT                                                                                               \
    "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>b:DestinationUnreachable</a:Value>"     \
    "</a:Subcode></a:Code><a:Reason><a:Text>No route can be determined to reach the destination "            \
    "role.</a:Text>"                                                                                         \
    "</a:Reason><a:Detail></a:Detail></a:Fault>"
#define ROOT_ID   "Intel(r) AMT Certificate: Handle: 1"
#define CLIENT_ID "Intel(r) AMT Certificate: Handle: 2"

static void assert_not_sent(size_t request, const char *part)
{
    if (strstr(device.requests[request], part))
        fail_msg("request %zu has %s:\n%s", request, part, device.requests[request]);
}

/* ---- wireless --------------------------------------------------------------------------------------- */

/* AMT SDK: AddWiFiSettings; the embedded instance stands in the namespace of its own class. */
static void a_passphrase_profile_goes_out_as_embedded_instance_without_unused_references(void **state)
{
    static const char *const bodies[] = {
        RETURNED(AMT, "AMT_WiFiPortConfigurationService", "AddWiFiSettings", "0"), NULL
    };
    AUTO(secret_free) struct secret *passphrase = secret_from_text("correct <horse>");
    const struct wireless_profile profile = { .name = (char *)"office",
                                              .ssid = (char *)"office&net",
                                              .priority = 3,
                                              .authentication = WIRELESS_WPA2_PSK,
                                              .encryption = WIRELESS_CCMP,
                                              .passphrase = passphrase };

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_wireless_add(connection, &profile, &(struct network_certificates){ NULL, NULL }, &err));
    hang_up();
    assert_sent(0, "xmlns:wifiset=\"" CIM "CIM_WiFiEndpointSettings\"");
    assert_sent(0, "<wsman:ResourceURI>" CIM "CIM_WiFiEndpoint</wsman:ResourceURI>");
    assert_sent(0, "<wsman:Selector Name=\"Name\">WiFi Endpoint 0</wsman:Selector>");
    assert_sent(
        0, "<wifisvc:WiFiEndpointSettingsInput><wifiset:AuthenticationMethod>6</wifiset:AuthenticationMethod>"
           "<wifiset:ElementName>office</wifiset:ElementName>"
           "<wifiset:EncryptionMethod>4</wifiset:EncryptionMethod>"
           "<wifiset:InstanceID>Intel(r) AMT:WiFi Endpoint Settings office</wifiset:InstanceID>"
           "<wifiset:PSKPassPhrase>correct &lt;horse&gt;</wifiset:PSKPassPhrase>"
           "<wifiset:Priority>3</wifiset:Priority><wifiset:SSID>office&amp;net</wifiset:SSID>"
           "</wifisvc:WiFiEndpointSettingsInput>");
    assert_not_sent(0, "IEEE8021xSettingsInput");
    assert_not_sent(0, "Credential");
}

static void an_eap_profile_names_its_certificates_and_its_server(void **state)
{
    static const char *const bodies[] = {
        RETURNED(AMT, "AMT_WiFiPortConfigurationService", "UpdateWiFiSettings", "0"), NULL
    };
    struct eap_settings eap = { .protocol = EAP_TLS,
                                .username = (char *)"pc1.example.com",
                                .server_name = (char *)"example.com",
                                .server_name_match = SERVER_NAME_SUFFIX };
    const struct wireless_profile profile = { .name = (char *)"corp",
                                              .ssid = (char *)"corp",
                                              .priority = 1,
                                              .authentication = WIRELESS_WPA2_8021X,
                                              .encryption = WIRELESS_CCMP,
                                              .eap = &eap };

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_wireless_replace(connection, "Intel(r) AMT:WiFi Endpoint Settings corp", &profile,
                                       &(struct network_certificates){ CLIENT_ID, ROOT_ID }, &err));
    hang_up();
    assert_sent(
        0, "<wsman:Selector Name=\"InstanceID\">Intel(r) AMT:WiFi Endpoint Settings corp</wsman:Selector>");
    assert_sent(0,
                "<wifisvc:IEEE8021xSettingsInput><eap:AuthenticationProtocol>0</eap:AuthenticationProtocol>"
                "<eap:ElementName>corp</eap:ElementName><eap:InstanceID>corp</eap:InstanceID>"
                "<eap:ServerCertificateName>example.com</eap:ServerCertificateName>"
                "<eap:ServerCertificateNameComparison>3</eap:ServerCertificateNameComparison>"
                "<eap:Username>pc1.example.com</eap:Username></wifisvc:IEEE8021xSettingsInput>");
    assert_sent(0, "<wifisvc:ClientCredential>");
    assert_sent(0, CLIENT_ID);
    assert_sent(0, "<wifisvc:CACredential>");
    assert_sent(0, ROOT_ID);
    assert_not_sent(0, "WiFiEndpoint>");
}

static void results_of_wireless_methods_have_their_own_meaning(void **state)
{
    static const struct {
        uint32_t value;
        enum reason_code reason;
        enum error_code code; /* ERROR_NONE: whatever the reason has */
    } cases[] = {
        { 1, REASON_UNSUPPORTED, ERROR_NONE },
        { 3, REASON_VALUE_REFUSED, ERROR_NONE },
        { 32768 + 2058, REASON_FIRMWARE_STATUS, ERROR_CONFLICT },
        { 32768 + 23, REASON_STORE_FULL, ERROR_NONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error refused = { 0 };

        assert_false(
            status_check("AMT_WiFiPortConfigurationService", "AddWiFiSettings", cases[i].value, &refused));
        assert_int_equal(refused.reason, cases[i].reason);
        if (cases[i].code != ERROR_NONE)
            assert_int_equal(refused.code, cases[i].code);
    }
}

/* Some firmware shows a port where the hardware has none. */
static void a_wireless_port_of_zeros_is_no_port(void **state)
{
    static const char *const bodies[] = {
        BODY(CIM, "CIM_WiFiPort",
             "<g:EnabledState>3</g:EnabledState><g:PermanentAddress>000000000000</g:PermanentAddress>"),
        BODY(CIM, "CIM_WiFiPort",
             "<g:EnabledState>32769</g:EnabledState><g:PermanentAddress>a0b1c2d3e4f5</g:PermanentAddress>"),
        ABSENT,
        NULL,
    };
    struct wireless_port port = { 0 };

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_wireless_port_get(connection, &port, &err));
    assert_false(port.is_real);
    assert_true(wsman_wireless_port_get(connection, &port, &err));
    assert_true(port.is_real);
    assert_int_equal(port.state, WIRELESS_PORT_ON);
    assert_false(wsman_wireless_port_get(connection, &port, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    hang_up();
}

static void synchronisation_of_all_becomes_that_of_users_where_it_is_refused(void **state)
{
    static const char *const bodies[] = {
        BODY(AMT, "AMT_WiFiPortConfigurationService",
             "<g:Name>Intel(r) AMT WiFi Port Configuration Service</g:Name>"
             "<g:localProfileSynchronizationEnabled>0</g:localProfileSynchronizationEnabled>"),
        "<a:Fault><a:Code><a:Value>a:Receiver</a:Value><a:Subcode><a:Value>c:InternalError</a:Value></"
        "a:Subcode>"
        "</a:Code><a:Reason><a:Text>x</a:Text></a:Reason><a:Detail>AMT-STATUS 36</a:Detail></a:Fault>",
        BODY(AMT, "AMT_WiFiPortConfigurationService",
             "<g:Name>Intel(r) AMT WiFi Port Configuration Service</g:Name>"
             "<g:localProfileSynchronizationEnabled>0</g:localProfileSynchronizationEnabled>"),
        BODY(AMT, "AMT_WiFiPortConfigurationService", ""),
        NULL,
    };
    enum wireless_synchronization given = SYNCHRONIZE_LEAVE;
    bool changed = false;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_wireless_synchronize(connection, SYNCHRONIZE_ALL, &given, &changed, &err));
    assert_int_equal(given, SYNCHRONIZE_USER);
    assert_true(changed);
    hang_up();
    assert_sent(1, "localProfileSynchronizationEnabled>3<");
    assert_sent(3, "localProfileSynchronizationEnabled>1<");
}

/* ---- wired 802.1X ----------------------------------------------------------------------------------- */

static void the_older_class_is_asked_where_the_newer_is_absent(void **state)
{
    static const char *const bodies[] = {
        ABSENT,
        BODY(AMT, "AMT_8021XProfile",
             "<g:ActiveInS0>true</g:ActiveInS0><g:AuthenticationProtocol>2</g:AuthenticationProtocol>"
             "<g:Enabled>true</g:Enabled><g:InstanceID>Intel(r) AMT 802.1x Profile 0</g:InstanceID>"
             "<g:PxeTimeout>120</g:PxeTimeout><g:Username>machines</g:Username>"),
        BODY(AMT, "AMT_8021XProfile", ""),
        NULL,
    };
    AUTO(secret_free) struct secret *password = secret_from_text("Radius-Word1");
    struct eap_settings eap = { .protocol = EAP_PEAP_MSCHAPV2,
                                .username = (char *)"machines",
                                .password = password,
                                .server_name = (char *)"radius.example.com" };
    const struct wired_8021x wanted = { .eap = &eap, .pxe_timeout_s = 60, .active_in_s0 = true };
    struct stored_wired wired = { 0 };

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_wired_get(connection, &wired, &err));
    assert_int_equal(wired.class, WIRED_PROFILE);
    assert_true(wired.enabled);
    assert_string_equal(wired.eap.username, "machines");
    assert_false(stored_eap_fits(&wired.eap, &eap));
    assert_true(wsman_wired_set(connection, wired.class, &wanted,
                                &(struct network_certificates){ NULL, ROOT_ID }, &err));
    hang_up();
    assert_sent(2, "<wiredold:Password>Radius-Word1</wiredold:Password>");
    assert_sent(2, "<wiredold:PxeTimeout>60</wiredold:PxeTimeout>");
    assert_sent(2, "<wiredold:ServerCertificateIssuer><wsa:Address>");
    assert_sent(2, "<wiredold:ServerCertificateNameComparison>0</wiredold:ServerCertificateNameComparison>");
    assert_not_sent(2, "ClientCertificate>");
}

static void the_newer_class_gets_its_certificates_by_a_method_of_its_own(void **state)
{
    static const char *const bodies[] = {
        BODY(IPS, "IPS_IEEE8021xSettings", ""),
        RETURNED(IPS, "IPS_IEEE8021xSettings", "SetCertificates", "0"),
        BODY(IPS, "IPS_IEEE8021xSettings", ""),
        NULL,
    };
    struct eap_settings eap = { .protocol = EAP_TLS, .username = (char *)"pc1.example.com" };
    const struct wired_8021x wanted = { .eap = &eap, .pxe_timeout_s = 120, .active_in_s0 = true };
    const struct wired_8021x off = { .pxe_timeout_s = 120 };
    const struct network_certificates certificates = { CLIENT_ID, ROOT_ID };

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_wired_set(connection, WIRED_SETTINGS, &wanted, &certificates, &err));
    assert_true(wsman_wired_set(connection, WIRED_SETTINGS, &off, &certificates, &err));
    hang_up();
    assert_sent(0, "<wired:Enabled>2</wired:Enabled>");
    assert_not_sent(0, "Password>");
    assert_sent(1, "<wired:ServerCertificateIssuer>");
    assert_sent(1, "<wired:ClientCertificate>");
    assert_sent(2, "<wired:Enabled>3</wired:Enabled>");
    assert_not_sent(2, "Username>");
    assert_not_sent(2, "AuthenticationProtocol>");
    assert_int_equal(device.request_count, 3);
}

/* ---- KVM settings ----------------------------------------------------------------------------------- */

/* Newest firmware has no port 5900, and a Put with a property that it does not have is refused. */
static void properties_that_the_firmware_does_not_have_are_not_written(void **state)
{
    static const char *const bodies[] = {
        BODY(IPS, "IPS_KVMRedirectionSettingData",
             "<g:EnabledByMEBx>true</g:EnabledByMEBx><g:InstanceID>Intel(r) KVM Redirection "
             "Settings</g:InstanceID>"
             "<g:OptInPolicy>true</g:OptInPolicy><g:RFBPassword></g:RFBPassword>"
             "<g:SessionTimeout>3</g:SessionTimeout>"),
        BODY(IPS, "IPS_KVMRedirectionSettingData", ""),
        NULL,
    };
    bool changed = false;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_kvm_settings_change(
        connection, &(struct kvm_settings_change){ .session_timeout_min = 20, .consent_timeout_s = 60 },
        &changed, &err));
    assert_true(changed);
    hang_up();
    assert_sent(
        1, "<kvmset:OptInPolicy>false</kvmset:OptInPolicy><kvmset:SessionTimeout>20</kvmset:SessionTimeout>");
    assert_not_sent(1, "Is5900PortEnabled");
    assert_not_sent(1, "OptInPolicyTimeout");
    assert_not_sent(1, "RFBPassword");
    assert_not_sent(1, "EnabledByMEBx");
}

/* ---- Kerberos --------------------------------------------------------------------------------------- */

#define SETTINGS_WITH_AES(properties)                                                                        \
    BODY(AMT, "AMT_KerberosSettingData",                                                                     \
         properties "<g:SupportedEncryptionAlgorithms>0</g:SupportedEncryptionAlgorithms>"                   \
                    "<g:SupportedEncryptionAlgorithms>1</g:SupportedEncryptionAlgorithms>"                   \
                    "<g:SupportedEncryptionAlgorithms>2</g:SupportedEncryptionAlgorithms>")

/* What the tests differ in; the account is the fullest that a site server gives. */
struct kerberos_case {
    bool without_rc4, key_is_new;
    bool clock_synchronized; /* by an earlier step */
    int clock_off_s;         /* of the device, when the step asks */
};

static const char time_service[] =
    BODY(AMT, "AMT_TimeSynchronizationService", "<g:TimeSource>1</g:TimeSource>");
static const char time_set[] =
    RETURNED(AMT, "AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", "0");

/* The step asks for the clock first, unless an earlier one set it; then come the bodies. */
static void answer_clock_and(const char *const *bodies, const struct kerberos_case *which)
{
    const char *all[FAKE_REQUESTS_MAX + 1] = { NULL };
    char time[512];
    size_t count = 0;

    snprintf(time, sizeof(time),
             "<g:GetLowAccuracyTimeSynch_OUTPUT xmlns:g=\"" AMT "AMT_TimeSynchronizationService\"><g:Ta0>%lld"
             "</g:Ta0><g:ReturnValue>0</g:ReturnValue></g:GetLowAccuracyTimeSynch_OUTPUT>",
             (long long)now_s() + which->clock_off_s);
    if (!which->clock_synchronized) {
        all[count++] = time_service;
        all[count++] = time;
    }
    for (size_t i = 0; bodies[i]; i++)
        all[count++] = bodies[i];
    talk_to_device_that_answers(all);
}

static bool run_kerberos(const char *const *bodies, struct step_report *report,
                         const struct kerberos_case *which)
{
    static const char *const principals[] = { "HTTP/pc1.example.com:16992", "HTTP/pc1.example.com:16993" };
    struct session_surroundings around = { 0 };
    struct message_job_offer offer = { .id = { 1, 1 }, .deadline_s = 60, .directory_configured = true };
    struct kerberos_account *account = allocate(sizeof(*account));
    struct session *session;
    bool passed, enabled;

    account->realm = text_copy("EXAMPLE.COM");
    account->principals = allocate(2 * sizeof(*account->principals));
    for (size_t i = 0; i < 2; i++)
        account->principals[i] = text_copy(principals[i]);
    account->principal_count = 2;
    account->key_version = 2;
    account->passphrase = secret_from_text("0f-the-0bject");
    account->salt = text_copy("EXAMPLE.COMhostpc1.example.com");
    account->iterations = 4096;
    account->master_key = which->without_rc4 ? NULL : secret_new("0123456789abcdef", 16);
    account->key_is_new = which->key_is_new;
    offer.host_name = text_copy("pc1");
    offer.domain = text_copy("example.com");
    offer.kerberos = account;
    session = session_new(&offer, &around);
    session->clock_synchronized = which->clock_synchronized;
    answer_clock_and(bodies, which);
    session->connection = connection;
    passed = enable_kerberos(session, report, &err);
    enabled = session->kerberos_enabled;
    session->connection = NULL;
    session_free(&session);
    hang_up();
    assert_int_equal(enabled, passed);
    return passed;
}

/* The clock was set by a step before. */
static const struct kerberos_case provisioning = { .clock_synchronized = true };

static void from_8_0_on_the_firmware_derives_its_keys_from_the_passphrase(void **state)
{
    static const char *const bodies[] = { SETTINGS_WITH_AES("<g:KrbEnabled>false</g:KrbEnabled>"),
                                          BODY(AMT, "AMT_KerberosSettingData", ""), NULL };
    AUTO(step_report_clear) struct step_report report = { .outcome = STEP_DONE };

    (void)state;
    assert_true(run_kerberos(bodies, &report, &provisioning));
    assert_int_equal(report.outcome, STEP_DONE);
    assert_sent(1, "<wsman:Selector Name=\"InstanceID\">Intel (r) AMT: Kerberos Settings</wsman:Selector>");
    assert_sent(1, "<krb:KeyVersion>2</krb:KeyVersion><krb:KrbEnabled>true</krb:KrbEnabled>");
    assert_sent(1, "<krb:Passphrase>0f-the-0bject</krb:Passphrase>");
    assert_sent(1, "<krb:Salt>EXAMPLE.COMhostpc1.example.com</krb:Salt>");
    assert_sent(1, "<krb:ServicePrincipalName>HTTP/pc1.example.com:16993</krb:ServicePrincipalName>");
    assert_not_sent(1, "MasterKey");
}

static void before_8_0_the_firmware_gets_the_rc4_key(void **state)
{
    static const char *const bodies[] = { BODY(AMT, "AMT_KerberosSettingData",
                                               "<g:KrbEnabled>false</g:KrbEnabled>"),
                                          BODY(AMT, "AMT_KerberosSettingData", ""), NULL };
    AUTO(step_report_clear) struct step_report report = { .outcome = STEP_DONE };
    AUTO(step_report_clear) struct step_report refused = { .outcome = STEP_DONE };
    const struct kerberos_case without_rc4 = { .clock_synchronized = true, .without_rc4 = true };

    (void)state;
    assert_true(run_kerberos(bodies, &report, &provisioning));
    assert_sent(1, "<krb:MasterKey>MDEyMzQ1Njc4OWFiY2RlZg==</krb:MasterKey>");
    assert_sent(1, "<krb:EncryptionAlgorithm>0</krb:EncryptionAlgorithm>");
    assert_not_sent(1, "Passphrase");
    assert_false(run_kerberos(bodies, &refused, &without_rc4));
    assert_int_equal(err.reason, REASON_UNSUPPORTED);
}

#define AS_WANTED                                                                                            \
    "<g:ConfiguredEncryptionAlgorithms>0</g:ConfiguredEncryptionAlgorithms>"                                 \
    "<g:ConfiguredEncryptionAlgorithms>2</g:ConfiguredEncryptionAlgorithms>"                                 \
    "<g:KeyVersion>2</g:KeyVersion><g:KrbEnabled>true</g:KrbEnabled>"

static void kerberos_that_is_as_wanted_is_left_alone(void **state)
{
    static const char *const told[] = {
        SETTINGS_WITH_AES(AS_WANTED "<g:RealmName>EXAMPLE.COM</g:RealmName>"),
        SETTINGS_WITH_AES("<g:KeyVersion>2</g:KeyVersion><g:KrbEnabled>true</g:KrbEnabled>"
                          "<g:RealmName>EXAMPLE.COM</g:RealmName>"), /* as little as firmware may tell */
        SETTINGS_WITH_AES(
            "<g:IterationCount>4096</g:IterationCount>" AS_WANTED
            "<g:MaximumClockTolerance>5</g:MaximumClockTolerance>"
            "<g:RealmName>EXAMPLE.COM</g:RealmName><g:Salt>EXAMPLE.COMhostpc1.example.com</g:Salt>"
            "<g:ServicePrincipalName>HTTP/pc1.example.com:16992</g:ServicePrincipalName>"
            "<g:ServicePrincipalName>HTTP/pc1.example.com:16993</g:ServicePrincipalName>"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        AUTO(step_report_clear) struct step_report report = { .outcome = STEP_DONE };

        assert_true(run_kerberos((const char *[]){ told[i], NULL }, &report, &provisioning));
        assert_int_equal(report.outcome, STEP_UNCHANGED);
        assert_int_equal(device.request_count, 1);
    }
}

static void kerberos_that_differs_in_what_is_told_is_written(void **state)
{
    static const char *const told[] = {
        SETTINGS_WITH_AES(AS_WANTED "<g:RealmName>OTHER.EXAMPLE.COM</g:RealmName>"),
        SETTINGS_WITH_AES(AS_WANTED
                          "<g:RealmName>EXAMPLE.COM</g:RealmName><g:Salt>EXAMPLE.COMhostpc0.example.com"
                          "</g:Salt>"),
        SETTINGS_WITH_AES("<g:IterationCount>1000</g:IterationCount>" AS_WANTED
                          "<g:RealmName>EXAMPLE.COM</g:RealmName>"),
        SETTINGS_WITH_AES(AS_WANTED "<g:MaximumClockTolerance>1</g:MaximumClockTolerance>"
                                    "<g:RealmName>EXAMPLE.COM</g:RealmName>"),
        SETTINGS_WITH_AES(AS_WANTED
                          "<g:RealmName>EXAMPLE.COM</g:RealmName>"
                          "<g:ServicePrincipalName>HTTP/pc0.example.com:16992</g:ServicePrincipalName>"),
        SETTINGS_WITH_AES("<g:ConfiguredEncryptionAlgorithms>0</g:ConfiguredEncryptionAlgorithms>"
                          "<g:KeyVersion>2</g:KeyVersion><g:KrbEnabled>true</g:KrbEnabled>"
                          "<g:RealmName>EXAMPLE.COM</g:RealmName>"), /* RC4 alone */
        SETTINGS_WITH_AES("<g:KeyVersion>1</g:KeyVersion><g:KrbEnabled>true</g:KrbEnabled>"
                          "<g:RealmName>EXAMPLE.COM</g:RealmName>"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        AUTO(step_report_clear) struct step_report report = { .outcome = STEP_DONE };

        assert_true(run_kerberos((const char *[]){ told[i], BODY(AMT, "AMT_KerberosSettingData", ""), NULL },
                                 &report, &provisioning));
        assert_int_equal(report.outcome, STEP_DONE);
        assert_sent(1, "<krb:Passphrase>0f-the-0bject</krb:Passphrase>");
    }
}

/* An account that was made anew counts its keys from 1 again. */
static void a_new_key_is_written_whatever_version_the_firmware_shows(void **state)
{
    static const char *const bodies[] = { SETTINGS_WITH_AES(AS_WANTED
                                                            "<g:RealmName>EXAMPLE.COM</g:RealmName>"),
                                          BODY(AMT, "AMT_KerberosSettingData", ""), NULL };
    const struct kerberos_case new_key = { .clock_synchronized = true, .key_is_new = true };
    AUTO(step_report_clear) struct step_report report = { .outcome = STEP_DONE };

    (void)state;
    assert_true(run_kerberos(bodies, &report, &new_key));
    assert_int_equal(report.outcome, STEP_DONE);
    assert_sent(1, "<krb:KeyVersion>2</krb:KeyVersion>");
}

static void a_clock_that_would_refuse_tickets_is_set_where_no_step_did(void **state)
{
    static const char unchanged[] = SETTINGS_WITH_AES(AS_WANTED "<g:RealmName>EXAMPLE.COM</g:RealmName>");
    const struct kerberos_case near = { .clock_off_s = 40 }, far = { .clock_off_s = -7200 };
    AUTO(step_report_clear) struct step_report left = { .outcome = STEP_DONE };
    AUTO(step_report_clear) struct step_report set = { .outcome = STEP_DONE };

    (void)state;
    assert_true(run_kerberos((const char *[]){ unchanged, NULL }, &left, &near));
    assert_int_equal(left.outcome, STEP_UNCHANGED);
    assert_int_equal(device.request_count, 3);
    assert_true(run_kerberos((const char *[]){ time_set, unchanged, NULL }, &set, &far));
    assert_int_equal(set.outcome, STEP_DONE);
    assert_sent(2, "SetHighAccuracyTimeSynch_INPUT");
    assert_non_null(strstr(set.detail, "clock was -7"));
    assert_int_equal(device.request_count, 4);
}

/* ---- access control list (AMT SDK: AddUserAclEntryEx) ------------------------------------------------ */

static bool run_acl(const char *const *bodies, struct message_job_offer *offer, bool kerberos,
                    struct step_report *report)
{
    struct session_surroundings around = { 0 };
    struct session *session;
    bool passed;

    offer->deadline_s = 60;
    offer->host_name = text_copy("pc1");
    offer->domain = text_copy("");
    offer->profile.name = text_copy("default");
    session = session_new(offer, &around);
    session->kerberos_enabled = kerberos;
    talk_to_device_that_answers(bodies);
    session->connection = connection;
    passed = write_access_control_list(session, report, &err);
    session->connection = NULL;
    session_free(&session);
    hang_up();
    return passed;
}

/* S-1-5-21-1-2-3-n; a domain is all of it but the last number. */
static void add_directory_users(struct profile *profile, size_t count)
{
    unsigned char sid[28] = { 1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3 };

    profile->users = allocate(count * sizeof(*profile->users));
    for (; profile->user_count < count; profile->user_count++) {
        struct user_entry *user = &profile->users[profile->user_count];

        sid[24] = (unsigned char)profile->user_count;
        bytes_set(&user->sid, sid, sizeof(sid));
        user->access = 1;
        user->realms = allocate(sizeof(*user->realms));
        user->realms[0] = 2;
        user->realm_count = 1;
    }
}

static void more_users_than_the_firmware_takes_are_refused_before_anything_is_removed(void **state)
{
    static const char *const bodies[] = { NULL };
    struct message_job_offer offer = { .id = { 1, 1 } }, broken = { .id = { 1, 1 } };
    AUTO(step_report_clear) struct step_report report = { .outcome = STEP_DONE };

    (void)state;
    add_directory_users(&offer.profile, 33);
    assert_false(run_acl(bodies, &offer, true, &report));
    assert_int_equal(err.reason, REASON_PROFILE_INVALID);
    assert_non_null(strstr(err.message, "33 of the directory"));
    assert_int_equal(device.request_count, 0);
    add_directory_users(&broken.profile, 1);
    broken.profile.users[0].sid.length = 26;
    assert_false(run_acl(bodies, &broken, true, &report));
    assert_non_null(strstr(err.message, "SID of 26 octets"));
}

#define NO_ENTRIES                                                                                           \
    "<g:EnumerateUserAclEntries_OUTPUT xmlns:g=\"" AMT                                                       \
    "AMT_AuthorizationService\"><g:TotalCount>0</g:TotalCount>"                                              \
    "<g:HandlesCount>0</g:HandlesCount><g:ReturnValue>0</g:ReturnValue></g:EnumerateUserAclEntries_OUTPUT>"

static void directory_users_are_written_only_with_kerberos(void **state)
{
    static const char *const without[] = { NO_ENTRIES, NULL };
    static const char *const with[] = { NO_ENTRIES,
                                        "<g:AddUserAclEntryEx_OUTPUT xmlns:g=\"" AMT
                                        "AMT_AuthorizationService\">"
                                        "<g:Handle>1</g:Handle><g:ReturnValue>0</g:ReturnValue>"
                                        "</g:AddUserAclEntryEx_OUTPUT>",
                                        "<g:AddUserAclEntryEx_OUTPUT xmlns:g=\"" AMT
                                        "AMT_AuthorizationService\">"
                                        "<g:ReturnValue>2065</g:ReturnValue></g:AddUserAclEntryEx_OUTPUT>",
                                        NULL };
    struct message_job_offer left_out = { .id = { 1, 1 } }, written = { .id = { 1, 1 } };
    AUTO(step_report_clear) struct step_report report = { .outcome = STEP_DONE };

    (void)state;
    add_directory_users(&left_out.profile, 1);
    assert_true(run_acl(without, &left_out, false, &report));
    assert_int_equal(report.outcome, STEP_UNCHANGED);
    assert_int_equal(device.request_count, 1);
    add_directory_users(&written.profile, 2);
    assert_false(run_acl(with, &written, true, &report));
    assert_int_equal(err.reason, REASON_STORE_FULL);
    assert_non_null(strstr(err.message, "none of another domain"));
    assert_sent(1, "<acl:KerberosUserSid>AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAAAAAA==</acl:KerberosUserSid>"
                   "<acl:AccessPermission>1</acl:AccessPermission><acl:Realms>2</acl:Realms>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passphrase_profile_goes_out_as_embedded_instance_without_unused_references),
        cmocka_unit_test(an_eap_profile_names_its_certificates_and_its_server),
        cmocka_unit_test(results_of_wireless_methods_have_their_own_meaning),
        cmocka_unit_test(a_wireless_port_of_zeros_is_no_port),
        cmocka_unit_test(synchronisation_of_all_becomes_that_of_users_where_it_is_refused),
        cmocka_unit_test(the_older_class_is_asked_where_the_newer_is_absent),
        cmocka_unit_test(the_newer_class_gets_its_certificates_by_a_method_of_its_own),
        cmocka_unit_test(properties_that_the_firmware_does_not_have_are_not_written),
        cmocka_unit_test(from_8_0_on_the_firmware_derives_its_keys_from_the_passphrase),
        cmocka_unit_test(before_8_0_the_firmware_gets_the_rc4_key),
        cmocka_unit_test(kerberos_that_is_as_wanted_is_left_alone),
        cmocka_unit_test(kerberos_that_differs_in_what_is_told_is_written),
        cmocka_unit_test(a_new_key_is_written_whatever_version_the_firmware_shows),
        cmocka_unit_test(a_clock_that_would_refuse_tickets_is_set_where_no_step_did),
        cmocka_unit_test(more_users_than_the_firmware_takes_are_refused_before_anything_is_removed),
        cmocka_unit_test(directory_users_are_written_only_with_kerberos),
    };

    return cmocka_run_group_tests(tests, make_identity, free_identity);
}
