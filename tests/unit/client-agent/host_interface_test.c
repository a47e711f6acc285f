/* PTHI messages, byte by byte: AMT SDK "PTHI commands". */
#include <stdlib.h>
#include <string.h>

#include "host_interface.h"
#include "tests/unit/unit_test.h"

#define UUID_TEXT "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90"

#define expect_bytes(request, ...)                                                                           \
    expect_bytes_at((request), (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void expect_bytes_at(const struct host_request *request, const uint8_t *wanted, size_t length)
{
    assert_int_equal(request->length, length);
    assert_memory_equal(request->bytes, wanted, length);
}

/* ---- requests ---- */

static void a_request_is_header_and_payload(void **state)
{
    struct host_request request;

    (void)state;
    host_request_plain(&request, HOST_GET_CODE_VERSIONS);
    expect_bytes(&request, 1, 1, 0, 0, 0x1a, 0, 0, 4, 0, 0, 0, 0);
    host_request_plain(&request, HOST_STOP_CONFIGURATION);
    expect_bytes(&request, 1, 1, 0, 0, 0x5e, 0, 0, 4, 0, 0, 0, 0);
    host_request_number(&request, HOST_START_CONFIGURATION_EX, 0);
    expect_bytes(&request, 1, 1, 0, 0, 0x62, 0, 0, 4, 4, 0, 0, 0, 0, 0, 0, 0);
    host_request_number(&request, HOST_GET_CERTIFICATE_HASH_ENTRY, 5);
    expect_bytes(&request, 1, 1, 0, 0, 0x2d, 0, 0, 4, 4, 0, 0, 0, 5, 0, 0, 0);
}

static void the_one_time_password_is_a_text_with_its_length(void **state)
{
    struct secret *otp = secret_from_text("Zq7-Lm29Xw.k");
    struct host_request request;
    struct error err = { 0 };

    (void)state;
    assert_true(host_request_otp(&request, otp, &err));
    expect_bytes(&request, 1, 1, 0, 0, 0x2a, 0, 0, 4, 0x0e, 0, 0, 0, 0x0c, 0, 0x5a, 0x71, 0x37, 0x2d, 0x4c,
                 0x6d, 0x32, 0x39, 0x58, 0x77, 0x2e, 0x6b);
    host_request_wipe(&request);
    for (size_t i = 0; i < sizeof(request.bytes); i++)
        assert_int_equal(request.bytes[i], 0);
    secret_free(&otp);
}

static void a_text_that_amt_would_refuse_is_not_sent(void **state)
{
    struct secret *short_otp = secret_from_text("7 bytes"),
                  *long_otp = secret_from_text("123456789012345678901234567890123");
    struct host_request request;
    struct error err = { 0 };
    char name[HOST_FQDN_MAX_LENGTH + 2];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_false(host_request_otp(&request, short_otp, &err));
    assert_false(host_request_otp(&request, long_otp, &err));
    assert_null(strstr(err.message, "1234"));
    assert_false(host_request_host_fqdn(&request, name, &err));
    assert_false(host_request_host_fqdn(&request, "", &err));
    assert_false(host_request_dns_suffix(&request, name, &err));
    assert_true(host_request_host_fqdn(&request, name + 1, &err));
    assert_int_equal(request.length, HOST_REQUEST_MAX_SIZE);
    secret_free(&short_otp);
    secret_free(&long_otp);
}

static void the_watchdog_is_asked_without_a_header(void **state)
{
    struct host_request request;

    (void)state;
    host_request_change_enabled(&request);
    expect_bytes(&request, 5, 2, 0x51, 0x10);
    host_request_operational_state(&request, true);
    expect_bytes(&request, 5, 3, 0x53, 0x10, 1);
}

/* ---- replies ---- */

/* Header with this command and length, status, payload. */
static size_t make_reply(uint8_t *out, uint32_t command, uint32_t status, const void *payload, size_t length)
{
    const uint8_t header[] = { 1,
                               1,
                               0,
                               0,
                               (uint8_t)command,
                               0,
                               0x80,
                               4,
                               (uint8_t)(length + 4),
                               (uint8_t)((length + 4) >> 8),
                               0,
                               0,
                               (uint8_t)status,
                               (uint8_t)(status >> 8),
                               0,
                               0 };

    memcpy(out, header, sizeof(header));
    if (length)
        memcpy(out + sizeof(header), payload, length);
    return sizeof(header) + length;
}

/* The reply in memory of exactly its size, so that a sanitizer sees a byte read behind it. */
static bool read_reply(uint8_t *exact, size_t length, enum host_command command, struct host_reply *reply)
{
    struct error err = { 0 };

    if (host_reply_read(exact, length, command, reply, &err))
        return true;
    assert_string_not_equal(err.message, "");
    return false;
}

static void the_uuid_comes_in_smbios_order(void **state)
{
    const uint8_t bytes[] = { 1,    1,    0,    0,    0x5c, 0,    0x80, 4,    0x14, 0,    0,
                              0,    0,    0,    0,    0,    0x52, 0x1c, 0x3a, 0x7f, 0x04, 0x9b,
                              0x6d, 0x4e, 0xa1, 0xc8, 0x0d, 0x5e, 0x2f, 0x6b, 0x7a, 0x90 };
    struct host_reply reply;
    struct error err = { 0 };
    char text[UUID_TEXT_SIZE];
    struct uuid uuid;

    (void)state;
    assert_true(host_reply_read(bytes, sizeof(bytes), HOST_GET_UUID, &reply, &err));
    assert_true(host_reply_uuid(&reply, &uuid, &err));
    assert_string_equal(uuid_text(&uuid, text), UUID_TEXT);
}

static void versions_are_found_by_their_description(void **state)
{
    uint8_t payload[65 + 4 + 2 * 44] = "SIMBIOS01.0042", bytes[256];
    struct host_versions versions;
    struct host_reply reply;
    struct error err = { 0 };
    unsigned major, minor;
    size_t length;

    (void)state;
    payload[65] = 2;
    payload[69] = 3;
    memcpy(payload + 71, "AMT", 3);
    payload[91] = 7;
    memcpy(payload + 93, "16.1.25", 7);
    payload[113] = 3;
    memcpy(payload + 115, "Sku", 3);
    payload[135] = 5;
    memcpy(payload + 137, "16392", 5);
    length = make_reply(bytes, HOST_GET_CODE_VERSIONS, 0, payload, sizeof(payload));
    assert_int_equal(length, 173);
    assert_true(host_reply_read(bytes, length, HOST_GET_CODE_VERSIONS, &reply, &err));
    assert_true(host_reply_versions(&reply, &versions, &err));
    assert_string_equal(versions.bios, "SIMBIOS01.0042");
    assert_string_equal(host_version_of(&versions, "AMT"), "16.1.25");
    assert_string_equal(host_version_of(&versions, "Sku"), "16392");
    assert_string_equal(host_version_of(&versions, "Flash"), "");
    assert_true(host_release(&versions, &major, &minor));
    assert_int_equal(major, 16);
    assert_int_equal(minor, 1);
}

static void a_version_without_a_release_is_none(void **state)
{
    static const char *const wrong[] = {
        "", "16", "16.", ".1", "-6.1.25", " 6.1", "1234.1", "16,1", "16.1234"
    };
    unsigned major, minor;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct host_versions versions = { .entries = { { .description = "AMT" } }, .count = 1 };

        strcpy(versions.entries[0].version, wrong[i]);
        if (host_release(&versions, &major, &minor))
            fail_msg("\"%s\" is %u.%u", wrong[i], major, minor);
    }
}

static size_t hash_reply(uint8_t *bytes, uint8_t algorithm)
{
    uint8_t payload[73 + 2 + 11] = { [0] = 0, [4] = 1, [72] = algorithm, [73] = 11 };

    memset(payload + 8, 0x92, 32);
    memcpy(payload + 75, "Test Root C", 11);
    return make_reply(bytes, HOST_GET_CERTIFICATE_HASH_ENTRY, 0, payload, sizeof(payload));
}

static void a_root_hash_has_the_length_of_its_algorithm(void **state)
{
    uint8_t bytes[128];
    size_t length = hash_reply(bytes, 2);
    struct host_reply reply;
    struct error err = { 0 };
    struct host_hash hash;

    (void)state;
    assert_int_equal(length, 102);
    assert_true(host_reply_read(bytes, length, HOST_GET_CERTIFICATE_HASH_ENTRY, &reply, &err));
    assert_true(host_reply_hash(&reply, &hash, &err));
    assert_false(hash.is_default);
    assert_true(hash.active);
    assert_int_equal(hash.length, 32);
    assert_int_equal(hash.digest[31], 0x92);
    assert_string_equal(hash.name, "Test Root C");
    assert_string_equal(host_hash_algorithm_name(hash.algorithm), "SHA-256");

    length = hash_reply(bytes, 9);
    assert_true(host_reply_read(bytes, length, HOST_GET_CERTIFICATE_HASH_ENTRY, &reply, &err));
    assert_true(host_reply_hash(&reply, &hash, &err));
    assert_int_equal(hash.length, 0); /* matches nothing */
    assert_string_equal(host_hash_algorithm_name(hash.algorithm), "unknown");
}

static void the_wired_interface_is_read_field_by_field(void **state)
{
    const uint8_t payload[] = { 1, 0, 0, 0, 4, 3, 2, 1, 1, 0, 0, 0, 2, 1, 0x02, 0, 0x2f, 0x6b, 0x7a, 0x90 };
    uint8_t bytes[64];
    size_t length = make_reply(bytes, HOST_GET_LAN_INTERFACE_SETTINGS, 0, payload, sizeof(payload));
    struct host_reply reply;
    struct error err = { 0 };
    struct host_lan lan;

    (void)state;
    assert_true(host_reply_read(bytes, length, HOST_GET_LAN_INTERFACE_SETTINGS, &reply, &err));
    assert_true(host_reply_lan(&reply, &lan, &err));
    assert_int_equal(lan.address, 0x01020304);
    assert_true(lan.enabled && lan.dhcp && lan.link_up);
    assert_false(lan.dhcp_active);
    assert_int_equal(lan.mac[5], 0x90);
}

static void a_status_is_told_with_command_and_remedy(void **state)
{
    const uint8_t bytes[] = { 1, 1, 0, 0, 0x2a, 0, 0x80, 4, 4, 0, 0, 0, 3, 0, 0, 0 };
    struct host_reply reply;
    struct error err = { 0 };

    (void)state;
    assert_true(host_reply_read(bytes, sizeof(bytes), HOST_SET_PROVISIONING_SERVER_OTP, &reply, &err));
    assert_int_equal(reply.status, HOST_INVALID_MODE);
    assert_false(host_reply_succeeded(&reply, &err));
    assert_int_equal(err.reason, REASON_FIRMWARE_STATUS);
    assert_non_null(strstr(err.message, "SetProvisioningServerOTP"));
    assert_non_null(strstr(err.message, "INVALID_AMT_MODE (0x3)"));
}

static void every_published_status_has_its_name(void **state)
{
    (void)state;
    for (uint32_t status = 0; status <= 0x31; status++)
        assert_string_not_equal(host_status_name(status), "an unknown status");
    assert_string_equal(host_status_name(0x30), "RNG_NOT_READY");
    assert_string_equal(host_status_name(0x81C), "BLOCKING_COMPONENT");
    assert_string_equal(host_status_name(0x9C5), "INTERFACE_DOES_NOT_EXIST");
    assert_string_equal(host_status_name(0x7FFF), "an unknown status");
    assert_string_equal(host_status_meaning(0x7FFF), "");
}

/* A change of one byte of a good reply to GetUUID, and what is wrong with it then. */
static void a_reply_that_breaks_the_framing_is_refused(void **state)
{
    static const struct {
        size_t offset;
        uint8_t value;
    } changes[] = { { 0, 2 }, { 1, 0 },    { 2, 1 },    { 4, 0x5b }, { 6, 0 },
                    { 7, 1 }, { 8, 0x13 }, { 8, 0x15 }, { 10, 1 } };
    const uint8_t uuid[16] = { 1 };
    struct host_reply reply;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        uint8_t bytes[32];
        size_t length = make_reply(bytes, HOST_GET_UUID, 0, uuid, sizeof(uuid));

        assert_true(read_reply(bytes, length, HOST_GET_UUID, &reply));
        bytes[changes[i].offset] = changes[i].value;
        if (read_reply(bytes, length, HOST_GET_UUID, &reply))
            fail_msg("byte %zu may be %u", changes[i].offset, changes[i].value);
    }
}

