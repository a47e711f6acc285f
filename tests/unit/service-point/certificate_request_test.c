/* PKCS#10 requests for the device's certificate: spec O7.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "firmware/certificate_request.h"

static EVP_PKEY *pair;

static int make_key(void **state)
{
    (void)state;
    pair = EVP_RSA_gen(2048);
    return pair ? 0 : -1;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(pair);
    return 0;
}

static struct bytes public_key(void)
{
    unsigned char *der = NULL;
    int length = i2d_PublicKey(pair, &der);
    struct bytes out = { 0 };

    bytes_set(&out, der, (size_t)length);
    OPENSSL_free(der);
    return out;
}

static X509_REQ *parse(const struct bytes *request)
{
    const unsigned char *at = request->data;
    X509_REQ *parsed = d2i_X509_REQ(NULL, &at, (long)request->length);

    assert_non_null(parsed);
    assert_ptr_equal(at, request->data + request->length);
    return parsed;
}

static void assert_names(X509_REQ *request, const char *fqdn)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    char common_name[128];

    X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, common_name,
                              sizeof(common_name));
    assert_string_equal(common_name, fqdn);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    assert_int_equal(name->type, GEN_DNS);
    assert_int_equal(ASN1_STRING_length(name->d.dNSName), strlen(fqdn));
    assert_memory_equal(ASN1_STRING_get0_data(name->d.dNSName), fqdn, strlen(fqdn));
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void a_void_request_holds_the_devices_key_and_name(void **state)
{
    AUTO(bytes_free) struct bytes key = public_key();
    AUTO(bytes_free) struct bytes request = { 0 };
    struct error err = { 0 };
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;
    X509_REQ *parsed;

    (void)state;
    assert_true(certificate_request_unsigned(&key, "pc17.example.com", CERTIFICATE_SERVER, &request, &err));
    parsed = parse(&request);
    assert_names(parsed, "pc17.example.com");
    assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(parsed), pair), 1);
    X509_REQ_get0_signature(parsed, &signature, &algorithm);
    assert_int_equal(OBJ_obj2nid(algorithm->algorithm), NID_sha256WithRSAEncryption);
    assert_int_equal(ASN1_STRING_length(signature), 256);
    assert_int_not_equal(X509_REQ_verify(parsed, pair), 1);
    X509_REQ_free(parsed);
}

static void a_request_with_a_key_of_ours_is_signed_by_it(void **state)
{
    AUTO(secret_free) struct secret *key = NULL;
    AUTO(bytes_free) struct bytes request = { 0 };
    struct error err = { 0 };
    const unsigned char *der;
    EVP_PKEY *parsed_key;
    X509_REQ *parsed;

    (void)state;
    assert_true(
        certificate_request_with_key(2048, "pc17.example.com", CERTIFICATE_SERVER, &key, &request, &err));
    der = (const unsigned char *)secret_reveal(key);
    parsed_key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &der, (long)secret_length(key));
    assert_non_null(parsed_key);
    assert_int_equal(secret_reveal(key)[4], 2); /* PKCS#1: the version comes first; PKCS#8 would wrap it */
    parsed = parse(&request);
    assert_names(parsed, "pc17.example.com");
    assert_int_equal(X509_REQ_verify(parsed, parsed_key), 1);
    X509_REQ_free(parsed);
    EVP_PKEY_free(parsed_key);
}

static void what_is_no_host_name_or_no_key_is_refused(void **state)
{
    static const char *const names[] = {
        "",         "pc17,DNS:evil.example.com",
        "pc 17",    "pc17\nDNS:x",
        "@section", "a-name-of-more-than-sixty-four-characters.in-some-domain.of.example.com"
    };
    AUTO(bytes_free) struct bytes key = public_key();
    struct bytes broken = { (unsigned char *)"\x30\x03\x02\x01", 4 }, request = { 0 };
    struct error err = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_false(certificate_request_unsigned(&key, names[i], CERTIFICATE_SERVER, &request, &err));
        assert_int_equal(err.code, ERROR_INPUT);
    }
    assert_false(
        certificate_request_unsigned(&broken, "pc17.example.com", CERTIFICATE_SERVER, &request, &err));
    assert_int_equal(err.reason, REASON_MALFORMED_REPLY);
    assert_null(request.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_void_request_holds_the_devices_key_and_name),
        cmocka_unit_test(a_request_with_a_key_of_ours_is_signed_by_it),
        cmocka_unit_test(what_is_no_host_name_or_no_key_is_refused),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
