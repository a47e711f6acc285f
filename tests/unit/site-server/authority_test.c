/* Spec 8: the internal authority and what it signs, looked at with OpenSSL's own eyes. */
#include "tests/unit/unit_test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certificates/authority.h"
#include "certificates/console.h"
#include "certificates/revocation_list.h"

#define DAY_S 86400

static struct authority *authority; /* one for all: RSA keys take their time */
static EVP_PKEY *device_key;

static int make_authority(void **state)
{
    struct error err;

    (void)state;
    device_key = EVP_RSA_gen(2048);
    return device_key && authority_create(&authority, "Test authority", time(NULL), 3650 * DAY_S, &err) ? 0
                                                                                                        : -1;
}

static int free_authority(void **state)
{
    (void)state;
    authority_free(&authority);
    EVP_PKEY_free(device_key);
    return 0;
}

/* PKCS#10 with a name of its own choice. */
static void make_request(EVP_PKEY *key, EVP_PKEY *signer, struct bytes *der)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *data = NULL;
    int length;

    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
                               (const unsigned char *)"victim.example.com", -1, -1, 0);
    X509_REQ_set_pubkey(request, key);
    X509_REQ_sign(request, signer, EVP_sha256());
    length = i2d_X509_REQ(request, &data);
    bytes_set(der, data, (size_t)length);
    OPENSSL_free(data);
    X509_REQ_free(request);
}

static X509 *certificate_of(const struct bytes *der)
{
    const unsigned char *at = der->data;

    return d2i_X509(NULL, &at, (long)der->length);
}

static void issue(const char *fqdn, int64_t lifetime_s, struct issued_certificate *issued)
{
    AUTO(bytes_free) struct bytes der = { 0 };
    AUTO(request_free) struct certificate_request *request = NULL;
    struct error err;

    make_request(device_key, device_key, &der);
    assert_true(request_read(&request, &der, NULL, &err));
    assert_true(
        authority_issue(authority,
                        &(struct certificate_order){
                            .request = request, .fqdn = fqdn, .now_s = time(NULL), .lifetime_s = lifetime_s },
                        issued, &err));
}

static int verify(X509 *certificate, int purpose, const char *host)
{
    struct authority_facts facts;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *root;
    int result;

    authority_describe(authority, &facts);
    root = certificate_of(facts.certificate);
    X509_STORE_add_cert(store, root);
    X509_STORE_CTX_init(context, store, certificate, NULL);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(context), host, 0);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
    result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(root);
    return result;
}

static void what_it_issues_for_a_client_is_for_no_server(void **state)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    AUTO(bytes_free) struct bytes der = { 0 };
    AUTO(request_free) struct certificate_request *request = NULL;
    struct certificate_order order = {
        .fqdn = "pc1.example.org", .usage = CERTIFICATE_CLIENT, .now_s = time(NULL), .lifetime_s = 365 * DAY_S
    };
    struct error err;
    X509 *certificate;

    (void)state;
    make_request(device_key, device_key, &der);
    assert_true(request_read(&request, &der, NULL, &err));
    order.request = request;
    assert_true(authority_issue(authority, &order, &issued, &err));
    certificate = certificate_of(&issued.der);
    assert_int_equal(verify(certificate, X509_PURPOSE_SSL_CLIENT, "pc1.example.org"), X509_V_OK);
    assert_int_equal(verify(certificate, X509_PURPOSE_SSL_SERVER, "pc1.example.org"),
                     X509_V_ERR_INVALID_PURPOSE);
    X509_free(certificate);
}

static void what_it_issues_verifies_strictly_for_its_name_and_purpose_only(void **state)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    X509 *certificate;

    (void)state;
    issue("pc1.example.org", 365 * DAY_S, &issued);
    certificate = certificate_of(&issued.der);
    assert_int_equal(verify(certificate, X509_PURPOSE_SSL_SERVER, "pc1.example.org"), X509_V_OK);
    assert_int_equal(verify(certificate, X509_PURPOSE_SSL_SERVER, "pc2.example.org"),
                     X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify(certificate, X509_PURPOSE_SSL_SERVER, "victim.example.com"),
                     X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify(certificate, X509_PURPOSE_SSL_CLIENT, "pc1.example.org"),
                     X509_V_ERR_INVALID_PURPOSE);
    X509_free(certificate);
}

