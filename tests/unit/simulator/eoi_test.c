/* The old SOAP interface: published examples are understood, what firmware refuses is refused. */
#include "../../simulator/clock.h"
#include "../../simulator/encoding.h"
#include "../../simulator/eoi.h"
#include "../../simulator/fleet.h"
#include "../../simulator/key_pool.h"
#include "../../simulator/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE "uuid=12345678-9abc-def0-1234-56789abcdef0 address=127.1.2.3 option15=example.com wifi=yes "
#define SAI  EOI_CLIENT "SecurityAdministration/2004/01"
#define NET  EOI_CLIENT "NetworkAdministration/2004/01"
#define TIM  EOI_CLIENT "NetworkTime/2004/01"
#define INF  EOI_CLIENT "GeneralInfo/2004/01"

static const char security[] = "/SecurityAdministrationService", network[] = "/NetworkAdministrationService",
                  network_time[] = "/NetworkTimeService", general[] = "/GeneralInfoService",
                  asset[] = "/HardwareAssetService";

static struct device *make_device(const char *words)
{
    struct device *device = NULL;
    struct error err = { 0 };
    char line[512];

    snprintf(line, sizeof(line), LINE "%s", words);
    if (!fleet_line(line, &device, &err))
        fail_msg("%s", err.message);
    return device;
}

static void send_bytes(struct device *device, const char *path, const char *bytes, struct answer *answer)
{
    static const struct identity administrator = { .user = "admin", .administrator = true };
    struct eoi_request request;

    eoi_parse(service_find(path), bytes, strlen(bytes), &request);
    eoi_execute(device, &administrator, &request, answer);
    eoi_request_release(&request);
}

/* body: with prefix n for the service's namespace, c for that of the certificate store. */
static void send_body(struct device *device, const char *path, const char *body, struct answer *answer)
{
    struct text text = { 0 };

    text_format(&text,
                "<S:Envelope xmlns:S=\"" NS_SOAP_1_1 "\" xmlns:n=\"%s\" xmlns:c=\"" EOI_CERTIFICATE
                "\">\n <S:Body>\n  %s\n </S:Body>\n</S:Envelope>\n",
                service_find(path)->space, body);
    send_bytes(device, path, text.bytes, answer);
    text_release(&text);
}

/* A status, and where it is given, a fragment of the answer. */
static void expect(struct device *device, const char *path, const char *body, uint32_t status,
                   const char *fragment)
{
    struct answer answer;
    char wanted[64];

    send_body(device, path, body, &answer);
    snprintf(wanted, sizeof(wanted), "Response><g:StatusCode>%u</g:StatusCode>", status);
    if (answer.status != 200 || !strstr(answer.body.bytes, wanted) ||
        (fragment && !strstr(answer.body.bytes, fragment)))
        fail_msg("%s: wanted %u %s, got %s", body, status, fragment ? fragment : "", answer.body.bytes);
    answer_release(&answer);
}

static void expect_fault(struct device *device, const char *path, const char *body)
{
    struct answer answer;

    send_body(device, path, body, &answer);
    if (answer.status != 500 || !strstr(answer.body.bytes, "<a:Fault><faultcode>a:Client</faultcode>"))
        fail_msg("%s: %s", body, answer.body.bytes);
    answer_release(&answer);
}

static struct text base64_of(const void *bytes, size_t length)
{
    struct text text = { 0 };

    write_bytes(&text, "v", bytes, length);
    return text;
}

/* ---- requests ---- */

static void an_answer_has_the_status_first_and_the_name_of_its_call(void **state)
{
    struct device *device = make_device("generation=3.2.1 clock-offset=0");
    struct answer answer;

    (void)state;
    send_body(device, network_time, "<n:GetLowAccuracyTimeSynch/>", &answer);
    assert_non_null(strstr(answer.body.bytes,
                           "<a:Envelope xmlns:a=\"" NS_SOAP_1_1 "\" xmlns:g=\"" TIM "\"><a:Body>"
                           "<g:GetLowAccuracyTimeSynchResponse><g:StatusCode>0</g:StatusCode><g:Ta0>"));
    answer_release(&answer);
    device_destroy(&device);
}

static void requests_in_the_style_of_field_tools_are_understood(void **state)
{
    static const char request[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope "
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:soap=\"" NS_SOAP_1_1
        "\" soap:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><soap:Body><GetCoreVersion "
        "xmlns=\"" SAI "\" xsi:nil=\"true\"/></soap:Body></soap:Envelope>";
    struct device *device = make_device("generation=3.2.1");
    struct answer answer;

    (void)state;
    send_bytes(device, security, request, &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body.bytes, "<g:StatusCode>0</g:StatusCode><g:Version>3.2.1</g:Version>"));
    answer_release(&answer);
    device_destroy(&device);
}

