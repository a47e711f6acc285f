/* The dialogue's messages: what is written is read back; what breaks the rules is refused. */
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

static void a_job_offer_is_read_as_it_was_written(void **state)
{
    uint32_t realms[] = { 2, 5 };
    AUTO(secret_free) struct secret *admin = secret_from_text("Adm1n!password");
    AUTO(secret_free) struct secret *user_password = secret_from_text("Us3r!password");
    AUTO(secret_free) struct secret *empty = secret_from_text("");
    struct account accounts[] = { { (char *)"empty", (char *)"admin", empty } };
    struct user_entry users[] = {
        { .username = (char *)"operator",
          .password = user_password,
          .access = 2,
          .realms = realms,
          .realm_count = 2,
          .password_version = 17,
          .password_changed = true },
        { .sid = { (unsigned char *)"\1\5\0\0", 4 }, .access = 1 },
    };
    struct bytes issuers[] = { { (unsigned char *)"\x30\x03\x02\x01\x05", 5 } };
    struct root_hash hashes[] = { { .algorithm = 2, .length = 32 } };
    struct message message = {
        .kind = MESSAGE_JOB_OFFER,
        .correlation = 77,
        .job_offer = { .id = { 12, 3 },
                       .kind = (char *)"provision",
                       .lease_s = 900,
                       .deadline_s = 600,
                       .uuid = { { 1, 2, 3 } },
                       .address = (char *)"127.1.0.1",
                       .port = 16993,
                       .host_name = (char *)"pc17",
                       .domain = (char *)"example.com",
                       .root_hashes = hashes,
                       .root_hash_count = 1,
                       .accounts = accounts,
                       .account_count = 1,
                       .admin_password = admin,
                       .profile = { .name = (char *)"default",
                                    .ping = true,
                                    .user_consent = CONSENT_ALL,
                                    .users = users,
                                    .user_count = 2 },
                       .issuers = issuers,
                       .issuer_count = 1,
                       .certificate = { (unsigned char *)"\x30\x01\x02", 3 } },
    };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    if (!round_trip(&message, &again, &err))
        fail_msg("%s", err.message);
    assert_int_equal(again.kind, MESSAGE_JOB_OFFER);
    assert_int_equal(again.correlation, 77);
    assert_int_equal(again.job_offer.id.job, 12);
    assert_int_equal(again.job_offer.port, 16993);
    assert_null(again.job_offer.firmware_version);
    assert_null(again.job_offer.mebx_password);
    assert_true(secret_equal(again.job_offer.admin_password, admin));
    assert_int_equal(secret_length(again.job_offer.accounts[0].password), 0);
    assert_true(again.job_offer.profile.ping);
    assert_false(again.job_offer.profile.kvm);
    assert_int_equal(again.job_offer.profile.user_consent, CONSENT_ALL);
    assert_true(secret_equal(again.job_offer.profile.users[0].password, user_password));
    assert_int_equal(again.job_offer.profile.users[0].realms[1], 5);
    assert_null(again.job_offer.profile.users[1].username);
    assert_int_equal(again.job_offer.profile.users[1].sid.length, 4);
    assert_int_equal(again.job_offer.issuers[0].length, 5);
    assert_int_equal(again.job_offer.profile.users[0].password_version, 17);
    assert_true(again.job_offer.profile.users[0].password_changed);
    assert_false(again.job_offer.profile.users[1].password_changed);
    assert_int_equal(again.job_offer.certificate.length, 3);
}

/* Jobs that set no password may know of none. */
static void an_offer_without_an_admin_password_is_read_as_one(void **state)
{
    struct message message = { .kind = MESSAGE_JOB_OFFER,
                               .job_offer = { .id = { 12, 3 },
                                              .kind = (char *)"discover",
                                              .lease_s = 900,
                                              .deadline_s = 600,
                                              .uuid = { { 1, 2, 3 } },
                                              .address = (char *)"127.1.0.1",
                                              .port = 16993,
                                              .host_name = (char *)"pc17",
                                              .domain = (char *)"example.com",
                                              .profile = { .name = (char *)"default" } } };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(round_trip(&message, &again, &err));
    assert_null(again.job_offer.admin_password);
    assert_int_equal(again.job_offer.certificate.length, 0);
}

