/* Jobs besides provision: what they bring, what they leave in the books (spec 5, 6, 8). */
#include <string.h>

#include "certificates/certificate.h"
#include "common/password.h"
#include "devices/history.h"
#include "devices/vault.h"
#include "jobs/renewal.h"
#include "tests/unit/site-server/jobs_site.h"

static void provision(unsigned number)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    import(number);
    hello(number, &our_root);
    take_offer(&offer);
    finished = done_with(&offer);
    assert_int_equal(finish(&finished), REASON_NONE);
    /* As if it had been a while ago: now() stands still in a test's transaction. */
    sql("UPDATE amt_store.secret SET activated_at = activated_at - interval '1 day', created_at = created_at "
        "-"
        " interval '1 day' WHERE uuid = '%s'",
        text_of(number));
    sql("UPDATE amt_store.computer SET provisioned_at = provisioned_at - interval '1 day' WHERE uuid = '%s'",
        text_of(number));
}

static void request(unsigned number, const char *kind)
{
    sql("SELECT amt.request_job('%s', '%s')", text_of(number), kind);
}

static void an_operational_job_brings_the_active_password_and_no_other_secret(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    char place[VAULT_PLACE_SIZE], sealed[400];

    (void)state;
    provision(1);
    sealed_of(vault_place_profile_user("default", "console", place), "Us3r!password", sealed);
    sql("SELECT amt.profile_user_set('default', 'console', ARRAY['Redirection'], 'network', %s)", sealed);
    request(1, "sync-clock");
    take_offer(&offer);
    assert_string_equal(offer.job_offer.kind, "sync-clock");
    assert_int_equal(offer.job_offer.account_count, 1);
    expect_secret(1, "admin", "active", offer.job_offer.accounts[0].password);
    assert_true(secret_equal(offer.job_offer.admin_password, offer.job_offer.accounts[0].password));
    assert_null(offer.job_offer.mebx_password);
    assert_int_equal(offer.job_offer.profile.user_count, 0);
    expect("1", "SELECT count(*) FROM amt.secret_status WHERE kind = 'admin'"); /* none was made */
}

static void a_job_for_provisioned_computers_is_refused_for_others(void **state)
{
    (void)state;
    import(1);
    expect("0|0|1",
           "SELECT requested || '|' || with_open_job || '|' || left_out FROM amt.request_jobs('update')");
    expect("0", "SELECT count(*) FROM amt.job");
    expect("1|0|0",
           "SELECT requested || '|' || with_open_job || '|' || left_out FROM amt.request_jobs('discover')");
    expect("0|1|0",
           "SELECT requested || '|' || with_open_job || '|' || left_out FROM amt.request_jobs('discover')");
}

static void a_failed_job_of_another_kind_leaves_the_computer_provisioned(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    (void)state;
    provision(1);
    request(1, "update");
    take_offer(&offer);
    finished = failed_with(&offer, REASON_WRONG_UUID);
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("failed|wrong-uuid", "SELECT state || '|' || reason_code FROM amt.job WHERE kind = 'update'");
    expect("3|none", "SELECT amt_status || '|' || coalesce(reason_code, 'none') FROM amt.computer");
}

static void a_discovered_status_is_the_computer_s(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    (void)state;
    provision(1);
    request(1, "discover");
    take_offer(&offer);
    finished = done_with(&offer);
    finished.admin_password = finished.mebx_password = PASSWORD_UNTOUCHED;
    finished.amt_status = STATUS_EXTERNALLY_PROVISIONED;
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("4|already-provisioned", "SELECT amt_status || '|' || reason_code FROM amt.computer");
}

