#include "common/clock.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define LOOK_FIRST_MS     250
#define LOOK_PAUSE_MAX_MS 2000
#define CLOSED_FOR_MS     2000 /* after the firmware said that it is done */

typedef bool unprovision_call(struct connection *connection, struct error *err);

enum afterwards { AS_BEFORE, IN_SETUP_AGAIN, PORT_CLOSED };

/* A handshake tells, without a word said to a computer that may be in anybody's hands by now: the firmware
 * shows our certificate, or one of its own and asks for ours as in setup, or its port is closed. */
static enum afterwards look(struct session *session, const struct provisioning_certificate *certificate,
                            struct error *err)
{
    const struct connection_target target = target_of(session, certificate, IDENTITY_EITHER);
    AUTO(connection_close) struct connection *connection = NULL;

    if (!connection_open(&connection, &target, err)) {
        if (err->reason == REASON_UNREACHABLE)
            return PORT_CLOSED;
        /* Only setup looks at a certificate for setup, and refuses one that opened mutual TLS before. */
        return certificate_refused(err) || err->reason == REASON_CONSOLE_CERTIFICATE_REFUSED ||
                       (!certificate && err->reason == REASON_TLS_FAILED)
                   ? IN_SETUP_AGAIN
                   : AS_BEFORE;
    }
    if (connection_identity(connection) == IDENTITY_SETUP)
        return IN_SETUP_AGAIN;
    error_because(err, REASON_COMMIT_HAD_NO_EFFECT, "the firmware still shows the certificate of this site");
    return AS_BEFORE;
}

/* Until the firmware is seen in setup, or its port stays closed: for a moment after it confirmed, for the
 * whole wait when its answer was lost. */
static bool await_end(struct session *session, const struct provisioning_certificate *certificate,
                      bool answered, enum afterwards *seen, struct error *err)
{
    int64_t began_ms = clock_monotonic_ms(), closed_since_ms = 0, pause_ms = LOOK_FIRST_MS, now_ms;
    int64_t closed_for_ms = answered && CLOSED_FOR_MS < session->around->restart_wait_ms
                                ? CLOSED_FOR_MS
                                : session->around->restart_wait_ms;

    do {
        if (!session_wait(session, pause_ms, err))
            return false;
        *seen = look(session, certificate, err);
        now_ms = clock_monotonic_ms();
        if (*seen == IN_SETUP_AGAIN)
            return true;
        if (*seen != PORT_CLOSED)
            closed_since_ms = 0;
        else if (closed_since_ms == 0)
            closed_since_ms = now_ms;
        if (closed_since_ms && now_ms - closed_since_ms >= closed_for_ms)
            return true;
        pause_ms = pause_ms * 2 < LOOK_PAUSE_MAX_MS ? pause_ms * 2 : LOOK_PAUSE_MAX_MS;
    } while (now_ms - began_ms < session->around->restart_wait_ms || closed_since_ms);
    return false;
}

/* A restart closes the ports as well, but not for so long. What a closed port means the site knows, which was
 * told what earlier attempts did. Always false: the computer is not reached. */
bool unprovision_found_closed(struct session *session, struct error *err)
{
    const struct connection_target target = target_of(session, NULL, IDENTITY_OPERATIONAL);
    int64_t until_ms = clock_monotonic_ms() + session->around->restart_wait_ms;

    do {
        if (!connection_port_closed(&target) || !session_wait(session, LOOK_PAUSE_MAX_MS, err))
            return false;
    } while (clock_monotonic_ms() < until_ms);
    return error_because(err, REASON_PORT_CLOSED, "%s refuses connections to port %u", target.address,
                         target.port);
}

/* Told before it is done: should nobody be left to tell afterwards, the site knows that a port that is closed
 * then was closed by this. Repeating it is harmless. */
bool begin_unprovisioning(struct session *session, struct step_report *report, struct error *err)
{
    (void)err;
    if (session->setup.state != PROVISIONING_POST)
        return step_unchanged(report, "the firmware is not provisioned any more");
    session->last_said_ms = 0; /* so that this report does not wait for others */
    return step_done(report, "the firmware is asked next");
}

static bool unprovision_with(struct session *session, unprovision_call *call, struct step_report *report,
                             struct error *err)
{
    static const char *const words[] = { [AS_BEFORE] = "",
                                         [IN_SETUP_AGAIN] = "the firmware is in setup again",
                                         [PORT_CLOSED] = "the firmware closed its port" };
    const struct provisioning_certificate *certificate;
    enum afterwards seen = AS_BEFORE;
    bool answered;

    if (session->setup.state != PROVISIONING_POST)
        return step_unchanged(report, "the firmware is not provisioned any more: an earlier attempt did it");
    connection_set_timeout(session->connection, session->around->slow_request_timeout_ms);
    answered = call(session->connection, err);
    if (!answered && !answer_lost(err))
        return false;
    certificate =
        mutual_in_force(session) ? connection_presented(session->connection) : certificate_for(session);
    connection_close(&session->connection);
    if (!await_end(session, certificate, answered, &seen, err))
        return error_during(err, "after the unprovisioning%s", answered ? "" : ", whose answer was lost");
    return step_done(report, "%s%s", words[seen], answered ? "" : "; its answer was lost");
}

/* AMT SDK: Unprovision. Repeating it is harmless: what is not provisioned is left alone. */
bool unprovision(struct session *session, struct step_report *report, struct error *err)
{
    return unprovision_with(session, wsman_setup_unprovision, report, err);
}

/* AMT SDK: PartialUnprovision. The same holds. */
bool unprovision_partially(struct session *session, struct step_report *report, struct error *err)
{
    return unprovision_with(session, wsman_setup_unprovision_partially, report, err);
}
