/*
 * bad_configuration_test.c - spec 11, fourth row: with a wrong configuration nothing starts, and the message
 * names file, line, key and reason.
 */
#include <string.h>
#include <sys/stat.h>

#include "support/expect.h"

enum { SERVER, POINT, PROGRAMS };

static const char *const programs[PROGRAMS] = { "site-server/amt-site-server",
                                                "service-point/amt-service-point" };

enum { REFUSAL_TIMEOUT_MS = 30000 };

static const char *config_of(struct site *site, int program)
{
    return program == SERVER ? site->server_config_path : site->points[0].config_path;
}

/* Starts the program with this file and one setting more; it must end with an error that has all the words.
 */
static void expect_no_start(struct site *site, int program, const char *file, const char *setting,
                            const char *const *words)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(text_free) char *path = site_program(site, programs[program]);
    /* The site's own programs hold their addresses; what is not refused first would fail on that. */
    AUTO(text_free) char *endpoint = text_format("queue.endpoint=tcp://127.%u.0.9:5671", site->place.block);
    const char *elsewhere = program == SERVER ? endpoint : "hello.listen=127.0.0.1:0";
    const char *argv[10] = { path, "--config", file, "--set", elsewhere };
    size_t count = 5;
    struct error err = { 0 };

    if (program == SERVER) {
        argv[count++] = "--set";
        argv[count++] = "agents.endpoint=";
    }
    if (setting) {
        argv[count++] = "--set";
        argv[count++] = setting;
    }
    must(command_run(&result, NULL, REFUSAL_TIMEOUT_MS, argv, &err));
    if (result.exit_status == 0 || result.exit_status >= 128)
        fail_msg("%s %s: exit status %d: %s", programs[program], setting ? setting : file, result.exit_status,
                 result.errors);
    for (size_t i = 0; words[i]; i++) {
        if (!strstr(result.errors, words[i]))
            fail_msg("%s: the message does not name \"%s\": %s", programs[program], words[i], result.errors);
    }
}

/* The program's own file with a line more; that line's number as text is added to the words by the caller. */
static char *file_with_line(struct site *site, int program, const char *line, size_t *number)
{
    AUTO(text_free) char *content = NULL;
    AUTO(text_free) char *longer = NULL;
    char *path = site_path(site, "wrong.conf");
    struct error err = { 0 };

    must(file_read(config_of(site, program), &content, NULL, &err));
    longer = text_format("%s%s\n", content, line);
    must(file_write(path, longer, 0600, &err));
    *number = 1;
    for (const char *at = content; (at = strchr(at, '\n')); at++)
        (*number)++;
    return path;
}

