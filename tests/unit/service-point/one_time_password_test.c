/* Spec I4: the firmware's one-time password against the salted hash of the job, before anything is written.
 */
#include "tests/unit/unit_test.h"

#include <openssl/evp.h>
#include <string.h>

#include "provisioning/steps.h"

static const unsigned char salt[16] = "0123456789abcdef";
static const char registered[] = "A2B3C4D5E6F7G2H3I4J5K6L7M2N3O4P5";

static void hash_of(const char *password, unsigned char hash[32])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_non_null(context);
    assert_int_equal(EVP_DigestInit_ex(context, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_DigestUpdate(context, salt, sizeof(salt)), 1);
    assert_int_equal(EVP_DigestUpdate(context, password, strlen(password)), 1);
    assert_int_equal(EVP_DigestFinal_ex(context, hash, NULL), 1);
    EVP_MD_CTX_free(context);
}

/* held NULL: the firmware has none. */
static bool compare(const char *held, const void *hash, size_t hash_length, struct step_report *report,
                    struct error *err)
{
    static const struct session_surroundings around;
    struct message_job_offer offer = { .id = { 1, 1 }, .deadline_s = 600 };
    struct session *session;
    bool proven;

    offer.host_name = text_copy("pc1");
    offer.domain = text_copy("example.com");
    if (hash_length) {
        bytes_set(&offer.otp_salt, salt, sizeof(salt));
        bytes_set(&offer.otp_hash, hash, hash_length);
    }
    session = session_new(&offer, &around);
    session->setup.state = PROVISIONING_IN;
    session->setup.otp = held ? secret_from_text(held) : NULL;
    proven = compare_one_time_password(session, report, err);
    session_free(&session);
    return proven;
}

static void the_password_that_was_registered_is_proof(void **state)
{
    struct step_report report = { .outcome = STEP_DONE };
    struct error err = { 0 };
    unsigned char hash[32];

    (void)state;
    hash_of(registered, hash);
    assert_true(compare(registered, hash, sizeof(hash), &report, &err));
    assert_int_equal(report.outcome, STEP_DONE);
    step_report_clear(&report);
}

static void any_other_password_is_none(void **state)
{
    static const char *const others[] = { NULL, "", "A2B3C4D5E6F7G2H3I4J5K6L7M2N3O4P",
                                          "A2B3C4D5E6F7G2H3I4J5K6L7M2N3O4P6",
                                          "a2b3c4d5e6f7g2h3i4j5k6l7m2n3o4p5" };
    unsigned char hash[32];

    (void)state;
    hash_of(registered, hash);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct step_report report = { .outcome = STEP_DONE };
        struct error err = { 0 };

        assert_false(compare(others[i], hash, sizeof(hash), &report, &err));
        assert_int_equal(err.reason, REASON_IDENTITY_NOT_PROVEN);
        if (others[i] && *others[i])
            assert_null(strstr(err.message, others[i]));
        step_report_clear(&report);
    }
}

/* A site that sends part of a hash does not make it easier to meet. */
static void a_hash_that_is_too_short_or_differs_in_one_bit_is_met_by_nothing(void **state)
{
    struct step_report report = { .outcome = STEP_DONE };
    struct error err = { 0 };
    unsigned char hash[32];

    (void)state;
    hash_of(registered, hash);
    assert_false(compare(registered, hash, 31, &report, &err));
    assert_int_equal(err.reason, REASON_IDENTITY_NOT_PROVEN);
    hash[31] ^= 1;
    assert_false(compare(registered, hash, sizeof(hash), &report, &err));
    assert_int_equal(err.reason, REASON_IDENTITY_NOT_PROVEN);
}

static void out_of_band_none_is_expected(void **state)
{
    struct step_report report = { .outcome = STEP_DONE };
    struct error err = { 0 };

    (void)state;
    assert_true(compare(NULL, NULL, 0, &report, &err));
    assert_int_equal(report.outcome, STEP_SKIPPED);
    step_report_clear(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_that_was_registered_is_proof),
        cmocka_unit_test(any_other_password_is_none),
        cmocka_unit_test(a_hash_that_is_too_short_or_differs_in_one_bit_is_met_by_nothing),
        cmocka_unit_test(out_of_band_none_is_expected),
    };

    return cmocka_run_group_tests_name("one-time password", tests, NULL, NULL);
}
