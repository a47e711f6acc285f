/*
 * job_kinds_test.c - jobs besides provision: update, discover, unprovision, rotate-passwords,
 * renew-certificate, sync-clock; one by one and in bulk. The simulator's write counter and state are the
 * proof (spec 5, 6, 8, 10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/expect.h"
#include "support/settings_table.h"

#define EVERYTHING_ON                                                                                        \
    "ping = on\nweb interface = on\nserial over lan = on\nide redirection = on\nkvm = on\n"                  \
    "user consent = none\npower = always-on\nmebx password = random\n"                                       \
    "user console = redirection, remote-control\nuser helpdesk = general-info\n"
#define EVERYTHING_OFF                                                                                       \
    "ping = off\nweb interface = off\nserial over lan = off\nide redirection = off\nkvm = off\n"             \
    "user consent = all\npower = s0\nmebx password = random\nuser auditor = audit-log\n"

#define WITHOUT_NETWORKS EVERYTHING_OFF "[wireless]\n[wired 802.1x]\nenabled = off\n"

static void set_profile(struct site *site, const char *name, const char *content, const char *passwords)
{
    AUTO(text_free) char *path = site_path(site, name);
    AUTO(text_free) char *password_path = text_format("%s.passwords", path);
    struct error err = { 0 };

    must(file_write(path, content, 0600, &err));
    must(file_write(password_path, passwords ? passwords : "", 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", name, path, "--password-file", password_path, NULL));
}

static void provision(struct site *site, struct computer *computer, unsigned index, const char *generation,
                      const char *words, const char *profile)
{
    struct error err = { 0 };

    scenario_computer(site, computer, index, generation, words);
    if (profile)
        must(site_amtctl(site, NULL, &err, "computer", "profile", profile, computer->uuid, NULL));
    say_hello(site, computer);
    expect_outcome(site, computer, "provisioned", "");
}

static void request(struct site *site, const struct computer *computer, const char *kind)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
}

/* Requests it and waits until it ended as wanted. */
#define run_job(site, computer, kind, wanted)                                                                \
    run_job_at(__FILE__, __LINE__, (site), (computer), (kind), (wanted))
static void run_job_at(const char *file, int line, struct site *site, const struct computer *computer,
                       const char *kind, const char *wanted)
{
    request(site, computer, kind);
    expect_sql_at(
        file, line, site, wanted,
        "SELECT CASE WHEN state IN ('waiting', 'leased') THEN 'open' ELSE concat_ws(' ', kind, state, "
        "reason_code) END FROM amt.job WHERE id = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
        computer->uuid);
}

static int64_t writes(struct site *site, const struct computer *computer)
{
    return state_number(site, computer, "counters.writes");
}

/* Names of the steps of the last job that changed something, in order. */
#define expect_changes(site, computer, wanted)                                                               \
    expect_sql((site), (wanted),                                                                             \
               "SELECT coalesce(string_agg(name, ', ' ORDER BY sequence), '') FROM amt.job_step WHERE "      \
               "number >= 'O6'"                                                                              \
               " AND outcome = 'done' AND name <> 'read back' AND job = (SELECT last_job FROM amt.computer"  \
               " WHERE uuid = '%s')",                                                                        \
               (computer)->uuid)

static size_t length_of(struct site *site, const struct computer *computer, const char *list)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    return json_object_array_length(json_at(state, list));
}

/* "certificates keys profiles users": what a job could leave behind in the firmware. */
static char *inventory(struct site *site, const struct computer *computer)
{
    return text_format("%zu certificates, %zu keys, %zu wireless profiles, %zu users",
                       length_of(site, computer, "certificates"), length_of(site, computer, "keys"),
                       length_of(site, computer, "wifi.profiles"), length_of(site, computer, "acl"));
}

static char *digest_of(struct site *site, const struct computer *computer, const char *user)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };
    json_object *acl;

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    acl = json_at(state, "acl");
    for (size_t i = 0; i < json_object_array_length(acl); i++) {
        json_object *entry = json_object_array_get_idx(acl, i);

        if (strcmp(json_text_at(entry, "user"), user) == 0)
            return text_copy(json_text_at(entry, "digest_hex"));
    }
    return text_copy("");
}

/* ---- update ---------------------------------------------------------------------------------------- */

/* A fleet of every generation, with all that a profile can say: nothing, then the one setting that changed.
 */
