/* Spec O2, O5, O9, 4, 6.1 and design 1, 2: from a Hello to a closed job, with a real PostgreSQL. */
#include "tests/unit/unit_test.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certificates/certificate.h"
#include "common/clock.h"
#include "common/password.h"
#include "database/schema_change.h"
#include "devices/device.h"
#include "devices/history.h"
#include "jobs/candidate.h"
#include "jobs/dispatcher.h"
#include "jobs/lease.h"
#include "jobs/renewal.h"
#include "jobs/result.h"
#include "jobs/service_point.h"
#include "statement.h"
#include "support/postgres.h"
#include "support/workplace.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char directory[] = "/tmp/provisioning_jobs_test.XXXXXX";
static struct postgres *postgres;
static struct database *db;
static struct vault *vault;
static struct lane turn; /* of the dispatcher */
static struct strangers strangers;
static int64_t point_a, point_b;

static const struct job_settings settings = {
    .lease_s = 900, .deadline_s = 600, .attempts = 3, .retry_delay_s = 60, .retry_delay_max_s = 3600
};
static const struct hello_settings hello_settings = { .quiet_s = 300, .unknown_max = 20 };
static const struct root_hash our_root = { .algorithm = 2, .length = 32, .hash = { 0xAB, 0xCD } };
static const struct root_hash foreign_root = { .algorithm = 1, .length = 20, .hash = { 0x12, 0x34 } };

/* ---- helpers --------------------------------------------------------------------------------------- */

static void must(bool done, const struct error *err)
{
    if (!done)
        fail_msg("%s", err->message);
}

#define MUST(call)                                                                                           \
    do {                                                                                                     \
        struct error error_of_call = { 0 };                                                                  \
        must((call), &error_of_call);                                                                        \
    } while (0)

static void sql(const char *format, ...) PRINTF_LIKE(1, 2);
static void sql(const char *format, ...)
{
    char text[2000];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    MUST(database_run_script(db, &(struct sql_text){ "test", text }, &error_of_call));
}

/* The query's one value as text must be this one. */
static void expect(const char *wanted, const char *format, ...) PRINTF_LIKE(2, 3);
static void expect(const char *wanted, const char *format, ...)
{
    AUTO(rows_free) struct rows *rows = NULL;
    char query[2000], text[2100];
    const char *value;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(query, sizeof(query), format, arguments);
    va_end(arguments);
    snprintf(text, sizeof(text), "SELECT (%s)::text AS value", query);
    MUST(database_run_once(db, &(struct sql_text){ "test", text }, NULL, &rows, &error_of_call));
    value = row_text(rows, 0, "value") ? row_text(rows, 0, "value") : "NULL";
    if (strcmp(value, wanted) != 0)
        fail_msg("%s: '%s' instead of '%s'", query, value, wanted);
}

static struct uuid uuid_of(unsigned number)
{
    struct uuid uuid = { .bytes = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 } };

    uuid.bytes[14] = (uint8_t)(number >> 8);
    uuid.bytes[15] = (uint8_t)number;
    return uuid;
}

static const char *text_of(unsigned number)
{
    static char texts[8][UUID_TEXT_SIZE];
    static unsigned next;
    struct uuid uuid = uuid_of(number);

    return uuid_text(&uuid, texts[next++ % 8]);
}

static void import(unsigned number)
{
    sql("SELECT amt.import_computer('%s', 'pc%u', 'pc%u.example.org')", text_of(number), number, number);
}

static struct message_hello_seen seen_of(unsigned number, const struct root_hash *root)
{
    return (struct message_hello_seen){ .uuid = uuid_of(number),
                                        .address = (char *)"10.0.0.1",
                                        .root_hashes = (struct root_hash *)root,
                                        .root_hash_count = root ? 1 : 0,
                                        .seen_at_ms = clock_wall_ms() };
}

/* The verdict's reason. */
static enum reason_code hello(unsigned number, const struct root_hash *root)
{
    struct message_hello_seen seen = seen_of(number, root);
    struct message_hello_verdict verdict;
    enum reason_code reason;

    MUST(device_hellos(db, &hello_settings, &strangers, &(struct hello){ point_a, &seen }, 1, &verdict,
                       &error_of_call));
    reason = verdict.reason;
    assert_int_equal(verdict.offered, reason == REASON_NONE);
    text_free(&verdict.text);
    return reason;
}

static void dispatch(struct job_offers *offers)
{
    const struct connected_point points[] = {
        { .id = point_a, .free = 100, .root_hashes = &our_root, .root_hash_count = 1 },
    };

    MUST(job_dispatch(db, vault, &settings, &turn, points, 1, offers, &error_of_call));
}

/* Hands out the only job that is due; the caller ends *offer with message_free(). */
static void take_offer(struct message *offer)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    dispatch(&offers);
    assert_int_equal(offers.count, 1);
    *offer = offers.items[0].message;
    memset(&offers.items[0].message, 0, sizeof(offers.items[0].message));
    MUST(
        lease_hold(db, &settings, &(struct held_attempt){ point_a, offer->job_offer.id }, 1, &error_of_call));
}

static void expect_no_offer(void)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    dispatch(&offers);
    assert_int_equal(offers.count, 0);
}

static struct message_job_finished done_with(const struct message *offer)
{
    return (struct message_job_finished){ .id = offer->job_offer.id,
                                          .done = true,
                                          .firmware_version = (char *)"11.8.50.3425",
                                          .admin_password = PASSWORD_SET,
                                          .mebx_password = PASSWORD_SET,
                                          .account_used = (char *)"empty" };
}

static struct message_job_finished failed_with(const struct message *offer, enum reason_code reason)
{
    return (struct message_job_finished){ .id = offer->job_offer.id,
                                          .reason = reason,
                                          .text = (char *)"10.0.0.1 says no",
                                          .admin_password = PASSWORD_UNTOUCHED,
                                          .mebx_password = PASSWORD_UNTOUCHED };
}

/* REASON_NONE: accepted. */
static enum reason_code finish(const struct message_job_finished *finished)
{
    struct message_job_closed closed;
    enum reason_code reason;