static void the_certificate_has_our_subject_and_the_requests_key(void **state)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    char name[128];
    X509 *certificate;

    (void)state;
    issue("pc1.example.org", 365 * DAY_S, &issued);
    certificate = certificate_of(&issued.der);
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                          sizeof(name)) > 0);
    assert_string_equal(name, "pc1.example.org");
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(certificate)), 1);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), device_key), 1);
    assert_int_equal(X509_get_signature_nid(certificate), NID_sha256WithRSAEncryption);
    assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
    assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER);
    assert_int_equal(X509_check_ca(certificate), 0);
    X509_free(certificate);
}

static void serials_are_random_and_positive(void **state)
{
    AUTO(issued_certificate_clear) struct issued_certificate first = { 0 };
    AUTO(issued_certificate_clear) struct issued_certificate second = { 0 };
    X509 *certificate;

    (void)state;
    issue("pc1.example.org", 365 * DAY_S, &first);
    issue("pc1.example.org", 365 * DAY_S, &second);
    assert_int_equal(strlen(first.serial), 32);
    assert_string_not_equal(first.serial, second.serial);
    certificate = certificate_of(&first.der);
    assert_int_equal(X509_get0_serialNumber(certificate)->type, V_ASN1_INTEGER); /* not V_ASN1_NEG_INTEGER */
    X509_free(certificate);
}

static void a_certificate_begins_a_little_earlier_and_ends_no_later_than_its_issuer(void **state)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    struct authority_facts facts;

    (void)state;
    issue("pc1.example.org", 20 * 365LL * DAY_S, &issued);
    authority_describe(authority, &facts);
    assert_true(issued.not_before_s < time(NULL));
    assert_int_equal(issued.not_after_s, facts.not_after_s);
}

static void a_name_too_long_for_cn_stands_in_the_san(void **state)
{
    static const char fqdn[] = "a-name-of-sixty-three-characters-0123456789-0123456789-012345678.example.org";
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    X509 *certificate;

    (void)state;
    issue(fqdn, 365 * DAY_S, &issued);
    certificate = certificate_of(&issued.der);
    assert_int_equal(X509_check_host(certificate, fqdn, 0, 0, NULL), 1);
    X509_free(certificate);
}

static void a_name_that_is_none_is_refused(void **state)
{
    static const char *const names[] = { "", "a,DNS:b", "a\nb", "*.example.org", "a b" };
    AUTO(bytes_free) struct bytes der = { 0 };
    AUTO(request_free) struct certificate_request *request = NULL;
    struct issued_certificate issued = { 0 };
    struct error err;

    (void)state;
    make_request(device_key, device_key, &der);
    assert_true(request_read(&request, &der, NULL, &err));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct certificate_order order = {
            .request = request, .fqdn = names[i], .now_s = time(NULL), .lifetime_s = DAY_S
        };

        assert_false(authority_issue(authority, &order, &issued, &err));
        assert_int_equal(err.reason, REASON_NAME_MISSING);
    }
}

/* AMT SDK, "Mutual authentication". */
static void what_it_issues_for_a_console_has_the_usage_that_firmware_asks_for(void **state)
{
    AUTO(console_key_pair_clear) struct console_key_pair pair = { 0 };
    AUTO(bytes_free) struct bytes der = { 0 };
    struct error err;
    EXTENDED_KEY_USAGE *usages;
    X509 *certificate;
    char name[128], oid[64];

    (void)state;
    assert_true(
        console_key_pair_make(authority, "Help desk, 2nd floor", time(NULL), DAY_S, NULL, &pair, &err));
    certificate = certificate_of(&pair.issued.der);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
    assert_string_equal(name, "Help desk, 2nd floor");
    usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    assert_int_equal(sk_ASN1_OBJECT_num(usages), 2);
    assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, 0)), NID_client_auth);
    OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usages, 1), 1);
    assert_string_equal(oid, REMOTE_CONSOLE_USAGE);
    assert_null(X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL));
    assert_int_equal(strncmp(secret_reveal(pair.key), "-----BEGIN PRIVATE KEY-----", 27), 0);
    EXTENDED_KEY_USAGE_free(usages);
    X509_free(certificate);
}