static void what_is_no_request_of_the_service_is_a_fault_of_the_client(void **state)
{
    static const char *const bad[] = {
        "",
        "<",
        "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body/></Envelope>",
        "<Envelope xmlns=\"" NS_SOAP_1_1 "\"/>",
        "<Envelope xmlns=\"" NS_SOAP_1_1 "\"><Body/></Envelope>",
        "<Envelope xmlns=\"" NS_SOAP_1_1 "\"><Body><GetNothing xmlns=\"" SAI "\"/></Body></Envelope>",
        "<Envelope xmlns=\"" NS_SOAP_1_1 "\"><Body><GetCoreVersion xmlns=\"" NET "\"/></Body></Envelope>",
        "<!DOCTYPE x [<!ENTITY e \"e\">]><Envelope xmlns=\"" NS_SOAP_1_1
        "\"><Body><GetCoreVersion xmlns=\"" SAI "\"/></Body></Envelope>",
    };
    struct device *device = make_device("generation=5.2");

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct answer answer;

        send_bytes(device, security, bad[i], &answer);
        assert_int_equal(answer.status, 500);
        assert_non_null(strstr(answer.body.bytes, "<faultcode>a:Client</faultcode><faultstring>"));
        answer_release(&answer);
    }
    assert_int_equal(device->counters.faults, LENGTH(bad));
    device_destroy(&device);
}

static const char *const ill_formed[] = {
    "<n:SetMEBxPassword/>",                                                     /* missing */
    "<n:SetMEBxPassword><Password>P@ssw0rd</Password></n:SetMEBxPassword>",     /* no namespace */
    "<n:SetMEBxPassword><n:password>P@ssw0rd</n:password></n:SetMEBxPassword>", /* another name */
    "<n:SetTlsEnabled><n:Enabled>perhaps</n:Enabled></n:SetTlsEnabled>",        /* another type */
    "<n:ExtendProvisioningPeriod><n:Duration>-1</n:Duration></n:ExtendProvisioningPeriod>",
    "<n:CertStoreAddKey><n:KeyPair><n:RSAKeyPair><n:DERKey>MIIC</n:DERKey></n:RSAKeyPair></n:KeyPair>"
    "</n:CertStoreAddKey>", /* these children have a namespace of their own */
    "<n:AddUserAclEntryEx><n:EntryEx><n:AccessPermission>AnyAccessPermission</n:AccessPermission><n:Realms/>"
    "</n:EntryEx></n:AddUserAclEntryEx>", /* no branch of the choice */
};

static void elements_missing_misnamed_or_of_a_wrong_type_are_a_fault(void **state)
{
    struct device *device = make_device("generation=5.2");

    (void)state;
    for (size_t i = 0; i < LENGTH(ill_formed); i++)
        expect_fault(device, security, ill_formed[i]);
    device_destroy(&device);
}

static void order_and_unknown_elements_matter_unless_it_is_told_to_be_lenient(void **state)
{
    static const char *const bodies[] = {
        "<n:SetHighAccuracyTimeSynch><n:Tm1>1700000000</n:Tm1><n:Ta0>1700000000</n:Ta0><n:Tm2>1700000000"
        "</n:Tm2></n:SetHighAccuracyTimeSynch>",
        "<n:SetHighAccuracyTimeSynch><n:Ta0>1700000000</n:Ta0><n:Tm1>1700000000</n:Tm1><n:Tm2>1700000000"
        "</n:Tm2><n:Tm3>1</n:Tm3></n:SetHighAccuracyTimeSynch>",
    };
    struct device *strict = make_device("generation=5.2 clock-offset=0");
    struct device *lenient = make_device("generation=5.2 clock-offset=0 eoi-strict=no");

    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++) {
        expect_fault(strict, network_time, bodies[i]);
        expect(lenient, network_time, bodies[i], AMT_SUCCESS, NULL);
    }
    device_destroy(&strict);
    device_destroy(&lenient);
}

/* ---- releases ---- */

static void the_interface_is_there_up_to_8_unless_it_is_switched_off(void **state)
{
    static const struct {
        const char *generation;
        bool served;
    } cases[] = { { "3.2.1", true }, { "5.2", true },   { "6.2", true },  { "7.1", true },
                  { "9.0", false },  { "11.8", false }, { "19.0", false } };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char words[64];
        struct device *device;

        snprintf(words, sizeof(words), "generation=%s", cases[i].generation);
        device = make_device(words);
        assert_int_equal(eoi_served(device), cases[i].served);
        device->general.wsman_only = true;
        assert_false(eoi_served(device));
        device_destroy(&device);
    }
}

static void before_setup_only_general_information_is_told(void **state)
{
    struct device *device = make_device("generation=5.2 state=pre");

    (void)state;
    expect(device, general, "<n:GetProvisioningState/>", AMT_SUCCESS,
           "<g:ProvisioningState>ProvisioningStatePre</g:ProvisioningState>");
    expect(device, security, "<n:GetCoreVersion/>", AMT_INVALID_MODE, NULL);
    expect(device, network_time, "<n:GetLowAccuracyTimeSynch/>", AMT_INVALID_MODE, NULL);
    device_destroy(&device);
}

static void admin_has_the_mebx_password_until_the_network_password_is_set(void **state)
{
    struct device *factory = make_device("generation=3.2.1");
    struct device *changed = make_device("generation=3.2.1 mebx-password=S3cret!pass");
    unsigned char a1[DIGEST_A1_LENGTH];

    (void)state;
    digest_a1("admin", factory->realm, "admin", a1);
    assert_memory_equal(factory->admin_a1, a1, sizeof(a1));
    digest_a1("admin", changed->realm, "S3cret!pass", a1);
    assert_memory_equal(changed->admin_a1, a1, sizeof(a1));
    device_destroy(&factory);
    device_destroy(&changed);
}

