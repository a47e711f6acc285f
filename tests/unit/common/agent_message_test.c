/* Spec 3: the messages of the agents' dialogue; any computer may say these. */
#include "common/message.h"
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

static bool round_trip(const struct message *message, struct message *again, struct error *err)
{
    AUTO(message_bytes_free) struct bytes bytes = { 0 };
    AUTO(envelope_free) struct envelope envelope = { 0 };

    message_write(message, &bytes);
    return envelope_read(bytes.data, bytes.length, &envelope, err) && message_read(&envelope, again, err);
}

static void expect_refused(const struct message *message, const char *said)
{
    struct message again = { 0 };
    struct error err = { 0 };

    assert_false(round_trip(message, &again, &err));
    if (!strstr(err.message, said))
        fail_msg("refused with \"%s\", not for %s", err.message, said);
}

/* Text, so that a test can spoil one field of it. */
static struct message full_enrol(struct secret *token, struct root_hash *roots, size_t root_count)
{
    return (struct message){ .kind = MESSAGE_ENROL,
                             .correlation = 7,
                             .enrol = { .token = token,
                                        .uuid = { { 1, 2, 3 } },
                                        .agent_version = (char *)"1.0",
                                        .fqdn = (char *)"pc17.example.com",
                                        .amt_version = (char *)"16.1.25",
                                        .wired = { (char *)"10.1.2.17", 24 },
                                        .mac = { 2, 0, 0, 0, 0, 17 },
                                        .mac_known = true,
                                        .dns_suffix = (char *)"example.com",
                                        .root_hashes = roots,
                                        .root_hash_count = root_count,
                                        .setup_state = SETUP_PRE,
                                        .control_mode = CONTROL_NONE,
                                        .amt_disabled = true } };
}

static void an_enrolment_is_read_as_it_was_written(void **state)
{
    AUTO(secret_free) struct secret *token = secret_from_text("0123456789abcdef");
    struct root_hash roots[] = { { .algorithm = 2, .length = 32, .hash = { 9 } } };
    struct message message = full_enrol(token, roots, 1);
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    if (!round_trip(&message, &again, &err))
        fail_msg("%s", err.message);
    assert_int_equal(again.kind, MESSAGE_ENROL);
    assert_int_equal(again.correlation, 7);
    assert_true(secret_equal(again.enrol.token, token));
    assert_true(uuid_equal(&again.enrol.uuid, &message.enrol.uuid));
    assert_string_equal(again.enrol.agent_version, "1.0");
    assert_string_equal(again.enrol.fqdn, "pc17.example.com");
    assert_string_equal(again.enrol.amt_version, "16.1.25");
    assert_string_equal(again.enrol.wired.address, "10.1.2.17");
    assert_int_equal(again.enrol.wired.prefix_bits, 24);
    assert_true(again.enrol.mac_known);
    assert_memory_equal(again.enrol.mac, message.enrol.mac, 6);
    assert_string_equal(again.enrol.dns_suffix, "example.com");
    assert_int_equal(again.enrol.root_hash_count, 1);
    assert_int_equal(again.enrol.root_hashes[0].hash[0], 9);
    assert_int_equal(again.enrol.setup_state, SETUP_PRE);
    assert_int_equal(again.enrol.control_mode, CONTROL_NONE);
    assert_true(again.enrol.amt_disabled);
}

/* A computer without AMT, without a cable, without a domain: its agent can still say so. */
static void an_enrolment_may_know_next_to_nothing(void **state)
{
    struct message message = { .kind = MESSAGE_ENROL,
                               .enrol = { .uuid = { { 1 } },
                                          .agent_version = (char *)"1.0",
                                          .setup_state = SETUP_UNKNOWN,
                                          .control_mode = CONTROL_UNKNOWN } };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(round_trip(&message, &again, &err));
    assert_null(again.enrol.token);
    assert_null(again.enrol.fqdn);
    assert_null(again.enrol.amt_version);
    assert_null(again.enrol.wired.address);
    assert_false(again.enrol.mac_known);
    assert_int_equal(again.enrol.setup_state, SETUP_UNKNOWN);
    assert_int_equal(again.enrol.control_mode, CONTROL_UNKNOWN);
    assert_false(again.enrol.amt_disabled);
}

