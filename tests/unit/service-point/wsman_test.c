/* The WS-Management calls: what goes out, and how answers are understood. Spec O7, O8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "common/encoding.h"
#include "firmware/wsman.h"
#include "firmware/wsman_describe.h"
#include "wsman_talk.h"

#define AMT "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define PULLED(items, ending)                                                                                \
    "<n:PullResponse xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\"><n:Items>" items          \
    "</n:Items>" ending "</n:PullResponse>"
#define ENUMERATED(context)                                                                                  \
    "<n:EnumerateResponse xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">"                    \
    "<n:EnumerationContext>" context "</n:EnumerationContext></n:EnumerateResponse>"
#define MORE(context) "<n:EnumerationContext>" context "</n:EnumerationContext>"
#define END           "<n:EndOfSequence></n:EndOfSequence>"
#define REFERENCE(class, key, value)                                                                         \
    "<b:Address>default</b:Address><b:ReferenceParameters><c:ResourceURI>" AMT class                         \
        "</c:ResourceURI><c:SelectorSet><c:Selector Name=\"" key "\">" value                                 \
        "</c:Selector></c:SelectorSet></b:ReferenceParameters>"

static void a_put_sends_back_what_get_returned_with_the_changes(void **state)
{
    static const char *const bodies[] = {
        "<g:AMT_GeneralSettings xmlns:g=\"" AMT
        "AMT_GeneralSettings\"><g:AMTNetworkEnabled>1</g:AMTNetworkEnabled>"
        "<g:DDNSTTL>900</g:DDNSTTL><g:DigestRealm>Digest:A</g:DigestRealm><g:HostName></g:HostName>"
        "<g:PingResponseEnabled>false</g:PingResponseEnabled></g:AMT_GeneralSettings>",
        "<g:AMT_GeneralSettings xmlns:g=\"" AMT "AMT_GeneralSettings\"/>",
        NULL,
    };
    struct general_settings_change change = { .host_name = "pc<17>",
                                              .ping_response = CHANGE_ON,
                                              .shared_fqdn = CHANGE_ON };
    bool changed = false;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_general_settings_change(connection, &change, &changed, &err));
    assert_true(changed);
    hang_up();
    assert_sent(0, "<wsa:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</wsa:Action>");
    assert_sent(0, "<wsman:ResourceURI>" AMT "AMT_GeneralSettings</wsman:ResourceURI>");
    assert_sent(1, "<wsa:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Put</wsa:Action>");
    assert_sent(
        1, "<general:AMTNetworkEnabled>1</general:AMTNetworkEnabled><general:DDNSTTL>900</general:DDNSTTL>"
           "<general:DigestRealm>Digest:A</general:DigestRealm>"
           "<general:HostName>pc&lt;17&gt;</general:HostName>"
           "<general:PingResponseEnabled>true</general:PingResponseEnabled></general:AMT_GeneralSettings>");
    assert_null(strstr(device.requests[1], "xsi:type"));
    assert_null(strstr(device.requests[1], "SharedFQDN"));
}

static void nothing_is_written_where_nothing_differs(void **state)
{
    static const char *const bodies[] = {
        "<g:AMT_GeneralSettings xmlns:g=\"" AMT
        "AMT_GeneralSettings\"><g:DigestRealm>Digest:A</g:DigestRealm>"
        "<g:HostName>pc17</g:HostName></g:AMT_GeneralSettings>",
        NULL,
    };
    struct general_settings_change change = { .host_name = "pc17" };
    bool changed = true;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_general_settings_change(connection, &change, &changed, &err));
    assert_false(changed);
    hang_up();
    assert_int_equal(device.request_count, 1);
}

static void an_enumeration_is_pulled_to_its_end(void **state)
{
#define KEY(n)                                                                                               \
    "<h:AMT_PublicPrivateKeyPair xmlns:h=\"" AMT "AMT_PublicPrivateKeyPair\"><h:DERKey>AAEC</h:DERKey>"      \
    "<h:InstanceID>Intel(r) AMT Key: Handle: " n "</h:InstanceID></h:AMT_PublicPrivateKeyPair>"
    static const char *const bodies[] = {
        ENUMERATED("c-1"),
        PULLED(KEY("0") "<x:Stranger xmlns:x=\"urn:x\"/>" KEY("1"), MORE("c-2")),
        PULLED(KEY("2"), END),
        NULL,
    };
    struct stored_key_list keys;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_keys_list(connection, &keys, &err));
    assert_int_equal(keys.count, 3);
    assert_string_equal(keys.keys[2].id, "Intel(r) AMT Key: Handle: 2");
    assert_int_equal(keys.keys[2].public_key.length, 3);
    stored_key_list_free(&keys);
    hang_up();
    assert_sent(0, "<wsen:Enumerate></wsen:Enumerate>");
    assert_sent(
        1, "<wsen:EnumerationContext>c-1</wsen:EnumerationContext><wsen:MaxElements>999</wsen:MaxElements>");
    assert_sent(2, "<wsen:EnumerationContext>c-2</wsen:EnumerationContext>");
}

static void an_empty_enumeration_is_no_failure(void **state)
{
    static const char *const bodies[] = { ENUMERATED("c-1"), PULLED("", END), NULL };
    static const char *const without_items[] = {
        ENUMERATED("c-1"),
        "<n:PullResponse "
        "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\"><n:EndOfSequence/></n:PullResponse>",
        NULL,
    };
    struct stored_certificate_list certificates;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_certificates_list(connection, &certificates, &err));
    assert_int_equal(certificates.count, 0);
    hang_up();
    talk_to_device_that_answers(without_items);
    assert_true(wsman_certificates_list(connection, &certificates, &err));
    hang_up();
}

static void an_enumeration_that_does_not_end_is_given_up(void **state)
{
    static const char *const bodies[] = { ENUMERATED("c-1"), PULLED("", ""), NULL };
    struct stored_certificate_list certificates;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_false(wsman_certificates_list(connection, &certificates, &err));
    assert_int_equal(err.reason, REASON_MALFORMED_REPLY);
    hang_up();
}

#define ACL(content)                                                                                         \
    "<g:EnumerateUserAclEntries_OUTPUT xmlns:g=\"" AMT "AMT_AuthorizationService\">" content                 \
    "<g:ReturnValue>0</g:ReturnValue></g:EnumerateUserAclEntries_OUTPUT>"

static void the_access_control_list_is_read_page_by_page(void **state)
{
    static const char *const bodies[] = {
        ACL("<g:TotalCount>3</g:TotalCount><g:HandlesCount>2</g:HandlesCount><g:Handles>4</"
            "g:Handles><g:Handles>7</g:Handles>"),
        ACL("<g:TotalCount>3</g:TotalCount><g:HandlesCount>1</g:HandlesCount><g:Handles>9</g:Handles>"),
        NULL,
    };
    struct acl_handles handles;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_acl_list(connection, &handles, &err));
    assert_int_equal(handles.count, 3);
    assert_int_equal(handles.handles[2], 9);
    hang_up();
    assert_sent(0, "<acl:StartIndex>1</acl:StartIndex>");
    assert_sent(1, "<acl:StartIndex>3</acl:StartIndex>");
}

static void a_list_that_claims_more_than_it_has_ends(void **state)
{
    static const char *const bodies[] = {
        ACL("<g:TotalCount>3</g:TotalCount><g:HandlesCount>0</g:HandlesCount>"), NULL
    };
    struct acl_handles handles;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_acl_list(connection, &handles, &err));
    assert_int_equal(handles.count, 0);
    hang_up();
    assert_int_equal(device.request_count, 1);
}

static void a_directory_entry_is_sent_as_sid_without_user(void **state)
{
    static const char *const bodies[] = {
        "<g:AddUserAclEntryEx_OUTPUT xmlns:g=\"" AMT "AMT_AuthorizationService\"><g:Handle>3</g:Handle>"
        "<g:ReturnValue>0</g:ReturnValue></g:AddUserAclEntryEx_OUTPUT>",
        NULL,
    };
    struct acl_entry entry = { .access = 2, .realms = { 2, 5 }, .realm_count = 2 };
    AUTO(bytes_free) struct bytes sid = { 0 };
    uint32_t handle = 0;

    (void)state;
    assert_true(base64_decode("AQUAAAAAAAUVAAAAVcoTQfagZTk1F8IXVgQAAA==", &sid));
    memcpy(entry.sid, sid.data, sid.length);
    entry.sid_length = sid.length;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_acl_add(connection, &entry, &handle, &err));
    assert_int_equal(handle, 3);
    hang_up();
    assert_sent(0, "<wsa:Action>" AMT "AMT_AuthorizationService/AddUserAclEntryEx</wsa:Action>");
    assert_sent(
        0, "<acl:AddUserAclEntryEx_INPUT><acl:KerberosUserSid>AQUAAAAAAAUVAAAAVcoTQfagZTk1F8IXVgQAAA=="
           "</acl:KerberosUserSid><acl:AccessPermission>2</acl:AccessPermission><acl:Realms>2</acl:Realms>"
           "<acl:Realms>5</acl:Realms></acl:AddUserAclEntryEx_INPUT>");
}

static void the_admin_hash_is_sent_as_octets_not_as_text(void **state)
{
    static const char *const bodies[] = {
        "<g:SetAdminAclEntryEx_OUTPUT xmlns:g=\"" AMT
        "AMT_AuthorizationService\"><g:ReturnValue>0</g:ReturnValue>"
        "</g:SetAdminAclEntryEx_OUTPUT>",
        NULL,
    };
    AUTO(secret_free) struct secret *password = secret_from_text("P@ssw0rd");
    uint8_t a1[DIGEST_HASH_SIZE];

    (void)state;
    digest_a1("admin", "Digest:6EE8C61BA74893E059F032EA919D699E", password, a1);
    talk_to_device_that_answers(bodies);
    assert_true(wsman_admin_set(connection, "admin", a1, &err));
    hang_up();
    assert_sent(0, "<acl:Username>admin</acl:Username><acl:DigestPassword>6bBEyHXqZt/ayWUfu4gjMg==</"
                   "acl:DigestPassword>");
}

static int64_t a_time(void)
{
    return 1700000000;
}

/* AMT SDK: the new time is reckoned from the old one, which a Set that got through has moved already. */
static void the_clock_is_set_once_alone(void **state)
{
    static const char *const bodies[] = {
        "<g:AMT_TimeSynchronizationService xmlns:g=\"" AMT "AMT_TimeSynchronizationService\">"
        "<g:TimeSource>0</g:TimeSource></g:AMT_TimeSynchronizationService>",
        "<g:GetLowAccuracyTimeSynch_OUTPUT xmlns:g=\"" AMT "AMT_TimeSynchronizationService\">"
        "<g:Ta0>1190000000</g:Ta0><g:ReturnValue>0</g:ReturnValue></g:GetLowAccuracyTimeSynch_OUTPUT>",
        NULL,
    };
    int64_t offset_s;
    bool changed;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_false(wsman_time_synchronize(connection, a_time, 1, &offset_s, &changed, &err));
    assert_int_equal(err.reason, REASON_CONNECTION_LOST);
    hang_up();
    assert_int_equal(device.request_count, 3);
}