static void an_update_of_a_fleet_writes_nothing_but_what_changed(void **state)
{
    struct site *site = *state;
    struct computer *fleet = allocate(generation_count * sizeof(*fleet));
    int64_t *before = allocate(generation_count * sizeof(*before));
    struct error err = { 0 };

    must(everything_set(site, "steady", &err));
    for (size_t i = 0; i < generation_count; i++) {
        provision(site, &fleet[i], 200 + (unsigned)i, generations[i], "hello=manual " EVERYTHING_HARDWARE,
                  "steady");
        before[i] = writes(site, &fleet[i]);
    }
    for (size_t i = 0; i < generation_count; i++) {
        run_job(site, &fleet[i], "update", "update done");
        assert_int_equal(writes(site, &fleet[i]), before[i]);
        expect_changes(site, &fleet[i], "");
        expect_outcome(site, &fleet[i], "provisioned", "");
    }
    sql_do(site, "SELECT amt.profile_set('steady', '{\"ping\": false}')");
    for (size_t i = 0; i < generation_count; i++) {
        run_job(site, &fleet[i], "update", "update done");
        assert_int_equal(writes(site, &fleet[i]), before[i] + 1);
        expect_changes(site, &fleet[i], "ping response");
    }
    free(before);
    free(fleet);
}

static void an_update_writes_the_one_setting_that_changed(void **state)
{
    struct site *site = *state;
    struct computer computer;
    int64_t before;

    set_profile(site, "changing", EVERYTHING_ON, NULL);
    provision(site, &computer, 20, "12.0", "hello=manual", "changing");
    before = writes(site, &computer);
    sql_do(site, "SELECT amt.profile_set('changing', '{\"ping\": false}')");
    assert_int_equal(writes(site, &computer), before); /* spec 5: nothing changes until a job runs */
    run_job(site, &computer, "update", "update done");
    assert_int_equal(writes(site, &computer), before + 1);
    expect_changes(site, &computer, "ping response");
    sql_do(site, "SELECT amt.profile_set('changing', '{\"kvm\": false}')");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(writes(site, &computer), before + 2);
    expect_changes(site, &computer, "KVM");
}

static void a_user_s_changed_password_reaches_the_firmware_with_one_write(void **state)
{
    struct site *site = *state;
    struct computer computer;
    int64_t before;

    set_profile(site, "helpdesk", EVERYTHING_ON, "console:F1rst.Word\nhelpdesk:Th1rd.Word\n");
    provision(site, &computer, 21, "14.0", "hello=manual", "helpdesk");
    AUTO(text_free) char *console = digest_of(site, &computer, "console");
    AUTO(text_free) char *helpdesk = digest_of(site, &computer, "helpdesk");

    before = writes(site, &computer);
    set_profile(site, "helpdesk", EVERYTHING_ON, "console:S3cond.Word\n");
    run_job(site, &computer, "update", "update done");
    AUTO(text_free) char *console_after = digest_of(site, &computer, "console");
    AUTO(text_free) char *helpdesk_after = digest_of(site, &computer, "helpdesk");

    assert_string_not_equal(console, console_after);
    assert_string_equal(helpdesk, helpdesk_after);
    assert_int_equal(writes(site, &computer), before + 1);
    expect_changes(site, &computer, "access control list");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(writes(site, &computer), before + 1);
}

static void a_changed_passphrase_reaches_the_firmware_with_one_write(void **state)
{
    struct site *site = *state;
    static const char networks[] =
        EVERYTHING_ON "[wireless office]\nssid = office\npriority = 1\nauthentication = wpa2-psk\n";
    struct computer computer;
    int64_t before;

    set_profile(site, "wifi", networks, "wireless office:correct horse battery\n");
    provision(site, &computer, 26, "14.0", "hello=manual wifi=yes", "wifi");
    before = writes(site, &computer);
    run_job(site, &computer, "update", "update done");
    assert_int_equal(writes(site, &computer), before);
    set_profile(site, "wifi", networks, "wireless office:another horse battery\n");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(writes(site, &computer), before + 1);
    expect_changes(site, &computer, "wireless");
    run_job(site, &computer, "update", "update done");
    assert_int_equal(writes(site, &computer), before + 1);
    AUTO(json_close) json_object *firmware = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer.uuid, &firmware, &err));
    assert_string_equal(
        json_text_at(json_object_array_get_idx(json_at(firmware, "wifi.profiles"), 0), "passphrase"),
        "another horse battery");
}

/* The same password under another key of the key file is the same password. */
static void rotating_the_secret_key_makes_no_update_write(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    int64_t before;

    set_profile(site, "keyed", EVERYTHING_ON, NULL);
    provision(site, &computer, 22, "12.0", "hello=manual", "keyed");
    before = writes(site, &computer);
    must(site_amtctl(site, NULL, &err, "secret", "rotate-key", NULL));
    run_job(site, &computer, "update", "update done");
    assert_int_equal(writes(site, &computer), before);
}

