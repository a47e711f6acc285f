/*
 * bad_firmware_test.c - spec 11, third row: firmware that refuses, lies, hangs or breaks off.
 *
 * Once: the next attempt provisions the computer. Always: the job fails within its deadline, with step and
 * cause in SQL. Either way, other jobs are not affected.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

enum { FIRST_TRANSIENT = 0, FIRST_LASTING = 100 };

/* Every one of them is plugged in and says Hello before the first is looked at. */
static const char *const transient[] = {
    "drop-before 1",
    "drop-before 6",
    "drop-after at=AMT_PublicKeyManagementService.AddCertificate",
    "drop-after at=AMT_PublicKeyManagementService.GenerateKeyPair",
    "drop-after at=AMT_AuthorizationService.SetAdminAclEntryEx",
    "drop-after at=AMT_SetupAndConfigurationService.SetMEBxPassword",
    "drop-after at=AMT_SetupAndConfigurationService.CommitChanges",
    "drop-before at=AMT_SetupAndConfigurationService.CommitChanges",
    "drop-after at=AMT_GeneralSettings.Put",
    "drop-after at=AMT_TLSSettingData.Put",
    "drop-after at=AMT_RedirectionService.RequestStateChange",
    "stall 4",
    "garbage 5",
    "malformed-xml 6",
    "reset 3",
    "reset at=AMT_SetupAndConfigurationService.CommitChanges",
    "expire-nonce 4",
    "busy-keys 2",
    "huge-reply 5 4000000",
    "fault 4 InternalError",
    "return at=AMT_SetupAndConfigurationService.CommitChanges 1",
    "refuse-tls times=1",
};

static void firmware_that_fails_once_is_provisioned_by_a_later_attempt(void **state)
{
    struct site *site = *state;
    struct computer *computers = allocate(COUNT_OF(transient) * sizeof(*computers));
    struct error err = { 0 };

    for (size_t i = 0; i < COUNT_OF(transient); i++) {
        computer_plan(&computers[i], site, FIRST_TRANSIENT + (unsigned)i, i % 2 ? "9.0" : "16.1");
        must(computer_plug_in(site, &computers[i], &err, "hello=manual"));
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s %s", computers[i].uuid,
                               transient[i]));
    }
    must(computers_import(site, computers, COUNT_OF(transient), &err));
    for (size_t i = 0; i < COUNT_OF(transient); i++)
        say_hello(site, &computers[i]);
    for (size_t i = 0; i < COUNT_OF(transient); i++) {
        print_message("%s\n", transient[i]);
        expect_provisioned(site, &computers[i]);
    }
    free(computers);
}

static const struct {
    const char *misbehaviour, *status, *reasons; /* any of these codes */
} lasting[] = {
    { "refuse-tls", "", "tls-failed client-certificate-refused connection-lost" },
    { "401-forever", "detected", "no-account-accepted" },
    { "malformed-xml at=AMT_GeneralSettings.Get times=1000", "", "malformed-reply" },
    { "garbage 1 times=1000", "", "malformed-reply no-amt" },
    { "huge-reply at=AMT_GeneralSettings.Get 50000000 times=1000", "", "reply-too-large" },
    { "fault at=AMT_GeneralSettings.Get InternalError times=1000", "", "firmware-fault" },
    { "return at=AMT_SetupAndConfigurationService.CommitChanges 1 times=1000", "", "firmware-status" },
    { "return at=AMT_SetupAndConfigurationService.CommitChanges 2057 times=1000", "not provisioned",
      "data-missing" },
    { "return at=AMT_SetupAndConfigurationService.SetMEBxPassword 2054 times=1000", "", "value-refused" },
    { "return at=AMT_AuthorizationService.SetAdminAclEntryEx 16 times=1000", "", "not-permitted" },
    { "return at=AMT_PublicKeyManagementService.AddCertificate 23 times=1000", "", "store-full" },
    { "wrong-uuid", "detected", "wrong-uuid" },
    { "stall at=AMT_GeneralSettings.Get times=1000", "", "timeout time-up" },
    { "drip 400", "", "timeout time-up" },
    { "reset at=AMT_GeneralSettings.Get times=1000", "", "connection-lost" },
    { "drop-before at=AMT_GeneralSettings.Get times=1000", "", "connection-lost" },
};

