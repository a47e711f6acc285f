/* The key file of the queue (design 3, spec 11: configuration). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/curve_key.h"
#include "common/private_file.h"
#include "tests/unit/unit_test.h"

/* Keys of the Z85 alphabet; nobody uses them. */
#define PUBLIC_KEY "0123456789abcdefghijklmnopqrstuvwxyzABCD"
#define SECRET_KEY "EFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{"

struct folder {
    char path[64], file[96];
};

static int make_folder(void **state)
{
    struct folder *folder = allocate(sizeof(*folder));

    strcpy(folder->path, "/tmp/curve-key-test.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->file, sizeof(folder->file), "%s/curve.key", folder->path);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;

    unlink(folder->file);
    rmdir(folder->path);
    free(folder);
    return 0;
}

static void what_was_written_is_read_again(void **state)
{
    const struct folder *folder = *state;
    struct curve_key_pair pair = { .public_key = PUBLIC_KEY, .secret_key = secret_from_text(SECRET_KEY) };
    struct curve_key_pair read = { 0 };
    struct stat status;
    struct error err;

    assert_true(curve_key_create(folder->file, &pair, &err));
    assert_int_equal(stat(folder->file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(curve_key_read(folder->file, &read, &err));
    assert_string_equal(read.public_key, PUBLIC_KEY);
    assert_true(secret_equal(read.secret_key, pair.secret_key));
    curve_key_clear(&read);
    assert_null(read.secret_key);
    assert_false(curve_key_create(folder->file, &pair, &err)); /* never over one that is there */
    curve_key_clear(&pair);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    const struct folder *folder = *state;
    struct curve_key_pair pair = { .public_key = PUBLIC_KEY, .secret_key = secret_from_text(SECRET_KEY) };
    struct curve_key_pair read = { 0 };
    struct error err;

    assert_true(curve_key_create(folder->file, &pair, &err));
    assert_int_equal(chmod(folder->file, 0640), 0);
    assert_false(curve_key_read(folder->file, &read, &err));
    assert_non_null(strstr(err.message, "chmod 600"));
    curve_key_clear(&pair);
}

static void what_is_no_key_file_is_refused_by_its_name(void **state)
{
    static const char *const contents[] = {
        "",
        "public",
        "public " PUBLIC_KEY,
        "public " PUBLIC_KEY "0123456789abcdefghijklmnopqrstuvwxyzABCD",
        "public " PUBLIC_KEY "0123456789abcdefghijklmnopqrstuvwxyzABCD",
        "secret " SECRET_KEY "\npublic " PUBLIC_KEY "0123456789abcdefghijklmnopqrstuvwxyzABCD",
        "public " PUBLIC_KEY "0123456789abcdefghijklmnopqrstuvwxyzABCD",
        "public "
        "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\nsecret " SECRET_KEY
        "\n",
    };
    const struct folder *folder = *state;

    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        AUTO(secret_free) struct secret *content = secret_from_text(contents[i]);
        struct curve_key_pair read = { 0 };
        struct error err = { 0 };

        unlink(folder->file);
        assert_true(private_file_create(folder->file, content, &err));
        assert_false(curve_key_read(folder->file, &read, &err));
        assert_non_null(strstr(err.message, folder->file));
        assert_null(strstr(err.message, SECRET_KEY));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read_again, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_that_others_can_read_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_no_key_file_is_refused_by_its_name, make_folder,
                                        remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
