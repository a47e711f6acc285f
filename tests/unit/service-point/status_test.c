/* What firmware's status codes and faults mean to us: spec O9, spec 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "firmware/status.h"

static void zero_is_success_for_every_class(void **state)
{
    struct error err = { 0 };

    (void)state;
    assert_true(status_check("AMT_SetupAndConfigurationService", "CommitChanges", 0, &err));
    assert_true(status_check("CIM_KVMRedirectionSAP", "RequestStateChange", 0, &err));
    assert_true(status_check("IPS_OptInService", "StartOptIn", 0, &err));
    assert_true(status_check("AMT_RedirectionService", "RequestStateChange", 4096, &err));
    assert_int_equal(err.code, ERROR_NONE);
}

static void return_values_get_name_and_reason(void **state)
{
    static const struct {
        const char *class_name, *method;
        uint32_t value;
        enum reason_code reason;
        enum error_code code;
        const char *message;
    } cases[] = {
        { "AMT_SetupAndConfigurationService", "CommitChanges", 2057, REASON_DATA_MISSING, ERROR_REFUSED,
          "AMT_SetupAndConfigurationService.CommitChanges returned 2057 (DATA_MISSING)" },
        { "AMT_SetupAndConfigurationService", "SetMEBxPassword", 16, REASON_NOT_PERMITTED, ERROR_REFUSED,
          "AMT_SetupAndConfigurationService.SetMEBxPassword returned 16 (NOT_PERMITTED)" },
        { "AMT_PublicKeyManagementService", "AddKey", 2058, REASON_FIRMWARE_STATUS, ERROR_CONFLICT,
          "AMT_PublicKeyManagementService.AddKey returned 2058 (DUPLICATE)" },
        { "AMT_PublicKeyManagementService", "AddCertificate", 2068, REASON_FIRMWARE_STATUS, ERROR_CONFLICT,
          NULL },
        { "AMT_AuthorizationService", "GetUserAclEntryEx", 2068, REASON_FIRMWARE_STATUS, ERROR_UNREACHABLE,
          NULL },
        { "AMT_PublicKeyManagementService", "GenerateKeyPair", 2082, REASON_FIRMWARE_BUSY, ERROR_UNREACHABLE,
          NULL },
        { "AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", 38, REASON_FLASH_WEAR,
          ERROR_UNREACHABLE, NULL },
        { "AMT_AuthorizationService", "AddUserAclEntryEx", 23, REASON_STORE_FULL, ERROR_REFUSED, NULL },
        { "AMT_AuthorizationService", "AddUserAclEntryEx", 4711, REASON_FIRMWARE_STATUS, ERROR_UNREACHABLE,
          "AMT_AuthorizationService.AddUserAclEntryEx returned 4711 (unknown status)" },
        { "CIM_KVMRedirectionSAP", "RequestStateChange", 34849, REASON_NOT_PERMITTED, ERROR_REFUSED,
          "CIM_KVMRedirectionSAP.RequestStateChange returned 34849 (USER_CONSENT_REQUIRED)" },
        { "CIM_KVMRedirectionSAP", "RequestStateChange", 1, REASON_UNSUPPORTED, ERROR_REFUSED,
          "CIM_KVMRedirectionSAP.RequestStateChange returned 1 (not supported)" },
        { "IPS_HostBasedSetupService", "AdminSetup", 6, REASON_FLASH_WEAR, ERROR_UNREACHABLE, NULL },
        { "SecurityAdministration", "CertStoreAddKey", 2058, REASON_FIRMWARE_STATUS, ERROR_CONFLICT,
          "SecurityAdministration.CertStoreAddKey returned 2058 (DUPLICATE)" },
        { "SecurityAdministration", "CertStoreAddCertificate", 2068, REASON_FIRMWARE_STATUS, ERROR_CONFLICT,
          NULL },
        { "SecurityAdministration", "CommitChanges", 48, REASON_FIRMWARE_BUSY, ERROR_UNREACHABLE, NULL },
        { "NetworkTime", "SetHighAccuracyTimeSynch", 34, REASON_FIRMWARE_STATUS, ERROR_UNREACHABLE,
          "NetworkTime.SetHighAccuracyTimeSynch returned 34 (INVALID_TIME)" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = { 0 };

        assert_false(status_check(cases[i].class_name, cases[i].method, cases[i].value, &err));
        assert_int_equal(err.reason, cases[i].reason);
        assert_int_equal(err.code, cases[i].code);
        if (cases[i].message)
            assert_string_equal(err.message, cases[i].message);
    }
}

/* AMT SDK: the numbers that either interface may return; those from 2075 on came with AMT 4. */
static void every_status_of_the_sdk_has_its_name(void **state)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = { { 0, 49 }, { 2048, 2070 }, { 2072, 2072 }, { 2075, 2076 }, { 2081, 2082 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        for (uint32_t status = ranges[i].first; status <= ranges[i].last; status++) {
            if (strcmp(status_name(status), "unknown status") == 0)
                fail_msg("%u has no name", status);
        }
    }
    assert_string_equal(status_name(2071), "unknown status");
}

static void faults_are_told_apart(void **state)
{
    static const struct {
        struct firmware_fault fault;
        enum error_code code;
        enum reason_code reason;
    } cases[] = {
        { { NULL, "DestinationUnreachable", "No route", "" }, ERROR_ABSENT, REASON_UNSUPPORTED },
        { { NULL, "AlreadyExists", "", "" }, ERROR_CONFLICT, REASON_FIRMWARE_FAULT },
        { { NULL, "AccessDenied", "", "" }, ERROR_REFUSED, REASON_NOT_PERMITTED },
        { { NULL, "InternalError", "", "AMT-STATUS 38" }, ERROR_UNREACHABLE, REASON_FLASH_WEAR },
        { { NULL, "InternalError", "", "<x>AMT-STATUS: 2058</x>" }, ERROR_CONFLICT, REASON_FIRMWARE_STATUS },
        { { NULL, "InternalError", "", "AMT-STATUS" }, ERROR_UNREACHABLE, REASON_FIRMWARE_FAULT },
        { { NULL, "InternalError", "", "AMT-STATUS 99999999999999999999" },
          ERROR_UNREACHABLE,
          REASON_FIRMWARE_STATUS },
        { { NULL, NULL, NULL, NULL }, ERROR_UNREACHABLE, REASON_FIRMWARE_FAULT },
        { { NULL, "Client", "unknown operation", NULL }, ERROR_ABSENT, REASON_UNSUPPORTED },
        { { NULL, "Client.Authentication", "", NULL }, ERROR_ABSENT, REASON_UNSUPPORTED },
        { { NULL, "Server", "", NULL }, ERROR_UNREACHABLE, REASON_FIRMWARE_FAULT },
        { { NULL, "Clients", "", NULL }, ERROR_UNREACHABLE, REASON_FIRMWARE_FAULT },
        { { NULL, "SchemaValidationError", "bad", NULL }, ERROR_UNREACHABLE, REASON_FIRMWARE_FAULT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = { 0 };

        assert_false(status_fault("AMT_TLSCredentialContext", "Create", &cases[i].fault, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(err.reason, cases[i].reason);
        assert_non_null(strstr(err.message, "AMT_TLSCredentialContext.Create"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_success_for_every_class),
        cmocka_unit_test(return_values_get_name_and_reason),
        cmocka_unit_test(every_status_of_the_sdk_has_its_name),
        cmocka_unit_test(faults_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