static void a_refused_method_names_itself_and_its_status(void **state)
{
    static const char *const bodies[] = {
        "<g:SetMEBxPassword_OUTPUT xmlns:g=\"" AMT
        "AMT_SetupAndConfigurationService\"><g:ReturnValue>2054</g:ReturnValue>"
        "</g:SetMEBxPassword_OUTPUT>",
        "<g:CommitChanges_OUTPUT xmlns:g=\"" AMT "AMT_SetupAndConfigurationService\"/>",
        "<g:Unprovision_OUTPUT xmlns:g=\"" AMT "AMT_SetupAndConfigurationService\"/>",
        NULL,
    };
    AUTO(secret_free) struct secret *password = secret_from_text("Aa1!<&>x");

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_false(wsman_setup_set_mebx_password(connection, password, &err));
    assert_string_equal(err.message,
                        "AMT_SetupAndConfigurationService.SetMEBxPassword returned 2054 (INVALID_PASSWORD): "
                        "the password does not meet "
                        "AMT's rules: 8 to 32 characters, with upper and lower case, a digit and a sign");
    assert_false(wsman_setup_commit(connection, &err));
    assert_int_equal(err.reason, REASON_MALFORMED_REPLY);
    assert_false(wsman_setup_unprovision(connection, &err));
    hang_up();
    assert_sent(0, "<setup:Password>Aa1!&lt;&amp;&gt;x</setup:Password>");
    assert_sent(1, "<setup:CommitChanges_INPUT></setup:CommitChanges_INPUT>");
    assert_sent(2, "<setup:ProvisioningMode>1</setup:ProvisioningMode>");
}

