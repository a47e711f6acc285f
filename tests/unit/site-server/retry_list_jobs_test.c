/* Spec O5: the list of accounts goes on over several contacts, and never near the lock-out. */
#include <stdio.h>

#include "devices/vault.h"
#include "jobs/candidate.h"
#include "tests/unit/site-server/jobs_site.h"

/* All that a contact tries, three at most. */
static void refuse_all(const struct message *offer)
{
    char *references[CANDIDATES_IN_A_CONTACT];
    struct message_job_finished finished = failed_with(offer, REASON_NO_ACCOUNT_ACCEPTED);
    size_t count = offer->job_offer.account_count;

    count = count < COUNT_OF(references) ? count : COUNT_OF(references);
    for (size_t i = 0; i < count; i++)
        references[i] = offer->job_offer.accounts[i].reference;
    finished.accounts_refused = references;
    finished.accounts_refused_count = count;
    assert_int_equal(finish(&finished), REASON_NONE);
}

static void add_accounts(unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char name[32], place[VAULT_PLACE_SIZE], sealed[400];

        snprintf(name, sizeof(name), "a%u", i);
        sealed_of(vault_place_account(name, place), "Acc0unt!x", sealed);
        sql("SELECT amt.account_add('%s', 'user%u', NULL, %s)", name, i, sealed);
    }
}

static void the_list_goes_on_where_it_stopped_until_nothing_is_left(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };

    (void)state;
    import(1);
    add_accounts(3);
    hello(1, &our_root);
    take_offer(&first);
    expect_accounts(&first, "empty account:a1 account:a2 account:a3"); /* old firmware gets the last three */
    assert_string_equal(first.job_offer.accounts[1].username, "user1");
    assert_string_equal(secret_reveal(first.job_offer.accounts[1].password), "Acc0unt!x");
    refuse_all(&first);
    expect("waiting|more-accounts-to-try|0",
           "SELECT state || '|' || reason_code || '|' || failures FROM amt.job");
    open_seconds_later(1);
    take_offer(&second);
    expect_accounts(&second, "account:a3 factory");
    refuse_all(&second);
    expect("failed|no-account-accepted", "SELECT state || '|' || reason_code FROM amt.job");
    expect("1|no-account-accepted", "SELECT amt_status || '|' || reason_code FROM amt.computer");
    expect("0", "SELECT count(*) FROM amt.secret_status WHERE maybe_on_device");
}

static void nine_refusals_in_an_hour_make_the_job_wait(void **state)
{
    (void)state;
    import(1);
    add_accounts(12);
    hello(1, &our_root);
    for (unsigned i = 0; i < 3; i++) {
        AUTO(message_free) struct message offer = { 0 };

        take_offer(&offer);
        assert_int_equal(offer.job_offer.account_count, i ? 3 : 4);
        refuse_all(&offer);
        open_seconds_later(1);
    }
    expect_no_offer();
    expect("more-accounts-to-try", "SELECT reason_code FROM amt.job");
    expect("true", "SELECT not_before BETWEEN now() + interval '50 minutes' AND now() + interval '61 "
                   "minutes' FROM amt.job");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect_no_offer(); /* a Hello does not shorten it */
    sql("UPDATE amt_store.account_refused SET refused_at = refused_at - interval '1 hour'");
    open_seconds_later(1);
    {
        AUTO(message_free) struct message offer = { 0 };

        take_offer(&offer);
        expect_accounts(&offer, "account:a9 account:a10 account:a11");
    }
}

static void logins_of_an_attempt_that_never_reported_count_for_the_lock_out(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };
    AUTO(message_free) struct message third = { 0 };

    (void)state;
    import(1);
    add_accounts(3);
    hello(1, &our_root);
    take_offer(&first);
    lose_lease(1);
    expect("3", "SELECT count(*) FROM amt_store.account_refused WHERE assumed");
    take_offer(&second);
    assert_string_equal(second.job_offer.accounts[0].reference, "empty"); /* not known to be refused */
    assert_int_equal(second.job_offer.account_count, 4);
}

static void an_accepted_account_clears_what_was_refused(void **state)
{
    AUTO(message_free) struct message first = { 0 };
    AUTO(message_free) struct message second = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    add_accounts(3);
    hello(1, &our_root);
    take_offer(&first);
    refuse_all(&first);
    open_seconds_later(1);
    take_offer(&second);
    finished = failed_with(&second, REASON_TIMEOUT);
    finished.account_used = (char *)"account:a3";
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("0", "SELECT count(*) FROM amt_store.account_refused");
}

static void a_hello_after_the_whole_list_failed_makes_no_job_until_something_new_comes(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    char place[VAULT_PLACE_SIZE], sealed[400];
    struct uuid uuid = uuid_of(1);

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    refuse_all(&offer);
    expect("failed|no-account-accepted", "SELECT state || '|' || reason_code FROM amt.job");
    sql("UPDATE amt_store.job SET finished_at = now() - interval '1 minute'");
    assert_int_equal(hello(1, &our_root), REASON_NO_ACCOUNT_ACCEPTED);
    expect("1|no-account-accepted", "SELECT amt_status || '|' || reason_code FROM amt.computer");
    expect("1", "SELECT count(*) FROM amt.job");
    sql("SAVEPOINT account");
    add_accounts(1);
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    sql("ROLLBACK TO account");
    sealed_of(vault_place_computer(&uuid, "admin", place), "Imp0rted!", sealed);
    sql("SELECT amt.import_computer('%s', 'pc1', 'pc1.example.org', NULL, NULL, %s)", text_of(1), sealed);
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    sql("ROLLBACK TO account");
    sql("SELECT amt.request_job('%s')", text_of(1));
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    sql("ROLLBACK TO account");
    sql("UPDATE amt_store.job SET finished_at = now() - interval '61 minutes'");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(the_list_goes_on_where_it_stopped_until_nothing_is_left),
        WITH_SITE(nine_refusals_in_an_hour_make_the_job_wait),
        WITH_SITE(logins_of_an_attempt_that_never_reported_count_for_the_lock_out),
        WITH_SITE(an_accepted_account_clears_what_was_refused),
        WITH_SITE(a_hello_after_the_whole_list_failed_makes_no_job_until_something_new_comes),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
