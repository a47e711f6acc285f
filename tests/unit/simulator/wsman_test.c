/* WS-Management answers: well-formed, ordered, and refusing what firmware refuses. */
#include "../../simulator/fleet.h"
#include "../../simulator/wsman.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE "uuid=7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90 address=127.1.2.3 option15=example.com wifi=yes "

static const struct class *const tables[] = {
    setup_classes,    general_classes,     acl_classes,       key_classes,
    tls_classes,      redirection_classes, kerberos_classes,  power_classes,
    wireless_classes, wired_classes,       inventory_classes, crl_classes,
};

static struct device *make_device(const char *generation)
{
    struct device *device = NULL;
    struct error err = { 0 };
    char line[256];

    snprintf(line, sizeof(line), LINE "generation=%s", generation);
    if (!fleet_line(line, &device, &err))
        fail_msg("%s", err.message);
    return device;
}

static void run(struct device *device, const struct identity *identity, const char *action,
                const char *resource, const char *selectors, const char *body, struct answer *answer)
{
    struct text text = { 0 };
    struct request request;
    struct error err = { 0 };

    text_format(&text,
                "<x:Envelope xmlns:x=\"" NS_SOAP "\" xmlns:y=\"" NS_ADDRESSING "\" xmlns:w=\"" NS_MANAGEMENT
                "\"><x:Header><y:Action>%s</y:Action><y:MessageID>uuid:1</y:MessageID><w:ResourceURI>%s"
                "</w:ResourceURI>%s</x:Header><x:Body>%s</x:Body></x:Envelope>",
                action, resource, selectors, body);
    assert_true(request_parse(text.bytes, text.length, &request, &err));
    wsman_execute(device, identity, &request, answer);
    request_release(&request);
    text_release(&text);
}

static const struct identity administrator = { .user = "admin", .administrator = true };

static void run_method(struct device *device, const char *class, const char *method, const char *input,
                       struct answer *answer)
{
    struct text resource = { 0 }, action = { 0 }, body = { 0 };

    text_format(&resource, "%s%s", SCHEMA_AMT, class);
    text_format(&action, "%s/%s", resource.bytes, method);
    text_format(&body, "<m:%s_INPUT xmlns:m=\"%s\">%s</m:%s_INPUT>", method, resource.bytes, input, method);
    run(device, &administrator, action.bytes, resource.bytes, "", body.bytes, answer);
    text_release(&resource);
    text_release(&action);
    text_release(&body);
}

static void expect_return(struct device *device, const char *class, const char *method, const char *input,
                          uint32_t value)
{
    struct answer answer;
    char wanted[64];

    run_method(device, class, method, input, &answer);
    snprintf(wanted, sizeof(wanted), "<g:ReturnValue>%u</g:ReturnValue>", value);
    if (answer.status != 200 || !strstr(answer.body.bytes, wanted))
        fail_msg("%s.%s: %s", class, method, answer.body.bytes);
    answer_release(&answer);
}

static void expect_ordered(const char *class, const struct text *body)
{
    xmlDoc *document = xmlReadMemory(body->bytes, (int)body->length, NULL, NULL, 0);
    const xmlNode *instance, *previous = NULL;

    if (!document)
        fail_msg("%s: not well-formed: %s", class, body->bytes);
    instance = node_first(node_child(xmlDocGetRootElement(document), NS_SOAP, "Body"));
    assert_string_equal((const char *)instance->name, class);
    for (const xmlNode *node = node_first(instance); node; node = node_next(node)) {
        if (previous && strcmp((const char *)previous->name, (const char *)node->name) > 0)
            fail_msg("%s: %s comes after %s", class, node->name, previous->name);
        previous = node;
    }
    xmlFreeDoc(document);
}

static void expect_all_classes(const char *generation)
{
    struct device *device = make_device(generation);

    for (size_t i = 0; i < LENGTH(tables); i++)
        for (const struct class *class = tables[i]; class->name; class ++) {
            struct text resource = { 0 };
            struct answer answer;
            bool there = (!class->present || class->present(device)) && class_count(class, device);

            text_format(&resource, "%s%s", class->schema, class->name);
            run(device, &administrator, NS_TRANSFER "/Get", resource.bytes, "", "", &answer);
            assert_int_equal(answer.status, there ? 200 : 400);
            if (there)
                expect_ordered(class->name, &answer.body);
            else
                assert_non_null(strstr(answer.body.bytes, "b:DestinationUnreachable"));
            answer_release(&answer);
            text_release(&resource);
        }
    device_destroy(&device);
}