struct alternation {
    const char *generation;
    const char *inventory_on, *inventory_off;
};

static void expect_profile(struct site *site, const struct computer *computer, const char *name,
                           const struct proof_profile *profile, const char *wanted)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "computer", "profile", name, computer->uuid, NULL));
    run_job(site, computer, "update", "update done");
    must(proof_check(site, computer, profile, &err));
    AUTO(text_free) char *now = inventory(site, computer);

    assert_string_equal(now, wanted);
}

/* On: the certificates are those of TLS, of 802.1X and of the RADIUS server's authority; 16.1 keeps its own
 * besides; the users are console, helpdesk and the system's own. */
static void profiles_that_alternate_leave_nothing_behind(void **state)
{
    static const struct alternation tried[] = {
        { "5.2", "3 certificates, 2 keys, 0 wireless profiles, 3 users",
          "1 certificates, 1 keys, 0 wireless profiles, 2 users" },
        { "9.0", "3 certificates, 2 keys, 2 wireless profiles, 3 users",
          "1 certificates, 1 keys, 0 wireless profiles, 2 users" },
        { "15.0", "3 certificates, 2 keys, 2 wireless profiles, 3 users",
          "1 certificates, 1 keys, 0 wireless profiles, 2 users" },
        { "16.1", "4 certificates, 2 keys, 2 wireless profiles, 3 users",
          "2 certificates, 1 keys, 0 wireless profiles, 2 users" },
    };
    static const char *const off_users[] = { "auditor", NULL };
    static const struct proof_profile off = { .users = off_users };
    struct site *site = *state;
    struct error err = { 0 };

    must(everything_set(site, "all-on", &err));
    set_profile(site, "all-off", WITHOUT_NETWORKS, NULL);
    for (unsigned i = 0; i < COUNT_OF(tried); i++) {
        AUTO(settings_table_free) struct settings_table *table = settings_table_new();
        struct computer computer;

        provision(site, &computer, 230 + i, tried[i].generation, "hello=manual " EVERYTHING_HARDWARE,
                  "all-on");
        for (unsigned round = 0; round < 5; round++) {
            expect_profile(site, &computer, "all-off", &off, tried[i].inventory_off);
            expect_profile(site, &computer, "all-on", &proof_of_everything, tried[i].inventory_on);
        }
        must(settings_table_add(table, site, &computer, &err));
        settings_table_print(table, stdout);
        assert_int_equal(settings_table_differences(table), 0);
    }
}

/* The import changed the name: names and certificate follow, and the old certificate is what proves the
 * computer. */
static void an_update_gives_a_renamed_computer_its_name_and_a_certificate_for_it(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 24, "12.0", "hello=manual", NULL);
    AUTO(text_free) char *before = inventory(site, &computer);

    snprintf(computer.short_name, sizeof(computer.short_name), "renamed");
    snprintf(computer.fqdn, sizeof(computer.fqdn), "renamed.%s", site->dns_suffix);
    must(computers_import(site, &computer, 1, &err));
    run_job(site, &computer, "update", "update done");
    expect_changes(site, &computer, "names, key pair, certificate, TLS, commit, clean up");
    must(proof_check(site, &computer, &proof_of_default_profile, &err));
    AUTO(text_free) char *after = inventory(site, &computer);

    assert_string_equal(after, before);
    expect_sql(site, computer.fqdn,
               "SELECT string_agg(fqdn, ' ') FROM amt.certificate WHERE uuid = '%s' AND state = 'active'",
               computer.uuid);
    run_job(site, &computer, "update", "update done");
    expect_changes(site, &computer, "");
}

/* ---- discover -------------------------------------------------------------------------------------- */

static void discovery_tells_status_and_version_and_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer provisioned, in_setup;
    int64_t before;

    provision(site, &provisioned, 30, "12.0", "hello=manual", NULL);
    before = writes(site, &provisioned);
    sql_do(site, "UPDATE amt_store.computer SET firmware_version = NULL, amt_status = 1 WHERE uuid = '%s'",
           provisioned.uuid);
    run_job(site, &provisioned, "discover", "discover done");
    expect_sql(site, "provisioned 12.0.67.1579",
               "SELECT amt_status_name || ' ' || firmware_version FROM amt.computer WHERE uuid = '%s'",
               provisioned.uuid);
    assert_int_equal(writes(site, &provisioned), before);

    scenario_computer(site, &in_setup, 31, "14.0", "hello=manual");
    sql_do(site, "UPDATE amt_store.computer SET address = '%s' WHERE uuid = '%s'", in_setup.address,
           in_setup.uuid);
    run_job(site, &in_setup, "discover", "discover done");
    expect_outcome(site, &in_setup, "not provisioned", "");
    assert_int_equal(writes(site, &in_setup), 0);
}

