#include "provisioning/session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "provisioning/network.h"
#include "provisioning/secrecy.h"

#define ASK_AGAIN_MS    15000 /* the site may have been away when it was asked */
#define REPORT_PAUSE_MS 500   /* steps that end sooner after a report wait for the next one */
#define SESSION_QUESTION                                                                                     \
    (UINT64_C(1) << 63) /* keeps the ids of sessions apart from those of the main thread */

struct session *session_new(struct message_job_offer *offer, const struct session_surroundings *around)
{
    struct session *session = allocate(sizeof(*session));
    pthread_condattr_t attributes;

    session->around = around;
    if (around->console)
        session->consoles = console_hold(around->console);
    session->offer = *offer;
    memset(offer, 0, sizeof(*offer));
    session->fqdn = session->offer.domain[0]
                        ? text_format("%s.%s", session->offer.host_name, session->offer.domain)
                        : text_copy(session->offer.host_name);
    session->deadline_ms = clock_monotonic_ms() + (int64_t)session->offer.deadline_s * 1000;
    session->result.id = session->offer.id;
    session->result.admin_password = PASSWORD_UNTOUCHED;
    session->result.mebx_password = PASSWORD_UNTOUCHED;
    pthread_mutex_init(&session->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&session->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return session;
}

void session_free(struct session **session)
{
    struct session *ending = *session;
    struct message offer = { .kind = MESSAGE_JOB_OFFER }, result = { .kind = MESSAGE_JOB_FINISHED };

    if (!ending)
        return;
    connection_close(&ending->connection);
    setup_service_clear(&ending->setup);
    stored_key_list_free(&ending->keys);
    stored_certificate_list_free(&ending->certificates);
    bytes_free(&ending->credential.public_key);
    bytes_free(&ending->credential.request);
    bytes_free(&ending->credential.certificate);
    network_state_free(&ending->network);
    offer.job_offer = ending->offer;
    message_free(&offer);
    result.job_finished = ending->result;
    message_free(&result);
    if (ending->answered)
        message_free(&ending->answer);
    console_release(&ending->consoles);
    text_free(&ending->fqdn);
    pthread_cond_destroy(&ending->changed);
    pthread_mutex_destroy(&ending->lock);
    free(ending);
    *session = NULL;
}

bool session_answer(struct session *session, struct message *answer)
{
    bool fits;

    pthread_mutex_lock(&session->lock);
    fits = session->question != 0 && answer->correlation == session->question && !session->answered;
    if (fits) {
        session->answer = *answer;
        memset(answer, 0, sizeof(*answer));
        session->answered = true;
        pthread_cond_signal(&session->changed);
    }
    pthread_mutex_unlock(&session->lock);
    return fits;
}

void session_stop(struct session *session, enum reason_code reason)
{
    pthread_mutex_lock(&session->lock);
    if (session->stop_reason == REASON_NONE)
        session->stop_reason = reason;
    pthread_cond_signal(&session->changed);
    pthread_mutex_unlock(&session->lock);
}

void session_ask_again(struct session *session)
{
    pthread_mutex_lock(&session->lock);
    session->ask_again = session->question != 0;
    pthread_cond_signal(&session->changed);
    pthread_mutex_unlock(&session->lock);
}

static bool may_go_on(const struct session *session, struct error *err)
{
    if (session->stop_reason != REASON_NONE)
        return error_because(err, session->stop_reason, "%s", reason_of(session->stop_reason)->meaning);
    if (clock_monotonic_ms() >= session->deadline_ms)
        return error_because(err, REASON_TIME_UP, "the attempt's %u seconds are over",
                             session->offer.deadline_s);
    return true;
}

bool session_may_go_on(struct session *session, struct error *err)
{
    bool yes;

    pthread_mutex_lock(&session->lock);
    yes = may_go_on(session, err);
    pthread_mutex_unlock(&session->lock);
    return yes;
}

/* Until something changed or that monotonic time has come; the lock is held. */
static void wait_until(struct session *session, int64_t until_ms)
{
    const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

    pthread_cond_timedwait(&session->changed, &session->lock, &until);
}

bool session_wait(struct session *session, int64_t wait_ms, struct error *err)
{
    int64_t until_ms = clock_monotonic_ms() + wait_ms;
    bool going;

    if (until_ms > session->deadline_ms)
        until_ms = session->deadline_ms;
    pthread_mutex_lock(&session->lock);
    while ((going = may_go_on(session, err)) && clock_monotonic_ms() < until_ms)
        wait_until(session, until_ms);
    pthread_mutex_unlock(&session->lock);
    return going;
}

/* A question is said again and again, each time as a message of its own. */
static void say(struct session *session, const struct message *question)
{
    struct message copy = *question;

    if (question->kind == MESSAGE_CERTIFICATE_WANTED) {
        copy.certificate_wanted.der = (struct bytes){ 0 };
        bytes_set(&copy.certificate_wanted.der, question->certificate_wanted.der.data,
                  question->certificate_wanted.der.length);
        copy.certificate_wanted.firmware_version = text_copy(question->certificate_wanted.firmware_version);
    }
    if (question->kind == MESSAGE_ACCOUNT_WANTED)
        copy.account_wanted.firmware_version = text_copy(question->account_wanted.firmware_version);
    session->around->say(session->around->context, &copy);
}

/* Waits for the answer until then, or until it is better to ask again; the lock is held. */
static bool wait_for_answer(struct session *session, int64_t until_ms, struct error *err)
{
    bool going = true;

    while (!session->answered && (going = may_go_on(session, err)) && !session->ask_again &&
           clock_monotonic_ms() < until_ms)
        wait_until(session, until_ms < session->deadline_ms ? until_ms : session->deadline_ms);
    return going;
}

bool session_ask(struct session *session, const struct message *question, enum message_kind answer_kind,
                 struct message *answer, struct error *err)
{
    static atomic_uint_fast64_t questions;
    struct message asked = *question; /* borrows what question owns */
    bool going = true;