static void every_instance_is_well_formed_and_in_byte_order_of_its_names(void **state)
{
    static const char *const generations[] = { "3.2.1", "5.2",  "6.2",  "7.1",  "9.0",  "11.8",
                                               "12.0",  "14.0", "15.0", "16.1", "18.0", "19.0" };

    (void)state;
    for (size_t i = 0; i < LENGTH(generations); i++)
        expect_all_classes(generations[i]);
}

static void a_commit_without_clock_host_name_or_mebx_password_lacks_data(void **state)
{
    struct device *device = make_device("12.0");
    static const char setup[] = "AMT_SetupAndConfigurationService";

    (void)state;
    expect_return(device, setup, "CommitChanges", "", AMT_DATA_MISSING);
    replace_text(&device->general.host, "pc17");
    expect_return(device, setup, "CommitChanges", "", AMT_DATA_MISSING);
    expect_return(device, "AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch",
                  "<m:Ta0>1700000000</m:Ta0><m:Tm1>1700000000</m:Tm1><m:Tm2>1700000000</m:Tm2>", AMT_SUCCESS);
    expect_return(device, setup, "CommitChanges", "", AMT_DATA_MISSING);
    expect_return(device, setup, "SetMEBxPassword", "<m:Password>P@ssw0rd</m:Password>", AMT_SUCCESS);
    expect_return(device, setup, "CommitChanges", "", AMT_SUCCESS);
    assert_int_equal(device->state, STATE_POST);
    device_destroy(&device);
}

static void a_commit_with_local_tls_enabled_in_setup_does_nothing(void **state)
{
    struct device *device = make_device("11.8");

    (void)state;
    replace_text(&device->general.host, "pc17");
    device->clock_set = true;
    device->mebx_is_default = false;
    device->tls[TLS_LOCAL].enabled = true;
    device->credential = (int32_t)device_add_certificate(device, (const unsigned char *)"", 0)->handle;
    device->certificates[0].read_only = true;
    expect_return(device, "AMT_SetupAndConfigurationService", "CommitChanges", "", AMT_SUCCESS);
    assert_int_equal(device->state, STATE_IN);
    device_destroy(&device);
}

static void the_mebx_password_obeys_policy_and_rules(void **state)
{
    static const char *const weak[] = { "Ab1!",       "alllower1!",  "ALLUPPER1!",
                                        "NoDigits!!", "NoSpecial11", "Quote\"12a!",
                                        "Comma,12a!", "Colon:12a!",  "Under_score1" };
    struct device *device = make_device("9.0");
    char input[128];

    (void)state;
    for (size_t i = 0; i < LENGTH(weak); i++) {
        snprintf(input, sizeof(input), "<m:Password>%s</m:Password>", weak[i]);
        expect_return(device, "AMT_SetupAndConfigurationService", "SetMEBxPassword", input,
                      AMT_INVALID_PASSWORD);
    }
    expect_return(device, "AMT_SetupAndConfigurationService", "SetMEBxPassword",
                  "<m:Password>P@ssw0rd</m:Password>", AMT_SUCCESS);
    expect_return(device, "AMT_SetupAndConfigurationService", "SetMEBxPassword",
                  "<m:Password>P@ssw0rd2</m:Password>", AMT_NOT_PERMITTED);
    device_destroy(&device);
}

static void an_unknown_element_in_an_input_violates_the_schema(void **state)
{
    struct device *device = make_device("12.0");
    struct answer answer;

    (void)state;
    run_method(device, "AMT_KerberosSettingData", "SetCredentialCacheState", "<m:Enabled>true</m:Enabled>",
               &answer);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.body.bytes, "e:SchemaValidationError"));
    answer_release(&answer);
    run_method(device, "AMT_KerberosSettingData", "SetCredentialCacheState", "<m:Enable>perhaps</m:Enable>",
               &answer);
    assert_non_null(strstr(answer.body.bytes, "e:SchemaValidationError"));
    answer_release(&answer);
    device_destroy(&device);
}