    MUST(result_finish(db, &settings, point_a, finished, &closed, &error_of_call));
    reason = closed.reason;
    assert_int_equal(closed.accepted, reason == REASON_NONE);
    text_free(&closed.text);
    return reason;
}

static void open_seconds_later(unsigned number)
{
    sql("UPDATE amt_store.job SET not_before = now() WHERE uuid = '%s' AND state = 'waiting'",
        text_of(number));
}

static void lose_lease(unsigned number)
{
    size_t taken_back;

    sql("UPDATE amt_store.job SET leased_until = now() - interval '1 second' WHERE uuid = '%s' AND state = "
        "'leased'",
        text_of(number));
    MUST(lease_reap(db, &settings, &taken_back, &error_of_call));
    assert_int_equal(taken_back, 1);
    open_seconds_later(number);
}

/* What the vault finds in the newest secret of this state. */
static void expect_secret(unsigned number, const char *kind, const char *state, const struct secret *wanted)
{
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    AUTO(secret_free) struct secret *secret = NULL;
    struct uuid uuid = uuid_of(number);
    char place[VAULT_PLACE_SIZE], text[400];
    const unsigned char *data;
    size_t length;

    snprintf(text, sizeof(text),
             "SELECT key_id, nonce, ciphertext FROM amt_store.secret WHERE uuid = '%s' AND kind = '%s' AND "
             "state = '%s' "
             "ORDER BY id DESC LIMIT 1",
             text_of(number), kind, state);
    MUST(database_run_once(db, &(struct sql_text){ "test", text }, NULL, &rows, &error_of_call));
    assert_int_equal(rows_count(rows), 1);
    sealed.key_id = text_copy(row_text(rows, 0, "key_id"));
    data = row_bytes(rows, 0, "nonce", &length);
    memcpy(sealed.nonce, data, sizeof(sealed.nonce));
    data = row_bytes(rows, 0, "ciphertext", &length);
    bytes_set(&sealed.ciphertext, data, length);
    vault_place_computer(&uuid, kind, place);
    MUST(vault_open(vault, place, &sealed, &secret, &error_of_call));
    assert_true(secret_equal(secret, wanted));
}

static void expect_accounts(const struct message *offer, const char *wanted)
{
    char text[400] = "";

    for (size_t i = 0; i < offer->job_offer.account_count; i++) {
        if (i)
            strcat(text, " ");
        strcat(text, offer->job_offer.accounts[i].reference);
    }
    assert_string_equal(text, wanted);
}

static void sealed_of(const char *place, const char *text, char *out)
{
    AUTO(secret_free) struct secret *secret = secret_from_text(text);
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    char nonce[64], ciphertext[200];

    MUST(vault_seal(vault, place, secret, &sealed, &error_of_call));
    for (size_t i = 0; i < sizeof(sealed.nonce); i++)
        sprintf(nonce + 2 * i, "%02x", sealed.nonce[i]);
    for (size_t i = 0; i < sealed.ciphertext.length; i++)
        sprintf(ciphertext + 2 * i, "%02x", sealed.ciphertext.data[i]);
    sprintf(out, "ROW('%s', '\\x%s', '\\x%s', NULL)::amt.sealed", sealed.key_id, nonce, ciphertext);
}

/* ---- set-up ---------------------------------------------------------------------------------------- */

static int64_t register_point(const char *key, const char *name)
{
    struct provisioning_certificate_info certificate = { .subject = (char *)"CN=provisioning.example.org",
                                                         .root_subject = (char *)"CN=root",
                                                         .root_hashes = { our_root },
                                                         .root_hash_count = 1,
                                                         .not_after_s = 2000000000 };
    char *subnets[] = { (char *)"10.0.0.0/8" };
    struct message_register said = { .name = (char *)name,
                                     .software_version = (char *)"1",
                                     .slots = 100,
                                     .free = 100,
                                     .subnets = subnets,
                                     .subnet_count = 1,
                                     .certificates = &certificate,
                                     .certificate_count = 1 };
    char *stored = NULL;
    int64_t id = 0;

    MUST(service_point_register(db, key, "127.0.0.1", &said, 3600, &id, &stored, &error_of_call));
    assert_string_equal(stored, name);
    free(stored);
    return id;
}

static int start(void **state)
{
    AUTO(text_free) char *cluster = NULL;
    AUTO(text_free) char *keys = NULL;
    struct error err;
    unsigned applied;
    struct database_options options = { .program = "test",
                                        .statements = statement_texts,
                                        .statement_count = STATEMENT_COUNT };

    (void)state;
    if (!mkdtemp(directory) || chmod(directory, 0755) != 0) /* PostgreSQL runs as another user */
        return -1;
    cluster = text_format("%s/cluster", directory);
    keys = text_format("%s/secret.keys", directory);
    if (postgres_start(&postgres, cluster, &err) && schema_migrate(postgres_url(postgres), &applied, &err)) {
        options.url = postgres_url(postgres);
        if (database_open(&db, &options, &err) && vault_key_create(keys, &err) &&
            vault_load(&vault, keys, &err))
            return 0;
    }
    fprintf(stderr, "%s\n", err.message);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    vault_free(&vault);
    lane_clear(&turn);
    database_close(&db);
    postgres_stop(&postgres);
    directory_remove(directory);
    return 0;
}

/* Each test has an empty site, in a transaction that is rolled back afterwards. */
static int begin(void **state)
{
    struct error err;

    (void)state;
    if (!database_begin(db, &err))
        return -1;
    sql("SELECT amt.service_point_approve('" KEY_A "'); SELECT amt.service_point_approve('" KEY_B "')");
    point_a = register_point(KEY_A, "a");
    point_b = register_point(KEY_B, "b");
    return 0;
}

static int end(void **state)
{
    (void)state;
    database_rollback(db);
    return 0;
}

/* ---- Hello ----------------------------------------------------------------------------------------- */

