/* Which UUIDs somebody knows, told in few bits. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "known_set.h"

static struct uuid *make_uuids(size_t count, uint8_t kind)
{
    struct uuid *uuids = allocate((count + 1) * sizeof(*uuids));

    for (size_t i = 0; i < count; i++) {
        uuids[i].bytes[0] = kind;
        memcpy(uuids[i].bytes + 8, &i, sizeof(i));
    }
    return uuids;
}

static size_t count_recognised(struct known_set_reader *reader, const struct uuid *uuids, size_t count)
{
    size_t recognised = 0;

    for (size_t i = 0; i < count; i++)
        recognised += known_set_recognises(reader, &uuids[i]);
    return recognised;
}

static size_t mistakes_among(size_t known, size_t others)
{
    struct uuid *in = make_uuids(known, 1), *out = make_uuids(others, 2);
    AUTO(known_set_clear) struct known_set set = { 0 };
    AUTO(known_set_reader_free) struct known_set_reader *reader = NULL;
    struct error err;
    size_t mistakes;

    assert_true(known_set_make(&set, in, known, &err));
    assert_true(set.bits.length <= KNOWN_SET_MAX_BYTES);
    assert_in_range(set.probes, 1, KNOWN_SET_MAX_PROBES);
    reader = known_set_reader_new(&set);
    assert_int_equal(count_recognised(reader, in, known), known);
    mistakes = count_recognised(reader, out, others);
    free(in);
    free(out);
    return mistakes;
}

static void every_uuid_of_the_set_is_recognised_and_hardly_another(void **state)
{
    (void)state;
    assert_int_equal(mistakes_among(0, 10000), 0);
    assert_true(mistakes_among(1, 10000) < 5);
    assert_true(mistakes_among(5000, 100000) < 2000);
    assert_true(mistakes_among(100000, 100000) < 2000);
}

/* A million in 128 KiB: one bit for each; still better than knowing nothing. */
static void a_set_with_too_little_room_makes_mistakes_but_forgets_nobody(void **state)
{
    size_t mistakes = mistakes_among(1000000, 10000);

    (void)state;
    assert_in_range(mistakes, 1000, 8000);
}

static void no_set_recognises_nobody(void **state)
{
    const struct known_set none = { 0 };
    AUTO(known_set_reader_free) struct known_set_reader *reader = known_set_reader_new(&none);
    struct uuid uuid = { { 1 } };

    (void)state;
    assert_false(known_set_recognises(reader, &uuid));
    assert_false(known_set_recognises(NULL, &uuid));
}

static void two_sets_of_the_same_have_different_bits(void **state)
{
    AUTO(known_set_clear) struct known_set one = { 0 };
    AUTO(known_set_clear) struct known_set other = { 0 };
    struct uuid uuid = { { 1 } };
    struct error err;

    (void)state;
    assert_true(known_set_make(&one, &uuid, 1, &err));
    assert_true(known_set_make(&other, &uuid, 1, &err));
    assert_memory_not_equal(one.key, other.key, sizeof(one.key));
    assert_memory_not_equal(one.bits.data, other.bits.data, one.bits.length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_uuid_of_the_set_is_recognised_and_hardly_another),
        cmocka_unit_test(a_set_with_too_little_room_makes_mistakes_but_forgets_nobody),
        cmocka_unit_test(no_set_recognises_nobody),
        cmocka_unit_test(two_sets_of_the_same_have_different_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
