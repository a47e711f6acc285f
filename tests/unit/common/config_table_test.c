/* Spec 11, configuration: what is wrong stops the start, with file, line, key and reason. */
#include "common/config_table.h"
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sample {
    char *endpoint, *needed, *level;
    struct config_list subnets;
    int64_t lease_s, slots;
    bool on;
};

static const struct config_key keys[] = {
    CONFIG_KEY(struct sample, "queue.endpoint", CONFIG_TEXT, endpoint, "tcp://*:5671", "where to listen"),
    CONFIG_KEY(struct sample, "needed", CONFIG_TEXT, needed, NULL, "something without a default"),
    CONFIG_KEY(struct sample, "subnets", CONFIG_LIST, subnets, "", "served subnets"),
    CONFIG_RANGE(struct sample, "job.lease", CONFIG_SECONDS, lease_s, "15m", 60, 86400, "a lease"),
    CONFIG_RANGE(struct sample, "slots", CONFIG_NUMBER, slots, "2000", 1, 20000, "sessions"),
    CONFIG_KEY(struct sample, "switch", CONFIG_SWITCH, on, "off", "a switch"),
    CONFIG_CHOICE(struct sample, "level", level, "info", "error, info, debug", "one of a few words"),
};

/* A lease of seven minutes does not go with three slots. */
static bool check(void *target, struct error *err)
{
    const struct sample *sample = target;

    return sample->slots != 3 || sample->lease_s != 420 ||
           error_set(err, ERROR_INPUT, "slots and job.lease do not go together");
}

static const struct config_table table = { "sample", keys, COUNT_OF(keys), check };

static char path[] = "/tmp/config_table_test.XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void defaults_hold_until_the_file_and_the_command_line_say_otherwise(void **state)
{
    const char *const settings[] = { "slots=7", "needed = x" };
    struct sample sample = { 0 };
    struct error err = { 0 };

    (void)state;
    write_file(
        "# comment\n\n  queue.endpoint = tcp://127.0.0.1:1 \nslots = 9\nsubnets = 10.0.0.0/8 , 10.1.0.0/16,\n"
        "switch = on\r\nlevel = debug\n");
    assert_true(config_read(&table, &sample, path, settings, 2, &err));
    assert_string_equal(sample.endpoint, "tcp://127.0.0.1:1");
    assert_int_equal(sample.lease_s, 900);
    assert_int_equal(sample.slots, 7);
    assert_int_equal(sample.subnets.count, 2);
    assert_string_equal(sample.subnets.items[1], "10.1.0.0/16");
    assert_true(sample.on);
    assert_string_equal(sample.level, "debug");
    config_clear(&table, &sample);
}

static void what_is_wrong_is_named_with_file_line_key_and_reason(void **state)
{
    static const struct {
        const char *text, *said[3];
    } cases[] = {
        { "needed = x\nslotz = 3\n", { ":2: ", "slotz", "no such key" } },
        { "needed = x\nslots = many\n", { ":2: ", "slots", "'many' is not a number" } },
        { "needed = x\nslots = 0\n", { ":2: ", "slots", "out of range (1 to 20000)" } },
        { "needed = x\n\njob.lease = 2 weeks\n", { ":3: ", "job.lease", "not a duration" } },
        { "needed = x\njob.lease = 2d\n", { ":2: ", "job.lease", "out of range" } },
        { "needed = x\nswitch = yes\n", { ":2: ", "switch", "neither on nor off" } },
        { "needed = x\nlevel = inf\n", { ":2: ", "level", "'inf' is none of error, info, debug" } },
        { "needed = x\nlevel =\n", { ":2: ", "level", "'' is none of" } },
        { "needed = x\nslots = 3\njob.lease = 7m\n", { "slots", "job.lease", "do not go together" } },
        { "needed\n", { ":1: ", "needed", "not of the form key = value" } },
        { "slots = 3\n", { path, "needed", "is not set" } },
        { "needed = x\nslots = 99999999999999999999\n", { ":2: ", "slots", "not a number" } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sample sample = { 0 };
        struct error err = { 0 };

        write_file(cases[i].text);
        assert_false(config_read(&table, &sample, path, NULL, 0, &err));
        for (size_t s = 0; s < 3; s++) {
            if (!strstr(err.message, cases[i].said[s]))
                fail_msg("'%s' does not say '%s'", err.message, cases[i].said[s]);
        }
    }
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
    struct sample sample = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_false(config_read(&table, &sample, "/nonexistent/file", NULL, 0, &err));
    assert_non_null(strstr(err.message, "/nonexistent/file"));
}

static void what_is_shown_can_be_read_again(void **state)
{
    const char *const settings[] = { "needed=x", "subnets=a,b", "job.lease=2h" };
    struct sample sample = { 0 }, again = { 0 };
    struct error err = { 0 };
    FILE *file;

    (void)state;
    assert_true(config_read(&table, &sample, NULL, settings, 3, &err));
    file = fopen(path, "w");
    config_show(&table, &sample, file);
    fclose(file);
    assert_true(config_read(&table, &again, path, NULL, 0, &err));
    assert_int_equal(again.lease_s, 7200);
    assert_int_equal(again.subnets.count, 2);
    config_clear(&table, &sample);
    config_clear(&table, &again);
}

static int make_path(void **state)
{
    (void)state;
    close(mkstemp(path));
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_until_the_file_and_the_command_line_say_otherwise),
        cmocka_unit_test(what_is_wrong_is_named_with_file_line_key_and_reason),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
        cmocka_unit_test(what_is_shown_can_be_read_again),
    };

    return cmocka_run_group_tests_name("config_table", tests, make_path, remove_path);
}