static bool decode(const struct host_reply *reply)
{
    struct host_versions versions;
    struct host_hash_handles handles;
    struct error err = { 0 };
    struct host_hash hash;
    struct host_lan lan;
    struct uuid uuid;
    uint32_t number;
    char text[HOST_DNS_SUFFIX_MAX_LENGTH + 1];

    switch (reply->command) {
    case HOST_GET_UUID:
        return host_reply_uuid(reply, &uuid, &err);
    case HOST_GET_CODE_VERSIONS:
        return host_reply_versions(reply, &versions, &err);
    case HOST_ENUMERATE_HASH_HANDLES:
        return host_reply_hash_handles(reply, &handles, &err);
    case HOST_GET_CERTIFICATE_HASH_ENTRY:
        return host_reply_hash(reply, &hash, &err);
    case HOST_GET_LAN_INTERFACE_SETTINGS:
        return host_reply_lan(reply, &lan, &err);
    case HOST_GET_DNS_SUFFIX:
        return host_reply_text(reply, text, sizeof(text), &err);
    default:
        return host_reply_number(reply, &number, &err);
    }
}

/* Payloads with all the lengths inside that they announce. */
static void a_reply_cut_anywhere_is_refused(void **state)
{
    static const struct {
        enum host_command command;
        size_t length;
        struct {
            size_t offset;
            uint8_t value;
        } field;
    } cases[] = {
        { HOST_GET_UUID, 16, { 0, 0 } },
        { HOST_GET_PROVISIONING_STATE, 4, { 0, 0 } },
        { HOST_GET_CODE_VERSIONS, 65 + 4 + 44, { 65, 1 } },
        { HOST_ENUMERATE_HASH_HANDLES, 4 + 3 * 4, { 0, 3 } },
        { HOST_GET_CERTIFICATE_HASH_ENTRY, 75 + 7, { 73, 7 } },
        { HOST_GET_LAN_INTERFACE_SETTINGS, 20, { 0, 0 } },
        { HOST_GET_DNS_SUFFIX, 2 + 11, { 0, 11 } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t length = 0; length <= cases[i].length; length++) {
            uint8_t payload[128] = { 0 };
            uint8_t *exact = allocate(HOST_REPLY_MIN_SIZE + length);
            struct host_reply reply;
            size_t whole;

            payload[cases[i].field.offset] = cases[i].field.value;
            whole = make_reply(exact, cases[i].command, 0, payload, length);
            assert_true(read_reply(exact, whole, cases[i].command, &reply));
            if (decode(&reply) != (length == cases[i].length))
                fail_msg("%s with %zu of %zu bytes", host_command_name(cases[i].command), length,
                         cases[i].length);
            free(exact);
        }
    }
}

