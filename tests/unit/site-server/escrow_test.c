/* Spec 6.1: what an offer holds, and which passwords the database has at every instant. */
#include <string.h>

#include "certificates/certificate.h"
#include "common/password.h"
#include "devices/history.h"
#include "devices/vault.h"
#include "tests/unit/site-server/jobs_site.h"

static void an_offer_holds_everything_and_its_passwords_are_in_escrow(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    const struct message_job_offer *job = &offer.job_offer;
    struct error err;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    assert_int_equal(offer.kind, MESSAGE_JOB_OFFER);
    assert_int_equal(job->id.attempt, 1);
    assert_string_equal(job->kind, "provision");
    assert_string_equal(job->address, "10.0.0.1");
    assert_int_equal(job->port, 16993);
    assert_string_equal(job->host_name, "pc1");
    assert_string_equal(job->domain, "example.org");
    assert_int_equal(job->root_hash_count, 1);
    expect_accounts(&offer, "empty factory");
    assert_int_equal(secret_length(job->accounts[0].password), 0);
    assert_string_equal(job->accounts[1].username, "admin");
    assert_string_equal(secret_reveal(job->accounts[1].password), "admin");
    assert_true(password_check(job->admin_password, &err));
    assert_true(password_check(job->mebx_password, &err));
    assert_string_equal(job->profile.name, "default");
    assert_true(job->profile.ping && job->profile.web_interface && job->profile.always_on);
    assert_false(job->profile.mutual_tls);
    expect_secret(1, "admin", "pending", job->admin_password);
    expect_secret(1, "mebx", "pending", job->mebx_password);
    expect("2", "SELECT count(*) FROM amt.secret_status WHERE maybe_on_device");
    expect("leased|1|a", "SELECT state || '|' || attempt || '|' || service_point FROM amt.job");
    expect_no_offer();
}

static void a_profile_goes_out_with_its_users(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    const struct profile *profile = &offer.job_offer.profile;
    char place[VAULT_PLACE_SIZE], sealed[400];

    (void)state;
    import(1);
    sql("SELECT amt.profile_set('branch', '{\"ping\": false, \"user_consent\": \"kvm\", \"mebx_password\": "
        "\"leave\","
        " \"first_stage\": \"wsman\", \"power\": \"s0\", \"tls\": \"mutual\"}')");
    sealed_of(vault_place_profile_user("branch", "helpdesk", place), "H3lp!desk", sealed);
    sql("SELECT amt.profile_user_set('branch', 'helpdesk', ARRAY['Redirection', 'RemoteControl'], 'both', "
        "%s)",
        sealed);
    sql("SELECT amt.profile_user_set('branch', 'admins', ARRAY['PTAdministration'], 'network', NULL,"
        " 'S-1-5-21-1091816021-962961654-398595893-1110')");
    sql("SELECT amt.set_profile_of('%s', 'branch')", text_of(1));
    hello(1, &our_root);
    take_offer(&offer);
    assert_false(profile->ping);
    assert_false(profile->always_on);
    assert_true(profile->mutual_tls);
    assert_int_equal(profile->user_consent, CONSENT_KVM);
    assert_int_equal(profile->first_stage, FIRST_STAGE_WSMAN);
    assert_null(offer.job_offer.mebx_password);
    assert_int_equal(profile->user_count, 2);
    assert_int_equal(profile->users[0].sid.length, 28);
    assert_string_equal(profile->users[1].username, "helpdesk");
    assert_string_equal(secret_reveal(profile->users[1].password), "H3lp!desk");
    assert_int_equal(profile->users[1].access, 2);
    assert_int_equal(profile->users[1].realm_count, 2);
    assert_int_equal(profile->users[1].realms[0], 2);
    assert_int_equal(profile->users[1].realms[1], 5);
}

static void the_shared_mebx_password_is_kept_for_each_computer(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    AUTO(secret_free) struct secret *shared = secret_from_text("Sh4red!mebx");
    char place[VAULT_PLACE_SIZE], sealed[400];

    (void)state;
    import(1);
    sql("SELECT amt.profile_set('default', '{\"mebx_password\": \"shared\"}')");
    hello(1, &our_root);
    expect_no_offer();
    expect("failed|profile-invalid", "SELECT state || '|' || reason_code FROM amt.job");
    sealed_of(vault_place_profile_mebx("default", place), "Sh4red!mebx", sealed);
    sql("SELECT amt.profile_mebx_set('default', %s)", sealed);
    hello(1, &our_root);
    take_offer(&offer);
    assert_true(secret_equal(offer.job_offer.mebx_password, shared));
    expect_secret(1, "mebx", "pending", shared);
}

#define HALF                                                                                                 \
    "ROW(NULL, '\\x000000000000000000000000', '\\x00000000000000000000000000000000', NULL)::amt.sealed"