/* Spec 4: somebody else provisioned it. Its certificate is from an authority that we do not know. */
static void discovery_finds_what_others_provisioned(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 32, "12.0", "hello=manual", NULL);
    sql_do(site, "UPDATE amt_store.authority SET certificate = set_byte(certificate, 0, 0)");
    run_job(site, &computer, "discover", "discover done");
    sql_do(site,
           "UPDATE amt_store.authority SET certificate = set_byte(certificate, 0, 48)"); /* DER: SEQUENCE */
    expect_outcome(site, &computer, "externally provisioned", "already-provisioned");
    run_job(site, &computer, "discover", "discover done");
    expect_outcome(site, &computer, "provisioned", "");
}

/* ---- unprovision ----------------------------------------------------------------------------------- */

#define HELLO_VERDICT "SELECT concat_ws(' ', verdict, reason_code) FROM amt.hello WHERE uuid = '%s'"

static void expect_books_of_unprovisioned(struct site *site, const struct computer *computer)
{
    expect_outcome(site, computer, "not provisioned", "unprovisioned");
    expect_sql(
        site, "revoked 5",
        "SELECT string_agg(state || ' ' || revocation_reason, ', ') FROM amt.certificate WHERE uuid = '%s'",
        computer->uuid);
    expect_sql(
        site, "superseded",
        "SELECT string_agg(DISTINCT state, ' ') FROM amt.secret_status WHERE uuid = '%s' AND kind = 'admin'",
        computer->uuid);
    expect_sql(site, "t", "SELECT unprovisioned_at IS NOT NULL FROM amt.unprovisioned WHERE uuid = '%s'",
               computer->uuid);
}

/* Provisioned again on request only. */
static void expect_provisioned_on_request_only(struct site *site, const struct computer *computer)
{
    say_hello_until(site, computer, "discarded unprovisioned", HELLO_VERDICT, computer->uuid);
    expect_sql(site, "0", "SELECT count(*) FROM amt.job WHERE uuid = '%s' AND state IN ('waiting', 'leased')",
               computer->uuid);
    expect_outcome(site, computer, "not provisioned", "unprovisioned");
    run_job(site, computer, "provision", "provision done");
    expect_provisioned(site, computer);
    expect_sql(site, "0", "SELECT count(*) FROM amt.unprovisioned WHERE uuid = '%s'", computer->uuid);
}

static void an_unprovisioned_computer_stays_so_until_provision_is_requested(void **state)
{
    struct site *site = *state;
    struct computer computer;

    set_profile(site, "gone", EVERYTHING_ON, NULL);
    provision(site, &computer, 40, "12.0", "hello=manual", "gone");
    run_job(site, &computer, "unprovision", "unprovision done");
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 0);
    assert_int_equal(length_of(site, &computer, "keys"), 0);
    expect_books_of_unprovisioned(site, &computer);
    sql_do(site, "SELECT amt.set_profile_of('%s', 'default')", computer.uuid);
    expect_provisioned_on_request_only(site, &computer);
}

static void a_partly_unprovisioned_computer_opens_with_its_old_password(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 41, "14.0", "hello=manual challenge=yes", NULL);
    run_job(site, &computer, "unprovision-partially", "unprovision-partially done");
    assert_int_equal(state_number(site, &computer, "provisioning_state"), 1);
    AUTO(text_free) char *host = state_text(site, &computer, "general_settings.HostName");

    assert_string_equal(host, computer.short_name);
    expect_books_of_unprovisioned(site, &computer);
    expect_provisioned_on_request_only(site, &computer);
}

static void an_unprovisioning_whose_answer_is_lost_is_verified(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 42, "12.0", "hello=manual after-unprovision=in", NULL);
    must(simulator_control(site->simulator, NULL, &err,
                           "misbehave %s drop-after at=AMT_SetupAndConfigurationService.Unprovision",
                           computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision done");
    expect_books_of_unprovisioned(site, &computer);
    expect_sql(site, "1", "SELECT attempt FROM amt.job WHERE uuid = '%s' AND kind = 'unprovision'",
               computer.uuid);
}

/* The service point dies before it can tell; the next attempt meets the computer in setup and says so. */
static void an_unprovisioning_that_was_done_before_is_found_done(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 43, "12.0", "hello=manual after-unprovision=in restart-ms=1000", NULL);
    request(site, &computer, "unprovision");
    while (state_number(site, &computer, "provisioning_state") == 2)
        wait_a_little(20);
    process_kill(&site->points[0].process);
    must(site_start_point(site, 0, &err));
    expect_books_of_unprovisioned(site, &computer);
    expect_sql(site, "unchanged",
               "SELECT outcome FROM amt.job_step WHERE name = 'unprovision' AND job = (SELECT last_job FROM "
               "amt.computer"
               " WHERE uuid = '%s') ORDER BY attempt DESC LIMIT 1",
               computer.uuid);
}

