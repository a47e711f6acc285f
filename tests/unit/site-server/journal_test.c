/* The escrow journal: its lines, its file, and that nothing is committed which is not in it. */
#include "tests/unit/unit_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/recovery.h"
#include "devices/journal.h"
#include "support/postgres.h"
#include "support/workplace.h"

#define UUID_1 "12345678-9abc-def0-1234-56789abcdef0"
#define HEAD   "1 2026-01-31T12:00:00.250Z "
#define HASH   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char directory[] = "/tmp/journal_test.XXXXXX";
static struct postgres *postgres;

static char *path_of(const char *name)
{
    return text_format("%s/%s", directory, name);
}

static int start(void **state)
{
    AUTO(text_free) char *cluster = NULL;
    struct error err;

    (void)state;
    if (!mkdtemp(directory) || chmod(directory, 0755) != 0) /* PostgreSQL runs as another user */
        return -1;
    cluster = path_of("cluster");
    return postgres_start(&postgres, cluster, &err) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    postgres_stop(&postgres);
    directory_remove(directory);
    return 0;
}

static struct database *connect_to_it(void)
{
    const struct database_options options = { .url = postgres_url(postgres), .program = "journal_test" };
    struct database *database = NULL;
    struct error err;

    if (!database_open(&database, &options, &err))
        fail_msg("%s", err.message);
    return database;
}

static bool run(struct database *database, const char *text, struct error *err)
{
    return database_run_once(database, &(struct sql_text){ "test", text }, NULL, NULL, err);
}

static struct uuid uuid_1(void)
{
    struct uuid uuid;

    assert_true(uuid_parse(UUID_1, &uuid));
    return uuid;
}

static char *content_of(const char *path)
{
    char *content = NULL;
    struct error err;

    assert_true(file_read(path, &content, NULL, &err));
    return content;
}

/* ---- lines ---- */

static void a_line_tells_what_was_noted(void **state)
{
    AUTO(journal_entry_clear) struct journal_entry entry = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(journal_entry_parse(HEAD "secret " UUID_1
                                         " 17 mebx k1 AAECAwQFBgcICQoL c2VhbGVkIHZhbHVlIGFuZCB0YWc= 10.0.0.7",
                                    &entry, &err));
    assert_int_equal(entry.kind, JOURNAL_SECRET);
    assert_int_equal(entry.at_ms, INT64_C(1769860800250));
    assert_int_equal(entry.id, 17);
    assert_int_equal(entry.secret_kind, CREDENTIAL_MEBX);
    assert_string_equal(entry.sealed.key_id, "k1");
    assert_int_equal(entry.sealed.nonce[11], 11);
    assert_int_equal(entry.sealed.ciphertext.length, 20);
    assert_string_equal(entry.address, "10.0.0.7");
    journal_entry_clear(&entry);
    assert_true(journal_entry_parse(HEAD "unused " UUID_1 " 3", &entry, &err));
    assert_int_equal(entry.kind, JOURNAL_UNUSED);
    assert_true(journal_entry_parse(
        HEAD "certificate " UUID_1 " 5 2 " HASH " client 1800000000 pc1.example.com MAA=", &entry, &err));
    assert_int_equal(entry.attempt, 2);
    assert_int_equal(entry.renew_at_s, 1800000000);
    assert_string_equal(entry.fqdn, "pc1.example.com");
    assert_int_equal(entry.certificate.length, 2);
}

static void half_a_line_or_a_spoilt_one_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "1",
        HEAD,
        HEAD "active " UUID_1,
        HEAD "active " UUID_1 " ",
        HEAD "active " UUID_1 " -1",
        HEAD "active " UUID_1 " 9223372036854775808",
        HEAD "active " UUID_1 " 1 more",
        HEAD "active 12345678 1",
        HEAD "deleted " UUID_1 " 1",
        "2 2026-01-31T12:00:00.250Z active " UUID_1 " 1",
        "1 2026-01-31 12:00:00.250Z active " UUID_1 " 1",
        "1 2026-01-31T12:00:00Z active " UUID_1 " 1",
        "1 2026-01-31T12:00:00.25xZ active " UUID_1 " 1",
        HEAD "secret " UUID_1 " 17 mebx k1 AAECAwQFBgcICQoL c2VhbGVk",
        HEAD "secret " UUID_1 " 17 other k1 AAECAwQFBgcICQoL c2VhbGVk -",
        HEAD "secret " UUID_1 " 17 mebx k1 AAECAwQFBgcICQo= c2VhbGVk -",
        HEAD "secret " UUID_1 " 17 mebx k1 AAECAwQFBgcICQoL c2VhbG -",
        HEAD "secret " UUID_1 " 17 mebx  AAECAwQFBgcICQoL c2VhbGVk -",
        HEAD "certificate " UUID_1 " 5 2 " HASH " other 1800000000 pc1.example.com MAA=",
        HEAD "certificate " UUID_1 " 5 2 " HASH "0 client 1800000000 pc1.example.com MAA=",
        HEAD "certificate " UUID_1 " 5 2 " HASH " client 1800000000 pc1.example.com ",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct journal_entry entry = { 0 };
        struct error err = { 0 };

        if (journal_entry_parse(lines[i], &entry, &err))
            fail_msg("taken: %s", lines[i]);
        assert_int_equal(err.code, ERROR_INPUT);
        assert_null(entry.fqdn);
    }
}

