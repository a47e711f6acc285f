/* Design 1: a session's thread and the main thread meet in the mailbox and in session_answer() only. */
#include "tests/unit/unit_test.h"

#include <pthread.h>
#include <string.h>

#include "common/clock.h"
#include "provisioning/session.h"
#include "work/mailbox.h"

static void post(void *context, struct message *message)
{
    mailbox_post(context, message);
}

struct fixture {
    struct mailbox *mailbox;
    struct session_surroundings around;
    struct session *session;
};

static void set_up(struct fixture *fixture, uint32_t deadline_s)
{
    struct message_job_offer offer = { .id = { 12, 3 }, .deadline_s = deadline_s };
    struct error err = { 0 };

    assert_true(mailbox_open(&fixture->mailbox, &err));
    offer.host_name = text_copy("pc1");
    offer.domain = text_copy("corp.example.com");
    fixture->around.say = post;
    fixture->around.context = fixture->mailbox;
    fixture->session = session_new(&offer, &fixture->around);
    assert_null(offer.host_name);
}

static void tear_down(struct fixture *fixture)
{
    session_free(&fixture->session);
    mailbox_close(&fixture->mailbox);
}

static void *stop_it(void *session)
{
    session_stop(session, REASON_SERVICE_POINT_STOPPING);
    return NULL;
}

static void a_wait_ends_when_the_session_is_stopped(void **state)
{
    struct fixture fixture = { 0 };
    int64_t began_ms = clock_monotonic_ms();
    struct error err = { 0 };
    pthread_t stopper;

    (void)state;
    set_up(&fixture, 600);
    pthread_create(&stopper, NULL, stop_it, fixture.session);
    assert_false(session_wait(fixture.session, 60000, &err));
    pthread_join(stopper, NULL);
    assert_int_equal(err.reason, REASON_SERVICE_POINT_STOPPING);
    assert_true(clock_monotonic_ms() - began_ms < 10000);
    assert_false(session_may_go_on(fixture.session, &err));
    tear_down(&fixture);
}

static void a_wait_ends_with_the_attempt_s_time(void **state)
{
    struct fixture fixture = { 0 };
    struct error err = { 0 };

    (void)state;
    set_up(&fixture, 0);
    assert_false(session_wait(fixture.session, 60000, &err));
    assert_int_equal(err.reason, REASON_TIME_UP);
    tear_down(&fixture);
}

static void a_wait_that_is_not_disturbed_lasts_as_long_as_asked(void **state)
{
    struct fixture fixture = { 0 };
    int64_t began_ms = clock_monotonic_ms();
    struct error err = { 0 };

    (void)state;
    set_up(&fixture, 600);
    assert_true(session_wait(fixture.session, 30, &err));
    assert_true(clock_monotonic_ms() - began_ms >= 30);
    tear_down(&fixture);
}

struct answerer {
    struct fixture *fixture;
    enum message_kind kind;
};

/* The main thread's part: takes the question, gives the answer; an answer to another question first. */
static void *answer_it(void *argument)
{
    const struct answerer *answerer = argument;
    struct message question = { 0 };
    struct message answer = { .kind = answerer->kind };
    struct message stray = { .kind = MESSAGE_CERTIFICATE, .correlation = 1 };

    while (!mailbox_take(answerer->fixture->mailbox, &question))
        ;
    assert_false(session_answer(answerer->fixture->session, &stray));
    answer.correlation = question.correlation;
    if (answer.kind == MESSAGE_CERTIFICATE) {
        assert_int_equal(question.certificate_wanted.der.length, 3);
        bytes_set(&answer.certificate.der, "cert", 4);
    } else {
        answer.refused.reason = REASON_NO_AUTHORITY;
        answer.refused.text = text_copy("no authority is there");
    }
    assert_true(session_answer(answerer->fixture->session, &answer));
    message_free(&question);
    return NULL;
}

static bool ask(struct fixture *fixture, enum message_kind answer_kind, struct message *answer,
                struct error *err)
{
    struct answerer answerer = { fixture, answer_kind };
    unsigned char request[] = { 1, 2, 3 };
    const struct message question = { .kind = MESSAGE_CERTIFICATE_WANTED,
                                      .certificate_wanted = { { 12, 3 }, { request, sizeof(request) } } };
    pthread_t thread;
    bool answered;

    pthread_create(&thread, NULL, answer_it, &answerer);
    answered = session_ask(fixture->session, &question, MESSAGE_CERTIFICATE, answer, err);
    pthread_join(thread, NULL);
    return answered;
}

static void a_question_gets_its_answer(void **state)
{
    struct fixture fixture = { 0 };
    struct message answer = { 0 };
    struct error err = { 0 };

    (void)state;
    set_up(&fixture, 600);
    assert_true(ask(&fixture, MESSAGE_CERTIFICATE, &answer, &err));
    assert_memory_equal(answer.certificate.der.data, "cert", 4);
    message_free(&answer);
    tear_down(&fixture);
}