static void old_firmware_without_rfc_5746_says_nothing_about_renegotiation(void **state)
{
    static const struct {
        const char *words;
        bool secure;
    } cases[] = { { "generation=3.2.1 state=post", false },
                  { "generation=5.2 state=post", false },
                  { "generation=5.2 state=post renegotiation-info=yes", true },
                  { "generation=6.2 state=post", true } };
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    (void)state;
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct device *device = make_device(cases[i].words);
        struct error err = { 0 };
        SSL *server = tls_session(device, &err), *client = SSL_new(context);
        BIO *left, *right;

        assert_non_null(server);
        BIO_new_bio_pair(&left, 65536, &right, 65536);
        SSL_set_bio(client, left, left);
        SSL_set_bio(server, right, right);
        for (unsigned turn = 0; turn < 4; turn++) {
            SSL_connect(client);
            SSL_accept(server);
        }
        assert_true(SSL_is_init_finished(client) && SSL_is_init_finished(server));
        assert_int_equal(SSL_version(client), TLS1_VERSION);
        assert_int_equal(SSL_get_secure_renegotiation_support(client), cases[i].secure);
        SSL_free(client);
        SSL_free(server);
        device_destroy(&device);
    }
    SSL_CTX_free(context);
    tls_release();
}

/* ---- calls ---- */

static void the_clock_is_set_by_the_mean_of_two_estimates(void **state)
{
    static const char set[] =
        "<n:SetHighAccuracyTimeSynch><n:Ta0>%u</n:Ta0><n:Tm1>%u</n:Tm1><n:Tm2>%u</n:Tm2>"
        "</n:SetHighAccuracyTimeSynch>";
    struct device *device = make_device("generation=3.2.1 clock-offset=0");
    uint32_t now = (uint32_t)time(NULL);
    char body[256];

    (void)state;
    assert_int_equal(clock_error_s(1000, 5001, 5010, 1010), 4000);
    snprintf(body, sizeof(body), set, now, now + 3600, now + 3600);
    expect(device, network_time, body, AMT_SUCCESS, NULL);
    assert_in_range(device->clock_offset_s, 3599, 3600);
    assert_true(device->clock_set);
    snprintf(body, sizeof(body), set, now, now + 10, now + 9);
    expect(device, network_time, body, AMT_INVALID_PARAMETER, NULL);
    expect(device, network_time,
           "<n:SetHighAccuracyTimeSynch><n:Ta0>4000000000</n:Ta0><n:Tm1>1000</n:Tm1><n:Tm2>1000</n:Tm2>"
           "</n:SetHighAccuracyTimeSynch>",
           AMT_INVALID_TIME, NULL);
    device_destroy(&device);
}

/* AMT SDK: SetAdminAclEntryEx takes the 16 bytes of MD5(user:realm:password). */
static void the_admin_entry_is_the_published_digest(void **state)
{
    static const unsigned char published[] = { 0xe3, 0xee, 0x31, 0x10, 0x3e, 0x31, 0x3a, 0xd0,
                                               0x5e, 0x34, 0x86, 0x7a, 0xef, 0xc7, 0x71, 0x4a };
    static const char set[] =
        "<n:SetAdminAclEntryEx><n:EntryEx><n:Username>%s</n:Username><n:DigestPassword>%s"
        "</n:DigestPassword></n:EntryEx></n:SetAdminAclEntryEx>";
    static const struct {
        const char *user, *password;
        uint32_t status;
    } cases[] = {
        { "admin", "4+4xED4xOtBeNIZ678dxSg==", AMT_SUCCESS },
        { "admin", "ZTNlZTMxMTAzZTMxM2FkMDVlMzQ4NjdhZWZjNzcxNGE=", AMT_INVALID_PASSWORD }, /* as text */
        { "Administrator", "4+4xED4xOtBeNIZ678dxSg==", AMT_INVALID_NAME },
        { "", "4+4xED4xOtBeNIZ678dxSg==", AMT_INVALID_NAME },
        { "$$uns", "4+4xED4xOtBeNIZ678dxSg==", AMT_INVALID_NAME },
    };
    struct device *device = make_device("generation=3.2.1");
    char body[512];

    (void)state;
    expect(device, security, "<n:GetDigestRealm/>", AMT_SUCCESS,
           "<g:DigestRealm>Intel(R) AMT (ID:12345678-9ABC-DEF0-1234-56789ABCDEF0)</g:DigestRealm>");
    for (size_t i = 0; i < LENGTH(cases); i++) {
        snprintf(body, sizeof(body), set, cases[i].user, cases[i].password);
        expect(device, security, body, cases[i].status, NULL);
    }
    assert_memory_equal(device->admin_a1, published, sizeof(published));
    assert_false(device->admin_is_default);
    device_destroy(&device);
}