    asked.correlation = SESSION_QUESTION | atomic_fetch_add(&questions, 1);
    pthread_mutex_lock(&session->lock);
    session->question = asked.correlation;
    while (!session->answered && going) {
        session->ask_again = false;
        pthread_mutex_unlock(&session->lock);
        say(session, &asked);
        pthread_mutex_lock(&session->lock);
        going = wait_for_answer(session, clock_monotonic_ms() + ASK_AGAIN_MS, err);
    }
    session->question = 0;
    if (session->answered) {
        *answer = session->answer;
        memset(&session->answer, 0, sizeof(session->answer));
        session->answered = false;
        going = true;
    }
    pthread_mutex_unlock(&session->lock);
    if (!going && err->reason == REASON_TIME_UP)
        return error_because(err, REASON_SITE_UNREACHABLE, "the site server did not answer %s in time",
                             message_kind_name(question->kind));
    if (!going)
        return false;
    if (answer->kind == answer_kind)
        return true;
    if (answer->kind == MESSAGE_REFUSED)
        error_because(err, answer->refused.reason, "%s", answer->refused.text);
    else
        error_because(err, REASON_MESSAGE_REFUSED, "the site server answered %s with %s",
                      message_kind_name(question->kind), message_kind_name(answer->kind));
    message_free(answer);
    return false;
}

static struct step_report step_copy(const struct step_report *step)
{
    struct step_report copy = *step;

    copy.number = text_copy(step->number);
    copy.name = text_copy(step->name);
    copy.detail = text_copy(step->detail);
    return copy;
}

static void say_steps(struct session *session)
{
    struct message message = { .kind = MESSAGE_STEP_FINISHED };
    size_t count = session->result.step_count - session->steps_said;

    message.step_finished.id = session->offer.id;
    message.step_finished.steps = allocate(count * sizeof(*message.step_finished.steps));
    for (size_t i = 0; i < count; i++)
        message.step_finished.steps[i] = step_copy(&session->result.steps[session->steps_said + i]);
    message.step_finished.step_count = count;
    session->steps_said = session->result.step_count;
    session->around->say(session->around->context, &message);
}

void session_report(struct session *session, struct step_report *step)
{
    struct message_job_finished *result = &session->result;
    int64_t now_ms = clock_monotonic_ms();

    secrecy_keep(&session->offer, step->detail);
    result->steps = reallocate(result->steps, result->step_count + 1, sizeof(*result->steps));
    result->steps[result->step_count++] = *step;
    memset(step, 0, sizeof(*step));
    if (now_ms - session->last_said_ms < REPORT_PAUSE_MS)
        return;
    session->last_said_ms = now_ms;
    say_steps(session);
}

void session_note_user(struct session *session, const struct user_entry *user)
{
    struct message_job_finished *result = &session->result;

    if (!user->username || user->password_version == 0)
        return;
    result->users = reallocate(result->users, result->user_count + 1, sizeof(*result->users));
    result->users[result->user_count++] =
        (struct user_written){ text_copy(user->username), user->password_version };
}

void session_note_network(struct session *session, const char *wireless, uint64_t password_version)
{
    struct message_job_finished *result = &session->result;

    if (password_version == 0)
        return;
    result->networks = reallocate(result->networks, result->network_count + 1, sizeof(*result->networks));
    result->networks[result->network_count++] =
        (struct network_written){ text_copy(wireless), password_version };
}

void session_note_setting(struct session *session, const char *name, const char *value)
{
    struct message_job_finished *result = &session->result;

    result->settings = reallocate(result->settings, result->setting_count + 1, sizeof(*result->settings));
    result->settings[result->setting_count++] = text_format("%s=%s", name, value);
}
