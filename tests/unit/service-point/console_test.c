/* Console certificates: the request for them, what is taken, when they are asked for again, and the file. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firmware/console.h"
#include "pki.h"

#define CONSOLE "clientAuth,2.16.840.1.113741.1.2.1"
#define DAY_S   86400

static struct identity authority, next_authority;
static char directory[] = "/tmp/console_test.XXXXXX";
static char path[64];
static struct error err;

static int make_authorities(void **state)
{
    (void)state;
    authority = pki_make(&(struct certificate_wish){ .common_name = "Authority", .authority = true });
    next_authority = pki_make(&(struct certificate_wish){ .common_name = "Next", .authority = true });
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/console.pem", directory);
    return 0;
}

static int free_authorities(void **state)
{
    (void)state;
    unlink(path);
    rmdir(directory);
    pki_free(&authority);
    pki_free(&next_authority);
    return 0;
}

static struct console *open_console(void)
{
    struct console *console = NULL;

    assert_true(console_open(&console, "", "point-1", (int64_t)time(NULL), &err));
    return console;
}

/* What the site makes of the request. */
static struct bytes certify(const struct console *console, const struct identity *issuer, long from_s,
                            long until_s)
{
    const unsigned char *at = console_request(console)->data;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)console_request(console)->length);
    struct identity made = { NULL, X509_new() };
    struct bytes der;

    assert_non_null(request);
    X509_set_version(made.certificate, X509_VERSION_3);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer->certificate));
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), until_s);
    X509_set_pubkey(made.certificate, X509_REQ_get0_pubkey(request));
    X509_sign(made.certificate, issuer->key, EVP_sha256());
    der = pki_der(&made);
    pki_free(&made);
    X509_REQ_free(request);
    return der;
}

static void the_request_is_signed_by_a_key_of_its_own_and_names_the_service_point(void **state)
{
    AUTO(console_close) struct console *console = open_console();
    const unsigned char *at = console_request(console)->data;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)console_request(console)->length);
    char name[64];

    (void)state;
    assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
    X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, name, sizeof(name));
    assert_string_equal(name, "point-1");
    X509_REQ_free(request);
}

static void it_is_asked_for_until_one_of_the_authority_is_there(void **state)
{
    AUTO(console_close) struct console *console = open_console();
    AUTO(bytes_free) struct bytes issuer = pki_der(&authority);
    AUTO(bytes_free) struct bytes next = pki_der(&next_authority);
    AUTO(bytes_free) struct bytes certificate = certify(console, &authority, -300, 7 * DAY_S);
    int64_t now_s = (int64_t)time(NULL);

    (void)state;
    assert_true(console_wants(console, &issuer, now_s));
    assert_false(console_wants(console, NULL, now_s));
    assert_true(console_take(console, &certificate, 1, &err));
    assert_false(console_wants(console, &issuer, now_s));
    assert_true(console_wants(console, &next, now_s));
}

static void it_is_asked_for_again_when_half_of_its_life_is_over(void **state)
{
    AUTO(console_close) struct console *console = open_console();
    AUTO(bytes_free) struct bytes certificate = certify(console, &authority, 0, 8 * DAY_S);
    int64_t now_s = (int64_t)time(NULL);

    (void)state;
    assert_true(console_take(console, &certificate, 1, &err));
    assert_false(console_wants(console, NULL, now_s + 3 * DAY_S));
    assert_true(console_wants(console, NULL, now_s + 5 * DAY_S));
}

static void the_root_that_a_computer_must_trust_is_the_one_that_issued(void **state)
{
    AUTO(console_close) struct console *console = open_console();
    AUTO(bytes_free) struct bytes issuer = pki_der(&authority);
    AUTO(bytes_free) struct bytes next = pki_der(&next_authority);
    struct bytes both[] = { certify(console, &next_authority, -300, DAY_S),
                            certify(console, &authority, -300, DAY_S) };

    (void)state;
    assert_true(console_take(console, &both[1], 1, &err));
    AUTO(console_release) struct console_set *former = console_hold(console);

    assert_ptr_equal(console_set_root(former, &issuer), &issuer);
    assert_null(console_set_root(former, &next));
    assert_null(console_set_root(former, NULL));
    assert_true(console_take(console, both, 2, &err));
    AUTO(console_release) struct console_set *current = console_hold(console);

    assert_int_equal(console_set_count(former), 1); /* a session keeps what it began with */
    assert_int_equal(console_set_count(current), 2);
    assert_ptr_equal(console_set_find(current, &next), console_set_certificate(current, 0));
    assert_ptr_equal(console_set_find(current, &issuer), console_set_certificate(current, 1));
    bytes_free(&both[0]);
    bytes_free(&both[1]);
}