static void an_association_is_deleted_by_the_references_it_was_read_with(void **state)
{
    static const char *const bodies[] = {
        ENUMERATED("c-1"),
        PULLED("<h:AMT_TLSCredentialContext xmlns:h=\"" AMT
               "AMT_TLSCredentialContext\"><h:ElementInContext>" REFERENCE(
                   "AMT_PublicKeyCertificate", "InstanceID",
                   "Intel(r) AMT Certificate: Handle: 1") "</h:ElementInContext>"
                                                          "<h:ElementProvidingContext>" REFERENCE(
                                                              "AMT_TLSProtocolEndpointCollection",
                                                              "ElementName",
                                                              "A &amp; B") "</h:ElementProvidingContext></"
                                                                           "h:AMT_TLSCredentialContext>",
               END),
        "",
        NULL,
    };
    struct tls_credential credential;

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_tls_credential_get(connection, &credential, &err));
    assert_true(credential.present);
    assert_string_equal(credential.certificate_id, "Intel(r) AMT Certificate: Handle: 1");
    assert_string_equal(credential.collection, "A & B");
    assert_true(wsman_tls_credential_delete(connection, &credential, &err));
    hang_up();
    assert_sent(2, "<wsman:Selector Name=\"ElementInContext\"><wsa:EndpointReference>");
    assert_sent(2,
                "<wsman:Selector Name=\"InstanceID\">Intel(r) AMT Certificate: Handle: 1</wsman:Selector>");
    assert_sent(2, "<wsman:Selector Name=\"ElementName\">A &amp; B</wsman:Selector>");
}