#define SHORT "ROW('k', '\\x0000', '\\x00', NULL)::amt.sealed"

/* An operator may hand in what amtctl never would; the server must not stumble over it later. */
static void a_sealed_value_that_is_not_whole_is_refused(void **state)
{
    static const char *const calls[] = {
        "amt.profile_mebx_set('default', " HALF ")",
        "amt.profile_mebx_set('default', " SHORT ")",
        "amt.profile_user_set('default', 'user', '{Redirection}', 'network', " HALF ")",
        "amt.profile_user_set('default', 'user', '{Redirection}', 'network', " SHORT ")",
        "amt.account_add('name', 'admin', 1, " HALF ")",
        "amt.account_add('name', 'admin', 1, " SHORT ")",
        "amt.authority_set(repeat('a', 64), 's', '1', '\\x00', now(), now(), " SHORT ")",
        "amt.import_computer(gen_random_uuid(), 'pc', 'pc.example.org', NULL, " HALF ")",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        sql("DO $$ BEGIN PERFORM %s; RAISE EXCEPTION 'case %zu was taken'; "
            "EXCEPTION WHEN SQLSTATE 'AM003' THEN NULL; END $$",
            calls[i], i);
}

static void a_job_that_is_done_makes_the_computer_provisioned(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct step_report steps[] = {
        { (char *)"O4", (char *)"authenticate", 1700000000000, 1700000000500, STEP_DONE, REASON_NONE, NULL },
        { (char *)"O6", (char *)"directory account", 1700000000500, 1700000000501, STEP_SKIPPED,
          REASON_NO_DIRECTORY, (char *)"no directory configured" },
    };
    char *found[] = { (char *)"ping=on", (char *)"kvm=off" };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    MUST(history_record_steps(db, &(struct steps_of_attempt){ point_a, offer.job_offer.id, steps, 1 }, 1,
                              NULL, &error_of_call));
    finished = done_with(&offer);
    finished.steps = steps;
    finished.step_count = 2;
    finished.settings = found;
    finished.setting_count = 2;
    assert_int_equal(finish(&finished), REASON_NONE);
    assert_int_equal(finish(&finished), REASON_NONE); /* repeated: accepted again, nothing twice */
    expect("3|11.8.50.3425|true", "SELECT amt_status || '|' || firmware_version || '|' || (provisioned_at IS "
                                  "NOT NULL) FROM amt.computer");
    expect("done", "SELECT state FROM amt.job");
    expect("1 O4 done,2 O6 skipped", "SELECT string_agg(sequence || ' ' || number || ' ' || outcome, ',' "
                                     "ORDER BY sequence) FROM amt.job_step");
    expect("{ping=on,kvm=off}", "SELECT settings FROM amt.job_attempt");
    expect_secret(1, "admin", "active", offer.job_offer.admin_password);
    expect_secret(1, "mebx", "active", offer.job_offer.mebx_password);
}

static void a_second_attempt_offers_the_same_password_and_tries_it_first(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };
    AUTO(text_free) char *wanted = NULL;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&first);
    lose_lease(1);
    take_offer(&second);
    assert_int_equal(second.job_offer.id.attempt, 2);
    assert_true(secret_equal(first.job_offer.admin_password, second.job_offer.admin_password));
    assert_true(secret_equal(first.job_offer.mebx_password, second.job_offer.mebx_password));
    assert_int_equal(second.job_offer.account_count, 4); /* of unknown firmware the MEBx password, too */
    assert_true(secret_equal(second.job_offer.accounts[1].password, first.job_offer.admin_password));
    expect("1", "SELECT count(*) FROM amt.secret_status WHERE kind = 'admin'");
}

/* Refused at first, then perhaps set by an attempt that died: nothing else may open the firmware. */
static void a_refused_password_that_a_lost_attempt_may_have_set_is_tried_again(void **state)
{
    AUTO(message_free) struct message refusing = { 0 };
    AUTO(message_free) struct message again = { 0 };
    struct message_job_finished finished;
    char *refused[3];

    (void)state;
    import(1);
    hello(1, &our_root);
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        AUTO(message_free) struct message lost = { 0 };

        take_offer(attempt == 2 ? &refusing : &lost);
        if (attempt != 2) {
            lose_lease(1);
            continue;
        }
        assert_int_equal(refusing.job_offer.account_count, 4);
        for (size_t i = 0; i < COUNT_OF(refused); i++)
            refused[i] = refusing.job_offer.accounts[i].reference;
        finished = failed_with(&refusing, REASON_MORE_ACCOUNTS);
        finished.accounts_refused = refused;
        finished.accounts_refused_count = COUNT_OF(refused);
        assert_int_equal(finish(&finished), REASON_NONE);
        open_seconds_later(1);
    }
    take_offer(&again);
    assert_string_equal(again.job_offer.accounts[0].reference, refusing.job_offer.accounts[1].reference);
    assert_true(secret_equal(again.job_offer.accounts[0].password, again.job_offer.admin_password));
}