static void one_for_another_key_is_refused_and_the_former_stay(void **state)
{
    AUTO(console_close) struct console *console = open_console();
    AUTO(console_close) struct console *other = open_console();
    AUTO(bytes_free) struct bytes own = certify(console, &authority, -300, DAY_S);
    AUTO(bytes_free) struct bytes foreign = certify(other, &authority, -300, DAY_S);
    struct bytes garbage = { (uint8_t *)"no certificate", 14 };

    (void)state;
    assert_true(console_take(console, &own, 1, &err));
    assert_false(console_take(console, &foreign, 1, &err));
    assert_false(console_take(console, &garbage, 1, &err));
    assert_true(console_take(console, NULL, 0, &err));
    AUTO(console_release) struct console_set *set = console_hold(console);

    assert_int_equal(console_set_count(set), 1);
}

static bool load(const struct identity *leaf, bool with_root, struct console **console)
{
    const struct identity *const chain[] = { leaf, with_root ? &authority : NULL, NULL };

    err = (struct error){ 0 };
    pki_write(path, chain, leaf->key);
    return console_open(console, path, "point-1", (int64_t)time(NULL), &err);
}

static void a_file_is_used_instead_of_asking_the_site(void **state)
{
    struct identity leaf = pki_make(
        &(struct certificate_wish){ .common_name = "points", .purposes = CONSOLE, .issuer = &authority });
    AUTO(console_close) struct console *console = NULL;
    AUTO(bytes_free) struct bytes root = pki_der(&authority);
    AUTO(bytes_free) struct bytes other = pki_der(&next_authority);
    const struct bytes *wanted;

    (void)state;
    assert_true(load(&leaf, true, &console));
    assert_int_equal(console_request(console)->length, 0);
    assert_false(console_wants(console, &other, (int64_t)time(NULL)));
    AUTO(console_release) struct console_set *set = console_hold(console);

    wanted = console_set_root(set, &other); /* whoever issues for computers */
    assert_memory_equal(wanted->data, root.data, root.length);
    assert_non_null(console_set_find(set, wanted));
    pki_free(&leaf);
}

static void a_file_that_no_computer_would_let_in_is_refused_with_the_reason(void **state)
{
    static const struct {
        struct certificate_wish wish;
        bool with_root;
        const char *reason;
    } cases[] = {
        { { .common_name = "points", .purposes = "clientAuth" }, true, "2.16.840.1.113741.1.2.1" },
        { { .common_name = "points", .purposes = "serverAuth,2.16.840.1.113741.1.2.1" }, true, "clientAuth" },
        { { .common_name = "", .purposes = CONSOLE }, true, "no common name" },
        { { .common_name = "points", .purposes = CONSOLE }, false, "leaf, intermediates and root" },
        { { .common_name = "points", .purposes = CONSOLE, .valid_from_s = -200, .valid_until_s = -100 },
          true,
          "not valid now" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct certificate_wish wish = cases[i].wish;
        struct console *console = NULL;
        struct identity leaf;

        wish.issuer = &authority;
        leaf = pki_make(&wish);
        assert_false(load(&leaf, cases[i].with_root, &console));
        assert_non_null(strstr(err.message, cases[i].reason));
        assert_non_null(strstr(err.message, path));
        pki_free(&leaf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_signed_by_a_key_of_its_own_and_names_the_service_point),
        cmocka_unit_test(it_is_asked_for_until_one_of_the_authority_is_there),
        cmocka_unit_test(it_is_asked_for_again_when_half_of_its_life_is_over),
        cmocka_unit_test(the_root_that_a_computer_must_trust_is_the_one_that_issued),
        cmocka_unit_test(one_for_another_key_is_refused_and_the_former_stay),
        cmocka_unit_test(a_file_is_used_instead_of_asking_the_site),
        cmocka_unit_test(a_file_that_no_computer_would_let_in_is_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
