/* Spec 3, "Agents authenticate": what agents say is believed as far as it is theirs to say. */
#include "tests/unit/unit_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/policy.h"
#include "common/clock.h"
#include "statement.h"
#include "tests/unit/site-server/fresh_database.h"

#define WAIT_MOST_MS 30000
#define KEY_ONE      "1111111111111111111111111111111111111111"
#define KEY_OTHER    "2222222222222222222222222222222222222222"

static struct fresh_database fresh;
static struct database *administrator;
static unsigned computers;

#define expect_well(call, err)                                                                               \
    do {                                                                                                     \
        if (!(call))                                                                                         \
            fail_msg("%s", (err).message);                                                                   \
    } while (0)

static void administer(const char *text)
{
    struct error err = { 0 };

    expect_well(database_run_script(administrator, &(struct sql_text){ "administer", text }, &err), err);
}

/* The one value that a query gives. */
static char *found(const char *query)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err = { 0 };

    expect_well(database_run_once(administrator, &(struct sql_text){ "check", query }, NULL, &rows, &err),
                err);
    return text_copy(rows_count(rows) ? row_text(rows, 0, "value") : NULL);
}

static void expect_found(const char *query, const char *wanted)
{
    AUTO(text_free) char *value = found(query);

    assert_non_null(value);
    assert_string_equal(value, wanted);
}

/* With the rights of a site server and no others. */
static struct database *open_server(void)
{
    AUTO(text_free) char *url = fresh_database_server_url(&fresh);
    struct database_options options = {
        .url = url, .program = "test", .statements = statement_texts, .statement_count = STATEMENT_COUNT
    };
    struct database *database = NULL;
    struct error err = { 0 };

    expect_well(database_open(&database, &options, &err), err);
    return database;
}

static struct uuid next_computer(void)
{
    struct uuid uuid = { .bytes = { 7 } };

    uuid.bytes[15] = (uint8_t)++computers;
    return uuid;
}

static struct message_enrol agent_on(const struct uuid *uuid, struct secret *token)
{
    return (struct message_enrol){ .token = token,
                                   .uuid = *uuid,
                                   .agent_version = (char *)"1",
                                   .setup_state = SETUP_UNKNOWN,
                                   .control_mode = CONTROL_UNKNOWN };
}

struct attempt {
    struct database *database;
    struct enrolment enrolment;
    struct refused refused;
    struct error err;
    bool committed;
};

static void *enrol(void *context)
{
    struct attempt *attempt = context;

    attempt->committed =
        database_begin(attempt->database, &attempt->err) &&
        enrolment_carry_out(attempt->database, &attempt->enrolment, &attempt->refused, &attempt->err) &&
        database_commit(attempt->database, &attempt->err);
    if (!attempt->committed)
        database_rollback(attempt->database);
    return NULL;
}

static void enrol_well(struct database *database, const char *key, const struct message_enrol *said)
{
    struct attempt attempt = { .database = database, .enrolment = { key, "192.0.2.1", said } };

    enrol(&attempt);
    expect_well(attempt.committed, attempt.err);
    assert_string_equal(reason_of(attempt.refused.reason)->name, reason_of(REASON_NONE)->name);
}

static void await_a_waiting_server(void)
{
    static const char query[] = "SELECT count(*)::text AS value FROM pg_stat_activity"
                                " WHERE usename = 'server' AND wait_event_type = 'Lock'";
    int64_t until_ms = clock_monotonic_ms() + WAIT_MOST_MS;

    for (;;) {
        AUTO(text_free) char *waiting = found(query);

        if (strcmp(waiting, "0") != 0)
            return;
        if (clock_monotonic_ms() > until_ms)
            fail_msg("no server waits for the other one");
    }
}

