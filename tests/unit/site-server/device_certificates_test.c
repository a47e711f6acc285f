/* Spec 8: certificates of jobs, recorded, repeated, activated, and of how many keys. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certificates/certificate.h"
#include "devices/vault.h"
#include "tests/unit/site-server/jobs_site.h"

static void make_request(EVP_PKEY *key, struct bytes *der)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *data = NULL;
    int length;

    X509_REQ_set_pubkey(request, key);
    X509_REQ_sign(request, key, EVP_sha256());
    length = i2d_X509_REQ(request, &data);
    bytes_set(der, data, (size_t)length);
    OPENSSL_free(data);
    X509_REQ_free(request);
}

static void store_authority(const struct authority *authority)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(secret_free) struct secret *key = NULL;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct authority_facts facts;
    char place[VAULT_PLACE_SIZE];

    authority_describe(authority, &facts);
    MUST(authority_key(authority, &key, &error_of_call));
    MUST(vault_seal(vault, vault_place_authority(facts.fingerprint, place), key, &sealed, &error_of_call));
    parameters_text(parameters, facts.fingerprint);
    parameters_text(parameters, facts.subject);
    parameters_text(parameters, facts.serial);
    parameters_bytes(parameters, facts.certificate->data, facts.certificate->length);
    parameters_number(parameters, facts.not_before_s);
    parameters_number(parameters, facts.not_after_s);
    parameters_text(parameters, sealed.key_id);
    parameters_bytes(parameters, sealed.nonce, sizeof(sealed.nonce));
    parameters_bytes(parameters, sealed.ciphertext.data, sealed.ciphertext.length);
    MUST(database_run_once(
        db,
        &(struct sql_text){ "test", "SELECT amt.authority_set($1::text, $2::text, $3::text, $4::bytea,"
                                    " to_timestamp($5::bigint), to_timestamp($6::bigint),"
                                    " ROW($7::text, $8::bytea, $9::bytea, NULL)::amt.sealed)" },
        parameters, NULL, &error_of_call));
}

/* An attempt died between the certificate and its commit, the next one asked for another key's. */
static void what_a_lost_attempt_asked_for_is_not_pending_once_the_job_is_done(void **state)
{
    static const struct certificate_settings certificate_settings = { .lifetime_s = 365 * 86400,
                                                                      .renew_before_s = 42 * 86400,
                                                                      .crl_url = "" };
    AUTO(authority_free) struct authority *authority = NULL;
    struct bytes der[2] = { { 0 } };

    (void)state;
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&authority, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(authority);
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        AUTO(message_free) struct message offer = { 0 };
        EVP_PKEY *key = EVP_RSA_gen(2048);
        struct message_certificate wanted = { 0 };
        struct message_job_finished finished;

        take_offer(&offer);
        wanted.id = offer.job_offer.id;
        make_request(key, &wanted.der);
        MUST(certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &der[attempt],
                               &error_of_call));
        bytes_free(&wanted.der);
        EVP_PKEY_free(key);
        if (attempt == 0) {
            lose_lease(1);
            continue;
        }
        finished = done_with(&offer);
        finished.certificate = der[attempt];
        assert_int_equal(finish(&finished), REASON_NONE);
    }
    expect("superseded,active", "SELECT string_agg(state, ',' ORDER BY id) FROM amt.certificate");
    bytes_free(&der[0]);
    bytes_free(&der[1]);
}