static void users_keep_to_the_realms_of_their_release(void **state)
{
    static const char add[] =
        "<n:AddUserAclEntryEx><n:EntryEx><n:DigestUser><n:Username>%s</n:Username><n:DigestPassword>"
        "AAECAwQFBgcICQoLDA0ODw==</n:DigestPassword></n:DigestUser><n:AccessPermission>%s</"
        "n:AccessPermission>"
        "<n:Realms><n:Realm>2</n:Realm><n:Realm>%u</n:Realm></n:Realms></n:EntryEx></n:AddUserAclEntryEx>";
    static const struct {
        const char *generation, *user, *access;
        unsigned realm;
        uint32_t status;
    } cases[] = {
        { "3.2.1", "helpdesk", "NetworkAccessPermission", 5, AMT_SUCCESS },
        { "3.2.1", "helpdesk", "NetworkAccessPermission", 20, AMT_INVALID_REALM },
        { "3.2.1", "helpdesk", "NetworkAccessPermission", 1, AMT_INVALID_REALM },
        { "3.2.1", "helpdesk", "EveryAccessPermission", 5, AMT_INVALID_PARAMETER },
        { "3.2.1", "admin", "NetworkAccessPermission", 5, AMT_DUPLICATE },
        { "3.2.1", "help:desk", "NetworkAccessPermission", 5, AMT_INVALID_NAME },
        { "5.2", "auditor", "AnyAccessPermission", 20, AMT_SUCCESS },
        { "5.2", "auditor", "AnyAccessPermission", 24, AMT_INVALID_REALM },
    };
    char words[64], body[1024];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct device *device;

        snprintf(words, sizeof(words), "generation=%s", cases[i].generation);
        device = make_device(words);
        snprintf(body, sizeof(body), add, cases[i].user, cases[i].access, cases[i].realm);
        expect(device, security, body, cases[i].status, cases[i].status ? NULL : "<g:Handle>2</g:Handle>");
        device_destroy(&device);
    }
}

static void a_user_is_told_without_its_password(void **state)
{
    struct device *device = make_device("generation=5.2");

    (void)state;
    expect(device, security,
           "<n:AddUserAclEntry><n:Entry><n:Username>helpdesk</n:Username><n:Password>P@ssw0rd</n:Password>"
           "<n:Realms><n:Realm>5</n:Realm></n:Realms></n:Entry></n:AddUserAclEntry>",
           AMT_SUCCESS, "<g:Handle>2</g:Handle>");
    expect(
        device, security, "<n:GetUserAclEntryEx><n:Handle>2</n:Handle></n:GetUserAclEntryEx>", AMT_SUCCESS,
        "<g:EntryEx><g:DigestUser><g:Username>helpdesk</g:Username><g:DigestPassword>AAAAAAAAAAAAAAAAAAAAAA=="
        "</g:DigestPassword></g:DigestUser><g:AccessPermission>NetworkAccessPermission</g:AccessPermission>"
        "<g:Realms><g:Realm>5</g:Realm></g:Realms></g:EntryEx>");
    expect(device, security,
           "<n:EnumerateUserAclEntries><n:StartIndex>1</n:StartIndex></n:EnumerateUserAclEntries>",
           AMT_SUCCESS,
           "<g:TotalCount>2</g:TotalCount><g:HandleCount>2</g:HandleCount><g:Handles><g:Handle>1</g:Handle>"
           "<g:Handle>2</g:Handle></g:Handles>");
    expect(device, security,
           "<n:EnumerateUserAclEntries><n:StartIndex>3</n:StartIndex></n:EnumerateUserAclEntries>",
           AMT_INVALID_INDEX, NULL);
    expect(device, security, "<n:RemoveUserAclEntry><n:Handle>2</n:Handle></n:RemoveUserAclEntry>",
           AMT_SUCCESS, NULL);
    expect(device, security, "<n:RemoveUserAclEntry><n:Handle>2</n:Handle></n:RemoveUserAclEntry>",
           AMT_INVALID_HANDLE, NULL);
    device_destroy(&device);
}