static void untouched_proves_nothing_about_an_earlier_attempt(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };
    AUTO(message_free) struct message third = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&first);
    finished = failed_with(&first, REASON_UNREACHABLE);
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("0",
           "SELECT count(*) FROM amt.secret_status WHERE maybe_on_device"); /* it never went to the device */
    open_seconds_later(1);
    take_offer(&second);
    lose_lease(1); /* nobody knows */
    take_offer(&third);
    finished = failed_with(&third, REASON_UNREACHABLE);
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("2", "SELECT count(*) FROM amt.secret_status WHERE maybe_on_device");
}

static void a_late_result_is_refused_but_its_password_is_kept(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };
    struct message_job_finished late;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&first);
    lose_lease(1);
    late = done_with(&first);
    assert_int_equal(finish(&late), REASON_STALE_ATTEMPT);
    take_offer(&second);
    assert_int_equal(finish(&late), REASON_STALE_ATTEMPT);
    expect("leased", "SELECT state FROM amt.job");
    expect("pending|true",
           "SELECT state || '|' || maybe_on_device FROM amt.secret_status WHERE kind = 'admin'");
    assert_int_equal(finish(&(struct message_job_finished){ .id = { 4711, 1 }, .done = true }),
                     REASON_STALE_ATTEMPT);
}

static void a_password_that_was_set_is_active_even_when_the_job_failed(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&first);
    finished = failed_with(&first, REASON_CONNECTION_LOST);
    finished.admin_password = PASSWORD_SET;
    finished.account_used = (char *)"empty";
    assert_int_equal(finish(&finished), REASON_NONE);
    expect_secret(1, "admin", "active", first.job_offer.admin_password);
    expect("2", "SELECT amt_status FROM amt.computer");
    open_seconds_later(1);
    take_offer(&second);
    assert_false(secret_equal(first.job_offer.admin_password, second.job_offer.admin_password));
    assert_true(secret_equal(second.job_offer.accounts[1].password, first.job_offer.admin_password));
    finished = done_with(&second);
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("active superseded",
           "SELECT string_agg(state, ' ' ORDER BY id DESC) FROM amt.secret_status WHERE kind = 'admin'");
}

static void the_secret_that_opened_the_device_becomes_the_active_one(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&first);
    lose_lease(1); /* it was done, but nobody heard */
    take_offer(&second);
    finished = done_with(&second);
    finished.admin_password = PASSWORD_UNTOUCHED;
    finished.mebx_password = PASSWORD_UNTOUCHED;
    finished.account_used = second.job_offer.accounts[1].reference;
    assert_int_equal(finish(&finished), REASON_NONE);
    expect_secret(1, "admin", "active", first.job_offer.admin_password);
    expect("3", "SELECT amt_status FROM amt.computer");
}

static void a_key_that_is_missing_holds_up_its_computer_only(void **state)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    (void)state;
    import(1);
    import(2);
    sql("INSERT INTO amt_store.secret (uuid, kind, state, maybe_on_device, key_id, nonce, ciphertext) VALUES"
        " ('%s', 'admin', 'pending', true, 'k19990101-abcd', '\\x000102030405060708090a0b', "
        "'\\x00112233445566778899aabbccddeeff')",
        text_of(1));
    hello(1, &our_root);
    hello(2, &our_root);
    dispatch(&offers);
    assert_int_equal(offers.count, 1);
    expect("secret-key-missing|waiting", "SELECT reason_code || '|' || state FROM amt.job WHERE uuid = '%s'",
           text_of(1));
    expect("1", "SELECT count(*) FROM amt.computer WHERE reason LIKE 'key k19990101-abcd is not in %%'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(an_offer_holds_everything_and_its_passwords_are_in_escrow),
        WITH_SITE(a_profile_goes_out_with_its_users),
        WITH_SITE(the_shared_mebx_password_is_kept_for_each_computer),
        WITH_SITE(a_job_that_is_done_makes_the_computer_provisioned),
        WITH_SITE(a_second_attempt_offers_the_same_password_and_tries_it_first),
        WITH_SITE(a_refused_password_that_a_lost_attempt_may_have_set_is_tried_again),
        WITH_SITE(untouched_proves_nothing_about_an_earlier_attempt),
        WITH_SITE(a_late_result_is_refused_but_its_password_is_kept),
        WITH_SITE(a_password_that_was_set_is_active_even_when_the_job_failed),
        WITH_SITE(the_secret_that_opened_the_device_becomes_the_active_one),
        WITH_SITE(a_key_that_is_missing_holds_up_its_computer_only),
        WITH_SITE(a_sealed_value_that_is_not_whole_is_refused),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