static void a_hello_of_a_known_computer_makes_one_job(void **state)
{
    (void)state;
    import(1);
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect("1", "SELECT count(*) FROM amt.job WHERE uuid = '%s' AND state = 'waiting' AND kind = 'provision'",
           text_of(1));
    expect("10.0.0.1|2|not provisioned",
           "SELECT address || '|' || amt_status || '|' || amt_status_name FROM amt.computer");
    expect(
        "2|offered|{SHA-256:abcd000000000000000000000000000000000000000000000000000000000000}|a",
        "SELECT count || '|' || verdict || '|' || root_hashes::text || '|' || service_point FROM amt.hello");
}

static void an_unknown_computer_is_only_remembered(void **state)
{
    (void)state;
    assert_int_equal(hello(1, &our_root), REASON_UNKNOWN_COMPUTER);
    assert_int_equal(hello(1, &our_root), REASON_UNKNOWN_COMPUTER);
    expect("1|2", "SELECT count(*) || '|' || sum(count) FROM amt.unknown_hello");
    expect("0", "SELECT count(*) FROM amt.computer");
    import(1);
    expect("0", "SELECT count(*) FROM amt.unknown_hello");
}

static void unknown_computers_fill_a_bounded_table_from_which_the_oldest_leave(void **state)
{
    struct message_hello_seen seen[50];
    struct message_hello_verdict verdicts[50];
    struct hello hellos[50];

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 50; i++) {
            seen[i] = seen_of(round * 40 + i, &our_root);
            hellos[i] = (struct hello){ point_a, &seen[i] };
        }
        MUST(device_hellos(db, &hello_settings, &strangers, hellos, 50, verdicts, &error_of_call));
        for (unsigned i = 0; i < 50; i++)
            text_free(&verdicts[i].text);
        sql("UPDATE amt_store.unknown_hello SET last_seen = last_seen - interval '1 minute'");
    }
    expect("20", "SELECT count(*) FROM amt.unknown_hello");
}

static void no_common_root_is_said_with_both_lists(void **state)
{
    (void)state;
    import(1);
    assert_int_equal(hello(1, &foreign_root), REASON_NO_COMMON_ROOT);
    expect("1|no-common-root", "SELECT amt_status || '|' || reason_code FROM amt.computer");
    expect("no trusted root in common: the computer trusts SHA-1:123400000000; the connected service points' "
           "certificates "
           "come from SHA-256:abcd00000000; use a provisioning certificate from one of the computer's roots, "
           "or add our "
           "root's hash to the firmware",
           "SELECT reason FROM amt.computer");
    expect("0", "SELECT count(*) FROM amt.job");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect("2|NULL", "SELECT amt_status || '|' || coalesce(reason, 'NULL') FROM amt.computer");
}

static void a_service_point_that_is_gone_lends_no_root(void **state)
{
    (void)state;
    import(1);
    sql("UPDATE amt_store.service_point SET connected_until = now()");
    assert_int_equal(hello(1, &our_root), REASON_NO_COMMON_ROOT);
    expect("1", "SELECT count(*) FROM amt.computer WHERE reason LIKE '%%come from none;%%'");
}

static void a_turn_of_many_hellos_gives_each_its_verdict(void **state)
{
    struct message_hello_seen seen[] = { seen_of(1, &our_root), seen_of(2, &our_root),
                                         seen_of(1, &our_root), seen_of(3, &foreign_root),
                                         seen_of(4, &our_root), seen_of(1, &our_root) };
    static const enum reason_code wanted[] = { REASON_NONE,    REASON_UNKNOWN_COMPUTER,
                                               REASON_NONE,    REASON_NO_COMMON_ROOT,
                                               REASON_BLOCKED, REASON_MESSAGE_REFUSED };
    struct hello hellos[COUNT_OF(seen)];
    struct message_hello_verdict verdicts[COUNT_OF(seen)];

    (void)state;
    import(1);
    import(3);
    import(4);
    sql("SELECT amt.block('%s', 'stolen')", text_of(4));
    seen[5].address = (char *)"computer.example";
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        hellos[i] = (struct hello){ point_a, &seen[i] };
    MUST(device_hellos(db, &hello_settings, &strangers, hellos, COUNT_OF(seen), verdicts, &error_of_call));
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        assert_string_equal(reason_of(verdicts[i].reason)->name, reason_of(wanted[i])->name);
        assert_true(uuid_equal(&verdicts[i].uuid, &seen[i].uuid));
        text_free(&verdicts[i].text);
    }
    expect("2", "SELECT count FROM amt.hello WHERE uuid = '%s'", text_of(1));
}

static void a_hello_during_a_job_or_just_after_it_is_discarded(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    assert_int_equal(hello(1, &our_root), REASON_JOB_UNDER_WAY);
    finished = done_with(&offer);
    assert_int_equal(finish(&finished), REASON_NONE);
    assert_int_equal(hello(1, &our_root), REASON_JUST_PROVISIONED);
    sql("UPDATE amt_store.computer SET provisioned_at = now() - interval '1 hour'");
    sql("SELECT amt.set_auto_reprovision('%s', false)", text_of(1));
    assert_int_equal(hello(1, &our_root), REASON_REPROVISIONING_OFF);
    sql("SELECT amt.set_auto_reprovision('%s', true)", text_of(1));
    assert_int_equal(hello(1, &our_root), REASON_NONE);
    expect("2", "SELECT count(*) FROM amt.job");
}

/* ---- the offer and its escrow ---------------------------------------------------------------------- */

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

/* ---- the retry list -------------------------------------------------------------------------------- */

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

/* ---- leases ---------------------------------------------------------------------------------------- */

static void a_job_fails_when_its_attempts_are_used_up(void **state)
{
    (void)state;
    import(1);
    hello(1, &our_root);
    for (unsigned i = 0; i < 3; i++) {
        AUTO(message_free) struct message offer = { 0 };
        struct message_job_finished finished;

        take_offer(&offer);
        finished = failed_with(&offer, REASON_UNREACHABLE);
        assert_int_equal(finish(&finished), REASON_NONE);
        open_seconds_later(1);
    }
    expect("failed|unreachable|10.0.0.1 says no; check power, cable and firewalls (TCP 16993)",
           "SELECT state || '|' || reason_code || '|' || reason FROM amt.job");
    expect("10.0.0.1 says no; check power, cable and firewalls (TCP 16993)",
           "SELECT reason FROM amt.computer");
}