static void what_is_no_name_address_or_version_is_refused(void **state)
{
    char long_label[80], long_name[300], long_version[60];
    const struct {
        const char *field, *value;
    } cases[] = {
        { "fqdn", "" },
        { "fqdn", "." },
        { "fqdn", "pc 17.example.com" },
        { "fqdn", "pc17..example.com" },
        { "fqdn", "-pc17.example.com" },
        { "fqdn", "pc17-.example.com" },
        { "fqdn", "pc17.example.com'; drop table amt.computer" },
        { "fqdn", "p\xc3\xa9.example.com" },
        { "fqdn", long_label },
        { "fqdn", long_name },
        { "dns_suffix", "exa_mple.com" },
        { "amt_version", "" },
        { "amt_version", "16.1 25" },
        { "amt_version", long_version },
        { "agent_version", "1.0\n" },
        { "address", "pc17" },
        { "address", "10.1.2" },
        { "address", "10.1.2.17/24" },
        { "address", "10.1.2.300" },
        { "address", "" },
        { "address", "0.0.0.0" },
        { "address", "224.0.0.1" },
        { "address", "255.255.255.255" },
        { "address", "::" },
        { "address", "ff02::1" },
        { "address", "fe80::17" },
        { "address", "::ffff:10.1.2.17" },
    };

    (void)state;
    memset(long_label, 'a', sizeof(long_label) - 1);
    long_label[sizeof(long_label) - 1] = '\0';
    for (size_t i = 0; i < sizeof(long_name) - 1; i++)
        long_name[i] = i % 10 == 9 ? '.' : 'a';
    long_name[sizeof(long_name) - 2] = 'a';
    long_name[sizeof(long_name) - 1] = '\0';
    memset(long_version, '1', sizeof(long_version) - 1);
    long_version[sizeof(long_version) - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct message message = full_enrol(NULL, NULL, 0);
        char *value = (char *)cases[i].value;

        if (strcmp(cases[i].field, "fqdn") == 0)
            message.enrol.fqdn = value;
        else if (strcmp(cases[i].field, "dns_suffix") == 0)
            message.enrol.dns_suffix = value;
        else if (strcmp(cases[i].field, "amt_version") == 0)
            message.enrol.amt_version = value;
        else if (strcmp(cases[i].field, "agent_version") == 0)
            message.enrol.agent_version = value;
        else
            message.enrol.wired.address = value;
        expect_refused(&message, cases[i].field);
    }
}

static void a_dot_at_the_end_of_a_name_is_taken_off(void **state)
{
    struct message message = full_enrol(NULL, NULL, 0);
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    message.enrol.fqdn = (char *)"pc17.example.com.";
    assert_true(round_trip(&message, &again, &err));
    assert_string_equal(again.enrol.fqdn, "pc17.example.com");
}

static void a_prefix_that_its_address_cannot_have_is_refused(void **state)
{
    struct message message = full_enrol(NULL, NULL, 0);
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    message.enrol.wired.prefix_bits = 33;
    expect_refused(&message, "prefix_bits");
    message.enrol.wired.address = (char *)"fd00::17";
    assert_true(round_trip(&message, &again, &err));
    message.enrol.wired.prefix_bits = 129;
    expect_refused(&message, "prefix_bits");
}

static void states_that_amt_does_not_have_are_refused(void **state)
{
    struct message message = full_enrol(NULL, NULL, 0);

    (void)state;
    message.enrol.setup_state = (enum setup_state)4; /* 3 is SETUP_UNKNOWN, which is not sent */
    expect_refused(&message, "provisioning_state");
    message.enrol.setup_state = SETUP_IN;
    message.enrol.control_mode = (enum control_mode)9;
    expect_refused(&message, "control_mode");
}