static const struct refusal {
    const char *path, *body;
    uint32_t status;
} refusals[] = {
    { network, "<n:SetHostName><n:HostName>desk-0042</n:HostName></n:SetHostName>", AMT_SUCCESS },
    { network, "<n:SetHostName><n:HostName>desk 0042</n:HostName></n:SetHostName>", AMT_INVALID_NAME },
    { network, "<n:SetDomainName><n:DomainName>a b</n:DomainName></n:SetDomainName>",
      AMT_INVALID_DOMAIN_NAME },
    { network,
      "<n:SetVlanParameters><n:VlanMode>true</n:VlanMode><n:VlanTag>0</n:VlanTag></n:SetVlanParameters>",
      AMT_INVALID_PARAMETER },
    { network,
      "<n:SetVlanParameters><n:InterfaceHandle>1</n:InterfaceHandle><n:VlanMode>true</n:VlanMode><n:VlanTag>7"
      "</n:VlanTag></n:SetVlanParameters>",
      AMT_INVALID_HANDLE },
    { network, "<n:SetTcpIpParameters><n:DhcpMode>2</n:DhcpMode></n:SetTcpIpParameters>", AMT_SUCCESS },
    { network, "<n:SetTcpIpParameters><n:DhcpMode>1</n:DhcpMode></n:SetTcpIpParameters>",
      AMT_INVALID_PARAMETER },
    { network, "<n:SetTcpIpParameters><n:DhcpMode>3</n:DhcpMode></n:SetTcpIpParameters>",
      AMT_INVALID_DHCP_MODE },
    { network,
      "<n:SetInterfaceSettings><n:InterfaceHandle>0</n:InterfaceHandle><n:InterfaceDescriptor>"
      "<n:InterfaceMode>SHARED_MAC_ADDRESS</n:InterfaceMode><n:LinkPolicy>15</n:LinkPolicy>"
      "</n:InterfaceDescriptor></n:SetInterfaceSettings>",
      AMT_SUCCESS },
    { network,
      "<n:SetInterfaceSettings><n:InterfaceHandle>0</n:InterfaceHandle><n:InterfaceDescriptor>"
      "<n:InterfaceMode>SEPARATE_MAC_ADDRESS</n:InterfaceMode><n:LinkPolicy>15</n:LinkPolicy>"
      "</n:InterfaceDescriptor></n:SetInterfaceSettings>",
      AMT_INVALID_PARAMETER },
    { network,
      "<n:SetInterfaceSettings><n:InterfaceHandle>0</n:InterfaceHandle><n:InterfaceDescriptor>"
      "<n:InterfaceMode>SEPARATE_MAC_ADDRESS</n:InterfaceMode><n:LinkPolicy>15</"
      "n:LinkPolicy><n:IPv4Parameters>"
      "<n:LocalAddress>3232235786</n:LocalAddress><n:SubnetMask>4278255360</n:SubnetMask>"
      "<n:DefaultGatewayAddress>0</n:DefaultGatewayAddress><n:PrimaryDnsAddress>0</n:PrimaryDnsAddress>"
      "<n:SecondaryDnsAddress>0</n:SecondaryDnsAddress></n:IPv4Parameters></n:InterfaceDescriptor>"
      "</n:SetInterfaceSettings>",
      AMT_INVALID_NETMASK },
    { security,
      "<n:SetRngKey><n:Key><n:Type>20</n:Type><n:Length>3</n:Length><n:Data>AAEC</n:Data></n:Key></"
      "n:SetRngKey>",
      AMT_SUCCESS },
    { security,
      "<n:SetRngKey><n:Key><n:Type>19</n:Type><n:Length>3</n:Length><n:Data>AAEC</n:Data></n:Key></"
      "n:SetRngKey>",
      AMT_INVALID_PARAMETER },
    { security,
      "<n:SetRngKey><n:Key><n:Type>20</n:Type><n:Length>4</n:Length><n:Data>AAEC</n:Data></n:Key></"
      "n:SetRngKey>",
      AMT_INVALID_PARAMETER },
    { security, "<n:SetTLSPSK><n:PID>YWJjZDEyMzQ=</n:PID><n:PPS>AA==</n:PPS></n:SetTLSPSK>",
      AMT_INVALID_PID_FORMAT },
    { security, "<n:SetTLSPSK><n:PID>QUIxMkNEMzQ=</n:PID><n:PPS>AAAA</n:PPS></n:SetTLSPSK>",
      AMT_INVALID_PPS_FORMAT },
    { security, "<n:SetMEBxPassword><n:Password>password</n:Password></n:SetMEBxPassword>",
      AMT_INVALID_PASSWORD },
    { security, "<n:SetMEBxPassword><n:Password>N3w-Mebx!pw</n:Password></n:SetMEBxPassword>", AMT_SUCCESS },
    { security, "<n:SetMEBxPassword><n:Password>N3w-Mebx!pw2</n:Password></n:SetMEBxPassword>",
      AMT_NOT_PERMITTED },
    { security, "<n:SetProvisioningMode><n:ProvisioningMode>3</n:ProvisioningMode></n:SetProvisioningMode>",
      AMT_INVALID_PROVISIONING_STATE },
    { security, "<n:Unprovision><n:ProvisioningMode>1</n:ProvisioningMode></n:Unprovision>",
      AMT_NOT_PERMITTED },
    { security, "<n:Unprovision><n:ProvisioningMode>3</n:ProvisioningMode></n:Unprovision>",
      AMT_INVALID_PARAMETER },
    { security, "<n:ExtendProvisioningPeriod><n:Duration>25</n:Duration></n:ExtendProvisioningPeriod>",
      AMT_INVALID_PARAMETER },
    { security, "<n:SetProvisioningServerOTP><n:OTP>AAECAw==</n:OTP></n:SetProvisioningServerOTP>",
      AMT_INVALID_PARAMETER },
    { security,
      "<n:SetTlsOptions><n:TlsOptions><n:Interface>NetworkInterface</n:Interface><n:TlsAuthentication>Server"
      "</n:TlsAuthentication></n:TlsOptions></n:SetTlsOptions>",
      AMT_INVALID_PARAMETER },
    { security,
      "<n:SetTLSKeyAndCertificate><n:PrivateKey><n:Encoding>30</n:Encoding><n:Length>13</n:Length>"
      "<n:Value>MIICXQIBAAKBgQCxAA==</n:Value></n:PrivateKey><n:CertificateChain><n:Encoding>10</n:Encoding>"
      "<n:Length>10</n:Length><n:Value>MIIB5DCCAU2gAw==</n:Value></n:CertificateChain>"
      "</n:SetTLSKeyAndCertificate>",
      AMT_INVALID_KEY },
    { security,
      "<n:SetTLSKeyAndCertificate><n:CertificateChain><n:Encoding>10</n:Encoding><n:Length>11</n:Length>"
      "<n:Value>MIIB5DCCAU2gAw==</n:Value></n:CertificateChain></n:SetTLSKeyAndCertificate>",
      AMT_INVALID_PARAMETER },
    { security,
      "<n:SetTLSCertificate><n:CertificateChain><n:Encoding>10</n:Encoding><n:Length>10</n:Length>"
      "<n:Value>MIIB5DCCAU2gAw==</n:Value></n:CertificateChain></n:SetTLSCertificate>",
      AMT_PKI_MISSING_KEYS },
    { security,
      "<n:CertStoreAddKey><n:KeyPair><c:RSAKeyPair><c:DERKey>MIICXQIBAAKBgQCxAA==</c:DERKey></c:RSAKeyPair>"
      "</n:KeyPair></n:CertStoreAddKey>",
      AMT_INVALID_KEY },
    { security, "<n:SetTLSCredentials><n:CertHandle>5</n:CertHandle></n:SetTLSCredentials>",
      AMT_INVALID_HANDLE },
    { security, "<n:GetTLSCertificate/>", AMT_NOT_FOUND },
    { security,
      "<n:SetEnabledInterfaces><n:EnabledInterfaces>KVM</n:EnabledInterfaces></n:SetEnabledInterfaces>",
      AMT_INVALID_PARAMETER },
    { security,
      "<n:GetPowerPackage><n:PolicyGUID>AAAAAAAAAAAAAAAAAAAAAA==</n:PolicyGUID></n:GetPowerPackage>",
      AMT_NOT_FOUND },
    { security,
      "<n:SetGlobalPowerPolicy><n:GlobalPowerPolicy><n:IdleWakeTimeout>0</n:IdleWakeTimeout></"
      "n:GlobalPowerPolicy>"
      "</n:SetGlobalPowerPolicy>",
      AMT_INVALID_PARAMETER },
    { security,
      "<n:AddCertificateHashEntry><n:CertHashEntry><n:Default>false</n:Default><n:Active>true</n:Active>"
      "<n:HashType>2</n:HashType><n:Hash>AAECAwQFBgcICQoLDA0ODxAREhM=</n:Hash><n:FriendlyName>Test"
      "</n:FriendlyName></n:CertHashEntry></n:AddCertificateHashEntry>",
      AMT_INVALID_PARAMETER },
};