static void a_heartbeat_keeps_the_lease(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct held_attempt held;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    expect("true", "SELECT leased_until > now() + interval '800 seconds' FROM amt.job");
    sql("UPDATE amt_store.job SET leased_until = now() + interval '1 second'");
    held = (struct held_attempt){ point_b, offer.job_offer.id }; /* not its own */
    MUST(lease_hold(db, &settings, &held, 1, &error_of_call));
    expect("false", "SELECT leased_until > now() + interval '2 seconds' FROM amt.job");
    held.service_point = point_a;
    MUST(lease_hold(db, &settings, &held, 1, &error_of_call));
    expect("true", "SELECT leased_until > now() + interval '800 seconds' FROM amt.job");
}

static void a_heartbeat_does_not_keep_the_lease_for_ever(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct held_attempt held = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    held = (struct held_attempt){ point_a, offer.job_offer.id };
    sql("UPDATE amt_store.job_attempt SET leased_at = now() - interval '1510 seconds'"); /* deadline and lease
                                                                                          */
    sql("UPDATE amt_store.job SET leased_until = now() + interval '1 second'");
    MUST(lease_hold(db, &settings, &held, 1, &error_of_call));
    expect("true", "SELECT leased_until < now() + interval '2 seconds' FROM amt.job");
    lose_lease(1);
    expect("waiting", "SELECT state FROM amt.job");
}

/* An attempt whose lease ran out may report as often as its service point likes. */
static void a_stale_result_changes_nothing_of_the_computer(void **state)
{
    AUTO(message_free) struct message stale = { 0 };
    AUTO(message_free) struct message newer = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&stale);
    lose_lease(1);
    take_offer(&newer);
    sql("INSERT INTO amt_store.account_refused (uuid, job, attempt, reference) SELECT uuid, id, attempt, "
        "'factory'"
        " FROM amt_store.job");
    finished = done_with(&stale);
    finished.firmware_version = (char *)"6.0.0.1";
    assert_int_equal(finish(&finished), REASON_STALE_ATTEMPT);
    expect("true", "SELECT firmware_version IS NULL FROM amt.computer");
    expect("1", "SELECT count(*) FROM amt_store.account_refused WHERE reference = 'factory'");
    expect("leased", "SELECT state FROM amt.job");
}

static void a_service_point_cannot_fill_the_history(void **state)
{
    AUTO(message_free) struct message offer = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    for (unsigned round = 0; round < 10; round++) {
        struct step_report steps[100];
        char names[100][8];

        for (unsigned i = 0; i < COUNT_OF(steps); i++) {
            snprintf(names[i], sizeof(names[i]), "%u", round * 100 + i);
            steps[i] = (struct step_report){ (char *)"O4", names[i],    1700000000000, 1700000000500,
                                             STEP_DONE,    REASON_NONE, NULL };
        }
        MUST(history_record_steps(
            db, &(struct steps_of_attempt){ point_a, offer.job_offer.id, steps, COUNT_OF(steps) }, 1, NULL,
            &error_of_call));
    }
    expect("300", "SELECT count(*) FROM amt.job_step");
}

static void an_offer_that_nobody_accepts_is_taken_back_soon_and_counts_for_nothing(void **state)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    dispatch(&offers);
    assert_int_equal(offers.count, 1);
    expect("true", "SELECT leased_until < now() + interval '61 seconds' FROM amt.job");
    lose_lease(1);
    expect("waiting|0", "SELECT state || '|' || failures FROM amt.job");
    expect("0", "SELECT count(*) FROM amt_store.account_refused");
}

static void a_service_point_that_begins_anew_loses_what_it_does_not_run(void **state)
{
    AUTO(message_free) struct message kept = { 0 };
    AUTO(message_free) struct message lost = { 0 };
    size_t taken_back;

    (void)state;
    import(1);
    import(2);
    hello(1, &our_root);
    take_offer(&kept);
    hello(2, &our_root);
    take_offer(&lost);
    MUST(lease_release_others(db, &settings, point_b, NULL, 0, &taken_back, &error_of_call));
    assert_int_equal(taken_back, 0);
    MUST(lease_release_others(db, &settings, point_a, &kept.job_offer.id, 1, &taken_back, &error_of_call));
    assert_int_equal(taken_back, 1);
    expect("leased", "SELECT state FROM amt.job WHERE uuid = '%s'", text_of(1));
    expect("waiting|lease-over", "SELECT state || '|' || reason_code FROM amt.job WHERE uuid = '%s'",
           text_of(2));
}

static void a_declined_offer_waits_a_little_and_nothing_was_sent(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_decline declined;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    declined = (struct message_job_decline){ offer.job_offer.id, REASON_NO_FREE_SLOT,
                                             (char *)"all 10 slots are taken" };
    MUST(result_decline(db, &settings, point_b, &declined, &error_of_call));
    expect("leased", "SELECT state FROM amt.job");
    MUST(result_decline(db, &settings, point_a, &declined, &error_of_call));
    expect("waiting|0|no-free-slot", "SELECT state || '|' || failures || '|' || reason_code FROM amt.job");
    expect("0", "SELECT count(*) FROM amt.secret_status WHERE maybe_on_device");
    MUST(result_decline(db, &settings, point_a, &declined, &error_of_call)); /* repeated */
    expect("declined", "SELECT outcome FROM amt.job_attempt");
}

static void a_result_of_another_service_point_is_refused(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;
    struct message_job_closed closed;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    finished = done_with(&offer);
    MUST(result_finish(db, &settings, point_b, &finished, &closed, &error_of_call));
    assert_false(closed.accepted);
    assert_int_equal(closed.reason, REASON_MESSAGE_REFUSED);
    text_free(&closed.text);
    expect("leased", "SELECT state FROM amt.job");
}