static void more_roots_than_firmware_holds_are_refused(void **state)
{
    struct root_hash roots[65];
    struct message message = full_enrol(NULL, roots, COUNT_OF(roots));

    (void)state;
    for (size_t i = 0; i < COUNT_OF(roots); i++)
        roots[i] = (struct root_hash){ .algorithm = 1, .length = 20 };
    expect_refused(&message, "root_hashes");
}

static void a_registration_is_read_as_it_was_written(void **state)
{
    unsigned char salt[16] = { 5 }, hash[32] = { 6 };
    struct message message = { .kind = MESSAGE_OTP_REGISTER,
                               .otp_register = { .uuid = { { 1, 2 } },
                                                 .salt = { salt, sizeof(salt) },
                                                 .hash = { hash, sizeof(hash) },
                                                 .fqdn = (char *)"pc17.example.com",
                                                 .amt_version = (char *)"11.8.50",
                                                 .wired = { (char *)"fd00::17", 64 } } };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    if (!round_trip(&message, &again, &err))
        fail_msg("%s", err.message);
    assert_int_equal(again.otp_register.salt.length, 16);
    assert_memory_equal(again.otp_register.salt.data, salt, 16);
    assert_memory_equal(again.otp_register.hash.data, hash, 32);
    assert_string_equal(again.otp_register.fqdn, "pc17.example.com");
    assert_string_equal(again.otp_register.wired.address, "fd00::17");
}

/* A short salt would let one table serve for all computers; a short hash would be easy to meet. */
static void a_salt_or_hash_of_another_length_is_refused(void **state)
{
    unsigned char bytes[65] = { 0 };
    static const size_t salts[] = { 0, 15, 65 }, hashes[] = { 0, 31, 33 };
    struct message message = { .kind = MESSAGE_OTP_REGISTER,
                               .otp_register = { .wired = { (char *)"10.0.0.1", 0 } } };

    (void)state;
    message.otp_register.hash = (struct bytes){ bytes, 32 };
    for (size_t i = 0; i < COUNT_OF(salts); i++) {
        message.otp_register.salt = (struct bytes){ bytes, salts[i] };
        expect_refused(&message, "salt");
    }
    message.otp_register.salt = (struct bytes){ bytes, 16 };
    for (size_t i = 0; i < COUNT_OF(hashes); i++) {
        message.otp_register.hash = (struct bytes){ bytes, hashes[i] };
        expect_refused(&message, "hash");
    }
}

static void a_policy_is_read_as_it_was_written(void **state)
{
    struct root_hash roots[] = { { .algorithm = 1, .length = 20 }, { .algorithm = 2, .length = 32 } };
    struct message message = { .kind = MESSAGE_POLICY,
                               .policy = { .reason = REASON_MANAGED_OUT_OF_BAND,
                                           .text = (char *)"an operator decided so",
                                           .root_hashes = roots,
                                           .root_hash_count = 2,
                                           .enable_amt = true,
                                           .come_back_s = 3600 } };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(round_trip(&message, &again, &err));
    assert_false(again.policy.provision);
    assert_int_equal(again.policy.reason, REASON_MANAGED_OUT_OF_BAND);
    assert_string_equal(again.policy.text, "an operator decided so");
    assert_int_equal(again.policy.root_hash_count, 2);
    assert_int_equal(again.policy.root_hashes[1].length, 32);
    assert_true(again.policy.enable_amt);
    assert_int_equal(again.policy.come_back_s, 3600);
    message.policy.come_back_s = 0; /* would have the agent come without a pause */
    expect_refused(&message, "come_back_s");
}