static void values_out_of_range_are_a_status_not_a_fault(void **state)
{
    struct device *device = make_device("generation=5.2");

    (void)state;
    for (size_t i = 0; i < LENGTH(refusals); i++)
        expect(device, refusals[i].path, refusals[i].body, refusals[i].status, NULL);
    device_destroy(&device);
}

static void a_custom_root_hash_is_added_listed_and_deleted_and_the_makers_stays(void **state)
{
    struct device *device =
        make_device("generation=3.2.1 hash=sha1:1d0d304cd637cff33509609737418046ad99d45b");

    (void)state;
    expect(device, security,
           "<n:AddCertificateHashEntry><n:CertHashEntry><n:Default>false</n:Default><n:Active>true</n:Active>"
           "<n:HashType>1</n:HashType><n:Hash>AAECAwQFBgcICQoLDA0ODxAREhM=</n:Hash><n:FriendlyName>Test"
           "</n:FriendlyName></n:CertHashEntry></n:AddCertificateHashEntry>",
           AMT_SUCCESS, "<g:Handle>1</g:Handle>");
    expect(device, security, "<n:EnumerateCertificateHashEntries/>", AMT_SUCCESS,
           "<g:Handles>0</g:Handles><g:Handles>1</g:Handles>");
    expect(device, security, "<n:GetCertificateHashEntry><n:Handle>1</n:Handle></n:GetCertificateHashEntry>",
           AMT_SUCCESS, "<g:Default>false</g:Default><g:Active>true</g:Active><g:HashType>1</g:HashType>");
    expect(device, security,
           "<n:DeleteCertificateHashEntry><n:Handle>0</n:Handle></n:DeleteCertificateHashEntry>",
           AMT_NOT_PERMITTED, NULL);
    expect(device, security,
           "<n:DeleteCertificateHashEntry><n:Handle>1</n:Handle></n:DeleteCertificateHashEntry>", AMT_SUCCESS,
           NULL);
    assert_int_equal(device->hash_count, 1);
    device_destroy(&device);
}

static void kerberos_is_told_without_its_key(void **state)
{
    static const char set[] =
        "<n:SetKerberosOptions><n:KerberosOptions><n:KerberosRealmName>EXAMPLE.COM</n:KerberosRealmName>"
        "<n:KerberosSpn><n:SpnProtocolIndex>HTTPS</n:SpnProtocolIndex><n:SpnString>HTTP/a.example.com:16993"
        "</n:SpnString></n:KerberosSpn><n:KerberosKeyVersion>1</n:KerberosKeyVersion><n:KerberosEncryption>"
        "HMAC_RC4</n:KerberosEncryption><n:KerberosMasterKey>AAECAwQFBgcICQoLDA0ODw==</n:KerberosMasterKey>"
        "<n:KerberosMaximumClockTolerance>5</n:KerberosMaximumClockTolerance></n:KerberosOptions>"
        "</n:SetKerberosOptions>";
    struct device *device = make_device("generation=3.2.1");

    (void)state;
    expect(device, security, set, AMT_DATA_MISSING, NULL); /* no clock yet */
    device->clock_set = true;
    expect(device, security, set, AMT_SUCCESS, NULL);
    expect(
        device, security, "<n:GetKerberosOptions/>", AMT_SUCCESS,
        "<g:KerberosEncryption>HMAC_RC4</g:KerberosEncryption><g:KerberosMasterKey>AAAAAAAAAAAAAAAAAAAAAA=="
        "</g:KerberosMasterKey>");
    assert_true(device->kerberos.enabled);
    expect(device, security, "<n:SetKerberosOptions/>", AMT_SUCCESS, NULL);
    assert_false(device->kerberos.enabled);
    device_destroy(&device);
}