static void an_unknown_key_or_a_bad_value_is_named_with_file_and_line(void **state)
{
    static const struct {
        int program;
        const char *line, *key;
    } cases[] = {
        { SERVER, "job.leese = 900s", "job.leese" },
        { SERVER, "job.lease = soon", "job.lease" },
        { SERVER, "job.lease = -5", "job.lease" },
        { SERVER, "job.attempts = many", "job.attempts" },
        { SERVER, "log.level = loud", "log.level" },
        { POINT, "point.slotz = 5", "point.slotz" },
        { POINT, "point.slots = 99999999999999999999", "point.slots" },
        { POINT, "firmware.request_timeout = 1 fortnight", "firmware.request_timeout" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t number;
        AUTO(text_free) char *path = file_with_line(site, cases[i].program, cases[i].line, &number);
        AUTO(text_free) char *place = text_format("wrong.conf:%zu", number);

        /* log.level is checked when the log opens: it names the key, not the line. */
        const char *words[] = { cases[i].key, strcmp(cases[i].key, "log.level") ? place : cases[i].key,
                                NULL };

        expect_no_start(site, cases[i].program, path, NULL, words);
    }
}

static void a_line_that_is_no_setting_is_named(void **state)
{
    struct site *site = *state;

    for (int program = 0; program < PROGRAMS; program++) {
        size_t number;
        AUTO(text_free) char *path = file_with_line(site, program, "this is no setting", &number);
        AUTO(text_free) char *place = text_format("wrong.conf:%zu", number);

        expect_no_start(site, program, path, NULL, (const char *[]){ place, NULL });
    }
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    static const struct {
        int program;
        const char *setting, *name;
    } cases[] = {
        { SERVER, "queue.key_file=/nonexistent/curve.key", "/nonexistent/curve.key" },
        { SERVER, "secret.key_file=/nonexistent/secret.keys", "/nonexistent/secret.keys" },
        { POINT, "queue.key_file=/nonexistent/curve.key", "/nonexistent/curve.key" },
        { POINT, "provisioning.certificates=/nonexistent/leaf.pem", "/nonexistent/leaf.pem" },
    };
    struct site *site = *state;

    for (int program = 0; program < PROGRAMS; program++)
        expect_no_start(site, program, "/nonexistent/file.conf", NULL,
                        (const char *[]){ "/nonexistent/file.conf", NULL });
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_no_start(site, cases[i].program, config_of(site, cases[i].program), cases[i].setting,
                        (const char *[]){ cases[i].name, NULL });
}

static void a_key_file_that_others_can_read_stops_the_start(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *server_key = site_path(site, "site-server.key");
    AUTO(text_free) char *point_key = site_path(site, "service-point-1.key");
    const struct {
        int program;
        const char *path;
    } cases[] = {
        { SERVER, server_key },
        { SERVER, site->secret_key_path },
        { POINT, point_key },
        { POINT, site->provisioning.path },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(chmod(cases[i].path, 0644), 0);
        expect_no_start(site, cases[i].program, config_of(site, cases[i].program), NULL,
                        (const char *[]){ cases[i].path, "read by others", NULL });
        assert_int_equal(chmod(cases[i].path, 0600), 0);
    }
}

static void a_provisioning_certificate_that_no_firmware_takes_stops_the_start(void **state)
{
    static const struct {
        struct certificate_recipe recipe;
        const char *word;
    } cases[] = {
        { { .common_name = "provisioning.site.example.com", .without_setup_purpose = true },
          "2.16.840.1.113741.1.2.3" },
        { { .common_name = "provisioning.site.example.com", .expired = true }, "wrong-certificate.pem" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(certificate_clear) struct provisioning_certificate made = { 0 };
        AUTO(text_free) char *prefix = site_path(site, "wrong-certificate");
        struct error err = { 0 };

        must(certificate_make(&made, prefix, &cases[i].recipe, &err));
        AUTO(text_free) char *setting = text_format("provisioning.certificates=%s", made.path);

        expect_no_start(site, POINT, config_of(site, POINT), setting,
                        (const char *[]){ "wrong-certificate.pem", cases[i].word, NULL });
    }
}

static void a_site_key_that_is_none_stops_the_start(void **state)
{
    struct site *site = *state;

    expect_no_start(site, POINT, config_of(site, POINT), "site.public_key=short",
                    (const char *[]){ "site.public_key", NULL });
}

static void a_server_refuses_a_database_without_its_schema(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *other = text_copy(site->database_url);
    AUTO(text_free) char *setting = NULL;
    char *name = strstr(other, "/amt?");

    assert_non_null(name);
    memcpy(name, "/tpl?", 5);
    sql_do(site, "CREATE DATABASE tpl");
    setting = text_format("database.url=%s", other);
    expect_no_start(site, SERVER, site->server_config_path, setting, (const char *[]){ "--migrate", NULL });
}

static void show_config_prints_a_file_that_can_be_read_again(void **state)
{
    struct site *site = *state;

    for (int program = 0; program < PROGRAMS; program++) {
        AUTO(command_result_clear) struct command_result first = { 0 };
        AUTO(command_result_clear) struct command_result second = { 0 };
        AUTO(text_free) char *path = site_program(site, programs[program]);
        AUTO(text_free) char *file = site_path(site, "shown.conf");
        struct error err = { 0 };

        must(command_run(
            &first, NULL, REFUSAL_TIMEOUT_MS,
            (const char *[]){ path, "--config", config_of(site, program), "--show-config", NULL }, &err));
        assert_int_equal(first.exit_status, 0);
        must(file_write(file, first.output, 0600, &err));
        must(command_run(&second, NULL, REFUSAL_TIMEOUT_MS,
                         (const char *[]){ path, "--config", file, "--show-config", NULL }, &err));
        assert_string_equal(first.output, second.output);
    }
}

static int begin(void **state)
{
    struct site_options options = { .without_points = true, .without_simulator = true };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_key_or_a_bad_value_is_named_with_file_and_line),
        cmocka_unit_test(a_line_that_is_no_setting_is_named),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(a_key_file_that_others_can_read_stops_the_start),
        cmocka_unit_test(a_provisioning_certificate_that_no_firmware_takes_stops_the_start),
        cmocka_unit_test(a_site_key_that_is_none_stops_the_start),
        cmocka_unit_test(a_server_refuses_a_database_without_its_schema),
        cmocka_unit_test(show_config_prints_a_file_that_can_be_read_again),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
