/*
 * agent_firmware_test.c - the agent and the firmware under it: the MEI device as the driver's file (FUSE) and
 * as a socket, and what the firmware's network side then shows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware.h"
#include "support/expect.h"

enum { TIMEOUT_MS = 10000, SHORT_MS = 1500, SETUP_PORT = 16993, POLLS_MAX = 200, POLL_MS = 50 };

#define ROOT_SHA1   "1d0d304cd637cff33509609737418046ad99d45b"
#define ROOT_SHA256 "92ecf529aa2e2a895e71a5d3f3de76d685a7bbb36913a857e17a4864a2b9bb36"
#define OTP         "A2B3C4D5E6F7G2H3I4J5K6L7M2N3O4P5"

struct ground {
    struct workplace place;
    struct simulator *simulator;
    char *devices; /* directory */
    unsigned computers;
};

struct patient { /* a computer, and the agent's way to its firmware */
    char uuid[UUID_TEXT_SIZE];
    char *address, *device;
    struct firmware_settings settings;
    struct firmware *firmware;
};

static void plug_in(struct ground *ground, struct patient *patient, const char *generation, const char *words)
{
    bool old = strtoul(generation, NULL, 10) < 6;
    struct error err = { 0 };

    *patient = (struct patient){ .address = workplace_computer_address(&ground->place, ground->computers) };
    snprintf(patient->uuid, sizeof(patient->uuid), "7f3a1c52-9b04-4e6d-a1c8-%012x", ++ground->computers);
    patient->device = text_format("%s/%s", ground->devices, patient->uuid);
    patient->settings = (struct firmware_settings){ .device = patient->device,
                                                    .timeout_ms = TIMEOUT_MS,
                                                    .ready_ms = TIMEOUT_MS };
    must(simulator_control(ground->simulator, NULL, &err,
                           "add uuid=%s address=%s generation=%s state=pre hello=manual "
                           "option15=site.example.com hash=%s:%s %s",
                           patient->uuid, patient->address, generation, old ? "sha1" : "sha256",
                           old ? ROOT_SHA1 : ROOT_SHA256, words));
}

static void open_firmware(struct patient *patient)
{
    struct error err = { 0 };

    must(firmware_open(&patient->firmware, &patient->settings, &err));
}

static void unplug(struct patient *patient)
{
    firmware_close(&patient->firmware);
    text_free(&patient->address);
    text_free(&patient->device);
}

static json_object *network_side(struct ground *ground, const struct patient *patient)
{
    json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(ground->simulator, patient->uuid, &state, &err));
    return state;
}

static void misbehave(struct ground *ground, const struct patient *patient, const char *words)
{
    struct error err = { 0 };

    must(simulator_control(ground->simulator, NULL, &err, "misbehave %s %s", patient->uuid, words));
}

static bool port_open(const struct patient *patient)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(SETUP_PORT) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool open;

    assert_int_equal(inet_pton(AF_INET, patient->address, &to.sin_addr), 1);
    open = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return open;
}

static struct firmware_facts read_facts(struct patient *patient)
{
    struct firmware_facts facts;
    struct error err = { 0 };

    must(firmware_read(patient->firmware, &facts, &err));
    return facts;
}

static void set_otp(struct patient *patient)
{
    AUTO(secret_free) struct secret *otp = secret_from_text(OTP);
    struct error err = { 0 };

    must(firmware_set_otp(patient->firmware, otp, &err));
}

static void start(struct patient *patient)
{
    struct firmware_facts facts = read_facts(patient);
    struct error err = { 0 };

    must(firmware_start_configuration(patient->firmware, &facts, &err));
}

/* ---- what firmware says ---- */

static void every_generation_tells_its_host_what_it_is(void **state)
{
    struct ground *ground = *state;

    for (size_t i = 0; i < generation_count; i++) {
        unsigned major = (unsigned)strtoul(generations[i], NULL, 10);
        struct patient patient;
        struct firmware_facts facts;
        char uuid[UUID_TEXT_SIZE];

        plug_in(ground, &patient, generations[i], "");
        open_firmware(&patient);
        facts = read_facts(&patient);
        assert_string_equal(uuid_text(&facts.uuid, uuid), patient.uuid);
        assert_int_equal(facts.major, major);
        assert_memory_equal(host_version_of(&facts.versions, "AMT"), generations[i], 3);
        assert_int_equal(facts.state, HOST_STATE_PRE);
        assert_int_equal(facts.has_control_mode, major >= 6);
        assert_true(facts.has_wired && facts.wired.link_up);
        assert_int_equal(facts.hash_count, 1);
        assert_int_equal(facts.hashes[0].algorithm, major < 6 ? 1 : 2);
        assert_true(facts.hashes[0].active);
        unplug(&patient);
    }
}