static void acl_entries_keep_to_their_limits(void **state)
{
    static const char entry[] =
        "<m:DigestUsername>%s</m:DigestUsername><m:DigestPassword>%s</m:DigestPassword>"
        "<m:AccessPermission>2</m:AccessPermission><m:Realms>%u</m:Realms>";
    struct device *device = make_device("15.0");
    static const struct {
        const char *user, *password;
        unsigned realm, result;
    } cases[] = {
        { "one", "9la/FOMQLShU7fk9OV5nkg==", 3, AMT_SUCCESS },
        { "one", "9la/FOMQLShU7fk9OV5nkg==", 3, AMT_DUPLICATE },
        { "admin", "9la/FOMQLShU7fk9OV5nkg==", 3, AMT_DUPLICATE },
        { "$$two", "9la/FOMQLShU7fk9OV5nkg==", 3, AMT_INVALID_NAME },
        { "two:", "9la/FOMQLShU7fk9OV5nkg==", 3, AMT_INVALID_NAME },
        { "seventeenletters.", "9la/FOMQLShU7fk9OV5nkg==", 3, AMT_INVALID_NAME },
        { "two", "ZjY1NmJmMTRlMzEwMmQyODU0ZWRmOTNkMzk1ZTY3OTI=", 3, AMT_INVALID_PASSWORD },
        { "two", "9la/FOMQLShU7fk9OV5nkg==", 22, AMT_INVALID_REALM },
        { "two", "9la/FOMQLShU7fk9OV5nkg==", 24, AMT_INVALID_REALM },
    };
    char input[512];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        snprintf(input, sizeof(input), entry, cases[i].user, cases[i].password, cases[i].realm);
        expect_return(device, "AMT_AuthorizationService", "AddUserAclEntryEx", input, cases[i].result);
    }
    expect_return(device, "AMT_AuthorizationService", "RemoveUserAclEntry", "<m:Handle>1</m:Handle>",
                  AMT_NOT_PERMITTED);
    expect_return(device, "AMT_AuthorizationService", "RemoveUserAclEntry", "<m:Handle>9</m:Handle>",
                  AMT_INVALID_HANDLE);
    device_destroy(&device);
}

static void a_user_without_the_realm_is_denied(void **state)
{
    const struct identity reader = { .user = "reader", .realms = MAY(REALM_GENERAL_INFO) };
    struct device *device = make_device("15.0");
    struct answer answer;

    (void)state;
    run(device, &reader, NS_TRANSFER "/Get", SCHEMA_AMT "AMT_GeneralSettings", "", "", &answer);
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    run(device, &reader, NS_TRANSFER "/Get", SCHEMA_AMT "AMT_TLSSettingData", "", "", &answer);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.body.bytes, "e:AccessDenied"));
    answer_release(&answer);
    device_destroy(&device);
}

static void selectors_decide_which_instance_is_meant(void **state)
{
    static const char local[] = "<w:SelectorSet><w:Selector Name=\"InstanceID\">Intel(r) AMT LMS TLS Settings"
                                "</w:Selector></w:SelectorSet>";
    static const char unknown[] =
        "<w:SelectorSet><w:Selector Name=\"Nonsense\">1</w:Selector></w:SelectorSet>";
    static const char nobody[] =
        "<w:SelectorSet><w:Selector Name=\"InstanceID\">nobody</w:Selector></w:SelectorSet>";
    static const struct {
        const char *selectors, *found;
    } cases[] = {
        { local, "<g:InstanceID>Intel(r) AMT LMS TLS Settings" },
        { "", "<g:InstanceID>Intel(r) AMT 802.3 TLS Settings" },
        { unknown, "e:InvalidSelectors" },
        { nobody, "b:DestinationUnreachable" },
    };
    struct device *device = make_device("12.0");

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct answer answer;

        run(device, &administrator, NS_TRANSFER "/Get", SCHEMA_AMT "AMT_TLSSettingData", cases[i].selectors,
            "", &answer);
        assert_non_null(strstr(answer.body.bytes, cases[i].found));
        answer_release(&answer);
    }
    device_destroy(&device);
}

static void a_list_comes_in_several_pulls_and_a_used_context_is_void(void **state)
{
    static const char resource[] = SCHEMA_CIM "CIM_SoftwareIdentity";
    static const char pull[] =
        "<n:Pull xmlns:n=\"" NS_ENUMERATION "\"><n:EnumerationContext>01000000-0000-0000-0000-"
        "000000000000</n:EnumerationContext><n:MaxElements>999</n:MaxElements></n:Pull>";
    struct device *device = make_device("12.0");
    struct answer answer;

    (void)state;
    run(device, &administrator, NS_ENUMERATION "/Enumerate", resource, "",
        "<n:Enumerate xmlns:n=\"" NS_ENUMERATION "\"/>", &answer);
    assert_non_null(strstr(answer.body.bytes, "<g:EnumerationContext>01000000-0000-0000-0000-000000000000<"));
    answer_release(&answer);
    run(device, &administrator, NS_ENUMERATION "/Pull", resource, "", pull, &answer);
    assert_null(strstr(answer.body.bytes, "EndOfSequence"));
    answer_release(&answer);
    run(device, &administrator, NS_ENUMERATION "/Pull", resource, "", pull, &answer);
    assert_non_null(strstr(answer.body.bytes, "<g:EndOfSequence></g:EndOfSequence>"));
    answer_release(&answer);
    run(device, &administrator, NS_ENUMERATION "/Pull", resource, "", pull, &answer);
    assert_non_null(strstr(answer.body.bytes, "c:InvalidEnumerationContext"));
    answer_release(&answer);
    device_destroy(&device);
}

