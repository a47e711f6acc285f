/* What firmware's status codes and faults mean to us: spec O9, spec 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "firmware/status.h"

#define LATER RETRY_LATER
#define NEVER RETRY_NEVER

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
          "AMT_SetupAndConfigurationService.CommitChanges returned 2057 (DATA_MISSING): something that the "
          "commit needs is not set" },
        { "AMT_SetupAndConfigurationService", "SetMEBxPassword", 16, REASON_NOT_PERMITTED, ERROR_REFUSED,
          "AMT_SetupAndConfigurationService.SetMEBxPassword returned 16 (NOT_PERMITTED): the caller or the "
          "firmware's state does not allow it" },
        { "AMT_PublicKeyManagementService", "AddKey", 2058, REASON_FIRMWARE_STATUS, ERROR_CONFLICT,
          "AMT_PublicKeyManagementService.AddKey returned 2058 (DUPLICATE): an entry like it is there "
          "already" },
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
          "CIM_KVMRedirectionSAP.RequestStateChange returned 34849 (USER_CONSENT_REQUIRED): the person at "
          "the computer "
          "would have to allow it" },
        { "CIM_KVMRedirectionSAP", "RequestStateChange", 1, REASON_UNSUPPORTED, ERROR_REFUSED,
          "CIM_KVMRedirectionSAP.RequestStateChange returned 1 (not supported)" },
        { "IPS_HostBasedSetupService", "AdminSetup", 6, REASON_FLASH_WEAR, ERROR_UNREACHABLE, NULL },
        { "SecurityAdministration", "CertStoreAddKey", 2058, REASON_FIRMWARE_STATUS, ERROR_CONFLICT,
          "SecurityAdministration.CertStoreAddKey returned 2058 (DUPLICATE): an entry like it is there "
          "already" },
        { "SecurityAdministration", "CertStoreAddCertificate", 2068, REASON_FIRMWARE_STATUS, ERROR_CONFLICT,
          NULL },
        { "SecurityAdministration", "CommitChanges", 48, REASON_FIRMWARE_BUSY, ERROR_UNREACHABLE, NULL },
        { "NetworkTime", "SetHighAccuracyTimeSynch", 34, REASON_FIRMWARE_STATUS, ERROR_UNREACHABLE,
          "NetworkTime.SetHighAccuracyTimeSynch returned 34 (INVALID_TIME): the time lies before the "
          "firmware's own "
          "beginning of time: look at the service point's clock" },
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

/* AMT SDK, "Errors and return values", and the methods with numbers of their own: what each means to us, and
 * with that whether the job is tried again. */
