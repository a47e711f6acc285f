#include "firmware/connection.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "firmware/connection_state.h"

#define TIMEOUT_DEFAULT_MS 60000
#define MAJOR_TLS_1_2      12 /* AMT 12 dropped TLS 1.0 */

/* ---- time ---- */

int64_t connection_request_end(const struct connection *connection)
{
    int64_t until = clock_monotonic_ms() + connection->target.timeout_ms;

    if (connection->target.deadline_ms && connection->target.deadline_ms < until)
        until = connection->target.deadline_ms;
    return until;
}

bool connection_time_up(const struct connection *connection, struct error *err)
{
    if (connection->target.deadline_ms && clock_monotonic_ms() >= connection->target.deadline_ms)
        return !error_because(err, REASON_TIME_UP, "the job's time was up while talking to %s",
                              connection->address);
    return false;
}

/* ---- opening ---- */

struct firmware_release connection_release(const struct connection *connection)
{
    return firmware_release_parse(*connection->version ? connection->version
                                                       : connection->target.firmware_version);
}

bool connection_certificate_refused(const struct connection *connection, const char *why, struct error *err)
{
    const struct provisioning_certificate *certificate = connection->target.certificate;
    struct error guess = { 0 };

    if (certificate && provisioning_certificate_is_console(certificate))
        return error_because(err, REASON_CONSOLE_CERTIFICATE_REFUSED,
                             "%s asks for a client certificate and refused our console certificate %s (%s)",
                             connection->address,
                             provisioning_certificate_preflight(certificate)->common_name, why);

    if (certificate &&
        !preflight_check(provisioning_certificate_preflight(certificate), connection->target.dns_suffix,
                         connection_release(connection), clock_wall_ms() / 1000, &guess)) {
        error_because(err, guess.reason, "%s", guess.message);
        return error_during(err, "%s refused our certificate (%s)", connection->address, why);
    }
    return error_because(
        err, REASON_CLIENT_CERTIFICATE_REFUSED,
        "%s refused our certificate (%s), and it obeys the rules that can be checked from here; compare "
        "its name %s with the computer's DNS suffix",
        connection->address, why,
        certificate ? provisioning_certificate_preflight(certificate)->common_name : "(none)");
}

/* A reset says less than an alert or a close: only with a likely cause it counts as a refusal. */
static bool reset_after_certificate(const struct connection *connection, struct error *err)
{
    struct error judged = { 0 };

    if (!connection->stream.certificate_sent || !connection->target.certificate)
        return false;
    connection_certificate_refused(connection, connection->stream.why, &judged);
    if (judged.reason == REASON_CLIENT_CERTIFICATE_REFUSED ||
        judged.reason == REASON_CONSOLE_CERTIFICATE_REFUSED)
        return false;
    *err = judged;
    return true;
}

static unsigned open_timeout_ms(const struct connection *connection)
{
    unsigned connect_ms = connection->target.connect_timeout_ms, request_ms = connection->target.timeout_ms;

    return connect_ms && connect_ms < request_ms ? connect_ms : request_ms;
}

static bool open_failed(const struct connection *connection, enum stream_outcome outcome, struct error *err)
{
    const char *address = connection->address, *why = connection->stream.why;

    switch (outcome) {
    case STREAM_BAD_ADDRESS:
        return error_set(err, ERROR_INPUT, "'%s' is not a numeric IP address", address);
    case STREAM_UNREACHABLE:
        return connection_time_up(connection, err) ? false
                                                   : error_because(err, REASON_UNREACHABLE, "%s port %u: %s",
                                                                   address, connection->target.port, why);
    case STREAM_NOT_TLS:
        return error_because(err, REASON_NO_AMT, "%s port %u: %s", address, connection->target.port, why);
    case STREAM_MISMATCH:
        return error_because(err, REASON_TLS_FAILED, "%s: no TLS version or suite in common: %s", address,
                             why);
    case STREAM_CERTIFICATE_REFUSED:
        if (connection->target.certificate)
            return connection_certificate_refused(connection, why, err);
        return error_because(err, REASON_TLS_FAILED, "%s wants a client certificate: %s", address, why);
    case STREAM_TIMEOUT:
        return connection_time_up(connection, err)
                   ? false
                   : error_because(err, REASON_TIMEOUT, "the TLS handshake with %s did not end within %u ms",
                                   address, open_timeout_ms(connection));
    case STREAM_CLOSED:
    case STREAM_RESET:
        if (reset_after_certificate(connection, err))
            return false;
        return error_because(err, REASON_CONNECTION_LOST, "%s, in the TLS handshake: %s", address, why);
    default:
        return error_because(err, REASON_TLS_FAILED, "%s: the TLS handshake failed: %s", address, why);
    }
}

