/* Design 1: a service point knows a list of site servers, begins with one of them and goes on from there. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "queue/site_list.h"

#define KEY_1 "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define KEY_2 "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static bool read_list(struct site_list *sites, const char *common_key, struct error *err, char **items,
                      size_t count)
{
    return site_list_read(sites, &(struct config_list){ items, count }, common_key, err);
}

static void each_address_has_its_own_key_or_the_common_one(void **state)
{
    AUTO(site_list_clear) struct site_list sites = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(
        read_list(&sites, KEY_1, &err,
                  (char *[]){ (char *)"tcp://192.0.2.1:5671", (char *)"tcp://192.0.2.2:5671  " KEY_2 }, 2));
    assert_int_equal(sites.count, 2);
    assert_string_equal(sites.items[0].endpoint, "tcp://192.0.2.1:5671");
    assert_string_equal(sites.items[0].public_key, KEY_1);
    assert_string_equal(sites.items[1].endpoint, "tcp://192.0.2.2:5671");
    assert_string_equal(sites.items[1].public_key, KEY_2);
}

static void a_missing_or_wrong_key_is_refused_by_the_name_of_its_setting(void **state)
{
    static const struct {
        const char *item, *common_key, *named;
    } cases[] = {
        { "tcp://192.0.2.1:5671", "", "site.public_key" },
        { "tcp://192.0.2.1:5671", "short", "site.public_key" },
        { "tcp://192.0.2.1:5671 short", KEY_1, "site.endpoint" },
        { "tcp://192.0.2.1:5671 " KEY_1 " " KEY_2, KEY_1, "site.endpoint" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct site_list sites = { 0 };
        struct error err = { 0 };

        assert_false(read_list(&sites, cases[i].common_key, &err, (char *[]){ (char *)cases[i].item }, 1));
        assert_non_null(strstr(err.message, cases[i].named));
        assert_null(sites.items);
    }
}

static void an_empty_list_is_refused(void **state)
{
    struct site_list sites = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_false(read_list(&sites, KEY_1, &err, NULL, 0));
    assert_non_null(strstr(err.message, "site.endpoint"));
}

static void names_that_differ_in_a_digit_spread_over_the_list_and_stay_where_they_are(void **state)
{
    (void)state;
    for (size_t count = 2; count <= 3; count++) {
        struct site_list sites = { .count = count };
        unsigned begins[3] = { 0 };

        for (unsigned i = 100; i < 400; i++) {
            AUTO(text_free) char *name = text_format("service-point-%u", i);
            size_t first = site_list_first(&sites, name);

            assert_true(first < count);
            assert_int_equal(first, site_list_first(&sites, name));
            begins[first]++;
        }
        for (size_t i = 0; i < count; i++)
            assert_in_range(begins[i], 300 / count - 40, 300 / count + 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_own_key_or_the_common_one),
        cmocka_unit_test(a_missing_or_wrong_key_is_refused_by_the_name_of_its_setting),
        cmocka_unit_test(an_empty_list_is_refused),
        cmocka_unit_test(names_that_differ_in_a_digit_spread_over_the_list_and_stay_where_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