static void networks_and_kerberos_of_an_offer_are_read_as_they_were_written(void **state)
{
    AUTO(secret_free) struct secret *empty = secret_from_text("");
    AUTO(secret_free) struct secret *password = secret_from_text("Radius-Word1");
    AUTO(secret_free) struct secret *key = secret_new("0123456789\0bcdef", 16);
    struct eap_settings eap = { .protocol = EAP_PEAP_MSCHAPV2,
                                .username = (char *)"machines",
                                .password = password,
                                .server_name = (char *)"radius.example.com",
                                .server_name_match = SERVER_NAME_SUFFIX,
                                .trusted_root = { (unsigned char *)"\x30\x01", 2 } };
    struct wireless_profile profiles[] = {
        { (char *)"guest", (char *)"guest net", 1, WIRELESS_WPA3_SAE, WIRELESS_GCMP_256, password, NULL, 0,
          false },
        { (char *)"corp", (char *)"corp", 2, WIRELESS_WPA2_8021X, WIRELESS_CCMP, NULL, &eap, 7, true },
    };
    struct wireless_settings wireless = { profiles, 2, SYNCHRONIZE_USER };
    struct wired_8021x wired = { NULL, 90, false, 8, true };
    char *principals[] = { (char *)"HTTP/pc1.example.com:16992" };
    struct kerberos_account kerberos = { .realm = (char *)"EXAMPLE.COM",
                                         .principals = principals,
                                         .principal_count = 1,
                                         .key_version = 4,
                                         .master_key = key,
                                         .key_is_new = true };
    struct message message = { .kind = MESSAGE_JOB_OFFER,
                               .job_offer = { .id = { 12, 3 },
                                              .kind = (char *)"provision",
                                              .lease_s = 900,
                                              .deadline_s = 600,
                                              .address = (char *)"127.1.0.1",
                                              .port = 16993,
                                              .admin_password = empty,
                                              .profile = { .name = (char *)"default",
                                                           .wireless = &wireless,
                                                           .wired_8021x = &wired,
                                                           .kvm_session_timeout_min = 20 },
                                              .kerberos = &kerberos } };
    AUTO(message_free) struct message again = { 0 };
    const struct profile *profile = &again.job_offer.profile;
    struct error err = { 0 };

    (void)state;
    if (!round_trip(&message, &again, &err))
        fail_msg("%s", err.message);
    assert_int_equal(profile->wireless->count, 2);
    assert_int_equal(profile->wireless->synchronization, SYNCHRONIZE_USER);
    assert_string_equal(profile->wireless->profiles[0].ssid, "guest net");
    assert_true(secret_equal(profile->wireless->profiles[0].passphrase, password));
    assert_null(profile->wireless->profiles[0].eap);
    assert_string_equal(profile->wireless->profiles[1].eap->server_name, "radius.example.com");
    assert_int_equal(profile->wireless->profiles[1].eap->trusted_root.length, 2);
    assert_int_equal(profile->wireless->profiles[0].password_version, 0);
    assert_int_equal(profile->wireless->profiles[1].password_version, 7);
    assert_true(profile->wireless->profiles[1].password_changed);
    assert_int_equal(profile->wired_8021x->password_version, 8);
    assert_null(profile->wired_8021x->eap);
    assert_int_equal(profile->wired_8021x->pxe_timeout_s, 90);
    assert_int_equal(profile->kvm_session_timeout_min, 20);
    assert_int_equal(profile->kvm_consent_timeout_s, 0);
    assert_true(secret_equal(again.job_offer.kerberos->master_key, key));
    assert_null(again.job_offer.kerberos->passphrase);
    assert_true(again.job_offer.kerberos->key_is_new);
    eap.protocol = EAP_TLS; /* with a password */
    message_free(&again);
    assert_false(round_trip(&message, &again, &err));
    assert_non_null(strstr(err.message, "eap"));
    profiles[1].eap = NULL; /* 802.1X without EAP */
    assert_false(round_trip(&message, &again, &err));
    assert_non_null(strstr(err.message, "wireless"));
}