/* ---- key, certificate, commit ---- */

static X509 *certify(EVP_PKEY *key)
{
    X509 *certificate = X509_new();

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"desk.example.com", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha1()));
    return certificate;
}

static void append_blob(struct text *body, const char *name, unsigned encoding, const void *bytes, int length)
{
    struct text value = base64_of(bytes, (size_t)length);

    text_format(
        body, "<n:%s><n:Encoding>%u</n:Encoding><n:Length>%d</n:Length><n:Value>%.*s</n:Value></n:%s>", name,
        encoding, length, (int)(value.length - strlen("<g:v></g:v>")), value.bytes + strlen("<g:v>"), name);
    text_release(&value);
}

/* With the key, or without it for one that the device has made. */
static void set_certificate(struct device *device, EVP_PKEY *key, bool with_key, uint32_t status)
{
    unsigned char *key_der = NULL, *certificate_der = NULL;
    X509 *certificate = certify(key);
    int key_length = i2d_PrivateKey(key, &key_der), length = i2d_X509(certificate, &certificate_der);
    struct text body = { 0 };

    text_append(&body, "<n:SetTLSKeyAndCertificate>");
    if (with_key)
        append_blob(&body, "PrivateKey", 30, key_der, key_length);
    append_blob(&body, "CertificateChain", 10, certificate_der, length);
    text_append(&body, "</n:SetTLSKeyAndCertificate>");
    expect(device, security, body.bytes, status, NULL);
    text_release(&body);
    X509_free(certificate);
    OPENSSL_free(key_der);
    OPENSSL_free(certificate_der);
}

static void setup_ends_when_clock_seed_names_passwords_and_certificate_are_there(void **state)
{
    static const char commit[] = "<n:CommitChanges/>";
    struct device *device = make_device("generation=5.2 clock-offset=0");
    EVP_PKEY *key = EVP_RSA_gen(1024);

    (void)state;
    expect(device, security, commit, AMT_DATA_MISSING, NULL);
    replace_text(&device->general.host, "desk");
    device->mebx_is_default = false;
    device->clock_set = true;
    expect(device, security, commit, AMT_DATA_MISSING, NULL);
    expect(device, security,
           "<n:SetRngKey><n:Key><n:Type>20</n:Type><n:Length>3</n:Length><n:Data>AAEC</n:Data></n:Key></"
           "n:SetRngKey>",
           AMT_SUCCESS, NULL);
    expect(device, security,
           "<n:SetTlsOptions><n:TlsOptions><n:Interface>NetworkInterface</n:Interface><n:TlsAuthentication>"
           "ServerAuth</n:TlsAuthentication></n:TlsOptions></n:SetTlsOptions>",
           AMT_SUCCESS, NULL);
    expect(device, security, commit, AMT_DATA_MISSING, NULL);
    set_certificate(device, key, true, AMT_SUCCESS);
    assert_false(device->tls_in_force[TLS_NETWORK].enabled);
    expect(device, security, commit, AMT_SUCCESS, NULL);
    assert_int_equal(device->state, STATE_POST);
    assert_true(device->tls_in_force[TLS_NETWORK].enabled);
    expect(device, security, "<n:GetProvisioningServerOTP/>", AMT_NOT_PERMITTED, NULL);
    EVP_PKEY_free(key);
    device_destroy(&device);
}

static void a_certificate_without_key_belongs_to_the_key_the_device_made(void **state)
{
    struct device *device = make_device("generation=3.2.1 host=desk domain=example.com request-bits=1024");
    EVP_PKEY *other = EVP_RSA_gen(1024), *made;

    (void)state;
    set_certificate(device, other, false, AMT_PKI_MISSING_KEYS);
    expect(device, security, "<n:GetServerCertificateReq/>", AMT_SUCCESS, "<g:CertReq>MII");
    set_certificate(device, other, false, AMT_CERT_KEY_NOT_MATCH);
    made = device->request_key;
    EVP_PKEY_up_ref(made);
    set_certificate(device, made, false, AMT_SUCCESS);
    assert_int_equal(device->key_count, 1);
    assert_null(device->request_key);
    EVP_PKEY_free(made);
    EVP_PKEY_free(other);
    device_destroy(&device);
    key_pool_release();
}