static void a_console_without_a_name_or_with_one_too_long_gets_nothing(void **state)
{
    static const char long_name[] = "a-common-name-of-sixty-five-characters-0123456789-0123456789-0123";
    struct error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO(console_key_pair_clear) struct console_key_pair pair = { 0 };

        assert_false(
            console_key_pair_make(authority, i ? long_name : "", time(NULL), DAY_S, NULL, &pair, &err));
        assert_int_equal(err.reason, REASON_NAME_MISSING);
    }
}

static void an_expired_authority_issues_nothing(void **state)
{
    AUTO(bytes_free) struct bytes der = { 0 };
    AUTO(request_free) struct certificate_request *request = NULL;
    struct issued_certificate issued = { 0 };
    struct certificate_order order = { .fqdn = "pc1.example.org",
                                       .now_s = time(NULL) + 3651LL * DAY_S,
                                       .lifetime_s = DAY_S };
    struct error err;

    (void)state;
    make_request(device_key, device_key, &der);
    assert_true(request_read(&request, &der, NULL, &err));
    order.request = request;
    assert_false(authority_issue(authority, &order, &issued, &err));
    assert_int_equal(err.reason, REASON_NO_AUTHORITY);
}

static void a_request_signed_by_another_key_is_refused(void **state)
{
    EVP_PKEY *other = EVP_RSA_gen(2048);
    AUTO(bytes_free) struct bytes der = { 0 };
    struct certificate_request *request = NULL;
    struct error err;

    (void)state;
    make_request(device_key, other, &der);
    assert_false(request_read(&request, &der, NULL, &err));
    assert_int_equal(err.reason, REASON_ISSUER_REFUSED);
    EVP_PKEY_free(other);
}

static void broken_requests_are_refused(void **state)
{
    AUTO(bytes_free) struct bytes der = { 0 };
    AUTO(bytes_free) struct bytes longer = { 0 };
    struct certificate_request *request = NULL;
    struct error err;

    (void)state;
    make_request(device_key, device_key, &der);
    for (size_t length = 0; length < der.length; length += 7)
        assert_false(request_read(&request, &(struct bytes){ der.data, length }, NULL, &err));
    bytes_set(&longer, der.data, der.length);
    longer.data = reallocate(longer.data, der.length + 1, 1);
    longer.data[longer.length++] = 0;
    assert_false(request_read(&request, &longer, NULL, &err));
    assert_int_equal(err.reason, REASON_ISSUER_REFUSED);
}