/* Two site servers share the database, and each asks before the other has committed. */
static void of_two_agents_that_claim_a_computer_at_once_one_is_bound(void **state)
{
    AUTO(secret_free) struct secret *token = secret_from_text("a token");
    const struct uuid uuid = next_computer();
    const struct message_enrol said = agent_on(&uuid, token);
    struct attempt one = { .database = open_server(), .enrolment = { KEY_ONE, "192.0.2.1", &said } };
    struct attempt other = { .database = open_server(), .enrolment = { KEY_OTHER, "192.0.2.2", &said } };
    pthread_t thread;

    (void)state;
    expect_well(database_begin(one.database, &one.err), one.err);
    expect_well(enrolment_carry_out(one.database, &one.enrolment, &one.refused, &one.err), one.err);
    assert_int_equal(pthread_create(&thread, NULL, enrol, &other), 0);
    await_a_waiting_server();
    expect_well(database_commit(one.database, &one.err), one.err);
    pthread_join(thread, NULL);
    assert_false(other.committed);
    expect_found("SELECT public_key AS value FROM amt.agent", KEY_ONE);
    expect_found("SELECT uses::text AS value FROM amt.enrolment_token", "1");
    enrol(&other); /* as a turn is replayed */
    expect_well(other.committed, other.err);
    assert_string_equal(reason_of(other.refused.reason)->name, reason_of(REASON_BOUND_TO_ANOTHER_KEY)->name);
    expect_found("SELECT code AS value FROM amt.alarm", reason_of(REASON_BOUND_TO_ANOTHER_KEY)->name);
    expect_found("SELECT public_key AS value FROM amt.agent", KEY_ONE);
    database_close(&one.database);
    database_close(&other.database);
}

/* An operator unbinds it between the question whose the key is and the answer. */
static void a_key_that_was_unbound_meanwhile_is_not_bound_again_without_a_token(void **state)
{
    AUTO(secret_free) struct secret *token = secret_from_text("a token");
    AUTO(text_free) char *query = NULL;
    AUTO(text_free) char *unbind = NULL;
    const struct uuid uuid = next_computer();
    const struct message_enrol first = agent_on(&uuid, token), again = agent_on(&uuid, NULL);
    struct attempt attempt = { .database = open_server(),
                               .enrolment = { "5555555555555555555555555555555555555555", "192.0.2.5",
                                              &again } };
    char text[UUID_TEXT_SIZE];
    pthread_t thread;

    (void)state;
    enrol_well(attempt.database, attempt.enrolment.key, &first);
    query = text_format("SELECT (public_key IS NULL)::text AS value FROM amt.agent WHERE uuid = '%s'",
                        uuid_text(&uuid, text));
    unbind = text_format("SELECT amt.unbind_agent('%s')", text);
    administer("BEGIN");
    administer(unbind);
    assert_int_equal(pthread_create(&thread, NULL, enrol, &attempt), 0);
    await_a_waiting_server();
    administer("COMMIT");
    pthread_join(thread, NULL);
    assert_false(attempt.committed);
    enrol(&attempt); /* as a turn is replayed */
    assert_string_equal(reason_of(attempt.refused.reason)->name, reason_of(REASON_TOKEN_MISSING)->name);
    expect_found(query, "true");
    database_close(&attempt.database);
}

/* Whoever has the site's token could say that the firmware is old, and have the next job speak old TLS to it.
 */
static void an_agent_does_not_tell_the_firmware_of_a_computer_that_is_not_managed_in_band(void **state)
{
    AUTO(secret_free) struct secret *token = secret_from_text("a token");
    AUTO(database_close) struct database *server = open_server();
    const struct uuid uuid = next_computer();
    struct message_enrol said = agent_on(&uuid, token);
    AUTO(text_free) char *query = NULL;
    AUTO(text_free) char *change = NULL;
    char text[UUID_TEXT_SIZE];

    (void)state;
    query = text_format("SELECT firmware_version AS value FROM amt.computer WHERE uuid = '%s'",
                        uuid_text(&uuid, text));
    change = text_format("SELECT amt.import_computer('%s', 'pc', 'pc.example.org');"
                         "UPDATE amt_store.computer SET firmware_version = '16.1.25.2124' WHERE uuid = '%s'",
                         text, text);
    administer(change);
    said.amt_version = (char *)"3.2.1";
    enrol_well(server, "3333333333333333333333333333333333333333", &said);
    expect_found(query, "16.1.25.2124");
    text_free(&change);
    change = text_format("SELECT amt.set_in_band('%s', true)", text);
    administer(change);
    said.amt_version = (char *)"16.1.30";
    enrol_well(server, "3333333333333333333333333333333333333333", &said);
    expect_found(query, "16.1.30");
}