/* The same, and the firmware has closed its ports: nothing but what was told before says that it was asked.
 */
static void an_unprovisioning_that_closed_the_ports_before_it_was_told_is_done(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 45, "12.0", "hello=manual after-unprovision=pre", NULL);
    request(site, &computer, "unprovision");
    while (state_number(site, &computer, "provisioning_state") == 2)
        wait_a_little(20);
    process_kill(&site->points[0].process);
    must(site_start_point(site, 0, &err));
    expect_books_of_unprovisioned(site, &computer);
    expect_sql(site, "lease-over, failed port-closed",
               "SELECT string_agg(concat_ws(' ', outcome, nullif(reason_code, 'lease-over')), ', ' ORDER BY "
               "attempt) FROM amt.job_attempt WHERE job = (SELECT last_job FROM amt.computer WHERE uuid = "
               "'%s')",
               computer.uuid);
    expect_sql(site, "done", "SELECT state FROM amt.job WHERE uuid = '%s' AND kind = 'unprovision'",
               computer.uuid);
}

static void a_computer_that_was_not_asked_is_not_taken_for_unprovisioned(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 46, "12.0", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "set %s link-down=yes", computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision failed port-closed");
    expect_sql(site, "provisioned", "SELECT amt_status_name FROM amt.computer WHERE uuid = '%s'",
               computer.uuid);
    must(simulator_control(site->simulator, NULL, &err, "set %s link-down=no", computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision done");
    expect_books_of_unprovisioned(site, &computer);
}

static void an_unprovisioning_that_the_firmware_refuses_fails_and_changes_nothing(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 44, "9.0", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "set %s auditor-lock=yes", computer.uuid));
    run_job(site, &computer, "unprovision", "unprovision failed not-permitted");
    expect_provisioned(site, &computer);
}

/* ---- rotate-passwords ------------------------------------------------------------------------------ */

static void expect_one_active_of_each(struct site *site, const struct computer *computer, const char *wanted)
{
    expect_sql(site, wanted,
               "SELECT string_agg(kind || ' ' || state || ' ' || count, ', ' ORDER BY kind, state) FROM "
               "(SELECT kind, state,"
               " count(*) FROM amt.secret_status WHERE uuid = '%s' GROUP BY kind, state) AS s",
               computer->uuid);
}

static void expect_mebx_in_escrow(struct site *site, const struct computer *computer)
{
    AUTO(text_free) char *password = state_text(site, computer, "mebx_password");
    AUTO(text_free) char *escrowed = NULL;
    struct error err = { 0 };

    must(site_amtctl(site, &escrowed, &err, "secret", "show", computer->uuid, "mebx", NULL));
    escrowed[strcspn(escrowed, "\n")] = '\0';
    assert_string_equal(password, escrowed);
}

static void rotation_gives_new_passwords_that_are_in_escrow(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 50, "12.0", "hello=manual mebx-policy=any", NULL);
    AUTO(text_free) char *admin = state_text(site, &computer, "admin_digest_hex");
    AUTO(text_free) char *mebx = state_text(site, &computer, "mebx_password");

    run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
    AUTO(text_free) char *admin_after = state_text(site, &computer, "admin_digest_hex");
    AUTO(text_free) char *mebx_after = state_text(site, &computer, "mebx_password");

    assert_string_not_equal(admin, admin_after);
    assert_string_not_equal(mebx, mebx_after);
    expect_one_active_of_each(site, &computer,
                              "admin active 1, admin superseded 1, mebx active 1, mebx superseded 1");
    expect_provisioned(site, &computer); /* with the admin password in escrow */
    expect_mebx_in_escrow(site, &computer);
    run_job(site, &computer, "update", "update done");
    expect_changes(site, &computer, "");
}

static void rotation_leaves_a_mebx_password_that_may_not_be_set(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 51, "14.0", "hello=manual mebx-policy=default-only", NULL);
    AUTO(text_free) char *mebx = state_text(site, &computer, "mebx_password");

    run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
    AUTO(text_free) char *mebx_after = state_text(site, &computer, "mebx_password");

    assert_string_equal(mebx, mebx_after);
    expect_mebx_in_escrow(site, &computer);
    expect_one_active_of_each(site, &computer,
                              "admin active 1, admin superseded 1, mebx active 1, mebx superseded 1");
    run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
    expect_mebx_in_escrow(site, &computer);
}

