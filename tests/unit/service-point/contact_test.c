/* What a computer must prove before anything is written: spec I4. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "fake_device.h"
#include "provisioning/steps.h"

static struct identity authority, computer, another, own;
static struct trust *trust;

static int make_identities(void **state)
{
    struct error err = { 0 };

    (void)state;
    authority = pki_make(&(struct certificate_wish){ .common_name = "Site CA", .authority = true });
    computer = pki_make(&(struct certificate_wish){
        .common_name = "pc17.example.com", .purposes = "serverAuth", .issuer = &authority });
    another = pki_make(&(struct certificate_wish){
        .common_name = "pc18.example.com", .purposes = "serverAuth", .issuer = &authority });
    own = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    return trust_load(&trust, NULL, 0, 0, &err) ? 0 : -1;
}

static int free_identities(void **state)
{
    (void)state;
    trust_free(&trust);
    pki_free(&authority);
    pki_free(&computer);
    pki_free(&another);
    pki_free(&own);
    return 0;
}

/* The step's verdict on a provisioned computer that shows this certificate and holds no one-time password. */
static bool compare(const struct identity *shown, struct error *err)
{
    AUTO(bytes_free) struct bytes issuer = pki_der(&authority);
    struct fake_device device = { .identity = shown };
    struct connection_target target = { .address = "127.0.0.1",
                                        .timeout_ms = 3000,
                                        .trust = trust,
                                        .identity = IDENTITY_EITHER,
                                        .fqdn = "pc17.example.com",
                                        .issuers = &issuer,
                                        .issuer_count = 1 };
    struct session session = { .setup.state = PROVISIONING_POST,
                               .offer.otp_salt = { (unsigned char *)"salt", 4 },
                               .offer.otp_hash = { (unsigned char *)"0123456789abcdef0123456789abcdef",
                                                   32 } };
    struct step_report report = { .outcome = STEP_DONE };
    bool passed;

    fake_start(&device);
    target.port = device.port;
    assert_true(connection_open(&session.connection, &target, err));
    passed = compare_one_time_password(&session, &report, err);
    text_free(&report.detail);
    connection_close(&session.connection);
    fake_stop(&device);
    return passed;
}

static void only_this_computers_certificate_stands_for_its_one_time_password(void **state)
{
    struct error err = { 0 };

    (void)state;
    assert_true(compare(&computer, &err));
    assert_false(compare(&another, &err)); /* of this site too, but it proves another name */
    assert_int_equal(err.reason, REASON_IDENTITY_NOT_PROVEN);
    assert_false(compare(&own, &err));
    assert_int_equal(err.reason, REASON_IDENTITY_NOT_PROVEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_this_computers_certificate_stands_for_its_one_time_password),
    };

    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