static void a_computer_that_was_not_imported_stays_unknown_where_imported_ones_alone_have_agents(void **state)
{
    AUTO(secret_free) struct secret *token = secret_from_text("a token");
    AUTO(database_close) struct database *server = open_server();
    const struct uuid uuid = next_computer();
    const struct message_enrol said = agent_on(&uuid, token);
    struct attempt attempt = { .database = server,
                               .enrolment = { "6666666666666666666666666666666666666666", "192.0.2.6", &said,
                                              .imported_only = true } };
    AUTO(text_free) char *query = NULL;
    AUTO(text_free) char *import = NULL;
    char text[UUID_TEXT_SIZE];

    (void)state;
    query = text_format("SELECT count(*)::text AS value FROM amt.computer WHERE uuid = '%s'",
                        uuid_text(&uuid, text));
    import = text_format("SELECT amt.import_computer('%s', 'known', 'known.example.org')", text);
    enrol(&attempt);
    assert_string_equal(reason_of(attempt.refused.reason)->name, reason_of(REASON_UNKNOWN_COMPUTER)->name);
    expect_found(query, "0");
    administer(import);
    attempt.refused = (struct refused){ 0 };
    enrol(&attempt);
    expect_well(attempt.committed, attempt.err);
    assert_string_equal(reason_of(attempt.refused.reason)->name, reason_of(REASON_NONE)->name);
}

static void a_check_with_a_long_text_in_any_language_is_kept(void **state)
{
    AUTO(secret_free) struct secret *token = secret_from_text("a token");
    AUTO(database_close) struct database *server = open_server();
    struct agent agent = { .uuid = next_computer() };
    const struct message_enrol said = agent_on(&agent.uuid, token);
    struct message_check_failed failed = { .reason = REASON_FIRMWARE_STATUS };
    AUTO(text_free) char *query = NULL;
    char text[1 + 2 * 400 + 1] = "x", uuid[UUID_TEXT_SIZE];
    struct error err = { 0 };

    (void)state;
    while (strlen(text) + 2 < sizeof(text))
        strcat(text, "\xC3\xBC");
    failed.text = text;
    enrol_well(server, "4444444444444444444444444444444444444444", &said);
    expect_well(database_begin(server, &err) && check_record(server, &agent, &failed, &err) &&
                    database_commit(server, &err),
                err);
    query = text_format("SELECT length(check_text)::text AS value FROM amt.agent WHERE uuid = '%s'",
                        uuid_text(&agent.uuid, uuid));
    expect_found(query, "200");
}

static int start(void **state)
{
    struct error err = { 0 };

    (void)state;
    if (!fresh_database_start(&fresh, &err) ||
        !database_open(&administrator,
                       &(struct database_options){ .url = fresh_database_url(&fresh), .program = "test" },
                       &err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    administer("SELECT amt.token_create('site', sha256('a token'), '1 hour')");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    database_close(&administrator);
    fresh_database_stop(&fresh);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_agents_that_claim_a_computer_at_once_one_is_bound),
        cmocka_unit_test(a_key_that_was_unbound_meanwhile_is_not_bound_again_without_a_token),
        cmocka_unit_test(an_agent_does_not_tell_the_firmware_of_a_computer_that_is_not_managed_in_band),
        cmocka_unit_test(
            a_computer_that_was_not_imported_stays_unknown_where_imported_ones_alone_have_agents),
        cmocka_unit_test(a_check_with_a_long_text_in_any_language_is_kept),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
