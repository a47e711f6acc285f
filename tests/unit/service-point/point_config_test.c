/* Spec 11: a configuration that is wrong stops the start, with key and reason. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "config.h"

#define KEY "site.public_key=rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static bool read_with(const char *setting, struct config *config, struct error *err)
{
    const char *settings[] = { KEY, setting };
    const struct config_command command = { .settings = settings, .setting_count = setting ? 2 : 1 };

    return point_config_read(&command, config, err);
}

static void defaults_need_nothing_but_the_site_s_key(void **state)
{
    AUTO(point_config_clear) struct config config = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(read_with(NULL, &config, &err));
    assert_int_equal(config.point_slots, 2000);
    assert_int_equal(config.firmware_restart_wait_s, 60);
    assert_true(config.point_name[0] != '\0'); /* the host's */
    assert_string_equal(config.hello_listen, "0.0.0.0:9971");
}

static void without_the_site_s_key_it_does_not_start(void **state)
{
    const struct config_command command = { 0 };
    struct config config = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_false(point_config_read(&command, &config, &err));
    assert_non_null(strstr(err.message, "site.public_key"));
}

static void a_wrong_value_is_refused_with_its_key(void **state)
{
    static const char *const wrong[] = {
        "point.slots=0",
        "point.slots=many",
        "point.subnets=10.0.0.0",
        "point.subnets=10.0.0.0/33",
        "point.subnets=10.0.0.0/8,fd00::/129",
        "point.subnets=pc/8",
        "point.subnets=10.0.0.0/-1",
        "log.level=loud",
        "hello.receive_timeout=0s",
        "no.such_key=1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        AUTO(text_free) char *key = text_copy(wrong[i]);
        struct config config = { 0 };
        struct error err = { 0 };

        *strchr(key, '=') = '\0';
        assert_false(read_with(wrong[i], &config, &err));
        assert_non_null(strstr(err.message, key));
    }
}

static void subnets_of_both_kinds_are_taken(void **state)
{
    AUTO(point_config_clear) struct config config = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(read_with("point.subnets=10.1.0.0/16, fd00:1::/64, 0.0.0.0/0", &config, &err));
    assert_int_equal(config.point_subnets.count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_need_nothing_but_the_site_s_key),
        cmocka_unit_test(without_the_site_s_key_it_does_not_start),
        cmocka_unit_test(a_wrong_value_is_refused_with_its_key),
        cmocka_unit_test(subnets_of_both_kinds_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