static void a_rotation_makes_new_passwords_and_supersedes_the_old_ones(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    (void)state;
    provision(1);
    request(1, "rotate-passwords");
    take_offer(&offer);
    expect_secret(1, "admin", "pending", offer.job_offer.admin_password);
    expect_secret(1, "mebx", "pending", offer.job_offer.mebx_password);
    expect_secret(1, "admin", "active", offer.job_offer.accounts[0].password);
    finished = done_with(&offer);
    finished.account_used = offer.job_offer.accounts[0].reference;
    assert_int_equal(finish(&finished), REASON_NONE);
    expect_secret(1, "admin", "active", offer.job_offer.admin_password);
    expect_secret(1, "mebx", "active", offer.job_offer.mebx_password);
    expect("2", "SELECT count(*) FROM amt.secret_status WHERE state = 'superseded'");
}

/* The first attempt died without a word; firmware that takes a MEBx password only once refuses the second. */
static void finish_after_a_lost_attempt(const char *kind, enum mebx_found found)
{
    AUTO(message_free) struct message lost = { 0 };
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    if (strcmp(kind, "provision") == 0)
        hello(1, &our_root);
    else
        request(1, kind);
    take_offer(&lost);
    lose_lease(1);
    take_offer(&offer);
    finished = done_with(&offer);
    finished.account_used = offer.job_offer.accounts[0].reference;
    finished.mebx_password = PASSWORD_NOT_PERMITTED;
    finished.mebx_found = found;
    assert_int_equal(finish(&finished), REASON_NONE);
}

#define MEBX_STATES                                                                                          \
    "SELECT string_agg(state || ' ' || maybe_on_device, ', ' ORDER BY id) FROM amt.secret_status WHERE "     \
    "kind = 'mebx'"

static void a_mebx_password_found_changed_is_the_one_that_a_lost_attempt_set(void **state)
{
    (void)state;
    import(1);
    finish_after_a_lost_attempt("provision", MEBX_CHANGED);
    expect("active true", MEBX_STATES);
}

static void a_mebx_password_found_as_it_left_the_factory_was_not_set(void **state)
{
    (void)state;
    import(1);
    finish_after_a_lost_attempt("provision", MEBX_FACTORY);
    expect("superseded false", MEBX_STATES);
}

static void a_rotation_that_may_not_set_the_mebx_password_leaves_the_old_one_active(void **state)
{
    (void)state;
    provision(1);
    finish_after_a_lost_attempt("rotate-passwords", MEBX_CHANGED);
    expect("active true, superseded false", MEBX_STATES);
}

/* It may be the one that was imported, or ours: nobody knows, so both are kept. */
static void a_mebx_password_found_changed_is_not_taken_for_ours_when_one_was_imported(void **state)
{
    struct uuid uuid = uuid_of(1);
    char place[VAULT_PLACE_SIZE], sealed[400];

    (void)state;
    import(1);
    sealed_of(vault_place_computer(&uuid, "mebx", place), "Imp0rted!", sealed);
    sql("INSERT INTO amt_store.secret (uuid, kind, state, maybe_on_device, key_id, nonce, ciphertext)"
        " SELECT uuid, 'mebx', 'imported', true, (%s).key_id, (%s).nonce, (%s).ciphertext FROM amt.computer",
        sealed, sealed, sealed);
    finish_after_a_lost_attempt("provision", MEBX_CHANGED);
    expect("imported true, pending true", MEBX_STATES);
}

static void a_rotation_that_never_reported_tries_the_new_password_first(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };

    (void)state;
    provision(1);
    request(1, "rotate-passwords");
    take_offer(&first);
    lose_lease(1);
    take_offer(&second);
    assert_true(secret_equal(first.job_offer.admin_password, second.job_offer.admin_password));
    assert_int_equal(second.job_offer.account_count, 2);
    assert_true(secret_equal(second.job_offer.accounts[0].password, first.job_offer.admin_password));
    assert_true(secret_equal(second.job_offer.accounts[1].password, first.job_offer.accounts[0].password));
}