static void a_cancelled_job_takes_no_result_but_keeps_its_password(void **state)
{
    AUTO(message_free) struct message offer = { 0 };
    struct message_job_finished finished;

    (void)state;
    import(1);
    hello(1, &our_root);
    take_offer(&offer);
    sql("SELECT amt.cancel_job(%llu)", (unsigned long long)offer.job_offer.id.job);
    finished = done_with(&offer);
    assert_int_equal(finish(&finished), REASON_CANCELLED);
    expect("cancelled", "SELECT state FROM amt.job");
    expect("pending|true",
           "SELECT state || '|' || maybe_on_device FROM amt.secret_status WHERE kind = 'admin'");
}

static void a_requested_job_waits_for_an_address(void **state)
{
    (void)state;
    import(1);
    sql("SELECT amt.request_job('%s')", text_of(1));
    expect_no_offer();
    expect("1", "SELECT count(*) FROM amt.job WHERE reason LIKE 'waits for the computer''s Hello%%'");
    hello(1, &our_root);
    {
        AUTO(message_free) struct message offer = { 0 };

        take_offer(&offer);
    }
    expect("1", "SELECT count(*) FROM amt.job");
}

static void a_requested_job_of_a_computer_without_common_root_fails_with_its_hello(void **state)
{
    (void)state;
    import(1);
    sql("SELECT amt.request_job('%s')", text_of(1));
    assert_int_equal(hello(1, &foreign_root), REASON_NO_COMMON_ROOT);
    expect("failed|no-common-root|true",
           "SELECT j.state || '|' || j.reason_code || '|' || (j.reason = c.reason) FROM amt.job j"
           " JOIN amt.computer c USING (uuid)");
}

static void a_job_that_nobody_can_take_says_so_and_is_due_when_somebody_comes(void **state)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };
    const char *elsewhere[] = { "192.0.2.0/24" };
    const struct connected_point point = {
        .id = point_b, .free = 5, .subnets = elsewhere, .subnet_count = 1
    };

    (void)state;
    import(1);
    hello(1, &our_root);
    sql("UPDATE amt_store.service_point SET connected_until = now() WHERE id <> %lld", (long long)point_b);
    MUST(job_dispatch(db, vault, &settings, &turn, &point, 1, &offers, &error_of_call));
    assert_int_equal(offers.count, 0);
    expect("waiting|no-service-point|true",
           "SELECT state || '|' || reason_code || '|' || (not_before > now()) FROM amt.job");
    register_point(KEY_A, "a");
    expect("false", "SELECT not_before > now() FROM amt.job");
}

/* Computers first to last, in the subnet 10.0.<subnet>.0/24, say Hello. */
static void wait_in_subnet(unsigned subnet, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        import(i);
        assert_int_equal(hello(i, &our_root), REASON_NONE);
        sql("UPDATE amt_store.computer SET address = '10.0.%u.%u' WHERE uuid = '%s'", subnet, i % 250,
            text_of(i));
    }
}

static void hand_out(unsigned free_slots, size_t wanted)
{
    const struct connected_point point = {
        .id = point_a, .free = free_slots, .root_hashes = &our_root, .root_hash_count = 1
    };
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    MUST(job_dispatch(db, vault, &settings, &turn, &point, 1, &offers, &error_of_call));
    assert_int_equal(offers.count, wanted);
}

static void expect_handed_out_in(unsigned subnet, const char *wanted)
{
    expect(wanted, "SELECT count(*) FROM amt_store.job WHERE state = 'leased' AND address <<= '10.0.%u.0/24'",
           subnet);
}

static void a_subnet_where_many_wait_does_not_hold_up_another(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 60);
    wait_in_subnet(2, 61, 65);
    sql("UPDATE amt_store.job SET not_before = now() - interval '1 hour' WHERE subnet = '10.0.1.0/24'");
    hand_out(10, 10);
    expect_handed_out_in(1, "5");
    expect_handed_out_in(2, "5");
    hand_out(100, 55);
}

static void subnets_take_turns_when_slots_become_free_one_by_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        wait_in_subnet(i + 1, 1 + 10 * i, 10 + 10 * i);
    for (unsigned i = 0; i < 6; i++)
        hand_out(1, 1);
    for (unsigned i = 0; i < 3; i++)
        expect_handed_out_in(i + 1, "2");
}

static void within_a_subnet_the_one_that_was_due_first_comes_first(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 40);
    sql("UPDATE amt_store.job SET not_before = now() - interval '1 s' * id");
    hand_out(30, 30);
    expect("true",
           "SELECT min(id) FILTER (WHERE state = 'leased') > max(id) FILTER (WHERE state = 'waiting') "
           "FROM amt_store.job");
    hand_out(30, 10);
}

static void a_profile_that_is_halted_is_passed_over_and_others_go_on(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 20);
    sql("SELECT amt.profile_set('other', '{}')");
    sql("SELECT amt.set_profile_of('%s', 'other')", text_of(7));
    sql("SELECT amt.rollout_halt('default')");
    hand_out(100, 1);
    expect(text_of(7), "SELECT uuid FROM amt_store.job WHERE state = 'leased'");
    sql("SELECT amt.rollout_resume('default')");
    hand_out(100, 19);
}

/* Finer than a lane: the same subnet is open for one half and closed for the other. */
static void a_limit_for_each_small_subnet_holds_within_a_lane(void **state)
{
    (void)state;
    wait_in_subnet(1, 1, 40);
    sql("SELECT amt.rollout_set('default', '{\"per_subnet\": 3, \"subnet_bits\": 28}')");
    hand_out(100, 9); /* 0 to 15, 16 to 31, 32 to 47 */
    hand_out(100, 0);
}

