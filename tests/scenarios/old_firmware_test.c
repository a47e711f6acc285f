/*
 * old_firmware_test.c - spec O7 on firmware before 6.0, which is set up over AMT's older SOAP interface.
 */
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"

static const char *const old_generations[] = { "3.2.1", "5.2" };

static void use_first_stage(struct site *site, const struct computer *computer, const char *interface)
{
    struct error err = { 0 };
    AUTO(text_free) char *name = text_format("%s.profile", interface);
    AUTO(text_free) char *path = site_path(site, name);
    AUTO(text_free)
    char *settings = text_format("first stage = %s\nmebx password = random\n"
                                 "user console = redirection, remote-control, hardware-asset, general-info\n",
                                 interface);

    must(file_write(path, settings, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", interface, path, NULL));
    must(site_amtctl(site, NULL, &err, "computer", "profile", interface, computer->uuid, NULL));
}

#define OVER(interface)                                                                                      \
    "SELECT detail LIKE '%%over " interface "' FROM amt.job_step WHERE name = 'read state'"                  \
    " AND outcome = 'done' AND job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')"                  \
    " ORDER BY attempt DESC LIMIT 1"

static void old_firmware_is_set_up_over_its_older_interface(void **state)
{
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(old_generations); i++) {
        struct computer computer;

        scenario_computer(site, &computer, i, old_generations[i], "hello=manual");
        say_hello(site, &computer);
        expect_provisioned(site, &computer);
        expect_sql(site, "t", OVER("EOI"), computer.uuid);
        expect_sql(site, "done",
                   "SELECT outcome FROM amt.job_step WHERE number = 'O7.3' AND name = 'random seed'"
                   " AND job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
                   computer.uuid);
    }
}

/* What such firmware may do in setup, by the published descriptions. */
static void old_firmware_is_set_up_whatever_it_leaves_open(void **state)
{
    static const char *const words[] = { "hello=manual wsman-in-setup=no",
                                         "hello=manual wsman-in-setup=yes realm=random",
                                         "hello=manual wsman-in-setup=no realm=random",
                                         "hello=manual realm=uuid eoi-strict=yes" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(words); i++) {
        struct computer computer;

        print_message("%s\n", words[i]);
        scenario_computer(site, &computer, 20 + i, old_generations[i % 2], words[i]);
        say_hello(site, &computer);
        expect_provisioned(site, &computer);
    }
}

static void the_profile_chooses_the_interface(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 40, "6.2", "hello=manual");
    use_first_stage(site, &computer, "eoi");
    say_hello(site, &computer);
    expect_outcome(site, &computer, "provisioned", "");
    expect_sql(site, "t", OVER("EOI"), computer.uuid);
    scenario_computer(site, &computer, 41, "5.2", "hello=manual wsman-in-setup=yes");
    use_first_stage(site, &computer, "wsman");
    say_hello(site, &computer);
    expect_sql(site, "t", OVER("WS-Management"), computer.uuid);
    scenario_computer(site, &computer, 42, "9.0", "hello=manual");
    use_first_stage(site, &computer, "eoi");
    say_hello(site, &computer);
    expect_sql(site, "failed unsupported",
               "SELECT state || ' ' || reason_code FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_sql(
        site, "t",
        "SELECT reason LIKE '%%AMT 9.0%%set first_stage to auto%%' FROM amt.computer WHERE uuid = '%s'",
        computer.uuid);
}

static const char *const transient[] = {
    "drop-before 1",
    "drop-before 5",
    "drop-after at=NetworkTime.SetHighAccuracyTimeSynch",
    "drop-after at=NetworkAdministration.SetHostName",
    "drop-after at=SecurityAdministration.SetRngKey",
    "drop-after at=SecurityAdministration.CertStoreAddKey",
    "drop-after at=SecurityAdministration.CertStoreAddCertificate",
    "drop-after at=SecurityAdministration.SetTLSCredentials",
    "drop-after at=SecurityAdministration.SetTlsOptions",
    "drop-after at=SecurityAdministration.SetAdminAclEntryEx",
    "drop-after at=SecurityAdministration.SetMEBxPassword",
    "drop-after at=SecurityAdministration.CommitChanges",
    "drop-before at=SecurityAdministration.CommitChanges",
    "reset at=SecurityAdministration.CommitChanges",
    "return at=SecurityAdministration.CommitChanges 1",
    "fault at=SecurityAdministration.SetTlsOptions Server",
    "malformed-xml at=SecurityAdministration.CertStoreAddKey",
    "garbage 6",
    "stall 7",
    "expire-nonce 5",
    "huge-reply 5 4000000",
    "drop-after at=AMT_AuthorizationService.AddUserAclEntryEx",
};

/* Spec O7: each attempt reads first and finds what the one before has left. */
static void old_firmware_that_fails_once_is_provisioned_by_a_later_attempt(void **state)
{
    struct site *site = *state;
    struct computer *computers = allocate(COUNT_OF(transient) * sizeof(*computers));
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(transient); i++) {
        scenario_computer(site, &computers[i], 100 + i, old_generations[i % 2], "hello=manual");
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s %s", computers[i].uuid,
                               transient[i]));
    }
    for (unsigned i = 0; i < COUNT_OF(transient); i++)
        say_hello(site, &computers[i]);
    for (unsigned i = 0; i < COUNT_OF(transient); i++) {
        print_message("%s\n", transient[i]);
        expect_provisioned(site, &computers[i]);
    }
    free(computers);
}

/* The UUID is in the Digest realm, or in the inventory's table of the computer. */
static void another_computer_at_the_address_is_noticed(void **state)
{
    static const char *const words[] = { "hello=manual realm=uuid", "hello=manual realm=random" };
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(words); i++) {
        print_message("%s\n", words[i]);
        scenario_computer(site, &computer, 200 + i, "5.2", words[i]);
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s wrong-uuid", computer.uuid));
        say_hello(site, &computer);
        expect_outcome(site, &computer, "detected", "wrong-uuid");
        assert_int_equal(state_number(site, &computer, "counters.writes"), 0);
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "job.attempts = 5", "queue.heartbeat = 2s", NULL };
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
        cmocka_unit_test(old_firmware_is_set_up_over_its_older_interface),
        cmocka_unit_test(old_firmware_is_set_up_whatever_it_leaves_open),
        cmocka_unit_test(the_profile_chooses_the_interface),
        cmocka_unit_test(old_firmware_that_fails_once_is_provisioned_by_a_later_attempt),
        cmocka_unit_test(another_computer_at_the_address_is_noticed),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
