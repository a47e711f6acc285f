#include "tests/unit/site-server/jobs_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "jobs/dispatcher.h"
#include "jobs/lease.h"
#include "jobs/service_point.h"
#include "statement.h"
#include "tests/unit/site-server/fresh_database.h"

static struct fresh_database fresh;
struct database *db;
struct vault *vault;
int64_t point_a, point_b;
struct lane dispatched;
struct strangers strangers;

const struct job_settings settings = {
    .lease_s = 900, .deadline_s = 600, .attempts = 3, .retry_delay_s = 60, .retry_delay_max_s = 3600
};
const struct hello_settings hello_settings = { .quiet_s = 300, .unknown_max = 20 };
const struct root_hash our_root = { .algorithm = 2, .length = 32, .hash = { 0xAB, 0xCD } };
const struct root_hash foreign_root = { .algorithm = 1, .length = 20, .hash = { 0x12, 0x34 } };

void must(bool done, const struct error *err)
{
    if (!done)
        fail_msg("%s", err->message);
}

void sql(const char *format, ...)
{
    char text[2000];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    MUST(database_run_script(db, &(struct sql_text){ "test", text }, &error_of_call));
}

void expect(const char *wanted, const char *format, ...)
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

struct uuid uuid_of(unsigned number)
{
    struct uuid uuid = { .bytes = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 } };

    uuid.bytes[14] = (uint8_t)(number >> 8);
    uuid.bytes[15] = (uint8_t)number;
    return uuid;
}

const char *text_of(unsigned number)
{
    static char texts[8][UUID_TEXT_SIZE];
    static unsigned next;
    struct uuid uuid = uuid_of(number);

    return uuid_text(&uuid, texts[next++ % 8]);
}

void import(unsigned number)
{
    sql("SELECT amt.import_computer('%s', 'pc%u', 'pc%u.example.org')", text_of(number), number, number);
}

struct message_hello_seen seen_of(unsigned number, const struct root_hash *root)
{
    return (struct message_hello_seen){ .uuid = uuid_of(number),
                                        .address = (char *)"10.0.0.1",
                                        .root_hashes = (struct root_hash *)root,
                                        .root_hash_count = root ? 1 : 0,
                                        .seen_at_ms = clock_wall_ms() };
}

enum reason_code hello(unsigned number, const struct root_hash *root)
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

void dispatch(struct job_offers *offers)
{
    const struct connected_point points[] = {
        { .id = point_a, .free = 100, .root_hashes = &our_root, .root_hash_count = 1 },
    };

    MUST(job_dispatch(db, vault, &settings, &dispatched, points, 1, offers, &error_of_call));
}

void take_offer(struct message *offer)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    dispatch(&offers);
    assert_int_equal(offers.count, 1);
    *offer = offers.items[0].message;
    memset(&offers.items[0].message, 0, sizeof(offers.items[0].message));
    MUST(
        lease_hold(db, &settings, &(struct held_attempt){ point_a, offer->job_offer.id }, 1, &error_of_call));
}

void expect_no_offer(void)
{
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    dispatch(&offers);
    assert_int_equal(offers.count, 0);
}

struct message_job_finished done_with(const struct message *offer)
{
    return (struct message_job_finished){ .id = offer->job_offer.id,
                                          .done = true,
                                          .firmware_version = (char *)"11.8.50.3425",
                                          .admin_password = PASSWORD_SET,
                                          .mebx_password = PASSWORD_SET,
                                          .account_used = (char *)"empty" };
}

struct message_job_finished failed_with(const struct message *offer, enum reason_code reason)
{
    return (struct message_job_finished){ .id = offer->job_offer.id,
                                          .reason = reason,
                                          .text = (char *)"10.0.0.1 says no",
                                          .admin_password = PASSWORD_UNTOUCHED,
                                          .mebx_password = PASSWORD_UNTOUCHED };
}

enum reason_code finish(const struct message_job_finished *finished)
{
    struct message_job_closed closed;
    enum reason_code reason;

    MUST(result_finish(db, &settings, point_a, finished, &closed, &error_of_call));
    reason = closed.reason;
    assert_int_equal(closed.accepted, reason == REASON_NONE);
    text_free(&closed.text);
    return reason;
}

void open_seconds_later(unsigned number)
{
    sql("UPDATE amt_store.job SET not_before = now() WHERE uuid = '%s' AND state = 'waiting'",
        text_of(number));
}

void lose_lease(unsigned number)
{
    size_t taken_back;

    sql("UPDATE amt_store.job SET leased_until = now() - interval '1 second' WHERE uuid = '%s' AND state = "
        "'leased'",
        text_of(number));
    MUST(lease_reap(db, &settings, &taken_back, &error_of_call));
    assert_int_equal(taken_back, 1);
    open_seconds_later(number);
}

void expect_secret(unsigned number, const char *kind, const char *state, const struct secret *wanted)
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

void expect_accounts(const struct message *offer, const char *wanted)
{
    char text[400] = "";

    for (size_t i = 0; i < offer->job_offer.account_count; i++) {
        if (i)
            strcat(text, " ");
        strcat(text, offer->job_offer.accounts[i].reference);
    }
    assert_string_equal(text, wanted);
}

void sealed_of(const char *place, const char *text, char *out)
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

int64_t register_point(const char *key, const char *name)
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

int jobs_start(void **state)
{
    AUTO(text_free) char *keys = NULL;
    struct database_options options = { .program = "test",
                                        .statements = statement_texts,
                                        .statement_count = STATEMENT_COUNT };
    struct error err = { 0 };

    (void)state;
    if (fresh_database_start(&fresh, &err)) {
        keys = fresh_database_path(&fresh, "secret.keys");
        options.url = fresh_database_url(&fresh);
        if (database_open(&db, &options, &err) && vault_key_create(keys, &err) &&
            vault_load(&vault, keys, &err))
            return 0;
    }
    print_error("%s\n", err.message);
    return -1;
}

int jobs_stop(void **state)
{
    (void)state;
    vault_free(&vault);
    lane_clear(&dispatched);
    database_close(&db);
    fresh_database_stop(&fresh);
    return 0;
}

int jobs_begin(void **state)
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

int jobs_end(void **state)
{
    (void)state;
    database_rollback(db);
    return 0;
}
