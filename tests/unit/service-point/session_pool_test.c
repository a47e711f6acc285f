/* Design 1, spec 11: jobs run on threads of their own, and every one ends with a result. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/trust.h"
#include "work/mailbox.h"
#include "work/session_pool.h"

#define SLOTS 8

struct fixture {
    struct mailbox *mailbox;
    struct trust *trust;
    struct session_surroundings around;
    struct session_pool *pool;
};

static void post(void *context, struct message *message)
{
    mailbox_post(context, message);
}

static int set_up(void **state)
{
    struct fixture *fixture = allocate(sizeof(*fixture));
    struct error err = { 0 };

    *state = fixture;
    if (!mailbox_open(&fixture->mailbox, &err) || !trust_load(&fixture->trust, NULL, 0, 0, &err))
        return -1;
    fixture->around = (struct session_surroundings){ .trust = fixture->trust,
                                                     .connect_timeout_ms = 2000,
                                                     .request_timeout_ms = 2000,
                                                     .slow_request_timeout_ms = 2000,
                                                     .restart_wait_ms = 2000,
                                                     .say = post,
                                                     .context = fixture->mailbox };
    fixture->pool = session_pool_new(&fixture->around, SLOTS);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    session_pool_free(&fixture->pool);
    trust_free(&fixture->trust);
    mailbox_close(&fixture->mailbox);
    free(fixture);
    return 0;
}

/* Owned by the pool once it is started, else by the caller. */
static struct message offer_for(uint64_t job, uint16_t port)
{
    struct message message = { .kind = MESSAGE_JOB_OFFER };
    struct message_job_offer *offer = &message.job_offer;

    offer->id = (struct attempt_id){ job, 1 };
    offer->kind = text_copy("provision");
    offer->deadline_s = 60;
    offer->uuid.bytes[0] = (uint8_t)job;
    offer->address = text_copy("127.0.0.1");
    offer->port = port;
    offer->host_name = text_copy("pc");
    offer->domain = text_copy("corp.example.com");
    offer->admin_password = secret_from_text("Str0ng!Passw0rd");
    return message;
}

static struct message next_result(struct fixture *fixture)
{
    struct pollfd ready = { .fd = mailbox_fd(fixture->mailbox), .events = POLLIN };
    struct message message = { 0 };

    for (;;) {
        if (!mailbox_take(fixture->mailbox, &message)) {
            assert_int_equal(poll(&ready, 1, 20000), 1);
            continue;
        }
        if (message.kind == MESSAGE_JOB_FINISHED)
            return message;
        message_free(&message);
    }
}

/* A listener that accepts in the kernel and never says a word. */
static int open_silent(uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void a_computer_that_is_not_there_gives_a_result_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    struct message offer, result;
    struct error err = { 0 };
    uint16_t port;

    close(open_silent(&port)); /* a port where nobody listens */
    offer = offer_for(5, port);
    assert_true(session_pool_start(fixture->pool, &offer.job_offer, &err));
    assert_null(offer.job_offer.address);
    result = next_result(fixture);
    assert_int_equal(result.job_finished.id.job, 5);
    assert_false(result.job_finished.done);
    assert_int_equal(result.job_finished.reason, REASON_UNREACHABLE);
    assert_int_equal(result.job_finished.admin_password, PASSWORD_UNTOUCHED);
    assert_int_equal(result.job_finished.step_count, 2);
    assert_string_equal(result.job_finished.steps[1].name, "connect");
    assert_int_equal(result.job_finished.steps[1].outcome, STEP_FAILED);
    assert_int_equal(session_pool_running(fixture->pool), 1); /* until it is ended */
    session_pool_end(fixture->pool, &result.job_finished.id);
    assert_int_equal(session_pool_running(fixture->pool), 0);
    message_free(&result);
}

static void a_second_attempt_for_the_same_computer_is_declined(void **state)
{
    struct fixture *fixture = *state;
    struct message first, second, result;
    struct error err = { 0 };
    uint16_t port;
    int fd = open_silent(&port);

    first = offer_for(5, port);
    second = offer_for(5, port);
    second.job_offer.id.attempt = 2;
    assert_true(session_pool_start(fixture->pool, &first.job_offer, &err));
    assert_false(session_pool_start(fixture->pool, &second.job_offer, &err));
    assert_int_equal(err.reason, REASON_JOB_UNDER_WAY);
    assert_non_null(second.job_offer.address); /* still the caller's */
    message_free(&second);
    result = next_result(fixture); /* the first one, which the site has given up */
    assert_int_equal(result.job_finished.id.attempt, 1);
    session_pool_end(fixture->pool, &result.job_finished.id);
    message_free(&result);
    close(fd);
}

static void no_more_jobs_are_started_than_there_are_slots(void **state)
{
    struct fixture *fixture = *state;
    struct error err = { 0 };
    uint16_t port;
    int fd = open_silent(&port);

    for (uint64_t job = 1; job <= SLOTS; job++) {
        struct message offer = offer_for(job, port);

        assert_true(session_pool_start(fixture->pool, &offer.job_offer, &err));
    }
    struct message late = offer_for(SLOTS + 1, port);
    assert_false(session_pool_start(fixture->pool, &late.job_offer, &err));
    assert_int_equal(err.reason, REASON_NO_FREE_SLOT);
    message_free(&late);
    for (uint64_t job = 1; job <= SLOTS; job++) {
        struct message result = next_result(fixture);

        assert_int_equal(result.job_finished.reason, REASON_TIMEOUT);
        session_pool_end(fixture->pool, &result.job_finished.id);
        message_free(&result);
    }
    close(fd);
}

static void a_job_whose_time_is_up_ends_before_the_next_step(void **state)
{
    struct fixture *fixture = *state;
    struct message offer, result;
    struct error err = { 0 };
    uint16_t port;

    close(open_silent(&port));
    offer = offer_for(5, port);
    offer.job_offer.deadline_s = 0; /* its time is up before the first step */
    assert_true(session_pool_start(fixture->pool, &offer.job_offer, &err));
    result = next_result(fixture);
    assert_int_equal(result.job_finished.reason, REASON_TIME_UP);
    assert_false(session_pool_stop(fixture->pool, &(struct attempt_id){ 99, 1 }, REASON_CANCELLED));
    assert_true(session_pool_stop(fixture->pool, NULL, REASON_SERVICE_POINT_STOPPING));
    session_pool_end(fixture->pool, &result.job_finished.id);
    message_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_computer_that_is_not_there_gives_a_result_with_its_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_second_attempt_for_the_same_computer_is_declined, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_more_jobs_are_started_than_there_are_slots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_whose_time_is_up_ends_before_the_next_step, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