static void no_more_is_offered_than_there_are_free_slots(void **state)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };
    const struct connected_point points[] = { { .id = point_a, .free = 3 }, { .id = point_b, .free = 0 } };
    struct message_hello_seen seen[10];
    struct message_hello_verdict verdicts[10];
    struct hello hellos[10];

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        import(i + 1);
        seen[i] = seen_of(i + 1, &our_root);
        hellos[i] = (struct hello){ i % 2 ? point_b : point_a, &seen[i] };
    }
    MUST(device_hellos(db, &hello_settings, &strangers, hellos, 10, verdicts, &error_of_call));
    sql("UPDATE amt_store.hello SET root_hashes = '{}'");
    MUST(job_dispatch(db, vault, &settings, &turn, points, 2, &offers, &error_of_call));
    assert_int_equal(offers.count, 3);
    for (size_t i = 0; i < offers.count; i++)
        assert_int_equal(offers.items[i].point, 0);
    expect("7", "SELECT count(*) FROM amt.job WHERE state = 'waiting'");
}

static void the_next_due_time_is_known(void **state)
{
    int64_t due;

    (void)state;
    MUST(lease_next_due(db, &due, &error_of_call));
    assert_int_equal(due, -1);
    import(1);
    hello(1, &our_root);
    MUST(lease_next_due(db, &due, &error_of_call));
    assert_int_equal(due, -1); /* due already: waits for a slot, not for a time */
    sql("UPDATE amt_store.job SET not_before = clock_timestamp() + interval '90 seconds'");
    MUST(lease_next_due(db, &due, &error_of_call));
    assert_in_range(due, 80000, 90000);
}

/* ---- certificates ---------------------------------------------------------------------------------- */

static void make_request(EVP_PKEY *key, struct bytes *der)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *data = NULL;
    int length;

    X509_REQ_set_pubkey(request, key);
    X509_REQ_sign(request, key, EVP_sha256());
    length = i2d_X509_REQ(request, &data);
    bytes_set(der, data, (size_t)length);
    OPENSSL_free(data);
    X509_REQ_free(request);
}

static void store_authority(const struct authority *authority)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(secret_free) struct secret *key = NULL;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct authority_facts facts;
    char place[VAULT_PLACE_SIZE];

    authority_describe(authority, &facts);
    MUST(authority_key(authority, &key, &error_of_call));
    MUST(vault_seal(vault, vault_place_authority(facts.fingerprint, place), key, &sealed, &error_of_call));
    parameters_text(parameters, facts.fingerprint);
    parameters_text(parameters, facts.subject);
    parameters_text(parameters, facts.serial);
    parameters_bytes(parameters, facts.certificate->data, facts.certificate->length);
    parameters_number(parameters, facts.not_before_s);
    parameters_number(parameters, facts.not_after_s);
    parameters_text(parameters, sealed.key_id);
    parameters_bytes(parameters, sealed.nonce, sizeof(sealed.nonce));
    parameters_bytes(parameters, sealed.ciphertext.data, sealed.ciphertext.length);
    MUST(database_run_once(
        db,
        &(struct sql_text){ "test", "SELECT amt.authority_set($1::text, $2::text, $3::text, $4::bytea,"
                                    " to_timestamp($5::bigint), to_timestamp($6::bigint),"
                                    " ROW($7::text, $8::bytea, $9::bytea, NULL)::amt.sealed)" },
        parameters, NULL, &error_of_call));
}

/* An attempt died between the certificate and its commit, the next one asked for another key's. */
static void what_a_lost_attempt_asked_for_is_not_pending_once_the_job_is_done(void **state)
{
    static const struct certificate_settings certificate_settings = { 365 * 86400, 42 * 86400, "" };
    AUTO(authority_free) struct authority *authority = NULL;
    struct bytes der[2] = { { 0 } };

    (void)state;
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&authority, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(authority);
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        AUTO(message_free) struct message offer = { 0 };
        EVP_PKEY *key = EVP_RSA_gen(2048);
        struct message_certificate wanted = { 0 };
        struct message_job_finished finished;

        take_offer(&offer);
        wanted.id = offer.job_offer.id;
        make_request(key, &wanted.der);
        MUST(certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &der[attempt],
                               &error_of_call));
        bytes_free(&wanted.der);
        EVP_PKEY_free(key);
        if (attempt == 0) {
            lose_lease(1);
            continue;
        }
        finished = done_with(&offer);
        finished.certificate = der[attempt];
        assert_int_equal(finish(&finished), REASON_NONE);
    }
    expect("superseded,active", "SELECT string_agg(state, ',' ORDER BY id) FROM amt.certificate");
    bytes_free(&der[0]);
    bytes_free(&der[1]);
}

static void a_certificate_is_recorded_repeated_and_activated(void **state)
{
    static const struct certificate_settings certificate_settings = { 365 * 86400, 42 * 86400, "" };
    AUTO(authority_free) struct authority *made = NULL;
    AUTO(authority_free) struct authority *authority = NULL;
    AUTO(message_free) struct message offer = { 0 };
    AUTO(bytes_free) struct bytes first = { 0 };
    AUTO(bytes_free) struct bytes again = { 0 };
    struct message_certificate wanted = { 0 };
    struct message_job_finished finished;
    struct authority_facts facts;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct error err;

    (void)state;
    MUST(authority_load(db, vault, &authority, &error_of_call));
    assert_null(authority);
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&made, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(made);
    MUST(authority_load(db, vault, &authority, &error_of_call));
    assert_non_null(authority);
    take_offer(&offer);
    authority_describe(authority, &facts);
    assert_int_equal(offer.job_offer.issuer_count, 1);
    assert_memory_equal(offer.job_offer.issuers[0].data, facts.certificate->data, facts.certificate->length);

    wanted.id = offer.job_offer.id;
    make_request(key, &wanted.der);
    assert_false(certificate_issue(db, NULL, &certificate_settings, point_a, &wanted, &first, &err));
    assert_int_equal(err.reason, REASON_NO_AUTHORITY);
    assert_true(database_transaction_usable(db));
    assert_false(certificate_issue(db, authority, &certificate_settings, point_b, &wanted, &first, &err));
    assert_int_equal(err.reason, REASON_STALE_ATTEMPT);
    MUST(certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &first, &error_of_call));
    MUST(certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &again, &error_of_call));
    assert_int_equal(first.length, again.length);
    assert_memory_equal(first.data, again.data, first.length);
    expect("1|pending|pc1.example.org|true",
           "SELECT count(*) || '|' || min(state) || '|' || min(fqdn) || '|' ||"
           " (min(renew_at) = min(not_after) - interval '42 days') FROM amt.certificate");
    finished = done_with(&offer);
    finished.certificate = first;
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("active", "SELECT state FROM amt.certificate");
    expect("true", "SELECT certificate_not_after > now() + interval '360 days' FROM amt.computer");
    bytes_free(&wanted.der);
    EVP_PKEY_free(key);
}