static void a_replaced_certificate_goes_when_the_new_one_is_in_force(void **state)
{
    struct device *device = make_device("generation=5.2 state=post host=desk");
    EVP_PKEY *first = EVP_RSA_gen(1024), *second = EVP_RSA_gen(1024);

    (void)state;
    set_certificate(device, first, true, AMT_SUCCESS);
    expect(device, security, "<n:CommitChanges/>", AMT_SUCCESS, NULL);
    set_certificate(device, second, true, AMT_SUCCESS);
    assert_int_equal(device->certificate_count, 2);
    expect(device, security, "<n:CommitChanges/>", AMT_SUCCESS, NULL);
    assert_int_equal(device->certificate_count, 1);
    assert_int_equal(device->key_count, 1);
    assert_int_equal(EVP_PKEY_eq(device->keys[0].key, second), 1);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    device_destroy(&device);
}

/* The table of the computer: its status has another name, its UUID the order of SMBIOS. */
static void the_inventory_tells_the_uuid_of_the_computer(void **state)
{
    enum { UUID_AT = 4 + 4 * 65 };
    static const char wanted[] =
        "<g:GetAssetDataResponse><g:Status>0</g:Status><g:Count>1</g:Count><g:AssetData><g:AssetData>"
        "<g:AssetType>3</g:AssetType><g:AssetSize>280</g:AssetSize><g:AssetData>";
    struct device *device = make_device("generation=3.2.1");
    unsigned char *table = NULL;
    struct answer answer;
    char *at;
    size_t length;

    (void)state;
    send_body(device, asset, "<n:GetAssetData><n:AssetType>3</n:AssetType></n:GetAssetData>", &answer);
    at = strstr(answer.body.bytes, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    at[strcspn(at, "<")] = '\0';
    assert_true(base64_decode(at, &table, &length));
    assert_int_equal(length, UUID_AT + UUID_LENGTH);
    assert_memory_equal(table + UUID_AT, device->uuid, UUID_LENGTH);
    free(table);
    answer_release(&answer);
    send_body(device, asset, "<n:GetAssetData><n:AssetType>99</n:AssetType></n:GetAssetData>", &answer);
    assert_non_null(strstr(answer.body.bytes, "<g:Status>36</g:Status></g:GetAssetDataResponse>"));
    answer_release(&answer);
    device_destroy(&device);
}

static void calls_are_counted_by_name(void **state)
{
    struct device *device = make_device("generation=3.2.1");
    struct eoi_request request;
    char operation[OPERATION_ROOM];
    static const char body[] =
        "<Envelope xmlns=\"" NS_SOAP_1_1 "\"><Body><GetHostName xmlns=\"" INF "\"/></Body></Envelope>";

    (void)state;
    eoi_parse(service_find(general), body, strlen(body), &request);
    eoi_operation(&request, operation);
    eoi_count(device, &request);
    eoi_count(device, &request);
    assert_string_equal(operation, "GeneralInfo.GetHostName");
    assert_string_equal(service_call_name(request.index), operation);
    assert_int_equal(device->counters.eoi_by_name[request.index], 2);
    assert_null(service_call_name(service_call_total()));
    eoi_request_release(&request);
    device_destroy(&device);
}

static void every_twin_exists(void **state)
{
    static const struct service_call *const tables[] = { access_calls,    asset_calls,   general_calls,
                                                         interface_calls, network_calls, setup_calls,
                                                         store_calls,     time_calls,    tls_calls };

    (void)state;
    for (size_t i = 0; i < LENGTH(tables); i++)
        for (const struct service_call *call = tables[i]; call->name; call++)
            if (!call->run) {
                assert_non_null(class_find(call->twin_class));
                assert_non_null(class_method(class_find(call->twin_class), call->twin_method));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_the_status_first_and_the_name_of_its_call),
        cmocka_unit_test(requests_in_the_style_of_field_tools_are_understood),
        cmocka_unit_test(what_is_no_request_of_the_service_is_a_fault_of_the_client),
        cmocka_unit_test(elements_missing_misnamed_or_of_a_wrong_type_are_a_fault),
        cmocka_unit_test(order_and_unknown_elements_matter_unless_it_is_told_to_be_lenient),
        cmocka_unit_test(the_interface_is_there_up_to_8_unless_it_is_switched_off),
        cmocka_unit_test(before_setup_only_general_information_is_told),
        cmocka_unit_test(admin_has_the_mebx_password_until_the_network_password_is_set),
        cmocka_unit_test(old_firmware_without_rfc_5746_says_nothing_about_renegotiation),
        cmocka_unit_test(the_clock_is_set_by_the_mean_of_two_estimates),
        cmocka_unit_test(the_admin_entry_is_the_published_digest),
        cmocka_unit_test(users_keep_to_the_realms_of_their_release),
        cmocka_unit_test(a_user_is_told_without_its_password),
        cmocka_unit_test(values_out_of_range_are_a_status_not_a_fault),
        cmocka_unit_test(a_custom_root_hash_is_added_listed_and_deleted_and_the_makers_stays),
        cmocka_unit_test(kerberos_is_told_without_its_key),
        cmocka_unit_test(setup_ends_when_clock_seed_names_passwords_and_certificate_are_there),
        cmocka_unit_test(a_certificate_without_key_belongs_to_the_key_the_device_made),
        cmocka_unit_test(a_replaced_certificate_goes_when_the_new_one_is_in_force),
        cmocka_unit_test(the_inventory_tells_the_uuid_of_the_computer),
        cmocka_unit_test(calls_are_counted_by_name),
        cmocka_unit_test(every_twin_exists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
