/* Spec O7.3, O8: which certificates on a device count as ours. */
#include "tests/unit/unit_test.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "provisioning/device_certificate.h"

#define DAY_S 86400

static EVP_PKEY *authority_key, *device_key, *other_key;
static struct bytes authority, own, foreign, other_name, public_key;

static void put_names(X509 *certificate, const char *subject, const char *issuer)
{
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)subject, -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)issuer, -1, -1, 0);
}

static struct bytes issue_until(EVP_PKEY *key, const char *subject, EVP_PKEY *signer, const char *issuer,
                                long until_s)
{
    X509 *certificate = X509_new();
    struct bytes der = { 0 };

    X509_set_version(certificate, 2);
    put_names(certificate, subject, issuer);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, signer, EVP_sha256());
    der.length = (size_t)i2d_X509(certificate, &der.data);
    X509_free(certificate);
    return der;
}

static struct bytes issue(EVP_PKEY *key, const char *subject, EVP_PKEY *signer, const char *issuer)
{
    return issue_until(key, subject, signer, issuer, 20 * DAY_S);
}

static int set_up(void **state)
{
    (void)state;
    authority_key = EVP_RSA_gen(2048);
    device_key = EVP_RSA_gen(2048);
    other_key = EVP_RSA_gen(2048);
    authority = issue(authority_key, "Site CA", authority_key, "Site CA");
    own = issue(device_key, "pc1.corp.example.com", authority_key, "Site CA");
    foreign = issue(device_key, "pc1.corp.example.com", other_key, "Site CA");
    other_name = issue(device_key, "pc2.corp.example.com", authority_key, "Site CA");
    public_key.length = (size_t)i2d_PublicKey(device_key, &public_key.data);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(authority_key);
    EVP_PKEY_free(device_key);
    EVP_PKEY_free(other_key);
    bytes_free(&authority);
    bytes_free(&own);
    bytes_free(&foreign);
    bytes_free(&other_name);
    bytes_free(&public_key);
    return 0;
}

static void a_certificate_of_our_issuer_for_this_name_is_ours(void **state)
{
    (void)state;
    assert_true(device_certificate_is_ours(&own, &authority, 1, "pc1.corp.example.com"));
    assert_true(device_certificate_is_ours(&own, &authority, 1, "PC1.corp.example.com"));
}

static void one_signed_by_somebody_with_our_issuer_s_name_is_not(void **state)
{
    (void)state;
    assert_false(device_certificate_is_ours(&foreign, &authority, 1, "pc1.corp.example.com"));
    assert_false(device_certificate_is_ours(&own, &authority, 0, "pc1.corp.example.com"));
}

static void one_for_another_name_is_not(void **state)
{
    (void)state;
    assert_false(device_certificate_is_ours(&other_name, &authority, 1, "pc1.corp.example.com"));
    assert_true(device_certificate_is_ours(&other_name, &authority, 1, NULL));
}

static void bytes_that_are_no_certificate_are_nobody_s(void **state)
{
    unsigned char junk[] = { 0x30, 0x82, 0xff, 0xff, 0x00 };
    const struct bytes rubbish = { junk, sizeof(junk) }, nothing = { 0 };

    (void)state;
    assert_false(device_certificate_is_ours(&rubbish, &authority, 1, "pc1.corp.example.com"));
    assert_false(device_certificate_is_ours(&nothing, &authority, 1, "pc1.corp.example.com"));
    assert_false(device_certificate_is_ours(&own, &rubbish, 1, "pc1.corp.example.com"));
    assert_false(device_certificate_is_fresh(&rubbish, time(NULL)));
    assert_false(device_certificate_has_key(&rubbish, &public_key));
}

static void it_is_fresh_during_the_first_half_of_its_life(void **state)
{
    int64_t now_s = time(NULL);

    (void)state;
    assert_true(device_certificate_is_fresh(&own, now_s));
    assert_true(device_certificate_is_fresh(&own, now_s + 4 * DAY_S));
    assert_false(device_certificate_is_fresh(&own, now_s + 6 * DAY_S));
    assert_false(device_certificate_is_fresh(&own, now_s + 21 * DAY_S));
    assert_false(device_certificate_is_fresh(&own, now_s - 11 * DAY_S));
}

static void its_key_is_found_among_the_device_s(void **state)
{
    struct bytes other = { 0 };

    (void)state;
    other.length = (size_t)i2d_PublicKey(other_key, &other.data);
    assert_true(device_certificate_has_key(&own, &public_key));
    assert_false(device_certificate_has_key(&own, &other));
    bytes_free(&other);
}

static void it_outlives_what_ends_before_it(void **state)
{
    static const unsigned char junk[] = { 0x30, 0x00 };
    const struct bytes rubbish = { (unsigned char *)junk, sizeof(junk) };
    struct bytes later =
        issue_until(device_key, "pc1.corp.example.com", authority_key, "Site CA", 21 * DAY_S);

    (void)state;
    assert_true(device_certificate_outlives(&later, &own));
    assert_false(device_certificate_outlives(&own, &later));
    assert_false(device_certificate_outlives(&own, &own));
    assert_false(device_certificate_outlives(&rubbish, &own));
    assert_false(device_certificate_outlives(&own, &rubbish));
    bytes_free(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_of_our_issuer_for_this_name_is_ours),
        cmocka_unit_test(one_signed_by_somebody_with_our_issuer_s_name_is_not),
        cmocka_unit_test(one_for_another_name_is_not),
        cmocka_unit_test(bytes_that_are_no_certificate_are_nobody_s),
        cmocka_unit_test(it_is_fresh_during_the_first_half_of_its_life),
        cmocka_unit_test(its_key_is_found_among_the_device_s),
        cmocka_unit_test(it_outlives_what_ends_before_it),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