static void a_mebx_password_that_fits_is_not_handed_out_again_for_an_update(void **state)
{
    AUTO(message_free) struct message kept = { 0 };
    AUTO(message_free) struct message shared = { 0 };
    struct message_job_finished finished;
    char place[VAULT_PLACE_SIZE], sealed[400];

    (void)state;
    provision(1);
    request(1, "update");
    take_offer(&kept);
    assert_null(kept.job_offer.mebx_password);
    finished = done_with(&kept);
    finished.mebx_password = PASSWORD_UNTOUCHED;
    assert_int_equal(finish(&finished), REASON_NONE);
    sealed_of(vault_place_profile_mebx("default", place), "Sh4red!password", sealed);
    sql("SELECT amt.profile_mebx_set('default', %s); SELECT amt.profile_set('default', '{\"mebx_password\": "
        "\"shared\"}')",
        sealed);
    request(1, "update");
    take_offer(&shared);
    assert_string_equal(secret_reveal(shared.job_offer.mebx_password), "Sh4red!password");
}

static const struct user_entry *only_user(const struct message *offer)
{
    assert_int_equal(offer->job_offer.profile.user_count, 1);
    return &offer->job_offer.profile.users[0];
}

static void a_user_s_password_is_marked_until_the_computer_took_this_one(void **state)
{
    struct user_written written = { .username = (char *)"console" };
    char place[VAULT_PLACE_SIZE], sealed[3][400];

    (void)state;
    provision(1);
    vault_place_profile_user("default", "console", place);
    for (unsigned i = 0; i < COUNT_OF(sealed); i++)
        sealed_of(place, i == 2 ? "N3wer!password" : "Us3r!password", sealed[i]);
    for (unsigned round = 0; round < 4; round++) {
        /* Set; the same again; another place for the same, as key rotation does it; a new one. */
        static const bool changed[] = { true, false, false, true };
        AUTO(message_free) struct message offer = { 0 };
        struct message_job_finished finished;

        if (round == 0 || round == 3)
            sql("SELECT amt.profile_user_set('default', 'console', ARRAY['Redirection'], 'network', %s)",
                sealed[round == 0 ? 0 : 2]);
        if (round == 1)
            sql("SELECT amt.profile_user_set('default', 'console', ARRAY['Redirection', 'ACL'])");
        if (round == 2)
            sql("SELECT amt.sealed_replace('profile_user', 'default|console', (SELECT nonce FROM "
                "amt_store.profile_user), %s)",
                sealed[1]);
        request(1, "update");
        take_offer(&offer);
        assert_int_equal(only_user(&offer)->password_changed, changed[round]);
        finished = done_with(&offer);
        finished.mebx_password = PASSWORD_UNTOUCHED;
        written.password_version = only_user(&offer)->password_version;
        finished.users = changed[round] ? &written : NULL;
        finished.user_count = changed[round];
        assert_int_equal(finish(&finished), REASON_NONE);
    }
}

static void unprovision(unsigned number)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    request(number, "unprovision");
    take_offer(&offer);
    finished = done_with(&offer);
    finished.mebx_password = PASSWORD_UNTOUCHED;
    assert_int_equal(finish(&finished), REASON_NONE);
}

static void an_unprovisioned_computer_keeps_its_history_and_starts_no_job(void **state)
{
    (void)state;
    provision(1);
    unprovision(1);
    expect("2|unprovisioned", "SELECT amt_status || '|' || reason_code FROM amt.computer");
    expect("superseded|true",
           "SELECT state || '|' || maybe_on_device FROM amt.secret_status WHERE kind = 'admin'");
    expect("active", "SELECT state FROM amt.secret_status WHERE kind = 'mebx'"); /* the firmware keeps it */
    expect("2", "SELECT count(*) FROM amt.job WHERE state = 'done'");
    assert_int_equal(hello(1, &our_root), REASON_UNPROVISIONED);
    expect("2", "SELECT count(*) FROM amt.job");
    request(1, "provision");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
}

static void a_cancelled_unprovisioning_is_no_wish_any_more(void **state)
{
    (void)state;
    provision(1);
    request(1, "unprovision");
    assert_int_equal(hello(1, &our_root), REASON_UNPROVISIONED);
    sql("SELECT amt.cancel_job(last_job) FROM amt.computer");
    expect("0", "SELECT count(*) FROM amt.unprovisioned");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
}

