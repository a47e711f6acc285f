/* Spec 6.2: secrets at rest. */
#include "tests/unit/unit_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/private_file.h"
#include "devices/vault.h"

#define PLACE "11111111-2222-3333-4444-555555555555|admin"

struct key_file {
    char directory[64], path[80];
    struct vault *vault;
};

static int make_key_file(void **state)
{
    struct key_file *file = allocate(sizeof(*file));
    struct error err;

    strcpy(file->directory, "/tmp/vault_test.XXXXXX");
    if (!mkdtemp(file->directory))
        return -1;
    snprintf(file->path, sizeof(file->path), "%s/secret.keys", file->directory);
    *state = file;
    return vault_key_create(file->path, &err) && vault_load(&file->vault, file->path, &err) ? 0 : -1;
}

static int remove_key_file(void **state)
{
    struct key_file *file = *state;

    vault_free(&file->vault);
    unlink(file->path);
    rmdir(file->directory);
    free(file);
    return 0;
}

static void write_file(const char *path, const char *content, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void seal(struct vault *vault, const char *text, struct sealed *sealed)
{
    AUTO(secret_free) struct secret *secret = secret_from_text(text);
    struct error err;

    assert_true(vault_seal(vault, PLACE, secret, sealed, &err));
}

static void what_is_sealed_is_opened_again(void **state)
{
    struct key_file *file = *state;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    AUTO(secret_free) struct secret *opened = NULL;
    struct error err;

    seal(file->vault, "S3cret!pass", &sealed);
    assert_true(vault_open(file->vault, PLACE, &sealed, &opened, &err));
    assert_string_equal(secret_reveal(opened), "S3cret!pass");
    assert_string_equal(sealed.key_id, vault_current_key_id(file->vault));
    assert_int_equal(sealed.ciphertext.length, strlen("S3cret!pass") + 16);
}

static void an_empty_secret_is_one_too(void **state)
{
    struct key_file *file = *state;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    AUTO(secret_free) struct secret *opened = NULL;
    struct error err;

    seal(file->vault, "", &sealed);
    assert_true(vault_open(file->vault, PLACE, &sealed, &opened, &err));
    assert_int_equal(secret_length(opened), 0);
}

static void the_same_secret_is_never_sealed_alike(void **state)
{
    struct key_file *file = *state;
    AUTO(sealed_clear) struct sealed first = { 0 };
    AUTO(sealed_clear) struct sealed second = { 0 };

    seal(file->vault, "S3cret!pass", &first);
    seal(file->vault, "S3cret!pass", &second);
    assert_memory_not_equal(first.nonce, second.nonce, sizeof(first.nonce));
    assert_memory_not_equal(first.ciphertext.data, second.ciphertext.data, first.ciphertext.length);
}

static void every_changed_bit_is_noticed(void **state)
{
    struct key_file *file = *state;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct secret *opened = NULL;
    struct error err;

    seal(file->vault, "S3cret!pass", &sealed);
    for (size_t bit = 0; bit < sealed.ciphertext.length * 8; bit++) {
        sealed.ciphertext.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_false(vault_open(file->vault, PLACE, &sealed, &opened, &err));
        sealed.ciphertext.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    sealed.nonce[0] ^= 1;
    assert_false(vault_open(file->vault, PLACE, &sealed, &opened, &err));
    assert_null(opened);
}

static void a_secret_does_not_open_in_another_place(void **state)
{
    static const char *const places[] = { "11111111-2222-3333-4444-555555555555|mebx",
                                          "11111111-2222-3333-4444-555555555556|admin", "account|x", "" };
    struct key_file *file = *state;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct secret *opened = NULL;
    struct error err;

    seal(file->vault, "S3cret!pass", &sealed);
    for (size_t i = 0; i < COUNT_OF(places); i++)
        assert_false(vault_open(file->vault, places[i], &sealed, &opened, &err));
}

static void a_value_shorter_than_its_tag_is_refused(void **state)
{
    struct key_file *file = *state;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct secret *opened = NULL;
    struct error err;

    seal(file->vault, "S3cret!pass", &sealed);
    sealed.ciphertext.length = 15;
    assert_false(vault_open(file->vault, PLACE, &sealed, &opened, &err));
}

static void a_missing_key_is_named(void **state)
{
    struct key_file *file = *state;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct secret *opened = NULL;
    struct error err;

    seal(file->vault, "S3cret!pass", &sealed);
    text_set(&sealed.key_id, "k19990101-abcd");
    assert_false(vault_open(file->vault, PLACE, &sealed, &opened, &err));
    assert_int_equal(err.reason, REASON_SECRET_KEY_MISSING);
    assert_non_null(strstr(err.message, "k19990101-abcd"));
}

static void a_key_added_under_a_running_program_is_used(void **state)
{
    struct key_file *file = *state;
    AUTO(vault_free) struct vault *other = NULL;
    AUTO(sealed_clear) struct sealed before = { 0 };
    AUTO(sealed_clear) struct sealed after = { 0 };
    AUTO(secret_free) struct secret *opened = NULL;
    struct error err;

    seal(file->vault, "before", &before);
    assert_true(vault_key_add(file->path, &err));
    assert_true(vault_load(&other, file->path, &err));
    assert_true(vault_has_key(other, before.key_id));
    seal(other, "after", &after);
    assert_string_not_equal(after.key_id, before.key_id);
    assert_true(vault_open(file->vault, PLACE, &after, &opened, &err));
    assert_string_equal(secret_reveal(opened), "after");
    assert_string_equal(vault_current_key_id(file->vault), vault_current_key_id(other));
}

static void equal_secrets_have_equal_marks_in_one_place_only(void **state)
{
    struct key_file *file = *state;
    AUTO(secret_free) struct secret *secret = secret_from_text("S3cret!pass");
    AUTO(secret_free) struct secret *another = secret_from_text("S3cret!pasS");
    unsigned char mark[VAULT_MARK_BYTES], again[VAULT_MARK_BYTES], elsewhere[VAULT_MARK_BYTES],
        other[VAULT_MARK_BYTES];

    vault_mark(file->vault, PLACE, secret, mark);
    vault_mark(file->vault, PLACE, secret, again);
    vault_mark(file->vault, "account|x", secret, elsewhere);
    vault_mark(file->vault, PLACE, another, other);
    assert_memory_equal(mark, again, sizeof(mark));
    assert_memory_not_equal(mark, elsewhere, sizeof(mark));
    assert_memory_not_equal(mark, other, sizeof(mark));
}

static void a_bad_key_file_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *content, *complaint;
    } cases[] = {
        { "", "holds no key" },
        { "# only a comment\n", "holds no key" },
        { "k1\n", ":1:" },
        { "# c\nk1 AAAA\n", ":2:" },
        { "k/1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", ":1:" },
        { "k1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nk1 "
          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n",
          "twice" },
    };
    struct key_file *file = *state;
    struct vault *vault = NULL;
    struct error err;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_file(file->path, cases[i].content, 0600);
        assert_false(vault_load(&vault, file->path, &err));
        assert_non_null(strstr(err.message, cases[i].complaint));
        assert_null(strstr(err.message, "AAAA"));
    }
}