static bool legacy_may_help(const struct connection *connection, enum stream_outcome outcome)
{
    struct firmware_release release = connection_release(connection);

    return (outcome == STREAM_MISMATCH || outcome == STREAM_NOT_TLS) &&
           connection->policy == TLS_POLICY_MODERN && !connection->policy_proved &&
           connection->target.tls == TLS_ALLOW_LEGACY && release.major < MAJOR_TLS_1_2;
}

static enum stream_outcome stream_open(struct connection *connection, int64_t until_ms)
{
    const struct connection_target *target = &connection->target;
    int64_t connected_by_ms = clock_monotonic_ms() + target->connect_timeout_ms;
    SSL_CTX *context = trust_context(target->trust, target->certificate, connection->policy);

    if (target->connect_timeout_ms && connected_by_ms < until_ms)
        until_ms = connected_by_ms;
    return tls_stream_open(&connection->stream, connection->address, target->port, context,
                           connection->session, until_ms);
}

static void session_forget(struct connection *connection)
{
    SSL_SESSION_free(connection->session);
    connection->session = NULL;
}

/* Of a device that was just found to be the right one. */
static void session_keep(struct connection *connection)
{
    if (!connection->target.resume || connection->stream.resumed)
        return;
    session_forget(connection);
    connection->session = tls_stream_session(&connection->stream);
}

/* A device may decline a session, but not all that speak TLS are sure to do so in order. */
static bool full_handshake_may_help(struct connection *connection, enum stream_outcome outcome)
{
    return connection->session && outcome != STREAM_OK && outcome != STREAM_UNREACHABLE &&
           outcome != STREAM_TIMEOUT;
}

bool connection_ensure_open(struct connection *connection, int64_t until_ms, struct error *err)
{
    enum stream_outcome outcome;

    if (connection->stream.ssl && tls_stream_usable(&connection->stream))
        return true;
    connection_hang_up(connection);
    if (connection_time_up(connection, err))
        return false;
    outcome = stream_open(connection, until_ms);
    if (full_handshake_may_help(connection, outcome)) {
        session_forget(connection);
        outcome = stream_open(connection, until_ms);
    }
    if (legacy_may_help(connection, outcome)) {
        connection->policy = TLS_POLICY_LEGACY;
        outcome = stream_open(connection, until_ms);
    }
    if (outcome != STREAM_OK) {
        session_forget(connection);
        return open_failed(connection, outcome, err);
    }
    connection->opened++;
    connection->policy_proved = true;
    if (!connection->stream.resumed)
        connection->asked = connection->stream.certificate_asked;
    snprintf(connection->tls, sizeof(connection->tls), "%s %s", SSL_get_version(connection->stream.ssl),
             SSL_get_cipher_name(connection->stream.ssl));
    if (!identity_judge(connection, err)) {
        connection_drop(connection);
        return false;
    }
    session_keep(connection);
    return true;
}

static void url_make(struct connection *connection)
{
    bool v6 = strchr(connection->address, ':') != NULL;

    connection->url = text_format("http://%s%s%s:%u", v6 ? "[" : "", connection->address, v6 ? "]" : "",
                                  connection->target.port);
}

static void pipe_signal_block(void)
{
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe,
                    NULL); /* a write to a closed socket is an error, not the process's end */
}

