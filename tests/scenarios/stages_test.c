/*
 * stages_test.c - spec O7 and O8, row by row: on firmware whose first stage goes over EOI, and on one whose
 * whole job goes over WS-Management. Wireless is in wireless_test.c.
 */
#include <string.h>

#include "support/expect.h"

static const struct {
    const char *generation, *words, *interface;
} kinds[] = { { "5.2", "hello=manual wsman-in-setup=no", "EOI" },
              { "14.0", "hello=manual", "WS-Management" } };

#define LAST_JOB "(SELECT last_job FROM amt.computer WHERE uuid = '%s')"

static void expect_step(struct site *site, const struct computer *computer, const char *number,
                        const char *name, const char *outcome)
{
    expect_sql(site, outcome,
               "SELECT concat_ws(' ', outcome, reason_code) FROM amt.job_step WHERE number = '%s' AND name ="
               " '%s' AND job = " LAST_JOB " ORDER BY attempt DESC LIMIT 1",
               number, name, computer->uuid);
}

/* A value of the firmware as JSON has it. */
static void expect_state(struct site *site, const struct computer *computer, const char *path,
                         const char *wanted)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };
    json_object *value;

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    value = json_at(state, path);
    assert_string_equal(value ? json_object_get_string(value) : "absent", wanted);
}

static void request(struct site *site, const struct computer *computer, const char *kind)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
    expect_sql(site, "done", "SELECT state FROM amt.job WHERE id = " LAST_JOB, computer->uuid);
}

/* ---- O7: the first stage ----------------------------------------------------------------------------- */

static const struct {
    const char *number, *step, *words;
    const char *outcome;
    const char *path, *value; /* what the firmware has then; NULL: what expect_provisioned() compares */
    const char *details[2];   /* in the step's, by kind; NULL: any */
} first_stage[] = {
    { "O7.1", "clock", "clock-offset=-31536000", "done", NULL, NULL, { "was -31536000 s off", "s off" } },
    { "O7.2",
      "names",
      "host=elsewhere domain=elsewhere.example.org",
      "done",
      NULL,
      NULL,
      { "was \"elsewhere\", \"elsewhere.example.org\"", "was \"elsewhere\", \"elsewhere.example.org\"" } },
    { "O7.3", "key pair", "", "done", NULL, NULL, { "made by the service point", "generated in firmware" } },
    { "O7.3", "certificate", "", "done", NULL, NULL, { NULL, NULL } },
    { "O7.3", "TLS", "", "done", "tls.effective.network.Enabled", "true", { NULL, NULL } },
    { "O7.4", "admin password", "", "done", "admin_is_default", "false", { NULL, NULL } },
    { "O7.5", "MEBx password", "", "done", NULL, NULL, { "set", "set" } },
    { "O7.5",
      "MEBx password",
      "mebx-policy=default-only mebx-password=Own3r.Set.It admin-password=admin",
      "skipped not-permitted",
      "mebx_password",
      "Own3r.Set.It",
      { NULL, NULL } },
    { "O7.6", "commit", "", "done", "provisioning_state", "2", { "provisioned", "provisioned" } },
};

static void expect_detail(struct site *site, const struct computer *computer, size_t row, const char *detail)
{
    expect_sql(site, "t",
               "SELECT detail LIKE '%%%s%%' FROM amt.job_step WHERE number = '%s' AND name = '%s' AND job "
               "= " LAST_JOB,
               detail, first_stage[row].number, first_stage[row].step, computer->uuid);
}

static void every_row_of_the_first_stage_reaches_the_firmware(void **state)
{
    struct site *site = *state;

    for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++) {
        for (unsigned row = 0; row < COUNT_OF(first_stage); row++) {
            AUTO(text_free) char *words = text_format("%s %s", kinds[kind].words, first_stage[row].words);
            struct computer computer;

            print_message("%s over %s: %s\n", first_stage[row].number, kinds[kind].interface,
                          first_stage[row].step);
            scenario_computer(site, &computer, kind * 50 + row, kinds[kind].generation, words);
            say_hello(site, &computer);
            expect_provisioned(site, &computer);
            expect_step(site, &computer, first_stage[row].number, first_stage[row].step,
                        first_stage[row].outcome);
            if (first_stage[row].path)
                expect_state(site, &computer, first_stage[row].path, first_stage[row].value);
            if (first_stage[row].details[kind])
                expect_detail(site, &computer, row, first_stage[row].details[kind]);
            expect_sql(site, "t",
                       "SELECT detail LIKE '%%over %s' FROM amt.job_step WHERE name = 'read state' AND job ="
                       " " LAST_JOB,
                       kinds[kind].interface, computer.uuid);
        }
    }
}

/* Steps are idempotent: what is there already is found, and not written again. */
static void a_second_job_finds_the_first_stage_done(void **state)
{
    static const char *const unchanged[][2] = { { "O7.1", "clock" },
                                                { "O7.2", "names" },
                                                { "O7.3", "key pair" },
                                                { "O7.3", "certificate" },
                                                { "O7.3", "TLS" } };
    struct site *site = *state;

    for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct computer computer;

        scenario_computer(site, &computer, 100 + kind, kinds[kind].generation, kinds[kind].words);
        say_hello(site, &computer);
        expect_provisioned(site, &computer);
        request(site, &computer, "provision");
        for (size_t i = 0; i < COUNT_OF(unchanged); i++)
            expect_step(site, &computer, unchanged[i][0], unchanged[i][1], "unchanged");
        expect_step(site, &computer, "O7.4", "admin password", "done"); /* a new one each time */
        expect_provisioned(site, &computer);
    }
}

