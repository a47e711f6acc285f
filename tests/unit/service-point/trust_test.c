/* Provisioning certificates as they are loaded and chosen: spec O3, spec 11 "configuration". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firmware/trust.h"
#include "pki.h"

#define SETUP "serverAuth,2.16.840.1.113741.1.2.3"

static struct identity root, issuer, leaf, other_root;
static char directory[] = "/tmp/trust_test.XXXXXX";
static char chain_path[64], key_path[64];
static const struct trust_source source = { chain_path, key_path };
static struct trust *trust;
static struct error err;

static int make_identities(void **state)
{
    (void)state;
    root = pki_make(&(struct certificate_wish){ .common_name = "Root", .authority = true });
    other_root = pki_make(&(struct certificate_wish){ .common_name = "Other", .authority = true });
    issuer =
        pki_make(&(struct certificate_wish){ .common_name = "Issuer", .authority = true, .issuer = &root });
    leaf = pki_make(
        &(struct certificate_wish){ .common_name = "ps.example.com", .purposes = SETUP, .issuer = &issuer });
    if (!mkdtemp(directory))
        return -1;
    snprintf(chain_path, sizeof(chain_path), "%s/chain.pem", directory);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", directory);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    unlink(chain_path);
    unlink(key_path);
    rmdir(directory);
    pki_free(&root);
    pki_free(&other_root);
    pki_free(&issuer);
    pki_free(&leaf);
    return 0;
}

static bool load(const struct identity *const *chain, const struct identity *key_of)
{
    err = (struct error){ 0 };
    pki_write(chain_path, chain, NULL);
    pki_write(key_path, NULL, key_of->key);
    return trust_load(&trust, &source, 1, (int64_t)time(NULL), &err);
}

static void a_certificate_is_found_by_each_hash_of_its_root(void **state)
{
    const struct identity *chain[] = { &leaf, &issuer, &root, NULL };
    struct provisioning_certificate_facts facts;
    static const uint8_t lengths[] = { 20, 32, 48 };
    struct root_hash stranger = { .algorithm = 2, .length = 32, .hash = { 1 } };

    (void)state;
    assert_true(load(chain, &leaf));
    provisioning_certificate_facts(trust_certificate(trust, 0), &facts);
    assert_string_equal(facts.subject, "CN=ps.example.com");
    assert_string_equal(facts.root_subject, "CN=Root");
    assert_string_equal(facts.common_name, "ps.example.com");
    for (size_t i = 0; i < 3; i++) {
        struct root_hash hashes[] = { stranger, facts.root_hashes[i] };

        assert_int_equal(facts.root_hashes[i].algorithm, i + 1);
        assert_int_equal(facts.root_hashes[i].length, lengths[i]);
        assert_ptr_equal(trust_find(trust, hashes, 2), trust_certificate(trust, 0));
    }
    assert_null(trust_find(trust, &stranger, 1));
    assert_null(trust_find(trust, NULL, 0));
    trust_free(&trust);
    trust_free(&trust);
}

static void a_key_in_the_same_file_is_found(void **state)
{
    const struct identity *chain[] = { &leaf, &issuer, &root, NULL };
    struct trust_source one_file = { chain_path, NULL };

    (void)state;
    pki_write(chain_path, chain, leaf.key);
    assert_true(trust_load(&trust, &one_file, 1, (int64_t)time(NULL), &err));
    trust_free(&trust);
    chmod(chain_path, 0644);
    assert_false(trust_load(&trust, &one_file, 1, (int64_t)time(NULL), &err));
    assert_non_null(strstr(err.message, "chmod 600"));
}

static void a_service_point_without_certificates_finds_none(void **state)
{
    struct root_hash any = { .algorithm = 2, .length = 32 };

    (void)state;
    assert_true(trust_load(&trust, NULL, 0, 0, &err));
    assert_int_equal(trust_count(trust), 0);
    assert_null(trust_find(trust, &any, 1));
    trust_free(&trust);
}

static void mistakes_in_the_files_stop_the_start(void **state)
{
    struct identity expired = pki_make(&(struct certificate_wish){ .common_name = "ps.example.com",
                                                                   .purposes = SETUP,
                                                                   .issuer = &issuer,
                                                                   .valid_from_s = -7200,
                                                                   .valid_until_s = -3600 });
    struct identity purposeless = pki_make(&(struct certificate_wish){
        .common_name = "ps.example.com", .purposes = "serverAuth", .issuer = &issuer });
    struct identity nameless =
        pki_make(&(struct certificate_wish){ .common_name = "", .purposes = SETUP, .issuer = &issuer });
    const struct {
        const struct identity *chain[4];
        const struct identity *key_of;
        enum reason_code reason;
        const char *hint;
    } cases[] = {
        { { &leaf, &issuer, NULL }, &leaf, REASON_CERTIFICATE_ORDER, "does not end with a self-signed root" },
        { { &leaf, &root, &issuer, NULL }, &leaf, REASON_CERTIFICATE_ORDER, "order" },
        { { &leaf, &issuer, &other_root, NULL }, &leaf, REASON_CERTIFICATE_ORDER, "order" },
        { { &root, &issuer, &leaf, NULL }, &leaf, REASON_NONE, "leaf first" },
        { { &leaf, &issuer, &root, NULL }, &issuer, REASON_NONE, "does not belong" },
        { { NULL }, &leaf, REASON_NONE, "no certificate" },
        { { &expired, &issuer, &root, NULL }, &expired, REASON_CERTIFICATE_EXPIRED, "expired" },
        { { &purposeless, &issuer, &root, NULL }, &purposeless, REASON_CERTIFICATE_PURPOSE, "1.2.3" },
        { { &nameless, &issuer, &root, NULL }, &nameless, REASON_NONE, "common name" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_false(load(cases[i].chain, cases[i].key_of));
        assert_int_equal(err.code, ERROR_INPUT);
        if (err.reason != cases[i].reason || !strstr(err.message, cases[i].hint) ||
            !strstr(err.message, directory))
            fail_msg("case %zu: %s", i, err.message);
    }
    pki_free(&expired);
    pki_free(&purposeless);
    pki_free(&nameless);
}

static void the_old_mark_in_the_subject_is_a_purpose_too(void **state)
{
    struct identity marked = pki_make(&(struct certificate_wish){ .common_name = "ps.example.com",
                                                                  .unit = "Intel(R) Client Setup Certificate",
                                                                  .purposes = "serverAuth",
                                                                  .issuer = &issuer });
    struct identity nearly = pki_make(&(struct certificate_wish){ .common_name = "ps.example.com",
                                                                  .unit = "Intel(R) client setup certificate",
                                                                  .purposes = "serverAuth",
                                                                  .issuer = &issuer });
    const struct identity *chain[] = { &marked, &issuer, &root, NULL };

    (void)state;
    assert_true(load(chain, &marked));
    trust_free(&trust);
    chain[0] = &nearly;
    assert_false(load(chain, &nearly));
    assert_int_equal(err.reason, REASON_CERTIFICATE_PURPOSE);
    pki_free(&marked);
    pki_free(&nearly);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_found_by_each_hash_of_its_root),
        cmocka_unit_test(a_key_in_the_same_file_is_found),
        cmocka_unit_test(a_service_point_without_certificates_finds_none),
        cmocka_unit_test(mistakes_in_the_files_stop_the_start),
        cmocka_unit_test(the_old_mark_in_the_subject_is_a_purpose_too),
    };

    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