/* Through Hello, attempts and retries to the end; without looking at the firmware's state. */
static void expect_failed(struct site *site, const struct computer *computer, size_t which)
{
    print_message("%s\n", lasting[which].misbehaviour);
    expect_sql(site, "failed t",
               "SELECT state || ' ' || (reason_code = ANY (string_to_array('%s', ' ')))::text::char(1)"
               " FROM amt.job WHERE uuid = '%s'",
               lasting[which].reasons, computer->uuid);
    expect_sql(site, "t",
               "SELECT reason_code <> '' AND length(reason) > 20 FROM amt.computer WHERE uuid = '%s'",
               computer->uuid);
    if (*lasting[which].status)
        expect_outcome(site, computer, lasting[which].status, lasting[which].reasons);
    expect_sql(site, "t",
               "SELECT count(*) > 0 FROM amt.job_step WHERE outcome = 'failed' AND reason_code <> '' AND"
               " job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
               computer->uuid);
}

static void firmware_that_always_fails_ends_with_its_cause_and_disturbs_nobody(void **state)
{
    struct site *site = *state;
    struct computer good, *computers = allocate(COUNT_OF(lasting) * sizeof(*computers));
    struct error err = { 0 };

    for (size_t i = 0; i < COUNT_OF(lasting); i++) {
        computer_plan(&computers[i], site, FIRST_LASTING + (unsigned)i, "12.0");
        must(computer_plug_in(site, &computers[i], &err, "hello=manual"));
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s %s", computers[i].uuid,
                               lasting[i].misbehaviour));
    }
    must(computers_import(site, computers, COUNT_OF(lasting), &err));
    for (size_t i = 0; i < COUNT_OF(lasting); i++)
        say_hello(site, &computers[i]);
    scenario_computer(site, &good, FIRST_LASTING + 50, "14.0", "hello=manual");
    say_hello(site, &good);
    expect_provisioned(site, &good);
    for (size_t i = 0; i < COUNT_OF(lasting); i++)
        expect_failed(site, &computers[i], i);
    free(computers);
}

/* Spec 6.1: whatever broke off where, a password in escrow opens the firmware. */
static void after_every_failure_escrow_still_opens_the_firmware(void **state)
{
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(lasting); i++) {
        struct error err = { 0 };
        struct computer computer;

        computer_plan(&computer, site, FIRST_LASTING + (unsigned)i, "12.0");
        must(proof_check_escrow(site, &computer, &err));
    }
}

/* PT_STATUS 38 (AMT SDK): the firmware spares its flash for hours; trying again at once would wear it more.
 */
static void a_firmware_that_spares_its_flash_is_tried_again_hours_later(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    scenario_computer(site, &computer, 201, "12.0", "hello=manual");
    must(simulator_control(site->simulator, NULL, &err,
                           "misbehave %s return at=AMT_SetupAndConfigurationService.CommitChanges 38",
                           computer.uuid));
    say_hello(site, &computer);
    expect_sql(
        site, "waiting flash-wear t",
        "SELECT concat_ws(' ', state, reason_code, (not_before > now() + interval '1 hour')::text::char(1))"
        " FROM amt.job WHERE uuid = '%s'",
        computer.uuid);
    sql_do(site, "UPDATE amt_store.job SET not_before = now() WHERE uuid = '%s'", computer.uuid);
    sql_do(site, "NOTIFY amt_job"); /* the hours are over */
    expect_provisioned(site, &computer);
}

static void a_computer_that_does_not_answer_is_tried_again(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    computer_plan(&computer, site, 200, "14.0"); /* imported and heard of, but nobody listens there */
    must(computers_import(site, &computer, 1, &err));
    sql_do(site, "UPDATE amt_store.computer SET address = '%s' WHERE uuid = '%s'", computer.address,
           computer.uuid);
    sql_do(site, "SELECT amt.request_job('%s')", computer.uuid);
    expect_sql(site, "unreachable", "SELECT reason_code FROM amt.job WHERE uuid = '%s'", computer.uuid);
    must(computer_plug_in(site, &computer, &err, "hello=manual"));
    say_hello_until(site, &computer, "done",
                    "SELECT state FROM amt.job WHERE uuid = '%s' ORDER BY id DESC LIMIT 1", computer.uuid);
    expect_provisioned(site, &computer);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "job.attempts = 4", "queue.heartbeat = 2s", NULL };
    static const char *const point_settings[] = { "firmware.request_timeout = 5s",
                                                  "firmware.slow_request_timeout = 10s",
                                                  "firmware.connect_timeout = 5s", NULL };
    static const char *const simulator_options[] = { "--key-pool", "8", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .point_settings = point_settings,
                                    .simulator_options = simulator_options };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firmware_that_fails_once_is_provisioned_by_a_later_attempt),
        cmocka_unit_test(firmware_that_always_fails_ends_with_its_cause_and_disturbs_nobody),
        cmocka_unit_test(after_every_failure_escrow_still_opens_the_firmware),
        cmocka_unit_test(a_firmware_that_spares_its_flash_is_tried_again_hours_later),
        cmocka_unit_test(a_computer_that_does_not_answer_is_tried_again),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