static void old_releases_lack_what_came_later(void **state)
{
    static const char *const later[] = { SCHEMA_CIM "CIM_KVMRedirectionSAP", SCHEMA_IPS "IPS_OptInService",
                                         SCHEMA_IPS "IPS_HostBasedSetupService", SCHEMA_CIM "CIM_WiFiPort" };
    struct device *device = make_device("3.2.1");
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < LENGTH(later); i++) {
        run(device, &administrator, NS_TRANSFER "/Get", later[i], "", "", &answer);
        assert_non_null(strstr(answer.body.bytes, "b:DestinationUnreachable"));
        answer_release(&answer);
    }
    run(device, &administrator, NS_TRANSFER "/Get", SCHEMA_AMT "AMT_GeneralSettings", "", "", &answer);
    assert_null(strstr(answer.body.bytes, "RmcpPingResponseEnabled"));
    assert_null(strstr(answer.body.bytes, "SharedFQDN"));
    assert_non_null(strstr(answer.body.bytes, "<g:WsmanOnlyMode>false</g:WsmanOnlyMode>"));
    answer_release(&answer);
    run_method(device, "AMT_PublicKeyManagementService", "GenerateKeyPair",
               "<m:KeyAlgorithm>0</m:KeyAlgorithm><m:KeyLength>2048</m:KeyLength>", &answer);
    assert_non_null(strstr(answer.body.bytes, "b:ActionNotSupported"));
    answer_release(&answer);
    device_destroy(&device);
}

static void what_is_not_an_envelope_is_no_request(void **state)
{
    static const char *const bad[] = { "", "<", "<a/>",
                                       "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"/>",
                                       "<!DOCTYPE x [<!ENTITY e \"e\">]><e:Envelope xmlns:e=\"" NS_SOAP
                                       "\"><e:Body/></e:Envelope>" };
    struct request request;
    struct error err;

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(request_parse(bad[i], strlen(bad[i]), &request, &err));
}

/* AMT SDK: AddCRL, ResetCRLList; room as an AMT 3.0.5 reports it. */
static void revoked_serial_numbers_are_kept_until_the_list_is_reset(void **state)
{
    struct device *device = make_device("11.8");
    struct text many = { 0 };

    (void)state;
    expect_return(
        device, "AMT_PublicKeyManagementService", "AddCRL",
        "<m:Url>urn:a</m:Url><m:SerialNumbers>AQID</m:SerialNumbers><m:SerialNumbers>BAUG</m:SerialNumbers>",
        AMT_SUCCESS);
    assert_string_equal(device->revocations[0].url, "urn:a");
    assert_int_equal(device->revocations[0].count, 2);
    expect_return(device, "AMT_PublicKeyManagementService", "AddCRL",
                  "<m:SerialNumbers>no base64</m:SerialNumbers>", AMT_INVALID_PARAMETER);
    for (unsigned i = 0; i < REVOCATIONS_LONGEST / 15 + 1; i++)
        text_append(&many, "<m:SerialNumbers>AAAAAAAAAAAAAAAAAAAA</m:SerialNumbers>");
    expect_return(device, "AMT_PublicKeyManagementService", "AddCRL", many.bytes, AMT_MAX_LIMIT_REACHED);
    assert_null(device->revocations[1].url);
    expect_return(device, "AMT_PublicKeyManagementService", "ResetCRLList", "", AMT_SUCCESS);
    assert_null(device->revocations[0].url);
    text_release(&many);
    device_destroy(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instance_is_well_formed_and_in_byte_order_of_its_names),
        cmocka_unit_test(a_commit_without_clock_host_name_or_mebx_password_lacks_data),
        cmocka_unit_test(a_commit_with_local_tls_enabled_in_setup_does_nothing),
        cmocka_unit_test(the_mebx_password_obeys_policy_and_rules),
        cmocka_unit_test(an_unknown_element_in_an_input_violates_the_schema),
        cmocka_unit_test(acl_entries_keep_to_their_limits),
        cmocka_unit_test(a_user_without_the_realm_is_denied),
        cmocka_unit_test(selectors_decide_which_instance_is_meant),
        cmocka_unit_test(a_list_comes_in_several_pulls_and_a_used_context_is_void),
        cmocka_unit_test(old_releases_lack_what_came_later),
        cmocka_unit_test(what_is_not_an_envelope_is_no_request),
        cmocka_unit_test(revoked_serial_numbers_are_kept_until_the_list_is_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