static void the_one_time_password_loses_its_zeros(void **state)
{
    static const char *const bodies[] = {
        "<g:AMT_SetupAndConfigurationService xmlns:g=\"" AMT "AMT_SetupAndConfigurationService\">"
        "<g:ProvisioningServerOTP>WnE3LUxtMjlYdy5rAAAAAAAAAAAAAAAAAAAAAAAAAAA=</g:ProvisioningServerOTP>"
        "<g:ProvisioningState>1</g:ProvisioningState></g:AMT_SetupAndConfigurationService>",
        "<g:AMT_SetupAndConfigurationService xmlns:g=\"" AMT "AMT_SetupAndConfigurationService\">"
        "<g:ProvisioningServerOTP>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</g:ProvisioningServerOTP>"
        "<g:ProvisioningState>1</g:ProvisioningState></g:AMT_SetupAndConfigurationService>",
        "<g:GetUuid_OUTPUT xmlns:g=\"" AMT
        "AMT_SetupAndConfigurationService\"><g:UUID>Uhw6fwSbbU6hyA1eL2t6kA==</g:UUID>"
        "<g:ReturnValue>0</g:ReturnValue></g:GetUuid_OUTPUT>",
        NULL,
    };
    struct setup_service setup;
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];

    (void)state;
    talk_to_device_that_answers(bodies);
    assert_true(wsman_setup_get(connection, &setup, &err));
    assert_int_equal(setup.state, PROVISIONING_IN);
    assert_int_equal(secret_length(setup.otp), 12);
    assert_string_equal(secret_reveal(setup.otp), "Zq7-Lm29Xw.k");
    setup_service_clear(&setup);
    assert_true(wsman_setup_get(connection, &setup, &err));
    assert_null(setup.otp);
    setup_service_clear(&setup);
    assert_true(wsman_setup_uuid(connection, &uuid, &err));
    assert_string_equal(uuid_text(&uuid, text), "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90");
    hang_up();
}

/* XML that would cost memory or time, or that names things outside. */
static void hostile_xml_is_refused(void **state)
{
    static char deep[60000], wide[400000];
    static const char *const cases[] = {
        "",
        "<",
        "<a",
        "<?xml version=\"1.0\"?>",
        "<a:Envelope/>",
        "\xff\xfe<",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a:Envelope xmlns:a=\"http://schemas.xmlsoap.org/soap/envelope/\"><a:Body/></a:Envelope>",
        deep,
        wide,
    };

    (void)state;
    for (size_t i = 0; i + 4 < sizeof(deep); i += 3)
        memcpy(deep + i, "<a>", 3);
    memset(wide, 'a', sizeof(wide) - 1);
    wide[0] = '<';
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error refused = { 0 };
        char *description = NULL;

        if (wsman_describe(cases[i], strlen(cases[i]), &description, &refused))
            fail_msg("case %zu was understood: %s", i, description);
        assert_int_not_equal(refused.code, ERROR_NONE);
    }
}