static void a_result_is_read_as_it_was_written(void **state)
{
    struct step_report steps[] = { { (char *)"O7.1", (char *)"clock", 1000, 2000, STEP_DONE, REASON_NONE,
                                     NULL },
                                   { (char *)"O7.4", (char *)"admin password", 2000, 2500, STEP_FAILED,
                                     REASON_TIMEOUT, (char *)"no answer in 30 s" } };
    char *settings[] = { (char *)"ping=on" };
    struct user_written users[] = { { (char *)"operator", 17 } };
    struct network_written networks[] = { { NULL, 18 }, { (char *)"corp", 19 } };
    struct message message = {
        .kind = MESSAGE_JOB_FINISHED,
        .job_finished = { .id = { 1, 1 },
                          .reason = REASON_TIMEOUT,
                          .text = (char *)"step O7.4: no answer",
                          .admin_password = PASSWORD_SENT,
                          .mebx_password = PASSWORD_NOT_PERMITTED,
                          .mebx_found = MEBX_CHANGED,
                          .steps = steps,
                          .step_count = 2,
                          .settings = settings,
                          .setting_count = 1,
                          .amt_status = STATUS_EXTERNALLY_PROVISIONED,
                          .users = users,
                          .user_count = 1,
                          .networks = networks,
                          .network_count = 2 },
    };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(round_trip(&message, &again, &err));
    assert_false(again.job_finished.done);
    assert_int_equal(again.job_finished.reason, REASON_TIMEOUT);
    assert_int_equal(again.job_finished.admin_password, PASSWORD_SENT);
    assert_int_equal(again.job_finished.mebx_found, MEBX_CHANGED);
    assert_int_equal(again.job_finished.steps[1].outcome, STEP_FAILED);
    assert_string_equal(again.job_finished.steps[1].detail, "no answer in 30 s");
    assert_null(again.job_finished.steps[0].detail);
    assert_string_equal(again.job_finished.settings[0], "ping=on");
    assert_int_equal(again.job_finished.amt_status, STATUS_EXTERNALLY_PROVISIONED);
    assert_string_equal(again.job_finished.users[0].username, "operator");
    assert_int_equal(again.job_finished.users[0].password_version, 17);
    assert_null(again.job_finished.networks[0].wireless);
    assert_int_equal(again.job_finished.networks[0].password_version, 18);
    assert_string_equal(again.job_finished.networks[1].wireless, "corp");
}

static void a_request_for_a_certificate_may_name_the_firmware(void **state)
{
    static unsigned char request[] = { 0x30, 0x00 };
    struct message message = { .kind = MESSAGE_CERTIFICATE_WANTED,
                               .certificate_wanted = { .id = { 12, 3 },
                                                       .der = { request, sizeof(request) },
                                                       .firmware_version = (char *)"5.2.10" } };
    AUTO(message_free) struct message with = { 0 };
    AUTO(message_free) struct message without = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(round_trip(&message, &with, &err));
    assert_string_equal(with.certificate_wanted.firmware_version, "5.2.10");
    assert_int_equal(with.certificate_wanted.der.length, 2);
    message.certificate_wanted.firmware_version = NULL; /* as the version before says it */
    assert_true(round_trip(&message, &without, &err));
    assert_null(without.certificate_wanted.firmware_version);
}

/* What firmware said may hold any byte: the result that quotes it must get through all the same. */
static void bytes_that_are_no_text_do_not_cost_the_result(void **state)
{
    struct message message = { .kind = MESSAGE_REFUSED,
                               .refused = { REASON_INTERNAL, (char *)"caf\xc3\xa9 \xff\xfe \x01 end" } };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(round_trip(&message, &again, &err));
    assert_string_equal(again.refused.text, "caf\xc3\xa9 ?? ? end");
}