/* "If the answer is lost, try new, then old." */
static void a_rotation_whose_answer_is_lost_ends_with_the_password_in_escrow(void **state)
{
    static const char *const how[] = { "drop-after", "drop-before" };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(how); i++) {
        struct computer computer;
        int64_t failed;

        provision(site, &computer, 52 + i, "12.0", "hello=manual", NULL);
        failed = state_number(site, &computer, "counters.failed_logins");
        must(simulator_control(site->simulator, NULL, &err,
                               "misbehave %s %s at=AMT_AuthorizationService.SetAdminAclEntryEx times=1",
                               computer.uuid, how[i]));
        run_job(site, &computer, "rotate-passwords", "rotate-passwords done");
        must(proof_check_escrow(site, &computer, &err));
        assert_true(state_number(site, &computer, "counters.failed_logins") - failed <= 2);
        expect_sql(site, "1",
                   "SELECT count(*) FROM amt.secret_status WHERE uuid = '%s' AND kind = 'admin' AND state = "
                   "'active'",
                   computer.uuid);
    }
}

static void a_rotation_whose_service_point_dies_ends_with_the_password_in_escrow(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 54, "14.0", "hello=manual", NULL);
    AUTO(text_free) char *before = state_text(site, &computer, "admin_digest_hex");

    /* The answer never comes while the new password is in force already. */
    must(simulator_control(site->simulator, NULL, &err,
                           "misbehave %s stall at=AMT_SetupAndConfigurationService.SetMEBxPassword",
                           computer.uuid));
    request(site, &computer, "rotate-passwords");
    for (;;) {
        AUTO(text_free) char *now = state_text(site, &computer, "admin_digest_hex");

        if (strcmp(before, now) != 0)
            break;
        wait_a_little(20);
    }
    process_kill(&site->points[0].process);
    must(simulator_control(site->simulator, NULL, &err, "behave %s", computer.uuid));
    must(site_start_point(site, 0, &err));
    expect_sql(site, "done", "SELECT state FROM amt.job WHERE uuid = '%s' AND kind = 'rotate-passwords'",
               computer.uuid);
    must(proof_check_escrow(site, &computer, &err));
}

/* ---- renew-certificate ----------------------------------------------------------------------------- */

static void expect_renewed(struct site *site, const struct computer *computer, const char *before)
{
    struct error err = { 0 };
    AUTO(text_free) char *after = inventory(site, computer);

    assert_string_equal(after, before); /* the old certificate and its key are gone */
    must(proof_check(site, computer, &proof_of_default_profile, &err));
    expect_sql(site, "active, superseded",
               "SELECT string_agg(state, ', ' ORDER BY state) FROM amt.certificate WHERE uuid = '%s'",
               computer->uuid);
    expect_sql(
        site, "t",
        "SELECT (max(id) FILTER (WHERE state = 'active')) = max(id) FROM amt.certificate WHERE uuid = '%s'",
        computer->uuid);
}

static void a_renewed_certificate_has_a_new_key_and_the_old_pair_is_deleted(void **state)
{
    static const char *const tried[] = { "7.1", "12.0", "18.0" };
    struct site *site = *state;

    for (unsigned i = 0; i < COUNT_OF(tried); i++) {
        struct computer computer;

        provision(site, &computer, 60 + i, tried[i], "hello=manual", NULL);
        AUTO(text_free) char *before = inventory(site, &computer);

        wait_a_little(1100); /* certificates count in seconds */
        run_job(site, &computer, "renew-certificate", "renew-certificate done");
        expect_renewed(site, &computer, before);
        expect_sql(site, "2",
                   "SELECT count(DISTINCT key_fingerprint) FROM amt_store.certificate WHERE uuid = '%s'",
                   computer.uuid);
    }
}

/* Whatever call gets lost: in the end one certificate is served, and its pair is the only one. */
static void a_renewal_that_is_interrupted_leaves_nothing_behind(void **state)
{
    static const char *const lost[] = { "AMT_PublicKeyManagementService.GenerateKeyPair",
                                        "AMT_PublicKeyManagementService.AddCertificate",
                                        "AMT_TLSCredentialContext.Put",
                                        "AMT_SetupAndConfigurationService.CommitChanges",
                                        "AMT_PublicKeyCertificate.Delete" };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(lost); i++) {
        struct computer computer;

        provision(site, &computer, 65 + i, "12.0", "hello=manual", NULL);
        AUTO(text_free) char *before = inventory(site, &computer);

        wait_a_little(1100);
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s drop-after at=%s times=1",
                               computer.uuid, lost[i]));
        run_job(site, &computer, "renew-certificate", "renew-certificate done");
        expect_renewed(site, &computer, before);
    }
}