static void the_other_messages_are_read_as_they_were_written(void **state)
{
    struct message failed = { .kind = MESSAGE_CHECK_FAILED,
                              .check_failed = { REASON_NO_COMMON_ROOT, (char *)"none of 3 roots", 0x10 } };
    struct message registered = { .kind = MESSAGE_OTP_REGISTERED, .otp_registered = { 900 } };
    struct message activated = { .kind = MESSAGE_ACTIVATED, .activated = { .uuid = { { 4 } } } };
    struct message enrolled = { .kind = MESSAGE_ENROLLED, .enrolled = { (char *)"north", (char *)"1.0" } };
    struct message wanted = { .kind = MESSAGE_POLICY_WANTED, .correlation = 3 };
    struct message noted = { .kind = MESSAGE_NOTED, .correlation = 4 };
    AUTO(message_free) struct message a = { 0 };
    AUTO(message_free) struct message b = { 0 };
    AUTO(message_free) struct message c = { 0 };
    AUTO(message_free) struct message d = { 0 };
    AUTO(message_free) struct message e = { 0 };
    AUTO(message_free) struct message f = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(round_trip(&failed, &a, &err));
    assert_int_equal(a.check_failed.reason, REASON_NO_COMMON_ROOT);
    assert_string_equal(a.check_failed.text, "none of 3 roots");
    assert_int_equal(a.check_failed.firmware_status, 0x10);
    assert_true(round_trip(&registered, &b, &err));
    assert_int_equal(b.otp_registered.expires_s, 900);
    assert_true(round_trip(&activated, &c, &err));
    assert_int_equal(c.activated.uuid.bytes[0], 4);
    assert_null(c.activated.wired.address);
    assert_true(round_trip(&enrolled, &d, &err));
    assert_string_equal(d.enrolled.site, "north");
    assert_true(round_trip(&wanted, &e, &err));
    assert_int_equal(e.correlation, 3);
    assert_true(round_trip(&noted, &f, &err));
    assert_int_equal(f.kind, MESSAGE_NOTED);
}

static void every_truncation_of_an_enrolment_is_refused_or_whole(void **state)
{
    AUTO(secret_free) struct secret *token = secret_from_text("0123456789abcdef");
    struct message message = full_enrol(token, NULL, 0);
    AUTO(message_bytes_free) struct bytes bytes = { 0 };

    (void)state;
    message_write(&message, &bytes);
    for (size_t length = 0; length < bytes.length; length++) {
        AUTO(envelope_free) struct envelope envelope = { 0 };
        AUTO(message_free) struct message again = { 0 };
        struct error err = { 0 };

        if (envelope_read(bytes.data, length, &envelope, &err))
            assert_false(message_read(&envelope, &again, &err));
    }
}

/* Numbers 18 to 31 belong to nobody yet. */
static void a_kind_between_the_two_dialogues_is_refused(void **state)
{
    (void)state;
    for (unsigned char kind = MESSAGE_REFUSED + 1; kind < MESSAGE_ENROL; kind++) {
        const unsigned char bytes[] = { 0x08, 1, 0x10, kind, 0x18, 1 };
        struct envelope envelope = { 0 };
        struct error err = { 0 };

        assert_false(envelope_read(bytes, sizeof(bytes), &envelope, &err));
        assert_string_equal(message_kind_name((enum message_kind)kind), "?");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_enrolment_is_read_as_it_was_written),
        cmocka_unit_test(an_enrolment_may_know_next_to_nothing),
        cmocka_unit_test(what_is_no_name_address_or_version_is_refused),
        cmocka_unit_test(a_dot_at_the_end_of_a_name_is_taken_off),
        cmocka_unit_test(a_prefix_that_its_address_cannot_have_is_refused),
        cmocka_unit_test(states_that_amt_does_not_have_are_refused),
        cmocka_unit_test(more_roots_than_firmware_holds_are_refused),
        cmocka_unit_test(a_registration_is_read_as_it_was_written),
        cmocka_unit_test(a_salt_or_hash_of_another_length_is_refused),
        cmocka_unit_test(a_policy_is_read_as_it_was_written),
        cmocka_unit_test(the_other_messages_are_read_as_they_were_written),
        cmocka_unit_test(every_truncation_of_an_enrolment_is_refused_or_whole),
        cmocka_unit_test(a_kind_between_the_two_dialogues_is_refused),
    };

    return cmocka_run_group_tests_name("agent message", tests, NULL, NULL);
}
