/* Who may say what (spec 11: message on the queue), without a database. */
#include <stdlib.h>
#include <string.h>

#include "queue/dialogue.h"
#include "tests/unit/unit_test.h"

static const enum peer_role roles[] = { PEER_APPROVED, PEER_SERVICE_POINT };

/* An envelope by hand (Protocol Buffers encoding): version, kind, correlation, body. */
static size_t envelope(uint8_t *out, uint8_t version, uint8_t kind, const void *body, uint8_t body_length)
{
    const uint8_t head[] = { 0x08, version, 0x10, kind, 0x18, 42, 0x22, body_length };

    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), body, body_length);
    return sizeof(head) + body_length;
}

static enum refusal refusal_of(const void *data, size_t length, enum peer_role role, struct error *err)
{
    struct message message = { 0 };
    enum refusal refusal;
    uint64_t correlation;

    assert_false(
        dialogue_admit(&service_point_dialogue, data, length, role, &message, &refusal, &correlation, err));
    assert_int_equal(message.kind, 0);
    return refusal;
}

static void only_service_points_say_what_service_points_say(void **state)
{
    static const enum message_kind theirs[] = {
        MESSAGE_HEARTBEAT,    MESSAGE_HELLO_SEEN,    MESSAGE_JOB_ACCEPT,
        MESSAGE_JOB_DECLINE,  MESSAGE_STEP_FINISHED, MESSAGE_ACCOUNT_WANTED,
        MESSAGE_LEASE_EXTEND, MESSAGE_JOB_FINISHED,  MESSAGE_CERTIFICATE_WANTED,
    };
    size_t allowed = 0;

    (void)state;
    assert_true(dialogue_allows(&service_point_dialogue, MESSAGE_REGISTER, PEER_APPROVED));
    assert_true(dialogue_allows(&service_point_dialogue, MESSAGE_REGISTER, PEER_SERVICE_POINT));
    for (size_t i = 0; i < COUNT_OF(theirs); i++) {
        assert_true(dialogue_allows(&service_point_dialogue, theirs[i], PEER_SERVICE_POINT));
        assert_false(dialogue_allows(&service_point_dialogue, theirs[i], PEER_APPROVED));
    }
    for (int kind = MESSAGE_REGISTER; kind <= MESSAGE_KIND_LAST; kind++)
        allowed += dialogue_allows(&service_point_dialogue, (enum message_kind)kind, PEER_SERVICE_POINT);
    assert_int_equal(allowed, COUNT_OF(theirs) + 1);
}

static void what_is_not_allowed_is_refused_before_its_body_is_read(void **state)
{
    static const uint8_t garbage[] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
    uint8_t data[64];

    (void)state;
    for (size_t r = 0; r < COUNT_OF(roles); r++) {
        for (int kind = MESSAGE_REGISTER; kind <= MESSAGE_KIND_LAST; kind++) {
            size_t length = envelope(data, MESSAGE_VERSION, (uint8_t)kind, garbage, sizeof(garbage));
            struct error err = { 0 };
            enum refusal refusal = refusal_of(data, length, roles[r], &err);

            /* Had the body been looked at, the refusal would name it. */
            if (dialogue_allows(&service_point_dialogue, (enum message_kind)kind, roles[r]))
                assert_int_equal(refusal, REFUSAL_BODY);
            else if (dialogue_allows(&service_point_dialogue, (enum message_kind)kind, PEER_SERVICE_POINT))
                assert_int_equal(refusal, REFUSAL_NOT_REGISTERED);
            else if (strcmp(message_kind_name((enum message_kind)kind), "?") != 0)
                assert_int_equal(refusal, REFUSAL_NOT_ALLOWED);
            else
                assert_int_equal(refusal, REFUSAL_ENVELOPE);
            assert_int_equal(err.reason, refusal == REFUSAL_NOT_REGISTERED ? REASON_NOT_REGISTERED
                                                                           : REASON_MESSAGE_REFUSED);
        }
    }
}