/* The firmware never hears the commit: the old certificate stays the one that proves it, also under a new
 * name. */
static void a_certificate_that_was_not_committed_is_by_the_next_attempt(void **state)
{
    static const char *const kinds[] = { "renew-certificate", "update" };
    struct site *site = *state;
    struct error err = { 0 };

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct computer computer;

        provision(site, &computer, 71 + i, "12.0", "hello=manual", NULL);
        AUTO(text_free) char *before = inventory(site, &computer);

        if (strcmp(kinds[i], "update") == 0) {
            snprintf(computer.short_name, sizeof(computer.short_name), "uncommitted");
            snprintf(computer.fqdn, sizeof(computer.fqdn), "uncommitted.%s", site->dns_suffix);
            must(computers_import(site, &computer, 1, &err));
        }
        wait_a_little(1100);
        must(simulator_control(
            site->simulator, NULL, &err,
            "misbehave %s drop-before at=AMT_SetupAndConfigurationService.CommitChanges times=1",
            computer.uuid));
        run_job(site, &computer, kinds[i], i == 0 ? "renew-certificate done" : "update done");
        expect_renewed(site, &computer, before);
        expect_sql(site, "2", "SELECT attempt FROM amt.job WHERE uuid = '%s' AND kind = '%s'", computer.uuid,
                   kinds[i]);
    }
}

/* Spec 8: the renewal date is known, and the site server keeps it by itself. */
static void a_certificate_past_its_renewal_date_is_renewed_without_being_asked(void **state)
{
    struct site *site = *state;
    struct computer computer;

    provision(site, &computer, 75, "14.0", "hello=manual", NULL);
    AUTO(text_free) char *before = inventory(site, &computer);

    wait_a_little(1100);
    sql_do(site, "UPDATE amt_store.certificate SET renew_at = now() - interval '1 second' WHERE uuid = '%s'",
           computer.uuid);
    sql_do(site, "SELECT pg_notify('amt_job', '')");
    expect_sql(site, "renew-certificate done certificate",
               "SELECT concat_ws(' ', kind, state, requested_by) FROM amt.job WHERE id = (SELECT last_job "
               "FROM amt.computer WHERE"
               " uuid = '%s')",
               computer.uuid);
    expect_renewed(site, &computer, before);
}

/* ---- sync-clock ------------------------------------------------------------------------------------ */

static void a_clock_that_went_wrong_is_set_once(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };
    int64_t before;

    provision(site, &computer, 80, "11.8", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "set %s clock-offset=-4000", computer.uuid));
    before = writes(site, &computer);
    run_job(site, &computer, "sync-clock", "sync-clock done");
    assert_int_equal(writes(site, &computer), before + 1);
    expect_provisioned(site, &computer); /* allows 2 s */
    run_job(site, &computer, "sync-clock", "sync-clock done");
    assert_int_equal(writes(site, &computer), before + 1);
}

/* ---- requests -------------------------------------------------------------------------------------- */

static void a_device_that_is_not_ours_gets_no_operational_job(void **state)
{
    struct site *site = *state;
    struct computer computer;
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };

    scenario_computer(site, &computer, 85, "12.0", "hello=manual");
    must(site_amtctl_result(site, &result, NULL,
                            (const char *[]){ "job", "request", "update", computer.uuid, NULL }, &err));
    assert_int_equal(result.exit_status, 1);
    assert_non_null(strstr(result.errors, "is not provisioned by this site"));
}

/* Its certificate must prove it before a password is tried. */
static void a_computer_that_lost_its_provisioning_is_told_no_password(void **state)
{
    struct site *site = *state;
    struct computer computer;
    struct error err = { 0 };

    provision(site, &computer, 86, "12.0", "hello=manual", NULL);
    must(simulator_control(site->simulator, NULL, &err, "reset %s", computer.uuid));
    run_job(site, &computer, "update", "update failed device-certificate-wrong");
    assert_int_equal(state_number(site, &computer, "counters.failed_logins"), 0);
    expect_outcome(site, &computer, "provisioned",
                   ""); /* what a job of another kind fails at is its own affair */
    run_job(site, &computer, "discover", "discover done");
    expect_outcome(site, &computer, "not provisioned", "");
}

