/* Spec O3: `amtctl check` finds what firmware would refuse in a provisioning certificate file. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "control/certificate_file.h"
#include "support/certificate_maker.h"
#include "support/workplace.h"

static char directory[] = "/tmp/certificate_file_test.XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    directory_remove(directory);
    return 0;
}

static void make(struct provisioning_certificate *made, const char *name,
                 const struct certificate_recipe *recipe)
{
    AUTO(text_free) char *prefix = text_format("%s/%s", directory, name);
    struct error err = { 0 };

    if (!certificate_make(made, prefix, recipe, &err))
        fail_msg("%s", err.message);
}

static bool read_file_of(const char *path, struct certificate_file *certificate, struct error *err)
{
    return certificate_file_read(path, clock_wall_ms() / 1000, certificate, err);
}

static void expect_refusal(const char *path, const char *reason)
{
    struct certificate_file certificate = { 0 };
    struct error err = { 0 };

    assert_false(read_file_of(path, &certificate, &err));
    if (!strstr(err.message, reason))
        fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
}

static void a_good_file_is_described(void **state)
{
    struct certificate_recipe recipe = { .common_name = "provisioning.example.com" };
    struct provisioning_certificate made = { 0 };
    struct certificate_file certificate = { 0 };
    struct error err = { 0 };

    (void)state;
    make(&made, "good", &recipe);
    if (!read_file_of(made.path, &certificate, &err))
        fail_msg("%s", err.message);
    assert_non_null(strstr(certificate.subject, "provisioning.example.com"));
    assert_string_equal(certificate.root_hash, made.sha256_hex);
    assert_true(certificate.not_after_s > clock_wall_ms() / 1000);
    assert_null(certificate.weakness);
    certificate_file_clear(&certificate);
    certificate_clear(&made);
}

static void the_unit_does_as_well_as_the_purpose(void **state)
{
    struct certificate_recipe recipe = { .common_name = "provisioning.example.com",
                                         .without_setup_purpose = true };
    struct provisioning_certificate made = { 0 }, named = { 0 };
    struct certificate_file certificate = { 0 };
    struct error err = { 0 };

    (void)state;
    make(&made, "purpose", &recipe);
    expect_refusal(made.path, "neither EKU");
    recipe.organizational_unit = "Intel(R) Client Setup Certificate";
    make(&named, "unit", &recipe);
    assert_true(read_file_of(named.path, &certificate, &err));
    certificate_file_clear(&certificate);
    certificate_clear(&made);
    certificate_clear(&named);
}

static void an_expired_certificate_is_refused(void **state)
{
    struct certificate_recipe recipe = { .common_name = "provisioning.example.com", .expired = true };
    struct provisioning_certificate made = { 0 };

    (void)state;
    make(&made, "expired", &recipe);
    expect_refusal(made.path, "certificate 1 has expired");
    certificate_clear(&made);
}

static void a_small_key_is_a_weakness(void **state)
{
    struct certificate_recipe recipe = { .common_name = "provisioning.example.com", .leaf_key_bits = 1024 };
    struct provisioning_certificate made = { 0 };
    struct certificate_file certificate = { 0 };
    struct error err = { 0 };

    (void)state;
    make(&made, "small", &recipe);
    if (!read_file_of(made.path, &certificate, &err))
        fail_msg("%s", err.message);
    assert_non_null(strstr(certificate.weakness, "1024 bits"));
    certificate_file_clear(&certificate);
    certificate_clear(&made);
}

/* Splits a file at the lines that begin something in PEM. */
static size_t split(char *text, char *parts[8])
{
    size_t count = 0;

    for (char *at = strstr(text, "-----BEGIN"); at && count < 8; at = strstr(at + 1, "-----BEGIN"))
        parts[count++] = at;
    return count;
}

static void write_parts(const char *path, char *const *parts, const size_t *order, size_t count)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        const char *end = strstr(parts[order[i]] + 1, "-----BEGIN");

        fprintf(out, "%.*s", (int)(end ? (size_t)(end - parts[order[i]]) : strlen(parts[order[i]])),
                parts[order[i]]);
    }
    fclose(out);
    assert_int_equal(chmod(path, 0600), 0);
}

static void a_wrong_order_is_refused_with_the_right_one(void **state)
{
    struct certificate_recipe recipe = { .common_name = "provisioning.example.com" };
    struct provisioning_certificate made = { 0 };
    AUTO(text_free) char *path = text_format("%s/order", directory);
    AUTO(text_free) char *text = NULL;
    struct error err = { 0 };
    char *parts[8];

    (void)state;
    make(&made, "source", &recipe);
    assert_true(file_read(made.path, &text, NULL, &err));
    assert_int_equal(split(text, parts), 4);
    write_parts(path, parts, (const size_t[]){ 0, 3, 2, 1 }, 4);
    expect_refusal(path, "put the leaf first");
    write_parts(path, parts, (const size_t[]){ 0, 1, 3, 2 }, 4);
    expect_refusal(path, "certificate 2 did not issue certificate 1");
    write_parts(path, parts, (const size_t[]){ 0, 1, 2 }, 3);
    expect_refusal(path, "the last certificate is no root");
    write_parts(path, parts, (const size_t[]){ 0, 1 }, 2);
    expect_refusal(path, "1 certificates; put in leaf");
    write_parts(path, parts, (const size_t[]){ 1, 2, 3 }, 3);
    expect_refusal(path, "no private key");
    assert_int_equal(chmod(path, 0644), 0);
    expect_refusal(path, "chmod 600");
    certificate_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_described),
        cmocka_unit_test(the_unit_does_as_well_as_the_purpose),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_small_key_is_a_weakness),
        cmocka_unit_test(a_wrong_order_is_refused_with_the_right_one),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