static void a_certificate_is_recorded_repeated_and_activated(void **state)
{
    static const struct certificate_settings certificate_settings = { .lifetime_s = 365 * 86400,
                                                                      .renew_before_s = 42 * 86400,
                                                                      .crl_url = "" };
    AUTO(authority_free) struct authority *made = NULL;
    AUTO(authority_free) struct authority *authority = NULL;
    AUTO(message_free) struct message offer = { 0 };
    AUTO(bytes_free) struct bytes first = { 0 };
    AUTO(bytes_free) struct bytes again = { 0 };
    struct message_certificate wanted = { 0 };
    struct message_job_finished finished;
    struct authority_facts facts;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct error err;

    (void)state;
    MUST(authority_load(db, vault, &authority, &error_of_call));
    assert_null(authority);
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&made, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(made);
    MUST(authority_load(db, vault, &authority, &error_of_call));
    assert_non_null(authority);
    take_offer(&offer);
    authority_describe(authority, &facts);
    assert_int_equal(offer.job_offer.issuer_count, 1);
    assert_memory_equal(offer.job_offer.issuers[0].data, facts.certificate->data, facts.certificate->length);

    wanted.id = offer.job_offer.id;
    make_request(key, &wanted.der);
    assert_false(certificate_issue(db, NULL, &certificate_settings, point_a, &wanted, &first, &err));
    assert_int_equal(err.reason, REASON_NO_AUTHORITY);
    assert_true(database_transaction_usable(db));
    assert_false(certificate_issue(db, authority, &certificate_settings, point_b, &wanted, &first, &err));
    assert_int_equal(err.reason, REASON_STALE_ATTEMPT);
    MUST(certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &first, &error_of_call));
    MUST(certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &again, &error_of_call));
    assert_int_equal(first.length, again.length);
    assert_memory_equal(first.data, again.data, first.length);
    expect("1|pending|pc1.example.org|true",
           "SELECT count(*) || '|' || min(state) || '|' || min(fqdn) || '|' ||"
           " (min(renew_at) = min(not_after) - interval '42 days') FROM amt.certificate");
    finished = done_with(&offer);
    finished.certificate = first;
    assert_int_equal(finish(&finished), REASON_NONE);
    expect("active", "SELECT state FROM amt.certificate");
    expect("true", "SELECT certificate_not_after > now() + interval '360 days' FROM amt.computer");
    bytes_free(&wanted.der);
    EVP_PKEY_free(key);
}

static void an_attempt_gets_certificates_for_few_keys(void **state)
{
    static const struct certificate_settings certificate_settings = { .lifetime_s = 365 * 86400,
                                                                      .renew_before_s = 42 * 86400,
                                                                      .crl_url = "" };
    AUTO(authority_free) struct authority *authority = NULL;
    AUTO(message_free) struct message offer = { 0 };
    unsigned issued = 0;
    struct error err = { 0 };

    (void)state;
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&authority, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(authority);
    take_offer(&offer);
    for (unsigned i = 0; i < 6; i++) {
        EVP_PKEY *key = EVP_RSA_gen(2048);
        struct message_certificate wanted = { .id = offer.job_offer.id };
        struct bytes der = { 0 };

        make_request(key, &wanted.der);
        issued += certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &der, &err);
        bytes_free(&wanted.der);
        bytes_free(&der);
        EVP_PKEY_free(key);
    }
    assert_int_equal(issued, 4);
    assert_int_equal(err.reason, REASON_ISSUER_REFUSED);
    assert_true(database_transaction_usable(db));
}

/* Spec O7.3: firmware before 7.0 may have a smaller key, which at the first contact only the service point
 * knows; what the database knows goes first. */
static void the_key_length_is_judged_by_the_firmware(void **state)
{
    static const struct certificate_settings certificate_settings = { .lifetime_s = 365 * 86400,
                                                                      .renew_before_s = 42 * 86400,
                                                                      .crl_url = "" };
    static const struct {
        const char *known, *told;
        bool issued;
    } cases[] = {
        { "NULL", NULL, false },    { "NULL", "5.2.10", true },      { "NULL", "11.8.50", false },
        { "'5.2.10'", NULL, true }, { "'12.0.67'", "3.2.1", false },
    };
    AUTO(authority_free) struct authority *authority = NULL;
    AUTO(message_free) struct message offer = { 0 };
    EVP_PKEY *key = EVP_RSA_gen(1536);

    (void)state;
    import(1);
    hello(1, &our_root);
    MUST(authority_create(&authority, "Site", time(NULL), 3650LL * 86400, &error_of_call));
    store_authority(authority);
    take_offer(&offer);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct message_certificate wanted = { .id = offer.job_offer.id,
                                              .firmware_version = (char *)cases[i].told };
        struct bytes der = { 0 };
        struct error err = { 0 };
        char statement[128];

        snprintf(statement, sizeof(statement), "UPDATE amt_store.computer SET firmware_version = %s",
                 cases[i].known);
        sql("%s", statement);
        make_request(key, &wanted.der);
        if (certificate_issue(db, authority, &certificate_settings, point_a, &wanted, &der, &err) !=
            cases[i].issued)
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(err.reason, cases[i].issued ? REASON_NONE : REASON_ISSUER_REFUSED);
        bytes_free(&wanted.der);
        bytes_free(&der);
    }
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(an_attempt_gets_certificates_for_few_keys),
        WITH_SITE(what_a_lost_attempt_asked_for_is_not_pending_once_the_job_is_done),
        WITH_SITE(a_certificate_is_recorded_repeated_and_activated),
        WITH_SITE(the_key_length_is_judged_by_the_firmware),
    };

    return cmocka_run_group_tests(tests, jobs_start, jobs_stop);
}