static void counts_beyond_what_firmware_can_hold_are_refused(void **state)
{
    const uint8_t handles[4 + 4] = { HOST_HASHES_MAX + 1 };
    uint8_t versions[65 + 4] = { [65] = HOST_VERSIONS_MAX + 1 }, text[2 + 224] = { 224 };
    uint8_t bytes[512];
    struct host_reply reply;

    (void)state;
    assert_true(read_reply(bytes, make_reply(bytes, HOST_ENUMERATE_HASH_HANDLES, 0, handles, sizeof(handles)),
                           HOST_ENUMERATE_HASH_HANDLES, &reply));
    assert_false(decode(&reply));
    assert_true(read_reply(bytes, make_reply(bytes, HOST_GET_CODE_VERSIONS, 0, versions, sizeof(versions)),
                           HOST_GET_CODE_VERSIONS, &reply));
    assert_false(decode(&reply));
    assert_true(read_reply(bytes, make_reply(bytes, HOST_GET_DNS_SUFFIX, 0, text, sizeof(text)),
                           HOST_GET_DNS_SUFFIX, &reply));
    assert_false(decode(&reply));
}

static void what_cannot_be_printed_is_not_passed_on(void **state)
{
    const uint8_t payload[] = { 6, 0, 'a', 0x1b, '[', 0xff, 0, 'z' };
    uint8_t bytes[64];
    size_t length = make_reply(bytes, HOST_GET_DNS_SUFFIX, 0, payload, sizeof(payload));
    struct host_reply reply;
    struct error err = { 0 };
    char text[HOST_DNS_SUFFIX_MAX_LENGTH + 1];

    (void)state;
    assert_true(host_reply_read(bytes, length, HOST_GET_DNS_SUFFIX, &reply, &err));
    assert_true(host_reply_text(&reply, text, sizeof(text), &err));
    assert_string_equal(text, "a?[?");
}