static void custom_and_inactive_roots_are_told_apart(void **state)
{
    struct ground *ground = *state;
    struct patient patient;
    struct firmware_facts facts;

    plug_in(ground, &patient, "11.8",
            "hash=sha1:" ROOT_SHA1 ",custom,inactive suffix=stored.example.com wifi=yes");
    open_firmware(&patient);
    facts = read_facts(&patient);
    assert_int_equal(facts.hash_count, 2);
    assert_true(facts.hashes[0].is_default && facts.hashes[0].active);
    assert_false(facts.hashes[1].is_default || facts.hashes[1].active);
    assert_string_equal(facts.dns_suffix, "stored.example.com");
    assert_true(facts.has_wireless);
    unplug(&patient);
}

/* ---- one state, two sides ---- */

static void what_the_host_sets_is_what_the_network_side_holds(void **state)
{
    struct ground *ground = *state;
    struct error err = { 0 };

    for (size_t i = 0; i < generation_count; i++) {
        AUTO(json_close) json_object *seen = NULL;
        struct patient patient;

        plug_in(ground, &patient, generations[i], "");
        open_firmware(&patient);
        assert_false(port_open(&patient));
        set_otp(&patient);
        must(firmware_set_dns_suffix(patient.firmware, "lab.example.com", &err));
        must(firmware_set_host_fqdn(patient.firmware, "pc1.lab.example.com", &err));
        start(&patient);
        assert_true(port_open(&patient));
        seen = network_side(ground, &patient);
        assert_string_equal(json_text_at(seen, "otp"), OTP);
        assert_string_equal(json_text_at(seen, "suffix"), "lab.example.com");
        assert_string_equal(json_text_at(seen, "general_settings.HostOSFQDN"), "pc1.lab.example.com");
        assert_int_equal(json_number_at(seen, "provisioning_state"), HOST_STATE_IN);
        unplug(&patient);
    }
}

static void stopping_closes_the_network_and_forgets_the_password(void **state)
{
    struct ground *ground = *state;
    AUTO(json_close) json_object *seen = NULL;
    struct patient patient;
    struct error err = { 0 };
    uint32_t now = 99;

    plug_in(ground, &patient, "16.1", "");
    open_firmware(&patient);
    set_otp(&patient);
    start(&patient);
    must(firmware_stop_configuration(patient.firmware, &err));
    must(firmware_state(patient.firmware, &now, &err));
    assert_int_equal(now, HOST_STATE_PRE);
    assert_false(port_open(&patient));
    seen = network_side(ground, &patient);
    assert_null(json_at(seen, "otp"));
    must(firmware_stop_configuration(patient.firmware, &err)); /* it had not begun: fine */
    unplug(&patient);
}

/* Before 6.0 firmware makes no keys until a host has seeded its random generator. */
static void old_firmware_is_seeded_before_it_starts(void **state)
{
    struct ground *ground = *state;
    AUTO(json_close) json_object *before = NULL;
    AUTO(json_close) json_object *after = NULL;
    struct patient patient;

    plug_in(ground, &patient, "3.2.1", "");
    open_firmware(&patient);
    before = network_side(ground, &patient);
    assert_false(json_true_at(before, "rng_seeded"));
    start(&patient);
    after = network_side(ground, &patient);
    assert_true(json_true_at(after, "rng_seeded"));
    assert_int_equal(json_number_at(after, "provisioning_state"), HOST_STATE_IN);
    unplug(&patient);
}

static void the_window_closes_the_network_and_lets_the_host_begin_again(void **state)
{
    struct ground *ground = *state;
    AUTO(secret_free) struct secret *otp = secret_from_text(OTP);
    struct patient patient;
    struct error err = { 0 };
    int polls = 0;

    plug_in(ground, &patient, "12.0", "window=1");
    open_firmware(&patient);
    must(simulator_control(ground->simulator, NULL, &err, "set %s hello=schedule", patient.uuid));
    start(&patient);
    while (port_open(&patient) && polls++ < POLLS_MAX)
        wait_a_little(POLL_MS);
    assert_true(polls < POLLS_MAX);
    must(firmware_set_otp(patient.firmware, otp, &err));
    must(simulator_control(ground->simulator, NULL, &err, "set %s window=255", patient.uuid));
    start(&patient);
    assert_true(port_open(&patient));
    unplug(&patient);
}

/* ---- refusals ---- */

