/* Spec 6.2, 11: a key file that others can read stops the start. */
#include "common/private_file.h"
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder_synced_with[64]; /* what the file held when its folder was written to disk last */

static char directory[] = "/tmp/private_file_test.XXXXXX";
static char *path;

/* Stands before the C library's: notes what would be there after a power failure. */
int fsync(int fd)
{
    struct stat status;

    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        AUTO(secret_free) struct secret *content = NULL;
        struct error err;

        *folder_synced_with = '\0';
        if (private_file_read(path, &content, &err) && secret_length(content) < sizeof(folder_synced_with))
            strcpy(folder_synced_with, secret_reveal(content));
    }
    return (int)syscall(SYS_fsync, fd);
}

static void a_file_is_made_private_and_read_back(void **state)
{
    AUTO(secret_free) struct secret *content = secret_from_text("a key");
    AUTO(secret_free) struct secret *again = NULL;
    struct error err = { 0 };
    struct stat status;

    (void)state;
    umask(0);
    assert_true(private_file_create(path, content, &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(private_file_read(path, &again, &err));
    assert_true(secret_equal(content, again));
}

static void a_file_that_is_there_is_not_overwritten(void **state)
{
    AUTO(secret_free) struct secret *content = secret_from_text("another");
    struct error err = { 0 };

    (void)state;
    assert_false(private_file_create(path, content, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
}

static void a_replaced_file_stays_private(void **state)
{
    AUTO(secret_free) struct secret *content = secret_from_text("a second key");
    AUTO(secret_free) struct secret *again = NULL;
    struct error err = { 0 };

    (void)state;
    assert_true(private_file_replace(path, content, &err));
    assert_true(private_file_read(path, &again, &err));
    assert_true(secret_equal(content, again));
}

static void a_file_that_others_can_read_is_refused_with_the_remedy(void **state)
{
    AUTO(secret_free) struct secret *content = NULL;
    struct error err = { 0 };

    (void)state;
    chmod(path, 0640);
    assert_false(private_file_read(path, &content, &err));
    assert_non_null(strstr(err.message, "chmod 600"));
    assert_null(content);
}

/* Values are encrypted with a new key as soon as its file is there: losing the key would lose them. */
static void a_file_survives_a_power_failure_once_it_is_written(void **state)
{
    AUTO(secret_free) struct secret *first = secret_from_text("first");
    AUTO(secret_free) struct secret *second = secret_from_text("second");
    struct error err = { 0 };

    (void)state;
    unlink(path);
    *folder_synced_with = '\0';
    assert_true(private_file_create(path, first, &err));
    assert_string_equal(folder_synced_with, "first");
    assert_true(private_file_replace(path, second, &err));
    assert_string_equal(folder_synced_with, "second");
}

static void a_file_beside_is_found_without_a_folder_in_its_name(void **state)
{
    AUTO(secret_free) struct secret *content = secret_from_text("here");
    AUTO(text_free) char *former = get_current_dir_name();
    struct error err = { 0 };

    (void)state;
    unlink(path);
    assert_int_equal(chdir(directory), 0);
    assert_true(private_file_create("key", content, &err));
    assert_int_equal(chdir(former), 0);
    assert_string_equal(folder_synced_with, "here");
}

/* A key file that grew with each rotation must not one day lock everybody out. */
static void what_could_not_be_read_again_is_not_written(void **state)
{
    AUTO(secret_free) struct secret *kept = secret_from_text("kept");
    AUTO(secret_free) struct secret *again = NULL;
    AUTO(secret_free) struct secret *large = NULL;
    char *text = allocate(PRIVATE_FILE_MAX_BYTES + 1);
    struct error err = { 0 };

    (void)state;
    memset(text, 'x', PRIVATE_FILE_MAX_BYTES + 1);
    large = secret_new(text, PRIVATE_FILE_MAX_BYTES + 1);
    free(text);
    unlink(path);
    assert_false(private_file_create(path, large, &err));
    assert_true(private_file_create(path, kept, &err));
    assert_false(private_file_replace(path, large, &err));
    assert_true(private_file_read(path, &again, &err));
    assert_true(secret_equal(again, kept));
}

static int make_directory(void **state)
{
    (void)state;
    path = text_format("%s/key", mkdtemp(directory));
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    text_free(&path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_made_private_and_read_back),
        cmocka_unit_test(a_file_that_is_there_is_not_overwritten),
        cmocka_unit_test(a_replaced_file_stays_private),
        cmocka_unit_test(a_file_survives_a_power_failure_once_it_is_written),
        cmocka_unit_test(a_file_beside_is_found_without_a_folder_in_its_name),
        cmocka_unit_test(what_could_not_be_read_again_is_not_written),
        cmocka_unit_test(a_file_that_others_can_read_is_refused_with_the_remedy),
    };

    return cmocka_run_group_tests_name("private_file", tests, make_directory, remove_directory);
}