static void an_unknown_version_or_kind_is_refused_before_the_body_is_read(void **state)
{
    /* field 1 version, 2 kind, 3 correlation, 4 a body that is no message */
    static const struct {
        unsigned char bytes[12];
        const char *said;
    } cases[] = {
        { { 0x08, 99, 0x10, 1, 0x18, 1, 0x22, 2, 0xFF, 0xFF }, "version 99" },
        { { 0x08, 0, 0x10, 1, 0x18, 1, 0x22, 2, 0xFF, 0xFF }, "version 0" },
        { { 0x08, 1, 0x10, 0, 0x18, 1, 0x22, 2, 0xFF, 0xFF }, "unknown kind 0" },
        { { 0x08, 1, 0x10, 120, 0x18, 1, 0x22, 2, 0xFF, 0xFF }, "unknown kind 120" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct envelope envelope = { 0 };
        struct error err = { 0 };

        assert_false(envelope_read(cases[i].bytes, 10, &envelope, &err));
        assert_non_null(strstr(err.message, cases[i].said));
    }
}

static void a_body_of_garbage_is_refused_for_every_kind(void **state)
{
    (void)state;
    for (int kind = MESSAGE_REGISTER; kind <= MESSAGE_KIND_LAST; kind++) {
        unsigned char garbage[] = { 0xFF, 0xFF, 0xFF, 0xFF };
        struct envelope envelope = { .version = 1, .kind = kind, .body = garbage, .body_length = 4 };
        struct message message = { 0 };
        struct error err = { 0 };

        if (strcmp(message_kind_name(kind), "?") == 0) /* an envelope of that kind is none */
            continue;
        assert_false(message_read(&envelope, &message, &err));
        assert_non_null(strstr(err.message, message_kind_name(kind)));
    }
}

static void a_hash_whose_length_does_not_fit_its_algorithm_is_refused(void **state)
{
    struct root_hash hashes[] = { { .algorithm = 2, .length = 20 } };
    struct message message = {
        .kind = MESSAGE_HELLO_SEEN,
        .hello_seen = { .address = (char *)"127.0.0.1", .root_hashes = hashes, .root_hash_count = 1 }
    };
    struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_false(round_trip(&message, &again, &err));
    assert_non_null(strstr(err.message, "root_hash"));
}

static void what_mutual_tls_needs_travels_with_session_and_profile(void **state)
{
    struct bytes certificates[CONSOLE_CERTIFICATES_MAX + 1];
    char *names[] = { (char *)"alice", (char *)"bob", (char *)"carol", (char *)"dave" };
    struct message asking = { .kind = MESSAGE_REGISTER,
                              .reg = { .name = (char *)"point-1",
                                       .software_version = (char *)"1.0",
                                       .console_request = { (unsigned char *)"\x30\x02", 2 } } };
    struct message welcome = { .kind = MESSAGE_WELCOME,
                               .welcome = { .site = (char *)"site",
                                            .software_version = (char *)"1.0",
                                            .heartbeat_s = 15,
                                            .lease_s = 900,
                                            .console_certificates = certificates,
                                            .console_certificate_count = 2 } };
    struct message offer = { .kind = MESSAGE_JOB_OFFER,
                             .job_offer = { .id = { 1, 1 },
                                            .kind = (char *)"update",
                                            .lease_s = 900,
                                            .deadline_s = 600,
                                            .address = (char *)"127.1.0.1",
                                            .port = 16993,
                                            .revoked_consoles = certificates,
                                            .revoked_console_count = 1,
                                            .profile = { .name = (char *)"default",
                                                         .mutual_tls = true,
                                                         .trusted_names = names,
                                                         .trusted_name_count = 3 } } };
    AUTO(message_free) struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(certificates); i++)
        certificates[i] = (struct bytes){ (unsigned char *)"\x30\x01\x00", 3 };
    assert_true(round_trip(&asking, &again, &err));
    assert_int_equal(again.reg.console_request.length, 2);
    message_free(&again);
    assert_true(round_trip(&welcome, &again, &err));
    assert_int_equal(again.welcome.console_certificate_count, 2);
    assert_int_equal(again.welcome.console_certificates[1].length, 3);
    message_free(&again);
    assert_true(round_trip(&offer, &again, &err));
    assert_int_equal(again.job_offer.profile.trusted_name_count, 3);
    assert_string_equal(again.job_offer.profile.trusted_names[2], "carol");
    assert_int_equal(again.job_offer.revoked_console_count, 1);
    assert_int_equal(again.job_offer.revoked_consoles[0].length, 3);
    message_free(&again);
    welcome.welcome.console_certificate_count = COUNT_OF(certificates);
    assert_false(round_trip(&welcome, &again, &err));
    offer.job_offer.profile.trusted_name_count = COUNT_OF(names);
    assert_false(round_trip(&offer, &again, &err));
}

static struct message welcome_with(struct known_set *known)
{
    return (struct message){ .kind = MESSAGE_WELCOME,
                             .welcome = { .site = (char *)"site",
                                          .software_version = (char *)"1.0",
                                          .heartbeat_s = 15,
                                          .lease_s = 900,
                                          .known = *known } };
}

static void a_welcome_tells_which_computers_are_known(void **state)
{
    AUTO(known_set_clear) struct known_set known = { 0 };
    AUTO(message_free) struct message again = { 0 };
    const struct uuid uuid = { { 1, 2, 3 } };
    struct message message;
    struct error err = { 0 };

    (void)state;
    assert_true(known_set_make(&known, &uuid, 1, &err));
    message = welcome_with(&known);
    assert_true(round_trip(&message, &again, &err));
    assert_int_equal(again.welcome.known.probes, known.probes);
    assert_memory_equal(again.welcome.known.key, known.key, sizeof(known.key));
    assert_int_equal(again.welcome.known.bits.length, known.bits.length);
    assert_memory_equal(again.welcome.known.bits.data, known.bits.data, known.bits.length);
}