static void during_setup_and_afterwards_firmware_takes_no_password(void **state)
{
    static const struct {
        const char *words;
        bool begun;
    } cases[] = { { "", true }, { "state=post", false } };
    struct ground *ground = *state;
    AUTO(secret_free) struct secret *otp = secret_from_text(OTP);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = { 0 };
        struct patient patient;
        struct firmware_facts facts;

        plug_in(ground, &patient, "14.0", cases[i].words);
        open_firmware(&patient);
        if (cases[i].begun)
            start(&patient);
        assert_false(firmware_set_otp(patient.firmware, otp, &err));
        assert_int_equal(err.reason, REASON_FIRMWARE_STATUS);
        assert_non_null(strstr(err.message, "INVALID_AMT_MODE"));
        assert_null(strstr(err.message, OTP));
        assert_int_equal(firmware_last_status(patient.firmware), HOST_INVALID_MODE);
        facts = read_facts(&patient);
        assert_false(firmware_start_configuration(patient.firmware, &facts, &err));
        unplug(&patient);
    }
}

/* No cable, no suffix: firmware says that it is not ready, and goes on saying it. */
static void without_a_network_setup_does_not_begin(void **state)
{
    struct ground *ground = *state;
    struct patient patient;
    struct firmware_facts facts;
    struct error err = { 0 };

    plug_in(ground, &patient, "16.1", "link-down=yes");
    patient.settings.ready_ms = SHORT_MS;
    open_firmware(&patient);
    facts = read_facts(&patient);
    assert_false(facts.wired.link_up);
    assert_false(firmware_start_configuration(patient.firmware, &facts, &err));
    assert_non_null(strstr(err.message, "NOT_READY"));
    unplug(&patient);
}

static void a_computer_without_amt_is_told_from_one_without_the_driver(void **state)
{
    struct ground *ground = *state;
    struct patient patient;
    struct error err = { 0 };

    plug_in(ground, &patient, "16.1", "amt=absent");
    assert_false(firmware_open(&patient.firmware, &patient.settings, &err));
    assert_int_equal(err.reason, REASON_NO_AMT);
    patient.settings.device = "/nonexistent/mei0";
    assert_false(firmware_open(&patient.firmware, &patient.settings, &err));
    assert_int_equal(err.reason, REASON_NO_HOST_INTERFACE);
    unplug(&patient);
}

/* ---- AMT switched off by software ---- */

static void amt_that_is_switched_off_can_be_switched_on_since_16_1(void **state)
{
    struct ground *ground = *state;
    struct host_switch found;
    struct patient patient;
    struct error err = { 0 };

    plug_in(ground, &patient, "16.1", "amt=off");
    assert_false(firmware_open(&patient.firmware, &patient.settings, &err));
    assert_int_equal(err.reason, REASON_NO_AMT);
    must(firmware_switch(&patient.settings, &found, &err));
    assert_true(found.change_allowed && !found.amt_on);
    must(firmware_switch_on(&patient.settings, &err));
    open_firmware(&patient);
    read_facts(&patient);
    unplug(&patient);

    plug_in(ground, &patient, "15.0", "amt=off");
    assert_false(firmware_switch_on(&patient.settings, &err));
    assert_int_equal(err.reason, REASON_NOT_PERMITTED);
    unplug(&patient);
}

/* ---- busy, reset, silent ---- */

static void a_client_that_another_program_holds_is_waited_for(void **state)
{
    struct ground *ground = *state;
    struct patient patient;
    struct firmware *second = NULL;
    struct error err = { 0 };

    plug_in(ground, &patient, "16.1", "");
    misbehave(ground, &patient, "host-busy 2");
    open_firmware(&patient);
    patient.settings.timeout_ms = SHORT_MS;
    assert_false(firmware_open(&second, &patient.settings, &err));
    assert_int_equal(err.reason, REASON_FIRMWARE_BUSY);
    firmware_close(&patient.firmware);
    must(firmware_open(&second, &patient.settings, &err));
    firmware_close(&second);
    unplug(&patient);
}

/* Whatever is asked when the engine is reset: before it took effect, or after. */
static void a_reset_at_any_request_is_survived(void **state)
{
    static const char *const moments[] = { "GetCodeVersions",         "GetUUID",
                                           "GetCertificateHashEntry", "SetProvisioningServerOTP",
                                           "StartConfigurationEx",    "GetProvisioningState" };
    static const char *const kinds[] = { "host-reset", "host-reset-after" };
    struct ground *ground = *state;

    for (size_t i = 0; i < COUNT_OF(moments) * COUNT_OF(kinds); i++) {
        AUTO(text_free)
        char *words = text_format("%s at=PTHI.%s", kinds[i % COUNT_OF(kinds)], moments[i / COUNT_OF(kinds)]);
        AUTO(json_close) json_object *seen = NULL;
        struct patient patient;

        plug_in(ground, &patient, "16.1", "");
        misbehave(ground, &patient, words);
        misbehave(ground, &patient, "host-reset at=connect times=2"); /* and is not back at once */
        open_firmware(&patient);
        set_otp(&patient);
        start(&patient);
        seen = network_side(ground, &patient);
        assert_int_equal(json_number_at(seen, "provisioning_state"), HOST_STATE_IN);
        assert_string_equal(json_text_at(seen, "otp"), OTP);
        unplug(&patient);
    }
}