static void jobs_are_requested_for_a_whole_profile_at_once(void **state)
{
    struct site *site = *state;
    struct computer computers[3];
    struct error err = { 0 };
    AUTO(text_free) char *told = NULL;
    AUTO(text_free) char *json = NULL;

    set_profile(site, "many", EVERYTHING_ON, NULL);
    for (unsigned i = 0; i < COUNT_OF(computers); i++)
        provision(site, &computers[i], 90 + i, "12.0", "hello=manual", "many");
    must(site_amtctl(site, NULL, &err, "computer", "block", computers[2].uuid, NULL));
    sql_do(site,
           "INSERT INTO amt_store.job (uuid, kind, requested_by, not_before, hello_ends_wait) VALUES ('%s', "
           "'sync-clock',"
           " 'test', now() + interval '1 hour', false)",
           computers[1].uuid);
    must(site_amtctl(site, &told, &err, "job", "request", "update", "--profile", "many", NULL));
    assert_string_equal(
        told,
        "1 requested, 1 skipped that have an open job, 1 left out: blocked, or not in a state for it\n");
    expect_sql(site, "update done",
               "SELECT kind || ' ' || state FROM amt.job WHERE id = (SELECT last_job FROM amt.computer WHERE"
               " uuid = '%s')",
               computers[0].uuid);
    sql_do(site, "SELECT amt.cancel_job(last_job) FROM amt.computer WHERE uuid = '%s'", computers[1].uuid);
    must(site_amtctl(site, &json, &err, "--json", "job", "request", "discover", "--profile", "many",
                     "--status", "provisioned", NULL));
    assert_string_equal(json, "{\"requested\": 2, \"with_open_job\": 0, \"left_out\": 1}\n");
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "queue.heartbeat = 1s", "job.lease = 15s", NULL };
    static const char *const point_settings[] = { "firmware.restart_wait = 5s", NULL };
    static const char *const simulator_options[] = { "--key-pool", "8", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .point_settings = point_settings,
                                    .simulator_options = simulator_options };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_of_a_fleet_writes_nothing_but_what_changed),
        cmocka_unit_test(an_update_writes_the_one_setting_that_changed),
        cmocka_unit_test(a_user_s_changed_password_reaches_the_firmware_with_one_write),
        cmocka_unit_test(a_changed_passphrase_reaches_the_firmware_with_one_write),
        cmocka_unit_test(rotating_the_secret_key_makes_no_update_write),
        cmocka_unit_test(profiles_that_alternate_leave_nothing_behind),
        cmocka_unit_test(an_update_gives_a_renamed_computer_its_name_and_a_certificate_for_it),
        cmocka_unit_test(discovery_tells_status_and_version_and_changes_nothing),
        cmocka_unit_test(discovery_finds_what_others_provisioned),
        cmocka_unit_test(an_unprovisioned_computer_stays_so_until_provision_is_requested),
        cmocka_unit_test(a_partly_unprovisioned_computer_opens_with_its_old_password),
        cmocka_unit_test(an_unprovisioning_whose_answer_is_lost_is_verified),
        cmocka_unit_test(an_unprovisioning_that_was_done_before_is_found_done),
        cmocka_unit_test(an_unprovisioning_that_closed_the_ports_before_it_was_told_is_done),
        cmocka_unit_test(a_computer_that_was_not_asked_is_not_taken_for_unprovisioned),
        cmocka_unit_test(an_unprovisioning_that_the_firmware_refuses_fails_and_changes_nothing),
        cmocka_unit_test(rotation_gives_new_passwords_that_are_in_escrow),
        cmocka_unit_test(rotation_leaves_a_mebx_password_that_may_not_be_set),
        cmocka_unit_test(a_rotation_whose_answer_is_lost_ends_with_the_password_in_escrow),
        cmocka_unit_test(a_rotation_whose_service_point_dies_ends_with_the_password_in_escrow),
        cmocka_unit_test(a_renewed_certificate_has_a_new_key_and_the_old_pair_is_deleted),
        cmocka_unit_test(a_renewal_that_is_interrupted_leaves_nothing_behind),
        cmocka_unit_test(a_certificate_that_was_not_committed_is_by_the_next_attempt),
        cmocka_unit_test(a_certificate_past_its_renewal_date_is_renewed_without_being_asked),
        cmocka_unit_test(a_clock_that_went_wrong_is_set_once),
        cmocka_unit_test(a_device_that_is_not_ours_gets_no_operational_job),
        cmocka_unit_test(a_computer_that_lost_its_provisioning_is_told_no_password),
        cmocka_unit_test(jobs_are_requested_for_a_whole_profile_at_once),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