static void a_refused_question_fails_with_the_site_s_reason(void **state)
{
    struct fixture fixture = { 0 };
    struct message answer = { 0 };
    struct error err = { 0 };

    (void)state;
    set_up(&fixture, 600);
    assert_false(ask(&fixture, MESSAGE_REFUSED, &answer, &err));
    assert_int_equal(err.reason, REASON_NO_AUTHORITY);
    assert_string_equal(err.message, "no authority is there");
    tear_down(&fixture);
}

static void *miss_it_then_answer(void *argument)
{
    const struct answerer *answerer = argument;
    struct message missed = { 0 };

    while (!mailbox_take(answerer->fixture->mailbox, &missed))
        ;
    message_free(&missed);
    session_ask_again(answerer->fixture->session);
    return answer_it(argument);
}

/* The site died with the question, and came back long before it would be asked again by itself. */
static void a_question_that_went_under_is_asked_again_when_the_site_is_back(void **state)
{
    struct fixture fixture = { 0 };
    struct answerer answerer = { &fixture, MESSAGE_CERTIFICATE };
    unsigned char request[] = { 1, 2, 3 };
    const struct message question = { .kind = MESSAGE_CERTIFICATE_WANTED,
                                      .certificate_wanted = { { 12, 3 }, { request, sizeof(request) } } };
    AUTO(message_free) struct message answer = { 0 };
    int64_t began_ms = clock_monotonic_ms();
    struct error err = { 0 };
    pthread_t thread;

    (void)state;
    set_up(&fixture, 600);
    pthread_create(&thread, NULL, miss_it_then_answer, &answerer);
    assert_true(session_ask(fixture.session, &question, MESSAGE_CERTIFICATE, &answer, &err));
    pthread_join(thread, NULL);
    assert_true(clock_monotonic_ms() - began_ms < 10000);
    tear_down(&fixture);
}

static void a_question_that_nobody_answers_ends_with_the_attempt(void **state)
{
    struct fixture fixture = { 0 };
    const struct message question = { .kind = MESSAGE_ACCOUNT_WANTED, .account_wanted.id = { 12, 3 } };
    struct message answer = { 0 };
    struct error err = { 0 };

    (void)state;
    set_up(&fixture, 1);
    assert_false(session_ask(fixture.session, &question, MESSAGE_ACCOUNT, &answer, &err));
    assert_int_equal(err.reason, REASON_SITE_UNREACHABLE);
    tear_down(&fixture);
}

static struct step_report step_of(const char *number)
{
    return (
        struct step_report){ .number = text_copy(number), .name = text_copy("a step"), .outcome = STEP_DONE };
}

static void steps_are_told_in_batches_and_kept_for_the_result(void **state)
{
    struct fixture fixture = { 0 };
    struct message message = { 0 };

    (void)state;
    set_up(&fixture, 600);
    for (unsigned i = 0; i < 3; i++) {
        struct step_report step = step_of("O7.1");

        session_report(fixture.session, &step);
        assert_null(step.number);
    }
    assert_true(mailbox_take(fixture.mailbox, &message));
    assert_int_equal(message.kind, MESSAGE_STEP_FINISHED);
    assert_int_equal(message.step_finished.step_count, 1);
    message_free(&message);
    assert_false(mailbox_take(fixture.mailbox, &message)); /* the next two wait for company */
    assert_int_equal(fixture.session->result.step_count, 3);
    tear_down(&fixture);
}

static void *post_many(void *mailbox)
{
    for (unsigned i = 0; i < 1000; i++) {
        struct message message = { .kind = MESSAGE_ACCOUNT_WANTED, .correlation = i };

        mailbox_post(mailbox, &message);
    }
    return NULL;
}

static void the_mailbox_loses_nothing_that_threads_post_at_once(void **state)
{
    struct mailbox *mailbox = NULL;
    struct message message = { 0 };
    struct error err = { 0 };
    pthread_t threads[4];
    unsigned taken = 0;

    (void)state;
    assert_true(mailbox_open(&mailbox, &err));
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, post_many, mailbox);
    while (taken < 1000) { /* while they post */
        if (mailbox_take(mailbox, &message))
            taken++;
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    while (mailbox_take(mailbox, &message))
        taken++;
    assert_int_equal(taken, 4000);
    mailbox_close(&mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_when_the_session_is_stopped),
        cmocka_unit_test(a_wait_ends_with_the_attempt_s_time),
        cmocka_unit_test(a_wait_that_is_not_disturbed_lasts_as_long_as_asked),
        cmocka_unit_test(a_question_gets_its_answer),
        cmocka_unit_test(a_refused_question_fails_with_the_site_s_reason),
        cmocka_unit_test(a_question_that_went_under_is_asked_again_when_the_site_is_back),
        cmocka_unit_test(a_question_that_nobody_answers_ends_with_the_attempt),
        cmocka_unit_test(steps_are_told_in_batches_and_kept_for_the_result),
        cmocka_unit_test(the_mailbox_loses_nothing_that_threads_post_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