static void the_watchdog_tells_whether_amt_may_be_switched_on(void **state)
{
    const uint8_t off[] = { 0x01 }, old_on[] = { 0x02, 0, 0, 0 }, three[3] = { 0 };
    const uint8_t done[] = { 5, 3, 0x53, 0x10, 0, 0, 0, 0 }, refused[] = { 5, 3, 0x53, 0x10, 16, 0, 0, 0 };
    struct host_switch switched;
    struct error err = { 0 };

    (void)state;
    assert_true(host_reply_change_enabled(off, sizeof(off), &switched, &err));
    assert_true(switched.change_allowed && !switched.amt_on);
    assert_true(host_reply_change_enabled(old_on, sizeof(old_on), &switched, &err));
    assert_true(!switched.change_allowed && switched.amt_on);
    assert_false(host_reply_change_enabled(three, sizeof(three), &switched, &err));
    assert_true(host_reply_operational_state(done, sizeof(done), &err));
    assert_false(host_reply_operational_state(refused, sizeof(refused), &err));
    assert_non_null(strstr(err.message, "NOT_PERMITTED"));
    assert_false(host_reply_operational_state(done, 7, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_header_and_payload),
        cmocka_unit_test(the_one_time_password_is_a_text_with_its_length),
        cmocka_unit_test(a_text_that_amt_would_refuse_is_not_sent),
        cmocka_unit_test(the_watchdog_is_asked_without_a_header),
        cmocka_unit_test(the_uuid_comes_in_smbios_order),
        cmocka_unit_test(versions_are_found_by_their_description),
        cmocka_unit_test(a_version_without_a_release_is_none),
        cmocka_unit_test(a_root_hash_has_the_length_of_its_algorithm),
        cmocka_unit_test(the_wired_interface_is_read_field_by_field),
        cmocka_unit_test(a_status_is_told_with_command_and_remedy),
        cmocka_unit_test(every_published_status_has_its_name),
        cmocka_unit_test(a_reply_that_breaks_the_framing_is_refused),
        cmocka_unit_test(a_reply_cut_anywhere_is_refused),
        cmocka_unit_test(counts_beyond_what_firmware_can_hold_are_refused),
        cmocka_unit_test(what_cannot_be_printed_is_not_passed_on),
        cmocka_unit_test(the_watchdog_tells_whether_amt_may_be_switched_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