/* ---- the file ---- */

static void what_a_transaction_notes_is_in_the_file_once_it_is_committed_and_not_before(void **state)
{
    AUTO(text_free) char *path = path_of("committed");
    AUTO(text_free) char *before = NULL;
    AUTO(text_free) char *after = NULL;
    AUTO(database_close) struct database *database = connect_to_it();
    AUTO(journal_close) struct journal *journal = NULL;
    struct error err = { 0 };
    struct stat status;

    (void)state;
    assert_true(journal_open(&journal, path, &err));
    journal_attach(journal, database);
    assert_true(database_begin(database, &err));
    journal_note(database, &(struct journal_entry){ .kind = JOURNAL_ACTIVE, .uuid = uuid_1(), .id = 1 });
    database_rollback(database);
    assert_true(database_begin(database, &err));
    journal_note(database, &(struct journal_entry){ .kind = JOURNAL_ACTIVE, .uuid = uuid_1(), .id = 2 });
    before = content_of(path);
    assert_string_equal(before, "");
    assert_true(database_commit(database, &err));
    after = content_of(path);
    assert_null(strstr(after, " active " UUID_1 " 1\n"));
    assert_non_null(strstr(after, " active " UUID_1 " 2\n"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void half_a_line_that_a_crash_left_spoils_no_other(void **state)
{
    static const char torn[] = HEAD "secret " UUID_1 " 17 me";
    AUTO(text_free) char *path = path_of("torn");
    AUTO(text_free) char *content = NULL;
    AUTO(database_close) struct database *database = connect_to_it();
    AUTO(journal_close) struct journal *journal = NULL;
    struct error err = { 0 };

    (void)state;
    assert_true(file_write(path, torn, 0600, &err));
    assert_true(journal_open(&journal, path, &err));
    journal_attach(journal, database);
    assert_true(database_begin(database, &err));
    journal_note(database, &(struct journal_entry){ .kind = JOURNAL_ACTIVE, .uuid = uuid_1(), .id = 2 });
    assert_true(database_commit(database, &err));
    content = content_of(path);
    assert_int_equal(strncmp(content, torn, strlen(torn)), 0);
    assert_int_equal(content[strlen(torn)], '\n');
    assert_non_null(strstr(content, " active " UUID_1 " 2\n"));
}

static void what_cannot_be_noted_is_not_committed(void **state)
{
    AUTO(text_free) char *folder = path_of("folder");
    AUTO(text_free) char *path = path_of("folder/journal");
    AUTO(database_close) struct database *database = connect_to_it();
    AUTO(journal_close) struct journal *journal = NULL;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_true(journal_open(&journal, path, &err));
    journal_attach(journal, database);
    directory_remove(folder);
    assert_true(run(database, "CREATE TABLE handed_out (id integer)", &err));
    assert_true(database_begin(database, &err) && run(database, "INSERT INTO handed_out VALUES (1)", &err));
    journal_note(database, &(struct journal_entry){ .kind = JOURNAL_ACTIVE, .uuid = uuid_1(), .id = 2 });
    assert_false(database_commit(database, &err));
    assert_int_equal(err.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(err.message, path));
    assert_false(database_connected(database));
    assert_true(database_reconnect(database, &err));
    assert_true(database_begin(database, &err));
    assert_true(run(database, "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM handed_out); END $$", &err));
    assert_true(database_commit(database, &err)); /* what was noted before is forgotten */
}

static void what_is_no_file_is_refused_at_the_start(void **state)
{
    struct journal *journal = NULL;
    struct error err = { 0 };

    (void)state;
    assert_false(journal_open(&journal, directory, &err));
    assert_false(journal_open(&journal, "/dev/null", &err));
    assert_non_null(strstr(err.message, "/dev/null is not a file"));
    assert_null(journal);
}

/* ---- what it says together with the database ---- */

static struct vault *new_vault(void)
{
    AUTO(text_free) char *path = path_of("secret.keys");
    struct vault *vault = NULL;
    struct error err;

    unlink(path);
    assert_true(vault_key_create(path, &err) && vault_load(&vault, path, &err));
    return vault;
}

static struct sealed seal(struct vault *vault, const char *password)
{
    AUTO(secret_free) struct secret *secret = secret_from_text(password);
    struct sealed sealed = { 0 };
    struct uuid uuid = uuid_1();
    char place[VAULT_PLACE_SIZE];
    struct error err;

    vault_place_computer(&uuid, "admin", place);
    assert_true(vault_seal(vault, place, secret, &sealed, &err));
    return sealed;
}

static void tell(struct recovery *recovery, struct vault *vault, enum journal_kind kind, int64_t at_ms,
                 int64_t id, const char *password)
{
    struct journal_entry entry = { .kind = kind, .at_ms = at_ms, .uuid = uuid_1(), .id = id };

    if (password)
        entry.sealed = seal(vault, password);
    recovery_add_entry(recovery, &entry);
}

static void have(struct recovery *recovery, struct vault *vault, int64_t id, const char *state,
                 const char *password)
{
    struct recovered_value value = { .uuid = uuid_1(),
                                     .id = id,
                                     .created_ms = id,
                                     .active_ms = strcmp(state, "active") == 0 ? id : 0,
                                     .was_active = strcmp(state, "active") == 0,
                                     .was_pending = strcmp(state, "pending") == 0,
                                     .sealed = seal(vault, password) };
    struct error err;

    assert_true(recovery_add_stored(recovery, vault, &value, &err));
}

static void expect_password(const char *name, const struct recovered_value *value, const char *password)
{
    const char *found = value ? secret_reveal(value->clear) : NULL;

    if (!found != !password || (found && strcmp(found, password) != 0))
        fail_msg("%s: %s instead of %s", name, found ? found : "none", password ? password : "none");
}

/* P is what the database has; further ones are told by the journal at times from 100 on. */
static void the_newest_password_that_a_firmware_was_found_to_have_is_active(void **state)
{
    static const struct {
        const char *name, *stored_as; /* P */
        struct {
            enum journal_kind kind;
            int64_t id;
            const char *password;
        } told[5];
        const char *active, *pending;
        bool changed;
    } cases[] = {
        { "nothing new", "active", { { JOURNAL_ACTIVE, 1, NULL } }, "P", NULL, false },
        { "rotated", "active", { { JOURNAL_SECRET, 2, "Q" }, { JOURNAL_ACTIVE, 2, NULL } }, "Q", NULL, true },
        { "not known to have arrived", "active", { { JOURNAL_SECRET, 2, "Q" } }, "P", "Q", true },
        { "not taken",
          "active",
          { { JOURNAL_SECRET, 2, "Q" }, { JOURNAL_UNUSED, 2, NULL } },
          "P",
          NULL,
          true },
        { "became active later", "pending", { { JOURNAL_ACTIVE, 1, NULL } }, "P", NULL, true },
        { "the one before turned out to be right",
          "active",
          { { JOURNAL_SECRET, 2, "Q" },
            { JOURNAL_ACTIVE, 2, NULL },
            { JOURNAL_SECRET, 3, "R" },
            { JOURNAL_ACTIVE, 2, NULL } },
          "Q",
          "R",
          true },
        { "the same under another seal",
          "active",
          { { JOURNAL_SECRET, 1, "P" }, { JOURNAL_ACTIVE, 1, NULL } },
          "P",
          NULL,
          false },
        { "a number that meant another one before the restore",
          "active",
          { { JOURNAL_SECRET, 2, "Q" }, { JOURNAL_SECRET, 2, "R" }, { JOURNAL_ACTIVE, 2, NULL } },
          "R",
          NULL,
          true },
    };
    AUTO(vault_free) struct vault *vault = new_vault();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(recovery_clear) struct recovery recovery = { 0 };
        struct recovered_state judged;
        struct error err;

        for (size_t k = 0; k < COUNT_OF(cases[i].told) && cases[i].told[k].id; k++)
            tell(&recovery, vault, cases[i].told[k].kind, 100 + (int64_t)k, cases[i].told[k].id,
                 cases[i].told[k].password);
        recovery_sort(&recovery);
        have(&recovery, vault, 1, cases[i].stored_as, "P");
        assert_true(recovery_add_told(&recovery, vault, 0, &err));
        recovery_judge(&recovery, 0, CREDENTIAL_ADMIN, &judged);
        expect_password(cases[i].name, judged.active, cases[i].active);
        expect_password(cases[i].name, judged.pending, cases[i].pending);
        assert_int_equal(judged.changed, cases[i].changed);
    }
}

static void a_password_of_another_place_is_refused(void **state)
{
    AUTO(vault_free) struct vault *vault = new_vault();
    AUTO(recovery_clear) struct recovery recovery = { 0 };
    struct error err = { 0 };

    (void)state;
    tell(&recovery, vault, JOURNAL_SECRET, 100, 1, "P");
    recovery.entries[0].secret_kind = CREDENTIAL_MEBX;
    assert_false(recovery_add_told(&recovery, vault, 0, &err));
    assert_non_null(strstr(err.message, "does not decrypt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_tells_what_was_noted),
        cmocka_unit_test(half_a_line_or_a_spoilt_one_is_refused),
        cmocka_unit_test(what_a_transaction_notes_is_in_the_file_once_it_is_committed_and_not_before),
        cmocka_unit_test(half_a_line_that_a_crash_left_spoils_no_other),
        cmocka_unit_test(what_cannot_be_noted_is_not_committed),
        cmocka_unit_test(what_is_no_file_is_refused_at_the_start),
        cmocka_unit_test(the_newest_password_that_a_firmware_was_found_to_have_is_active),
        cmocka_unit_test(a_password_of_another_place_is_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