/* ---- service points -------------------------------------------------------------------------------- */

static void who_knocks_is_remembered_within_bounds_and_can_be_approved(void **state)
{
    AUTO(approved_points_clear) struct approved_points points = { 0 };
    char keys[100][41];
    struct knocking_point knocks[100];

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < 100; i++) {
            snprintf(keys[i], sizeof(keys[i]), "%040u", round * 100 + i);
            knocks[i] = (struct knocking_point){ keys[i], "192.0.2.7" };
        }
        MUST(service_point_knocked(db, knocks, 100, &error_of_call));
    }
    expect("1000", "SELECT count(*) FROM amt.service_point WHERE state = 'pending'");
    MUST(service_point_approved(db, &points, &error_of_call));
    assert_int_equal(points.count, 2);
    sql("SELECT amt.service_point_approve('%s', 'north')", keys[99]);
    MUST(service_point_approved(db, &points, &error_of_call));
    assert_int_equal(points.count, 3);
    sql("SELECT amt.service_point_remove('north')");
    MUST(service_point_approved(db, &points, &error_of_call));
    assert_int_equal(points.count, 2);
}

static void an_attempt_gets_certificates_for_few_keys(void **state)
{
    static const struct certificate_settings certificate_settings = { 365 * 86400, 42 * 86400, "" };
    AUTO(authority_free) struct authority *authority = NULL;
    AUTO(message_free) struct message offer = { 0 };
    unsigned issued = 0;
    struct error err = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&authority, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(authority);
    take_offer(&offer);
    for (unsigned i = 0; i < 6; i++) {
        EVP_PKEY *key = EVP_RSA_gen(2048);
        struct message_certificate wanted = { .id = offer.job_offer.id };
        struct bytes der = { 0 };

        make_request(key, &wanted.der);
        issued += certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &der, &err);
        bytes_free(&wanted.der);
        bytes_free(&der);
        EVP_PKEY_free(key);
    }
    assert_int_equal(issued, 4);
    assert_int_equal(err.reason, REASON_ISSUER_REFUSED);
    assert_true(database_transaction_usable(db));
}

/* Spec O7.3: firmware before 7.0 may have a smaller key, which at the first contact only the service point
 * knows; what the database knows goes first. */
static void the_key_length_is_judged_by_the_firmware(void **state)
{
    static const struct certificate_settings certificate_settings = { 365 * 86400, 42 * 86400, "" };
    static const struct {
        const char *known, *told;
        bool issued;
    } cases[] = {
        { "NULL", NULL, false },    { "NULL", "5.2.10", true },      { "NULL", "11.8.50", false },
        { "'5.2.10'", NULL, true }, { "'12.0.67'", "3.2.1", false },
    };
    AUTO(authority_free) struct authority *authority = NULL;
    AUTO(message_free) struct message offer = { 0 };
    EVP_PKEY *key = EVP_RSA_gen(1536);

    (void)state;
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&authority, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(authority);
    take_offer(&offer);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct message_certificate wanted = { .id = offer.job_offer.id,
                                              .firmware_version = (char *)cases[i].told };
        struct bytes der = { 0 };
        struct error err = { 0 };
        char statement[128];

        snprintf(statement, sizeof(statement), "UPDATE amt_store.computer SET firmware_version = %s",
                 cases[i].known);
        sql("%s", statement);
        make_request(key, &wanted.der);
        if (certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &der, &err) !=
            cases[i].issued)
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(err.reason, cases[i].issued ? REASON_NONE : REASON_ISSUER_REFUSED);
        bytes_free(&wanted.der);
        bytes_free(&der);
    }
    EVP_PKEY_free(key);
}

/* A service point that is shut out may have called itself by another one's name. */
static void a_name_that_two_service_points_claim_is_refused(void **state)
{
    struct message_register said = { .name = (char *)"north", .software_version = (char *)"1" };
    char *name = NULL;
    int64_t id;

    (void)state;
    MUST(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    MUST(service_point_register(db, KEY_B, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    sql("DO $$ BEGIN PERFORM amt.service_point_remove('north'); RAISE EXCEPTION 'one was removed';"
        " EXCEPTION WHEN SQLSTATE 'AM002' THEN NULL; END $$");
    expect("2", "SELECT count(*) FROM amt.service_point WHERE state = 'approved'");
    sql("SELECT amt.service_point_remove('" KEY_B "')");
    expect("1", "SELECT count(*) FROM amt.service_point WHERE state = 'approved'");
}

static void a_removed_service_point_cannot_register(void **state)
{
    struct message_register said = { .name = (char *)"a", .software_version = (char *)"1" };
    struct error err;
    char *name = NULL;
    int64_t id;

    (void)state;
    sql("SELECT amt.service_point_remove('" KEY_A "')");
    assert_false(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_true(database_transaction_usable(db));
}

/* What a branch office's service point may come by is for who admits it to say, not for itself. */
static void a_service_point_registers_with_no_more_than_its_granted_subnets(void **state)
{
    char *subnets[] = { (char *)"10.1.2.0/24", (char *)"10.9.0.0/16" };
    struct message_register said = {
        .name = (char *)"a", .software_version = (char *)"1", .subnets = subnets, .subnet_count = 2
    };
    struct error err;
    char *name = NULL;
    int64_t id;

    (void)state;
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, '10.1.0.0/16, 10.2.0.0/16')");
    sql("UPDATE amt_store.service_point SET connected_until = NULL WHERE key = '" KEY_A "'");
    assert_false(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &err));
    assert_int_equal(err.reason, REASON_SUBNET_NOT_GRANTED);
    assert_non_null(strstr(err.message, "10.1.0.0/16, 10.2.0.0/16 alone"));
    said.subnet_count = 0; /* any */
    assert_false(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &err));
    assert_int_equal(err.reason, REASON_SUBNET_NOT_GRANTED);
    expect("false", "SELECT connected FROM amt.service_point WHERE public_key = '" KEY_A "'");
    said.subnet_count = 1;
    MUST(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, 'any')");
    said.subnet_count = 2;
    MUST(service_point_register(db, KEY_A, NULL, &said, 45, &id, &name, &error_of_call));
    text_free(&name);
    sql("DO $$ BEGIN PERFORM amt.service_point_approve('" KEY_A "', NULL, '10.1.0.0/33'); RAISE 'taken';"
        " EXCEPTION WHEN SQLSTATE 'AM003' THEN NULL; END $$");
}

static void a_hello_from_a_subnet_that_was_not_granted_is_discarded(void **state)
{
    (void)state;
    import(1);
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, '192.0.2.0/24')");
    assert_int_equal(hello(1, &our_root), REASON_SUBNET_NOT_GRANTED);
    expect("0", "SELECT count(*) FROM amt.job");
    sql("SELECT amt.service_point_approve('" KEY_A "', NULL, '10.0.0.0/8')");
    assert_int_equal(hello(1, &our_root), REASON_NONE);
}