/* The first attempt told this step, and that it failed or nothing more; the next one does not reach the
 * computer. */
static void an_unprovisioning_is_done_when_what_was_told_before_leaves_no_other_end(void **state)
{
    static const struct {
        const char *step;
        enum step_outcome outcome;
        enum reason_code first, next; /* REASON_NONE: it never reported */
        const char *job;
    } cases[] = {
        { "read state", STEP_DONE, REASON_NONE, REASON_PORT_CLOSED, "waiting port-closed" },
        { "begin", STEP_UNCHANGED, REASON_NONE, REASON_PORT_CLOSED, "waiting port-closed" },
        { "begin", STEP_DONE, REASON_NONE, REASON_UNREACHABLE, "waiting unreachable" },
        { "begin", STEP_DONE, REASON_NONE, REASON_TLS_FAILED, "waiting tls-failed" },
        { "begin", STEP_DONE, REASON_NONE, REASON_PORT_CLOSED, "done" },
        { "begin", STEP_DONE, REASON_SERVICE_POINT_STOPPING, REASON_PORT_CLOSED, "done" },
        { "begin", STEP_DONE, REASON_COMMIT_HAD_NO_EFFECT, REASON_PORT_CLOSED, "waiting port-closed" },
        { "unprovision", STEP_FAILED, REASON_NONE, REASON_PORT_CLOSED, "waiting port-closed" },
        { "unprovision", STEP_DONE, REASON_NONE, REASON_TLS_FAILED, "waiting tls-failed" },
        { "unprovision", STEP_DONE, REASON_NONE, REASON_UNREACHABLE, "done" },
        { "unprovision", STEP_UNCHANGED, REASON_NONE, REASON_PORT_CLOSED, "done" },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct step_report step = { .number = (char *)"O9",
                                    .name = (char *)cases[i].step,
                                    .outcome = cases[i].outcome };
        AUTO(message_free) struct message first = { 0 };
        AUTO(message_free) struct message offer = { 0 };
        struct message_job_finished finished;

        provision(1 + i);
        request(1 + i, "unprovision");
        take_offer(&first);
        MUST(history_record_steps(db, &(struct steps_of_attempt){ point_a, first.job_offer.id, &step, 1 }, 1,
                                  NULL, &error_of_call));
        if (cases[i].first == REASON_NONE) {
            lose_lease(1 + i);
        } else {
            finished = failed_with(&first, cases[i].first);
            assert_int_equal(finish(&finished), REASON_NONE);
            open_seconds_later(1 + i);
        }
        take_offer(&offer);
        finished = failed_with(&offer, cases[i].next);
        assert_int_equal(finish(&finished), REASON_NONE);
        expect(cases[i].job, "SELECT concat_ws(' ', state, reason_code) FROM amt.job WHERE id = %llu",
               (unsigned long long)offer.job_offer.id.job);
        expect(strcmp(cases[i].job, "done") == 0 ? "2 unprovisioned" : "3",
               "SELECT concat_ws(' ', amt_status, reason_code) FROM amt.computer WHERE uuid = '%s'",
               text_of(1 + i));
    }
}

static void a_hello_ends_what_waits_for_a_provisioned_computer_and_provisions_it(void **state)
{
    (void)state;
    provision(1);
    request(1, "update");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect("done, failed not-provisioned, waiting",
           "SELECT string_agg(concat_ws(' ', state, reason_code), ', ' ORDER BY id) FROM amt.job");
    expect("provision", "SELECT kind FROM amt.job WHERE state = 'waiting'");
}