/* Spec O7.5: "one strong password for all computers, as the reference has it". */
static void a_shared_mebx_password_is_that_of_all_computers_of_the_profile(void **state)
{
    static const char password[] = "Sh4red.Mebx.Word";
    struct site *site = *state;
    AUTO(text_free) char *path = site_path(site, "shared.profile");
    AUTO(text_free) char *password_path = site_path(site, "shared.password");
    struct error err = { 0 };

    must(file_write(path, "mebx password = shared\n", 0600, &err));
    must(file_write(password_path, password, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", "shared", path, "--mebx-password-file",
                     password_path, NULL));
    for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct computer computer;

        scenario_computer(site, &computer, 110 + kind, kinds[kind].generation, kinds[kind].words);
        must(site_amtctl(site, NULL, &err, "computer", "profile", "shared", computer.uuid, NULL));
        say_hello(site, &computer);
        expect_provisioned(site, &computer);
        expect_state(site, &computer, "mebx_password", password);
    }
}

/* ---- O8: the second stage ---------------------------------------------------------------------------- */

static const struct {
    const char *change; /* of the profile */
    const char *number, *step, *path;
    const char *values[2]; /* by kind; NULL: this kind has no such setting */
} second_stage[] = {
    { "{\"ping\": false}",
      "O8.2",
      "ping response",
      "general_settings.PingResponseEnabled",
      { "false", "false" } },
    { "{\"web_interface\": false}", "O8.2", "web interface", "web_ui", { "false", "false" } },
    { "{\"serial_over_lan\": false}", "O8.2", "redirection", "redirection.sol", { "false", "false" } },
    { "{\"ide_redirection\": false}", "O8.2", "redirection", "redirection.ider", { "false", "false" } },
    { "{\"kvm\": false}", "O8.2", "KVM", "kvm.enabled", { NULL, "false" } },
    { "{\"user_consent\": \"all\"}", "O8.2", "user consent", "optin.OptInRequired", { NULL, "4294967295" } },
    { "{\"power\": \"s0\"}",
      "O8.3",
      "power package",
      "power_scheme.description",
      { "Desktop: ON in S0", "Desktop: ON in S0" } },
};

static void every_row_of_the_second_stage_follows_the_profile(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct computer computer;

        sql_do(site, "SELECT amt.profile_set('rows%u', '{}')", kind);
        AUTO(text_free) char *profile = text_format("rows%u", kind);

        scenario_computer(site, &computer, 120 + kind, kinds[kind].generation, kinds[kind].words);
        must(site_amtctl(site, NULL, &err, "computer", "profile", profile, computer.uuid, NULL));
        say_hello(site, &computer);
        expect_outcome(site, &computer, "provisioned", "");
        for (size_t row = 0; row < COUNT_OF(second_stage); row++) {
            print_message("AMT %s: %s\n", kinds[kind].generation, second_stage[row].change);
            sql_do(site, "SELECT amt.profile_set('%s', '%s')", profile, second_stage[row].change);
            request(site, &computer, "update");
            if (!second_stage[row].values[kind])
                continue; /* "off" where there is none is no error */
            expect_step(site, &computer, second_stage[row].number, second_stage[row].step, "done");
            expect_state(site, &computer, second_stage[row].path, second_stage[row].values[kind]);
        }
    }
}

static void set_users(struct site *site, const char *profile, const char *users)
{
    AUTO(text_free) char *path = site_path(site, "users.profile");
    struct error err = { 0 };

    must(file_write(path, users, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", profile, path, NULL));
}

/* Spec O8.1: "existing entries deleted (system entries stay), then the profile's". */
static void the_access_control_list_is_that_of_the_profile_besides_the_system_s(void **state)
{
    static const char *const after[] = { "auditor", "desk", NULL };
    static const struct proof_profile wanted = { .ping = true,
                                                 .web_interface = true,
                                                 .serial_over_lan = true,
                                                 .ide_redirection = true,
                                                 .always_on = true,
                                                 .users = after };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct computer computer;

        set_users(site, "people", "user console = redirection\nuser desk = general-info\n");
        scenario_computer(site, &computer, 130 + kind, kinds[kind].generation, kinds[kind].words);
        must(site_amtctl(site, NULL, &err, "computer", "profile", "people", computer.uuid, NULL));
        say_hello(site, &computer);
        expect_outcome(site, &computer, "provisioned", "");
        set_users(site, "people", "user auditor = audit-log\nuser desk = general-info, hardware-asset\n");
        request(site, &computer, "provision");
        expect_step(site, &computer, "O8.1", "access control list", "done");
        must(proof_check(site, &computer, &wanted, &err));
        AUTO(json_close) json_object *firmware = NULL;

        must(simulator_state(site->simulator, computer.uuid, &firmware, &err));
        assert_string_equal(json_text_at(json_object_array_get_idx(json_at(firmware, "acl"), 0), "user"),
                            "$$uns");
    }
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", NULL };
    static const char *const simulator_options[] = { "--key-pool", "8", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .simulator_options = simulator_options };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_first_stage_reaches_the_firmware),
        cmocka_unit_test(a_second_job_finds_the_first_stage_done),
        cmocka_unit_test(a_shared_mebx_password_is_that_of_all_computers_of_the_profile),
        cmocka_unit_test(every_row_of_the_second_stage_follows_the_profile),
        cmocka_unit_test(the_access_control_list_is_that_of_the_profile_besides_the_system_s),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