static void a_key_file_that_others_can_read_is_refused(void **state)
{
    struct key_file *file = *state;
    struct vault *vault = NULL;
    struct error err;

    assert_int_equal(chmod(file->path, 0640), 0);
    assert_false(vault_load(&vault, file->path, &err));
    assert_non_null(strstr(err.message, "chmod 600"));
}

static void a_key_file_is_never_replaced_by_a_new_one(void **state)
{
    struct key_file *file = *state;
    struct error err;

    assert_false(vault_key_create(file->path, &err));
}

/* Two rotations at the same time: what the one encrypts must not lose its key to the other. */
static void keys_that_are_added_at_the_same_time_are_all_there(void **state)
{
    enum { PEOPLE = 4, TIMES = 10 };
    struct key_file *file = *state;
    AUTO(secret_free) struct secret *content = NULL;
    struct error err = { 0 };
    pid_t people[PEOPLE];
    unsigned lines = 0;
    int status;

    for (unsigned i = 0; i < PEOPLE; i++) {
        people[i] = fork();
        if (people[i] == 0) {
            bool added = true;

            for (unsigned k = 0; added && k < TIMES; k++)
                added = vault_key_add(file->path, &err);
            _exit(added ? 0 : 1);
        }
        assert_true(people[i] > 0);
    }
    for (unsigned i = 0; i < PEOPLE; i++) {
        assert_int_equal(waitpid(people[i], &status, 0), people[i]);
        assert_int_equal(status, 0);
    }
    assert_true(private_file_read(file->path, &content, &err));
    for (const char *at = secret_reveal(content); (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 1 + PEOPLE * TIMES);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_key_file, remove_key_file)
    const struct CMUnitTest tests[] = {
        WITH_FILE(what_is_sealed_is_opened_again),
        WITH_FILE(an_empty_secret_is_one_too),
        WITH_FILE(the_same_secret_is_never_sealed_alike),
        WITH_FILE(every_changed_bit_is_noticed),
        WITH_FILE(a_secret_does_not_open_in_another_place),
        WITH_FILE(a_value_shorter_than_its_tag_is_refused),
        WITH_FILE(a_missing_key_is_named),
        WITH_FILE(a_key_added_under_a_running_program_is_used),
        WITH_FILE(equal_secrets_have_equal_marks_in_one_place_only),
        WITH_FILE(a_bad_key_file_is_refused_with_its_line),
        WITH_FILE(a_key_file_that_others_can_read_is_refused),
        WITH_FILE(a_key_file_is_never_replaced_by_a_new_one),
        WITH_FILE(keys_that_are_added_at_the_same_time_are_all_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