static void heartbeats_of_a_turn_are_stored_at_once(void **state)
{
    struct counter counters[] = { { (char *)"hello.seen", 12 }, { (char *)"hello.psk", UINT64_MAX } };
    struct heard_point heard[] = { { point_a, 7, 3, counters, 2 }, { point_b, 9, 1, NULL, 0 } };

    (void)state;
    MUST(service_point_heard(db, heard, 2, 45, &error_of_call));
    expect("7|3|12|true", "SELECT free || '|' || running || '|' || (counters ->> 'hello.seen') || '|' || "
                          "connected FROM amt.service_point WHERE name = 'a'");
    expect("9|1|{}",
           "SELECT free || '|' || running || '|' || counters FROM amt.service_point WHERE name = 'b'");
}

/* ---- other kinds ----------------------------------------------------------------------------------- */

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
#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_hello_of_a_known_computer_makes_one_job),
        WITH_SITE(a_subnet_where_many_wait_does_not_hold_up_another),
        WITH_SITE(subnets_take_turns_when_slots_become_free_one_by_one),
        WITH_SITE(within_a_subnet_the_one_that_was_due_first_comes_first),
        WITH_SITE(a_profile_that_is_halted_is_passed_over_and_others_go_on),
        WITH_SITE(a_limit_for_each_small_subnet_holds_within_a_lane),
        WITH_SITE(an_unknown_computer_is_only_remembered),
        WITH_SITE(unknown_computers_fill_a_bounded_table_from_which_the_oldest_leave),
        WITH_SITE(no_common_root_is_said_with_both_lists),
        WITH_SITE(a_service_point_that_is_gone_lends_no_root),
        WITH_SITE(a_turn_of_many_hellos_gives_each_its_verdict),
        WITH_SITE(a_hello_during_a_job_or_just_after_it_is_discarded),
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
        WITH_SITE(the_list_goes_on_where_it_stopped_until_nothing_is_left),
        WITH_SITE(nine_refusals_in_an_hour_make_the_job_wait),
        WITH_SITE(logins_of_an_attempt_that_never_reported_count_for_the_lock_out),
        WITH_SITE(an_accepted_account_clears_what_was_refused),
        WITH_SITE(a_hello_after_the_whole_list_failed_makes_no_job_until_something_new_comes),
        WITH_SITE(a_requested_job_of_a_computer_without_common_root_fails_with_its_hello),
        WITH_SITE(a_job_fails_when_its_attempts_are_used_up),
        WITH_SITE(a_heartbeat_keeps_the_lease),
        WITH_SITE(a_sealed_value_that_is_not_whole_is_refused),
        WITH_SITE(a_heartbeat_does_not_keep_the_lease_for_ever),
        WITH_SITE(a_stale_result_changes_nothing_of_the_computer),
        WITH_SITE(a_service_point_cannot_fill_the_history),
        WITH_SITE(an_attempt_gets_certificates_for_few_keys),
        WITH_SITE(an_offer_that_nobody_accepts_is_taken_back_soon_and_counts_for_nothing),
        WITH_SITE(a_service_point_that_begins_anew_loses_what_it_does_not_run),
        WITH_SITE(a_declined_offer_waits_a_little_and_nothing_was_sent),
        WITH_SITE(a_result_of_another_service_point_is_refused),
        WITH_SITE(a_cancelled_job_takes_no_result_but_keeps_its_password),
        WITH_SITE(a_requested_job_waits_for_an_address),
        WITH_SITE(a_job_that_nobody_can_take_says_so_and_is_due_when_somebody_comes),
        WITH_SITE(no_more_is_offered_than_there_are_free_slots),
        WITH_SITE(the_next_due_time_is_known),
        WITH_SITE(what_a_lost_attempt_asked_for_is_not_pending_once_the_job_is_done),
        WITH_SITE(a_certificate_is_recorded_repeated_and_activated),
        WITH_SITE(the_key_length_is_judged_by_the_firmware),
        WITH_SITE(who_knocks_is_remembered_within_bounds_and_can_be_approved),
        WITH_SITE(a_name_that_two_service_points_claim_is_refused),
        WITH_SITE(a_removed_service_point_cannot_register),
        WITH_SITE(a_service_point_registers_with_no_more_than_its_granted_subnets),
        WITH_SITE(a_hello_from_a_subnet_that_was_not_granted_is_discarded),
        WITH_SITE(heartbeats_of_a_turn_are_stored_at_once),
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
        WITH_SITE(a_hello_ends_what_waits_for_a_provisioned_computer_and_provisions_it),
        WITH_SITE(certificates_that_are_due_are_renewed_once_and_failures_wait_a_day),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