static void certificates_that_are_due_are_renewed_once_and_failures_wait_a_day(void **state)
{
    size_t requested;
    bool more;

    (void)state;
    provision(1);
    sql("INSERT INTO amt_store.authority (fingerprint, subject, serial, certificate, key_id, nonce, "
        "ciphertext, state,"
        " not_before, not_after, created_by) VALUES (repeat('a', 64), 'CA', '01', '', 'k', "
        "decode(repeat('00', 12), 'hex'), decode(repeat('00', 16), 'hex'), 'active', "
        "now(),"
        " now() + interval '1 year', 'test');"
        "INSERT INTO amt_store.certificate (uuid, job, attempt, authority, serial, fqdn, key_fingerprint, "
        "fingerprint,"
        " certificate, state, not_before, not_after, renew_at) VALUES ('%s', 1, 1, repeat('a', 64), '02', "
        "'pc1', '', '', decode('3000', 'hex'),"
        " 'active', now(), now() + interval '1 day', now() - interval '1 second')",
        text_of(1));
    MUST(renewal_request(db, &requested, &more, &error_of_call));
    assert_int_equal(requested, 1);
    assert_false(more);
    expect("renew-certificate|waiting", "SELECT kind || '|' || state FROM amt.job ORDER BY id DESC LIMIT 1");
    MUST(renewal_request(db, &requested, &more, &error_of_call));
    assert_int_equal(requested, 0);
    sql("UPDATE amt_store.job SET state = 'failed', finished_at = now() WHERE state = 'waiting'");
    MUST(renewal_request(db, &requested, &more, &error_of_call));
    assert_int_equal(requested, 0);
    sql("UPDATE amt_store.job SET finished_at = now() - interval '25 hours' WHERE state = 'failed'");
    MUST(renewal_request(db, &requested, &more, &error_of_call));
    assert_int_equal(requested, 1);
    sql("UPDATE amt_store.job SET state = 'done', finished_at = now() WHERE state = 'waiting';"
        "UPDATE amt_store.certificate SET usage = 'client'");
    MUST(renewal_request(db, &requested, &more, &error_of_call));
    assert_int_equal(requested, 1);
    expect("update|waiting", "SELECT kind || '|' || state FROM amt.job ORDER BY id DESC LIMIT 1");
    sql("UPDATE amt_store.job SET state = 'done', finished_at = now() WHERE state = 'waiting'");
    MUST(renewal_request(db, &requested, &more, &error_of_call));
    assert_int_equal(requested, 0); /* an update that was of no use is not repeated in a circle */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(an_operational_job_brings_the_active_password_and_no_other_secret),
        WITH_SITE(a_job_for_provisioned_computers_is_refused_for_others),
        WITH_SITE(a_failed_job_of_another_kind_leaves_the_computer_provisioned),
        WITH_SITE(a_discovered_status_is_the_computer_s),
        WITH_SITE(a_rotation_makes_new_passwords_and_supersedes_the_old_ones),
        WITH_SITE(a_rotation_that_never_reported_tries_the_new_password_first),
        WITH_SITE(a_mebx_password_found_changed_is_the_one_that_a_lost_attempt_set),
        WITH_SITE(a_mebx_password_found_as_it_left_the_factory_was_not_set),
        WITH_SITE(a_rotation_that_may_not_set_the_mebx_password_leaves_the_old_one_active),
        WITH_SITE(a_mebx_password_found_changed_is_not_taken_for_ours_when_one_was_imported),
        WITH_SITE(a_mebx_password_that_fits_is_not_handed_out_again_for_an_update),
        WITH_SITE(a_user_s_password_is_marked_until_the_computer_took_this_one),
        WITH_SITE(an_unprovisioned_computer_keeps_its_history_and_starts_no_job),
        WITH_SITE(a_cancelled_unprovisioning_is_no_wish_any_more),
        WITH_SITE(an_unprovisioning_is_done_when_what_was_told_before_leaves_no_other_end),
        WITH_SITE(a_hello_ends_what_waits_for_a_provisioned_computer_and_provisions_it),
        WITH_SITE(certificates_that_are_due_are_renewed_once_and_failures_wait_a_day),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
