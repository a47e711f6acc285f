/* The firmware's host side: what it refuses, and how its device behaves (Linux, drivers/misc/mei). */
#include "../../simulator/fleet.h"
#include "../../simulator/mei_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static const unsigned char amt[MEI_GUID_LENGTH] = { 0x28, 0x00, 0xf8, 0x12, 0xb7, 0xb4, 0x2d, 0x4b,
                                                    0xac, 0xa8, 0x46, 0xe0, 0xff, 0x65, 0x81, 0x4c };

struct machine {
    struct simulator simulator;
    struct computer *computer;
};

static void machine_make(struct machine *machine, const char *generation)
{
    struct device *device = NULL;
    struct error err = { 0 };
    char line[200];

    snprintf(line, sizeof(line),
             "uuid=7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90 address=127.1.2.3 state=pre option15=example.com "
             "generation=%s",
             generation);
    assert_true(fleet_line(line, &device, &err));
    memset(machine, 0, sizeof(*machine));
    machine->computer = computer_create(&machine->simulator, &device);
}

static void machine_end(struct machine *machine)
{
    computer_destroy(&machine->computer);
}

/* Status of the answer; -1: there is none. */
static int64_t status_of(struct machine *machine, const unsigned char *request, size_t length)
{
    unsigned char reply[PTHI_MESSAGE_MAX];
    size_t answered = pthi_answer(machine->computer, request, length, reply);

    if (!answered)
        return -1;
    assert_true(answered >= 16);
    assert_int_equal(reply[4], request[4]);
    assert_int_equal(reply[6], 0x80);
    assert_int_equal(reply[8] | reply[9] << 8, answered - 12);
    return reply[12] | reply[13] << 8;
}

static void a_malformed_request_is_refused(void **state)
{
    static const struct {
        const char *generation;
        unsigned char request[32];
        size_t length;
        int64_t status;
    } cases[] = {
        { "16.1", { 1, 1, 0, 0, 0x5c, 0, 0, 4 }, 11, -1 },                                  /* short */
        { "16.1", { 2, 1, 0, 0, 0x5c, 0, 0, 4 }, 12, -1 },                                  /* version */
        { "16.1", { 1, 1, 0, 0, 0x5c, 0, 0, 4, 1 }, 12, 4 },                                /* length */
        { "16.1", { 1, 1, 0, 0, 0x7f, 0, 0, 4 }, 12, 0x803 },                               /* unknown */
        { "5.2", { 1, 1, 0, 0, 0x62, 0, 0, 4, 4 }, 16, 0x803 },                             /* too new */
        { "5.2", { 1, 1, 0, 0, 0x29, 0, 0, 4 }, 12, 0x30 },                                 /* no seed */
        { "16.1", { 1, 1, 0, 0, 0x62, 0, 0, 4 }, 12, 4 },                                   /* no argument */
        { "16.1", { 1, 1, 0, 0, 0x48, 0, 0, 4, 4, 0, 0, 0, 1 }, 16, 0x9c5 },                /* no radio */
        { "16.1", { 1, 1, 0, 0, 0x2d, 0, 0, 4, 4, 0, 0, 0, 9 }, 16, 0x805 },                /* no hash */
        { "16.1", { 1, 1, 0, 0, 0x2a, 0, 0, 4, 5, 0, 0, 0, 3, 0, 'a', 'b', 'c' }, 17, 36 }, /* OTP of 3 */
        { "16.1", { 1, 1, 0, 0, 0x2a, 0, 0, 4, 5, 0, 0, 0, 4, 0, 'a', 'b', 'c' }, 17, 4 },  /* text cut */
        { "16.1", { 1, 1, 0, 0, 0x5e, 0, 0, 4 }, 12, 3 },                                   /* not begun */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct machine machine;
        int64_t status;

        machine_make(&machine, cases[i].generation);
        status = status_of(&machine, cases[i].request, cases[i].length);
        if (status != cases[i].status)
            fail_msg("case %zu: status %lld, not %lld", i, (long long)status, (long long)cases[i].status);
        assert_int_equal(machine.computer->device->state, STATE_PRE);
        assert_int_equal(machine.computer->device->otp_length, 0);
        machine_end(&machine);
    }
}

static void a_client_has_one_connection(void **state)
{
    static const unsigned char nobody[MEI_GUID_LENGTH] = { 1 };
    struct mei_session *one, *other;
    struct machine machine;
    uint32_t longest = 0;
    uint8_t version = 0;

    (void)state;
    machine_make(&machine, "16.1");
    one = mei_session_open(machine.computer);
    other = mei_session_open(machine.computer);
    assert_int_equal(mei_session_connect(one, nobody, &longest, &version), ENOTTY);
    assert_int_equal(mei_session_connect(one, amt, &longest, &version), 0);
    assert_int_equal(longest, PTHI_MESSAGE_MAX);
    assert_int_equal(mei_session_connect(one, amt, &longest, &version), EBUSY);
    assert_int_equal(mei_session_connect(other, amt, &longest, &version), EBUSY);
    mei_session_close(&one);
    assert_int_equal(mei_session_connect(other, amt, &longest, &version), 0);
    mei_session_close(&other);
    machine_end(&machine);
}

static void a_reply_is_read_in_parts_by_who_has_little_room(void **state)
{
    static const unsigned char get_uuid[] = { 1, 1, 0, 0, 0x5c, 0, 0, 4, 0, 0, 0, 0 };
    unsigned char too_long[PTHI_MESSAGE_MAX + 1] = { 1, 1 };
    const unsigned char *bytes;
    struct mei_session *session;
    struct machine machine;
    uint32_t longest;
    uint8_t version;
    size_t length;

    (void)state;
    machine_make(&machine, "16.1");
    session = mei_session_open(machine.computer);
    assert_int_equal(mei_session_write(session, get_uuid, sizeof(get_uuid)), ENODEV);
    assert_int_equal(mei_session_events(session), POLLERR);
    assert_int_equal(mei_session_connect(session, amt, &longest, &version), 0);
    assert_int_equal(mei_session_read(session, &bytes, &length), EAGAIN);
    assert_int_equal(mei_session_write(session, too_long, sizeof(too_long)), EFBIG);
    assert_int_equal(mei_session_write(session, get_uuid, sizeof(get_uuid)), 0);
    assert_int_equal(mei_session_events(session), POLLIN | POLLOUT);
    assert_int_equal(mei_session_read(session, &bytes, &length), 0);
    assert_int_equal(length, 32);
    mei_session_taken(session, 20);
    assert_int_equal(mei_session_read(session, &bytes, &length), 0);
    assert_int_equal(length, 12);
    assert_int_equal(bytes[11], 0x90);
    mei_session_taken(session, 12);
    assert_int_equal(mei_session_read(session, &bytes, &length), EAGAIN);
    mei_session_close(&session);
    machine_end(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_malformed_request_is_refused),
        cmocka_unit_test(a_client_has_one_connection),
        cmocka_unit_test(a_reply_is_read_in_parts_by_who_has_little_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