static void every_status_has_its_reason_and_its_retry(void **state)
{
    static const struct {
        const char *class_name, *method;
        struct {
            uint32_t first, last;
            enum reason_code reason;
            enum reason_retry retry;
        } ranges[40];
    } tables[] = {
        { "AMT_AuthorizationService",
          "UpdateUserAclEntryEx",
          {
              { 1, 1, REASON_FIRMWARE_STATUS, LATER },       { 2, 2, REASON_FIRMWARE_BUSY, LATER },
              { 3, 10, REASON_FIRMWARE_STATUS, LATER },      { 11, 11, REASON_STORE_FULL, NEVER },
              { 12, 12, REASON_VALUE_REFUSED, NEVER },       { 13, 15, REASON_FIRMWARE_STATUS, LATER },
              { 16, 17, REASON_NOT_PERMITTED, NEVER },       { 18, 18, REASON_FIRMWARE_BUSY, LATER },
              { 19, 19, REASON_FIRMWARE_STATUS, LATER },     { 20, 20, REASON_NOT_PERMITTED, NEVER },
              { 21, 22, REASON_FIRMWARE_STATUS, LATER },     { 23, 23, REASON_STORE_FULL, NEVER },
              { 24, 24, REASON_VALUE_REFUSED, NEVER },       { 25, 25, REASON_FIRMWARE_STATUS, LATER },
              { 26, 28, REASON_VALUE_REFUSED, NEVER },       { 29, 29, REASON_UNSUPPORTED, NEVER },
              { 30, 32, REASON_FIRMWARE_STATUS, LATER },     { 33, 33, REASON_UNSUPPORTED, NEVER },
              { 34, 35, REASON_FIRMWARE_STATUS, LATER },     { 36, 37, REASON_VALUE_REFUSED, NEVER },
              { 38, 38, REASON_FLASH_WEAR, LATER },          { 39, 45, REASON_FIRMWARE_STATUS, LATER },
              { 46, 49, REASON_FIRMWARE_BUSY, LATER },       { 512, 513, REASON_NOT_PERMITTED, NEVER },
              { 1024, 1024, REASON_NOT_PERMITTED, NEVER },   { 2048, 2049, REASON_FIRMWARE_STATUS, LATER },
              { 2050, 2050, REASON_UNSUPPORTED, NEVER },     { 2051, 2053, REASON_FIRMWARE_STATUS, LATER },
              { 2054, 2054, REASON_VALUE_REFUSED, NEVER },   { 2055, 2055, REASON_UNSUPPORTED, NEVER },
              { 2056, 2056, REASON_FIRMWARE_STATUS, LATER }, { 2057, 2057, REASON_DATA_MISSING, NEVER },
              { 2058, 2060, REASON_FIRMWARE_STATUS, LATER }, { 2061, 2061, REASON_FIRMWARE_BUSY, LATER },
              { 2062, 2064, REASON_FIRMWARE_STATUS, LATER }, { 2065, 2065, REASON_STORE_FULL, NEVER },
              { 2066, 2066, REASON_UNSUPPORTED, NEVER },     { 2067, 2067, REASON_VALUE_REFUSED, NEVER },
              { 2068, 2068, REASON_FIRMWARE_STATUS, LATER }, { 2069, 2070, REASON_VALUE_REFUSED, NEVER },
          } },
        { "SecurityAdministration",
          "CertStoreAddKey",
          {
              { 2072, 2072, REASON_FIRMWARE_STATUS, LATER },
              { 2075, 2076, REASON_NOT_PERMITTED, NEVER },
              { 2081, 2081, REASON_NOT_PERMITTED, NEVER },
              { 2082, 2082, REASON_FIRMWARE_BUSY, LATER },
          } },
        { "CIM_KVMRedirectionSAP",
          "RequestStateChange",
          {
              { 1, 1, REASON_UNSUPPORTED, NEVER },
              { 2, 2, REASON_FIRMWARE_STATUS, LATER },
              { 3, 3, REASON_FIRMWARE_BUSY, LATER },
              { 4, 4, REASON_FIRMWARE_STATUS, LATER },
              { 5, 5, REASON_VALUE_REFUSED, NEVER },
              { 6, 6, REASON_FIRMWARE_BUSY, LATER },
              { 4097, 4097, REASON_FIRMWARE_STATUS, LATER },
              { 4098, 4098, REASON_UNSUPPORTED, NEVER },
              { 4099, 4099, REASON_FIRMWARE_BUSY, LATER },
              { 32768 + 16, 32768 + 16, REASON_NOT_PERMITTED, NEVER },
              { 32768 + 38, 32768 + 38, REASON_FLASH_WEAR, LATER },
          } },
        { "AMT_WiFiPortConfigurationService",
          "AddWiFiSettings",
          {
              { 1, 1, REASON_UNSUPPORTED, NEVER },
              { 2, 2, REASON_FIRMWARE_STATUS, LATER },
              { 3, 3, REASON_VALUE_REFUSED, NEVER },
              { 4, 4, REASON_FIRMWARE_STATUS, LATER },
              { 32768 + 23, 32768 + 23, REASON_STORE_FULL, NEVER },
          } },
        { "IPS_IEEE8021xSettings", "SetCertificates", { { 1, 1, REASON_FIRMWARE_STATUS, LATER } } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        for (size_t k = 0; k < COUNT_OF(tables[i].ranges) && tables[i].ranges[k].first; k++) {
            for (uint32_t status = tables[i].ranges[k].first; status <= tables[i].ranges[k].last; status++) {
                struct error err = { 0 };

                assert_false(status_check(tables[i].class_name, tables[i].method, status, &err));
                if (err.reason != tables[i].ranges[k].reason ||
                    reason_of(err.reason)->retry != tables[i].ranges[k].retry ||
                    strstr(err.message, "unknown status"))
                    fail_msg("%s, retry %d: %s", reason_of(err.reason)->name, reason_of(err.reason)->retry,
                             err.message);
            }
        }
    }
}

/* What provisioning may meet tells an operator more than a name in capitals (AMT SDK: values of the methods
 * that it calls). */
static void what_a_method_of_ours_may_return_is_said_in_words(void **state)
{
    static const uint32_t returned[] = { 1,    12,   16,   23,   32,   34,   35,   36,
                                         38,   2053, 2054, 2055, 2057, 2058, 2061, 2062,
                                         2063, 2065, 2066, 2075, 2076, 2081, 2082 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(returned); i++) {
        struct error err = { 0 };

        assert_false(status_check("AMT_SetupAndConfigurationService", "Some", returned[i], &err));
        assert_non_null(strstr(err.message, "): "));
        assert_true(*reason_of(err.reason)->remedy != '\0');
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
        cmocka_unit_test(every_status_has_its_reason_and_its_retry),
        cmocka_unit_test(what_a_method_of_ours_may_return_is_said_in_words),
        cmocka_unit_test(every_status_of_the_sdk_has_its_name),
        cmocka_unit_test(faults_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