static void small_keys_are_for_old_firmware_only(void **state)
{
    static const struct {
        unsigned bits;
        const char *firmware;
        bool accepted;
    } cases[] = {
        { 1024, NULL, false },   { 1024, "11.8.50", false }, { 1024, "7.1.4", false },
        { 1024, "6.2.0", true }, { 1536, "5.2.1", true },    { 1536, "12.0", false },
        { 512, "5.2.1", false }, { 3072, NULL, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        EVP_PKEY *key = EVP_RSA_gen(cases[i].bits);
        AUTO(bytes_free) struct bytes der = { 0 };
        AUTO(request_free) struct certificate_request *request = NULL;
        struct error err;

        make_request(key, key, &der);
        assert_int_equal(request_read(&request, &der, cases[i].firmware, &err), cases[i].accepted);
        EVP_PKEY_free(key);
    }
}

static void a_key_that_is_not_rsa_is_refused(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(bytes_free) struct bytes der = { 0 };
    struct certificate_request *request = NULL;
    struct error err;

    (void)state;
    make_request(key, key, &der);
    assert_false(request_read(&request, &der, NULL, &err));
    EVP_PKEY_free(key);
}

static void it_is_the_same_after_it_was_stored(void **state)
{
    AUTO(authority_free) struct authority *restored = NULL;
    AUTO(secret_free) struct secret *key = NULL;
    struct authority_facts before, after;
    struct error err;

    (void)state;
    authority_describe(authority, &before);
    assert_true(authority_key(authority, &key, &err));
    assert_true(authority_restore(&restored, before.certificate, key, &err));
    authority_describe(restored, &after);
    assert_string_equal(after.fingerprint, before.fingerprint);
    assert_string_equal(after.subject, "CN=Test authority");
    assert_int_equal(after.not_after_s, before.not_after_s);
}

static void a_key_of_another_authority_is_refused(void **state)
{
    AUTO(authority_free) struct authority *other = NULL;
    AUTO(secret_free) struct secret *key = NULL;
    struct authority *restored = NULL;
    struct authority_facts facts;
    struct error err;

    (void)state;
    assert_true(authority_create(&other, "Another", time(NULL), DAY_S, &err));
    assert_true(authority_key(other, &key, &err));
    authority_describe(authority, &facts);
    assert_false(authority_restore(&restored, facts.certificate, key, &err));
}

static void its_certificate_is_shown_as_pem(void **state)
{
    struct authority_facts facts;
    AUTO(text_free) char *pem = NULL;
    BIO *memory;
    X509 *read;

    (void)state;
    authority_describe(authority, &facts);
    pem = authority_pem("CERTIFICATE", facts.certificate);
    memory = BIO_new_mem_buf(pem, -1);
    read = PEM_read_bio_X509(memory, NULL, NULL, NULL);
    assert_non_null(read);
    X509_free(read);
    BIO_free(memory);
}

/* ---- revocation lists ---- */

static int verify_with_list(X509 *certificate, const struct bytes *list_der, time_t at)
{
    const unsigned char *place = list_der->data;
    X509_CRL *list = d2i_X509_CRL(NULL, &place, (long)list_der->length);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    struct authority_facts facts;
    X509 *root;
    int result;

    authority_describe(authority, &facts);
    root = certificate_of(facts.certificate);
    assert_non_null(list);
    X509_STORE_add_cert(store, root);
    X509_STORE_add_crl(store, list);
    X509_STORE_CTX_init(context, store, certificate, NULL);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX_set_time(context, 0, at);
    result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_CRL_free(list);
    X509_free(root);
    return result;
}

static void a_list_revokes_what_it_names_and_nothing_else(void **state)
{
    AUTO(issued_certificate_clear) struct issued_certificate gone = { 0 };
    AUTO(issued_certificate_clear) struct issued_certificate good = { 0 };
    AUTO(bytes_free) struct bytes der = { 0 };
    struct revoked_certificate revoked = { .reason = CRL_REASON_CESSATION_OF_OPERATION };
    struct revocation_list_order order = { .number = 300, .revoked = &revoked, .revoked_count = 1 };
    struct error err;
    X509 *certificates[2];

    (void)state;
    issue("pc1.example.org", 365 * DAY_S, &gone);
    issue("pc2.example.org", 365 * DAY_S, &good);
    certificates[0] = certificate_of(&gone.der);
    certificates[1] = certificate_of(&good.der);
    revoked.serial = gone.serial;
    revoked.revoked_s = order.this_update_s = time(NULL);
    order.next_update_s = order.this_update_s + DAY_S;
    assert_true(revocation_list_sign(authority, &order, &der, &err));
    assert_int_equal(verify_with_list(certificates[0], &der, time(NULL)), X509_V_ERR_CERT_REVOKED);
    assert_int_equal(verify_with_list(certificates[1], &der, time(NULL)), X509_V_OK);
    assert_int_equal(verify_with_list(certificates[1], &der, time(NULL) + 2 * DAY_S),
                     X509_V_ERR_CRL_HAS_EXPIRED);
    X509_free(certificates[0]);
    X509_free(certificates[1]);
}

static void a_list_has_its_number_its_issuers_key_and_a_reason_where_there_is_one(void **state)
{
    AUTO(bytes_free) struct bytes der = { 0 };
    const struct revoked_certificate revoked[] = { { "0a0b", CRL_REASON_SUPERSEDED, 1000000000 },
                                                   { "ff", CRL_REASON_UNSPECIFIED, 1000000000 } };
    const struct revocation_list_order order = { 12345678901, 1700000000, 1700600000, revoked, 2 };
    struct error err;
    ASN1_INTEGER *number;
    ASN1_ENUMERATED *reason;
    X509_REVOKED *entry;
    X509_CRL *list;
    const unsigned char *at;
    int64_t value;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    (void)state;
    assert_true(revocation_list_sign(authority, &order, &der, &err));
    at = der.data;
    list = d2i_X509_CRL(NULL, &at, (long)der.length);
    assert_non_null(list);
    assert_int_equal(X509_CRL_get_version(list), X509_CRL_VERSION_2);
    number = X509_CRL_get_ext_d2i(list, NID_crl_number, NULL, NULL);
    assert_int_equal(ASN1_INTEGER_get_int64(&value, number), 1);
    assert_int_equal(value, 12345678901);
    assert_true(X509_CRL_get_ext_by_NID(list, NID_authority_key_identifier, -1) >= 0);
    ASN1_INTEGER_set_int64(serial, 0x0a0b);
    assert_int_equal(X509_CRL_get0_by_serial(list, &entry, serial), 1);
    reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    assert_int_equal(ASN1_ENUMERATED_get(reason), CRL_REASON_SUPERSEDED);
    ASN1_INTEGER_set_int64(serial, 0xff);
    assert_int_equal(X509_CRL_get0_by_serial(list, &entry, serial), 1);
    assert_int_equal(X509_REVOKED_get_ext_count(entry), 0);
    ASN1_ENUMERATED_free(reason);
    ASN1_INTEGER_free(number);
    ASN1_INTEGER_free(serial);
    X509_CRL_free(list);
}

static void a_certificate_says_where_the_list_is(void **state)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    AUTO(request_free) struct certificate_request *request = NULL;
    AUTO(bytes_free) struct bytes der = { 0 };
    const char url[] = "http://pki.example.org/amt/0123456789abcdef.crl";
    struct certificate_order order = {
        .fqdn = "pc1.example.org", .now_s = time(NULL), .lifetime_s = DAY_S, .list_url = url
    };
    struct error err;
    STACK_OF(DIST_POINT) * points;
    GENERAL_NAMES *names;
    X509 *certificate;

    (void)state;
    make_request(device_key, device_key, &der);
    assert_true(request_read(&request, &der, NULL, &err));
    order.request = request;
    assert_true(authority_issue(authority, &order, &issued, &err));
    certificate = certificate_of(&issued.der);
    points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    assert_int_equal(sk_DIST_POINT_num(points), 1);
    names = sk_DIST_POINT_value(points, 0)->distpoint->name.fullname;
    assert_memory_equal(ASN1_STRING_get0_data(sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier),
                        url, sizeof(url) - 1);
    CRL_DIST_POINTS_free(points);
    X509_free(certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_issues_verifies_strictly_for_its_name_and_purpose_only),
        cmocka_unit_test(what_it_issues_for_a_client_is_for_no_server),
        cmocka_unit_test(what_it_issues_for_a_console_has_the_usage_that_firmware_asks_for),
        cmocka_unit_test(a_console_without_a_name_or_with_one_too_long_gets_nothing),
        cmocka_unit_test(the_certificate_has_our_subject_and_the_requests_key),
        cmocka_unit_test(serials_are_random_and_positive),
        cmocka_unit_test(a_certificate_begins_a_little_earlier_and_ends_no_later_than_its_issuer),
        cmocka_unit_test(a_name_too_long_for_cn_stands_in_the_san),
        cmocka_unit_test(a_name_that_is_none_is_refused),
        cmocka_unit_test(an_expired_authority_issues_nothing),
        cmocka_unit_test(a_request_signed_by_another_key_is_refused),
        cmocka_unit_test(broken_requests_are_refused),
        cmocka_unit_test(small_keys_are_for_old_firmware_only),
        cmocka_unit_test(a_key_that_is_not_rsa_is_refused),
        cmocka_unit_test(it_is_the_same_after_it_was_stored),
        cmocka_unit_test(a_key_of_another_authority_is_refused),
        cmocka_unit_test(its_certificate_is_shown_as_pem),
        cmocka_unit_test(a_list_revokes_what_it_names_and_nothing_else),
        cmocka_unit_test(a_list_has_its_number_its_issuers_key_and_a_reason_where_there_is_one),
        cmocka_unit_test(a_certificate_says_where_the_list_is),
    };

    return cmocka_run_group_tests(tests, make_authority, free_authority);
}