static void firmware_that_does_not_answer_costs_only_its_time(void **state)
{
    struct ground *ground = *state;
    struct patient patient;
    struct error err = { 0 };
    uint32_t now;

    plug_in(ground, &patient, "16.1", "");
    patient.settings.timeout_ms = SHORT_MS;
    open_firmware(&patient);
    misbehave(ground, &patient, "host-stall at=PTHI.GetProvisioningState");
    assert_false(firmware_state(patient.firmware, &now, &err));
    assert_int_equal(err.reason, REASON_TIMEOUT);
    must(firmware_state(patient.firmware, &now, &err)); /* the connection is a new one */
    misbehave(ground, &patient, "host-garbage at=PTHI.GetProvisioningState");
    assert_false(firmware_state(patient.firmware, &now, &err));
    assert_int_equal(err.reason, REASON_MALFORMED_REPLY);
    must(firmware_state(patient.firmware, &now, &err));
    unplug(&patient);
}

/* ---- the grounds ---- */

static void find_output(char output[4096])
{
    char *tests = NULL;
    ssize_t length = readlink("/proc/self/exe", output, 4095);

    output[length > 0 ? length : 0] = '\0';
    for (char *at = output; (at = strstr(at, "/tests/")); at++)
        tests = at;
    assert_non_null(tests);
    *tests = '\0';
}

static int begin(void **state, const char *kind)
{
    struct ground *ground = allocate(sizeof(*ground));
    AUTO(text_free) char *directory = text_format("%s.%s", program_invocation_name, kind);
    struct error err = { 0 };
    char output[4096];

    interrupts_catch();
    find_output(output);
    must(workplace_open(&ground->place, directory, false, &err));
    AUTO(text_free) char *program = text_format("%s/tests/amt-simulator", output);
    AUTO(text_free) char *fleet = workplace_path(&ground->place, "fleet");
    AUTO(text_free) char *control = workplace_path(&ground->place, "control");
    AUTO(text_free) char *log = workplace_path(&ground->place, "log");
    AUTO(text_free) char *nobody = text_format("127.%u.0.2:9971", ground->place.block);
    const char *argv[] = { program, "--fleet",    fleet, "--control", control, "--hello",
                           nobody,  "--key-pool", "2",   "--speed",   "36000", "--mei",
                           NULL,    "--mei-kind", kind,  NULL };

    argv[12] = ground->devices = workplace_path(&ground->place, "mei");
    must(file_write(fleet, "", 0600, &err));
    must(simulator_start(&ground->simulator, log, control, argv, &err));
    *state = ground;
    return 0;
}

static int begin_with_sockets(void **state)
{
    return begin(state, "socket");
}

/* Where FUSE cannot be mounted (a container without /dev/fuse) these are sockets once more. */
static int begin_with_files(void **state)
{
    return begin(state, "auto");
}

static int end(void **state)
{
    struct ground *ground = *state;

    simulator_stop(&ground->simulator);
    workplace_close(&ground->place);
    text_free(&ground->devices);
    free(ground);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_generation_tells_its_host_what_it_is),
        cmocka_unit_test(custom_and_inactive_roots_are_told_apart),
        cmocka_unit_test(what_the_host_sets_is_what_the_network_side_holds),
        cmocka_unit_test(stopping_closes_the_network_and_forgets_the_password),
        cmocka_unit_test(old_firmware_is_seeded_before_it_starts),
        cmocka_unit_test(the_window_closes_the_network_and_lets_the_host_begin_again),
        cmocka_unit_test(during_setup_and_afterwards_firmware_takes_no_password),
        cmocka_unit_test(without_a_network_setup_does_not_begin),
        cmocka_unit_test(a_computer_without_amt_is_told_from_one_without_the_driver),
        cmocka_unit_test(amt_that_is_switched_off_can_be_switched_on_since_16_1),
        cmocka_unit_test(a_client_that_another_program_holds_is_waited_for),
        cmocka_unit_test(a_reset_at_any_request_is_survived),
        cmocka_unit_test(firmware_that_does_not_answer_costs_only_its_time),
    };
    int failed = cmocka_run_group_tests_name("over files", tests, begin_with_files, end);

    return failed + cmocka_run_group_tests_name("over sockets", tests, begin_with_sockets, end);
}