static void a_set_of_known_computers_that_cannot_be_read_is_refused(void **state)
{
    unsigned char bits[KNOWN_SET_MAX_BYTES + 1] = { 0 };
    struct known_set wrong[] = { { .probes = 0, .bits = { bits, 8 } },
                                 { .probes = KNOWN_SET_MAX_PROBES + 1, .bits = { bits, 8 } },
                                 { .probes = 1, .bits = { bits, sizeof(bits) } } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct message message = welcome_with(&wrong[i]);
        AUTO(message_free) struct message again = { 0 };
        struct error err = { 0 };

        assert_false(round_trip(&message, &again, &err));
        assert_non_null(strstr(err.message, "known_"));
    }
}

static void every_truncation_of_a_message_is_refused_or_whole(void **state)
{
    struct message message = { .kind = MESSAGE_WELCOME,
                               .welcome = { .site = (char *)"site",
                                            .software_version = (char *)"1.0",
                                            .heartbeat_s = 15,
                                            .lease_s = 900 } };
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

static void a_time_that_no_calendar_takes_is_refused(void **state)
{
    static const int64_t times_ms[] = { -1, INT64_MIN, INT64_MAX, 253402300800000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(times_ms); i++) {
        struct step_report step = {
            .number = (char *)"O3", .name = (char *)"connect", .finished_ms = 1, .outcome = STEP_DONE
        };
        struct message message = { .kind = MESSAGE_STEP_FINISHED,
                                   .step_finished = { .id = { 1, 1 }, .steps = &step, .step_count = 1 } };
        struct message again = { 0 };
        struct error err = { 0 };

        step.started_ms = times_ms[i];
        assert_false(round_trip(&message, &again, &err));
        step.started_ms = 1;
        step.finished_ms = times_ms[i];
        assert_false(round_trip(&message, &again, &err));
    }
}

static void a_list_longer_than_any_honest_one_is_refused(void **state)
{
    enum { COUNTERS = 10000 };
    struct counter *counters = allocate(COUNTERS * sizeof(*counters));
    struct message message = { .kind = MESSAGE_HEARTBEAT,
                               .heartbeat = { .counters = counters, .counter_count = COUNTERS } };
    struct root_hash roots[256] = { 0 };
    struct message hello = { .kind = MESSAGE_HELLO_SEEN,
                             .hello_seen = { .address = (char *)"127.0.0.1",
                                             .root_hashes = roots,
                                             .root_hash_count = COUNT_OF(roots) } };
    struct message again = { 0 };
    struct error err = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNTERS; i++)
        counters[i].name = (char *)"x";
    assert_false(round_trip(&message, &again, &err));
    assert_string_equal(err.message, "HEARTBEAT: field counters has too many entries");
    free(counters);
    for (size_t i = 0; i < COUNT_OF(roots); i++)
        roots[i] = (struct root_hash){ .algorithm = 1, .length = 20 };
    assert_false(round_trip(&hello, &again, &err));
    hello.hello_seen.root_hash_count--;
    assert_true(round_trip(&hello, &again, &err));
    message_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_offer_is_read_as_it_was_written),
        cmocka_unit_test(networks_and_kerberos_of_an_offer_are_read_as_they_were_written),
        cmocka_unit_test(an_offer_without_an_admin_password_is_read_as_one),
        cmocka_unit_test(a_result_is_read_as_it_was_written),
        cmocka_unit_test(a_request_for_a_certificate_may_name_the_firmware),
        cmocka_unit_test(bytes_that_are_no_text_do_not_cost_the_result),
        cmocka_unit_test(an_unknown_version_or_kind_is_refused_before_the_body_is_read),
        cmocka_unit_test(a_body_of_garbage_is_refused_for_every_kind),
        cmocka_unit_test(a_hash_whose_length_does_not_fit_its_algorithm_is_refused),
        cmocka_unit_test(what_mutual_tls_needs_travels_with_session_and_profile),
        cmocka_unit_test(a_welcome_tells_which_computers_are_known),
        cmocka_unit_test(a_set_of_known_computers_that_cannot_be_read_is_refused),
        cmocka_unit_test(every_truncation_of_a_message_is_refused_or_whole),
        cmocka_unit_test(a_time_that_no_calendar_takes_is_refused),
        cmocka_unit_test(a_list_longer_than_any_honest_one_is_refused),
    };

    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