/* Each certificate is compared with each key: a device that lists hundreds of both would keep a core busy. */
static void more_keys_than_any_amt_has_are_refused(void **state)
{
    static const char item[] = "<k:AMT_PublicPrivateKeyPair xmlns:k=\"" AMT "AMT_PublicPrivateKeyPair\">"
                               "<k:DERKey>AA==</k:DERKey><k:InstanceID>x</k:InstanceID>"
                               "</k:AMT_PublicPrivateKeyPair>";
    static char pages[3][7000];
    const char *bodies[] = { ENUMERATED("1"), pages[0], pages[1], pages[2], NULL };
    struct stored_key_list keys = { 0 };

    (void)state;
    for (size_t page = 0; page < COUNT_OF(pages); page++) {
        char *at = stpcpy(pages[page],
                          "<n:PullResponse xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">"
                          "<n:Items>");

        for (unsigned i = 0; i < 25; i++)
            at = stpcpy(at, item);
        strcpy(at,
               page == 2 ? "</n:Items>" END "</n:PullResponse>" : "</n:Items>" MORE("2") "</n:PullResponse>");
    }
    talk_to_device_that_answers(bodies);
    assert_false(wsman_keys_list(connection, &keys, &err));
    assert_non_null(strstr(err.message, "more keys"));
    hang_up();
}

/* gSOAP unpacks gzip wherever it meets it; 1 MiB of it may hold 1 GiB. */
static void a_compressed_answer_is_refused(void **state)
{
    static const char plain[] =
        "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\""
        " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
        " xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><a:Header>"
        "<b:Action>" AMT "AMT_SetupAndConfigurationService/SetMEBxPasswordResponse</b:Action>"
        "<c:ResourceURI>" AMT "AMT_SetupAndConfigurationService</c:ResourceURI></a:Header><a:Body>"
        "<g:SetMEBxPassword_OUTPUT xmlns:g=\"" AMT "AMT_SetupAndConfigurationService\">"
        "<g:ReturnValue>0</g:ReturnValue></g:SetMEBxPassword_OUTPUT></a:Body></a:Envelope>";
    unsigned char packed[1024];
    z_stream stream = { .next_in = (unsigned char *)plain,
                        .avail_in = sizeof(plain) - 1,
                        .next_out = packed,
                        .avail_out = sizeof(packed) };
    struct error refused = { 0 };
    char *description = NULL;

    (void)state;
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    assert_true(wsman_describe(plain, sizeof(plain) - 1, &description, &refused));
    free(description);
    assert_false(wsman_describe((const char *)packed, stream.total_out, &description, &refused));
    assert_int_equal(refused.code, ERROR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_sends_back_what_get_returned_with_the_changes),
        cmocka_unit_test(nothing_is_written_where_nothing_differs),
        cmocka_unit_test(an_enumeration_is_pulled_to_its_end),
        cmocka_unit_test(an_empty_enumeration_is_no_failure),
        cmocka_unit_test(an_enumeration_that_does_not_end_is_given_up),
        cmocka_unit_test(the_access_control_list_is_read_page_by_page),
        cmocka_unit_test(a_list_that_claims_more_than_it_has_ends),
        cmocka_unit_test(a_directory_entry_is_sent_as_sid_without_user),
        cmocka_unit_test(the_admin_hash_is_sent_as_octets_not_as_text),
        cmocka_unit_test(the_clock_is_set_once_alone),
        cmocka_unit_test(a_refused_method_names_itself_and_its_status),
        cmocka_unit_test(an_association_is_deleted_by_the_references_it_was_read_with),
        cmocka_unit_test(the_one_time_password_loses_its_zeros),
        cmocka_unit_test(hostile_xml_is_refused),
        cmocka_unit_test(more_keys_than_any_amt_has_are_refused),
        cmocka_unit_test(a_compressed_answer_is_refused),
    };

    return cmocka_run_group_tests(tests, make_identity, free_identity);
}