static void a_refusal_carries_the_correlation_of_what_it_answers(void **state)
{
    struct message message = { 0 };
    enum refusal refusal;
    uint64_t correlation;
    uint8_t data[64];
    size_t length = envelope(data, MESSAGE_VERSION, MESSAGE_JOB_OFFER, "", 0);
    struct error err;

    (void)state;
    assert_false(dialogue_admit(&service_point_dialogue, data, length, PEER_SERVICE_POINT, &message, &refusal,
                                &correlation, &err));
    assert_int_equal(correlation, 42);
}

static void another_version_or_an_unknown_kind_is_refused(void **state)
{
    uint8_t data[64];
    struct error err;

    (void)state;
    assert_int_equal(refusal_of(data, envelope(data, 0, MESSAGE_REGISTER, "", 0), PEER_APPROVED, &err),
                     REFUSAL_ENVELOPE);
    assert_int_equal(
        refusal_of(data, envelope(data, MESSAGE_VERSION + 1, MESSAGE_REGISTER, "", 0), PEER_APPROVED, &err),
        REFUSAL_ENVELOPE);
    assert_non_null(strstr(err.message, "version"));
    assert_int_equal(refusal_of(data, envelope(data, MESSAGE_VERSION, 0, "", 0), PEER_APPROVED, &err),
                     REFUSAL_ENVELOPE);
    assert_int_equal(refusal_of(data, envelope(data, MESSAGE_VERSION, 99, "", 0), PEER_APPROVED, &err),
                     REFUSAL_ENVELOPE);
}

static void bytes_of_any_kind_are_refused_or_read_and_nothing_else(void **state)
{
    static uint8_t data[4096];
    uint32_t random = 20080101; /* the same bytes in every run */

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = random % (round % 100 ? 96 : sizeof(data));
        struct message message = { 0 };
        enum refusal refusal;
        uint64_t correlation;
        struct error err;

        for (size_t i = 0; i < length; i++) {
            random = random * 1664525 + 1013904223;
            data[i] = (uint8_t)(random >> 24);
        }
        if (length >= 8 && round % 2) /* let half of them through the first door */
            envelope(data, MESSAGE_VERSION, (uint8_t)(random >> 16) % (MESSAGE_KIND_LAST + 2), data + 8,
                     (uint8_t)(length - 8 < 128 ? length - 8 : 127));
        if (dialogue_admit(&service_point_dialogue, data, length, roles[round / 2 % 2], &message, &refusal,
                           &correlation, &err))
            message_free(&message);
        random = random * 1664525 + 1013904223;
    }
}

static void every_prefix_of_a_good_message_is_refused_or_read_and_nothing_else(void **state)
{
    struct message hello = { .kind = MESSAGE_HELLO_SEEN, .correlation = 7 };
    struct root_hash hashes[2] = { { .algorithm = 2, .length = 32 }, { .algorithm = 1, .length = 20 } };
    char address[] = "192.0.2.7";
    struct bytes bytes = { 0 };

    (void)state;
    hello.hello_seen.address = address;
    hello.hello_seen.root_hashes = hashes;
    hello.hello_seen.root_hash_count = COUNT_OF(hashes);
    message_write(&hello, &bytes);
    for (size_t length = 0; length <= bytes.length; length++) {
        unsigned char *exact =
            malloc(length ? length : 1); /* so that a sanitizer sees the first byte beyond */
        struct message message = { 0 };
        enum refusal refusal;
        uint64_t correlation;
        struct error err;
        bool admitted;

        memcpy(exact, bytes.data, length);
        admitted = dialogue_admit(&service_point_dialogue, exact, length, PEER_SERVICE_POINT, &message,
                                  &refusal, &correlation, &err);
        if (length == bytes.length) {
            assert_true(admitted);
            assert_int_equal(message.hello_seen.root_hash_count, 2);
        }
        message_free(&message);
        free(exact);
    }
    message_bytes_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_service_points_say_what_service_points_say),
        cmocka_unit_test(what_is_not_allowed_is_refused_before_its_body_is_read),
        cmocka_unit_test(a_refusal_carries_the_correlation_of_what_it_answers),
        cmocka_unit_test(another_version_or_an_unknown_kind_is_refused),
        cmocka_unit_test(bytes_of_any_kind_are_refused_or_read_and_nothing_else),
        cmocka_unit_test(every_prefix_of_a_good_message_is_refused_or_read_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