bool connection_open(struct connection **owner, const struct connection_target *target, struct error *err)
{
    AUTO(connection_close) struct connection *connection = allocate(sizeof(*connection));
    struct firmware_release release = firmware_release_parse(target->firmware_version);

    connection->target = *target;
    connection->address = text_copy(target->address);
    tls_stream_init(&connection->stream);
    if (!connection->target.port)
        connection->target.port = CONNECTION_PORT_TLS;
    connection_set_timeout(connection, target->timeout_ms);
    connection->expected = target->identity;
    if (release.major && release.major < MAJOR_TLS_1_2 && target->tls == TLS_ALLOW_LEGACY)
        connection->policy = TLS_POLICY_LEGACY;
    if (target->fingerprint) {
        memcpy(connection->fingerprint, target->fingerprint, CONNECTION_FINGERPRINT_SIZE);
        connection->has_fingerprint = true;
    }
    url_make(connection);
    pipe_signal_block();
    if (!connection_ensure_open(connection, connection_request_end(connection), err))
        return false;
    exchange_hooks_set(connection);
    *owner = TAKE(connection);
    return true;
}

bool connection_port_closed(const struct connection_target *target)
{
    unsigned timeout_ms = target->connect_timeout_ms ? target->connect_timeout_ms : TIMEOUT_DEFAULT_MS;

    return tls_stream_port_closed(target->address, target->port ? target->port : CONNECTION_PORT_TLS,
                                  clock_monotonic_ms() + timeout_ms);
}

void connection_close(struct connection **owner)
{
    struct connection *connection = TAKE(*owner);

    if (!connection)
        return;
    connection_drop(connection);
    runtime_clear(&connection->runtime);
    login_clear(&connection->login);
    bytes_free(&connection->certificate);
    text_free(&connection->address);
    text_free(&connection->url);
    free(connection);
}

void connection_set_timeout(struct connection *connection, unsigned timeout_ms)
{
    connection->target.timeout_ms = timeout_ms ? timeout_ms : TIMEOUT_DEFAULT_MS;
}

void connection_hang_up(struct connection *connection)
{
    if (connection->stream.alert >= 0) /* RFC 5246 7.2.2: a fatal alert ends the session as well */
        session_forget(connection);
    tls_stream_close(&connection->stream);
    connection->exchanges = 0;
}

void connection_drop(struct connection *connection)
{
    connection_hang_up(connection);
    session_forget(connection);
}

void connection_expect(struct connection *connection, enum device_identity identity)
{
    connection->expected = identity;
    if (connection->found != identity)
        session_forget(connection); /* of a certificate that is not the one to come */
}

void connection_present(struct connection *connection, const struct provisioning_certificate *certificate)
{
    if (connection->target.certificate == certificate)
        return;
    connection->target.certificate = certificate;
    session_forget(connection);
}

/* ---- what was learned ---- */

bool connection_asked_certificate(const struct connection *connection)
{
    return connection->asked;
}

const struct provisioning_certificate *connection_presented(const struct connection *connection)
{
    return connection->target.certificate;
}

size_t connection_number(struct connection *connection)
{
    bool open = connection->stream.ssl && tls_stream_usable(&connection->stream);

    return open ? connection->opened : connection->opened + 1;
}

enum device_identity connection_identity(const struct connection *connection)
{
    return connection->found;
}

const uint8_t *connection_fingerprint(const struct connection *connection)
{
    return connection->fingerprint;
}

const struct bytes *connection_device_certificate(const struct connection *connection)
{
    return &connection->certificate;
}

const char *connection_firmware_version(const struct connection *connection)
{
    return connection->version;
}

const char *connection_digest_realm(const struct connection *connection)
{
    return connection->realm;
}

const char *connection_tls(const struct connection *connection)
{
    return connection->tls;
}

struct runtime *connection_runtime(struct connection *connection)
{
    runtime_wake(&connection->runtime);
    return &connection->runtime;
}
