/* The site server's configuration (spec 11: configuration). */
#include <string.h>

#include "config.h"
#include "tests/unit/unit_test.h"

static bool read_with(const char *setting, struct config *config, struct error *err)
{
    const char *settings[] = { setting };
    struct config_command command = { .settings = settings, .setting_count = setting ? 1 : 0 };

    return site_config_read(&command, config, err);
}

static void the_defaults_are_those_of_the_manual(void **state)
{
    struct config config = { 0 };
    struct error err;

    (void)state;
    assert_true(read_with(NULL, &config, &err));
    assert_string_equal(config.site_name, "amt");
    assert_string_equal(config.queue_endpoint, "tcp://*:5671");
    assert_int_equal(config.job_lease_s, 900);
    assert_int_equal(config.job_batch, 256);
    assert_int_equal(config.certificate_lifetime_s, 365 * 86400);
    assert_int_equal(config.queue_heartbeat_s, 15);
    assert_string_equal(config.metrics_listen, "");
    site_config_clear(&config);
}

static void what_cannot_work_stops_the_start_with_the_key_and_the_reason(void **state)
{
    static const struct {
        const char *setting, *named;
    } cases[] = {
        { "log.level=loud", "log.level" },
        { "job.batch=0", "job.batch" },
        { "job.attempts=many", "job.attempts" },
        { "job.retry_delay=2h", "job.retry_delay" },
        { "certificate.renew_before=400d", "certificate.renew_before" },
        { "queue.heartbeat=10m", "queue.heartbeat" },
        { "queue.heartbeats=10s", "queue.heartbeats" },
        { "database.url", "key = value" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = { 0 };
        struct error err = { 0 };

        assert_false(read_with(cases[i].setting, &config, &err));
        assert_int_equal(err.code, ERROR_INPUT);
        if (!strstr(err.message, cases[i].named))
            fail_msg("'%s' does not name %s", err.message, cases[i].named);
    }
}

static void a_directory_that_cannot_be_used_stops_the_start(void **state)
{
    static const struct {
        const char *settings[5], *named;
    } cases[] = {
        { { "directory.servers=ldaps://dc1", "directory.keytab=k" }, "directory.container" },
        { { "directory.servers=ldaps://dc1", "directory.container=c" }, "directory.keytab" },
        { { "directory.servers=ldaps://dc1", "directory.container=c", "directory.keytab=k",
            "directory.bind_user=u", "directory.password_file=p" },
          "either directory.keytab" },
        { { "directory.servers=ldaps://dc1", "directory.container=c", "directory.bind_user=u" },
          "directory.password_file" },
        { { "directory.servers=ldaps://dc1 ldap://dc2", "directory.container=c", "directory.bind_user=u",
            "directory.password_file=p" },
          "in clear" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config_command command = { .settings = (const char **)cases[i].settings };
        struct config config = { 0 };
        struct error err = { 0 };

        while (command.setting_count < COUNT_OF(cases[i].settings) &&
               cases[i].settings[command.setting_count])
            command.setting_count++;
        assert_false(site_config_read(&command, &config, &err));
        if (!strstr(err.message, cases[i].named))
            fail_msg("'%s' does not name %s", err.message, cases[i].named);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_manual),
        cmocka_unit_test(what_cannot_work_stops_the_start_with_the_key_and_the_reason),
        cmocka_unit_test(a_directory_that_cannot_be_used_stops_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
